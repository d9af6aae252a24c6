package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/syslog"
)

// anchor sends each checkpoint to a syslog server, out of our own reach, and
// records what became of it. The log never waits for it. The nil anchor does
// nothing.
type anchor struct {
	node   *node
	sender *syslog.Sender
	host   string

	mu       sync.Mutex
	waiting  map[string]audit.Checkpoint // by the words sent
	failures uint64
	sentAt   time.Time
	toldAt   time.Time // of the failure recorded last, zero when the server takes messages
}

// againAfter is how often an outage that lasts is recorded.
const againAfter = time.Hour

// exampleNumber stands for a private enterprise number (RFC 5612): the project
// has none.
const exampleNumber = "@32473"

// openAnchor makes the sender of the configuration; nil without a server.
func (n *node) openAnchor() (*anchor, error) {
	c := n.cfg.Audit.Syslog
	if c.Address == "" {
		return nil, nil
	}
	t, err := c.TLSConfig()
	if err != nil {
		return nil, err
	}
	a := &anchor{node: n, host: n.cfg.Intake.Hostname, waiting: map[string]audit.Checkpoint{}}
	a.sender, err = syslog.New(syslog.Config{Address: c.Address, TLS: t, Dial: n.guard.DialContext, Sent: a.sent, Failed: a.failed})
	if err != nil {
		return nil, fmt.Errorf("audit.syslog: %w", err)
	}
	return a, nil
}

// offer queues a checkpoint.
func (a *anchor) offer(c audit.Checkpoint) {
	if a == nil {
		return
	}
	line, s := c.Line(), c.Signed()
	a.mu.Lock()
	a.waiting[line] = c
	a.mu.Unlock()
	a.sender.Send(syslog.Message{Severity: syslog.Notice, Time: time.Now(), Host: a.host, App: "sekisho", Proc: strconv.Itoa(os.Getpid()), ID: "audit.checkpoint",
		Data: []syslog.Element{{ID: "checkpoint" + exampleNumber, Params: []syslog.Param{
			{Name: "origin", Value: s.Origin}, {Name: "size", Value: strconv.FormatInt(s.Size, 10)}, {Name: "root", Value: s.Root}, {Name: "sig", Value: s.Sig}}}},
		Text: line})
}

// run sends until ctx ends.
func (a *anchor) run(ctx context.Context) {
	if a != nil {
		a.sender.Run(ctx)
	}
}

// sent records that the server has a checkpoint. Those before it that were given
// up are not waited for any more.
func (a *anchor) sent(m syslog.Message) {
	a.mu.Lock()
	c, ok := a.waiting[m.Text]
	for line, w := range a.waiting {
		if w.Size <= c.Size {
			delete(a.waiting, line)
		}
	}
	a.sentAt, a.toldAt = time.Now(), time.Time{}
	a.mu.Unlock()
	if ok {
		a.record(audit.VerbAnchored, audit.Success, func(e *audit.Event) { e.Checkpoint = c.Signed() })
	}
}

// failed counts a failure, and records the first of an outage and one an hour.
func (a *anchor) failed(_ syslog.Message, err error) {
	a.mu.Lock()
	a.failures++
	tell := time.Since(a.toldAt) >= againAfter
	if tell {
		a.toldAt = time.Now()
	}
	a.mu.Unlock()
	if !tell {
		return
	}
	a.node.log.Warn("a checkpoint could not be anchored; it is tried again", "error", err)
	a.record("audit.anchor_failed", audit.Failure, func(e *audit.Event) {
		e.Change = audit.Change{Path: "audit.syslog", After: audit.Clean(err.Error(), 1024)}
	})
}

// record writes into the ledger; also while the gateway stops.
func (a *anchor) record(v audit.Verb, o audit.Outcome, fill func(*audit.Event)) {
	r, err := a.node.scribe.System(v, o, func(e *audit.Event) {
		e.Object = audit.Object{Type: "syslog", ID: audit.Clean(a.node.cfg.Audit.Syslog.Address, 256)}
		fill(e)
	})
	if err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err = a.node.stores.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.Note(r) })
	}
	if err != nil {
		a.node.log.Error("what became of an anchor was not recorded", "event", v, "error", err)
	}
}

// Metrics of the anchor; without one there are none.
func (a *anchor) failureCount() map[string]uint64 {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return map[string]uint64{"syslog": a.failures}
}

func (a *anchor) lastTime() (float64, bool) {
	if a == nil {
		return 0, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return float64(a.sentAt.Unix()), !a.sentAt.IsZero()
}

func (a *anchor) queued() (float64, bool) {
	if a == nil {
		return 0, false
	}
	n, _ := a.sender.Waiting()
	return float64(n), true
}
