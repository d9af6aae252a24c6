package faulttest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"strings"
	"sync"
)

// sink is the LGWAN mail server: it takes every mail, but for those to
// recipients that it answers otherwise.
type sink struct {
	answer func(to string) string // to RCPT; nil or "" is 250

	mu    sync.Mutex
	mails []arrival
	texts []string // of the same
}

// arrival is one mail as the sink took it.
type arrival struct {
	to  string // forward-paths, separated by spaces
	sum [32]byte
}

// clone is the sink as it stands now.
func (s *sink) clone() *sink { return &sink{mails: s.all()} }

func (s *sink) all() []arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]arrival(nil), s.mails...)
}

// dial connects to the sink.
func (s *sink) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go s.serve(theirs)
	return ours, nil
}

// serve speaks just enough SMTP, one command at a time.
func (s *sink) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	say := func(line string) { fmt.Fprintf(c, "%s\r\n", line) }
	var to []string
	for say("220 sink"); ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		switch verb, rest, _ := strings.Cut(strings.TrimSpace(line), " "); strings.ToUpper(verb) {
		case "RCPT":
			a := strings.Trim(strings.TrimPrefix(rest, "TO:"), "<>")
			if reply := s.reply(a); reply != "" {
				say(reply)
				continue
			}
			to = append(to, a)
			say("250 ok")
		case "DATA":
			say("354 go on")
			body, err := readBody(r)
			if err != nil {
				return
			}
			s.take(to, body)
			to = nil
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (s *sink) reply(to string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answer == nil {
		return ""
	}
	return s.answer(to)
}

// says has the sink answer otherwise from now on; nil for taking all.
func (s *sink) says(f func(to string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = f
}

func (s *sink) take(to []string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = append(s.mails, arrival{strings.Join(to, " "), sha256.Sum256(body)})
	s.texts = append(s.texts, string(body))
}

// readBody reads a mail up to its final dot and takes the dots out again.
func readBody(r *bufio.Reader) ([]byte, error) {
	var b bytes.Buffer
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, err
		}
		if line == ".\r\n" {
			return b.Bytes(), nil
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
}
