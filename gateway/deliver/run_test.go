package deliver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"sekisho/gateway"
)

// run starts Run and returns how to end it.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			w.t.Errorf("Run: %v", err)
		}
	}
}

// Hundreds of deliveries, several workers, a next hop with moods: every mail
// arrives exactly once, and every delivery ends.
func TestEveryDeliveryOnce(t *testing.T) {
	const n = 80
	h := newHop(t, "SIZE 1000000", "PIPELINING")
	w := newWorld(t, h)
	var adding sync.WaitGroup
	for k := range 20 { // at once: they share their commits
		adding.Go(func() {
			for i := k; i < n; i += 20 {
				w.add(order{from: fmt.Sprintf("a%d@example.com", i), mail: fmt.Sprintf("Subject: %d\r\n\r\nbody\r\n", i)})
			}
		})
	}
	adding.Wait()
	if t.Failed() {
		t.FailNow()
	}
	for range 20 {
		h.on("MAIL", "", "", "451 later", "", "421 later", "close")
		h.on("RCPT", "", "", "", "450 later", "close")
		h.on("DATA", "", "", "", "", "451 later", "close")
		h.on("body", "", "", "", "", "", "", "close")
	}
	m := &moods{world: w, open: n, ended: make(chan struct{})}
	w.Done = m.done
	w.times.poll = 1 << 40 // hints must do
	stop := w.run()
	<-m.ended
	stop()
	h.settled()
	seen := map[string]int{}
	for _, m := range h.got() {
		seen[m.from+m.data]++
	}
	if len(seen) != n || len(h.got()) != n {
		t.Errorf("%d mails, %d different", len(h.got()), len(seen))
	}
	c, err := w.ledger.Counts(t.Context())
	if err != nil || c.Relayed != n || c.Ready+c.Relaying+c.Failed+c.Drafted != 0 {
		t.Errorf("counts %+v, %v", c, err)
	}
	if m.attempts < n+20 {
		t.Errorf("%d attempts: the next hop had no moods", m.attempts)
	}
}

// moods lets time pass when every delivery that is left waits for it: not
// earlier, or leases of mails in hand would end.
type moods struct {
	*world
	mu                      sync.Mutex
	open, waiting, attempts int
	ended                   chan struct{}
}

func (m *moods) done(d gateway.Delivery) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.attempts++
	if d.State.Final() {
		m.open--
	} else {
		m.waiting++
	}
	switch {
	case m.open == 0:
		close(m.ended)
	case m.waiting == m.open:
		m.waiting = 0
		m.pass(time.Hour)
		for range m.Workers {
			m.Wake()
		}
	}
}

// Wake ends the rest of a worker that found nothing.
func TestWake(t *testing.T) {
	h := newHop(t)
	w := newWorld(t, h)
	w.times.poll = 1 << 40 // never
	w.Workers = 1
	done := make(chan gateway.Delivery, 1)
	w.Done = func(d gateway.Delivery) { done <- d }
	stop := w.run()
	defer stop()
	w.add(order{from: "a@example.com"})
	w.Wake()
	if d := <-done; d.State != gateway.Relayed {
		t.Errorf("%s", d.State)
	}
}

// What was begun when the stop came is ended, and nothing new is begun.
func TestStopEndsWhatWasBegun(t *testing.T) {
	h := newHop(t)
	w := newWorld(t, h)
	w.Workers = 1
	first, second := w.add(order{from: "a@example.com"}), w.add(order{from: "a@example.com"})
	begun, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	h.before("DATA", func() { once.Do(func() { close(begun) }); <-goOn })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	<-begun
	cancel()
	select {
	case <-ended:
		t.Error("Run left a mail in hand")
	default:
	}
	close(goOn)
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	if a, b := w.row(first), w.row(second); a.State != gateway.Relayed || b.State != gateway.Ready || b.Attempts != 0 {
		t.Errorf("%s and %s", a.State, b.State)
	}
	h.settled()
	if got := h.heard(); len(got) != 1 || got[0] != "EHLO MAIL RCPT DATA QUIT" {
		t.Errorf("heard %q", got)
	}
}

// While the next hop is down, hints do not drive the whole queue against it.
func TestDownHopIsNotHammered(t *testing.T) {
	h := newHop(t)
	h.ever("greeting", "421 down")
	w := newWorld(t, h)
	w.times.poll = 1 << 40 // never
	w.Workers = 1
	for range 5 {
		w.add(order{from: "a@example.com"})
	}
	done := make(chan struct{}, 5)
	w.Done = func(gateway.Delivery) { w.Wake(); done <- struct{}{} }
	stop := w.run()
	<-done
	w.Wake()
	stop()
	if w.dials != 1 {
		t.Errorf("%d connections", w.dials)
	}
}

func TestStepAlone(t *testing.T) {
	h := newHop(t)
	w := newWorld(t, h)
	id := w.add(order{from: "a@example.com"})
	if worked, err := w.Step(t.Context()); !worked || err != nil || w.row(id).State != gateway.Relayed {
		t.Fatalf("worked: %v, %v", worked, err)
	}
	if worked, err := w.Step(t.Context()); worked || err != nil {
		t.Fatalf("worked: %v, %v", worked, err)
	}
	h.settled()
	if got := h.heard(); len(got) != 1 || got[0] != "EHLO MAIL RCPT DATA QUIT" {
		t.Errorf("heard %q", got)
	}
}
