package notice

import (
	"context"
	"crypto/rand"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/store/sqlite"
	"sekisho/quarantine"
	"sekisho/sanitize/format"
)

// town is a ledger with one mail, of which parts are held for two.
type town struct {
	Desk
	t      *testing.T
	ledger *sqlite.Ledger
	now    time.Time
	items  []quarantine.Item
}

const receipt = "M-261125-00001"

func newTown(t *testing.T) *town {
	t.Helper()
	l, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	w := &town{t: t, ledger: l, now: at(25, 9, 0)}
	t.Cleanup(func() {
		if bad := l.CheckConsistency(context.Background()); len(bad) > 0 {
			t.Errorf("the ledger is inconsistent: %v", bad)
		}
		l.Close()
	})
	w.Desk = Desk{Ledger: l, Scribe: gateway.Scribe{Clock: func() time.Time { return w.now }, Random: rand.Reader, Version: "test"}}
	m := gateway.Message{ID: "m", Receipt: receipt, State: gateway.Accepted, ReceivedAt: w.now, Blob: "o",
		Envelope: gateway.Envelope{To: []string{"yamada@town.example.lg.jp", "suzuki@town.example.lg.jp"}}}
	d := gateway.Delivery{ID: "d", Message: "m", Receipt: receipt, Kind: gateway.KindMail, State: gateway.Ready, Blob: "s", CreatedAt: w.now}
	for _, a := range m.Envelope.To {
		d.Recipients = append(d.Recipients, gateway.Recipient{Address: a, State: gateway.Pending})
		for _, n := range []string{"1", "2"} {
			w.items = append(w.items, quarantine.Item{ID: n + a, Message: "m", Delivery: "d", Receipt: receipt, Recipient: a, Path: n, Kind: format.Zip,
				Reason: format.EncryptedArchive, State: quarantine.Held, HeldAt: w.now, ExpiresAt: w.now.Add(time.Hour)})
		}
	}
	w.do(func(tx gateway.Tx) error { return tx.Accept(m, w.record()) })
	w.do(func(tx gateway.Tx) error {
		m, err := tx.ClaimMessage("test", w.now, w.now.Add(time.Hour))
		return errors.Join(err, tx.Settle(m, []gateway.Delivery{d}, w.items, w.record()))
	})
	return w
}

func (w *town) record() gateway.Record {
	w.t.Helper()
	r, err := w.Scribe.System("item.held", audit.Success, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *town) do(f func(gateway.Tx) error) {
	w.t.Helper()
	if err := w.ledger.Do(w.t.Context(), f); err != nil {
		w.t.Fatal(err)
	}
}

// drafts are the drafts of a kind that wait.
func (w *town) drafts(k gateway.DeliveryKind) []gateway.Delivery {
	w.t.Helper()
	all, err := w.ledger.Deliveries(w.t.Context(), gateway.DeliveryQuery{States: []gateway.DeliveryState{gateway.Drafted}})
	if err != nil {
		w.t.Fatal(err)
	}
	var ds []gateway.Delivery
	for _, d := range all {
		if d.Kind == k {
			ds = append(ds, d)
		}
	}
	return ds
}

var clerk = audit.Actor{Type: audit.ActorOS, ID: "clerk"}

// TestAgain: each recipient for whom something is held gets one mail, by whoever
// asked, three times an hour at most.
func TestAgain(t *testing.T) {
	w := newTown(t)
	for n := range againAnHour {
		ds, err := w.Again(t.Context(), clerk, receipt, "")
		if err != nil || len(ds) != 2 || len(w.drafts(gateway.KindNotice)) != 2*(n+1) {
			t.Fatalf("%v, %v", ds, err)
		}
		if d := ds[0]; d.Message != "m" || d.Receipt != receipt || d.From != "" || len(d.Recipients) != 1 {
			t.Errorf("%+v", d)
		}
		w.now = w.now.Add(time.Minute)
	}
	if _, err := w.Again(t.Context(), clerk, receipt, "SUZUKI@town.example.lg.jp"); !errors.Is(err, ErrOften) {
		t.Errorf("a fourth time: %v", err)
	}
	w.now = w.now.Add(time.Hour)
	for range againAnHour - 1 { // with the one below, one recipient has had it often
		if _, err := w.Again(t.Context(), clerk, receipt, "suzuki@town.example.lg.jp"); err != nil {
			t.Fatal(err)
		}
	}
	if ds, err := w.Again(t.Context(), clerk, receipt, "SUZUKI@town.example.lg.jp"); err != nil || len(ds) != 1 || ds[0].Recipients[0].Address != "suzuki@town.example.lg.jp" {
		t.Errorf("an hour later: %v, %v", ds, err)
	}
	if ds, err := w.Again(t.Context(), clerk, receipt, ""); err != nil || len(ds) != 1 || ds[0].Recipients[0].Address == "suzuki@town.example.lg.jp" {
		t.Errorf("one recipient had it often, the others did not: %v, %v", ds, err)
	}
	rows, err := w.ledger.Pending(t.Context(), -1, 100)
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, r := range rows {
		if r.Event.Verb == "delivery.created" && r.Event.Actor.ID == clerk.ID && r.Event.Decision.Form == "notice" && r.Event.Object.ReceiptNo == receipt {
			asked++
		}
	}
	if asked != 2*againAnHour+againAnHour+1 {
		t.Errorf("%d records", asked)
	}
}

func TestAgainOfNothing(t *testing.T) {
	w := newTown(t)
	if _, err := w.Again(t.Context(), clerk, "M-261125-00002", ""); !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("another number: %v", err)
	}
	if _, err := w.Again(t.Context(), clerk, receipt, "tanaka@town.example.lg.jp"); !errors.Is(err, ErrNothing) {
		t.Errorf("another person: %v", err)
	}
	for _, i := range w.items {
		gone, err := i.Discard("clerk", w.now)
		if err != nil {
			t.Fatal(err)
		}
		w.do(func(tx gateway.Tx) error { return tx.MoveItem(gone, w.record()) })
	}
	if _, err := w.Again(t.Context(), clerk, receipt, ""); !errors.Is(err, ErrNothing) {
		t.Errorf("nothing is held: %v", err)
	}
	if ds := w.drafts(gateway.KindNotice); len(ds) != 0 {
		t.Errorf("%v", ds)
	}
}

func TestTrial(t *testing.T) {
	w := newTown(t)
	for range trialAnHour {
		if d, err := w.Trial(t.Context(), clerk, "yamada@town.example.lg.jp"); err != nil || !d.ExpiresAt.Equal(w.now.Add(trialTime)) {
			t.Fatalf("%+v, %v", d, err)
		}
	}
	if _, err := w.Trial(t.Context(), clerk, "suzuki@town.example.lg.jp"); !errors.Is(err, ErrOften) {
		t.Errorf("an eleventh: %v", err)
	}
	for _, bad := range []string{"", "postmaster", "a@b\r\nRCPT TO:<x@y>", "a@b,c@d"} {
		if _, err := w.Trial(t.Context(), clerk, bad); err == nil || errors.Is(err, ErrOften) {
			t.Errorf("to %q: %v", bad, err)
		}
	}
	if ds := w.drafts(gateway.KindTrial); len(ds) != trialAnHour {
		t.Errorf("%d drafts", len(ds))
	}
}
