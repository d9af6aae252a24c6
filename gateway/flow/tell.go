package flow

import (
	"context"
	"fmt"

	"sekisho/gateway"
	"sekisho/sanitize"
	"sekisho/sanitize/format"
)

// silent reports whether nobody is told of a held mail: a loop of automatic mail,
// such as a substitute mail that a mailbox forwards back to us, ends here in
// silence. A mail about it would make another round.
func (s *settlement) silent(t *sanitize.Node) bool {
	return t.Reason == format.MailLoop && s.m.Envelope.From == ""
}

// tell adds a substitute mail for each recipient of a wholly held delivery,
// unless they are told in a digest.
func (s *settlement) tell(ctx context.Context, g group, held gateway.Delivery, t *sanitize.Node) error {
	if s.silent(t) || s.flow.Notices.Digest {
		return nil
	}
	for _, to := range g.to {
		one := group{g.rules, []string{to}}
		at := s.flow.substitute.next(to, s.claimedFrom(t), s.now)
		body, err := s.flow.Engine.Substitute(ctx, sanitize.Substitute{Facts: *s.facts(one), Reason: t.Reason, From: s.claimedFrom(t),
			Subject: t.Subject, MessageID: t.ID, Sent: t.Sent(), Contents: t.Child(), Delayed: !at.IsZero(), Address: s.flow.Postmaster})
		if err != nil {
			return fmt.Errorf("substitute mail: %w", err)
		}
		defer body.Close()
		d, err := s.newDelivery(gateway.KindSubstitute, "", one)
		if err != nil {
			return err
		}
		d.About, d.Verdict = held.ID, "rebuilt"
		d.NextAt = at
		d.ExpiresAt = d.Due().Add(g.rules.Limits.Expires)
		if err := s.seal(ctx, &d, body); err != nil {
			return err
		}
		s.deliveries = append(s.deliveries, d)
		if err := s.recordDelivery("delivery.sealed", d); err != nil {
			return err
		}
	}
	return nil
}

// claimedFrom is the sender as the mail, or else the envelope, claims it.
func (s *settlement) claimedFrom(t *sanitize.Node) string {
	if len(t.From) > 0 {
		return t.From[0]
	}
	return s.m.Envelope.From
}
