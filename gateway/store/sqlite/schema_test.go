package sqlite

import (
	"bytes"
	"database/sql"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"sekisho/gateway"
	"sekisho/quarantine"
)

func TestRefusedFiles(t *testing.T) {
	cases := []struct {
		name, script, says string
	}{
		{"a newer schema", "PRAGMA application_id = 0x53454b49; PRAGMA user_version = 1000; CREATE TABLE x (y)", "version is 1000, this program knows up to"},
		{"another program", "CREATE TABLE x (y)", "another program"},
		{"another application id", "PRAGMA application_id = 7", "another program"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "ledger.db")
			db, err := sql.Open("sqlite", file)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec(c.script); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			before := read(t, file)
			_, err = Open(t.Context(), file)
			if !errors.Is(err, ErrSchema) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
			if !bytes.Equal(read(t, file), before) {
				t.Error("the file was changed")
			}
		})
	}
	t.Run("no database", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "ledger.db")
		text := bytes.Repeat([]byte("not a database. "), 1000)
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if l, err := Open(t.Context(), file); err == nil {
			l.Close()
			t.Error("opened")
		}
		if !bytes.Equal(read(t, file), text) {
			t.Error("the file was changed")
		}
	})
	t.Run("no directory", func(t *testing.T) {
		if l, err := Open(t.Context(), filepath.Join(t.TempDir(), "no", "ledger.db")); err == nil {
			l.Close()
			t.Error("opened")
		}
	})
}

