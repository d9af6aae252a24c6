package store_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/store"
	"sekisho/gateway/store/fs"
)

func options(t *testing.T) fs.Options {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return fs.Options{Recipients: []age.Recipient{id.Recipient()}, Identities: []age.Identity{id}}
}

func open(t *testing.T, c store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestRoles opens one data directory as three processes do.
func TestRoles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	originals, outbox := options(t), options(t)
	intake := open(t, store.Config{Dir: dir, Originals: fs.Options{Recipients: originals.Recipients}})
	flow := open(t, store.Config{Dir: dir, Originals: originals, Outbox: outbox})
	deliver := open(t, store.Config{Dir: dir, Outbox: fs.Options{Identities: outbox.Identities}})

	put := func(b gateway.Blobs, text string) string {
		t.Helper()
		name, err := b.Put(t.Context(), func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return name
	}
	original := put(intake.Originals, "original")
	if _, err := intake.Originals.Open(t.Context(), original); err == nil {
		t.Error("intake can read originals")
	}
	if _, err := deliver.Originals.Open(t.Context(), original); err == nil {
		t.Error("deliver can read originals")
	}
	if _, err := intake.Outbox.Put(t.Context(), func(io.Writer) error { return nil }); err == nil {
		t.Error("intake can put into the outbox")
	}
	if _, err := flow.Originals.Open(t.Context(), original); err != nil {
		t.Errorf("flow cannot read originals: %v", err)
	}
	if _, err := deliver.Outbox.Open(t.Context(), put(flow.Outbox, "sealed")); err != nil {
		t.Errorf("deliver cannot read the outbox: %v", err)
	}
	err := filepath.Walk(dir, func(p string, i os.FileInfo, err error) error {
		if i.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", p, i.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if i, err := os.Stat(flow.AuditDir); err != nil || !i.IsDir() {
		t.Errorf("no audit directory: %v", err)
	}
}

func TestMissing(t *testing.T) {
	s := open(t, store.Config{Dir: t.TempDir(), Originals: options(t), Outbox: options(t)})
	missing := func() []string {
		t.Helper()
		found, err := store.Missing(t.Context(), s.Ledger, s.Originals, s.Outbox)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if found := missing(); found != nil {
		t.Errorf("empty, yet %v", found)
	}
	var names []string
	for _, id := range []gateway.ID{"1", "2"} {
		name, err := s.Originals.Put(t.Context(), func(io.Writer) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
		r, err := gateway.Scribe{Clock: time.Now}.System("message.received", audit.Success, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Ledger.Do(t.Context(), func(tx gateway.Tx) error {
			return tx.Accept(gateway.Message{ID: id, Blob: name, Envelope: gateway.Envelope{To: []string{"a@town.example"}}}, r)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found := missing(); found != nil {
		t.Errorf("all there, yet %v", found)
	}
	if err := s.Originals.Delete(t.Context(), names[1]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"original " + names[1]}, missing()); diff != "" {
		t.Error(diff)
	}
}

func TestOpenFails(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ name, spoil string }{
		{"no parent", ""},
		{"a file in place of the originals", "originals"},
		{"a file in place of the outbox", "outbox"},
		{"a directory in place of the ledger", "ledger.db/x"},
	} {
		at := filepath.Join(dir, c.name, "data")
		if c.spoil != "" {
			file := filepath.Join(at, c.spoil)
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if s, err := store.Open(t.Context(), store.Config{Dir: at}); err == nil {
			s.Close()
			t.Errorf("%s: opened", c.name)
		}
	}
}
