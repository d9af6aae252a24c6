package sqlite

import (
	"fmt"
	"slices"
	"time"

	"sekisho/gateway"
)

// AddDelivery implements gateway.Tx. Its record may come with another method
// of the same closure.
func (t *tx) AddDelivery(d gateway.Delivery, r ...gateway.Record) error {
	return t.move("add delivery", func() error {
		if d.Message != "" {
			var state gateway.MessageState
			err := t.row(one(&state), `SELECT state FROM messages WHERE id = ?`, string(d.Message))
			if err != nil {
				return fmt.Errorf("message %s: %w", d.Message, err)
			}
			if state != gateway.Settled {
				return fmt.Errorf("%w: its message is %s", gateway.ErrState, state)
			}
		}
		if err := t.insertDelivery(d); err != nil {
			return err
		}
		return t.record(string(d.Message), r)
	})
}

// mayBegin says whether a delivery may come into being as it is.
func mayBegin(d gateway.Delivery) error {
	switch {
	case d.ID == "" || len(d.Recipients) == 0:
		return fmt.Errorf("%w: a delivery needs an id and a recipient", gateway.ErrState)
	case d.State != gateway.Ready && d.State != gateway.Held && d.State != gateway.Drafted:
		return fmt.Errorf("%w: a delivery cannot begin %q", gateway.ErrState, d.State)
	case (d.State == gateway.Ready) != (d.Blob != ""):
		return fmt.Errorf("%w: a delivery has a blob when it is ready, and only then", gateway.ErrState)
	case d.State == gateway.Drafted && d.Kind == gateway.KindMail:
		return fmt.Errorf("%w: only our own mails are drafted", gateway.ErrState)
	case d.Kind != gateway.KindMail && d.From != "":
		return fmt.Errorf("%w: our own mails have a null reverse-path", gateway.ErrState)
	}
	if i := slices.IndexFunc(d.Recipients, func(r gateway.Recipient) bool { return r.State != gateway.Pending }); i >= 0 {
		return fmt.Errorf("%w: recipient %d begins %q", gateway.ErrState, i, d.Recipients[i].State)
	}
	return nil
}

func (t *tx) insertDelivery(d gateway.Delivery) error {
	if err := mayBegin(d); err != nil {
		return err
	}
	next := nanos(d.NextAt)
	if _, err := t.exec(`INSERT INTO deliveries (id, message, receipt, kind, about, reverse_path, policy, state, verdict, reason,
			held_parts, blob, size, sum, passport, created_at, next_at, expires_at, attempts, due_at, queue_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		string(d.ID), optional(string(d.Message)), d.Receipt, string(d.Kind), optional(string(d.About)), d.From, d.Policy,
		string(d.State), d.Verdict, d.Reason, d.HeldParts, d.Blob, d.Size, d.Sum[:], d.Passport,
		nanos(d.CreatedAt), next, nanos(d.ExpiresAt), d.Attempts, next, max(nanos(d.CreatedAt), next)); err != nil {
		return err
	}
	for i, r := range d.Recipients {
		if _, err := addresses([]string{r.Address}); err != nil {
			return err
		}
		if _, err := t.exec(`INSERT INTO delivery_recipients (delivery, pos, address, state, code, reply, at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			string(d.ID), i, r.Address, string(r.State), r.Code, r.Text, nanos(r.At)); err != nil {
			return err
		}
	}
	return nil
}

// Claims of deliveries; see those of messages.
const (
	unsent       = `state IN ('ready', 'relaying')`
	nextDelivery = `(SELECT n FROM deliveries INDEXED BY deliveries_queue
		WHERE ` + unsent + ` AND queue_at <= ?3 ORDER BY queue_at, n LIMIT 1)`
	earlyDelivery = `(SELECT n FROM deliveries INDEXED BY deliveries_due
		WHERE ` + unsent + ` AND due_at <= ?3 ORDER BY queue_at, n LIMIT 1)`
	nextDraft = `(SELECT n FROM deliveries INDEXED BY deliveries_drafts
		WHERE state = 'drafted' AND due_at <= ?3 ORDER BY queue_at, n LIMIT 1)`
	lease = `owner = ?1, until = ?2, due_at = ?2, queue_at = ?2, fence = fence + 1 WHERE n = `
)

// ClaimDelivery implements gateway.Tx, in the order of ClaimMessage.
func (t *tx) ClaimDelivery(owner string, now, until time.Time) (gateway.Delivery, error) {
	const take = `UPDATE deliveries SET state = 'relaying', ` + lease
	return t.claimDelivery("claim delivery", owner, now, until,
		take+nextDelivery+` RETURNING `+deliveryColumns, take+earlyDelivery+` RETURNING `+deliveryColumns)
}

