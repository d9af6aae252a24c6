package intake_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"sekisho/gateway"
	"sekisho/gateway/intake"
	"sekisho/gateway/store/fs"
	"sekisho/gateway/store/sqlite"
)

// noon is the clock of the tests: 2026-11-25 in Tokyo, the day before in UTC.
var noon = time.Date(2026, 11, 24, 16, 0, 0, 0, time.UTC)

// stores are a real ledger and real originals.
type stores struct {
	ledger    *sqlite.Ledger
	originals *fs.Store
}

func openStores(t testing.TB) stores {
	t.Helper()
	dir := t.TempDir()
	ledger, err := sqlite.Open(t.Context(), filepath.Join(dir, "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := fs.Open(filepath.Join(dir, "originals"),
		fs.Options{Recipients: []age.Recipient{id.Recipient()}, Identities: []age.Identity{id}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(ledger.Close(), blobs.Close()); err != nil {
			t.Error(err)
		}
	})
	return stores{ledger, blobs}
}

// read returns an original.
func (s stores) read(t testing.TB, blob string) string {
	t.Helper()
	r, err := s.originals.Open(t.Context(), blob)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// blobs returns how many originals there are.
func (s stores) blobs(t testing.TB) int {
	t.Helper()
	n := 0
	if err := s.originals.Walk(t.Context(), func(string, int64, time.Time) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// running is a Server on a loopback socket, and what it did.
type running struct {
	*intake.Server
	stores
	addr string
	tls  *tls.Config // of clients

	mu       sync.Mutex
	accepted []gateway.Message
	rejected map[string]int
	conns    int
}

func (r *running) mails() []gateway.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]gateway.Message(nil), r.accepted...)
}

func (r *running) reason(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rejected[name]
}

func (r *running) open() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.conns
}

// start runs a Server; change, if not nil, changes its Config before.
func start(t testing.TB, st stores, change func(*intake.Config)) *running {
	t.Helper()
	server, client := certificate(t)
	r := &running{stores: st, tls: client, rejected: map[string]int{}}
	table, err := intake.NewTable([]string{"soumu@town.example.jp", "zeimu@town.example.jp", "@all.example.jp"}, "+")
	if err != nil {
		t.Fatal(err)
	}
	c := intake.Config{
		Host: "gate.example.jp", TLS: server, Recipients: table, Postmaster: "postmaster@town.example.jp",
		UTF8:   func(context.Context) intake.Verdict { return intake.Accept },
		Ledger: st.ledger, Originals: st.originals,
		Scribe:   gateway.Scribe{Clock: func() time.Time { return noon }, Random: rand.Reader, Version: "test"},
		Location: time.FixedZone("JST", 9*3600),
		Accepted: func(m gateway.Message) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.accepted = append(r.accepted, m)
		},
		Metrics: intake.Metrics{
			Rejected: func(reason string) {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.rejected[reason]++
			},
			Connections: func(n int) {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.conns += n
			},
		},
	}
	if change != nil {
		change(&c)
	}
	if r.Server, err = intake.New(c); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- r.Serve(l) }()
	t.Cleanup(func() {
		if err := r.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
		if n := r.open(); n != 0 {
			t.Errorf("%d connections were not given back", n)
		}
	})
	return r
}

// certificate returns the TLS configurations of a server and its clients.
func certificate(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	c := onePair()
	if c.err != nil {
		t.Fatal(c.err)
	}
	return c.server, c.client
}

type pair struct {
	server, client *tls.Config
	err            error
}

// onePair makes the certificate of all tests.
var onePair = sync.OnceValue(func() pair {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{err: err}
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"gate.example.jp"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return pair{err: err}
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return pair{err: err}
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return pair{
		server: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		client: &tls.Config{RootCAs: roots, ServerName: "gate.example.jp"},
	}
})

// dialog is the client's end of a connection.
type dialog struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

func (r *running) dial(t testing.TB) *dialog {
	t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return talk(t, c)
}

// talk begins a dialog on a connection. No test waits longer than its deadline.
func talk(t testing.TB, c net.Conn) *dialog {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &dialog{t, c, bufio.NewReader(c)}
}