func TestMigration(t *testing.T) {
	scripts, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ledger with a space?.db")
	l := openAt(t, file)
	accept(t, l, 1)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	bad := append(scripts, "ALTER TABLE messages ADD COLUMN next_version INTEGER; INSERT INTO nothing VALUES (1)")
	if l, err := open(t.Context(), file, bad); err == nil {
		l.Close()
		t.Fatal("a broken migration passed")
	}
	l = openAt(t, file) // is as it was
	consistent(t, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	next := append(scripts, "ALTER TABLE messages ADD COLUMN next_version INTEGER; UPDATE messages SET next_version = n")
	for range 2 {
		newer, err := open(t.Context(), file, next)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := newer.Message(t.Context(), mail(1).ID); err != nil {
			t.Error(err)
		}
		if err := newer.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if l, err := Open(t.Context(), file); !errors.Is(err, ErrSchema) {
		l.Close()
		t.Errorf("the older program opened the newer ledger: %v", err)
	}
}

// TestRollback goes to the next schema and back: the copy that the upgrade left
// is the ledger as it was, and the present program goes on with it.
func TestRollback(t *testing.T) {
	scripts, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ledger.db")
	l := openAt(t, file)
	accept(t, l, 1)
	settled(t, l)
	want, err := l.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	kept := BeforeUpgrade(file, len(scripts))
	bad := append(slices.Clone(scripts), "INSERT INTO nothing VALUES (1)")
	for range 2 { // the copy of an upgrade that failed is replaced
		if l, err := open(t.Context(), file, bad); err == nil {
			l.Close()
			t.Fatal("a broken migration passed")
		}
	}
	newer, err := open(t.Context(), file, append(slices.Clone(scripts), "ALTER TABLE messages ADD COLUMN later TEXT"))
	if err != nil {
		t.Fatal(err)
	}
	accept(t, newer, 2) // will be lost with the way back
	if err := newer.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err := Open(t.Context(), file); !errors.Is(err, ErrSchema) {
		l.Close()
		t.Fatalf("the older program opened the newer ledger: %v", err)
	}
	if i, err := os.Stat(kept); err != nil || i.Mode() != 0o600 {
		t.Fatalf("the copy: %v, %v", i, err)
	}
	for _, old := range []string{file, file + "-wal", file + "-shm"} {
		if err := os.Remove(old); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if err := os.Rename(kept, file); err != nil {
		t.Fatal(err)
	}
	back := openAt(t, file)
	if got, err := back.Counts(t.Context()); err != nil || got != want {
		t.Errorf("%+v, want %+v, %v", got, want, err)
	}
	accept(t, back, 3)
	consistent(t, back)
}

// TestUpgradeOfKinds: a ledger of before the digests keeps its deliveries, takes
// the new kinds and no others, and refuses what it refused.
func TestUpgradeOfKinds(t *testing.T) {
	scripts, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ledger.db")
	before, err := open(t.Context(), file, scripts[:5])
	if err != nil {
		t.Fatal(err)
	}
	accept(t, before, 1)
	settled(t, before)
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		l := openAt(t, file)
		ds, err := l.Deliveries(t.Context(), gateway.DeliveryQuery{Message: mail(1).ID})
		if err != nil || len(ds) != 2 {
			t.Fatalf("%v, %v", ds, err)
		}
		for kind, ok := range map[string]bool{"digest": true, "notice": true, "trial": true, "other": false} {
			err := l.w.do(t.Context(), func(x *tx) error {
				_, err := x.conn.c.ExecContext(x.ctx, `UPDATE deliveries SET kind = ?, reverse_path = '' WHERE id = ?`, kind, string(ds[0].ID))
				return err
			})
			if (err == nil) != ok {
				t.Errorf("kind %s: %v", kind, err)
			}
		}
		err = l.w.do(t.Context(), func(x *tx) error {
			_, err := x.conn.c.ExecContext(x.ctx, `UPDATE deliveries SET kind = 'mail', state = 'none' WHERE id = ?`, string(ds[0].ID))
			return err
		})
		if err == nil {
			t.Error("a state that there is not was stored")
		}
		err = l.w.do(t.Context(), func(x *tx) error {
			_, err := x.conn.c.ExecContext(x.ctx, `UPDATE deliveries SET kind = 'mail' WHERE id = ?`, string(ds[0].ID))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		consistent(t, l)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestUpgradeOfHeld: wholly held mails of before version 10 of which everything was
// decided have ended after the upgrade; the others are held, and end later.
func TestUpgradeOfHeld(t *testing.T) {
	scripts, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ledger.db")
	before, err := open(t.Context(), file, scripts[:9])
	if err != nil {
		t.Fatal(err)
	}
	states := map[quarantine.State]gateway.DeliveryState{quarantine.Held: gateway.Held, quarantine.Released: gateway.Released,
		quarantine.Discarded: gateway.Discarded, quarantine.Expired: gateway.Discarded}
	held := map[quarantine.State]gateway.ID{}
	for n, s := range slices.Sorted(maps.Keys(states)) {
		accept(t, before, n)
		_, d := settled(t, before)
		held[s] = d.ID
		err := before.w.do(t.Context(), func(x *tx) error {
			_, err := x.conn.c.ExecContext(x.ctx, `UPDATE items SET state = ?1, decided_at = iif(?1 = 'held', 0, 1) WHERE delivery = ?2`, string(s), string(d.ID))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	l := openAt(t, file)
	for s, want := range states {
		if d, err := l.Delivery(t.Context(), held[s]); err != nil || d.State != want {
			t.Errorf("of an item that is %s: %s, want %s, %v", s, d.State, want, err)
		}
	}
	consistent(t, l)
	is, err := l.Items(t.Context(), gateway.ItemQuery{States: []quarantine.State{quarantine.Held}})
	if err != nil || len(is) != 1 {
		t.Fatalf("%d held items, %v", len(is), err)
	}
	i, err := is[0].Discard("yamada", begin)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Do(t.Context(), func(tx gateway.Tx) error { return tx.MoveItem(i, record(t)) }); err != nil {
		t.Fatal(err)
	}
	if d, err := l.Delivery(t.Context(), held[quarantine.Held]); err != nil || d.State != gateway.Discarded {
		t.Errorf("decided after the upgrade: %s, %v", d.State, err)
	}
	consistent(t, l)
}

// TestNoCopyOfANewLedger: there is nothing to keep of it.
func TestNoCopyOfANewLedger(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ledger.db")
	for range 2 {
		if err := openAt(t, file).Close(); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := filepath.Glob(file + ".schema*"); err != nil || len(names) > 0 {
		t.Errorf("%v, %v", names, err)
	}
}

func TestOpenTogether(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ledger.db")
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			l, err := Open(t.Context(), file)
			if err != nil {
				t.Error(err)
				return
			}
			accept(t, l, i)
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	l := openAt(t, file)
	if c, err := l.Counts(t.Context()); err != nil || c != (gateway.Counts{Accepted: 4, OldestWaiting: begin, OriginalBytes: 40, AuditPending: 4}) {
		t.Errorf("%+v, %v", c, err)
	}
	consistent(t, l)
}

func TestModes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ledger.db")
	accept(t, openAt(t, file), 1)
	names, err := filepath.Glob(file + "*")
	if err != nil || len(names) != 3 {
		t.Fatalf("%v, %v", names, err)
	}
	for _, n := range names {
		if i, err := os.Stat(n); err != nil || i.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", n, i.Mode(), err)
		}
	}
}

// TestPragmas checks, on the connections really used, what durability hangs on.
func TestPragmas(t *testing.T) {
	l := openTest(t)
	want := map[string]int{"synchronous": 2, "foreign_keys": 1, "busy_timeout": 10000, "secure_delete": 1, "trusted_schema": 0}
	for name, n := range want {
		var got int
		err := l.w.do(t.Context(), func(x *tx) error { return x.conn.c.QueryRowContext(x.ctx, "PRAGMA "+name).Scan(&got) })
		if err != nil || got != n {
			t.Errorf("%s is %d, want %d, %v", name, got, n, err)
		}
	}
	var mode string
	if err := l.read.QueryRow("PRAGMA journal_mode").Scan(&mode); err != nil || mode != "wal" {
		t.Errorf("journal mode %q, %v", mode, err)
	}
	if _, err := l.read.Exec("DELETE FROM messages"); err == nil {
		t.Error("a reader can write")
	}
}
