// Package deliver relays sealed mails to the LGWAN mail server over SMTP. It
// never sees an original: what it sends is a seal.Verified, whose envelope and
// body come from the signed passport.
//
// Claiming a delivery records the intent; the outcome for each recipient is
// committed after the next hop answered. A connection that breaks after the
// final dot leaves the outcome unknown, and the delivery is sent again: the
// same bytes with the same Message-ID, so that the next hop can tell.
package deliver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/sanitize/seal"
)

// Config is what a Deliver works with.
type Config struct {
	Ledger  gateway.Ledger
	Outbox  gateway.Blobs // able to decrypt
	Keys    seal.Keyring
	Hop     Hop
	Scribe  gateway.Scribe
	Log     *slog.Logger
	Owner   string
	Workers int // connections at most

	// Postmaster is told of deliveries that are given up.
	Postmaster string
	// Draft wakes flow after a draft was added; a hint.
	Draft func()
	// Done is told of each attempt, for the demo and metrics.
	Done func(gateway.Delivery)
}

const (
	leaseTime = 15 * time.Minute
	pollTime  = 5 * time.Second // without a wake-up
	// renewBefore is how much of the lease must be left at the final dot.
	renewBefore = 12 * time.Minute
)

// backOff is the wait after the n-th failed attempt; the last one repeats
// until the delivery expires (RFC 5321 §4.5.4.1).
// spec: rfc5321#4.5.4.1
var backOff = []time.Duration{30 * time.Second, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}

// Deliver is the running room.
type Deliver struct {
	Config
	wake chan struct{}
}

// New returns a Deliver; Run starts it.
func New(c Config) *Deliver {
	return &Deliver{Config: c, wake: make(chan struct{}, max(1, c.Workers))}
}

// Wake hints that a delivery became ready.
func (d *Deliver) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, then returns once the mails in hand are done.
func (d *Deliver) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for range max(1, d.Workers) {
		wg.Go(func() { d.loop(ctx) })
	}
	wg.Wait()
	return ctx.Err()
}

func (d *Deliver) loop(ctx context.Context) {
	c := &connection{hop: d.Hop}
	defer c.close()
	for ctx.Err() == nil {
		worked, err := d.step(ctx, c)
		if err != nil && ctx.Err() == nil {
			d.Log.Error("deliver", "error", err)
		}
		if worked && err == nil {
			continue
		}
		t := time.NewTimer(pollTime)
		select {
		case <-ctx.Done():
		case <-d.wake:
		case <-t.C:
			c.closeIdle()
		}
		t.Stop()
	}
}

// Step claims and sends one delivery over a connection of its own and reports
// whether there was any.
func (d *Deliver) Step(ctx context.Context) (bool, error) {
	c := &connection{hop: d.Hop}
	defer c.close()
	return d.step(ctx, c)
}

func (d *Deliver) step(ctx context.Context, c *connection) (bool, error) {
	v, err := d.claim(ctx)
	if errors.Is(err, gateway.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	work := context.WithoutCancel(ctx) // what was begun is ended, within its own limits
	a := d.attempt(work, c, &v)
	if err := d.settle(work, v, a); err != nil {
		if errors.Is(err, gateway.ErrLease) {
			d.Log.Warn("a delivery lost its lease", "receipt", v.Receipt)
			return true, nil
		}
		return true, fmt.Errorf("delivery %s: %w", v.Receipt, err)
	}
	return true, nil
}

// claim leases the next delivery and records the intent to relay it.
func (d *Deliver) claim(ctx context.Context) (gateway.Delivery, error) {
	var v gateway.Delivery
	err := d.Ledger.Do(ctx, func(tx gateway.Tx) error {
		now := d.Scribe.Clock()
		var err error
		if v, err = tx.ClaimDelivery(d.Owner, now, now.Add(leaseTime)); err != nil {
			return err
		}
		r, err := d.record("relay.intent", audit.Pending, v, v.Waiting(), "")
		if err != nil {
			return err
		}
		return tx.Note(r)
	})
	return v, err
}

// attempt is what came of sending one delivery once.
type attempt struct {
	answers map[string]answer // by recipient
	err     error             // why there is no answer: a connection or seal fault
	refused bool              // err cannot be mended by trying again
}

// answer is the next hop's reply to one recipient.
type answer struct {
	code int
	text string
}

func (a answer) state() gateway.RecipientState {
	switch {
	case a.code >= 200 && a.code < 300:
		return gateway.Taken
	case a.code >= 500:
		return gateway.Refused
	}
	return gateway.Pending
}

// attempt opens the passport and sends the mail.
func (d *Deliver) attempt(ctx context.Context, c *connection, v *gateway.Delivery) attempt {
	open := func() (io.ReadCloser, error) { return d.Outbox.Open(ctx, v.Blob) }
	sealed, err := seal.Open(open, v.Passport, d.Keys, d.Scribe.Clock())
	if err == nil && sealed.Delivery != string(v.ID) {
		err = fmt.Errorf("%w: passport of another delivery", seal.ErrSeal)
	}
	if err != nil {
		return attempt{err: err, refused: errors.Is(err, seal.ErrSeal)}
	}
	to := waiting(sealed.To, v.Recipients)
	if len(to) == 0 {
		return attempt{err: fmt.Errorf("%w: no recipient of the passport waits", seal.ErrSeal), refused: true}
	}
	return c.send(ctx, sealed, to, func() error { return d.hold(ctx, *v) })
}

// waiting returns the passport's recipients that have no outcome yet.
func waiting(sealed []string, rs []gateway.Recipient) []string {
	pending := map[string]bool{}
	for _, r := range rs {
		pending[r.Address] = r.State == gateway.Pending
	}
	var to []string
	for _, a := range sealed {
		if pending[a] {
			to = append(to, a)
		}
	}
	return to
}

// hold makes sure, before the final dot, that the lease is still ours.
func (d *Deliver) hold(ctx context.Context, v gateway.Delivery) error {
	now := d.Scribe.Clock()
	if v.Lease.Until.Sub(now) > renewBefore {
		return nil
	}
	return d.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.RenewDelivery(v, now.Add(leaseTime)) })
}
