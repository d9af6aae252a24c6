package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sekisho/sanitize/pdfium"
)

// TestEngineIsRemoved: what this process compiles for itself goes with it, and
// nobody compiles where no PDF comes.
func TestEngineIsRemoved(t *testing.T) {
	e, err := newPDFEngine(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(e.dir); e.own == "" && err != nil || e.own != "" && !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v %v", info, err)
	}
	if err := e.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(e.own); e.own != "" && !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}

// TestEngineCannotBeCompiled: the error comes to whoever waits, and a caller
// who does not wait any longer is let go.
func TestEngineCannotBeCompiled(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	e := &pdfEngine{dir: filepath.Join(file, "engine"), log: slog.New(slog.NewTextHandler(io.Discard, nil)), done: make(chan struct{})}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := e.await(ctx); err == nil {
		t.Error("no error")
	}
	gone, stop := context.WithCancel(t.Context())
	stop()
	waiting := &pdfEngine{done: make(chan struct{})}
	waiting.once.Do(func() {})
	if err := waiting.await(gone); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestEngineCommand compiles the engine where it is told to.
func TestEngineCommand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache", "engine")
	var out bytes.Buffer
	for range 2 { // the second time there is nothing to do
		if err := (engineCmd{Dir: dir}).Run(env{ctx: t.Context(), stdout: &out}); err != nil {
			t.Fatal(err)
		}
	}
	if err := pdfium.Check(dir); err != nil || !bytes.Contains(out.Bytes(), []byte(dir)) {
		t.Errorf("%v, %q", err, out.String())
	}
}
