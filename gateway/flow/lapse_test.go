package flow

import (
	"testing"
	"time"

	"sekisho/gateway"
	"sekisho/quarantine"
)

// TestLapse: what nobody decided ends; a part whose release is approved does not
// expire under it.
func TestLapse(t *testing.T) {
	w := newWorld(t)
	_, i := holdTable(t, w)
	e := w.exception()
	approved := w.ask(i, quarantine.Original, "", e, head, admin)
	j := &Janitor{Ledger: w.ledger, Originals: w.Originals, Outbox: w.Outbox, Scribe: w.Scribe, Retain: func() time.Duration { return 1000 * time.Hour }}
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
}
