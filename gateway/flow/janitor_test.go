package flow

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
)

// TestRecordRetention: the janitor removes the months of the log that are more
// than three years old, the others stay, and the rest still verifies.
func TestRecordRetention(t *testing.T) {
	dir := t.TempDir()
	files, err := audit.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := audit.GenerateKey(rand.Reader, "test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := audit.ParseSigner(pair.Signer)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := audit.ParseKeys(pair.Verifier)
	if err != nil {
		t.Fatal(err)
	}
	tokyo := time.FixedZone("JST", 9*60*60)
	w, err := audit.Open(t.Context(), files, audit.Options{Signer: signer, Keys: keys, Location: tokyo})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	start := time.Date(2026, 1, 31, 12, 0, 0, 0, tokyo)
	for i := range 4 {
		e, err := audit.New("key.created", time.Date(2026, time.Month(1+i), 28, 12, 0, 0, 0, tokyo), nil)
		if err != nil {
			t.Fatal(err)
		}
		e.Outcome, e.Actor = audit.Success, audit.Actor{Type: audit.ActorSystem, ID: "test"}
		if _, err := w.Append(t.Context(), []audit.Event{e}); err != nil {
			t.Fatal(err)
		}
	}
	now := start
	world := newWorld(t)
	j := &Janitor{Ledger: world.ledger, Originals: world.Originals, Outbox: world.Outbox, Retain: func() time.Duration { return time.Hour },
		Scribe: gateway.Scribe{Clock: func() time.Time { return now }, Random: rand.Reader}, PurgeRecords: w.Purge, Location: tokyo}
	left := func() int {
		es, err := os.ReadDir(dir + "/segments")
		if err != nil {
			t.Fatal(err)
		}
		return len(es)
	}
	for _, c := range []struct {
		name string
		at   time.Time
		left int
	}{
		{"the next month", time.Date(2026, 5, 31, 12, 0, 0, 0, tokyo), 4},
		{"three years after the month, to the day", time.Date(2029, 1, 31, 23, 59, 59, 0, tokyo), 4},
		{"the month after, by our clock, not yet by that of UTC", time.Date(2029, 2, 1, 0, 0, 1, 0, tokyo), 3 + 1}, // its own record opens a month
		{"again: nothing more", time.Date(2029, 2, 2, 0, 0, 0, 0, tokyo), 3 + 1},
		{"two months more", time.Date(2029, 4, 1, 0, 0, 1, 0, tokyo), 1 + 2},
	} {
		now = c.at
		if err := j.Tidy(t.Context()); err != nil || left() != c.left {
			t.Errorf("%s: %d months are left, want %d, %v", c.name, left(), c.left, err)
		}
	}
	if _, err := w.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := audit.Verify(t.Context(), os.DirFS(dir), keys, audit.VerifyOptions{Interval: 10 * 365 * 24 * time.Hour})
	if err != nil || r.Verdict != audit.Intact || r.First == 0 {
		t.Errorf("%+v, %v", r, err)
	}
	wrong := errors.New("disk")
	j.PurgeRecords = func(context.Context, string, time.Time) ([]string, error) { return nil, wrong }
	if err := j.Tidy(t.Context()); !errors.Is(err, wrong) {
		t.Errorf("a failed purge is not told: %v", err)
	}
}
