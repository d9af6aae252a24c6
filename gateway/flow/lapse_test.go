package flow

import (
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
	"sekisho/sanitize/policy"
)

// TestLapse: what nobody decided ends; a part whose release is approved does not
// expire under it.
func TestLapse(t *testing.T) {
	w := newWorld(t)
	_, i := holdTable(t, w)
	e := w.exception()
	approved := w.ask(i, quarantine.Original, "", e, head, admin)
	j := &Janitor{Ledger: w.ledger, Originals: w.Originals, Outbox: w.Outbox, Scribe: w.Scribe, Retain: func() time.Duration { return 1000 * time.Hour },
		Edition: func() (policy.Policy, audit.Policy) { return w.policy, edition }}
	w.now = i.ExpiresAt.Add(time.Hour)
	if err := j.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.stands(approved, i, quarantine.Approved, quarantine.Held, "")
	if got, err := w.ledger.Exception(t.Context(), e.ID); err != nil || got.State != quarantine.RanOut {
		t.Errorf("%+v, %v", got, err)
	}
	w.job()
	w.stands(approved, i, quarantine.Failed, quarantine.Held, "policy")
	if err := j.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.stands(approved, i, quarantine.Failed, quarantine.Expired, "policy")

	_, second := holdTable(t, w)
	r, err := quarantine.Request(quarantine.Ask{ID: "late", Form: quarantine.Resanitize, Profile: quarantine.Wide, Reason: "x"}, second, clerk, quarantine.Rules{}, w.now)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.ledger.Do(t.Context(), func(tx gateway.Tx) error { return tx.AddRequest(r, w.note()) }); err != nil {
		t.Fatal(err)
	}
	w.now = r.ExpiresAt
	if err := j.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.stands("late", second, quarantine.Lapsed, quarantine.Held, "")
	w.recordOfLapse(r, second)
}

// recordOfLapse: the record of a request that ended by time says what it was about
// and which policy was in force.
func (w *world) recordOfLapse(r quarantine.ReleaseRequest, i quarantine.Item) {
	w.t.Helper()
	rows, err := w.ledger.Pending(w.t.Context(), -1, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	in := edition
	in.Rule = "wide"
	object := audit.Object{Type: "release_request", ID: r.ID, ReceiptNo: i.Receipt, Part: i.Path, Original: gateway.Hex(i.Sum)}
	for _, row := range rows {
		if e := row.Event; e.Verb == "release.expired" && e.Object == object && e.Policy == in && e.Decision.RequestID == r.ID {
			return
		}
	}
	w.t.Error("no such record of release.expired")
}
