// Package flow carries messages from accepted to settled: it claims a message,
// has the engine sanitize it once for each group of recipients with the same
// effective policy, seals what was rebuilt, and commits deliveries, held items
// and audit records in one transaction. It is the only room where a policy
// meets a result tree.
//
// Everything may run twice: a crash before the commit leaves the message
// leased, the lease ends, and the work is done again with the same result. A
// sealed file that no row names is swept.
package flow

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/notice"
	"sekisho/sanitize"
	"sekisho/sanitize/format"
	"sekisho/sanitize/memfile"
	"sekisho/sanitize/policy"
	"sekisho/sanitize/seal"
)

// Engine is what flow needs of sanitize.Engine.
type Engine interface {
	Sanitize(ctx context.Context, in sanitize.Input, b format.Budget) (sanitize.Node, error)
	Substitute(ctx context.Context, s sanitize.Substitute) (sanitize.Body, error)
	Postmaster(ctx context.Context, p sanitize.Postmaster) (sanitize.Body, error)
	Digest(ctx context.Context, d sanitize.Digest) (sanitize.Body, error)
	Release(ctx context.Context, in sanitize.Input, path string, b format.Budget) (sanitize.Released, error)
	FollowUp(ctx context.Context, f sanitize.FollowUp, part *sanitize.Node) (sanitize.Body, error)
	Take(ctx context.Context, in sanitize.Input, path string, b format.Budget) (sanitize.Taken, error)
	Wrap(ctx context.Context, f sanitize.FollowUp, t sanitize.Taken) (sanitize.Wrapped, error)
}

// Config is what a Flow works with.
type Config struct {
	Ledger    gateway.Ledger
	Originals gateway.Blobs // able to decrypt
	Outbox    gateway.Blobs
	Engine    Engine
	Policy    func() policy.Policy // the policy in force
	// Edition is Policy with its name in records, of one moment; nil: records of
	// releases name none.
	Edition func() (policy.Policy, audit.Policy)
	Key     seal.Key
	Scribe  gateway.Scribe
	Log     *slog.Logger

	Owner      string // of leases: unique for each process
	Workers    int
	Host       string // our name in Received
	Instance   string
	Office     format.Office
	Postmaster string // address of the office's postmaster
	Authserv   string
	Location   *time.Location

	// Exceptions lets approved originals go (quarantine.Original); off by default.
	Exceptions bool
	// People knows who asked for a release and who approved it: each of them has to
	// hold their role when it is carried out. nil where there are no accounts.
	People gateway.People

	// Pages draws what people look at, and Previews keeps the pictures for minutes;
	// nil: nobody looks.
	Pages    Drawer
	Previews gateway.Blobs

	// Notices says who is told of held parts in a digest, and when; the zero plan
	// tells at once.
	Notices notice.Plan
	// NoticeAlarm is how long notices may be due without one getting through; 0 is
	// four hours.
	NoticeAlarm time.Duration

	// HopSize is the largest mail in bytes that the next hop takes, 0 when that
	// is not known; optional.
	HopSize func() int64
	// Relay wakes deliver after something became ready; a hint.
	Relay func()
	// Settled is told of each settled message, for the demo and metrics.
	Settled func(Outcome)
}

// Outcome is what became of one message, for those who watch.
type Outcome struct {
	Message gateway.Message
	Trees   []*sanitize.Node // one a policy group
	Took    time.Duration
}

const (
	leaseTime = 5 * time.Minute
	pollTime  = 5 * time.Second // without a wake-up
	backOff   = 15 * time.Second
	renewTime = leaseTime / 3
	// largeSize is the size in bytes above which a message takes seconds, not
	// milliseconds, and slowAfter the time after which any message counts as slow
	// (lanes.go). What finds no place looks again after largeWait.
	largeSize = 2 << 20
	slowAfter = 5 * time.Second
	largeWait = time.Second
	// maxTries is how many tries may fail, each after a longer wait, before a
	// message is held untried; they take about two hours (G3: it ends).
	maxTries = 12
	// maxLost is how many leases a message may lose to a dead parent before it
	// is held untried: one among others, two alone (DECISIONS 29).
	maxLost = 3
)

// Flow is the running room.
type Flow struct {
	Config
	wake, wakeJob, wakePreview chan struct{}
	// alone is held for reading by ordinary work and for writing by a message
	// that has lost a lease, so that it cannot take others with it.
	alone      sync.RWMutex
	substitute limiter
	renew      time.Duration // between renewals of a lease
	lanes      *lanes
	stopped    atomic.Pointer[time.Time]
}

// New returns a Flow; Run starts it.
func New(c Config) *Flow {
	return &Flow{Config: c, wake: make(chan struct{}, max(1, c.Workers)), wakeJob: make(chan struct{}, 1),
		wakePreview: make(chan struct{}, 1), substitute: limiter{}, renew: renewTime,
		lanes: newLanes(c.Workers)}
}

// Wake hints that a message was accepted.
func (f *Flow) Wake() { hint(f.wake) }

// WakeJob hints that a request was approved, by this process: one of another
// process is seen within pollTime.
func (f *Flow) WakeJob() { hint(f.wakeJob) }

