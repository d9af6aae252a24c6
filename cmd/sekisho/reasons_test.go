package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/desk"
	"sekisho/gateway/store/sqlite"
	"sekisho/quarantine"
	"sekisho/sanitize/format"
)

// written is what people write in TestReasonsAreErased, about a request and about
// an exception.
var written = struct{ request, exception []string }{
	[]string{"ひみつの申請理由", "ひみつの却下理由"}, []string{"ひみつの登録理由", "ひみつの承認理由", "ひみつのおわり"},
}

// TestReasonsAreErased: reasons of requests go with the texts of their mail, those
// of an exception at the same age counted from its end; digests stay, and so does
// the log. A ledger that has them again, from a backup, is told of.
func TestReasonsAreErased(t *testing.T) {
	ctx, jst := t.Context(), time.FixedZone("JST", 9*60*60)
	begin := time.Date(2026, 6, 10, 9, 0, 0, 0, jst)
	now := begin
	n, keys := logNode(t, jst, func() time.Time { return now })
	l := n.stores.Ledger
	request, exception := writeReasons(t, n)
	keeps := func(what string, words []string, want bool) {
		t.Helper()
		sequence(t, n)
		for _, chore := range n.chores(jst) {
			if err := chore(ctx, now); err != nil {
				t.Fatal(err)
			}
		}
		has := hasWords(t, l, request, exception)
		for _, w := range words {
			if slices.Contains(has, w) != want {
				t.Errorf("%s, %s: kept %v, want %v", now.Format(time.DateOnly), what, !want, want)
			}
		}
	}
	at := func(days int, after time.Duration) { now = begin.Add(time.Duration(days)*24*time.Hour + after) }
	at(60, -time.Second)
	keeps("request", written.request, true)
	at(60, time.Second)
	keeps("request", written.request, false)
	keeps("exception", written.exception[:2], true) // it is open
	at(90, 0)
	d := counter(n)
	if _, err := d.EndException(ctx, person("kanri", quarantine.Admin), exception, 0, written.exception[2]); err != nil {
		t.Fatal(err)
	}
	sequence(t, n)
	copied := filepath.Join(t.TempDir(), "ledger.db")
	if err := l.Backup(ctx, copied); err != nil {
		t.Fatal(err)
	}
	at(150, -time.Second)
	keeps("exception", written.exception, true)
	at(150, time.Second)
	keeps("exception", written.exception, false)
	sequence(t, n)

	var out bytes.Buffer
	faults, err := crossCheck(env{ctx, &out, &out}, filepath.Dir(n.stores.AuditDir), keys, audit.VerifyOptions{}, l)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		if !strings.HasPrefix(f, "audit log: gap") { // there are no heartbeats here
			t.Error(f)
		}
	}
	commitments := 0
	err = audit.Select(ctx, os.DirFS(n.stores.AuditDir), audit.Filter{}, func(line []byte, e audit.Event) error {
		if strings.Contains(string(line), "ひみつ") {
			t.Errorf("a reason stands in the log: %s", line)
		}
		if e.Decision.Comment != "" {
			commitments++
		}
		return nil
	})
	if want := len(written.request) + len(written.exception) + 1; err != nil || commitments != want {
		t.Errorf("%d commitments, want %d, %v", commitments, want, err)
	}
	erasedInTheCopy(t, n, copied, exception)
}

// erasedInTheCopy erases in a restored ledger what the log says was erased since.
func erasedInTheCopy(t *testing.T, n *node, file, exception string) {
	t.Helper()
	restored, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	for _, want := range [][]string{{exception}, nil} {
		back, err := eraseAgain(t.Context(), restored, n.stores.AuditDir, n.scribe)
		if err != nil || !slices.Equal(back, want) {
			t.Errorf("erased again: %v, want %v, %v", back, want, err)
		}
	}
	if e, err := restored.Exception(t.Context(), exception); err != nil || e.Reason != "" {
		t.Errorf("%+v, %v", e, err)
	}
}

