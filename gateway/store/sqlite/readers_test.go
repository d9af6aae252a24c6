package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
)

// TestEveryReader has all readers connected and busy, as a long list does, and
// then backs up: nobody waits for a connection for ever.
func TestEveryReader(t *testing.T) {
	l, err := Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var wg sync.WaitGroup
	var in, out sync.WaitGroup
	in.Add(readers)
	out.Add(1)
	for range readers {
		wg.Go(func() {
			if err := l.view(t.Context(), func(q query) error {
				in.Done()
				out.Wait()
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
	in.Wait()
	if err := l.Backup(t.Context(), filepath.Join(t.TempDir(), "copy.db")); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.view(ctx, func(query) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("a read that was called off: %v", err)
	}
	out.Done()
	wg.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.view(t.Context(), func(query) error { return nil }); err == nil {
		t.Error("a closed ledger is read")
	}
}
