package sqlite

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"sekisho/audit"
	"sekisho/gateway"
)

// told is the ledger of a mail that was released in part, with all its records.
func told(t *testing.T) *Ledger {
	t.Helper()
	l := openTest(t)
	for n := 1; n < 3; n++ {
		accept(t, l, n)
		settled(t, l)
	}
	items, err := l.Items(t.Context(), gateway.ItemQuery{})
	if err != nil || len(items) != 2 {
		t.Fatalf("%d items: %v", len(items), err)
	}
	asked(t, l, []string{items[0].ID, items[1].ID})
	sabotage(t, l, `UPDATE deliveries SET state = 'relayed' WHERE kind = 'followup'; UPDATE audit_rows SET verb = 'system.backup', event = replace(event, 'message.received', 'system.backup')`)
	s := gateway.Scribe{Clock: record(t).Event.TS.UTC, Version: "test"}
	note := func(message string, v audit.Verb, fill func(*audit.Event)) {
		t.Helper()
		r, err := s.System(v, audit.Success, fill)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.w.do(t.Context(), func(x *tx) error {
			return x.change("note", func() error { return x.record(message, []gateway.Record{r}) })
		}); err != nil {
			t.Fatal(err)
		}
	}
	zero := hex.EncodeToString(make([]byte, 32))
	for i, item := range items {
		note(item.Message, "message.received", func(e *audit.Event) { e.Object.Original = zero })
		request := "r" + item.ID
		note(item.Message, "release.requested", func(e *audit.Event) { e.Decision.RequestID = request })
		note(item.Message, "release.approved", func(e *audit.Event) { e.Decision.RequestID, e.Actor.ID = request, "head" })
		if i > 0 {
			continue
		}
		note(item.Message, "release.approved", func(e *audit.Event) { e.Decision.RequestID, e.Actor.ID = request, "admin" })
		note(item.Message, "release.executed", func(e *audit.Event) { e.Decision.RequestID, e.Object.ID = request, item.ID })
		note(item.Message, "delivery.sealed", func(e *audit.Event) { e.Object.ID, e.Object.Sanitized = "f"+item.ID, zero })
		note(item.Message, "relay.relayed", func(e *audit.Event) { e.Object.ID = "f" + item.ID })
	}
	x, err := l.Exception(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	note("", "exception.opened", func(e *audit.Event) { gateway.RecordException(e, x) })
	note("", "exception.used", func(e *audit.Event) { gateway.RecordUse(e, x) })
	note("", "exception.ended", func(e *audit.Event) { e.Object.ID = "y" }) // as of a version that named no terms
	return l
}

// Each state that no record speaks of, and each record that says something else,
// is found.
// spec: g6
func TestCheckRecords(t *testing.T) {
	l := told(t)
	if found, err := l.CheckRecords(t.Context()); err != nil || len(found) != 0 {
		t.Fatalf("in an honest ledger: %q %v", found, err)
	}
	for _, c := range []struct{ script, want string }{
		{`UPDATE messages SET sum = randomblob(32) WHERE n = 1`, "a mail that is not the one that was received: M-261125-00001"},
		{`UPDATE deliveries SET sum = randomblob(32) WHERE kind = 'followup'`, "a sealed mail that is not the one on record: f"},
		{`DELETE FROM audit_rows WHERE verb = 'relay.relayed'`, "a delivery that was relayed without a record: f"},
		{`UPDATE items SET state = 'discarded', decided_at = 1800000000000000000 WHERE n = 2`, "an item that was decided without a record: i"},
		{`DELETE FROM audit_rows WHERE verb = 'release.requested'`, "a request without a record: r"},
		{`DELETE FROM audit_rows WHERE verb = 'release.executed'`, "a request whose end has no record: r"},
		{`DELETE FROM audit_rows WHERE n IN (SELECT n FROM audit_rows WHERE verb = 'release.approved' LIMIT 1)`, "an approval without a record: r"},
		{`UPDATE audit_rows SET event = replace(event, '"id":"admin"', '"id":"clerk"') WHERE verb = 'release.approved'`, "an approval on record that the request lacks: r"},
		{`DELETE FROM audit_rows WHERE verb = 'exception.opened'`, "an exception without a record: x"},
		{`UPDATE exceptions SET scope = replace(scope, '*', '@x.example')`, "an exception that says something else than its record: x"},
		{`UPDATE exceptions SET until_at = until_at + 1`, "an exception that says something else than its record: x"},
		{`UPDATE exceptions SET max_uses = 1000; DELETE FROM audit_rows WHERE verb = 'exception.opened'`, "an exception that says something else than its record: x"},
		{`UPDATE exceptions SET id = 'z'`, "an exception that says something else than its record: x"},
	} {
		l := told(t)
		sabotage(t, l, c.script)
		found, err := l.CheckRecords(t.Context())
		if err != nil || !slices.ContainsFunc(found, func(s string) bool { return strings.HasPrefix(s, c.want) }) {
			t.Errorf("%s: %q %v", c.script, found, err)
		}
	}
	// What is older than the rows that are kept is not asked for.
	sabotage(t, l, `DELETE FROM audit_rows; DELETE FROM openings; INSERT INTO settings (name, value) VALUES ('audit rows from', '1900000000000000000')`)
	if found, err := l.CheckRecords(t.Context()); err != nil || len(found) != 0 {
		t.Errorf("beyond the horizon: %q %v", found, err)
	}
}

// The digests of blobs are those of the rows.
func TestSums(t *testing.T) {
	l := told(t)
	originals, outbox, err := l.Sums(t.Context())
	zero := hex.EncodeToString(make([]byte, 32))
	if err != nil || len(originals) != 2 || originals["o1"] != zero || len(outbox) < 2 {
		t.Errorf("%v %v %v", originals, outbox, err)
	}
}
