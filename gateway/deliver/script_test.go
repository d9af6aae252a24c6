package deliver

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"sekisho/gateway"
	"sekisho/sanitize/seal"
)

// script is what a server answers: to commands, to each recipient and to the
// final dot. It keeps the order of commands: RCPT without a sender is 503, DATA
// for nobody is answered with nobody. Replies are lines joined by \n; "close"
// closes the connection, and so does a last line of 421.
type script struct {
	ehlo   string
	reset  string
	mail   string
	rcpt   map[string]string
	data   string
	nobody string
	dot    string
	piece  int // bytes of a write, 0 for all

	mu    sync.Mutex
	mails []string // ended by a dot: sender, recipients and data as sent
	lines []string // commands
	group []int    // bytes that came by one read
}

// good is a script of consent.
func good(ext string) *script {
	return &script{ehlo: "250-hop\n250 " + ext, reset: "250 ok", mail: "250 ok", data: "354 go on", nobody: "554 5.5.1 no valid recipients", dot: "250 queued"}
}

// dial connects to a goroutine that follows the script; its end is awaited.
func (s *script) dial(t testing.TB) net.Conn {
	ours, theirs := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c := newBuffered(theirs)
		defer c.Close()
		s.serve(c)
	}()
	t.Cleanup(func() { ours.Close(); <-done })
	return lasting{ours}
}

// buffered gives a pipe the room that a socket has: writes do not wait for the
// peer to read, and Close waits until it has read, or has closed.
type buffered struct {
	net.Conn
	out   chan []byte
	empty chan struct{}
}

func newBuffered(c net.Conn) buffered {
	b := buffered{c, make(chan []byte, 1<<12), make(chan struct{})}
	go func() {
		defer close(b.empty)
		for p := range b.out {
			c.Write(p) // a peer that has gone is seen by reading
		}
	}()
	return b
}

func (b buffered) Write(p []byte) (int, error) {
	b.out <- bytes.Clone(p)
	return len(p), nil
}

func (b buffered) Close() error {
	close(b.out)
	<-b.empty
	return b.Conn.Close()
}

// heard counts the bytes of each read.
type heard struct {
	net.Conn
	s *script
}

func (h heard) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	if n > 0 {
		h.s.group = append(h.s.group, n)
	}
	return n, err
}

// session is one connection to a script.
type session struct {
	*script
	c    net.Conn
	r    *bufio.Reader
	out  bytes.Buffer // answers to a group travel together
	from string
	to   []string
}

func (s *script) serve(c net.Conn) {
	k := &session{script: s, c: c, r: bufio.NewReaderSize(heard{c, s}, 64<<10)}
	for ok := k.say("220 hop"); ok; {
		line, err := k.r.ReadString('\n')
		if err != nil {
			return
		}
		ok = k.obey(strings.TrimSuffix(line, "\r\n"))
	}
}

// say gives a reply, or keeps it while more commands are there to be answered.
// It reports whether the connection goes on.
func (k *session) say(reply string) bool {
	if reply != "close" {
		k.out.WriteString(strings.ReplaceAll(reply, "\n", "\r\n") + "\r\n")
	}
	end := reply == "close" || strings.HasPrefix(reply[strings.LastIndex(reply, "\n")+1:], "421")
	if k.r.Buffered() > 0 && !end {
		return true
	}
	for k.out.Len() > 0 {
		n := k.piece
		if n == 0 {
			n = k.out.Len()
		}
		if _, err := k.c.Write(k.out.Next(n)); err != nil {
			return false
		}
	}
	return !end
}

func (k *session) obey(line string) bool {
	k.mu.Lock()
	k.lines = append(k.lines, line)
	k.mu.Unlock()
	reply, verb := k.answer(line), verbIn(line)
	switch {
	case verb == "RSET":
		k.from, k.to = "", nil
	case verb == "MAIL" && strings.HasPrefix(reply, "2"):
		k.from, k.to = line, nil
	case verb == "RCPT" && strings.HasPrefix(reply, "2"):
		k.to = append(k.to, line)
	case verb == "DATA" && strings.HasPrefix(reply, "3"):
		return k.say(reply) && k.take() && k.say(k.dot)
	}
	return k.say(reply)
}

