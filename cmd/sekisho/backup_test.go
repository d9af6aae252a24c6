package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/config"
	"sekisho/gateway/store"
	"sekisho/gateway/store/fs"
	"sekisho/gateway/store/sqlite"
)

// TestBackupUnderLoad: while mails come and their originals go again, each
// backup holds every blob that its ledger names, and restores.
func TestBackupUnderLoad(t *testing.T) {
	dir := t.TempDir()
	if _, err := config.Init(filepath.Join(dir, "etc"), config.Answers{Instance: "test", Storage: filepath.Join(dir, "data")}, time.Now()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "etc", "sekisho.yaml")
	cfg, err := config.Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := config.LoadKeys(cfg.Keys.Dir, config.IntakeRole, config.FlowRole, config.DeliverRole, config.SequencerRole, config.AuditorRole)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Config{Dir: cfg.Storage.Dir, Originals: fs.Options{Recipients: keys.OriginalsTo}, Outbox: fs.Options{Recipients: keys.OutboxTo}})
	if err != nil {
		t.Fatal(err)
	}
	files, err := audit.OpenDir(s.AuditDir)
	if err != nil {
		t.Fatal(err)
	}
	w, err := audit.Open(t.Context(), files, audit.Options{Signer: keys.Audit, Keys: keys.AuditPublic, Location: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	busy.Go(func() {
		q := &audit.Sequencer{Source: s.Ledger, Writer: w, Poll: time.Millisecond, Every: 16}
		if err := q.Run(ctx); err != nil {
			t.Errorf("sequencer: %v", err)
		}
	})
	var mails atomic.Int64
	for range 4 {
		busy.Go(func() {
			for ctx.Err() == nil {
				if err := comeAndGo(s, int(mails.Add(1))); err != nil {
					t.Errorf("a mail: %v", err)
					return
				}
			}
		})
	}
	e := env{t.Context(), io.Discard, io.Discard}
	var copies []string
	for i := range 3 {
		for before := mails.Load(); mails.Load() < before+40 && !t.Failed(); {
			runtime.Gosched() // until there was work between two backups
		}
		b, err := newBackup(cfg, file, filepath.Join(dir, fmt.Sprint("copy", i)))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.take(t.Context(), s.Ledger); err != nil {
			t.Fatal(err)
		}
		if err := b.staging.remove(); err != nil {
			t.Fatal(err)
		}
		copies = append(copies, b.to)
	}
	stop()
	busy.Wait()
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for _, c := range copies {
		proveCopy(t, e, c, cfg.Keys.Dir)
	}
}

// proveCopy restores a backup and holds everything in it against each other.
func proveCopy(t *testing.T, e env, from, keys string) {
	t.Helper()
	var said bytes.Buffer
	e.stdout = &said
	to := from + "-restored"
	if err := (&restoreCmd{From: from, To: to, Verify: true, Keys: keys, Key: filepath.Join(keys, "audit.pub")}).Run(e); err != nil {
		t.Fatalf("%s: %v\n%s", from, err, said.String())
	}
	l, err := sqlite.Open(t.Context(), store.LedgerFile(to))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if n, err := l.Counts(t.Context()); err != nil || n.Accepted == 0 {
		t.Errorf("%+v, %v", n, err)
	}
}

// comeAndGo is the life of an original: stored, accepted, and for two of three
// mails forgotten and deleted at once.
func comeAndGo(s *store.Store, n int) error {
	ctx := context.Background()
	name, err := s.Originals.Put(ctx, func(w io.Writer) error { _, err := fmt.Fprintln(w, "mail", n); return err })
	if err != nil {
		return err
	}
	scribe := gateway.Scribe{Clock: time.Now, Random: rand.Reader, Version: "test"}
	r, err := scribe.System("message.received", audit.Success, nil)
	if err != nil {
		return err
	}
	id, err := gateway.NewID(rand.Reader)
	if err != nil {
		return err
	}
	m := gateway.Message{ID: id, Receipt: fmt.Sprintf("M-261125-%05d", n), ReceivedAt: time.Now(), Size: 10, Blob: name, Sum: sha256.Sum256(fmt.Appendln(nil, "mail", n)),
		Envelope: gateway.Envelope{From: "a@example.com", To: []string{"b@town.example"}}}
	if err := s.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.Accept(m, r) }); err != nil || n%3 == 0 {
		return err
	}
	gone, err := scribe.System("original.purged", audit.Success, nil)
	if err != nil {
		return err
	}
	var old gateway.Message
	err = s.Ledger.Do(ctx, func(tx gateway.Tx) error {
		var err error
		if old, err = tx.ClaimMessage("test", time.Now(), time.Now().Add(time.Hour)); err != nil {
			return err
		}
		if err := tx.Settle(old, []gateway.Delivery{{ID: id, Message: old.ID, Receipt: old.Receipt, Kind: gateway.KindMail, State: gateway.Held,
			Recipients: []gateway.Recipient{{Address: "b@town.example", State: gateway.Pending}}, CreatedAt: time.Now(), Reason: "internal"}}, nil, gone); err != nil {
			return err
		}
		return tx.ForgetOriginal(old.ID)
	})
	if err != nil {
		return err
	}
	return s.Originals.Delete(ctx, old.Blob)
}
