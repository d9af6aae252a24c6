package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"sekisho/gateway"
)

// Names of settings: with which record of the log the kept audit rows begin, and
// when that was, in nanoseconds. Rows before may be gone; the log has them.
const (
	rowsSince = "audit rows since"
	rowsFrom  = "audit rows from"
)

// rowsAtOnce is how many rows one transaction looks at: others come between.
const rowsAtOnce = 500

// ForgetRows deletes the audit rows with a number below before, which is the
// first record of the log at the given time: the log's own files keep them
// (DECISIONS 25). Rows to which texts belong stay until these are erased. It works
// in small transactions, so that mail comes in meanwhile, and returns how many
// rows it deleted.
func (l *Ledger) ForgetRows(ctx context.Context, before int64, at time.Time) (int64, error) {
	since, err := l.RowsSince(ctx)
	if err != nil || before <= since {
		return 0, err
	}
	// Whoever compares rows and log must know first that rows may be gone.
	err = l.Do(ctx, func(t gateway.Tx) error {
		return errors.Join(t.SetSetting(rowsSince, strconv.FormatInt(before, 10)), t.SetSetting(rowsFrom, strconv.FormatInt(at.UnixNano(), 10)))
	})
	if err != nil {
		return 0, fmt.Errorf("forget audit rows: %w", err)
	}
	return l.forget(ctx, before)
}

// forget deletes what is below the horizon.
func (l *Ledger) forget(ctx context.Context, before int64) (int64, error) {
	var gone int64
	for last := int64(-1); ; {
		var next, n int64
		err := l.w.do(ctx, func(t *tx) error {
			return t.change("forget audit rows", func() error {
				var err error
				if next, err = t.lastOf(last, before); err != nil || next < 0 {
					return err
				}
				n, err = t.exec(`DELETE FROM audit_rows WHERE n IN (SELECT n FROM audit_rows INDEXED BY audit_rows_seq WHERE seq > ? AND seq <= ?
					AND NOT EXISTS (SELECT 1 FROM openings WHERE row = audit_rows.n))`, last, next)
				return err
			})
		})
		if err != nil {
			return gone, fmt.Errorf("forget audit rows: %w", err)
		}
		if gone += n; next < 0 {
			return gone, nil
		}
		last = next
	}
}

// lastOf returns the last of the next numbers above last and below before, -1 for
// none.
func (t *tx) lastOf(last, before int64) (int64, error) {
	var next int64
	err := t.row(one(&next), `SELECT coalesce(max(seq), -1) FROM (SELECT seq FROM audit_rows INDEXED BY audit_rows_seq
		WHERE seq > ? AND seq < ? ORDER BY seq LIMIT ?)`, last, before, rowsAtOnce)
	return next, err
}

// RowsSince returns the number of the log's record with which the audit rows
// begin; below it some may be gone.
func (l *Ledger) RowsSince(ctx context.Context) (int64, error) {
	var value string
	err := l.view(ctx, func(q query) error { return q.row(one(&value), `SELECT value FROM settings WHERE name = ?`, rowsSince) })
	if errors.Is(err, gateway.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read where audit rows begin: %w", err)
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read where audit rows begin: %w", err)
	}
	return n, nil
}

// openText is a commitment whose text is kept, by its audit row.
type openText struct {
	row     int64
	message string
	at      int64
	busy    bool
}

// textPages is how many pages of openings one call of TextsBefore looks at.
const textPages = 20

// TextsBefore returns messages whose texts (openings, subject, names of parts) are
// kept and whose records are older than the given time, oldest first, at most n.
// Messages that are still at work, or of which a part is held, are left out.
//
// It looks at some ten thousand openings at most, from those behind a row on: 0
// is from the first. The number is from where to go on; 0 when nothing older than
// the given time is left to look at.
func (l *Ledger) TextsBefore(ctx context.Context, before time.Time, from int64, n int) ([]gateway.Message, int64, error) {
	var list []gateway.Message
	seen := map[string]bool{}
	for range textPages {
		page, err := l.textsAfter(ctx, from)
		if err != nil {
			return nil, 0, fmt.Errorf("look for old texts: %w", err)
		}
		for _, o := range page {
			if o.at >= before.UnixNano() {
				return list, 0, nil
			}
			if !o.busy && !seen[o.message] {
				if len(list) == n {
					return list, from, nil
				}
				seen[o.message] = true
				m, err := l.Message(ctx, gateway.ID(o.message))
				if err != nil {
					return nil, 0, fmt.Errorf("look for old texts: %w", err)
				}
				list = append(list, m)
			}
			from = o.row
		}
		if len(page) < rowsAtOnce {
			return list, 0, nil
		}
	}
	return list, from, nil
}

// atWork counts what of a message may still need its words.
func atWork(message string) string {
	return `((SELECT count(*) FROM messages WHERE id = ` + message + ` AND state <> 'settled')
		+ (SELECT count(*) FROM items WHERE message = ` + message + ` AND state = 'held')
		+ (SELECT count(*) FROM deliveries WHERE message = ` + message + ` AND state IN ('drafted', 'ready', 'relaying')))`
}

// openTexts selects openings of messages, in the order of their rows.
func openTexts() string {
	return `SELECT o.row, o.message, r.at, ` + atWork("o.message") + ` > 0 FROM openings o INDEXED BY openings_texts
		JOIN audit_rows r ON r.n = o.row WHERE o.message IS NOT NULL AND o.row > ? GROUP BY o.row ORDER BY o.row LIMIT ?`
}

// textsAfter returns the next openings, in the order of their rows.
func (l *Ledger) textsAfter(ctx context.Context, row int64) ([]openText, error) {
	var page []openText
	err := l.view(ctx, func(q query) error {
		return q.rows(func(s scanner) error {
			var o openText
			err := s.Scan(&o.row, &o.message, &o.at, &o.busy)
			page = append(page, o)
			return err
		}, openTexts(), row, rowsAtOnce)
	})
	return page, err
}

// AtWork reports whether something of a message may still need its words: it is
// not settled, a part of it is held, or a delivery is on its way.
func (l *Ledger) AtWork(ctx context.Context, message gateway.ID) (bool, error) {
	var n int64
	err := l.view(ctx, func(q query) error {
		return q.row(one(&n), `SELECT `+atWork("?1"), string(message))
	})
	if err != nil {
		return false, fmt.Errorf("look whether a message is at work: %w", err)
	}
	return n > 0, nil
}

// HasTexts reports whether texts of a message are kept.
func (l *Ledger) HasTexts(ctx context.Context, message gateway.ID) (bool, error) {
	var n int64
	err := l.view(ctx, func(q query) error {
		if err := q.row(one(&n), `SELECT count(*) FROM openings WHERE message = ?1`, string(message)); err != nil || n > 0 {
			return err
		}
		for _, w := range wordsOfMail {
			if err := q.row(one(&n), w.count(), string(message)); err != nil || n > 0 {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("look for texts of a message: %w", err)
	}
	return n > 0, nil
}
