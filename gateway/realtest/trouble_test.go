package realtest

import (
	"context"
	"fmt"
	"mime"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/gateway/peertest"
)

// hand sends n plain mails, which must all be taken, and returns them.
func hand(t *testing.T, g *gateway, n, first int) []letter {
	t.Helper()
	var all []letter
	for i := range n {
		m := newLetter(plain, first+i)
		if r := push(t.Context(), t, g.smtp, source4(5, 0), m.body); !strings.HasPrefix(r, "250 2.0.0 M-") {
			t.Fatalf("mail %d was answered with %q", i, r)
		}
		all = append(all, m)
	}
	return all
}

// waiting waits until n deliveries were tried and wait for another try, and
// returns them.
func waiting(t *testing.T, g *gateway, n int) []delivery {
	t.Helper()
	var ds []delivery
	until(t, "deliveries that wait for another try", func() bool {
		ds = slices.DeleteFunc(g.deliveries("ready"), func(d delivery) bool { return d.Attempts == 0 })
		return len(ds) == n
	})
	return ds
}

// retry makes deliveries due now, as an operator does.
func retry(t *testing.T, g *gateway, ds []delivery) {
	t.Helper()
	for _, d := range ds {
		if out, code := g.run("queue", "retry", "-c", g.config, d.ID); code != 0 {
			t.Fatalf("sekisho queue retry: exit %d\n%s", code, out)
		}
	}
}

// arrived waits until each mail came, and checks that each came once.
func arrived(t *testing.T, s *sink, mails []letter) {
	t.Helper()
	for _, m := range mails {
		until(t, m.id, func() bool { return len(s.copies(m.id)) > 0 })
		if n := len(s.copies(m.id)); n != 1 {
			t.Errorf("%s came %d times", m.id, n)
		}
	}
}

// TestNextHopInTrouble: the next hop is down, then says that it has no time,
// then refuses for good. Nothing is lost, nothing goes to the senders, and the
// postmaster hears of what ended.
// spec: g3
func TestNextHopInTrouble(t *testing.T) {
	host := peertest.Loopback()
	s := newSink(t, host)
	g := install(t, host, s.Address)
	g.start()

	s.Down()
	mails := hand(t, g, 5, 1)
	// One that cannot be reached is not tried with each mail.
	until(t, "a try", func() bool { return len(g.deliveries("ready")) == 5 && triedOnce(g.deliveries("ready")) })
	s.up()
	retry(t, g, g.deliveries("ready"))
	arrived(t, s, mails)

	s.Answer("dot", "451 4.3.2 come back later")
	mails = hand(t, g, 5, 100)
	slow := waiting(t, g, 5)
	for _, d := range slow {
		if next := time.Until(d.NextAt); next < 0 || next > 10*time.Minute {
			t.Errorf("%s is tried again in %v", d.Receipt, next)
		}
	}
	s.Answer("dot", "")
	retry(t, g, slow)
	arrived(t, s, mails)

	// Only the recipient is refused: the mails about it must go through.
	s.Answer("taro@", "550 5.1.1 no such mailbox")
	hour := time.Now().Truncate(time.Hour)
	mails = hand(t, g, 23, 200)
	until(t, "failures", func() bool { return len(g.deliveries("failed")) == len(mails) })
	until(t, "the mails to the postmaster", func() bool { return len(s.own(postmaster)) >= 20 })
	s.Answer("taro@", "")
	for _, m := range mails {
		if len(s.copies(m.id)) != 0 {
			t.Errorf("%s came although it was refused", m.id)
		}
	}
	g.drained()
	for _, own := range s.own(postmaster) {
		subject, err := new(mime.WordDecoder).DecodeHeader(own.subject)
		if err != nil || own.from != "" || !strings.Contains(subject, "配送失敗") {
			t.Errorf("the postmaster got %q from %q, %v", subject, own.from, err)
		}
	}
	// Of a storm, 20 are told of at once and one when the hour is over.
	if later := len(g.deliveries("drafted")); time.Now().Truncate(time.Hour).Equal(hour) && (len(s.own(postmaster)) != 20 || later != 1) {
		t.Errorf("the postmaster got %d mails and waits for %d", len(s.own(postmaster)), later)
	}
	g.stop()
	g.verify()
}

// triedOnce reports whether some delivery was tried.
func triedOnce(ds []delivery) bool {
	return slices.ContainsFunc(ds, func(d delivery) bool { return d.Attempts > 0 })
}

// TestTLSInTrouble: where the relay must be encrypted, a next hop that offers
// no STARTTLS, or shows another's certificate, gets no mail.
func TestTLSInTrouble(t *testing.T) {
	host := peertest.Loopback()
	s := newSink(t, host)
	c := newTrust(t)
	g := install(t, host, s.Address, c.settings()...)
	g.start()
	mails := hand(t, g, 2, 1)
	until(t, "a try", func() bool { return triedOnce(g.deliveries("ready")) })
	s.OfferTLS(serverTLS(t, c.cert, c.key)) // valid, and not the next hop's
	retry(t, g, g.deliveries("ready"))
	until(t, "a second try", func() bool {
		return slices.ContainsFunc(g.deliveries("ready"), func(d delivery) bool { return d.Attempts > 1 })
	})
	if total, _ := s.have(); total != 0 {
		t.Fatalf("%d mails came", total)
	}
	s.OfferTLS(serverTLS(t, c.hopCert, c.hopKey))
	retry(t, g, g.deliveries("ready"))
	arrived(t, s, mails)
	for _, m := range mails {
		if !s.copies(m.id)[0].tls {
			t.Errorf("%s came in the clear", m.id)
		}
	}
	g.drained()
	g.stop()
	g.verify()
}

// TestStopsUnderLoad: SIGTERM in the midst of work. The program ends soon, and
// what it had in hand is done after the next start, not held.
func TestStopsUnderLoad(t *testing.T) {
	chance := chance(t)
	host := peertest.Loopback()
	s := newSink(t, host)
	s.Answer(refusedPrefix, "550 5.1.1 no such mailbox")
	g := install(t, host, s.Address)
	l := newLoad(t, g, s)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	clients := l.run(ctx, 6, chance)
	for n := range 3 {
		g.start()
		before, _ := s.have()
		until(t, "work to be under way", func() bool { total, _ := s.have(); return total >= before+20 })
		if took := g.stop(); took > 15*time.Second {
			t.Errorf("stop %d took %v", n, took)
		}
	}
	g.start()
	cancel()
	clients.Wait()
	g.drained()
	g.stop()
	g.verify()
	l.account(g)
	for _, i := range g.items() {
		if i.Reason != "kind_blocked" && i.Reason != "fragment" {
			t.Errorf("%s is held for %s", i.Receipt, i.Reason)
		}
	}
	if len(l.promised) < 60 {
		t.Error(fmt.Sprint("too little happened: ", l))
	}
}
