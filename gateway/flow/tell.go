package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/sanitize"
	"sekisho/sanitize/format"
)

// tell adds a substitute mail for each recipient of a wholly held delivery. A
// loop of automatic mail, such as a substitute mail that a mailbox forwards
// back to us, ends here in silence: a mail about it would make another round.
func (s *settlement) tell(ctx context.Context, g group, held gateway.Delivery, t *sanitize.Node) error {
	if t.Reason == format.MailLoop && s.m.Envelope.From == "" {
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

// draft composes one of our own mails that another room asked for, such as the
// mail to the postmaster about a failed delivery.
func (f *Flow) draft(ctx context.Context) (bool, error) {
	var d gateway.Delivery
	err := f.Ledger.Do(ctx, func(tx gateway.Tx) error {
		now := f.Scribe.Clock()
		var err error
		d, err = tx.ClaimDraft(f.Owner, now, now.Add(leaseTime))
		return err
	})
	if errors.Is(err, gateway.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := f.compose(ctx, d); err != nil {
		return true, fmt.Errorf("compose %s mail: %w", d.Kind, err)
	}
	if f.Relay != nil {
		f.Relay()
	}
	return true, nil
}

func (f *Flow) compose(ctx context.Context, d gateway.Delivery) error {
	about, err := f.Ledger.Delivery(ctx, d.About)
	if err != nil {
		return err
	}
	m, err := f.Ledger.Message(ctx, about.Message)
	if err != nil {
		return err
	}
	rules := f.Policy().Default
	s := &settlement{flow: f, m: m, now: f.Scribe.Clock()}
	p := sanitize.Postmaster{Facts: *s.facts(group{rules, []string{f.Postmaster}}), To: []string{f.Postmaster},
		From: m.From, Subject: m.Subject, Detail: string(about.Kind), Address: f.Postmaster}
	for _, r := range about.Recipients {
		if r.State == gateway.Refused {
			p.Outcomes = append(p.Outcomes, sanitize.Undelivered{Recipient: r.Address, Code: r.Code, Text: r.Text})
		}
	}
	if p.Untold, err = f.Ledger.Untold(ctx); err != nil {
		return err
	}
	body, err := f.Engine.Postmaster(ctx, p)
	if err != nil {
		return err
	}
	defer body.Close()
	d.Policy, d.NextAt, d.ExpiresAt, d.State = rules.Digest(), time.Time{}, s.now.Add(rules.Limits.Expires), gateway.Ready
	if d, err = f.seal(ctx, d, body); err != nil {
		return err
	}
	r, err := f.Scribe.System("delivery.sealed", audit.Success, func(e *audit.Event) { fillDelivery(e, d) })
	if err != nil {
		return err
	}
	unknown, err := f.do(ctx, func(tx gateway.Tx) error { return tx.Compose(d, r) })
	if err != nil && !unknown {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return errors.Join(err, f.Outbox.Delete(ctx, d.Blob))
	}
	return err
}
