package pdfium

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// copied is a copy of the compile cache with small files in place of the code,
// since Check looks at who could have written it.
func copied(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "cache")
	if err := errors.Join(os.Mkdir(dir, 0o755), os.Mkdir(filepath.Join(dir, "wazero"), 0o755),
		os.WriteFile(filepath.Join(dir, "wazero", "code"), []byte("x"), 0o644), writeStamp(dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestCheck: a cache that others could have written, or that is for another
// build or machine, is refused.
func TestCheck(t *testing.T) {
	for _, test := range []struct {
		name string
		harm func(dir string) error
		ok   bool
	}{
		{"as it was made", func(string) error { return nil }, true},
		{"no directory", os.RemoveAll, false},
		{"no stamp", func(dir string) error { return os.Remove(filepath.Join(dir, stampFile)) }, false},
		{"another stamp", func(dir string) error { return os.WriteFile(filepath.Join(dir, stampFile), []byte("x"), 0o644) }, false},
		{"the directory is open to a group", func(dir string) error { return os.Chmod(dir, 0o775) }, false},
		{"the directory is open to all", func(dir string) error { return os.Chmod(dir, 0o777) }, false},
		{"the code is open to all", func(dir string) error { return os.Chmod(filepath.Join(dir, "wazero", "code"), 0o666) }, false},
		{"the code is a link", func(dir string) error { return os.Symlink("/dev/null", filepath.Join(dir, "wazero", "more")) }, false},
		{"the directory is a link", func(dir string) error {
			return errors.Join(os.Rename(dir, dir+"2"), os.Symlink(dir+"2", dir))
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := copied(t)
			if err := test.harm(dir); err != nil {
				t.Fatal(err)
			}
			if err := Check(dir); (err == nil) != test.ok || err != nil && !errors.Is(err, ErrCache) {
				t.Fatalf("%v", err)
			}
		})
	}
	if os.Geteuid() == 0 {
		dir := copied(t)
		if err := os.Chown(filepath.Join(dir, "wazero", "code"), 61234, 0); err != nil {
			t.Fatal(err)
		}
		if err := Check(dir); !errors.Is(err, ErrCache) {
			t.Fatalf("code of another user: %v", err)
		}
	}
}

// TestPreparedCacheIsUsed: nothing is compiled, or written, a second time.
func TestPreparedCacheIsUsed(t *testing.T) {
	dir := os.Getenv(cacheEnv)
	before, err := os.Stat(filepath.Join(dir, stampFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := Prepare(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(filepath.Join(dir, stampFile))
	if err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Fatalf("made again: %v", err)
	}
}

// TestPrepareRefuses: nothing is written into a directory that others may
// write to.
func TestPrepareRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := Prepare(t.Context(), dir); !errors.Is(err, ErrCache) {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Fatalf("%v, %v", left, err)
	}
}
