package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
)

// openTest opens a ledger and checks it when the test ends.
func openTest(t testing.TB) *Ledger {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "ledger.db"))
}

func openAt(t testing.TB, file string) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return l
}

// consistent fails the test if the ledger contradicts itself.
func consistent(t testing.TB, l *Ledger) {
	t.Helper()
	for _, s := range l.CheckConsistency(context.Background()) {
		t.Errorf("inconsistent: %s", s)
	}
}

var begin = time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)

// mail is the n-th message.
func mail(n int) gateway.Message {
	return gateway.Message{ID: gateway.ID(fmt.Sprintf("%032x", n)), Receipt: fmt.Sprintf("M-261125-%05d", n),
		Envelope: gateway.Envelope{From: "a@example.com", To: []string{"b@town.example"}}, ReceivedAt: begin, Size: 10, Blob: fmt.Sprint("o", n)}
}

// record is a new record.
func record(t testing.TB) gateway.Record {
	t.Helper()
	r, err := gateway.Scribe{Clock: func() time.Time { return begin }, Version: "test"}.System("message.received", audit.Success, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// accept accepts the n-th message.
func accept(t testing.TB, l *Ledger, n int) {
	t.Helper()
	if err := l.Do(context.Background(), func(tx gateway.Tx) error { return tx.Accept(mail(n), record(t)) }); err != nil {
		t.Fatalf("accept %d: %v", n, err)
	}
}

// settled settles the next message into a ready delivery, a held one with an
// item, and an opening.
func settled(t testing.TB, l *Ledger) (ready, held gateway.Delivery) {
	t.Helper()
	s := gateway.Scribe{Clock: func() time.Time { return begin }, Version: "test"}
	r := record(t)
	if err := s.Commit(&r, "件名", ""); err != nil {
		t.Fatal(err)
	}
	err := l.Do(t.Context(), func(tx gateway.Tx) error {
		m, err := tx.ClaimMessage("flow", begin, begin.Add(time.Minute))
		if err != nil {
			return err
		}
		ready = gateway.Delivery{ID: "r" + m.ID, Message: m.ID, Kind: gateway.KindMail, State: gateway.Ready, Blob: "s" + string(m.ID), CreatedAt: begin,
			Recipients: []gateway.Recipient{{Address: "b@town.example", State: gateway.Pending}}}
		held = ready
		held.ID, held.State, held.Blob = "h"+m.ID, gateway.Held, ""
		i := quarantine.Item{ID: "i" + string(m.ID), Message: string(m.ID), Delivery: string(held.ID), Recipient: "b@town.example",
			State: quarantine.Held, HeldAt: begin, ExpiresAt: begin.Add(time.Hour)}
		return tx.Settle(m, []gateway.Delivery{ready, held}, []quarantine.Item{i}, r)
	})
	if err != nil {
		t.Fatal(err)
	}
	return ready, held
}
