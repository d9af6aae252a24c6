package deliver

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"sekisho/gateway"
	"sekisho/sanitize/seal"
)

// swapped gives another body from the n-th Open on.
type swapped struct {
	gateway.Blobs
	n    *int
	body string
}

func (s swapped) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	if *s.n--; *s.n < 0 {
		return io.NopCloser(strings.NewReader(s.body)), nil
	}
	return s.Blobs.Open(ctx, name)
}

// What the passport does not allow is not sent, and the postmaster is told.
// spec: g5
func TestPassport(t *testing.T) {
	w := newWorld(t, newHop(t))
	other, err := seal.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	swap := func(n int, body string) { w.Outbox = swapped{w.Outbox, &n, body} }
	resign := func(k seal.Key, c seal.Claims, d *gateway.Delivery) {
		if d.Passport, err = seal.Sign(k, c, seal.Linted(d.Sum, d.Size)); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		o     order
		swap  func()
		begun bool // DATA is said
	}{
		"another body":             {swap: func() { swap(0, "Subject: evil\r\n\r\nevil\r\n") }},
		"longer body":              {swap: func() { swap(0, mail+"x\r\n") }},
		"shorter body":             {swap: func() { swap(0, mail[:20]) }},
		"body changes while sent":  {swap: func() { swap(1, strings.Replace(mail, "bye", "BYE", 1)) }, begun: true},
		"body shortens while sent": {swap: func() { swap(1, mail[:len(mail)-2]) }, begun: true},
		"body grows while sent":    {swap: func() { swap(1, mail+"evil\r\n") }, begun: true},
		"no passport":              {o: order{row: func(d *gateway.Delivery) { d.Passport = nil }}},
		"passport of another":      {o: order{claims: func(c *seal.Claims) { c.Delivery = "0123456789abcdef0123456789abcdef" }}},
		"expired passport":         {o: order{claims: func(c *seal.Claims) { c.NotAfter = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC) }}},
		"other route":              {o: order{claims: func(c *seal.Claims) { c.Route = "zone_internet>zone_mynumber" }}},
		"other recipients":         {o: order{claims: func(c *seal.Claims) { c.To = []string{jiro} }}},
		"unknown key": {o: order{row: func(d *gateway.Delivery) {
			resign(other, seal.Claims{Delivery: string(d.ID), To: []string{taro}, Route: gateway.RouteName, NotAfter: d.ExpiresAt}, d)
		}}},
		"bare LF":   {o: order{mail: "Subject: a\r\n\r\nb\n.\nc\r\n"}, begun: true},
		"bare CR":   {o: order{mail: "Subject: a\r\n\r\nb\r.\rc\r\n"}, begun: true},
		"CR at end": {o: order{mail: "Subject: a\r\n\r\nb\r"}, begun: true},
		"NUL":       {o: order{mail: "Subject: a\r\n\r\nb\x00\r\n"}, begun: true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHop(t)
			w.join(t, h)
			id := w.add(c.o)
			if c.swap != nil {
				c.swap()
			}
			w.step()
			h.settled()
			d := w.row(id)
			if d.State != gateway.Failed || d.Reason != reasonSealed || d.Recipients[0].State != gateway.Refused || d.Recipients[0].Text == "" {
				t.Fatalf("%s %q %+v", d.State, d.Reason, d.Recipients)
			}
			if ds := w.drafts(id); len(ds) != 1 || ds[0].About != id {
				t.Errorf("drafts %+v", ds)
			}
			if len(h.got()) != 0 {
				t.Errorf("a mail was ended by a dot: %+v", h.got())
			}
			said := strings.Join(h.heard(), " ")
			if begun := contains(said, "DATA"); begun != c.begun || !c.begun && said != "" || contains(said, "QUIT") {
				t.Errorf("said %q", said)
			}
		})
	}
}

// The envelope is the passport's, whatever the ledger says.
func TestEnvelopeIsThePassports(t *testing.T) {
	h := newHop(t)
	w := newWorld(t, h)
	id := w.add(order{from: "a@example.com", to: []string{taro, jiro}, claims: func(c *seal.Claims) {
		c.From, c.To = "signed@example.com", []string{jiro, jiro, hana}
	}})
	w.step()
	got := h.got()
	if len(got) != 1 || got[0].from != "FROM:<signed@example.com>" || strings.Join(got[0].to, " ") != jiro {
		t.Fatalf("taken %+v", got)
	}
	w.pass(time.Hour)
	w.step()
	if d := w.row(id); d.State != gateway.Failed || d.Recipients[0].State != gateway.Refused || d.Recipients[1].State != gateway.Taken {
		t.Errorf("%s %+v", d.State, d.Recipients)
	}
}

// A body that cannot be read just now is no reason to give up.
func TestOutboxOutOfOrder(t *testing.T) {
	h := newHop(t)
	w := newWorld(t, h)
	good := w.Outbox
	w.Outbox = failing{good}
	id := w.add(order{})
	w.step()
	w.checkWaits(id, 0, "disk")
	w.Outbox = good
	w.pass(time.Hour)
	w.step()
	if d := w.row(id); d.State != gateway.Relayed {
		t.Errorf("%s", d.State)
	}
}

