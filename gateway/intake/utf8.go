package intake

import (
	"context"

	"github.com/emersion/go-smtp"

	"sekisho/gateway"
)

// UTF8Hop knows whether the next hop takes addresses beyond ASCII (SMTPUTF8,
// RFC 6531). A mail with such an address that was accepted, and that the next
// hop then cannot take, would be stranded; so the next hop is asked before.
// It trusts a yes for an hour and a no for ten minutes, and is safe for
// concurrent use.
type UTF8Hop struct {
	p *Probe
	e probed
}

// NewUTF8Hop returns a UTF8Hop; it fails with ErrConfig when a part is missing.
func NewUTF8Hop(c ProbeConfig) (*UTF8Hop, error) {
	p, err := NewProbe(c)
	if err != nil {
		return nil, err
	}
	return &UTF8Hop{p: p, e: probed{token: make(chan struct{}, 1)}}, nil
}

// Check is TryLater while the next hop cannot be asked.
func (u *UTF8Hop) Check(ctx context.Context) Verdict {
	return u.p.known(ctx, &u.e, func(ctx context.Context) error { return u.p.offersUTF8(ctx) })
}

// offersUTF8 returns nil when the next hop offers SMTPUTF8 and errNoUTF8 when
// it does not.
func (p *Probe) offersUTF8(ctx context.Context) error {
	return p.talk(ctx, func(c *smtp.Client) error {
		if ok, _ := c.Extension("SMTPUTF8"); !ok {
			return errNoUTF8
		}
		return nil
	})
}

// speakable says whether an address can be handed on, and if not what to
// answer. Only the envelope counts: headers are written anew in ASCII.
// spec: rfc6531#3.2
func (s *session) speakable(ctx context.Context, address string) error {
	if gateway.ASCII(address) {
		return nil
	}
	verdict := Unknown
	if f := s.s.cfg.UTF8; f != nil {
		verdict = f(ctx)
	}
	switch verdict {
	case Accept:
		return nil
	case Unknown:
		s.s.reject(ReasonUTF8)
		return noUTF8
	default:
		s.s.reject(ReasonTryLater)
		return laterUTF8
	}
}
