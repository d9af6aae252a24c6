package intake_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
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

	"sekisho/gateway"
	"sekisho/gateway/intake"
)

// pipes is a listener whose connections are pipes, so that time can be that of
// synctest.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return loopback }

var loopback = net.TCPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:25"))

// addressed is a pipe that comes from 127.0.0.1.
type addressed struct{ net.Conn }

func (addressed) RemoteAddr() net.Addr { return loopback }
func (addressed) LocalAddr() net.Addr  { return loopback }

// memory is what a ledger and originals without goroutines of their own hold,
// for tests under synctest and for fuzzing. It does only what intake asks for.
type memory struct {
	mu       sync.Mutex
	messages []gateway.Message
	kept     map[string]string // originals
	puts     int
}

type memoryLedger struct {
	gateway.Ledger
	m *memory
}

func (l memoryLedger) Do(_ context.Context, f func(gateway.Tx) error) error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	return f(memoryTx{m: l.m})
}

type memoryTx struct {
	gateway.Tx
	m *memory
}

func (t memoryTx) Receipt(string) (int, error) { return len(t.m.messages) + 1, nil }

func (t memoryTx) Accept(msg gateway.Message, r ...gateway.Record) error {
	if len(r) == 0 {
		return errors.New("no record")
	}
	t.m.messages = append(t.m.messages, msg)
	return nil
}

func (t memoryTx) Note(...gateway.Record) error { return nil }

type memoryBlobs struct {
	gateway.Blobs
	m *memory
}

func (b memoryBlobs) Put(_ context.Context, fill func(io.Writer) error) (string, error) {
	var buf bytes.Buffer
	if err := fill(&buf); err != nil {
		return "", err
	}
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	b.m.puts++
	name := fmt.Sprint("blob", b.m.puts)
	b.m.kept[name] = buf.String()
	return name, nil
}

func (b memoryBlobs) Delete(_ context.Context, name string) error {
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	delete(b.m.kept, name)
	return nil
}

// state returns how many mails and originals there are.
func (m *memory) state() (mails, originals int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.messages), len(m.kept)
}

// onMemory makes a server that knows soumu@town.example.jp.
func onMemory(t testing.TB, limits intake.Limits) (*memory, *intake.Server) {
	t.Helper()
	m := &memory{kept: map[string]string{}}
	table, err := intake.NewTable([]string{"soumu@town.example.jp"}, "")
	if err != nil {
		t.Fatal(err)
	}
	s, err := intake.New(intake.Config{Host: "gate", Recipients: table, Limits: limits,
		Ledger: memoryLedger{m: m}, Originals: memoryBlobs{m: m},
		Scribe: gateway.Scribe{Clock: time.Now, Random: rand.Reader}})
	if err != nil {
		t.Fatal(err)
	}
	return m, s
}

// inBubble runs f with a server on pipes under synthetic time.
func inBubble(t *testing.T, limits intake.Limits, f func(t *testing.T, m *memory, d *dialog, s *intake.Server)) {
	synctest.Test(t, func(t *testing.T) {
		m, s := onMemory(t, limits)
		l := newPipes()
		served := make(chan error, 1)
		go func() { served <- s.Serve(l) }()
		here, there := net.Pipe()
		l.conns <- addressed{there}
		d := &dialog{t, here, bufio.NewReader(here)}
		d.want("220 gate")
		f(t, m, d, s)
		here.Close()
		if err := errors.Join(s.Shutdown(t.Context()), <-served); err != nil {
			t.Error(err)
		}
	})
}

