package flow

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/store/fs"
	"sekisho/gateway/store/sqlite"
	"sekisho/quarantine"
	"sekisho/sanitize"
	"sekisho/sanitize/format"
	"sekisho/sanitize/policy"
	"sekisho/sanitize/sandbox"
	"sekisho/sanitize/sandbox/boxtest"
	"sekisho/sanitize/seal"
)

func TestMain(m *testing.M) {
	sandbox.Main(mortal())
	os.Exit(boxtest.Run(m))
}

// world is a flow with a real ledger, stores and boxes.
type world struct {
	*Flow
	t      *testing.T
	ledger *sqlite.Ledger
	now    time.Time
	policy policy.Policy
	offers quarantine.Rules // when something is asked for
	count  int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, now: time.Date(2026, 4, 17, 0, 12, 0, 0, time.UTC), policy: policy.Policy{Default: policy.Default()},
		offers: quarantine.Rules{SelfService: true, Exceptions: true, InternetSide: true}}
	var err error
	if w.ledger, err = sqlite.Open(t.Context(), filepath.Join(dir, "ledger.db")); err != nil {
		t.Fatal(err)
	}
	key, err := seal.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := sandbox.NewPool(sandbox.Config{Classes: mortal(), Exe: os.Getenv(boxtest.ExeEnv), EngineExe: os.Getenv(boxtest.ExeEnv), MaxRunning: 16})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	w.Flow = New(Config{Ledger: w.ledger, Originals: blobs(t, dir, "originals"), Outbox: blobs(t, dir, "outbox"),
		Engine: sanitize.New(pool, log), Policy: func() policy.Policy { return w.policy }, Key: key,
		Scribe: gateway.Scribe{Clock: func() time.Time { return w.now }, Random: rand.Reader, Version: "test"}, Log: log,
		Owner: "test", Host: "gw.example.lg.jp", Instance: "gw1", Postmaster: "postmaster@town.example.lg.jp",
		Office: format.Office{Name: "サンプル町", Contact: "情報政策課"}, Location: time.FixedZone("JST", 9*3600)})
	t.Cleanup(func() {
		pool.Close()
		if bad := w.ledger.CheckConsistency(context.Background()); len(bad) > 0 {
			t.Errorf("the ledger is inconsistent: %v", bad)
		}
		if err := w.ledger.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func blobs(t *testing.T, dir, name string) gateway.Blobs {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	s, err := fs.Open(filepath.Join(dir, name), fs.Options{Recipients: []age.Recipient{id.Recipient()}, Identities: []age.Identity{id}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// accept puts a mail into the ledger as intake does.
func (w *world) accept(mail string, to ...string) gateway.Message {
	w.t.Helper()
	return w.acceptFrom("sender@example.com", mail, to...)
}

func (w *world) acceptFrom(from, mail string, to ...string) gateway.Message {
	w.t.Helper()
	raw := strings.ReplaceAll(mail, "\n", "\r\n")
	blob, err := w.Originals.Put(w.t.Context(), func(o io.Writer) error {
		_, err := io.WriteString(o, raw)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	id, err := gateway.NewID(rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	w.count++
	m := gateway.Message{ID: id, Receipt: fmt.Sprintf("M-260417-%05d", w.count), State: gateway.Accepted, ReceivedAt: w.now, NextAt: w.now,
		Envelope: gateway.Envelope{From: from, To: to, Client: "192.0.2.1"}, Size: int64(len(raw)),
		Sum: sha256.Sum256([]byte(raw)), Blob: blob}
	r, err := w.Scribe.Remote("message.received", audit.Success, "192.0.2.1", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.ledger.Do(w.t.Context(), func(tx gateway.Tx) error { return tx.Accept(m, r) }); err != nil {
		w.t.Fatal(err)
	}
	return m
}

// step does one piece of work.
func (w *world) step() {
	w.t.Helper()
	if worked, err := w.Step(w.t.Context()); err != nil || !worked {
		w.t.Fatalf("worked: %v, %v", worked, err)
	}
}

func (w *world) deliveries(m gateway.Message) []gateway.Delivery {
	w.t.Helper()
	ds, err := w.ledger.Deliveries(w.t.Context(), gateway.DeliveryQuery{Message: m.ID})
	if err != nil {
		w.t.Fatal(err)
	}
	return ds
}

func (w *world) items(m gateway.Message) []quarantine.Item {
	w.t.Helper()
	is, err := w.ledger.Items(w.t.Context(), gateway.ItemQuery{Message: m.ID})
	if err != nil {
		w.t.Fatal(err)
	}
	return is
}

// sealed opens a delivery as deliver would.
func (w *world) sealed(d gateway.Delivery) (seal.Verified, string) {
	w.t.Helper()
	v, err := seal.Open(func() (io.ReadCloser, error) { return w.Outbox.Open(w.t.Context(), d.Blob) }, d.Passport, w.Key.Public(), w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := v.Body()
	if err != nil {
		w.t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		w.t.Fatal(err)
	}
	return v, string(b)
}

func (w *world) verbs() map[audit.Verb]int {
	w.t.Helper()
	rows, err := w.ledger.Pending(w.t.Context(), -1, 10_000)
	if err != nil {
		w.t.Fatal(err)
	}
	n := map[audit.Verb]int{}
	for _, r := range rows {
		n[r.Event.Verb]++
	}
	return n
}

const plain = "From: a@example.com\nTo: b@town.example.lg.jp\nSubject: hi\n\nhello\n"

// finish relays whatever waits for a message.
func finish(t *testing.T, w *world, m gateway.Message) {
	t.Helper()
	for _, d := range w.deliveries(m) {
		if d.State != gateway.Ready {
			continue
		}
		relayed, err := w.Scribe.System("relay.relayed", audit.Success, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = w.ledger.Do(t.Context(), func(tx gateway.Tx) error {
			d, err := tx.ClaimDelivery("deliver", w.now, w.now.Add(time.Minute))
			if err != nil {
				return err
			}
			for i := range d.Recipients {
				d.Recipients[i].State = gateway.Taken
			}
			d.State = gateway.Relayed
			return tx.Outcome(d, relayed)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
