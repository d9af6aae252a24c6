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

// TestEngineOfAnother: a directory for compiled code that others may write to is
// not used, whatever lies in it.
func TestEngineOfAnother(t *testing.T) {
	e := &pdfEngine{dir: filepath.Join(t.TempDir(), "engine"), log: slog.New(slog.DiscardHandler), done: make(chan struct{})}
	if err := os.Mkdir(e.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(e.dir, 0o777); err != nil { // whatever the umask
		t.Fatal(err)
	}
	if err := e.await(t.Context()); !errors.Is(err, pdfium.ErrCache) {
		t.Error(err)
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
