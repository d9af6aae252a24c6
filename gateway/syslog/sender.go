package syslog

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Config configures a Sender.
type Config struct {
	Address string      // host and port; 6514 is the usual one (RFC 5425 section 4.1)
	TLS     *tls.Config // with ServerName; nil is refused. TLS 1.2 is the least.
	// Dial connects; it is the zone guard's (DECISIONS 24).
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	Queue   int           // messages that may wait; 0 is 1024
	Timeout time.Duration // for a connection and for a message; 0 is 10 s
	Backoff time.Duration // before the first new attempt, doubled up to 5 minutes; 0 is 1 s

	// Sent is told of each message that was handed over, and Failed of each
	// attempt that failed, with the message that waits for it. They are called
	// from Run, one at a time, and may be nil.
	Sent   func(Message)
	Failed func(Message, error)
}

// Sender sends messages in order. Send may be called by several goroutines.
type Sender struct {
	cfg     Config
	wake    chan struct{}
	mu      sync.Mutex
	queue   []Message
	dropped uint64

	conn net.Conn
	gone chan struct{} // closed when the server ends the connection
}

const maxBackoff = 5 * time.Minute

// New checks the configuration and returns a Sender, which does nothing until Run.
func New(c Config) (*Sender, error) {
	if c.TLS == nil || c.TLS.ServerName == "" || c.TLS.InsecureSkipVerify {
		return nil, errors.New("syslog: a server is used only with a certificate that is checked")
	}
	if c.Dial == nil || c.Address == "" {
		return nil, errors.New("syslog: address or dialer missing")
	}
	c.TLS = c.TLS.Clone()
	c.TLS.MinVersion = max(c.TLS.MinVersion, tls.VersionTLS12)
	if c.Queue <= 0 {
		c.Queue = 1024
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Backoff <= 0 {
		c.Backoff = time.Second
	}
	return &Sender{cfg: c, wake: make(chan struct{}, 1)}, nil
}

// Send queues a message and returns at once. When too many wait, the oldest is
// given up.
func (s *Sender) Send(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == s.cfg.Queue {
		s.queue = s.queue[1:]
		s.dropped++
	}
	s.queue = append(s.queue, m)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Waiting returns how many messages wait, and how many were given up.
func (s *Sender) Waiting() (waiting int, dropped uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue), s.dropped
}

// Run sends until ctx ends. What waits then is tried once more, for as long as
// one message may take.
func (s *Sender) Run(ctx context.Context) {
	defer s.hangUp()
	delay := s.cfg.Backoff
	for {
		wait, retry := s.wake, (<-chan time.Time)(nil)
		var timer *time.Timer
		if m, ok := s.head(); ok {
			err := s.try(ctx, m)
			if err == nil {
				delay = s.cfg.Backoff
				continue
			}
			if ctx.Err() == nil {
				s.failed(m, err)
				timer = time.NewTimer(delay)
				wait, retry = nil, timer.C
				delay = min(2*delay, maxBackoff)
			}
		}
		select {
		case <-ctx.Done():
			s.last(ctx)
			return
		case <-wait:
		case <-retry:
		}
		if timer != nil {
			timer.Stop()
		}
	}
}

// last tries what waits after the end.
func (s *Sender) last(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Timeout)
	defer cancel()
	for {
		m, ok := s.head()
		if !ok {
			return
		}
		if err := s.try(ctx, m); err != nil {
			s.failed(m, err)
			return
		}
	}
}

func (s *Sender) failed(m Message, err error) {
	if s.cfg.Failed != nil {
		s.cfg.Failed(m, err)
	}
}

// head returns the message that is next.
func (s *Sender) head() (Message, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return Message{}, false
	}
	return s.queue[0], true
}

// try sends the message at the head and takes it from the queue. While it was
// sent, it may have been given up; then another one is at the head.
func (s *Sender) try(ctx context.Context, m Message) error {
	s.mu.Lock()
	before := s.dropped
	s.mu.Unlock()
	if err := s.send(ctx, m); err != nil {
		s.hangUp()
		return err
	}
	s.mu.Lock()
	if s.dropped == before && len(s.queue) > 0 {
		s.queue = s.queue[1:]
	}
	s.mu.Unlock()
	if s.cfg.Sent != nil {
		s.cfg.Sent(m)
	}
	return nil
}

// send writes a message to a living connection.
func (s *Sender) send(ctx context.Context, m Message) error {
	if s.conn != nil {
		select {
		case <-s.gone: // ended while nothing was to be said
			s.hangUp()
		default:
		}
	}
	if s.conn == nil {
		if err := s.connect(ctx); err != nil {
			return fmt.Errorf("connect to the syslog server: %w", err)
		}
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(s.cfg.Timeout)); err != nil {
		return fmt.Errorf("send to the syslog server: %w", err)
	}
	if _, err := s.conn.Write(frame(m.Format())); err != nil {
		return fmt.Errorf("send to the syslog server: %w", err)
	}
	return nil
}

// connect makes the connection and watches for its end: a server says nothing, so
// whatever can be read is that end.
// spec: rfc5425#5.1
func (s *Sender) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	raw, err := s.cfg.Dial(ctx, "tcp", s.cfg.Address)
	if err != nil {
		return err
	}
	c := tls.Client(raw, s.cfg.TLS)
	if err := c.HandshakeContext(ctx); err != nil {
		return errors.Join(err, raw.Close())
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		io.CopyN(io.Discard, c, 1)
	}()
	s.conn, s.gone = c, gone
	return nil
}

// hangUp ends the connection and what watches it.
func (s *Sender) hangUp() {
	if s.conn == nil {
		return
	}
	s.conn.SetWriteDeadline(time.Now().Add(time.Second)) // for the goodbye of TLS
	s.conn.Close()
	<-s.gone
	s.conn, s.gone = nil, nil
}
