package intake_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/gateway/intake"
)

// from is a pipe that comes from an address.
type from struct {
	net.Conn
	addr netip.Addr
}

func (f from) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(f.addr, 40000))
}
func (from) LocalAddr() net.Addr { return loopback }

// pipe connects a client of that address to a server on pipes.
func (p *pipes) pipe(t *testing.T, addr string) *dialog {
	here, there := net.Pipe()
	p.conns <- from{there, netip.MustParseAddr(addr)}
	return &dialog{t, here, bufio.NewReader(here)}
}

// besieged runs f with a server on pipes under synthetic time.
func besieged(t *testing.T, limits intake.Limits, f func(t *testing.T, m *memory, p *pipes)) {
	synctest.Test(t, func(t *testing.T) {
		m, s := onMemory(t, limits)
		l := newPipes()
		served := make(chan error, 1)
		go func() { served <- s.Serve(l) }()
		f(t, m, l)
		if err := errors.Join(s.Shutdown(t.Context()), <-served); err != nil {
			t.Error(err)
		}
	})
}

// honest sends a mail from an address and wants it accepted.
func honest(t *testing.T, p *pipes, addr string) {
	t.Helper()
	d := p.pipe(t, addr)
	d.want("220")
	d.steps(to354 + ">> x\\r\\n.\\r\\n\n< 250 2.0.0 M-\n> QUIT\n< 221\n= eof")
	d.conn.Close()
}

// TestSlowloris has 500 connections of one client send a byte now and then.
// Those beyond the client's share get no greeting; another client's mail goes
// through meanwhile; and the slow ones end with their time, whatever they sent.
// spec: g8
func TestSlowloris(t *testing.T) {
	const crowd, share = 500, 20
	for _, c := range []struct {
		name, script string
		within       time.Duration
	}{
		{"command", "", time.Minute},
		{"DATA", to354, 10*time.Minute + time.Second},
		{"BDAT", toRcpt + ">> BDAT 60000 LAST\\r\\n\n", 10*time.Minute + time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			besieged(t, intake.Limits{Idle: time.Minute, Upload: 10 * time.Minute, MailsPerMinute: 1000}, func(t *testing.T, m *memory, p *pipes) {
				began := time.Now()
				var wg sync.WaitGroup
				var slow []*dialog
				for i := range crowd {
					d := p.pipe(t, "127.0.0.1")
					a := d.answer()
					if greeted := strings.HasPrefix(a, "220"); greeted != (i < share) {
						t.Fatalf("connection %d: %q", i, a)
					}
					if i >= share {
						d.conn.Close()
						continue
					}
					d.steps(c.script)
					slow = append(slow, d)
					wg.Go(func() { trickle(d.conn) })
				}
				for range 3 {
					honest(t, p, "127.0.0.2")
					time.Sleep(10 * time.Second)
				}
				for i, d := range slow {
					if a := d.answer(); !strings.HasPrefix(a, "421 4.4.2") {
						t.Errorf("slow connection %d: %q", i, a)
					}
				}
				if took := time.Since(began); took > c.within {
					t.Errorf("the last slow connection ended after %v", took)
				}
				wg.Wait()
				honest(t, p, "127.0.0.1")
				if n, kept := m.state(); n != 4 || kept != 4 {
					t.Errorf("%d mails, %d originals, want 4", n, kept)
				}
			})
		})
	}
}

// trickle sends a byte every 20 seconds until the server has had enough.
func trickle(c net.Conn) {
	for {
		if _, err := io.WriteString(c, "x"); err != nil {
			return
		}
		time.Sleep(20 * time.Second)
	}
}

// TestSlowReader has a client send commands and never read the answers: the
// server does not wait for it for ever, nor collect answers without end.
func TestSlowReader(t *testing.T) {
	besieged(t, intake.Limits{Idle: 5 * time.Minute}, func(t *testing.T, _ *memory, p *pipes) {
		d := p.pipe(t, "127.0.0.1")
		d.want("220")
		began := time.Now()
		for {
			if _, err := io.WriteString(d.conn, "EHLO c\r\nVRFY x\r\n"); err != nil {
				break
			}
		}
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("it took %v", took)
		}
		honest(t, p, "127.0.0.1")
	})
}

// counted counts what a table is asked.
type counted struct {
	intake.Recipients
	mu sync.Mutex
	n  int
}

func (c *counted) Check(ctx context.Context, a string) intake.Verdict {
	c.mu.Lock()
	c.n++
	c.mu.Unlock()
	return c.Recipients.Check(ctx, a)
}

// TestRecipientFlood has clients ask for thousands of addresses, in bursts and
// over ever new connections. Each connection ends after its share, no more is
// looked up, and one mail among them is taken.
func TestRecipientFlood(t *testing.T) {
	both(t, func(t *testing.T, dial func(*running) *dialog) {
		var asked *counted
		r := start(t, openStores(t), func(c *intake.Config) {
			asked = &counted{Recipients: c.Recipients}
			c.Recipients = asked
			c.Limits.BadRecipients = 5
		})
		var burst strings.Builder
		for i := range 1000 {
			fmt.Fprintf(&burst, "RCPT TO:<user%d@town.example.jp>\r\n", i)
		}
		for range 10 {
			d := dial(r)
			d.t = t
			d.send("EHLO c\r\nMAIL FROM:<a@b.test>\r\n")
			d.want("250")
			d.want("250")
			go d.send(burst.String())
			for range 5 {
				d.want("550 5.1.1")
			}
			d.want("421 4.7.0")
			d.want("eof")
		}
		if asked.n != 10*6 {
			t.Errorf("%d addresses were looked up, want 60", asked.n)
		}
		d := dial(r)
		d.t = t
		d.run(to354 + ">> x\\r\\n.\\r\\n\n< 250 2.0.0 M-")
		checkMails(t, r, []string{"x\r\n"})
	})
}

// TestBursts pipelines 200 whole mails and sends them in one go, in pieces of
// every kind of size: each is one mail, in order.
func TestBursts(t *testing.T) {
	kept, addr, _ := modelled(t)
	var all strings.Builder
	all.WriteString("EHLO c\r\n")
	for i := range 200 {
		if i%2 == 0 {
			fmt.Fprintf(&all, "MAIL FROM:<a@b.test>\r\nRCPT TO:<soumu@town.example.jp>\r\nDATA\r\n%03d\r\n..\r\n.\r\n", i)
		} else {
			fmt.Fprintf(&all, "MAIL FROM:<>\r\nRCPT TO:<zeimu@town.example.jp>\r\nBDAT 2\r\n%02dBDAT 5 LAST\r\n\r\n.\r\n", i%100)
		}
	}
	for _, size := range []int{1 << 20, 4096, 1000, 7} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			before, _ := kept.state()
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			var pieces []string
			for s := all.String(); s != ""; s = s[min(size, len(s)):] {
				pieces = append(pieces, s[:min(size, len(s))])
			}
			m := &model{t: t, in: bufio.NewReader(c), rcpts: table(), extra: master}
			m.granted(220, true, true, "a connection")
			m.converse(c, false, pieces...)
			m.check(kept, before)
			if len(m.mails) != 200 {
				t.Errorf("%d mails", len(m.mails))
			}
		})
	}
}
