package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sekisho/gateway"
	"sekisho/quarantine"
)

const messageColumns = `id, receipt, reverse_path, forward_paths, client, helo, tls, utf8, received_at, size, sum, blob,
	subject, header_from, state, owner, until, fence, crashes, lost, next_at`

// shownColumns are those of a message that somebody looks at.
const shownColumns = messageColumns + `, work_part, work_page, work_pages, work_fence`

func messageFields(m *gateway.Message) []any {
	return []any{&m.ID, &m.Receipt, &m.Envelope.From, list{&m.Envelope.To}, &m.Envelope.Client, &m.Envelope.Helo,
		&m.Envelope.TLS, &m.Envelope.UTF8, stamp{&m.ReceivedAt}, &m.Size, digest{&m.Sum}, &m.Blob,
		&m.Subject, &m.From, &m.State, &m.Lease.Owner, stamp{&m.Lease.Until}, &m.Lease.Fence,
		&m.Crashes, &m.Lost, stamp{&m.NextAt}}
}

func scanMessage(m *gateway.Message) func(scanner) error {
	return func(s scanner) error { return s.Scan(messageFields(m)...) }
}

// scanShown reads shownColumns. What a holder noted counts while they hold the
// message.
func scanShown(m *gateway.Message) func(scanner) error {
	return func(s scanner) error {
		var work int64 // the fence of who noted it
		p := &m.Progress
		err := s.Scan(append(messageFields(m), &p.Part, &p.Page, &p.Pages, &work)...)
		if m.State != gateway.Sanitizing || work != m.Lease.Fence {
			*p = gateway.Progress{}
		}
		return err
	}
}

// Receipt implements gateway.Tx.
func (t *tx) Receipt(day string) (int, error) {
	var n int
	err := t.change("receipt", func() error {
		return t.changed(one(&n), `INSERT INTO receipts (day, n) VALUES (?, 1)
			ON CONFLICT (day) DO UPDATE SET n = n + 1 RETURNING n`, day)
	})
	return n, err
}

// Accept implements gateway.Tx. A message needs an ID, a blob and a recipient.
func (t *tx) Accept(m gateway.Message, r ...gateway.Record) error {
	return t.move("accept", func() error {
		if m.ID == "" || m.Blob == "" || len(m.Envelope.To) == 0 {
			return fmt.Errorf("%w: a message needs an id, a blob and a recipient", gateway.ErrState)
		}
		to, err := addresses(m.Envelope.To)
		if err != nil {
			return err
		}
		e, due := m.Envelope, nanos(m.NextAt)
		if _, err := t.exec(`INSERT INTO messages (id, receipt, reverse_path, forward_paths, client, helo, tls, utf8,
				received_at, size, sum, blob, subject, header_from, state, crashes, next_at, due_at, queue_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'accepted', ?, ?, ?, ?)`,
			string(m.ID), m.Receipt, e.From, to, e.Client, e.Helo, e.TLS, e.UTF8,
			nanos(m.ReceivedAt), m.Size, m.Sum[:], m.Blob, m.Subject, m.From, m.Crashes,
			due, due, max(nanos(m.ReceivedAt), due)); err != nil {
			return err
		}
		return t.record(string(m.ID), r)
	})
}

// A claim takes the first row of the queue. Only when none stands at or before
// now is there a second look for rows that came "later" than now but are due:
// clocks of two machines differ, and clocks are put back.
const (
	nextMessage = `(SELECT n FROM messages INDEXED BY messages_queue
		WHERE state <> 'settled' AND queue_at <= ?3 ORDER BY queue_at, n LIMIT 1)`
	earlyMessage = `(SELECT n FROM messages INDEXED BY messages_due
		WHERE state <> 'settled' AND due_at <= ?3 ORDER BY queue_at, n LIMIT 1)`
	claimMessage = `UPDATE messages SET state = 'sanitizing', owner = ?1, until = ?2, due_at = ?2, queue_at = ?2,
		fence = fence + 1, lost = lost + (state = 'sanitizing') WHERE n = `
)

