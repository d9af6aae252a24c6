package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestBoxProgram: only a file that nobody else could have written is taken.
func TestBoxProgram(t *testing.T) {
	for name, test := range map[string]struct {
		place string
		mode  os.FileMode
		found bool
	}{
		"beside":            {"bin/sekisho-box", 0o755, true},
		"libexec":           {"libexec/sekisho/sekisho-box", 0o755, true},
		"writable by group": {"bin/sekisho-box", 0o775, false},
		"writable by all":   {"bin/sekisho-box", 0o757, false},
		"not a program":     {"bin/sekisho-box", 0o644, false},
		"elsewhere":         {"sekisho-box", 0o755, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			self, box := filepath.Join(dir, "bin", "sekisho"), filepath.Join(dir, test.place)
			for path, mode := range map[string]os.FileMode{self: 0o755, box: test.mode} {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(path, mode); err != nil {
					t.Fatal(err)
				}
			}
			if got := boxProgram(self); (got != "") != test.found {
				t.Fatalf("found %q", got)
			}
		})
	}
	if dir := t.TempDir(); boxProgram(filepath.Join(dir, "sekisho")) != "" {
		t.Fatal("found what is not there")
	}
}
