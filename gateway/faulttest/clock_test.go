package faulttest

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/flow"
)

// TestClockSteps moves the clock between any two steps of three mails' lives,
// back by an hour, on by a day into another month, and on and back: no mail is
// lost, late or comes twice, no receipt number is given twice, and the log says
// that the clock was changed.
// spec: g3 g6
func TestClockSteps(t *testing.T) {
	for name, jumps := range map[string][]time.Duration{
		"back": {-time.Hour}, "on": {24 * time.Hour}, "on and back": {24 * time.Hour, -24 * time.Hour}, "back and on": {-time.Hour, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			for at := range 7 {
				o.clock.set(begin)
				if faults := o.steps(at, jumps); len(faults) > 0 {
					t.Errorf("before step %d:\n%s", at, strings.Join(faults, "\n"))
				}
			}
		})
	}
}

// steps lives beside a running log with a clock that jumps before the step at
// and the following.
func (o *office) steps(at int, jumps []time.Duration) []string {
	o.t.Helper()
	s, p := &sink{}, &promises{}
	w, err := o.open(newDisk(o.clock.now), o.empty, s)
	check(o.t, err)
	defer w.close()
	stop := w.sequence()
	send := func(n int) func() { return func() { w.send(p, n, letters[n]) } }
	sanitize := func() { w.step(w.flow.Step) }
	for i, f := range []func(){send(0), sanitize, send(1), func() { w.step(w.deliver.Step) }, sanitize, send(2), w.work} {
		if i >= at && i < at+len(jumps) {
			if i > at { // a log that looks once a second is not to miss both
				eventually(o.t, "the record of the first change", func() bool { return w.count(audit.VerbClockChanged) > 0 })
			}
			o.clock.pass(jumps[i-at])
		}
		f()
		o.clock.pass(time.Second)
	}
	stop()
	w.work() // what is ready waits for nothing, whatever the clock says
	check(o.t, w.tick())
	faults := w.broken(p.all())
	if len(p.all()) != len(letters) {
		faults = append(faults, fmt.Sprintf("%d receipt numbers for %d mails", len(p.all()), len(letters)))
	}
	if len(s.all()) != len(letters) {
		faults = append(faults, fmt.Sprintf("%d mails came", len(s.all())))
	}
	if w.count(audit.VerbClockChanged) == 0 {
		faults = append(faults, "the log does not say that the clock was changed")
	}
	if len(faults) > 0 {
		faults = append(faults, w.said()...)
	}
	return faults
}

// step does one piece of work, if there is any.
func (w *world) step(f func(context.Context) (bool, error)) {
	if _, err := f(w.t.Context()); err != nil {
		fmt.Fprintf(w, "step: %v\n", err)
	}
}

// sequence runs a sequencer beside the rest until the function that it returns
// is called.
func (w *world) sequence() func() {
	w.t.Helper()
	q := w.sequencer()
	q.Poll = time.Millisecond
	ctx, stop := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	eventually(w.t, "a healthy log", func() bool { return q.Healthy() == nil })
	return func() {
		w.t.Helper()
		stop()
		check(w.t, <-ended)
	}
}

// count counts the records of a verb in the log.
func (w *world) count(v audit.Verb) int {
	n := 0
	err := audit.Select(w.t.Context(), w.trail, audit.Filter{}, func(_ []byte, e audit.Event) error {
		if e.Verb == v {
			n++
		}
		return nil
	})
	check(w.t, err)
	return n
}

// TestClockStepsBesideTheLog moves the clock under a running sequencer, which
// notices by itself, both ways.
func TestClockStepsBesideTheLog(t *testing.T) {
	o := newOffice(t)
	w, err := o.open(newDisk(o.clock.now), o.empty, &sink{})
	check(t, err)
	defer w.close()
	stop := w.sequence()
	for n, jump := range []time.Duration{-time.Hour, 24 * time.Hour} {
		o.clock.pass(jump)
		eventually(t, "the record of the change", func() bool { return w.count(audit.VerbClockChanged) == n+1 })
	}
	stop()
}

// TestLeasesAndClock: a lease that a killed gateway left is taken up at once,
// however the clock was put; one whose holder lives is not lost by a step back.
func TestLeasesAndClock(t *testing.T) {
	for _, jump := range []time.Duration{-time.Hour, 0, 24 * time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			o, s, p := newOffice(t), &sink{}, &promises{}
			w, err := o.open(newDisk(o.clock.now), o.empty, s)
			check(t, err)
			w.send(p, 0, letters[0])
			check(t, w.tick())
			err = w.real.Do(t.Context(), func(tx gateway.Tx) error {
				_, err := tx.ClaimMessage("killed", o.clock.now(), o.clock.now().Add(5*time.Minute))
				return err
			})
			check(t, err)
			left := readFiles(t, w.file)
			w.close()
			o.clock.pass(jump)
			if faults := o.converge(w.disk.crash(all), left, s, p.all()); len(faults) > 0 || len(s.all()) != 1 {
				t.Errorf("%d mails came: %s", len(s.all()), strings.Join(faults, "\n"))
			}
		})
	}
}

// TestRetriesAndClock: mail that waits for its next try does not wait as much
// longer as the clock was put back, nor do a message after a failed try and a
// mail to the postmaster: an hour at most, as ever.
func TestRetriesAndClock(t *testing.T) {
	o, s, p := newOffice(t), &sink{}, &promises{}
	d := newDisk(o.clock.now)
	w, err := o.open(d, o.empty, s)
	check(t, err)
	defer w.close()
	s.peer().Answer("k0@", "451 later")
	w.send(p, 0, letters[0])
	w.work()
	w.send(p, 1, letters[0])
	d.mu.Lock()
	d.err, d.plan = syscall.EIO, takesNothing
	d.mu.Unlock()
	w.work()
	d.mu.Lock()
	d.plan = nil
	d.mu.Unlock()
	s.peer().Answer("k0@", "")
	stop := w.sequence()
	w.clock.pass(-30 * 24 * time.Hour)
	eventually(t, "the record of the change", func() bool { return w.count(audit.VerbClockChanged) > 0 })
	stop()
	w.work()
	if n := len(s.all()); n > 0 {
		t.Fatalf("%d mails did not wait", n)
	}
	check(t, w.janitor().Tidy(t.Context()))
	w.work()
	check(t, w.tick())
	if faults := w.broken(p.all()); len(faults) > 0 || len(s.all()) != 2 {
		t.Errorf("%d mails came:\n%s", len(s.all()), strings.Join(append(faults, w.said()...), "\n"))
	}
}

func (w *world) janitor() *flow.Janitor {
	return &flow.Janitor{Ledger: w.ledger, Originals: w.originals, Outbox: w.outbox,
		Scribe: gateway.Scribe{Clock: w.clock.now, Random: rand.Reader, Version: "test"}, Retain: func() time.Duration { return 90 * 24 * time.Hour }}
}