// TestTimeout stalls in every phase. The connection must end, and what comes
// after the stall must never be run: a whole second transaction waits there.
func TestTimeout(t *testing.T) {
	limits := intake.Limits{Idle: time.Minute, Upload: time.Hour}
	for _, c := range []struct{ name, script, half string }{
		{"command", "", "MAIL FR"},
		{"DATA", to354, "Subject: a\r\n\r\nhalf a line"},
		{"DATA at a line start", to354, "Subject: a\r\n"},
		{"BDAT", toRcpt, "BDAT 1000\r\nSubject: a\r\n"},
		{"between chunks", toRcpt + ">> BDAT 3\\r\\nabc\n< 250\n", "BDAT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, limits, func(t *testing.T, m *memory, d *dialog, _ *intake.Server) {
				d.steps(c.script)
				began := time.Now()
				d.send(c.half)
				d.want("421 4.4.2")
				if took := time.Since(began); took != time.Minute {
					t.Errorf("it took %v", took)
				}
				if _, err := io.WriteString(d.conn, "\r\n.\r\n"+second); err == nil {
					t.Error("the connection still takes input")
				}
				if a := d.answer(); a != "eof" {
					t.Errorf("after the time-out: %q", a)
				}
				if n, kept := m.state(); n != 0 || kept != 0 {
					t.Errorf("%d mails, %d originals", n, kept)
				}
			})
		})
	}
}

// TestSlow sends a byte now and then, never long enough apart to be idle.
func TestSlow(t *testing.T) {
	limits := intake.Limits{Idle: time.Minute, Upload: 10 * time.Minute}
	for _, c := range []struct {
		name, script string
		within       time.Duration
	}{
		{"command", "", time.Minute},
		{"DATA", to354, 10*time.Minute + time.Second},
		{"BDAT", toRcpt + ">> BDAT 100000 LAST\\r\\n\n", 10*time.Minute + time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, limits, func(t *testing.T, m *memory, d *dialog, _ *intake.Server) {
				d.steps(c.script)
				began := time.Now()
				stopped := make(chan struct{})
				go func() {
					defer close(stopped)
					for range 10000 {
						if _, err := io.WriteString(d.conn, "x"); err != nil {
							return
						}
						time.Sleep(20 * time.Second)
					}
				}()
				d.want("421 4.4.2")
				defer func() { <-stopped }()
				if took := time.Since(began); took > c.within {
					t.Errorf("it took %v, not at most %v", took, c.within)
				}
				if n, _ := m.state(); n != 0 {
					t.Errorf("%d mails", n)
				}
			})
		})
	}
}

// TestProgress sends a mail that takes longer than Upload but makes progress.
func TestProgress(t *testing.T) {
	limits := intake.Limits{Idle: time.Minute, Upload: time.Minute}
	inBubble(t, limits, func(t *testing.T, m *memory, d *dialog, _ *intake.Server) {
		d.steps(to354)
		line := strings.Repeat("x", 1022) + "\r\n"
		for range 300 {
			d.send(line + line)
			time.Sleep(1500 * time.Millisecond)
		}
		d.send(".\r\n")
		d.want("250 2.0.0 M-")
		if n, _ := m.state(); n != 1 || m.messages[0].Size != 300*2048 {
			t.Errorf("%d mails", n)
		}
	})
}

// TestShutdown tells an idle client to go, lets a mail under way finish, and
// cuts off one that does not.
func TestShutdown(t *testing.T) {
	t.Run("idle", func(t *testing.T) {
		inBubble(t, intake.Limits{}, func(t *testing.T, _ *memory, d *dialog, s *intake.Server) {
			d.steps(toRcpt)
			synctest.Wait()
			done := make(chan error, 1)
			go func() { done <- s.Shutdown(t.Context()) }()
			d.want("421 4.3.2")
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("mail under way", func(t *testing.T) {
		inBubble(t, intake.Limits{}, func(t *testing.T, m *memory, d *dialog, s *intake.Server) {
			d.steps(to354)
			d.send("a\r\n")
			done := make(chan error, 1)
			go func() { done <- s.Shutdown(t.Context()) }()
			synctest.Wait()
			d.send("b\r\n.\r\n")
			d.want("250 2.0.0 M-")
			d.want("421 4.3.2")
			if n, _ := m.state(); n != 1 {
				t.Errorf("%d mails", n)
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("too slow", func(t *testing.T) {
		inBubble(t, intake.Limits{}, func(t *testing.T, m *memory, d *dialog, s *intake.Server) {
			d.steps(to354)
			d.send("a\r\n")
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("shutdown: %v", err)
			}
			d.want("eof")
			if n, kept := m.state(); n != 0 || kept != 0 {
				t.Errorf("%d mails, %d originals", n, kept)
			}
		})
	})
}