type failing struct{ gateway.Blobs }

func (failing) Open(context.Context, string) (io.ReadCloser, error) { return nil, errors.New("disk") }

// steal lets another deliver take over every delivery.
func (w *world) steal() {
	w.pass(leaseTime + time.Second)
	err := w.ledger.Do(context.Background(), func(tx gateway.Tx) error {
		_, err := tx.ClaimDelivery("thief", w.now(), w.now().Add(leaseTime))
		if err != nil {
			return err
		}
		r, err := w.Scribe.System("relay.intent", "pending", nil)
		if err != nil {
			return err
		}
		return tx.Note(r)
	})
	if err != nil {
		w.t.Error(err)
	}
}

func TestNoDotWithoutTheLease(t *testing.T) {
	for name, back := range map[string]time.Duration{
		"by our clock too": 0,
		"our clock slow":   -leaseTime, // it says that the lease is good
	} {
		t.Run(name, func(t *testing.T) {
			h := newHop(t)
			w := newWorld(t, h)
			id := w.add(order{from: "a@example.com"})
			h.before("DATA", func() { w.steal(); w.pass(back) })
			w.step()
			h.settled()
			if len(h.got()) != 0 || h.cut != 1 {
				t.Fatalf("taken %+v, %d broken off", h.got(), h.cut)
			}
			d := w.row(id)
			if d.State != gateway.Relaying || d.Lease.Owner != "thief" || d.Attempts != 0 {
				t.Errorf("%s, leased by %s", d.State, d.Lease.Owner)
			}
			if n := w.verbs(id); n["relay.relayed"]+n["relay.failed"]+n["relay.deferred"] != 0 {
				t.Errorf("records %v", n)
			}
		})
	}
}

// On a slow line the lease is renewed, and nobody else gets the delivery.
func TestLeaseIsRenewedWhileSending(t *testing.T) {
	h := newHop(t)
	w := newWorld(t, h)
	id := w.add(order{from: "a@example.com"})
	var until time.Time
	h.before("DATA", func() { w.pass(leaseTime - time.Second) })
	h.before(".", func() {
		until = w.row(id).Lease.Until
		w.pass(2 * time.Second) // the first lease would have ended
		if _, err := w.claim(context.Background()); !errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("a second claim: %v", err)
		}
	})
	w.step()
	if left := until.Sub(w.now()); left < w.times.final {
		t.Errorf("%v of the lease were left at the final dot", left)
	}
	if d := w.row(id); d.State != gateway.Relayed {
		t.Errorf("%s %+v", d.State, d.Recipients)
	}
}

// balky fails to commit a number of times.
type balky struct {
	gateway.Ledger
	from, to int
	n        *int
}

func (b balky) Do(ctx context.Context, f func(gateway.Tx) error) error {
	if *b.n++; *b.n > b.from && *b.n <= b.to {
		return errors.New("disk full")
	}
	return b.Ledger.Do(ctx, f)
}

// An outcome is not lost to a ledger that is out of order for a moment.
// spec: g3
func TestOutcomeIsCommittedAgain(t *testing.T) {
	h := newHop(t)
	w := newWorld(t, h)
	id := w.add(order{from: "a@example.com"})
	n := 0
	w.Ledger = balky{w.ledger, 1, commitTries, &n}
	var waits []time.Duration
	w.pause = func(_ context.Context, d time.Duration) { waits = append(waits, d) }
	w.step()
	if d := w.row(id); d.State != gateway.Relayed || len(h.got()) != 1 {
		t.Errorf("%s, %d taken", d.State, len(h.got()))
	}
	if len(waits) != commitTries-1 || waits[2] != 4*time.Second {
		t.Errorf("waits %v", waits)
	}
}

// When it stays out of order, the blob stays and the mail is sent again; when
// the intent cannot be recorded, nothing is sent (G6).
func TestLedgerOutOfOrder(t *testing.T) {
	h := newHop(t)
	w := newWorld(t, h)
	id := w.add(order{from: "a@example.com"})
	n := 0
	w.Ledger = balky{w.ledger, 0, 1, &n}
	if worked, err := w.Deliver.step(t.Context(), w.conn); worked || err == nil || len(h.heard()) != 0 {
		t.Fatalf("worked: %v, %v, heard %q", worked, err, h.heard())
	}
	n = 0
	w.Ledger = balky{w.ledger, 1, 100, &n}
	if _, err := w.Deliver.step(t.Context(), w.conn); err == nil {
		t.Fatal("no error")
	}
	if d := w.row(id); d.State != gateway.Relaying || !w.inOutbox(d.Blob) {
		t.Fatalf("%s", d.State)
	}
	w.Ledger = w.ledger
	w.pass(leaseTime + time.Second)
	w.step()
	if got := h.got(); len(got) != 2 || got[0].data != got[1].data || w.row(id).State != gateway.Relayed {
		t.Errorf("taken %+v", got)
	}
}
