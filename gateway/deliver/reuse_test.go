package deliver

import (
	"strings"
	"testing"
	"time"

	"sekisho/gateway"
)

// sendAll sends n mails one after the other and checks that none waits.
func (w *world) sendAll(n int) {
	w.t.Helper()
	for range n {
		id := w.add(order{from: "a@example.com"})
		w.step()
		if d := w.row(id); d.State != gateway.Relayed || d.Attempts != 1 {
			w.t.Fatalf("%s after %d attempts: %+v", d.State, d.Attempts, d.Recipients)
		}
	}
}

func TestReuse(t *testing.T) {
	const one, more = "EHLO MAIL RCPT DATA", " RSET MAIL RCPT DATA"
	w := newWorld(t, newHop(t))
	for name, c := range map[string]struct {
		n     int
		set   func(w *world, h *nextHop)
		heard string
	}{
		"RSET between":          {3, nil, one + more + more},
		"at most so many":       {5, func(w *world, _ *nextHop) { w.conn.reuse = 2 }, one + more + " QUIT|" + one + more + " QUIT|" + one},
		"RSET refused":          {2, func(_ *world, h *nextHop) { h.on("RSET", "421 idle too long") }, one + " RSET|" + one},
		"closed at RSET":        {2, func(_ *world, h *nextHop) { h.on("RSET", "close") }, one + " RSET|" + one},
		"closed at MAIL":        {2, func(_ *world, h *nextHop) { h.on("MAIL", "", "close") }, one + " RSET MAIL|" + one},
		"421 at MAIL":           {2, func(_ *world, h *nextHop) { h.on("MAIL", "", "421 mails enough") }, one + " RSET MAIL|" + one},
		"closed after the mail": {2, func(_ *world, h *nextHop) { h.on(".", "250 queued\n421 bye") }, one + "|" + one},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHop(t)
			w.join(t, h)
			if c.set != nil {
				c.set(w, h)
			}
			w.sendAll(c.n)
			if got := strings.Join(h.heard(), "|"); got != c.heard {
				t.Errorf("heard %q\n want %q", got, c.heard)
			}
		})
	}
}

func TestIdleConnectionIsClosed(t *testing.T) {
	h := newHop(t)
	w := newWorld(t, h)
	w.sendAll(1)
	w.pass(w.times.idle)
	w.conn.closeIdle()
	if w.conn.client == nil {
		t.Fatal("closed too early")
	}
	w.pass(time.Second)
	w.conn.closeIdle()
	h.settled()
	w.sendAll(1)
	w.pass(w.times.idle + time.Second)
	w.sendAll(1) // also when there was no time to look
	if got := strings.Join(h.heard(), "|"); got != strings.Repeat("EHLO MAIL RCPT DATA QUIT|", 2)+"EHLO MAIL RCPT DATA" {
		t.Errorf("heard %q", got)
	}
}

// A next hop that was restarted costs no attempt; one that is gone does.
func TestDeadConnectionIsReplaced(t *testing.T) {
	h := newHop(t)
	w := newWorld(t, h)
	w.sendAll(1)
	h.mu.Lock()
	for _, c := range h.conns {
		c.Close()
	}
	h.mu.Unlock()
	h.settled()
	w.sendAll(1)
	h.stop()
	id := w.add(order{from: "a@example.com"})
	w.step()
	w.checkWaits(id, 0, "connection refused")
}

// A mail that was refused or broken off does not spoil the next one.
func TestNothingIsCarriedOver(t *testing.T) {
	h := newHop(t)
	w := newWorld(t, h)
	h.on("RCPT", "550 no")
	w.add(order{from: "bad@example.com"})
	w.step()
	w.sendAll(1)
	h.on("RCPT "+taro, "", "close")
	w.sendAll(1)
	got := h.got()
	if len(got) != 2 || got[0].from != "FROM:<a@example.com>" || strings.Join(got[1].to, " ") != taro {
		t.Errorf("taken %+v", got)
	}
	if said := h.heard()[0]; said != "EHLO MAIL RCPT RSET MAIL RCPT DATA RSET MAIL RCPT DATA" {
		t.Errorf("heard %q", said)
	}
}
