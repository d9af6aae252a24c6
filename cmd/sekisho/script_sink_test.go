package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"sekisho/gateway/peertest"
)

// sink is the mail server of the LGWAN zone: it takes what it is told to take
// and keeps each mail as mail/NAME-N.eml, where NAME is the local part of the
// first recipient, since deliveries run side by side. NAME-N.env holds the
// envelope.
type sink struct {
	*peertest.Sink
	dir string

	mu      sync.Mutex
	count   map[string]int
	total   int
	changed chan struct{} // closed and replaced with each mail
}

func newSink(address, dir string) *sink {
	s := &sink{dir: dir, count: map[string]int{}, changed: make(chan struct{})}
	s.Sink = peertest.NewSink(address, s.keep)
	return s
}

// sinkCommand handles sink start, sink stop, sink reply WHAT [CODE TEXT…] and
// sink wait N [NAME].
func sinkCommand(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) == 0, "sink start|stop|reply|wait")
	s := worldOf(ts).sink
	switch {
	case args[0] == "start":
		ts.Check(s.Up())
	case args[0] == "stop":
		s.Down()
	case args[0] == "reply" && len(args) >= 2:
		s.Answer(args[1], strings.Join(args[2:], " "))
	case args[0] == "wait" && len(args) >= 2:
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		ts.Check(s.wait(n, args[2:]))
	default:
		ts.Fatalf("sink %v: no such command", args)
	}
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

// envelope is what NAME-N.env holds.
type envelope struct {
	From string   `json:"from"`
	To   []string `json:"to"`
}

// keep writes a mail before it is answered.
func (s *sink) keep(m peertest.Mail) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, _, _ := strings.Cut(m.To[0], "@")
	env, err := json.Marshal(envelope{m.From, m.To})
	if err != nil {
		return err
	}
	at := filepath.Join(s.dir, fmt.Sprintf("%s-%d", name, s.count[name]+1))
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	if err := errors.Join(os.WriteFile(at+".eml", m.Data, 0o644), os.WriteFile(at+".env", append(env, '\n'), 0o644)); err != nil {
		return err
	}
	s.count[name]++
	s.total++
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}
