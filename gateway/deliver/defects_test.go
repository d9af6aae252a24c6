package deliver

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// watched is a connection that remembers what was written, and whether there
// was a limit to the wait when it was.
type watched struct {
	net.Conn
	mu      sync.Mutex
	limited bool
	out     bytes.Buffer
	endless bytes.Buffer // written without a limit
}

func (w *watched) SetDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.limited = !t.IsZero()
	return w.Conn.SetDeadline(t)
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	w.out.Write(p)
	if !w.limited {
		w.endless.Write(p)
	}
	w.mu.Unlock()
	return w.Conn.Write(p)
}

// inData returns go-smtp's client after DATA, and its connection.
func inData(t *testing.T, s *script) (*smtp.Client, *smtp.DataCommand, *watched) {
	t.Helper()
	w := &watched{Conn: s.dial(t)}
	c := smtp.NewClient(w)
	if err := errors.Join(c.Hello("gw"), c.Mail("a@example.com", nil), c.Rcpt(taro, nil)); err != nil {
		t.Fatal(err)
	}
	d, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	return c, d, w
}

// What go-smtp's client does to bodies, and ours does not. Each is a reason in
// docs/adr/0010; when one falls away there, that is to be looked at again.

func TestPeerWritesBodiesWithoutLimit(t *testing.T) {
	_, d, w := inData(t, good("X"))
	if _, err := io.WriteString(d, strings.Repeat("x", 10_000)); err != nil {
		t.Fatal(err)
	}
	if w.endless.Len() < 4096 {
		t.Errorf("go-smtp limits the wait for a body to be taken: %d bytes without", w.endless.Len())
	}
	if err := d.Close(); err != nil || !strings.HasSuffix(w.endless.String(), "\r\n.\r\n") {
		t.Errorf("go-smtp limits the wait for its dot to be taken: %v", err)
	}
	s := good("X")
	k := s.pipe(t)
	dial := k.hop.Dial
	var ourConn *watched
	k.hop.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		ourConn = &watched{Conn: c}
		return ourConn, err
	}
	if o, a := ours(t, k, sealed(t, "a@example.com", []string{taro}, bigMail())); o[taro] != "taken" {
		t.Fatal(a.err)
	}
	if n := ourConn.endless.Len(); n > 0 {
		t.Errorf("we write %d bytes without a limit", n)
	}
}

func TestPeerSendsOtherBytes(t *testing.T) {
	for body, want := range map[string]string{
		"a\nb\r\n":   "a\r\nb\r\n.\r\n", // other bytes than sealed
		"a\n.\nb":    "a\r\n..\r\nb\r\n.\r\n",
		"a\rb\r\n":   "a\rb\r\n.\r\n",    // a peer that reads CR as a line end …
		"a\r.\rb":    "a\r.\rb\r\n.\r\n", // … sees the end of the mail here
		"a\x00b\r\n": "a\x00b\r\n.\r\n",
		"a\r":        "a\r\n.\r\n",
		"":           "\r\n.\r\n",
	} {
		s := good("X")
		_, d, w := inData(t, s)
		w.out.Reset()
		if _, err := io.WriteString(d, body); err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if got := w.out.String(); got != want {
			t.Errorf("%q: go-smtp sends %q, not %q", body, got, want)
		}
		us := good("PIPELINING")
		o, a := ours(t, us.pipe(t), sealed(t, "a@example.com", []string{taro}, body))
		switch {
		case body == "":
			if o[taro] != "taken" || !strings.HasSuffix(us.got()[0], "|") {
				t.Errorf("%q: we send %q", body, us.got())
			}
		case !errors.Is(a.err, errForm) || len(us.got()) != 0:
			t.Errorf("%q: we send %q, %v", body, us.got(), a.err)
		}
	}
}

// Any command after a body that was broken off ends it with a dot: half a mail
// arrives as a whole one.
func TestPeerEndsBrokenBodies(t *testing.T) {
	s := good("X")
	c, d, _ := inData(t, s)
	if _, err := io.WriteString(d, "Subject: half\r\n\r\nwe owe you"); err != nil {
		t.Fatal(err)
	}
	c.Quit()
	if got := s.got(); len(got) != 1 || !strings.HasSuffix(got[0], "we owe you\r\n") {
		t.Errorf("go-smtp breaks off: %q", got)
	}
}

// Nothing lets a caller choose the name in the EHLO before STARTTLS, or see
// whether STARTTLS is offered and then use it on the same connection.
func TestPeerSaysLocalhost(t *testing.T) {
	s := good("X")
	s.ehlo = "250-hop\n250 STARTTLS"
	if _, err := smtp.NewClientStartTLS(s.dial(t), &tls.Config{}); err != nil {
		t.Fatal(err) // the handshake comes later
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lines[0] != "EHLO localhost" {
		t.Errorf("go-smtp says %q", s.lines[0])
	}
}

func TestPeerReadsKeywordsByCase(t *testing.T) {
	s := good("starttls")
	c := smtp.NewClient(s.dial(t))
	if err := c.Hello("gw"); err != nil {
		t.Fatal(err)
	}
	if ok, _ := c.Extension("STARTTLS"); ok {
		t.Error("go-smtp reads keywords in any case")
	}
	k := good("starttls").pipe(t)
	if _, err := k.ready(t.Context()); err != nil || !k.client.offers("STARTTLS") {
		t.Errorf("we do not: %v", err)
	}
}

// A connection that is reset says EHLO again before each mail.
func TestPeerGreetsAfterReset(t *testing.T) {
	s := good("X")
	c := smtp.NewClient(s.dial(t))
	if err := errors.Join(c.Hello("gw"), c.Reset(), c.Mail("a@example.com", nil)); err != nil {
		t.Fatal(err)
	}
	if got := s.verbs(); got != "EHLO RSET EHLO MAIL" {
		t.Errorf("go-smtp says %q", got)
	}
}