func (k *session) answer(line string) string {
	switch verb := verbIn(line); {
	case verb == "STARTTLS":
		return "220 go"
	case verb == "EHLO":
		return k.ehlo
	case verb == "RSET":
		return k.reset
	case verb == "MAIL":
		return k.mail
	case k.from == "" && (verb == "RCPT" || verb == "DATA"):
		return "503 5.5.1 MAIL first"
	case verb == "RCPT":
		if a, ok := k.rcpt[strings.TrimSuffix(strings.TrimPrefix(line, "RCPT TO:<"), ">")]; ok {
			return a
		}
	case verb == "DATA" && len(k.to) == 0:
		return k.nobody
	case verb == "DATA":
		return k.data
	}
	return "250 ok"
}

// take reads a body to its dot.
func (k *session) take() bool {
	var data strings.Builder
	for {
		line, err := k.r.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		data.WriteString(line)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mails = append(k.mails, strings.Join(append([]string{k.from}, k.to...), "|")+"|"+data.String())
	k.from, k.to = "", nil
	return true
}

// verbs are those of the commands that were heard.
func (s *script) verbs() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, l := range s.lines {
		all = append(all, verbIn(l))
	}
	return strings.Join(all, " ")
}

// outcome is what became of each recipient, by its class: "taken", "refused"
// or "waits".
type outcome map[string]string

// pipe returns a connection of ours to the script, and to others when it has
// to connect again.
func (s *script) pipe(t testing.TB, others ...*script) *connection {
	d := defaultTimes()
	d.command, d.final, d.data, d.quit = 10*time.Second, 10*time.Second, 10*time.Second, time.Second
	all := append([]*script{s}, others...)
	dial := func(context.Context, string, string) (net.Conn, error) {
		if len(all) == 0 {
			return nil, errors.New("nobody there")
		}
		next := all[0]
		all = all[1:]
		return next.dial(t), nil
	}
	c := &connection{hop: Hop{Hello: "gw", TLS: TLSNone, Dial: dial}, times: d, reuse: 1 << 30, clock: time.Now, size: func(int64) {}}
	t.Cleanup(c.abort)
	return c
}

// ours sends a mail by our client.
func ours(t testing.TB, c *connection, v seal.Verified) (outcome, attempt) {
	a := c.send(t.Context(), parcel{v, v.To, owner{}})
	o := outcome{}
	for _, to := range v.To {
		r, _ := a.answer(to)
		o[to] = map[gateway.RecipientState]string{gateway.Taken: "taken", gateway.Refused: "refused", gateway.Pending: "waits"}[r.state()]
	}
	return o, a
}

// peers sends a mail by go-smtp's client, as carefully as it allows.
func peers(c *smtp.Client, from string, to []string, body io.Reader) outcome {
	o := outcome{}
	put := func(err error) {
		for _, a := range to {
			if o[a] == "" {
				o[a] = classOf(err)
			}
		}
	}
	if err := errors.Join(c.Hello("gw"), c.Mail(from, nil)); err != nil {
		put(err)
		return o
	}
	accepted := 0
	for _, a := range to {
		if err := c.Rcpt(a, nil); err != nil {
			o[a] = classOf(err)
			continue
		}
		accepted++
	}
	if accepted == 0 {
		return o
	}
	w, err := c.Data()
	if err == nil {
		if _, err = io.Copy(w, body); err == nil {
			err = w.Close()
		}
	}
	put(err)
	return o
}

func classOf(err error) string {
	var s *smtp.SMTPError
	switch {
	case err == nil:
		return "taken"
	case errors.As(err, &s) && s.Code >= 500:
		return "refused"
	}
	return "waits"
}
