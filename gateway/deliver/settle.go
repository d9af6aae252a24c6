package deliver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
)

const (
	// maxText bounds a stored reply in bytes.
	maxText = 250
	// commitTries bounds the tries to commit an outcome; between them it waits
	// 1, 2, 4 … seconds.
	commitTries = 7
)

// Reasons of a failed delivery.
const (
	reasonRefused = "relay_refused" // by the next hop
	reasonExpired = "relay_expired" // it was tried for too long
	reasonSealed  = "relay_unsealed"
)

// backOff returns the wait after the n-th failed attempt; the last one repeats
// until the delivery expires (RFC 5321 §4.5.4.1). An attempt that brought the
// mail to some recipients is followed soon: a next hop that takes few
// recipients at a time is not one in trouble.
// spec: rfc5321#4.5.4.1
func backOff(n int, some bool) time.Duration {
	waits := []time.Duration{30 * time.Second, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, gateway.MaxWait}
	if some {
		return waits[0]
	}
	return waits[min(max(n, 1), len(waits))-1]
}

// settle commits what came of an attempt: the outcome of each recipient, the
// next attempt or the end, and the mail to the postmaster when recipients are
// given up.
func (d *Deliver) settle(ctx context.Context, v gateway.Delivery, a attempt) error {
	now, blob := d.Scribe.Clock(), v.Blob
	told := judge(&v, a, now)
	rs, err := d.outcomes(v, told)
	if err != nil {
		return err
	}
	draft, err := d.postmaster(v, now)
	if err != nil {
		return err
	}
	var created []gateway.Record
	if draft != nil {
		if created, err = d.records("delivery.created", audit.Success, *draft, draft.Waiting(), ""); err != nil {
			return err
		}
	}
	err = d.commit(ctx, func(tx gateway.Tx) error {
		if err := tx.Outcome(v, rs...); err != nil || draft == nil {
			return err
		}
		return tx.AddDelivery(*draft, created...)
	})
	if err != nil {
		return err
	}
	d.after(ctx, v, a, blob, draft)
	return nil
}

// commit tries for a while: an outcome that is not committed makes the next
// hop get the mail twice.
func (d *Deliver) commit(ctx context.Context, f func(gateway.Tx) error) error {
	wait := time.Second
	for n := 1; ; n++ {
		err := d.Ledger.Do(ctx, f)
		if err == nil || n == commitTries || errors.Is(err, gateway.ErrLease) || errors.Is(err, gateway.ErrState) {
			return err
		}
		d.Log.Error("an outcome could not be committed", "try", n, "error", err)
		d.pause(ctx, wait)
		wait *= 2
	}
}

// clean makes the peer's words, or an error's, fit to be stored on one line.
func clean(s string) string {
	return audit.Clean(strings.ReplaceAll(s, "\n", " "), maxText)
}

// judge puts what came of an attempt into v and returns the recipients that it
// was about.
func judge(v *gateway.Delivery, a attempt, now time.Time) []gateway.Recipient {
	v.Attempts++
	expired := !v.ExpiresAt.IsZero() && now.After(v.ExpiresAt)
	reason := reasonRefused
	var told []gateway.Recipient
	some := false
	for i := range v.Recipients {
		r := &v.Recipients[i]
		if r.State != gateway.Pending {
			continue
		}
		ans, answered := a.answer(r.Address)
		r.State, r.Code, r.Text, r.At = ans.state(), ans.code, clean(ans.text), now
		if !answered && a.refused() {
			r.State, reason = gateway.Refused, reasonSealed
		}
		if r.State == gateway.Pending && expired {
			r.State, reason = gateway.Refused, reasonExpired
		}
		some = some || r.State == gateway.Taken
		told = append(told, *r)
	}
	advance(v, reason, now.Add(backOff(v.Attempts, some)))
	return told
}

// advance sets a delivery's state from its recipients'.
func advance(v *gateway.Delivery, reason string, next time.Time) {
	v.State = gateway.Relayed
	for _, r := range v.Recipients {
		switch r.State {
		case gateway.Pending:
			v.State, v.Reason, v.NextAt = gateway.Ready, "", next
			return
		case gateway.Refused:
			v.State, v.Reason = gateway.Failed, reason
		}
	}
	if v.State == gateway.Relayed {
		v.Blob = "" // nobody needs it any more
	}
}

