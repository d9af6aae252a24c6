// Package intake takes mail in by SMTP (RFC 5321) and answers 250 only after
// the original is encrypted on disk and its row and record are committed.
//
// go-smtp speaks the dialogue, but never reads from the network. Between the
// two stands a guard, above TLS: it reads one command at a time, checks its
// syntax, and hands it on written anew; whatever is not on its list of verbs it
// answers itself. A mail's bytes do not pass go-smtp at all: the guard's body
// reader knows DATA (RFC 5321 §4.1.1.4) and BDAT (RFC 3030) and accepts only
// CRLF line ends. What could be read in two ways, and every read error, ends
// the connection, so no byte of a mail can ever be taken for a command.
//
// A recipient is accepted only if Config.Recipients says so; there is no relay.
// docs/adr/0003-smtp-library-and-guard.md has the reasons.
package intake

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/time/rate"

	"sekisho/gateway"
)

// Verdict is what a table of recipients says of an address.
type Verdict uint8

// The verdicts. The zero value promises nothing.
const (
	TryLater Verdict = iota // 451 4.3.0: not known at present
	Accept                  // 250
	Unknown                 // 550 5.1.1
)

// Recipients says whether an address is one of ours. Check may wait, but not
// for longer than ctx lets it.
type Recipients interface {
	Check(ctx context.Context, address string) Verdict
}

// Limits bound what one client and all clients may ask for. A zero field has
// the default that its comment names.
type Limits struct {
	MessageBytes         int64         // octets of a mail, without dot-stuffing; 50 MiB
	Recipients           int           // of one mail, RFC 5321 §4.5.3.1.8; 100
	Connections          int           // at once, of all clients; 200
	ConnectionsPerClient int           // at once, of one IPv4 address or IPv6 /64; 20
	MailsPerMinute       int           // MAIL commands of one client, in bursts of as many; 300
	BadRecipients        int           // refused RCPT commands of a connection before 421; 20
	Errors               int           // refused commands of a connection before 421; 20
	Idle                 time.Duration // wait for a whole command, or for the next bytes of a mail; 5 min
	Upload               time.Duration // time for a mail, plus one second for each KiB received; 10 min
	CommandLine          int           // octets of a command with its CRLF; 1024, at most 32 KiB
}

// Metrics are called as things happen; they MUST NOT block. Nil fields are
// left out.
type Metrics struct {
	Accepted    func(bytes int64)
	Rejected    func(reason string) // one of the Reasons
	Connections func(change int)    // +1, -1
}

// Config is what a Server needs.
type Config struct {
	Host       string      // our name in the greeting and in answers to EHLO
	TLS        *tls.Config // nil: STARTTLS is not offered
	RequireTLS bool        // MAIL only after STARTTLS

	Networks   []netip.Prefix        // of the allowed clients; empty: loopback only
	Forbidden  func(netip.Addr) bool // networks of the third zone (DECISIONS 24): refused and recorded
	Recipients Recipients
	UTF8       func(context.Context) Verdict // whether addresses beyond ASCII can be handed on (UTF8Hop.Check); nil: refused
	Postmaster string                        // always a recipient, also as <postmaster> without a domain; "": none
	Limits     Limits

	Ledger    gateway.Ledger
	Originals gateway.Blobs
	Scribe    gateway.Scribe
	Location  *time.Location // of receipt numbers; nil: UTC

	// Pressure is asked at MAIL and before each commit. gateway.ErrFull is
	// answered with 452, another error with 451. Nil: never.
	Pressure func(ctx context.Context) error
	Accepted func(gateway.Message) // a hint after each commit; MUST NOT block
	Metrics  Metrics
	Log      *slog.Logger // nil: discarded
}

// ErrConfig means that a Config cannot work.
var ErrConfig = errors.New("intake: bad configuration")

// lastWait is how long Shutdown waits for commits under way after its context
// ended.
const lastWait = 5 * time.Second

// Server receives mail.
type Server struct {
	cfg     Config
	smtp    *smtp.Server
	rates   *cache[*rate.Limiter]
	records *rate.Limiter // of refusals and zone attempts

	closing atomic.Bool
	ctx     context.Context // of storage work; ends when Shutdown gives up
	cancel  context.CancelFunc

	mu        sync.Mutex
	listeners []net.Listener
	guards    map[*guard]bool
	perClient map[netip.Prefix]int
	idle      chan struct{} // closed and made anew whenever guards becomes empty
	ended     bool          // no more notes
	notes     sync.WaitGroup
}

