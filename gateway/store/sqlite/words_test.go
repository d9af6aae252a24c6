package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/gateway"
)

// wordless are the columns that hold no words of senders or of people about a mail,
// by what they hold. audit_rows.event holds digests of such words.
var wordless = map[string]string{
	"ids": `api_tokens.id api_tokens.user audit_rows.id audit_rows.message answers.who answers.key decisions.actor decisions.exception decisions.on_behalf_of
		decisions.request deliveries.about deliveries.id deliveries.message deliveries.owner delivery_recipients.delivery departments.id deputies.by_user
		deputies.for_user deputies.id deputies.set_by exceptions.id exceptions.proposer items.decided_by items.delivery items.id items.message jobs.by jobs.id
		jobs.item jobs.message jobs.owner jobs.request messages.id messages.owner notices.digest notices.item openings.exception openings.message
		proposals.decided_by proposals.id proposals.proposed proposals.proposer proposals.user release_requests.delivery release_requests.exception
		release_requests.id release_requests.item release_requests.message release_requests.requester sessions.id sessions.user users.credential_by users.id
		deliveries.receipt items.receipt messages.receipt release_requests.receipt receipts.day settings.name tallies.name`,
	"codes of ours, and numbers of parts": `api_tokens.scopes audit_rows.verb decisions.basis decisions.choice deliveries.kind deliveries.policy deliveries.reason deliveries.state
		deliveries.verdict delivery_recipients.state exceptions.state items.kind items.path items.reason items.state jobs.kind jobs.part jobs.reason jobs.state
		messages.state messages.work_part proposals.act proposals.role proposals.state release_requests.fault release_requests.form release_requests.profile
		release_requests.state sessions.auth users.roles users.state answers.header`,
	"digests, keys and sealed bytes": `answers.request api_tokens.sum attempts.key deliveries.passport deliveries.sum items.sum jobs.picture_sum messages.sum openings.digest openings.nonce
		sessions.sum users.factor_secret users.password users.recovery deliveries.blob jobs.picture messages.blob`,
	"addresses, as in the log": `decisions.also deliveries.reverse_path delivery_recipients.address exceptions.scope items.recipient message_recipients.address messages.client
		messages.forward_paths messages.helo messages.reverse_path notices.address release_requests.left_out release_requests.original
		release_requests.recipient sessions.ip proposals.addresses users.addresses`,
	"who people of the office are": `api_tokens.name decisions.person departments.name exceptions.person release_requests.dept release_requests.person sessions.agent users.dept
		users.display users.name`,
	"digests of words, and facts":        `audit_rows.event`,
	"what the next hop and rules say":    `delivery_recipients.reply settings.value`,
	"words, whose rows go as they stand": `answers.body openings.value`,
}

// TestEveryColumnIsKnown: each column with text or bytes has words or has not.
func TestEveryColumnIsKnown(t *testing.T) {
	l := openTest(t)
	known := map[string]bool{}
	for _, list := range wordless {
		for _, name := range strings.Fields(list) {
			known[name] = true
		}
	}
	for _, w := range slices.Concat(wordsOfMail[:], wordsOfException[:]) {
		name := w.table + "." + w.column
		if strings.Contains(wordless["ids"], name+" ") {
			t.Errorf("%s is in both lists", name)
		}
		known[name] = true
	}
	rows, err := l.read.Query(`SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND c.type IN ('TEXT', 'BLOB', 'ANY')`)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = each(rows, func(s scanner) error {
		var name string
		err := s.Scan(&name)
		if n++; !known[name] {
			t.Errorf("%s: does it hold words? It belongs into the list of words or of columns without", name)
		}
		return err
	})
	if err != nil || n < 100 {
		t.Errorf("%d columns: %v", n, err)
	}
}

