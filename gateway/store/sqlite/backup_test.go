package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestBackup(t *testing.T) {
	dir := t.TempDir()
	l := openAt(t, filepath.Join(dir, "ledger.db"))
	accept(t, l, 1)
	settled(t, l)
	copied := filepath.Join(dir, "it's a copy.db")
	if err := l.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	if i, err := os.Stat(copied); err != nil || i.Mode() != 0o600 {
		t.Errorf("%v, %v", i, err)
	}
	if err := l.Backup(t.Context(), copied); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a backup was written over: %v", err)
	}
	accept(t, l, 2)
	want, err := l.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := openAt(t, copied)
	accept(t, b, 2) // goes on as the original did
	if got, err := b.Counts(t.Context()); err != nil || got != want {
		t.Errorf("%+v, want %+v, %v", got, want, err)
	}
	consistent(t, b)

	if err := l.Backup(t.Context(), filepath.Join(dir, "no", "copy.db")); err == nil {
		t.Error("backed up into nowhere")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	failed := filepath.Join(dir, "failed.db")
	if err := l.Backup(t.Context(), failed); err == nil {
		t.Error("backed up a closed ledger")
	}
	if _, err := os.Stat(failed); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a failed backup was left: %v", err)
	}
}
