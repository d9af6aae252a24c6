package flow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sekisho/gateway"
	"sekisho/sanitize"
	"sekisho/sanitize/format"
)

// hooked is an engine that a test interferes with.
type hooked struct {
	Engine
	before     func(ctx context.Context)
	substitute func(sanitize.Substitute) error
}

func (h hooked) Sanitize(ctx context.Context, in sanitize.Input, b format.Budget) (sanitize.Node, error) {
	if h.before != nil {
		h.before(ctx)
	}
	return h.Engine.Sanitize(ctx, in, b)
}

func (h hooked) Substitute(ctx context.Context, s sanitize.Substitute) (sanitize.Body, error) {
	if h.substitute != nil {
		if err := h.substitute(s); err != nil {
			return sanitize.Body{}, err
		}
	}
	return h.Engine.Substitute(ctx, s)
}

// A mail that takes long keeps its lease: it is not taken for one whose parent
// died, which would hold it in the end and make all others wait.
// spec: g3 g8
func TestSlowMailKeepsItsLease(t *testing.T) {
	w := newWorld(t)
	m := w.accept(plain, "b@town.example.lg.jp")
	start, ticks := w.now, atomic.Int64{}
	w.Scribe.Clock = func() time.Time { return start.Add(time.Duration(ticks.Add(1)) * time.Second) }
	w.renew = time.Millisecond
	w.Engine = hooked{Engine: w.Engine, before: func(ctx context.Context) {
		limited, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		for limited.Err() == nil {
			got, err := w.ledger.Message(limited, m.ID)
			if err == nil && got.Lease.Until.After(start.Add(leaseTime+10*time.Second)) {
				return
			}
		}
		t.Error("the lease was not renewed")
	}}
	w.step()
	got, err := w.ledger.Message(t.Context(), m.ID)
	if err != nil || got.State != gateway.Settled || got.Lost != 0 {
		t.Fatalf("%+v, %v", got, err)
	}
}

// The work on a message whose lease was lost ends early.
func TestLostLeaseEndsTheWork(t *testing.T) {
	w := newWorld(t)
	m := w.accept(plain, "b@town.example.lg.jp")
	w.renew = time.Millisecond
	w.Engine = hooked{Engine: w.Engine, before: func(ctx context.Context) {
		err := w.ledger.Do(ctx, func(tx gateway.Tx) error {
			_, err := tx.ClaimMessage("another", w.now.Add(2*leaseTime), w.now.Add(3*leaseTime))
			return err
		})
		if err != nil {
			t.Error(err)
		}
		<-ctx.Done()
	}}
	w.step()
	if ds := w.deliveries(m); len(ds) != 0 {
		t.Fatalf("%d deliveries", len(ds))
	}
}

// A shutdown in the middle of the work gives the mail back, due at once: it is
// not held for want of time, and has not failed.
// spec: g2 g3
func TestShutdownGivesBack(t *testing.T) {
	w := newWorld(t)
	m := w.accept(plain, "b@town.example.lg.jp")
	ctx, cancel := context.WithCancel(t.Context())
	w.Engine = hooked{Engine: w.Engine, before: func(context.Context) { cancel() }}
	if _, err := w.Step(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	got, err := w.ledger.Message(t.Context(), m.ID)
	if err != nil || got.State != gateway.Accepted || got.Crashes != 0 || got.Lost != 0 || !got.NextAt.IsZero() {
		t.Fatalf("%+v, %v", got, err)
	}
	w.Engine = w.Engine.(hooked).Engine
	w.step()
	if ds := w.deliveries(m); len(ds) != 1 || ds[0].State != gateway.Ready {
		t.Fatalf("%+v", ds)
	}
}

// Whatever fails each time ends: held, with the recipient told.
// spec: g3
func TestMailThatFailsEachTimeIsHeldInTheEnd(t *testing.T) {
	w := newWorld(t)
	m := w.accept("From: a@example.com\nSubject: bad\nContent-Type: message/partial; id=x; number=1\n\nx\n", "b@town.example.lg.jp")
	w.Engine = hooked{Engine: w.Engine, substitute: func(s sanitize.Substitute) error {
		if s.Subject != "" {
			return format.Hold(format.LintFailed, "always")
		}
		return nil
	}}
	began := w.now
	for range maxTries {
		if _, err := w.Step(t.Context()); err == nil {
			t.Fatal("a failed try is no error")
		}
		got, err := w.ledger.Message(t.Context(), m.ID)
		if err != nil || got.State != gateway.Accepted {
			t.Fatalf("%+v, %v", got, err)
		}
		w.now = got.NextAt
	}
	if d := w.now.Sub(began); d < time.Hour || d > 4*time.Hour {
		t.Errorf("the tries took %s", d)
	}
	w.step()
	ds, is := w.deliveries(m), w.items(m)
	if len(ds) != 2 || ds[0].State != gateway.Held || ds[0].Reason != string(format.Internal) || ds[1].State != gateway.Ready || len(is) != 1 {
		t.Fatalf("%+v %+v", ds, is)
	}
}

// A full disk or a machine that starts no box is not the message's fault: it
// waits, however often it was tried.
func TestTroubleOfTheMachineIsNotTheMails(t *testing.T) {
	for name, fault := range map[string]error{"disk": gateway.ErrFull, "boxes": sanitize.ErrNoWorker} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			m := w.accept("From: a@example.com\nContent-Type: message/partial; id=x; number=1\n\nx\n", "b@town.example.lg.jp")
			w.Engine = hooked{Engine: w.Engine, substitute: func(sanitize.Substitute) error { return fmt.Errorf("trouble: %w", fault) }}
			if _, err := w.Step(t.Context()); !errors.Is(err, fault) {
				t.Fatal(err)
			}
			if got, err := w.ledger.Message(t.Context(), m.ID); err != nil || got.Crashes != 0 || !got.NextAt.Equal(w.now.Add(backOff)) {
				t.Fatalf("%+v, %v", got, err)
			}
		})
	}
}

