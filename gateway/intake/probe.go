package intake

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"sekisho/gateway"
)

// How long a Probe trusts what it heard, and how much it remembers.
const (
	probeKnown      = time.Hour
	probeUnknown    = 10 * time.Minute
	probeFailed     = 30 * time.Second
	probeTime       = 30 * time.Second // for one probe
	probesAtOnce    = 4
	probeRemembered = 20000 // addresses
)

// errNoUTF8 means that the next hop cannot take an address beyond ASCII.
var errNoUTF8 = errors.New("the next hop does not know SMTPUTF8")

// ProbeConfig is what a Probe needs.
type ProbeConfig struct {
	// Domains are ours. The next hop trusts us, so it would take mail for any
	// address in the world: it MUST NOT be asked about others.
	Domains []string
	Dial    func(ctx context.Context) (net.Conn, error) // to the next hop
	Host    string                                      // our name for EHLO
	TLS     *tls.Config                                 // not nil: STARTTLS is needed
	Clock   func() time.Time                            // nil: time.Now
	Log     *slog.Logger                                // nil: discarded
}

// Probe asks the next hop about recipients, with MAIL FROM:<> and RCPT and no
// mail (DECISIONS 13). It remembers a yes for an hour and a no for ten minutes;
// when the next hop gives no clear answer it says TryLater. It is safe for
// concurrent use.
type Probe struct {
	c       ProbeConfig
	domains map[string]bool
	cache   *cache[*probed]
	slots   chan struct{}
}

// probed is what is known of one address, or of the next hop. The token is held by who asks.
type probed struct {
	token   chan struct{}
	verdict Verdict
	until   time.Time
}

// NewProbe returns a Probe; it fails with ErrConfig when a part is missing.
func NewProbe(c ProbeConfig) (*Probe, error) {
	if c.Dial == nil || !helloName(c.Host) || len(c.Domains) == 0 {
		return nil, fmt.Errorf("%w: a probe needs domains, a dialer and a name", ErrConfig)
	}
	p := &Probe{c: c, domains: map[string]bool{}, cache: newCache[*probed](probeRemembered), slots: make(chan struct{}, probesAtOnce)}
	for _, d := range c.Domains {
		if gateway.CheckAddress("any@"+d, true) != nil {
			return nil, fmt.Errorf("%w: domain %q", ErrConfig, d)
		}
		p.domains[strings.ToLower(d)] = true
	}
	if p.c.Clock == nil {
		p.c.Clock = time.Now
	}
	if p.c.Log == nil {
		p.c.Log = slog.New(slog.DiscardHandler)
	}
	return p, nil
}

// Check implements Recipients.
func (p *Probe) Check(ctx context.Context, address string) Verdict {
	address = strings.ToLower(address)
	local, domain, _ := strings.Cut(address, "@")
	if gateway.CheckAddress(address, true) != nil || !p.domains[domain] {
		return Unknown
	}
	if local == "postmaster" {
		return Accept
	}
	e := p.cache.get(address, func() *probed { return &probed{token: make(chan struct{}, 1)} })
	return p.known(ctx, e, func(ctx context.Context) error { return p.ask(ctx, address) })
}

// known returns what is remembered in e, or asks and remembers. Those who want
// to know the same wait for one answer.
func (p *Probe) known(ctx context.Context, e *probed, ask func(context.Context) error) Verdict {
	select {
	case e.token <- struct{}{}:
	case <-ctx.Done():
		return TryLater
	}
	defer func() { <-e.token }()
	if p.c.Clock().Before(e.until) {
		return e.verdict
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return TryLater
	}
	defer func() { <-p.slots }()
	verdict, keep := p.judge(ask(ctx))
	if ctx.Err() == nil {
		e.verdict, e.until = verdict, p.c.Clock().Add(keep)
	}
	return verdict
}

// judge turns an answer to RCPT into a verdict and its lifetime. Only codes that
// speak of the mailbox (RFC 5321 §4.2.3) are a no: another 5xx may be about
// us, and refusing all mail for good because of it would lose mail.
func (p *Probe) judge(err error) (Verdict, time.Duration) {
	var answer *rcptError
	switch {
	case err == nil:
		return Accept, probeKnown
	case errors.Is(err, errNoUTF8):
		return Unknown, probeUnknown
	case errors.As(err, &answer):
		switch answer.code {
		case 550, 551, 553, 556:
			return Unknown, probeUnknown
		}
	}
	p.c.Log.Warn("the next hop could not be asked", "error", err)
	return TryLater, probeFailed
}

// rcptError is an answer to RCPT other than 2xx.
type rcptError struct{ code int }

func (e *rcptError) Error() string { return fmt.Sprintf("the next hop answered RCPT with %d", e.code) }

// ask returns nil when the next hop takes an address.
func (p *Probe) ask(ctx context.Context, address string) error {
	return p.talk(ctx, func(c *smtp.Client) error {
		beyond := !gateway.ASCII(address)
		if ok, _ := c.Extension("SMTPUTF8"); beyond && !ok {
			return errNoUTF8
		}
		if err := c.Mail("", &smtp.MailOptions{UTF8: beyond}); err != nil {
			return fmt.Errorf("MAIL to the next hop: %w", err)
		}
		err := c.Rcpt(address, nil)
		var said *smtp.SMTPError
		if errors.As(err, &said) {
			return &rcptError{said.Code}
		}
		return err
	})
}

// talk has a dialogue with the next hop, within probeTime, and leaves politely.
func (p *Probe) talk(ctx context.Context, f func(*smtp.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	conn, err := p.c.Dial(ctx)
	if err != nil {
		return fmt.Errorf("reach the next hop: %w", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	c, err := p.greet(conn)
	if err != nil {
		return err
	}
	err = f(c)
	if bye := c.Quit(); bye != nil && err == nil {
		p.c.Log.Debug("leave the next hop", "error", bye)
	}
	return err
}

// greet begins a dialogue, under TLS if that is wanted.
func (p *Probe) greet(conn net.Conn) (*smtp.Client, error) {
	c := smtp.NewClient(conn)
	if p.c.TLS != nil {
		var err error
		if c, err = smtp.NewClientStartTLS(conn, p.c.TLS); err != nil {
			return nil, fmt.Errorf("STARTTLS with the next hop: %w", err)
		}
	}
	c.CommandTimeout = probeTime
	if err := c.Hello(p.c.Host); err != nil {
		return nil, fmt.Errorf("greet the next hop: %w", err)
	}
	return c, nil
}
