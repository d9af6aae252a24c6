package peertest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
)

// Mail is one mail as a Sink got it.
type Mail struct {
	From string // reverse-path
	To   []string
	Data []byte // lines end in CRLF, stuffed dots are taken out
	TLS  bool
}

// Sink is the mail server of the LGWAN zone: it takes each mail, or answers as
// it is told to. It is safe for concurrent use.
type Sink struct {
	Address string // host:port
	keep    func(Mail) error

	mu      sync.Mutex
	tls     *tls.Config // offers STARTTLS
	listen  net.Listener
	conns   map[net.Conn]bool
	replies map[string]string // to a stage, or to recipients that begin so
	served  sync.WaitGroup
}

// stages are what Answer can be told of beside recipients.
var stages = []string{"greet", "ehlo", "mail", "dot"}

// maxMail bounds a mail in bytes.
const maxMail = 64 << 20

// NewSink returns a sink that does not listen yet. keep gets each mail before it
// is answered with 250, from several connections at once; its error is answered
// with 451.
func NewSink(address string, keep func(Mail) error) *Sink {
	return &Sink{Address: address, keep: keep, conns: map[net.Conn]bool{}, replies: map[string]string{}}
}

// Up starts to listen, for the first time or after Down.
func (s *Sink) Up() error {
	l, err := net.Listen("tcp", s.Address)
	if err != nil {
		return fmt.Errorf("sink: %w", err)
	}
	s.mu.Lock()
	s.listen = l
	s.mu.Unlock()
	s.served.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.served.Go(func() { s.Serve(c) })
		}
	})
	return nil
}

// Down goes down with all connections, as a server that is switched off.
func (s *Sink) Down() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listen != nil {
		s.listen.Close()
		s.listen = nil
	}
	for c := range s.conns {
		c.Close()
	}
}

// Close is Down for good; no connection is served any more when it returns.
func (s *Sink) Close() {
	s.Down()
	s.served.Wait()
}

// OfferTLS offers STARTTLS with these from now on, nil for not at all.
func (s *Sink) OfferTLS(c *tls.Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tls = c
}

func (s *Sink) offered() *tls.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tls
}

// Answer sets the reply to what, "" for the good one again. It is one of the
// stages greet, ehlo, mail and dot, or else the recipients that begin with it,
// of which the longest beginning counts. The reply "hang" takes the mail (dot)
// or the connection (greet) and says nothing.
func (s *Sink) Answer(what, reply string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reply == "" {
		delete(s.replies, what)
		return
	}
	s.replies[what] = reply
}

func (s *Sink) reply(stage, otherwise string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.replies[stage]; ok {
		return r
	}
	return otherwise
}

// toRecipient is the reply to the longest beginning that stands in the table.
func (s *Sink) toRecipient(address string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	best, reply := "", "250 2.1.5 ok"
	for p, r := range maps.All(s.replies) {
		if !slices.Contains(stages, p) && strings.HasPrefix(address, p) && len(p) > len(best) {
			best, reply = p, r
		}
	}
	return reply
}

// dialogue is one connection to the sink.
type dialogue struct {
	s    *Sink
	c    net.Conn
	r    *bufio.Reader
	mail Mail
	tls  bool
}

func (d *dialogue) say(text string) { fmt.Fprintf(d.c, "%s\r\n", text) } // an error shows at the next read

// hang waits until the client goes away.
func (d *dialogue) hang() bool {
	_, _ = io.Copy(io.Discard, d.r)
	return false
}

// Serve is the server's side of RFC 5321 as far as a relay needs it, on a
// connection that it closes.
func (s *Sink) Serve(c net.Conn) {
	s.mu.Lock()
	s.conns[c] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		c.Close()
	}()
	d := &dialogue{s: s, c: c, r: bufio.NewReader(c)}
	greeting := s.reply("greet", "220 lgwan.example.lg.jp ESMTP")
	if greeting == "hang" {
		d.hang()
		return
	}
	d.say(greeting)
	for {
		line, err := d.r.ReadString('\n')
		if err != nil || !d.command(strings.TrimRight(line, "\r\n")) {
			return
		}
	}
}

// command handles one line; false ends the connection.
func (d *dialogue) command(line string) bool {
	verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
	switch verb {
	case "EHLO":
		d.say(d.s.reply("ehlo", d.extensions()))
	case "STARTTLS":
		return d.startTLS()
	case "MAIL":
		d.mail = Mail{From: between(line), TLS: d.tls}
		d.say(d.s.reply("mail", "250 2.1.0 ok"))
	case "RCPT":
		r := d.s.toRecipient(between(line))
		if r[0] == '2' {
			d.mail.To = append(d.mail.To, between(line))
		}
		d.say(r)
	case "DATA":
		if len(d.mail.To) == 0 {
			d.say("503 5.5.1 no recipients")
			return true
		}
		d.say("354 go on")
		return d.data()
	case "RSET":
		d.mail = Mail{}
		d.say("250 2.0.0 ok")
	case "NOOP":
		d.say("250 2.0.0 ok")
	case "QUIT":
		d.say("221 2.0.0 bye")
		return false
	default:
		d.say("500 5.5.2 what?")
	}
	return true
}

func (d *dialogue) extensions() string {
	offer := "250-lgwan.example.lg.jp\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n"
	if d.s.offered() != nil && !d.tls {
		offer += "250-STARTTLS\r\n"
	}
	return offer + "250 SIZE 52428800"
}

func (d *dialogue) startTLS() bool {
	if d.s.offered() == nil || d.tls {
		d.say("502 5.5.1 not here")
		return true
	}
	d.say("220 2.0.0 go on")
	c := tls.Server(d.c, d.s.offered())
	if err := c.Handshake(); err != nil {
		return false
	}
	d.c, d.r, d.tls = c, bufio.NewReader(c), true
	return true
}

// data takes one mail; false ends the connection.
func (d *dialogue) data() bool {
	var err error
	if d.mail.Data, err = undot(d.r); err != nil {
		return false
	}
	mail := d.mail
	d.mail = Mail{}
	r := d.s.reply("dot", "250 2.0.0 kept")
	if r[0] != '2' && r != "hang" {
		d.say(r)
		return true
	}
	if err := d.s.keep(mail); err != nil {
		d.say("451 4.3.0 " + err.Error())
		return true
	}
	if r == "hang" {
		return d.hang()
	}
	d.say(r)
	return true
}

// undot reads until the final dot (RFC 5321 §4.5.2).
func undot(r *bufio.Reader) ([]byte, error) {
	var b bytes.Buffer
	for b.Len() < maxMail {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, err
		}
		if !strings.HasSuffix(line, "\r\n") {
			return nil, errors.New("a line ends in LF alone")
		}
		if line == ".\r\n" {
			return b.Bytes(), nil
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
	return nil, io.ErrShortBuffer
}

// between is the address between < and >.
func between(line string) string {
	_, rest, _ := strings.Cut(line, "<")
	address, _, _ := strings.Cut(rest, ">")
	return address
}