// An original that was replaced on the disk is not sanitized in place of the
// accepted one.
// spec: g6
func TestReplacedOriginalIsNotTaken(t *testing.T) {
	w := newWorld(t)
	m := w.accept(plain, "b@town.example.lg.jp")
	m.Sum[0] ^= 1
	if _, err := w.original(t.Context(), m); err == nil {
		t.Fatal("another mail of the same size was taken")
	}
	m.Sum[0] ^= 1
	data, err := w.original(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	data.Close()
}

// A small mail with many held parts for many people must not fill the ledger
// and the log: each item is a row and a record that stay for years.
// spec: g8
func TestManyHeldPartsHoldTheMail(t *testing.T) {
	w := newWorld(t)
	var to []string
	for i := range 30 {
		to = append(to, fmt.Sprintf("u%d@town.example.lg.jp", i))
	}
	part := "--x\nContent-Disposition: attachment; filename=a.exe\n\nMZ\n"
	mail := "From: a@example.com\nSubject: flood\nContent-Type: multipart/mixed; boundary=x\n\n" + strings.Repeat(part, 70) + "--x--\n"
	many := w.accept(mail, to...)
	w.step()
	if is := w.items(many); len(is) != len(to) || !is[0].Whole() || is[0].Reason != format.LimitCount {
		t.Fatalf("%d items, %+v", len(is), is[0])
	}
	if ds := w.deliveries(many); ds[0].State != gateway.Held || ds[0].Blob != "" || len(ds) != 1+len(to) {
		t.Fatalf("%d deliveries, %+v", len(ds), ds[0])
	}
	one := w.accept(mail, to[0])
	w.step()
	if is := w.items(one); len(is) != 70 || is[0].Whole() {
		t.Fatalf("%d items", len(is))
	}
}

// A mailbox that forwards its mail back to us makes one round, not endless
// ones: the second substitute mail would be the answer to the first.
// spec: rfc3834#2
func TestForwardedSubstituteMailMakesNoLoop(t *testing.T) {
	w := newWorld(t)
	w.accept("From: a@example.com\nContent-Type: message/partial; id=x; number=1\n\nx\n", "b@town.example.lg.jp")
	w.step()
	ds, err := w.ledger.Deliveries(t.Context(), gateway.DeliveryQuery{States: []gateway.DeliveryState{gateway.Ready}})
	if err != nil || len(ds) != 1 {
		t.Fatalf("%d deliveries, %v", len(ds), err)
	}
	v, body := w.sealed(ds[0])
	back := w.acceptFrom(v.From, strings.ReplaceAll(body, "\r\n", "\n"), "b@town.example.lg.jp")
	w.step()
	ds = w.deliveries(back)
	if len(ds) != 1 || ds[0].State != gateway.Held || ds[0].Reason != string(format.MailLoop) || len(w.items(back)) != 1 {
		t.Fatalf("%+v", ds)
	}
	// A looping mail of a person is told: somebody waits for it.
	back = w.accept(strings.ReplaceAll(body, "\r\n", "\n"), "b@town.example.lg.jp")
	w.step()
	if ds = w.deliveries(back); len(ds) != 2 {
		t.Fatalf("%+v", ds)
	}
}
