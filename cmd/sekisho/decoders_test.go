package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sekisho/sanitize/format"
)

// TestCompileDecoders: what is installed is compiled where boxes find it; a
// cache that others may write to is not used.
func TestCompileDecoders(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	e := env{ctx: t.Context(), stdout: &out, stderr: &out}
	if err := compileDecoders(e, dir); !errors.Is(err, exitHeld) || strings.Count(out.String(), "ありません") != 3 {
		t.Errorf("nothing installed: %v, %s", err, out.String())
	}
	data, err := os.ReadFile("../../bin/modules/avif.wasm.gz") // make modules
	if err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(dir, "avif.wasm.gz")
	if err := os.WriteFile(at, append(data, 0), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := compileDecoders(e, dir); err == nil || errors.Is(err, exitHeld) {
		t.Errorf("another file: %v", err)
	}
	if err := os.WriteFile(at, data, 0o600); err != nil {
		t.Fatal(err)
	}
	cache := filepath.Join(dir, decoderCache)
	if dirs := decoder("avif", format.AVIF, dir, []string{"/f"}).Dirs; !slices.Equal(dirs, []string{dir, noCache, "/f"}) {
		t.Errorf("without a cache: %v", dirs)
	}
	if err := compileDecoders(e, dir); err != nil {
		t.Fatal(err)
	}
	if dirs := decoder("avif", format.AVIF, dir, nil).Dirs; !slices.Equal(dirs, []string{dir, cache}) {
		t.Errorf("with a cache: %v", dirs)
	}
	files, err := filepath.Glob(filepath.Join(cache, "*", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	if err := os.Chmod(files[0], 0o666); err != nil {
		t.Fatal(err)
	}
	if onlyOwners(cache) {
		t.Error("a file that all may write to")
	}
}
