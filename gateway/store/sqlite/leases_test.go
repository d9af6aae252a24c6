package sqlite_test

import (
	"crypto/rand"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/store/sqlite"
)

// TestEndLeases: what a killed process had in hand can be claimed at once, and
// nothing else can.
func TestEndLeases(t *testing.T) {
	l, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	until := now.Add(15 * time.Minute)
	scribe := gateway.Scribe{Clock: func() time.Time { return now }, Random: rand.Reader, Version: "test"}
	do := func(f func(gateway.Tx, gateway.Record) error) {
		t.Helper()
		r, err := scribe.System("message.received", audit.Success, func(*audit.Event) {})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Do(t.Context(), func(tx gateway.Tx) error { return f(tx, r) }); err != nil {
			t.Fatal(err)
		}
	}
	claim := func(owner string, at time.Time) (m gateway.Message, d gateway.Delivery, errs [2]error) {
		t.Helper()
		do(func(tx gateway.Tx, _ gateway.Record) error {
			m, errs[0] = tx.ClaimMessage(owner, at, at.Add(15*time.Minute))
			d, errs[1] = tx.ClaimDelivery(owner, at, at.Add(15*time.Minute))
			return nil
		})
		return m, d, errs
	}
	to := []gateway.Recipient{{Address: "b@town.example", State: gateway.Pending}}
	do(func(tx gateway.Tx, r gateway.Record) error {
		m := gateway.Message{ID: "m1", Envelope: gateway.Envelope{To: []string{"b@town.example"}}, ReceivedAt: now, Blob: "x", Receipt: "M-261102-00001"}
		return tx.Accept(m, r)
	})
	for _, d := range []gateway.Delivery{
		{ID: "d1", Kind: gateway.KindMail, State: gateway.Ready, Blob: "y", Recipients: to, CreatedAt: now, NextAt: now},
		{ID: "d2", Kind: gateway.KindMail, State: gateway.Ready, Blob: "z", Recipients: to, CreatedAt: now, NextAt: until.Add(time.Hour)},
	} {
		do(func(tx gateway.Tx, r gateway.Record) error { return tx.AddDelivery(d, r) })
	}
	old, dead, errs := claim("killed", now)
	if errors.Join(errs[:]...) != nil {
		t.Fatal(errs)
	}
	later := now.Add(time.Second)
	if _, _, errs = claim("next", later); !errors.Is(errs[0], gateway.ErrNotFound) || !errors.Is(errs[1], gateway.ErrNotFound) {
		t.Fatalf("before: %v, want not found twice", errs)
	}
	if n, err := l.EndLeases(t.Context(), later); n != 2 || err != nil {
		t.Fatalf("ended %d leases, %v; want 2", n, err)
	}
	if n, err := l.EndLeases(t.Context(), later); n != 0 || err != nil {
		t.Fatalf("again: ended %d leases, %v; want none", n, err)
	}
	m, d, errs := claim("next", later)
	if errors.Join(errs[:]...) != nil || m.ID != "m1" || m.Lost != 1 || m.Lease.Fence != 2 || d.ID != "d1" || d.Lease.Fence != 2 {
		t.Fatalf("claimed %+v and %+v, %v", m, d, errs)
	}
	if _, _, errs = claim("third", later); !errors.Is(errs[0], gateway.ErrNotFound) || !errors.Is(errs[1], gateway.ErrNotFound) {
		t.Fatalf("what waits for its time was claimed: %v", errs)
	}
	for name, renew := range map[string]func(gateway.Tx) error{
		"message":  func(tx gateway.Tx) error { return tx.RenewMessage(old, until) },
		"delivery": func(tx gateway.Tx) error { return tx.RenewDelivery(dead, until) },
	} {
		if err := l.Do(t.Context(), renew); !errors.Is(err, gateway.ErrLease) {
			t.Errorf("the killed holder renews its %s: %v", name, err)
		}
	}
	if faults := l.CheckConsistency(t.Context()); len(faults) > 0 {
		t.Error(faults)
	}
}