func person(id string, roles ...quarantine.Role) desk.Person {
	return desk.Person{Actor: quarantine.Actor{ID: id, Dept: "zei", Roles: roles, Mailboxes: []string{id + "@town.example"}},
		Audit: audit.Actor{Type: audit.ActorUser, ID: id}}
}

func counter(n *node) desk.Desk {
	return desk.Desk{Ledger: n.stores.Ledger, Scribe: n.scribe, Rules: func() quarantine.Rules { return quarantine.Rules{Exceptions: true} }}
}

// writeReasons has people ask, refuse and register, and returns the request and the
// exception; the mail is at rest then, and the exception is open for 100 days.
func writeReasons(t *testing.T, n *node) (request, exception string) {
	t.Helper()
	ctx, d, now := t.Context(), counter(n), n.scribe.Clock()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	record := func(v audit.Verb, o audit.Object) gateway.Record {
		r, err := n.scribe.System(v, audit.Success, func(e *audit.Event) { e.Object = o })
		must(err)
		return r
	}
	m := settledMail(t, n, 0, now)
	i := quarantine.Item{ID: "item", Message: string(m.ID), Receipt: m.Receipt, Recipient: "clerk@town.example", Path: "2", Kind: format.PDF,
		Reason: format.KindUnsupported, State: quarantine.Held, HeldAt: now, ExpiresAt: now.Add(30 * 24 * time.Hour)}
	must(n.stores.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.AddItem(i, record("item.held", gateway.ItemObject(i))) }))

	clerk, head := person("clerk", quarantine.Staff), person("head", quarantine.Approver)
	kanri, joho := person("kanri", quarantine.Admin), person("joho", quarantine.Admin)
	r, err := d.Ask(ctx, clerk, desk.Ask{Item: i.ID, Form: quarantine.Resanitize, Profile: quarantine.Wide, Reason: written.request[0]})
	must(err)
	r, err = d.Decide(ctx, head, r.ID, 0, quarantine.Vote{Choice: quarantine.Deny, Reason: written.request[1]})
	must(err)
	gone, err := i.Discard("kanri", now)
	must(err)
	must(n.stores.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.MoveItem(gone, record("item.discarded", gateway.ItemObject(i))) }))

	e, err := d.Propose(ctx, kanri, quarantine.Exception{Scope: quarantine.Scope{Recipients: []string{"*"}, Senders: []string{"*"}, Kinds: []string{"*"}},
		Reason: written.exception[0], From: now, Until: now.Add(100 * 24 * time.Hour), MaxUses: 1})
	must(err)
	for _, p := range []desk.Person{head, joho} {
		e, err = d.DecideException(ctx, p, e.ID, 0, quarantine.Vote{Choice: quarantine.Approve, Reason: written.exception[1]})
		must(err)
	}
	return r.ID, e.ID
}

// hasWords returns what a ledger keeps of what was written, in its rows and behind
// its records.
func hasWords(t *testing.T, l *sqlite.Ledger, request, exception string) []string {
	t.Helper()
	r, err := l.Request(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	e, err := l.Exception(t.Context(), exception)
	if err != nil {
		t.Fatal(err)
	}
	rows := []string{r.Reason, e.Reason}
	for _, d := range slices.Concat(r.Decisions, e.Decisions) {
		rows = append(rows, d.Reason)
	}
	behind := opened(t, l)
	slices.Sort(rows)
	var has []string
	for _, w := range slices.Compact(rows) {
		if w == "" {
			continue
		}
		if has = append(has, w); !slices.Contains(behind, w) {
			t.Errorf("%q stands in a row and not behind a record", w)
		}
	}
	for _, w := range behind {
		if strings.HasPrefix(w, "ひみつ") && !slices.Contains(rows, w) {
			t.Errorf("%q stands behind a record and not in a row", w)
		}
	}
	return has
}

// opened are the texts behind the records that a ledger has.
func opened(t *testing.T, l *sqlite.Ledger) []string {
	t.Helper()
	rows, err := l.Pending(t.Context(), -1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, r := range rows {
		for _, digest := range r.Event.Commitments() {
			o, err := l.Opening(t.Context(), digest)
			if errors.Is(err, gateway.ErrNotFound) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, o.Value)
		}
	}
	return texts
}
