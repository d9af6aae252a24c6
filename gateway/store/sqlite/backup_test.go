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

// TestBackupHolding: while hold runs nothing commits, so the names it is given
// are those of the copy; afterwards the writers go on.
func TestBackupHolding(t *testing.T) {
	dir := t.TempDir()
	l := openAt(t, filepath.Join(dir, "ledger.db"))
	accept(t, l, 1)
	begun, done := make(chan struct{}), make(chan struct{})
	copied := filepath.Join(dir, "copy.db")
	var named int
	err := l.BackupHolding(t.Context(), copied, func(originals, outbox map[string]bool) error {
		named = len(originals) + len(outbox)
		go func() {
			close(begun)
			accept(t, l, 2) // waits for the end of hold
			close(done)
		}()
		<-begun
		again, _, err := l.Blobs(t.Context())
		if err != nil || len(again) != len(originals) {
			t.Errorf("%d names, then %d, %v", len(originals), len(again), err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	<-done
	if n, err := l.Counts(t.Context()); err != nil || n.Accepted != 2 {
		t.Errorf("%+v, %v", n, err)
	}
	b := openAt(t, copied)
	originals, outbox, err := b.Blobs(t.Context())
	if err != nil || len(originals)+len(outbox) != named || named != 1 {
		t.Errorf("the copy names %d and %d, hold was told of %d, %v", len(originals), len(outbox), named, err)
	}
	wrong := errors.New("hold")
	if err := l.BackupHolding(t.Context(), filepath.Join(dir, "other.db"), func(_, _ map[string]bool) error { return wrong }); !errors.Is(err, wrong) {
		t.Errorf("got %v", err)
	}
	accept(t, l, 3)
}