// New returns a Server. It fails with ErrConfig when a part is missing or a
// limit is out of range.
func New(c Config) (*Server, error) {
	switch {
	case c.Ledger == nil || c.Originals == nil || c.Recipients == nil:
		return nil, fmt.Errorf("%w: ledger, originals and recipients are needed", ErrConfig)
	case c.Scribe.Clock == nil || c.Scribe.Random == nil:
		return nil, fmt.Errorf("%w: a scribe needs a clock and randomness", ErrConfig)
	case c.RequireTLS && c.TLS == nil:
		return nil, fmt.Errorf("%w: TLS is required but there is no certificate", ErrConfig)
	case !helloName(c.Host):
		return nil, fmt.Errorf("%w: host %q", ErrConfig, c.Host)
	case c.Postmaster != "" && gateway.CheckAddress(c.Postmaster, false) != nil:
		return nil, fmt.Errorf("%w: postmaster %q", ErrConfig, c.Postmaster)
	}
	var err error
	if c.Limits, err = c.Limits.defaults(); err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Location == nil {
		c.Location = time.UTC
	}
	if len(c.Networks) == 0 {
		c.Networks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	s := &Server{
		cfg:     c,
		rates:   newCache[*rate.Limiter](clientsRemembered),
		records: rate.NewLimiter(rate.Every(recordEvery), recordBurst),
		guards:  map[*guard]bool{}, perClient: map[netip.Prefix]int{},
		idle: make(chan struct{}),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.smtp = s.dialogue()
	return s, nil
}

// dialogue sets up go-smtp. It has no TLS configuration and no time limits: the
// guard sees to both.
func (s *Server) dialogue() *smtp.Server {
	d := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		g, ok := c.Conn().(*guard)
		if !ok {
			return nil, internal // not one of ours: nothing is accepted
		}
		return g.session, nil
	}))
	d.Domain = s.cfg.Host
	d.MaxMessageBytes = s.cfg.Limits.MessageBytes
	d.MaxRecipients = s.cfg.Limits.Recipients
	d.MaxLineLength = bufferSize
	d.EnableSMTPUTF8 = true
	d.ErrorLog = slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelWarn)
	return d
}

// defaults fills in what is zero and checks the rest.
func (l Limits) defaults() (Limits, error) {
	for _, f := range []struct {
		n     *int
		value int
	}{
		{&l.Recipients, 100}, {&l.Connections, 200}, {&l.ConnectionsPerClient, 20}, {&l.MailsPerMinute, 300},
		{&l.BadRecipients, 20}, {&l.Errors, 20}, {&l.CommandLine, 1024},
	} {
		if *f.n == 0 {
			*f.n = f.value
		}
		if *f.n < 0 {
			return l, fmt.Errorf("%w: a limit is negative", ErrConfig)
		}
	}
	if l.MessageBytes == 0 {
		l.MessageBytes = 50 << 20
	}
	if l.Idle == 0 {
		l.Idle = 5 * time.Minute
	}
	if l.Upload == 0 {
		l.Upload = 10 * time.Minute
	}
	if l.MessageBytes < 0 || l.Idle < 0 || l.Upload < 0 {
		return l, fmt.Errorf("%w: a limit is negative", ErrConfig)
	}
	// RFC 5321 §4.5.3.1.4 asks for 512 octets at least.
	if l.CommandLine < 512 || l.CommandLine > bufferSize {
		return l, fmt.Errorf("%w: a command line holds 512 to %d octets", ErrConfig, bufferSize)
	}
	return l, nil
}

// Serve takes connections from l, which it owns, until Shutdown; it then
// returns nil. It may run for several listeners at once.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	s.listeners = append(s.listeners, l)
	late := s.closing.Load()
	s.mu.Unlock()
	if late {
		return l.Close()
	}
	if err := s.smtp.Serve(&listener{Listener: l, s: s}); err != nil && !s.closing.Load() {
		return fmt.Errorf("accept SMTP connections: %w", err)
	}
	return nil
}

// Shutdown closes the listeners, tells sessions between commands 421, lets
// mails under way finish until ctx ends, and then cuts them off. When it
// returns nil nothing uses the stores any more; otherwise the error is ctx's.
// go-smtp's own Shutdown would wait for idle clients.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closing.Store(true)
	open := s.listeners
	s.listeners = nil
	s.mu.Unlock()
	for _, l := range open {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			s.cfg.Log.Warn("close a listener", "error", err)
		}
	}
	s.each((*guard).nudge)
	err := s.wait(ctx)
	if err != nil {
		s.cancel()
		s.each((*guard).cut)
		late, stop := context.WithTimeout(context.WithoutCancel(ctx), lastWait)
		defer stop()
		s.wait(late) // the error of ctx is what counts
	}
	s.cancel()
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.notes.Wait()
	return err
}

// each calls f for every connection.
func (s *Server) each(f func(*guard)) {
	s.mu.Lock()
	all := make([]*guard, 0, len(s.guards))
	for g := range s.guards {
		all = append(all, g)
	}
	s.mu.Unlock()
	for _, g := range all {
		f(g)
	}
}

// wait returns when no connection is left, or ctx's error.
func (s *Server) wait(ctx context.Context) error {
	for {
		s.mu.Lock()
		n, idle := len(s.guards), s.idle
		s.mu.Unlock()
		if n == 0 {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
