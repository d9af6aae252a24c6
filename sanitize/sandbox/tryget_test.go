package sandbox

import (
	"context"
	"errors"
	"testing"
)

// TestTryGet takes a free place and never waits for one.
func TestTryGet(t *testing.T) {
	p := newTestPool(t, func(c *Config) { c.MaxRunning = 1 })
	if _, err := p.TryGet(t.Context(), "no such class"); err == nil || errors.Is(err, ErrBusy) {
		t.Errorf("a class that is not known: %v", err)
	}
	w, err := p.TryGet(t.Context(), "plain")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.TryGet(t.Context(), "plain"); !errors.Is(err, ErrBusy) {
		t.Errorf("while the only place is taken: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if w, err := p.TryGet(ended, "plain"); err == nil {
		w.Close()
	}
	if w, err = p.TryGet(t.Context(), "plain"); err != nil {
		t.Fatalf("the place did not come back: %v", err)
	}
	w.Close()
	p.Close()
	if _, err := p.TryGet(t.Context(), "plain"); !errors.Is(err, ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}
