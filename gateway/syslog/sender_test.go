package syslog

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// server is a syslog server that keeps what it got.
type server struct {
	l     net.Listener
	roots *x509.CertPool
	got   chan string
	mu    sync.Mutex
	conns []net.Conn
}

func startServer(t *testing.T) *server {
	t.Helper()
	dir := t.TempDir()
	s := &server{roots: certificate(t, dir), got: make(chan string, 2000)}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	s.l, err = tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.l.Close(); s.cut() })
	go s.serve()
	return s
}

func (s *server) serve() {
	for {
		c, err := s.l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns = append(s.conns, c)
		s.mu.Unlock()
		go s.read(c)
	}
}

// read takes frames of RFC 5425 apart.
func (s *server) read(c net.Conn) {
	r := bufio.NewReader(c)
	for {
		word, err := r.ReadString(' ')
		n, bad := strconv.Atoi(strings.TrimSuffix(word, " "))
		if err != nil || bad != nil || n < 1 || n > maxMessage {
			return
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(r, b); err != nil {
			return
		}
		s.got <- string(b)
	}
}

// cut ends all connections, and returns how many there were.
func (s *server) cut() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.conns)
	for _, c := range s.conns {
		c.Close()
	}
	s.conns = nil
	return n
}

func (s *server) next(t *testing.T) string {
	t.Helper()
	select {
	case m := <-s.got:
		return m
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
		return ""
	}
}

type outcome struct {
	text string
	err  error
}

// sender runs a Sender until the test ends.
func sender(t *testing.T, c Config) (*Sender, chan outcome) {
	t.Helper()
	told := make(chan outcome, 2000)
	c.Sent = func(m Message) { told <- outcome{m.Text, nil} }
	c.Failed = func(m Message, err error) { told <- outcome{m.Text, err} }
	c.Backoff = time.Millisecond
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { s.Run(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done })
	return s, told
}

func direct(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

// Messages come in order, also after the server has ended the connection.
// spec: rfc5425#4.3
func TestSenderReconnects(t *testing.T) {
	srv := startServer(t)
	s, told := sender(t, Config{Address: srv.l.Addr().String(), Dial: direct, TLS: &tls.Config{ServerName: "syslog.example", RootCAs: srv.roots}})
	for i := range 30 {
		s.Send(Message{Text: fmt.Sprint("m", i)})
		if got := srv.next(t); !strings.HasSuffix(got, fmt.Sprint(" m", i)) {
			t.Fatalf("got %q for message %d", got, i)
		}
		if o := <-told; o.err != nil || o.text != fmt.Sprint("m", i) {
			t.Errorf("told %+v", o)
		}
		if i%10 == 9 {
			if srv.cut() == 0 {
				t.Fatal("no connection")
			}
			<-s.gone // the end has been seen
		}
	}
	if n, dropped := s.Waiting(); n != 0 || dropped != 0 {
		t.Errorf("%d wait, %d given up", n, dropped)
	}
}

// While there is no server, Send does not wait, the oldest messages are given up,
// each failure is told, and what is left goes out when there is one.
func TestSenderNeverBlocks(t *testing.T) {
	srv := startServer(t)
	var mu sync.Mutex
	up, away := false, errors.New("no route")
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		if !up {
			return nil, away
		}
		return direct(ctx, network, address)
	}
	s, told := sender(t, Config{Address: srv.l.Addr().String(), Dial: dial, Queue: 10, TLS: &tls.Config{ServerName: "syslog.example", RootCAs: srv.roots}})
	for i := range 100 {
		s.Send(Message{Text: fmt.Sprint("m", i)})
	}
	if n, dropped := s.Waiting(); n != 10 || dropped != 90 {
		t.Errorf("%d wait, %d given up", n, dropped)
	}
	for range 3 {
		if o := <-told; !errors.Is(o.err, away) {
			t.Errorf("told %+v", o)
		}
	}
	mu.Lock()
	up = true
	mu.Unlock()
	for i := 90; i < 100; i++ {
		if got := srv.next(t); !strings.HasSuffix(got, fmt.Sprint(" m", i)) {
			t.Errorf("got %q, want message %d", got, i)
		}
	}
}

// A server whose certificate is not the right one gets nothing.
func TestSenderChecksTheServer(t *testing.T) {
	srv, other := startServer(t), startServer(t)
	for name, c := range map[string]*tls.Config{
		"another name":      {ServerName: "log.example", RootCAs: srv.roots},
		"another authority": {ServerName: "syslog.example", RootCAs: other.roots},
	} {
		s, told := sender(t, Config{Address: srv.l.Addr().String(), Dial: direct, TLS: c})
		s.Send(Message{Text: "secret"})
		if o := <-told; o.err == nil {
			t.Errorf("%s: sent", name)
		}
		select {
		case m := <-srv.got:
			t.Errorf("%s: the server got %q", name, m)
		default:
		}
	}
	good := &tls.Config{ServerName: "a"}
	for name, c := range map[string]Config{
		"no TLS": {Address: "a:1", Dial: direct}, "no name": {Address: "a:1", Dial: direct, TLS: &tls.Config{}},
		"unchecked": {Address: "a:1", Dial: direct, TLS: &tls.Config{ServerName: "a", InsecureSkipVerify: true}},
		"no dialer": {Address: "a:1", TLS: good}, "no address": {Dial: direct, TLS: good},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// What waits at the end is sent before Run returns.
func TestSenderSendsTheLast(t *testing.T) {
	srv := startServer(t)
	s, err := New(Config{Address: srv.l.Addr().String(), Dial: direct, TLS: &tls.Config{ServerName: "syslog.example", RootCAs: srv.roots}})
	if err != nil {
		t.Fatal(err)
	}
	s.Send(Message{Text: "last"})
	ctx, stop := context.WithCancel(t.Context())
	stop()
	s.Run(ctx)
	if got := srv.next(t); !strings.HasSuffix(got, " last") {
		t.Errorf("got %q", got)
	}
}
