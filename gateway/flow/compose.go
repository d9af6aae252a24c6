package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/notice"
	"sekisho/quarantine"
	"sekisho/sanitize"
	"sekisho/sanitize/format"
	"sekisho/sanitize/policy"
)

// draft composes one of our own mails that was asked for, such as the mail to
// the postmaster about a failed delivery, or a digest.
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
		if blame(ctx, err) > 0 && f.Scribe.Clock().Sub(d.Due()) >= draftTime {
			err = errors.Join(err, f.giveUp(ctx, d))
		}
		return true, fmt.Errorf("compose %s mail: %w", d.Kind, err)
	}
	if f.Relay != nil {
		f.Relay()
	}
	return true, nil
}

// draftTime is how long a mail of our own is tried, once a lease, that cannot be
// composed. A full disk and a machine without workers do not count: they pass.
const draftTime = 24 * time.Hour

// giveUp ends a draft as failed and drafts the mail to the postmaster about it
// (G3: each delivery ends).
func (f *Flow) giveUp(ctx context.Context, d gateway.Delivery) error {
	d.State, d.Reason = gateway.Failed, string(format.Internal)
	r, err := f.Scribe.System("relay.failed", audit.Failure, func(e *audit.Event) { fillDelivery(e, d) })
	if err != nil {
		return err
	}
	if d.Kind == gateway.KindPostmaster {
		return f.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.Compose(d, r) })
	}
	id, err := gateway.NewID(f.Scribe.Random)
	if err != nil {
		return err
	}
	told := notice.Draft(id, gateway.KindPostmaster, f.Postmaster, f.Scribe.Clock())
	told.Message, told.Receipt, told.About = d.Message, d.Receipt, d.ID
	created, err := notice.Created(f.Scribe, told)
	if err != nil {
		return err
	}
	return f.Ledger.Do(ctx, func(tx gateway.Tx) error {
		if err := tx.Compose(d, r); err != nil {
			return err
		}
		return tx.AddDelivery(told, created)
	})
}

func (f *Flow) compose(ctx context.Context, d gateway.Delivery) error {
	rules, write := f.Policy().Default, f.report
	if d.Kind.Notice() {
		rules, write = f.Policy().For(d.Recipients[0].Address), f.digest
	}
	body, err := write(ctx, d, rules)
	if err != nil {
		return err
	}
	defer body.Close()
	now := f.Scribe.Clock()
	if d.Kind != gateway.KindTrial {
		d.ExpiresAt = now.Add(rules.Limits.Expires)
	}
	d.Policy, d.NextAt, d.State = rules.Digest(), time.Time{}, gateway.Ready
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

// messageOf is the message that a delivery is about. A mail of our own that is
// about none has come into being by itself.
func (f *Flow) messageOf(ctx context.Context, d gateway.Delivery) (gateway.Message, error) {
	if d.Message == "" {
		return gateway.Message{ReceivedAt: d.CreatedAt}, nil
	}
	return f.Ledger.Message(ctx, d.Message)
}

// report writes a mail to the postmaster: about a delivery that failed or, when
// it is about none, that notices have stopped.
func (f *Flow) report(ctx context.Context, d gateway.Delivery, rules policy.Rules) (sanitize.Body, error) {
	about := d
	if d.About != "" {
		var err error
		if about, err = f.Ledger.Delivery(ctx, d.About); err != nil {
			return sanitize.Body{}, err
		}
	}
	m, err := f.messageOf(ctx, about)
	if err != nil {
		return sanitize.Body{}, err
	}
	p := sanitize.Postmaster{To: []string{f.Postmaster}, From: m.From, Subject: m.Subject, Detail: string(about.Kind), Address: f.Postmaster}
	if d.About == "" {
		since, detail, err := f.sinceStopped(ctx)
		if err != nil {
			return sanitize.Body{}, err
		}
		m.ReceivedAt, p.Event, p.Detail = since, sanitize.NoticesStopped, detail
	} else if p.Untold, err = f.Ledger.Untold(ctx); err != nil {
		return sanitize.Body{}, err
	}
	s := &settlement{flow: f, m: m}
	p.Facts = *s.facts(group{rules, p.To})
	for _, r := range about.Recipients {
		if r.State == gateway.Refused {
			p.Outcomes = append(p.Outcomes, sanitize.Undelivered{Recipient: r.Address, Code: r.Code, Text: r.Text})
		}
	}
	return f.Engine.Postmaster(ctx, p)
}

// digest writes a list of held parts: those that a digest was given, or those
// of one mail again, or none for a trial. What became of a part until now is
// said.
func (f *Flow) digest(ctx context.Context, d gateway.Delivery, rules policy.Rules) (sanitize.Body, error) {
	m, err := f.messageOf(ctx, d)
	if err != nil {
		return sanitize.Body{}, err
	}
	m.ReceivedAt = d.CreatedAt // dates the mail
	to := d.Addresses()
	s := &settlement{flow: f, m: m}
	l := sanitize.Digest{Facts: *s.facts(group{rules, to}), Key: string(d.ID), Address: f.Postmaster}
	var items []quarantine.Item
	switch d.Kind {
	case gateway.KindDigest:
		items, err = f.Ledger.NoticesIn(ctx, d.ID)
	case gateway.KindNotice:
		l.Occasion = sanitize.DigestAgain
		items, err = f.heldFor(ctx, d.Message, to[0])
	default:
		l.Occasion = sanitize.DigestTrial
	}
	if err != nil {
		return sanitize.Body{}, err
	}
	if l.More = len(items) >= sanitize.DigestMost; d.Kind == gateway.KindNotice {
		l.More = len(items) > sanitize.DigestMost
		items = items[:min(len(items), sanitize.DigestMost)]
	}
	if l.Parts, err = f.parts(ctx, items); err != nil {
		return sanitize.Body{}, err
	}
	return f.Engine.Digest(ctx, l)
}

// heldFor returns what of a message is held for a recipient: one more than a
// notice lists, when there are more.
func (f *Flow) heldFor(ctx context.Context, id gateway.ID, to string) ([]quarantine.Item, error) {
	return f.Ledger.Items(ctx, gateway.ItemQuery{Message: id, Recipient: to, States: []quarantine.State{quarantine.Held}, Limit: sanitize.DigestMost + 1})
}

// parts are items as a digest shows them.
func (f *Flow) parts(ctx context.Context, items []quarantine.Item) ([]sanitize.DigestPart, error) {
	known := map[string]gateway.Message{}
	var parts []sanitize.DigestPart
	for _, i := range items {
		m, ok := known[i.Message]
		if !ok {
			var err error
			if m, err = f.Ledger.Message(ctx, gateway.ID(i.Message)); err != nil {
				return nil, err
			}
			if m.From == "" {
				m.From = m.Envelope.From
			}
			known[i.Message] = m
		}
		p := sanitize.DigestPart{ReceiptNo: m.Receipt, ReceivedAt: m.ReceivedAt, From: m.From, Subject: m.Subject, Recipient: i.Recipient,
			Whole: i.Whole(), Name: i.Name, Kind: i.Kind, Reason: i.Reason, ExpiresAt: i.ExpiresAt}
		switch i.State {
		case quarantine.Released:
			p.State = sanitize.DigestReleased
		case quarantine.Discarded:
			p.State = sanitize.DigestDiscarded
		case quarantine.Expired:
			p.State = sanitize.DigestExpired
		}
		parts = append(parts, p)
	}
	return parts, nil
}
