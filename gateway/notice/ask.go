package notice

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
)

// Errors of what people ask for.
var (
	// ErrNothing means that a mail has no held part to tell of.
	ErrNothing = errors.New("notice: nothing is held")
	// ErrOften means that it was asked for too often within the hour.
	ErrOften = errors.New("notice: too often")
)

// What people may ask for within an hour. A mailbox is not to be filled by
// whoever may press a button.
const (
	againAnHour = 3  // of one mail, to one recipient
	trialAnHour = 10 // in all
)

// trialTime is how long a trial is tried: whoever asked for it looks now.
const trialTime = time.Hour

// Ledger is what a Desk reads and changes.
type Ledger interface {
	Do(ctx context.Context, f func(gateway.Tx) error) error
	MessageByReceipt(ctx context.Context, receipt string) (gateway.Message, error)
	Items(ctx context.Context, q gateway.ItemQuery) ([]quarantine.Item, error)
}

// Desk takes what people ask for about notices. It writes a draft and its
// record; flow composes the mail. It is a plain value.
type Desk struct {
	Ledger Ledger
	Scribe gateway.Scribe
}

// Again sends the notice of a mail again (もう一度送る): to each recipient for
// whom a part of it is held still, or to one of them. A recipient who had it too
// often within the hour is left out of what it returns; ErrOften when nobody else
// is left. ErrNothing; or gateway.ErrNotFound for a receipt number that there is not.
func (d Desk) Again(ctx context.Context, who audit.Actor, receipt, to string) ([]gateway.Delivery, error) {
	m, err := d.Ledger.MessageByReceipt(ctx, receipt)
	if err != nil {
		return nil, err
	}
	var ds []gateway.Delivery
	for _, r := range m.Envelope.To {
		if to != "" && !strings.EqualFold(to, r) {
			continue
		}
		held, err := d.Ledger.Items(ctx, gateway.ItemQuery{Message: m.ID, Recipient: r, States: []quarantine.State{quarantine.Held}, Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(held) == 0 {
			continue
		}
		v, err := d.draft(gateway.KindNotice, r)
		if err != nil {
			return nil, err
		}
		v.Message, v.Receipt = m.ID, m.Receipt
		ds = append(ds, v)
	}
	if len(ds) == 0 {
		return nil, ErrNothing
	}
	return d.add(ctx, who, againAnHour, ds...)
}

// Trial sends a notice of nothing to an address, by the way of all notices.
// ErrOften.
func (d Desk) Trial(ctx context.Context, who audit.Actor, to string) (gateway.Delivery, error) {
	if err := gateway.CheckAddress(to, true); err != nil {
		return gateway.Delivery{}, err
	}
	v, err := d.draft(gateway.KindTrial, to)
	if err != nil {
		return v, err
	}
	v.ExpiresAt = v.CreatedAt.Add(trialTime)
	_, err = d.add(ctx, who, trialAnHour, v)
	return v, err
}

func (d Desk) draft(k gateway.DeliveryKind, to string) (gateway.Delivery, error) {
	id, err := gateway.NewID(d.Scribe.Random)
	return Draft(id, k, to, d.Scribe.Clock()), err
}

// Draft is a notice that flow is to compose.
func Draft(id gateway.ID, k gateway.DeliveryKind, to string, now time.Time) gateway.Delivery {
	return gateway.Delivery{ID: id, Kind: k, State: gateway.Drafted, Verdict: "rebuilt", CreatedAt: now, NextAt: now,
		Recipients: []gateway.Recipient{{Address: to, State: gateway.Pending}}}
}

// add inserts the drafts, without those of which too many were asked for within
// the hour, and returns what it inserted: ErrOften when that is nothing.
func (d Desk) add(ctx context.Context, who audit.Actor, most int, ds ...gateway.Delivery) ([]gateway.Delivery, error) {
	var recs []gateway.Record
	for _, v := range ds {
		r, err := Created(d.Scribe, v)
		if err != nil {
			return nil, err
		}
		r.Event.Actor = who
		recs = append(recs, r)
	}
	var added []gateway.Delivery
	err := d.Ledger.Do(ctx, func(tx gateway.Tx) error {
		added = nil
		for i, v := range ds {
			address := ""
			if v.Kind == gateway.KindNotice {
				address = v.Recipients[0].Address
			}
			n, err := tx.CountNotices(v.Kind, v.Message, address, v.CreatedAt.Add(-time.Hour))
			if err != nil {
				return err
			}
			if n >= most {
				continue
			}
			if err := tx.AddDelivery(v, recs[i]); err != nil {
				return err
			}
			added = append(added, v)
		}
		if len(added) == 0 {
			return fmt.Errorf("%w: %d within the hour", ErrOften, most)
		}
		return nil
	})
	return added, err
}

// Created records that a notice was drafted.
func Created(s gateway.Scribe, v gateway.Delivery) (gateway.Record, error) {
	return s.System("delivery.created", audit.Success, func(e *audit.Event) {
		e.Object, e.Mail = v.Object(), gateway.AuditMail(v.From, v.Addresses())
		e.Route, e.Decision.Form = gateway.Inbound(), string(v.Kind)
	})
}