// ClaimMessage implements gateway.Tx. The order is that of arrival or, for a
// message that was returned or lost, of the time it became due again. A lease
// has ended when now is its Until or later.
func (t *tx) ClaimMessage(owner string, now, until time.Time) (gateway.Message, error) {
	var m gateway.Message
	err := t.claim("claim message", owner, now, until, scanMessage(&m),
		claimMessage+nextMessage+` RETURNING `+messageColumns,
		claimMessage+earlyMessage+` RETURNING `+messageColumns)
	return m, err
}

// claim tries queries, in turn, that lease a row and return it.
func (t *tx) claim(what, owner string, now, until time.Time, scan func(scanner) error, queries ...string) error {
	return t.change(what, func() error {
		if owner == "" || !until.After(now) {
			return fmt.Errorf("%w: a lease needs an owner and an end", gateway.ErrState)
		}
		for _, q := range queries {
			err := t.changed(scan, q, owner, nanos(until), nanos(now))
			if !errors.Is(err, gateway.ErrNotFound) {
				return err
			}
		}
		return gateway.ErrNotFound
	})
}

// leased is the condition that a message is still in the hands of a holder.
const leased = ` WHERE id = ? AND state = 'sanitizing' AND owner = ? AND fence = ?`

// held turns the number of rows that matched leased into an error.
func (t *tx) held(n int64, err error, table string, id gateway.ID) error {
	if err != nil || n > 0 {
		return err
	}
	var there int
	if err := t.row(one(&there), `SELECT 1 FROM `+table+` WHERE id = ?`, string(id)); err != nil {
		return err
	}
	return gateway.ErrLease
}

// RenewMessage implements gateway.Tx.
func (t *tx) RenewMessage(m gateway.Message, until time.Time) error {
	return t.change("renew message", func() error {
		u := nanos(until)
		n, err := t.exec(`UPDATE messages SET until = ?, due_at = ?, queue_at = ?`+leased,
			u, u, u, string(m.ID), m.Lease.Owner, m.Lease.Fence)
		return t.held(n, err, "messages", m.ID)
	})
}

// maxPart bounds the path of a part that is noted, in bytes.
const maxPart = 64

// Progress implements gateway.Tx. A later holder's is another fence's, so that
// what an earlier one noted is not shown as theirs.
func (t *tx) Progress(m gateway.Message, p gateway.Progress) error {
	return t.change("note progress", func() error {
		if p.Page < 1 || p.Pages < p.Page || len(p.Part) > maxPart {
			return fmt.Errorf("%w: page %d of %d", gateway.ErrState, p.Page, p.Pages)
		}
		n, err := t.exec(noteProgress+leased, p.Part, p.Page, p.Pages, string(m.ID), m.Lease.Owner, m.Lease.Fence)
		return t.held(n, err, "messages", m.ID)
	})
}

const noteProgress = `UPDATE messages SET work_part = ?, work_page = ?, work_pages = ?, work_fence = fence`

// Return implements gateway.Tx.
func (t *tx) Return(m gateway.Message, r ...gateway.Record) error {
	return t.change("return message", func() error {
		due := nanos(m.NextAt)
		n, err := t.exec(`UPDATE messages SET state = 'accepted', owner = '', until = 0, crashes = ?,
			next_at = ?, due_at = ?, queue_at = max(received_at, ?)`+leased,
			m.Crashes, due, due, due, string(m.ID), m.Lease.Owner, m.Lease.Fence)
		if err := t.held(n, err, "messages", m.ID); err != nil {
			return err
		}
		return t.record(string(m.ID), r)
	})
}

// Settle implements gateway.Tx. Each forward-path of the envelope must be in a
// delivery of KindMail, else nobody would ever account for it (ErrState).
func (t *tx) Settle(m gateway.Message, ds []gateway.Delivery, is []quarantine.Item, r ...gateway.Record) error {
	return t.move("settle", func() error {
		n, err := t.exec(`UPDATE messages SET state = 'settled', owner = '', until = 0, subject = ?, header_from = ?`+leased,
			m.Subject, m.From, string(m.ID), m.Lease.Owner, m.Lease.Fence)
		if err := t.held(n, err, "messages", m.ID); err != nil {
			return err
		}
		if err := t.covers(m.ID, ds); err != nil {
			return err
		}
		for _, d := range ds {
			if d.Message != m.ID {
				return fmt.Errorf("%w: delivery %s of another message", gateway.ErrState, d.ID)
			}
			if err := t.insertDelivery(d); err != nil {
				return fmt.Errorf("delivery %s: %w", d.ID, err)
			}
		}
		for _, i := range is {
			if i.Message != string(m.ID) {
				return fmt.Errorf("%w: item %s of another message", gateway.ErrState, i.ID)
			}
			if err := t.insertItem(i); err != nil {
				return fmt.Errorf("item %s: %w", i.ID, err)
			}
		}
		return t.record(string(m.ID), r)
	})
}

