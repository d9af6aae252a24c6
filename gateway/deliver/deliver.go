// Package deliver relays sealed mails to the LGWAN mail server over SMTP
// (RFC 5321). It never sees an original: what it sends is a seal.Verified,
// whose envelope and body come from the signed passport.
//
// Claiming a delivery records the intent; the outcome for each recipient is
// committed after the next hop answered. A connection that breaks after the
// final dot leaves the outcome unknown, and the delivery is sent again: the
// same bytes with the same Message-ID, so that the next hop can tell.
//
// The dialogue is our own and small, because each byte of it matters (ADR 0010):
// the sealed bytes go out as they are or not at all, a final dot is written only
// by a holder of the lease, and only a 2yz reply to that dot counts as taken.
package deliver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/sanitize/seal"
)

// Config is what a Deliver works with.
type Config struct {
	Ledger gateway.Ledger
	Outbox gateway.Blobs // able to decrypt
	Keys   seal.Keyring
	// Exceptions lets originals under approved exceptions go; off by default.
	Exceptions bool
	Hop        Hop
	Scribe     gateway.Scribe
	Log        *slog.Logger
	Owner      string
	Workers    int // connections at most

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
	// renewBefore is how much of the lease must be left at the final dot: more
	// than the wait for its reply.
	renewBefore = 12 * time.Minute
)

// Deliver is the running room.
type Deliver struct {
	Config
	wake    chan struct{}
	hopSize atomic.Int64
	reports reports
	times   times
	reuse   int                                  // mails over one connection at most
	pause   func(context.Context, time.Duration) // between tries to commit an outcome
}

// New returns a Deliver; Run starts it.
func New(c Config) *Deliver {
	return &Deliver{Config: c, wake: make(chan struct{}, max(1, c.Workers)), times: defaultTimes(), reuse: maxReuse, pause: sleep}
}

// Wake hints that a delivery became ready.
func (d *Deliver) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// HopSize returns the largest mail in bytes that the next hop said it takes
// (RFC 1870) when it was last greeted, 0 when it named no limit or was not
// reached yet.
func (d *Deliver) HopSize() int64 { return d.hopSize.Load() }

// Probe greets the next hop, protected as a mail would be, and says goodbye.
// It reports why mail cannot be relayed now, and refreshes HopSize.
func (d *Deliver) Probe(ctx context.Context) error {
	c := d.connection()
	defer c.close()
	_, err := c.ready(ctx)
	return err
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
	c := d.connection()
	defer c.close()
	for ctx.Err() == nil {
		worked, err := d.step(ctx, c)
		if err != nil && ctx.Err() == nil {
			d.Log.Error("deliver", "error", err)
		}
		if worked && err == nil && !c.down {
			continue
		}
		d.rest(ctx, c)
	}
}

// rest waits for a hint or a while. Hints do not count while the next hop
// cannot be reached: the whole queue would be tried and recorded at once.
func (d *Deliver) rest(ctx context.Context, c *connection) {
	wake := d.wake
	if c.down {
		wake = nil
	}
	t := time.NewTimer(d.times.poll)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-t.C:
		c.closeIdle()
	}
}

// Step claims and sends one delivery over a connection of its own and reports
// whether there was any.
func (d *Deliver) Step(ctx context.Context) (bool, error) {
	c := d.connection()
	defer c.close()
	return d.step(ctx, c)
}

func (d *Deliver) connection() *connection {
	return &connection{hop: d.Hop, times: d.times, reuse: d.reuse, clock: d.Scribe.Clock, size: d.hopSize.Store}
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
	err = d.settle(work, v, a)
	if errors.Is(err, gateway.ErrLease) {
		d.Log.Warn("a delivery lost its lease", "receipt", v.Receipt, "attempt", a.err)
		return true, nil
	}
	if err != nil {
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
		rs, err := d.records("relay.intent", audit.Pending, v, v.Waiting(), "")
		if err != nil {
			return err
		}
		return tx.Note(rs...)
	})
	if err != nil {
		return gateway.Delivery{}, fmt.Errorf("claim a delivery: %w", err)
	}
	return v, nil
}

// sleep waits for t or the end of ctx.
func sleep(ctx context.Context, t time.Duration) {
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
