package realtest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
)

// sink is the mail server of the LGWAN zone. It remembers of each mail what
// tells two of them apart, and answers as it is told to.
type sink struct {
	t       *testing.T
	address string

	mu      sync.Mutex
	tls     *tls.Config // offers STARTTLS
	listen  net.Listener
	conns   map[net.Conn]bool
	mails   map[string][]received // by Message-ID
	total   int
	reports int               // different mails to the postmaster
	replies map[string]string // to "greet", "mail", "dot", or to recipients that begin so
	served  sync.WaitGroup
}

// received is one mail that the sink has said 250 to.
type received struct {
	from    string
	to      []string
	sum     [sha256.Size]byte
	subject string
	result  string // X-Sekisho-Result
	tls     bool
	body    []byte // of our own mails only
}

// newSink makes a mail server and starts it.
func newSink(t *testing.T, host string) *sink {
	t.Helper()
	s := &sink{t: t, address: freeAddress(t, host), conns: map[net.Conn]bool{}, mails: map[string][]received{}, replies: map[string]string{}}
	s.up()
	t.Cleanup(func() {
		s.down()
		s.served.Wait()
	})
	return s
}

// up starts to listen.
func (s *sink) up() {
	s.t.Helper()
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
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
			s.mu.Lock()
			s.conns[c] = true
			s.mu.Unlock()
			s.served.Go(func() { s.talk(c) })
		}
	})
}

// down goes down with all connections, as a server that is switched off.
func (s *sink) down() {
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

// offerTLS offers STARTTLS with these from now on, nil for not at all.
func (s *sink) offerTLS(c *tls.Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tls = c
}

func (s *sink) offered() *tls.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tls
}

// answer sets the reply to what, "" for the good one. "hang" for the dot means:
// take the mail and say nothing; "hang" for "greet": accept and say nothing.
func (s *sink) answer(what, reply string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies[what] = reply
}

func (s *sink) reply(what, otherwise string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.replies[what]; r != "" {
		return r
	}
	return otherwise
}

// toRecipient is the reply to the longest prefix that stands in the table.
func (s *sink) toRecipient(address string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	best, reply := "", "250 2.1.5 ok"
	for p, r := range s.replies {
		if r != "" && strings.HasPrefix(address, p) && len(p) > len(best) {
			best, reply = p, r
		}
	}
	return reply
}

// copies returns what came with a Message-ID.
func (s *sink) copies(id string) []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails[id])
}

// ids returns the Message-IDs of all that came.
func (s *sink) ids() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for id := range s.mails {
		ids = append(ids, id)
	}
	return ids
}

// have is how many mails came, and how many different ones.
func (s *sink) have() (total, different int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total, len(s.mails)
}

// ended is how many different mails came that end the way of a mail: it, or the
// mail that tells of its being held.
func (s *sink) ended() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.mails) - s.reports
}

// own returns the gateway's own mails to an address, each once.
func (s *sink) own(to string) []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []received
	for _, ms := range s.mails {
		if ms[0].from == "" && slices.Contains(ms[0].to, to) {
			out = append(out, ms[0])
		}
	}
	return out
}

// dialogue is one connection to the sink.
type dialogue struct {
	s    *sink
	c    net.Conn
	r    *bufio.Reader
	tls  bool
	mail received
}

func (d *dialogue) say(text string) { fmt.Fprintf(d.c, "%s\r\n", text) }

// talk is the server's side of RFC 5321 as far as a relay needs it.
func (s *sink) talk(c net.Conn) {
	d := &dialogue{s: s, c: c, r: bufio.NewReader(c)}
	defer func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		c.Close()
	}()
	greeting := s.reply("greet", "220 lgwan.example.lg.jp ESMTP")
	if greeting == "hang" {
		_, _ = io.Copy(io.Discard, d.r) // until the client goes away
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
		d.say("250-lgwan.example.lg.jp\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES")
		if d.s.offered() != nil && !d.tls {
			d.say("250-STARTTLS")
		}
		d.say("250 SIZE 52428800")
	case "STARTTLS":
		return d.startTLS()
	case "MAIL":
		d.mail = received{from: between(line)}
		d.say(d.s.reply("mail", "250 2.1.0 ok"))
	case "RCPT":
		r := d.s.toRecipient(between(line))
		if r[0] == '2' {
			d.mail.to = append(d.mail.to, between(line))
		}
		d.say(r)
	case "DATA":
		if len(d.mail.to) == 0 {
			d.say("503 5.5.1 no recipients")
			return true
		}
		d.say("354 go on")
		return d.data()
	case "RSET", "NOOP":
		d.mail = received{}
		d.say("250 2.0.0 ok")
	case "QUIT":
		d.say("221 2.0.0 bye")
		return false
	default:
		d.say("500 5.5.2 what?")
	}
	return true
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
	body, err := undot(d.r)
	if err != nil {
		return false
	}
	r := d.s.reply("dot", "250 2.0.0 kept")
	if r[0] != '2' && r != "hang" {
		d.say(r)
		return true
	}
	if err := d.keep(body); err != nil {
		d.s.t.Errorf("the sink got a mail that is none: %v", err)
		d.say("554 5.6.0 no mail")
		return true
	}
	if r == "hang" {
		_, _ = io.Copy(io.Discard, d.r) // until the client goes away
		return false
	}
	d.say(r)
	return true
}

// keep remembers a mail before it is answered.
func (d *dialogue) keep(body []byte) error {
	m, err := mail.ReadMessage(bytes.NewReader(body))
	if err != nil {
		return err
	}
	id := m.Header.Get("Message-Id")
	if id == "" {
		return errors.New("no Message-ID")
	}
	one := d.mail
	one.sum, one.tls, one.subject, one.result = sha256.Sum256(body), d.tls, m.Header.Get("Subject"), m.Header.Get("X-Sekisho-Result")
	if one.from == "" {
		one.body = body
	}
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	if len(d.s.mails[id]) == 0 && slices.Contains(one.to, postmaster) {
		d.s.reports++
	}
	d.s.mails[id] = append(d.s.mails[id], one)
	d.s.total++
	d.mail = received{}
	return nil
}

// undot reads until the final dot (RFC 5321 §4.5.2).
func undot(r *bufio.Reader) ([]byte, error) {
	var b bytes.Buffer
	for b.Len() < 64<<20 {
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
