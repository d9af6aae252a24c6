package deliver

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/store/fs"
	"sekisho/gateway/store/sqlite"
	"sekisho/sanitize/seal"
)

// world is a Deliver with a real ledger and outbox.
type world struct {
	*Deliver
	t      *testing.T
	ledger *sqlite.Ledger
	outbox gateway.Blobs
	key    seal.Key
	conn   *connection

	mu    sync.Mutex
	at    time.Time
	count int
	dials int
}

const (
	boss = "postmaster@town.example.lg.jp"
	taro = "taro@town.example.lg.jp"
	jiro = "jiro@town.example.lg.jp"
	hana = "hana@town.example.lg.jp"
	mail = "Message-ID: <1@gw.example.lg.jp>\r\nSubject: hi\r\n\r\n.dot\r\nbye\r\n"
)

func newWorld(t *testing.T, h *nextHop) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t: t, at: time.Date(2026, 4, 17, 0, 12, 0, 0, time.UTC)}
	var err error
	if w.ledger, err = sqlite.Open(t.Context(), filepath.Join(dir, "ledger.db")); err != nil {
		t.Fatal(err)
	}
	if w.key, err = seal.NewKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	outbox, err := fs.Open(filepath.Join(dir, "outbox"), fs.Options{Recipients: []age.Recipient{id.Recipient()}, Identities: []age.Identity{id}})
	if err != nil {
		t.Fatal(err)
	}
	w.outbox = outbox
	w.join(t, h)
	t.Cleanup(w.end)
	return w
}

