package faulttest

import (
	"context"
	"crypto/sha256"
	"net"
	"strings"
	"sync"

	"sekisho/gateway/peertest"
)

// sink is the LGWAN mail server, at the other end of a pipe.
type sink struct {
	once   sync.Once
	server *peertest.Sink

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

// peer is the server itself, which takes every mail unless it is told otherwise.
func (s *sink) peer() *peertest.Sink {
	s.once.Do(func() { s.server = peertest.NewSink("", s.take) })
	return s.server
}

// dial connects to the sink.
func (s *sink) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go s.peer().Serve(theirs)
	return ours, nil
}

func (s *sink) take(m peertest.Mail) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = append(s.mails, arrival{strings.Join(m.To, " "), sha256.Sum256(m.Data)})
	s.texts = append(s.texts, string(m.Data))
	return nil
}