// after does what may follow a committed outcome.
func (d *Deliver) after(ctx context.Context, v gateway.Delivery, a attempt, blob string, draft *gateway.Delivery) {
	if a.err != nil {
		d.Log.Warn("delivery", "receipt", v.Receipt, "state", v.State, "attempt", v.Attempts, "error", a.err)
	}
	if v.State == gateway.Relayed {
		if err := d.Outbox.Delete(ctx, blob); err != nil {
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

// outcomes records what recipients were told: one record for those with the
// same outcome and the same words.
func (d *Deliver) outcomes(v gateway.Delivery, told []gateway.Recipient) ([]gateway.Record, error) {
	type words struct {
		state gateway.RecipientState
		reply string
	}
	var order []words
	groups := map[words][]string{}
	for _, r := range told {
		w := words{r.State, r.Text}
		if r.Code != 0 {
			w.reply = fmt.Sprintf("%d %s", r.Code, r.Text)
		}
		if groups[w] == nil {
			order = append(order, w)
		}
		groups[w] = append(groups[w], r.Address)
	}
	var rs []gateway.Record
	for _, w := range order {
		verb, outcome := verbOf(w.state)
		more, err := d.records(verb, outcome, v, groups[w], w.reply)
		if err != nil {
			return nil, err
		}
		rs = append(rs, more...)
	}
	return rs, nil
}

func verbOf(s gateway.RecipientState) (audit.Verb, audit.Outcome) {
	switch s {
	case gateway.Taken:
		return "relay.relayed", audit.Success
	case gateway.Refused:
		return "relay.failed", audit.Failure
	}
	return "relay.deferred", audit.Pending
}

// records records an act about recipients, in as many records as it takes to
// name them all. reply is what the next hop said to them, "" for nothing.
func (d *Deliver) records(verb audit.Verb, o audit.Outcome, v gateway.Delivery, to []string, reply string) ([]gateway.Record, error) {
	var rs []gateway.Record
	for first := true; first || len(to) > 0; first = false {
		n := min(len(to), gateway.MaxNamed)
		r, err := d.Scribe.System(verb, o, func(e *audit.Event) {
			e.Object, e.Mail = v.Object(), gateway.AuditMail(v.From, to[:n])
			e.Route, e.Policy.SHA256 = gateway.Inbound(), v.Policy
			e.Decision.Form = string(v.Kind)
			if reply != "" {
				e.Change = audit.Change{Path: "reply", After: audit.Clean(reply, 512)}
			}
		})
		if err != nil {
			return nil, err
		}
		rs, to = append(rs, r), to[n:]
	}
	return rs, nil
}

// postmaster drafts the mail about recipients that were given up. Our own
// mails to the postmaster are not reported to the postmaster.
// spec: rfc5321#6.1
func (d *Deliver) postmaster(v gateway.Delivery, now time.Time) (*gateway.Delivery, error) {
	if v.State != gateway.Failed || v.Kind == gateway.KindPostmaster {
		return nil, nil
	}
	if err := gateway.CheckAddress(d.Postmaster, true); err != nil {
		d.Log.Error("the postmaster cannot be told of a failed delivery", "receipt", v.Receipt, "error", err)
		return nil, nil // the outcome must be committed all the same
	}
	at, ok := d.reports.next(now)
	if !ok {
		d.Log.Warn("the postmaster has been told of enough for this hour", "receipt", v.Receipt)
		return nil, nil
	}
	id, err := gateway.NewID(d.Scribe.Random)
	if err != nil {
		return nil, err
	}
	draft := &gateway.Delivery{ID: id, Message: v.Message, Receipt: v.Receipt, Kind: gateway.KindPostmaster, About: v.ID,
		Recipients: []gateway.Recipient{{Address: d.Postmaster, State: gateway.Pending}}, Policy: v.Policy,
		State: gateway.Drafted, Verdict: "rebuilt", CreatedAt: now, NextAt: at}
	draft.ExpiresAt = draft.Due().Add(v.ExpiresAt.Sub(v.CreatedAt))
	return draft, nil
}