// ClaimDraft implements gateway.Tx, in the order of ClaimMessage.
func (t *tx) ClaimDraft(owner string, now, until time.Time) (gateway.Delivery, error) {
	return t.claimDelivery("claim draft", owner, now, until, `UPDATE deliveries SET `+lease+nextDraft+` RETURNING `+deliveryColumns)
}

func (t *tx) claimDelivery(what, owner string, now, until time.Time, queries ...string) (gateway.Delivery, error) {
	var d gateway.Delivery
	if err := t.claim(what, owner, now, until, scanDelivery(&d), queries...); err != nil {
		return gateway.Delivery{}, err
	}
	ds := []gateway.Delivery{d}
	err := t.change(what, func() error { return recipients(t, ds) })
	return ds[0], err
}

// leasedAs is the condition that a delivery is still in the hands of a holder
// who has it in a state.
const leasedAs = ` WHERE id = ? AND state = ? AND owner = ? AND fence = ?`

// RenewDelivery implements gateway.Tx, for drafts as well.
func (t *tx) RenewDelivery(d gateway.Delivery, until time.Time) error {
	return t.change("renew delivery", func() error {
		u := nanos(until)
		n, err := t.exec(`UPDATE deliveries SET until = ?, due_at = ?, queue_at = ?
			WHERE id = ? AND owner = ? AND owner <> '' AND fence = ?`, u, u, u, string(d.ID), d.Lease.Owner, d.Lease.Fence)
		return t.held(n, err, "deliveries", d.ID)
	})
}

// Compose implements gateway.Tx. Policy and Verdict of d are stored as well. A
// draft that becomes Failed has its recipients refused.
func (t *tx) Compose(d gateway.Delivery, r ...gateway.Record) error {
	return t.move("compose", func() error {
		if err := gateway.MoveDelivery(gateway.Drafted, d.State); err != nil {
			return err
		}
		if (d.State == gateway.Ready) != (d.Blob != "") {
			return fmt.Errorf("%w: a draft becomes ready with a blob or failed without", gateway.ErrState)
		}
		next := nanos(d.NextAt)
		n, err := t.exec(`UPDATE deliveries SET state = ?, blob = ?, size = ?, sum = ?, passport = ?, policy = ?, verdict = ?, reason = ?,
			next_at = ?, expires_at = ?, owner = '', until = 0, due_at = ?, queue_at = max(created_at, ?)`+leasedAs+` AND owner <> ''`,
			string(d.State), d.Blob, d.Size, d.Sum[:], d.Passport, d.Policy, d.Verdict, d.Reason,
			next, nanos(d.ExpiresAt), next, next, string(d.ID), string(gateway.Drafted), d.Lease.Owner, d.Lease.Fence)
		if err := t.held(n, err, "deliveries", d.ID); err != nil {
			return err
		}
		if d.State == gateway.Failed {
			if err := t.refusePending(d.ID); err != nil {
				return err
			}
		}
		return t.record(string(d.Message), r)
	})
}

// Outcome implements gateway.Tx. The recipients must be those stored, in their
// order; one that was taken or refused stays so. Relayed wants all of them
// taken, Failed one refused and none pending, Ready one pending (ErrState).
func (t *tx) Outcome(d gateway.Delivery, r ...gateway.Record) error {
	return t.move("outcome", func() error {
		if err := gateway.MoveDelivery(gateway.Relaying, d.State); err != nil {
			return err
		}
		if err := agrees(d.State, d.Recipients); err != nil {
			return err
		}
		next := nanos(d.NextAt)
		n, err := t.exec(`UPDATE deliveries SET state = ?, next_at = ?, attempts = ?, reason = ?, blob = ?,
			owner = '', until = 0, due_at = ?, queue_at = max(created_at, ?)`+leasedAs,
			string(d.State), next, d.Attempts, d.Reason, d.Blob, next, next,
			string(d.ID), string(gateway.Relaying), d.Lease.Owner, d.Lease.Fence)
		if err := t.held(n, err, "deliveries", d.ID); err != nil {
			return err
		}
		if err := t.storeOutcomes(d); err != nil {
			return err
		}
		if err := t.noticeOutcome(d); err != nil {
			return err
		}
		return t.record(string(d.Message), r)
	})
}

