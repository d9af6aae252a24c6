package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"sekisho/gateway/config"
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

// TestEngineCommand compiles the engine where the configuration, or the command
// line, says; a configuration that is named must be there.
func TestEngineCommand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache", "engine")
	t.Setenv("SEKISHO_ENGINE_CACHE", dir)
	var out bytes.Buffer
	e := env{ctx: t.Context(), stdout: &out}
	for _, c := range []engineCmd{{}, {Dir: dir}} { // the second time there is nothing to do
		if err := c.Run(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := pdfium.Check(dir); err != nil || bytes.Count(out.Bytes(), []byte(dir)) != 2 {
		t.Errorf("%v, %q", err, out.String())
	}
	if err := (engineCmd{Config: dir + "/none.yaml"}).Run(e); err == nil {
		t.Error("a configuration that is not there")
	}
	// Whoever may write beside it fills it, others have one of their own.
	at := config.Engine{Cache: dir}
	if got := newPDFEngine(at, nil).dir; got != dir {
		t.Errorf("ready: %s", got)
	}
	if err := os.Remove(filepath.Join(dir, "stamp")); err != nil {
		t.Fatal(err)
	}
	if got := newPDFEngine(at, nil).dir; got != dir {
		t.Errorf("to be filled by its owner: %s", got)
	}
	if err := os.Chmod(filepath.Dir(dir), 0o777); err != nil {
		t.Fatal(err)
	}
	if got := newPDFEngine(at, nil).dir; filepath.Dir(got) != engineBase() {
		t.Errorf("open to others: %s", got)
	}
}

// TestEngineOfUser: who is not root and may not fill the machine's cache has one
// in a home of their own, or none that outlives the machine's next start.
func TestEngineOfUser(t *testing.T) {
	home, uid := t.TempDir(), os.Geteuid()
	if err := os.Chmod(home, 0o755); err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(home, ".cache")
	t.Setenv("XDG_CACHE_HOME", cache)
	shared := config.Engine{Fonts: []string{"/f"}, Cache: "/nonexistent/engine"}
	own := filepath.Join(cache, "sekisho", "engine-"+pdfium.Stamp())
	if got := ofUser(shared, 0); got.Cache != shared.Cache {
		t.Errorf("root: %s", got.Cache)
	}
	if got := ofUser(config.Engine{Cache: filepath.Join(home, "engine")}, uid); got.Cache != filepath.Join(home, "engine") {
		t.Errorf("a configured one of their own: %s", got.Cache)
	}
	if uid == 0 {
		uid = 65534 // as somebody to whom nothing here belongs
		if got := ofUser(shared, uid); got.Cache != shared.Cache {
			t.Errorf("the cache of another user: %s", got.Cache)
		}
		if err := os.Chown(filepath.Join(cache, "sekisho"), uid, -1); err != nil {
			t.Fatal(err)
		}
	}
	if got := ofUser(shared, uid); got.Cache != own || len(got.Fonts) != 1 {
		t.Errorf("%+v, want %s", got, own)
	}
	for _, name := range []string{"engine-old", "engine-old.lock", "engine-" + pdfium.Stamp() + ".lock", "other"} {
		if err := os.WriteFile(filepath.Join(cache, "sekisho", name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(forgetOthers(own), forgetOthers("/nonexistent/engine")); err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(cache, "sekisho", "*")); err != nil || len(left) != 2 {
		t.Errorf("left: %v, %v", left, err)
	}
	if err := os.Chmod(filepath.Join(cache, "sekisho"), 0o777); err != nil {
		t.Fatal(err)
	}
	if got := ofUser(shared, uid); got.Cache != shared.Cache {
		t.Errorf("a cache that others may write to: %s", got.Cache)
	}
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	if got := ofUser(shared, uid); got.Cache != shared.Cache {
		t.Errorf("without a home: %s", got.Cache)
	}
}

// TestEngineFonts: the fonts of the default configuration are those that PDFium
// is tested with.
func TestEngineFonts(t *testing.T) {
	if a, b := config.Default().Engine.Fonts, pdfium.DefaultFonts(); !slices.Equal(a, b) {
		t.Errorf("%v, %v", a, b)
	}
}