// covers checks that no recipient of a message is forgotten.
func (t *tx) covers(id gateway.ID, ds []gateway.Delivery) error {
	var to []string
	if err := t.row(one(list{&to}), `SELECT forward_paths FROM messages WHERE id = ?`, string(id)); err != nil {
		return err
	}
	for _, a := range to {
		in := func(r gateway.Recipient) bool { return r.Address == a }
		if !slices.ContainsFunc(ds, func(d gateway.Delivery) bool {
			return d.Kind == gateway.KindMail && slices.ContainsFunc(d.Recipients, in)
		}) {
			return fmt.Errorf("%w: a recipient is in no delivery", gateway.ErrState)
		}
	}
	return nil
}

// stillNeeded is true of a message whose original may not be deleted.
const stillNeeded = `(EXISTS (SELECT 1 FROM items WHERE message = messages.id AND state = 'held') OR
	EXISTS (SELECT 1 FROM deliveries WHERE message = messages.id AND state IN ('drafted', 'ready', 'relaying')))`

// ForgetOriginal implements gateway.Tx. ErrState when the message is not
// settled, has an open delivery or a held item.
func (t *tx) ForgetOriginal(id gateway.ID, r ...gateway.Record) error {
	return t.move("forget original", func() error {
		var needed bool
		if err := t.row(one(&needed), `SELECT state <> 'settled' OR `+stillNeeded+` FROM messages WHERE id = ?`, string(id)); err != nil {
			return err
		}
		if needed {
			return fmt.Errorf("%w: the original is still needed", gateway.ErrState)
		}
		if _, err := t.exec(`UPDATE messages SET blob = '' WHERE id = ?`, string(id)); err != nil {
			return err
		}
		return t.record(string(id), r)
	})
}

// Message implements gateway.Ledger.
func (l *Ledger) Message(ctx context.Context, id gateway.ID) (gateway.Message, error) {
	var m gateway.Message
	err := l.view(ctx, func(q query) error {
		return q.row(scanShown(&m), `SELECT `+shownColumns+` FROM messages WHERE id = ?`, string(id))
	})
	if err != nil {
		return gateway.Message{}, fmt.Errorf("read message %s: %w", id, err)
	}
	return m, nil
}

// MessageByReceipt implements gateway.Ledger.
func (l *Ledger) MessageByReceipt(ctx context.Context, receipt string) (gateway.Message, error) {
	var m gateway.Message
	err := l.view(ctx, func(q query) error {
		return q.row(scanShown(&m), `SELECT `+shownColumns+` FROM messages WHERE receipt = ? AND receipt <> ''`, receipt)
	})
	if err != nil {
		return gateway.Message{}, fmt.Errorf("read message %q: %w", receipt, err)
	}
	return m, nil
}

const purgeable = `SELECT ` + messageColumns + ` FROM messages INDEXED BY messages_kept
	WHERE state = 'settled' AND blob <> '' AND received_at < ? AND NOT ` + stillNeeded + ` ORDER BY received_at, n LIMIT ?`

// Purgeable implements gateway.Ledger.
func (l *Ledger) Purgeable(ctx context.Context, before time.Time, n int) ([]gateway.Message, error) {
	var ms []gateway.Message
	err := l.view(ctx, func(q query) error {
		return q.rows(func(s scanner) error {
			var m gateway.Message
			err := scanMessage(&m)(s)
			ms = append(ms, m)
			return err
		}, purgeable, nanos(before), n)
	})
	if err != nil {
		return nil, fmt.Errorf("read purgeable messages: %w", err)
	}
	return ms, nil
}