// WakePreview hints that somebody wants to see a page.
func (f *Flow) WakePreview() { hint(f.wakePreview) }

func hint(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (f *Flow) hopSize() int64 {
	if f.HopSize == nil {
		return 0
	}
	return f.HopSize()
}

// Run works until ctx ends, then returns once the work in hand is done or
// given up. Mail, releases and previews (DECISIONS 26) do not wait for each other.
func (f *Flow) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for range max(1, f.Workers) {
		wg.Go(func() { f.loop(ctx, "flow", f.wake, f.Step) })
	}
	wg.Go(func() { f.loop(ctx, "job", f.wakeJob, f.Job) })
	wg.Go(func() { f.loop(ctx, "digest", nil, f.Tell) })
	if f.Pages != nil {
		wg.Go(func() { f.loop(ctx, "preview", f.wakePreview, f.Preview) })
	}
	wg.Wait()
	return ctx.Err()
}

// loop takes step after step; when there is nothing to do, or it failed, it
// waits for a hint or a while.
func (f *Flow) loop(ctx context.Context, name string, wake <-chan struct{}, step func(context.Context) (bool, error)) {
	for ctx.Err() == nil {
		worked, err := step(ctx)
		if err != nil && ctx.Err() == nil {
			f.Log.Error(name, "error", err)
		}
		if worked && err == nil {
			continue
		}
		t := time.NewTimer(pollTime)
		select {
		case <-ctx.Done():
		case <-wake:
		case <-t.C:
		}
		t.Stop()
	}
}

// Step does one piece of work and reports whether there was any.
func (f *Flow) Step(ctx context.Context) (bool, error) {
	m, err := f.claim(ctx)
	switch {
	case errors.Is(err, gateway.ErrNotFound):
		return f.draft(ctx)
	case err != nil:
		return false, err
	}
	lane, ok := f.lanes.begin(m)
	if !ok {
		return true, f.later(ctx, m)
	}
	defer lane.leave()
	return true, f.message(ctx, m, lane)
}

// later puts a slow message back; quick ones behind it go first.
func (f *Flow) later(ctx context.Context, m gateway.Message) error {
	time.AfterFunc(largeWait, f.Wake)
	return f.putBack(ctx, m, f.Scribe.Clock().Add(largeWait))
}

func (f *Flow) claim(ctx context.Context) (gateway.Message, error) {
	var m gateway.Message
	err := f.Ledger.Do(ctx, func(tx gateway.Tx) error {
		now := f.Scribe.Clock()
		var err error
		m, err = tx.ClaimMessage(f.Owner, now, now.Add(leaseTime))
		return err
	})
	return m, err
}

// message sanitizes and settles one claimed message.
func (f *Flow) message(ctx context.Context, m gateway.Message, lane *lane) error {
	ctx, release := f.keep(ctx, m.Receipt, func(tx gateway.Tx, until time.Time) error { return tx.RenewMessage(m, until) })
	defer release()
	defer f.turn(m.Lost)()
	start := f.Scribe.Clock()
	meter := f.meter(ctx, m)
	defer meter.end()
	s := &settlement{flow: f, m: m, now: start, turned: meter.turned}
	defer s.close()
	work, end := lane.watch(ctx)
	defer end()
	err := s.run(work)
	lane.finish()
	unknown := false
	if err == nil {
		unknown, err = s.commit(ctx)
	}
	if err != nil {
		if !unknown {
			s.abandon(context.WithoutCancel(ctx))
		}
		if leaseLost(ctx, err) {
			return nil // another holder goes on
		}
		if errors.Is(context.Cause(work), errSlow) {
			return f.later(ctx, m)
		}
		m.Crashes += blame(ctx, err)
		return errors.Join(fmt.Errorf("message %s: %w", m.Receipt, err), f.putBack(ctx, m, f.again(ctx, m.Crashes)))
	}
	if f.Relay != nil {
		f.Relay()
	}
	if f.Settled != nil {
		f.Settled(Outcome{s.m, s.trees, f.Scribe.Clock().Sub(start)})
	}
	return nil
}

// putBack returns a message to the queue, due at next.
func (f *Flow) putBack(ctx context.Context, m gateway.Message, next time.Time) error {
	m.NextAt = next
	return f.giveBack(ctx, func(tx gateway.Tx) error { return tx.Return(m) })
}

// original reads a message's original into memory.
func (f *Flow) original(ctx context.Context, m gateway.Message) (*memfile.File, error) {
	r, err := f.Originals.Open(ctx, m.Blob)
	if err != nil {
		return nil, fmt.Errorf("open original: %w", err)
	}
	defer r.Close()
	data, sum := memfile.New(m.Size), sha256.New()
	if _, err := io.Copy(io.MultiWriter(data, sum), r); err != nil {
		data.Close()
		return nil, fmt.Errorf("read original: %w", err)
	}
	// Whoever can write to the disk can encrypt another mail to our public key.
	if data.Size() != m.Size || [32]byte(sum.Sum(nil)) != m.Sum {
		data.Close()
		return nil, errors.New("read original: it is not the mail that was accepted")
	}
	return data, nil
}
