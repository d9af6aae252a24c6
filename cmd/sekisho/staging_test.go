package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestStaging: only a folder that nobody holds is one that was left; a file and
// folders with other names are not touched.
func TestStaging(t *testing.T) {
	data := t.TempDir()
	old := filepath.Join(data, "backup-old")
	for _, dir := range []string{old, filepath.Join(data, "originals")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{filepath.Join(old, "blob"), filepath.Join(data, "backup-list.txt")} {
		if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := newStaging(data)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"backup-old"}
	if left, err := leftStaging(data); err != nil || !slices.Equal(left, want) {
		t.Errorf("left: %v, %v", left, err)
	}
	if gone, err := clearStaging(data); err != nil || !slices.Equal(gone, want) {
		t.Errorf("cleared: %v, %v", gone, err)
	}
	if _, err := os.Stat(s.dir); err != nil {
		t.Errorf("the folder of a backup at work: %v", err)
	}
	if err := s.remove(); err != nil {
		t.Fatal(err)
	}
	if left, err := leftStaging(data); err != nil || left != nil {
		t.Errorf("left at the end: %v, %v", left, err)
	}
	names, err := os.ReadDir(data)
	if err != nil || len(names) != 2 {
		t.Errorf("%v, %v", names, err)
	}
	if _, err := leftStaging(filepath.Join(data, "nothing")); err != nil {
		t.Errorf("before there are data: %v", err)
	}
}