// agrees checks that a delivery's state says what its recipients say.
func agrees(s gateway.DeliveryState, rs []gateway.Recipient) error {
	n := map[gateway.RecipientState]int{}
	for _, r := range rs {
		n[r.State]++
	}
	ok := false
	switch s {
	case gateway.Relayed:
		ok = n[gateway.Taken] == len(rs)
	case gateway.Failed:
		ok = n[gateway.Pending] == 0 && n[gateway.Refused] > 0
	case gateway.Ready:
		ok = n[gateway.Pending] > 0
	}
	if !ok || n[gateway.Pending]+n[gateway.Taken]+n[gateway.Refused] != len(rs) {
		return fmt.Errorf("%w: a delivery of %d pending, %d taken, %d refused recipients is not %s",
			gateway.ErrState, n[gateway.Pending], n[gateway.Taken], n[gateway.Refused], s)
	}
	return nil
}

// storeOutcomes stores what became of the recipients of a delivery.
func (t *tx) storeOutcomes(d gateway.Delivery) error {
	was := []gateway.Delivery{{ID: d.ID}}
	if err := recipients(t, was); err != nil {
		return err
	}
	if len(was[0].Recipients) != len(d.Recipients) {
		return fmt.Errorf("%w: %d recipients became %d", gateway.ErrState, len(was[0].Recipients), len(d.Recipients))
	}
	for i, r := range d.Recipients {
		old := was[0].Recipients[i]
		if old.Address != r.Address || old.State != gateway.Pending && old.State != r.State {
			return fmt.Errorf("%w: recipient %d was %s and changed", gateway.ErrState, i, old.State)
		}
		if _, err := t.exec(`UPDATE delivery_recipients SET state = ?, code = ?, reply = ?, at = ? WHERE delivery = ? AND pos = ?`,
			string(r.State), r.Code, r.Text, nanos(r.At), string(d.ID), i); err != nil {
			return err
		}
	}
	return nil
}

// Redirect implements gateway.Tx. From Failed to Ready the refused recipients
// wait again, attempts are counted anew, and a delivery past its ExpiresAt
// gets as much time again as it had; it needs its blob still. From Ready to
// Failed the waiting recipients are refused. Discarded clears Blob; the caller
// deletes the file after the commit.
func (t *tx) Redirect(id gateway.ID, to gateway.DeliveryState, next time.Time, r ...gateway.Record) error {
	return t.move("redirect", func() error {
		var d gateway.Delivery
		if err := t.row(scanDelivery(&d), `SELECT `+deliveryColumns+` FROM deliveries WHERE id = ?`, string(id)); err != nil {
			return err
		}
		from := d.State
		if to == gateway.Relaying || to == gateway.Released || from == gateway.Relaying || from == gateway.Drafted {
			return fmt.Errorf("%w: delivery from %s to %s", gateway.ErrState, from, to)
		}
		if from != gateway.Ready || to != gateway.Ready { // a retry now moves nothing
			if err := gateway.MoveDelivery(from, to); err != nil {
				return err
			}
		}
		var err error
		switch to {
		case gateway.Ready:
			err = t.retry(d, next)
		case gateway.Failed:
			err = t.refusePending(id)
		}
		if err != nil {
			return err
		}
		if _, err := t.exec(`UPDATE deliveries SET state = ?1, blob = iif(?1 = 'discarded', '', blob) WHERE id = ?2`, string(to), string(id)); err != nil {
			return err
		}
		return t.record(string(d.Message), r)
	})
}

// retry makes a Ready or Failed delivery due at next.
func (t *tx) retry(d gateway.Delivery, next time.Time) error {
	if d.Blob == "" {
		return fmt.Errorf("%w: nothing is left to send", gateway.ErrState)
	}
	expires := d.ExpiresAt
	if d.State == gateway.Failed {
		d.Attempts, d.Reason = 0, ""
		if !expires.IsZero() && !expires.After(next) {
			expires = next.Add(d.ExpiresAt.Sub(d.CreatedAt))
		}
		if _, err := t.exec(`UPDATE delivery_recipients SET state = 'pending' WHERE delivery = ? AND state = 'refused'`, string(d.ID)); err != nil {
			return err
		}
	}
	at := nanos(next)
	_, err := t.exec(`UPDATE deliveries SET next_at = ?, due_at = ?, queue_at = max(created_at, ?), expires_at = ?, attempts = ?, reason = ? WHERE id = ?`,
		at, at, at, nanos(expires), d.Attempts, d.Reason, string(d.ID))
	return err
}

// refusePending gives up the recipients that still wait.
func (t *tx) refusePending(id gateway.ID) error {
	_, err := t.exec(`UPDATE delivery_recipients SET state = 'refused' WHERE delivery = ? AND state = 'pending'`, string(id))
	return err
}