// send writes bytes; an error shows in the answer.
func (d *dialog) send(s string) { io.WriteString(d.conn, s) }

// answer returns the next reply, its lines separated by LF; "eof" when the
// server closed.
func (d *dialog) answer() string {
	d.t.Helper()
	var lines []string
	for {
		line, err := d.in.ReadString('\n')
		if err != nil {
			return strings.Join(append(lines, "eof"), "\n")
		}
		text, ok := strings.CutSuffix(line, "\r\n")
		if !ok || len(text) < 4 {
			d.t.Fatalf("not a reply line: %q", line)
		}
		if lines = append(lines, text); text[3] == ' ' {
			return strings.Join(lines, "\n")
		}
	}
}

// want fails unless the next reply begins with a prefix.
func (d *dialog) want(prefix string) string {
	d.t.Helper()
	a := d.answer()
	if !strings.HasPrefix(a, prefix) {
		d.t.Fatalf("got reply %q, want %q…", a, prefix)
	}
	return a
}

// upgrade does STARTTLS.
func (d *dialog) upgrade(c *tls.Config) {
	d.t.Helper()
	d.send("EHLO client.example\r\n")
	if a := d.want("250-"); !strings.Contains(a, "\n250-STARTTLS\n") {
		d.t.Fatalf("STARTTLS is not offered: %q", a)
	}
	d.send("STARTTLS\r\n")
	d.want("220 2.0.0")
	d.handshake(c)
}

func (d *dialog) handshake(c *tls.Config) {
	d.t.Helper()
	tc := tls.Client(d.conn, c)
	if err := tc.Handshake(); err != nil {
		d.t.Fatal(err)
	}
	d.conn, d.in = tc, bufio.NewReader(tc)
}

// run plays a script. A line "> text" sends text and CRLF, ">> text" sends text
// with Go's escapes and nothing more, "< text" wants a reply that begins with
// text, "= eof" wants the end of the connection; it is also wanted that nothing
// more comes when the script is over.
func (d *dialog) run(script string) {
	d.t.Helper()
	if d.steps(script) {
		return
	}
	d.send("QUIT\r\n")
	d.want("221 2.0.0")
	if a := d.answer(); a != "eof" {
		d.t.Fatalf("a reply without a command: %q", a)
	}
}

// steps plays a script and reports whether the connection ended as it should.
func (d *dialog) steps(script string) bool {
	d.t.Helper()
	for line := range strings.Lines(script) {
		op, text, _ := strings.Cut(strings.TrimSuffix(strings.TrimLeft(line, "\t"), "\n"), " ")
		switch op {
		case "":
		case ">":
			d.send(text + "\r\n")
		case ">>":
			raw, err := strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`)
			if err != nil {
				d.t.Fatalf("script line %q: %v", line, err)
			}
			d.send(raw)
		case "<":
			d.want(text)
		case "=":
			if a := d.answer(); a != text {
				d.t.Fatalf("got reply %q, want %s", a, text)
			}
			return true
		default:
			d.t.Fatalf("script line %q", line)
		}
	}
	return false
}

// both runs a test in clear and under STARTTLS.
func both(t *testing.T, f func(t *testing.T, dial func(*running) *dialog)) {
	t.Run("clear", func(t *testing.T) {
		f(t, func(r *running) *dialog {
			d := r.dial(t)
			d.want("220 gate.example.jp")
			return d
		})
	})
	t.Run("tls", func(t *testing.T) {
		f(t, func(r *running) *dialog {
			d := r.dial(t)
			d.want("220 gate.example.jp")
			d.upgrade(r.tls)
			return d
		})
	})
}

// to354 brings a dialog to where a mail may begin.
const to354 = "> EHLO client.example\n< 250\n> MAIL FROM:<sato@example.com>\n< 250\n> RCPT TO:<soumu@town.example.jp>\n< 250\n> DATA\n< 354\n"

// toRcpt brings a dialog to where BDAT may come.
const toRcpt = "> EHLO client.example\n< 250\n> MAIL FROM:<sato@example.com>\n< 250\n> RCPT TO:<soumu@town.example.jp>\n< 250\n"
