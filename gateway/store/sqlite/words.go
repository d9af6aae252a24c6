package sqlite

import (
	"context"
	"errors"
	"fmt"
)

// words is a column that holds what a sender or a person wrote, and which of its
// rows belong to a mail or an exception, whose id is ?1.
type words struct{ table, column, of string }

// wordsOfMail and wordsOfException are all columns with words; an erasure empties
// them. Besides, rows of openings and kept answers are deleted. A new column with
// text stands here, or in the list of those without words in the test of this file.
var (
	wordsOfMail = [...]words{
		{"messages", "subject", `id = ?1`},
		{"messages", "header_from", `id = ?1`},
		{"items", "name", `message = ?1`},
		{"items", "detail", `message = ?1`},
		{"release_requests", "reason", `message = ?1`},
		{"decisions", "reason", `request IN (SELECT id FROM release_requests WHERE message = ?1)`},
		{"jobs", "detail", `request IN (SELECT id FROM release_requests WHERE message = ?1)`},
		{"jobs", "detail", `kind = 'preview' AND message = ?1`},
	}
	wordsOfException = [...]words{
		{"exceptions", "reason", `id = ?1`},
		{"decisions", "reason", `exception = ?1`},
	}
)

// Rows that are words as a whole. An answer is one of the day's; those that name
// the mail or the exception may quote its words, so asking again with the same key
// acts anew and finds that there is nothing to do.
const (
	eraseOpenings            = `DELETE FROM openings WHERE message = ?1`
	eraseOpeningsOfException = `DELETE FROM openings WHERE exception = ?1`
	eraseAnswers             = `DELETE FROM answers WHERE status <> 0 AND EXISTS (SELECT 1 FROM messages m WHERE m.id = ?1
		AND (instr(answers.body, CAST(m.id AS BLOB)) > 0 OR m.receipt <> '' AND instr(answers.body, CAST(m.receipt AS BLOB)) > 0))`
	eraseAnswersOfException = `DELETE FROM answers WHERE status <> 0 AND instr(body, CAST(?1 AS BLOB)) > 0`
)

func (w words) erase() string {
	return `UPDATE ` + w.table + ` SET ` + w.column + ` = '' WHERE ` + w.of + ` AND ` + w.column + ` <> ''`
}

func (w words) count() string {
	return `SELECT count(*) FROM ` + w.table + ` WHERE ` + w.of + ` AND ` + w.column + ` <> ''`
}

// eraseWords empties columns in the rows of a mail or an exception.
func (t *tx) eraseWords(all []words, id string) error {
	for _, w := range all {
		if _, err := t.exec(w.erase(), id); err != nil {
			return fmt.Errorf("%s.%s: %w", w.table, w.column, err)
		}
	}
	return nil
}

// ErrBusy means that somebody reads an older state of the ledger.
var ErrBusy = errors.New("sqlite: the ledger is being read")

// EmptyLog takes what is in the write-ahead log into the ledger file and cuts the
// log to nothing: pages in it still hold what was erased since. ErrBusy means that
// a reader needs it; try again later. Writers wait meanwhile, a second at most.
func (l *Ledger) EmptyLog(ctx context.Context) error {
	db, err := pool(dsn(l.file, append(writerPragmas(), "busy_timeout(1000)")...), 1)
	if err != nil {
		return fmt.Errorf("empty the ledger's log: %w", err)
	}
	var busy, pages, done int64
	err = translate(db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &done))
	if err == nil && busy != 0 {
		err = ErrBusy
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("empty the ledger's log: %w", err)
	}
	return nil
}
