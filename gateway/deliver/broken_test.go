package deliver

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"sekisho/gateway"
)

// bigMail is a body that does not fit into the buffers of a loopback connection.
func bigMail() string {
	return "Subject: big\r\n\r\n" + strings.Repeat(strings.Repeat("x", 70)+"\r\n", 60_000)
}

func TestClosedAtEachStep(t *testing.T) {
	w := newWorld(t, newHop(t))
	for _, step := range []string{"greeting", "EHLO", "MAIL", "RCPT", "DATA", "body", "."} {
		t.Run(step, func(t *testing.T) {
			h := newHop(t)
			w.join(t, h)
			id := w.add(order{from: "a@example.com"})
			h.on(step, "close")
			w.step()
			d := w.row(id)
			if d.State != gateway.Ready || d.Attempts != 1 || d.Recipients[0].Code != 0 || d.Recipients[0].Text == "" {
				t.Fatalf("%s %+v", d.State, d.Recipients)
			}
			w.pass(backOff(1, false))
			w.step()
			if d := w.row(id); d.State != gateway.Relayed {
				t.Fatalf("%s %+v", d.State, d.Recipients)
			}
			got := h.got()
			if step != "." {
				if len(got) != 1 {
					t.Errorf("taken %+v", got)
				}
				return
			}
			// The outcome was unknown: the same mail again, so that it can be told.
			if len(got) != 2 || got[0].data != got[1].data || !contains(got[0].data, "Message-ID: <1@gw.example.lg.jp>") {
				t.Errorf("taken %+v", got)
			}
		})
	}
}

func TestClosedInABigBody(t *testing.T) {
	h := newHop(t)
	w := newWorld(t, h)
	id := w.add(order{from: "a@example.com", mail: bigMail()})
	h.on("body", "close")
	w.step()
	w.checkWaits(id, 0, "send body")
	w.pass(time.Hour)
	w.step()
	if got := h.got(); len(got) != 1 || got[0].data != bigMail() {
		t.Errorf("%d taken", len(got))
	}
}

// Replies that are neither consent nor refusal prove nothing: above all not
// that the mail was taken.
func TestNonsenseIsNoConsent(t *testing.T) {
	w := newWorld(t, newHop(t))
	for _, c := range [][2]string{
		{"greeting", "hello"}, {"greeting", "999 hello"}, {"EHLO", "250-a\n251 b"}, {"MAIL", "354 go on"}, {"RCPT", "354 go on"},
		{"DATA", "250 ok"}, {".", "354 go on"}, {".", "25"}, {".", "250ok"}, {".", "100 wait"}, {"MAIL", "250 ok\n250 ok\n250 ok"},
		{"DATA", "354 go on\n250 queued"}, {".", "250-" + strings.Repeat("x", 3000)},
		{"EHLO", strings.Repeat("250-X-MANY\n", 200) + "250 end"},
	} {
		t.Run(c[0]+" "+c[1][:min(len(c[1]), 20)], func(t *testing.T) {
			h := newHop(t)
			w.join(t, h)
			id := w.add(order{from: "a@example.com", to: []string{taro, jiro}})
			h.on(c[0], c[1])
			w.step()
			d := w.row(id)
			if d.State != gateway.Ready || d.Recipients[0].State != gateway.Pending || d.Recipients[1].State != gateway.Pending || w.conn.client != nil {
				t.Fatalf("%s %+v", d.State, d.Recipients)
			}
		})
	}
}

func TestSilenceHasAnEnd(t *testing.T) {
	w := newWorld(t, newHop(t))
	for _, step := range []string{"greeting", "EHLO", "MAIL", "DATA", "."} {
		t.Run(step, func(t *testing.T) {
			h := newHop(t)
			w.join(t, h)
			w.times.command, w.times.final = 30*time.Millisecond, 30*time.Millisecond
			w.conn = w.connection()
			id := w.add(order{from: "a@example.com"})
			h.on(step, "stall")
			w.step()
			w.checkWaits(id, 0, "timeout")
		})
	}
}

// A next hop that stops reading in the middle of a body is left.
func TestBodyIsNotTaken(t *testing.T) {
	h := newHop(t)
	w := newWorld(t, h)
	w.times.data = 50 * time.Millisecond
	w.conn = w.connection()
	id := w.add(order{from: "a@example.com", mail: bigMail()})
	hold := make(chan struct{})
	h.before("body", func() { <-hold })
	w.step()
	close(hold)
	w.checkWaits(id, 0, "timeout")
	h.settled()
	if len(h.got()) != 0 {
		t.Error("a mail was ended")
	}
}

func TestNoAttemptLastsForever(t *testing.T) {
	h := newHop(t)
	w := newWorld(t, h)
	w.times.attempt = 30 * time.Millisecond
	w.conn = w.connection()
	id := w.add(order{from: "a@example.com"})
	h.on("RCPT", "stall")
	w.step()
	w.checkWaits(id, 0, "timeout")
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := newHop(t)
	w := newWorld(t, h)
	w.Hop.Address = l.Addr().String()
	l.Close()
	w.conn = w.connection()
	id := w.add(order{from: "a@example.com"})
	w.step()
	w.checkWaits(id, 0, "connection refused")
	if !w.conn.down {
		t.Error("the next hop does not count as down")
	}
	if err := w.Probe(t.Context()); err == nil {
		t.Error("Probe reaches nobody")
	}
}

// spec: g12
func TestForbiddenZone(t *testing.T) {
	h := newHop(t)
	w := newWorld(t, h)
	zone := errors.New("address in a forbidden zone")
	w.Hop.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, zone }
	w.conn = w.connection()
	id := w.add(order{from: "a@example.com"})
	w.step()
	w.checkWaits(id, 0, zone.Error())
}

func TestOldServerKnowsHeloOnly(t *testing.T) {
	h := newHop(t)
	h.ever("EHLO", "502 what?")
	w := newWorld(t, h)
	id := w.add(order{from: "a@example.com"})
	w.step()
	if d := w.row(id); d.State != gateway.Relayed {
		t.Fatalf("%s %+v", d.State, d.Recipients)
	}
	if got := h.heard(); len(got) != 1 || got[0] != "EHLO HELO MAIL RCPT DATA" {
		t.Errorf("heard %q", got)
	}
}

func TestProbe(t *testing.T) {
	h := newHop(t, "SIZE 52428800")
	w := newWorld(t, h)
	if err := w.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.settled()
	if got := h.heard(); w.HopSize() != 52428800 || len(got) != 1 || got[0] != "EHLO QUIT" {
		t.Errorf("size %d, heard %q", w.HopSize(), got)
	}
}

func TestHopSize(t *testing.T) {
	w := newWorld(t, newHop(t))
	for ext, want := range map[string]int64{"SIZE 1000": 1000, "SIZE": 0, "SIZE 0": 0, "SIZE -5": 0, "SIZE x": 0, "size 7 ": 7, "DSN": 0,
		"SIZE 99999999999999999999": 0} {
		w.join(t, newHop(t, ext))
		if err := w.Probe(t.Context()); err != nil || w.HopSize() != want {
			t.Errorf("%q gives %d, %v", ext, w.HopSize(), err)
		}
	}
}
