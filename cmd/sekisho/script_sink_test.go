package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// sink is the mail server of the LGWAN zone: it takes what it is told to take
// and keeps each mail as mail/NAME-N.eml, where NAME is the local part of the
// first recipient, since deliveries run side by side. NAME-N.env holds the
// envelope.
type sink struct {
	address string
	dir     string

	mu      sync.Mutex
	listen  net.Listener
	conns   map[net.Conn]bool
	replies map[string]string // by recipient, or "ehlo", "mail", "data", "dot"
	count   map[string]int
	total   int
	changed chan struct{} // closed and replaced with each mail
}

func newSink(address, dir string) *sink {
	return &sink{address: address, dir: dir, conns: map[net.Conn]bool{}, replies: map[string]string{}, count: map[string]int{}, changed: make(chan struct{})}
}

// sinkCommand handles sink start, sink stop, sink reply WHAT [CODE TEXT…] and
// sink wait N [NAME].
func sinkCommand(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) == 0, "sink start|stop|reply|wait")
	s := worldOf(ts).sink
	switch {
	case args[0] == "start":
		ts.Check(s.start())
	case args[0] == "stop":
		s.close()
	case args[0] == "reply" && len(args) >= 2:
		s.mu.Lock()
		s.replies[args[1]] = strings.Join(args[2:], " ")
		s.mu.Unlock()
	case args[0] == "wait" && len(args) >= 2:
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		ts.Check(s.wait(n, args[2:]))
	default:
		ts.Fatalf("sink %v: no such command", args)
	}
}

func (s *sink) start() error {
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listen = l
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[c] = true
			s.mu.Unlock()
			go s.talk(c)
		}
	}()
	return nil
}

// close goes down with all connections, as a server that is switched off.
func (s *sink) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listen != nil {
		s.listen.Close()
		s.listen = nil
	}
	for c := range s.conns {
		c.Close()
	}
	clear(s.conns)
}

// have is how many mails came for a name.
func (s *sink) have(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count[name]
}

// wait waits until n mails have come, in all or for one name.
func (s *sink) wait(n int, name []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		s.mu.Lock()
		have, changed := s.total, s.changed
		if len(name) > 0 {
			have = s.count[name[0]]
		}
		s.mu.Unlock()
		if have >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d mails came %v", have, n, name)
		}
	}
}

func (s *sink) reply(what, otherwise string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.replies[what]; r != "" {
		return r
	}
	return otherwise
}

// envelope is what NAME-N.env holds.
type envelope struct {
	From string   `json:"from"`
	To   []string `json:"to"`
}

// talk is the server's side of RFC 5321 as far as a relay needs it.
func (s *sink) talk(c net.Conn) {
	defer func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		c.Close()
	}()
	r := bufio.NewReader(c)
	say := func(text string) { fmt.Fprintf(c, "%s\r\n", text) }
	say("220 lgwan.example.lg.jp ESMTP")
	var e envelope
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		switch verb {
		case "EHLO":
			say(s.reply("ehlo", "250-lgwan.example.lg.jp\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 52428800"))
		case "MAIL":
			e = envelope{From: path(line)}
			say(s.reply("mail", "250 2.1.0 ok"))
		case "RCPT":
			answer := s.reply(path(line), "250 2.1.5 ok")
			if answer[0] == '2' {
				e.To = append(e.To, path(line))
			}
			say(answer)
		case "DATA":
			if len(e.To) == 0 {
				say("503 5.5.1 no recipients")
				continue
			}
			say("354 go on")
			if !s.data(r, e, say) {
				return
			}
			e = envelope{}
		case "RSET":
			e = envelope{}
			say("250 2.0.0 ok")
		case "NOOP":
			say("250 2.0.0 ok")
		case "QUIT":
			say("221 2.0.0 bye")
			return
		default:
			say("500 5.5.2 what?")
		}
	}
}

// data takes one mail; false ends the connection. The reply "hang" for "dot"
// means: keep the mail and say nothing, as a server that dies at that moment.
func (s *sink) data(r *bufio.Reader, e envelope, say func(string)) bool {
	body, err := undot(r)
	if err != nil {
		return false
	}
	answer := s.reply("dot", "250 2.0.0 kept")
	if answer[0] != '2' && answer != "hang" {
		say(answer)
		return true
	}
	if err := s.keep(e, body); err != nil {
		say("451 4.3.0 " + err.Error())
		return true
	}
	if answer == "hang" {
		_, _ = io.Copy(io.Discard, r) // until the client goes away
		return false
	}
	say(answer)
	return true
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

func (s *sink) keep(e envelope, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, _, _ := strings.Cut(e.To[0], "@")
	env, err := json.Marshal(e)
	if err != nil {
		return err
	}
	at := filepath.Join(s.dir, fmt.Sprintf("%s-%d", name, s.count[name]+1))
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	if err := errors.Join(os.WriteFile(at+".eml", body, 0o644), os.WriteFile(at+".env", append(env, '\n'), 0o644)); err != nil {
		return err
	}
	s.count[name]++
	s.total++
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}

// path is the address between < and >.
func path(line string) string {
	_, rest, _ := strings.Cut(line, "<")
	address, _, _ := strings.Cut(rest, ">")
	return address
}