// join makes a new Deliver of the same ledger, outbox and clock for a subtest
// with a next hop of its own: opening a ledger takes its time.
func (w *world) join(t *testing.T, h *nextHop) {
	t.Helper()
	w.t = t
	hop := Hop{Address: h.l.Addr().String(), Hello: "gw.example.lg.jp", TLS: TLSNone, Dial: w.dial}
	w.Deliver = New(Config{Ledger: w.ledger, Outbox: w.outbox, Keys: w.key.Public(), Hop: hop, Owner: "test", Workers: 4, Postmaster: boss,
		Scribe: gateway.Scribe{Clock: w.now, Random: rand.Reader, Version: "test"}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	w.times.command, w.times.final, w.times.data, w.times.quit = 10*time.Second, 10*time.Second, 10*time.Second, time.Second
	w.pause = func(context.Context, time.Duration) {}
	w.conn = w.connection()
	conn := w.conn
	t.Cleanup(func() { conn.abort() })
}

// end checks what must hold whatever happened.
func (w *world) end() {
	if bad := w.ledger.CheckConsistency(context.Background()); len(bad) > 0 {
		w.t.Errorf("the ledger is inconsistent: %v", bad)
	}
	if err := w.ledger.Close(); err != nil {
		w.t.Error(err)
	}
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	w.dials++
	w.mu.Unlock()
	return new(net.Dialer).DialContext(ctx, network, address)
}

// order is a delivery to make; zero fields get good values.
type order struct {
	from   string
	to     []string
	mail   string
	claims func(*seal.Claims) // changes what is signed
	row    func(*gateway.Delivery)
}

// put stores a body in the outbox.
func (w *world) put(body string) string {
	w.t.Helper()
	blob, err := w.Outbox.Put(w.t.Context(), func(o io.Writer) error { _, err := io.WriteString(o, body); return err })
	if err != nil {
		w.t.Fatal(err)
	}
	return blob
}

// add seals a delivery as flow does.
func (w *world) add(o order) gateway.ID {
	w.t.Helper()
	id, err := gateway.NewID(rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	if o.mail == "" {
		o.mail = mail
	}
	if o.to == nil {
		o.to = []string{taro}
	}
	w.mu.Lock()
	w.count++
	receipt := fmt.Sprintf("M-260417-%05d", w.count)
	w.mu.Unlock()
	now := w.now()
	d := gateway.Delivery{ID: id, Receipt: receipt, Kind: gateway.KindMail, From: o.from, State: gateway.Ready,
		Verdict: "rebuilt", Size: int64(len(o.mail)), Sum: sha256.Sum256([]byte(o.mail)), Blob: w.put(o.mail),
		CreatedAt: now, NextAt: now, ExpiresAt: now.Add(3 * 24 * time.Hour)}
	for _, a := range o.to {
		d.Recipients = append(d.Recipients, gateway.Recipient{Address: a, State: gateway.Pending})
	}
	c := seal.Claims{Delivery: string(id), From: o.from, To: o.to, Route: gateway.RouteName, Build: "test", NotAfter: d.ExpiresAt.Add(24 * time.Hour)}
	if o.claims != nil {
		o.claims(&c)
	}
	if d.Passport, err = seal.Sign(w.key, c, seal.Linted(d.Sum, d.Size)); err != nil {
		w.t.Fatal(err)
	}
	if o.row != nil {
		o.row(&d)
	}
	r, err := w.Scribe.System("delivery.sealed", audit.Success, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.ledger.Do(w.t.Context(), func(tx gateway.Tx) error { return tx.AddDelivery(d, r) }); err != nil {
		w.t.Fatal(err)
	}
	return id
}

// step sends one delivery over the world's own connection.
func (w *world) step() {
	w.t.Helper()
	if worked, err := w.Deliver.step(w.t.Context(), w.conn); err != nil || !worked {
		w.t.Fatalf("worked: %v, %v", worked, err)
	}
}

// idle makes sure that nothing is due.
func (w *world) idle() {
	w.t.Helper()
	if worked, err := w.Deliver.step(w.t.Context(), w.conn); err != nil || worked {
		w.t.Fatalf("worked: %v, %v", worked, err)
	}
}

func (w *world) row(id gateway.ID) gateway.Delivery {
	w.t.Helper()
	d, err := w.ledger.Delivery(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// drafts returns the mails to the postmaster about a delivery.
func (w *world) drafts(about gateway.ID) []gateway.Delivery {
	w.t.Helper()
	ds, err := w.ledger.Deliveries(w.t.Context(), gateway.DeliveryQuery{States: []gateway.DeliveryState{gateway.Drafted}})
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.DeleteFunc(ds, func(d gateway.Delivery) bool { return d.About != about })
}

// verbs counts the records about a delivery.
func (w *world) verbs(id gateway.ID) map[audit.Verb]int {
	w.t.Helper()
	rows, err := w.ledger.Pending(w.t.Context(), -1, 100_000)
	if err != nil {
		w.t.Fatal(err)
	}
	n := map[audit.Verb]int{}
	for _, r := range rows {
		if r.Event.Object.ID == string(id) {
			n[r.Event.Verb]++
		}
	}
	return n
}

// inOutbox tells whether a sealed file is still there.
func (w *world) inOutbox(blob string) bool {
	w.t.Helper()
	r, err := w.Outbox.Open(w.t.Context(), blob)
	if errors.Is(err, gateway.ErrNotFound) {
		return false
	}
	if err != nil {
		w.t.Fatal(err)
	}
	r.Close()
	return true
}

// checkFailed checks that a delivery ended failed and the postmaster is told
// exactly once.
func (w *world) checkFailed(id gateway.ID, reason string) {
	w.t.Helper()
	d := w.row(id)
	if d.State != gateway.Failed || d.Reason != reason || d.Blob == "" || !w.inOutbox(d.Blob) {
		w.t.Errorf("delivery %s, reason %q, blob %q", d.State, d.Reason, d.Blob)
	}
	ds := w.drafts(id)
	if len(ds) != 1 || ds[0].About != id || ds[0].Kind != gateway.KindPostmaster || ds[0].Recipients[0].Address != boss || ds[0].From != "" {
		w.t.Errorf("drafts %+v", ds)
	}
}

// checkWaits checks that a delivery waits to be tried again, and why.
func (w *world) checkWaits(id gateway.ID, code int, text string) {
	w.t.Helper()
	d := w.row(id)
	r := d.Recipients[0]
	if d.State != gateway.Ready || d.Attempts != 1 || d.NextAt.Sub(w.now()) != backOff(1, false) || r.State != gateway.Pending {
		w.t.Fatalf("%s after %d attempts, next %v, %+v", d.State, d.Attempts, d.NextAt, r)
	}
	if r.Code != code || !contains(r.Text, text) {
		w.t.Errorf("stored %d %q, want %d %q", r.Code, r.Text, code, text)
	}
	if n := w.verbs(id); n["relay.intent"] != 1 || n["relay.deferred"] != 1 || n["relay.relayed"]+n["relay.failed"] != 0 {
		w.t.Errorf("records %v", n)
	}
	if len(w.drafts(id)) != 0 {
		w.t.Error("a draft for a delivery that waits")
	}
}
