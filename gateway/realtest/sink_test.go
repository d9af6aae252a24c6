package realtest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"net/mail"
	"slices"
	"sync"
	"testing"

	"sekisho/gateway/peertest"
)

// sink is the mail server of the LGWAN zone. It remembers of each mail what
// tells two of them apart.
type sink struct {
	*peertest.Sink
	t *testing.T

	mu      sync.Mutex
	mails   map[string][]received // by Message-ID
	total   int
	reports int // different mails to the postmaster
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
	s := &sink{t: t, mails: map[string][]received{}}
	s.Sink = peertest.NewSink(peertest.Free(t, host), s.keep)
	s.up()
	t.Cleanup(s.Close)
	return s
}

// up starts to listen.
func (s *sink) up() {
	s.t.Helper()
	if err := s.Up(); err != nil {
		s.t.Fatal(err)
	}
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

// keep remembers a mail before it is answered.
func (s *sink) keep(got peertest.Mail) error {
	m, err := mail.ReadMessage(bytes.NewReader(got.Data))
	if err == nil && m.Header.Get("Message-Id") == "" {
		err = errors.New("no Message-ID")
	}
	if err != nil {
		s.t.Errorf("the sink got a mail that is none: %v", err)
		return err
	}
	id := m.Header.Get("Message-Id")
	one := received{from: got.From, to: got.To, sum: sha256.Sum256(got.Data), tls: got.TLS, subject: m.Header.Get("Subject"), result: m.Header.Get("X-Sekisho-Result")}
	if one.from == "" {
		one.body = got.Data
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mails[id]) == 0 && slices.Contains(one.to, postmaster) {
		s.reports++
	}
	s.mails[id] = append(s.mails[id], one)
	s.total++
	return nil
}
