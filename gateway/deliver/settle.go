package deliver

import (
	"context"
	"fmt"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
)

// maxText bounds a stored reply in bytes.
const maxText = 250

// settle commits what came of an attempt: the outcome of each recipient, the
// next attempt or the end, and the mail to the postmaster when recipients are
// given up.
func (d *Deliver) settle(ctx context.Context, v gateway.Delivery, a attempt) error {
	now := d.Scribe.Clock()
	v.Attempts++
	var taken, refused, deferred []string
	for i := range v.Recipients {
		r := &v.Recipients[i]
		if r.State != gateway.Pending {
			continue
		}
		if ans, ok := a.answers[r.Address]; ok {
			r.State, r.Code, r.Text, r.At = ans.state(), ans.code, audit.Clean(ans.text, maxText), now
		} else if a.err != nil {
			r.Code, r.Text, r.At = 0, audit.Clean(a.err.Error(), maxText), now
		}
		if r.State == gateway.Pending && (a.refused || now.After(v.ExpiresAt)) {
			r.State = gateway.Refused
		}
		switch r.State {
		case gateway.Taken:
			taken = append(taken, r.Address)
		case gateway.Refused:
			refused = append(refused, r.Address)
		default:
			deferred = append(deferred, r.Address)
		}
	}
	advance(&v, now.Add(backOff[min(v.Attempts-1, len(backOff)-1)]))
	rs, err := d.outcomes(v, taken, refused, deferred)
	if err != nil {
		return err
	}
	draft, err := d.postmaster(v)
	if err != nil {
		return err
	}
	var created gateway.Record
	if draft != nil {
		if created, err = d.record("delivery.created", audit.Success, *draft, draft.Waiting(), ""); err != nil {
			return err
		}
	}
	err = d.Ledger.Do(ctx, func(tx gateway.Tx) error {
		if err := tx.Outcome(v, rs...); err != nil || draft == nil {
			return err
		}
		return tx.AddDelivery(*draft, created)
	})
	if err != nil {
		return err
	}
	d.after(ctx, v, a, draft)
	return nil
}

// after does what may follow a committed outcome.
func (d *Deliver) after(ctx context.Context, v gateway.Delivery, a attempt, draft *gateway.Delivery) {
	if a.err != nil {
		d.Log.Warn("delivery", "receipt", v.Receipt, "state", v.State, "attempt", v.Attempts, "error", a.err)
	}
	if v.State == gateway.Relayed {
		if err := d.Outbox.Delete(ctx, v.Blob); err != nil {
			d.Log.Warn("a relayed mail was left in the outbox", "receipt", v.Receipt, "error", err)
		}
	}
	if draft != nil && d.Draft != nil {
		d.Draft()
	}
	if d.Done != nil {
		d.Done(v)
	}
}

// advance sets a delivery's state from its recipients'.
func advance(v *gateway.Delivery, next time.Time) {
	v.State = gateway.Relayed
	for _, r := range v.Recipients {
		switch r.State {
		case gateway.Pending:
			v.State, v.NextAt = gateway.Ready, next
			return
		case gateway.Refused:
			v.State, v.Reason = gateway.Failed, "relay_refused"
		}
	}
}

func (d *Deliver) outcomes(v gateway.Delivery, taken, refused, deferred []string) ([]gateway.Record, error) {
	var rs []gateway.Record
	for _, o := range []struct {
		verb audit.Verb
		out  audit.Outcome
		to   []string
	}{{"relay.relayed", audit.Success, taken}, {"relay.failed", audit.Failure, refused}, {"relay.deferred", audit.Pending, deferred}} {
		if len(o.to) == 0 {
			continue
		}
		r, err := d.record(o.verb, o.out, v, o.to, reply(v, o.to[0]))
		if err != nil {
			return nil, err
		}
		rs = append(rs, r)
	}
	return rs, nil
}

// reply is the next hop's words to one recipient, as evidence.
func reply(v gateway.Delivery, to string) string {
	for _, r := range v.Recipients {
		if r.Address == to {
			return fmt.Sprintf("%d %s", r.Code, r.Text)
		}
	}
	return ""
}

func (d *Deliver) record(verb audit.Verb, o audit.Outcome, v gateway.Delivery, to []string, reply string) (gateway.Record, error) {
	return d.Scribe.System(verb, o, func(e *audit.Event) {
		e.Object = audit.Object{Type: "delivery", ID: string(v.ID), ReceiptNo: v.Receipt, Sanitized: gateway.Hex(v.Sum)}
		e.Mail = audit.Mail{Sender: gateway.AuditSender(v.From), Recipients: gateway.AuditRecipients(to)}
		e.Route, e.Policy.SHA256 = gateway.Inbound(), v.Policy
		e.Decision.Form = string(v.Kind)
		if reply != "" {
			e.Change = audit.Change{Path: "reply", After: audit.Clean(reply, 512)}
		}
	})
}

// postmaster drafts the mail about recipients that were given up. Our own
// mails to the postmaster are not reported to the postmaster.
// spec: rfc5321#6.1
func (d *Deliver) postmaster(v gateway.Delivery) (*gateway.Delivery, error) {
	if v.State != gateway.Failed || v.Kind == gateway.KindPostmaster {
		return nil, nil
	}
	id, err := gateway.NewID(d.Scribe.Random)
	if err != nil {
		return nil, err
	}
	now := d.Scribe.Clock()
	return &gateway.Delivery{ID: id, Message: v.Message, Receipt: v.Receipt, Kind: gateway.KindPostmaster, About: v.ID,
		Recipients: []gateway.Recipient{{Address: d.Postmaster, State: gateway.Pending}}, Policy: v.Policy,
		State: gateway.Drafted, Verdict: "rebuilt", CreatedAt: now, NextAt: now, ExpiresAt: v.ExpiresAt}, nil
}