// TestErasedEverywhere: a mark in each column with words is in no file any more,
// once it was erased and the write-ahead log was emptied.
func TestErasedEverywhere(t *testing.T) {
	dir := t.TempDir()
	l := openAt(t, filepath.Join(dir, "ledger.db"))
	accept(t, l, 1)
	ready, _ := settled(t, l)
	asked(t, l, []string{"i" + string(ready.Message)})
	preview := gateway.Job{ID: "p", Kind: gateway.JobPreview, Message: ready.Message, By: "head", State: gateway.JobWaiting, CreatedAt: begin, NextAt: begin,
		Preview: gateway.PagePreview{Part: "1", Page: 1, ExpiresAt: begin.Add(time.Hour)}}
	answer := func(key, body string) {
		t.Helper()
		a := gateway.Answer{Who: "user:" + clerk.ID, Key: key, At: begin}
		if _, found, err := l.BeginAnswer(t.Context(), a); err != nil || found {
			t.Fatal(found, err)
		}
		a.Status, a.Body = 201, []byte(body)
		if err := l.FinishAnswer(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	marks := []string{"MARK answer", "MARK answer about an exception", "MARK opening"}
	answer("of the mail", `{"receipt_no":"`+mail(1).Receipt+`","reason":"`+marks[0]+`"}`)
	answer("of the exception", `{"id":"x","reason":"`+marks[1]+`"}`)
	answer("of another", `{"receipt_no":"M-261125-99999"}`)
	r := record(t)
	if err := (gateway.Scribe{Clock: func() time.Time { return begin }, Version: "test"}).Commit(&r, marks[2], ""); err != nil {
		t.Fatal(err)
	}
	if err := l.Do(t.Context(), func(tx gateway.Tx) error {
		return errors.Join(tx.AddJob(preview, record(t)), tx.NoteOn(ready.Message, r))
	}); err != nil {
		t.Fatal(err)
	}
	script := `UPDATE exceptions SET state = 'ended', ended_at = 1;`
	for id, all := range map[string][]words{string(ready.Message): wordsOfMail[:], "x": wordsOfException[:]} {
		for n, w := range all {
			mark := fmt.Sprintf("MARK %s.%s %d", w.table, w.column, n)
			marks = append(marks, mark)
			script += `UPDATE ` + w.table + ` SET ` + w.column + ` = '` + mark + `' WHERE ` + strings.ReplaceAll(w.of, "?1", "'"+id+"'") + `;`
		}
	}
	sabotage(t, l, script)
	for _, mark := range marks {
		if where(t, dir, mark) == "" {
			t.Errorf("%q was never there", mark)
		}
	}
	err := l.Do(t.Context(), func(tx gateway.Tx) error {
		return errors.Join(tx.Erase(ready.Message, record(t)), tx.EraseException("x", record(t)))
	})
	if err == nil {
		err = l.EmptyLog(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, mark := range marks {
		if file := where(t, dir, mark); file != "" {
			t.Errorf("%q is in %s still", mark, file)
		}
	}
	if where(t, dir, "M-261125-99999") == "" {
		t.Error("the answer about another mail is gone")
	}
	if has, err := l.HasTexts(t.Context(), ready.Message); err != nil || has {
		t.Errorf("texts are kept: %v, %v", has, err)
	}
}

// TestWordsAreFound: each column with words alone counts as a text that is kept.
func TestWordsAreFound(t *testing.T) {
	for n, w := range wordsOfMail {
		t.Run(fmt.Sprint(w.table, ".", w.column, n), func(t *testing.T) {
			l := openTest(t)
			accept(t, l, 1)
			ready, _ := settled(t, l)
			asked(t, l, []string{"i" + string(ready.Message)})
			if err := l.Do(t.Context(), func(tx gateway.Tx) error {
				return tx.AddJob(gateway.Job{ID: "p", Kind: gateway.JobPreview, Message: ready.Message, By: "head", State: gateway.JobWaiting, CreatedAt: begin,
					NextAt: begin, Preview: gateway.PagePreview{Part: "1", Page: 1, ExpiresAt: begin.Add(time.Hour)}}, record(t))
			}); err != nil {
				t.Fatal(err)
			}
			has := func(want bool) {
				t.Helper()
				if got, err := l.HasTexts(t.Context(), ready.Message); err != nil || got != want {
					t.Errorf("texts are kept: %v, %v", got, err)
				}
			}
			has(true)
			if err := l.Do(t.Context(), func(tx gateway.Tx) error { return tx.Erase(ready.Message, record(t)) }); err != nil {
				t.Fatal(err)
			}
			has(false)
			sabotage(t, l, `UPDATE `+w.table+` SET `+w.column+` = 'x' WHERE `+strings.ReplaceAll(w.of, "?1", "'"+string(ready.Message)+"'"))
			has(true)
		})
	}
}

// TestEmptyLogBesideReader: a reader of an older state is waited for, not broken.
func TestEmptyLogBesideReader(t *testing.T) {
	l := openTest(t)
	err := l.view(t.Context(), func(q query) error {
		var n int64
		if err := q.row(one(&n), `SELECT count(*) FROM messages`); err != nil {
			return err
		}
		accept(t, l, 1)
		if err := l.EmptyLog(t.Context()); !errors.Is(err, ErrBusy) {
			t.Errorf("beside a reader: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.EmptyLog(t.Context()); err != nil {
		t.Error(err)
	}
	if st, err := os.Stat(l.file + "-wal"); err != nil || st.Size() != 0 {
		t.Errorf("the log: %v, %v", st, err)
	}
}

// where returns a file below dir that holds text, "" for none.
func where(t *testing.T, dir, text string) string {
	t.Helper()
	found := ""
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(text)) {
			found = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
