package sqlite

import (
	"context"
	"fmt"

	"sekisho/gateway"
	"sekisho/quarantine"
)

const itemColumns = `id, message, coalesce(delivery, ''), receipt, recipient, path, name, kind, reason, detail, sum, size,
	state, held_at, expires_at, decided_at, decided_by`

func scanItem(i *quarantine.Item) func(scanner) error {
	return func(s scanner) error {
		return s.Scan(&i.ID, &i.Message, &i.Delivery, &i.Receipt, &i.Recipient, &i.Path, &i.Name, &i.Kind, &i.Reason,
			&i.Detail, digest{&i.Sum}, &i.Size, &i.State, stamp{&i.HeldAt}, stamp{&i.ExpiresAt}, stamp{&i.DecidedAt}, &i.DecidedBy)
	}
}

func (t *tx) insertItem(i quarantine.Item) error {
	if i.State != quarantine.Held {
		return fmt.Errorf("%w: an item cannot begin %q", gateway.ErrState, i.State)
	}
	_, err := t.exec(`INSERT INTO items (id, message, delivery, receipt, recipient, path, name, kind, reason, detail, sum, size,
			state, held_at, expires_at, decided_at, decided_by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'held', ?, ?, 0, '')`,
		i.ID, i.Message, optional(i.Delivery), i.Receipt, i.Recipient, i.Path, i.Name, string(i.Kind), string(i.Reason),
		i.Detail, i.Sum[:], i.Size, nanos(i.HeldAt), nanos(i.ExpiresAt))
	return err
}

// AddItem implements gateway.ReleaseTx.
func (t *tx) AddItem(i quarantine.Item, r ...gateway.Record) error {
	return t.move("add item", func() error {
		if err := t.insertItem(i); err != nil {
			return err
		}
		return t.record(i.Message, r)
	})
}

// MoveItem implements gateway.Tx. Only State, DecidedAt and DecidedBy of i are
// stored; the rest of an item never changes.
func (t *tx) MoveItem(i quarantine.Item, r ...gateway.Record) error {
	return t.move("move item", func() error {
		var was quarantine.Item
		if err := t.row(scanItem(&was), `SELECT `+itemColumns+` FROM items WHERE id = ?`, i.ID); err != nil {
			return err
		}
		if err := quarantine.Move(was.State, i.State); err != nil {
			return err
		}
		if err := t.unasked(i.ID); err != nil {
			return err
		}
		if _, err := t.exec(`UPDATE items SET state = ?, decided_at = ?, decided_by = ? WHERE id = ?`,
			string(i.State), nanos(i.DecidedAt), i.DecidedBy, i.ID); err != nil {
			return err
		}
		if _, err := t.exec(endHeld, was.Message, was.Delivery); err != nil {
			return err
		}
		return t.record(was.Message, r)
	})
}

// endHeld ends a wholly held delivery when nothing of it is held any more.
const endHeld = `UPDATE deliveries SET state = iif(EXISTS (SELECT 1 FROM items WHERE message = ?1 AND state = 'released' AND delivery = ?2), 'released', 'discarded')
	WHERE id = ?2 AND state = 'held' AND NOT EXISTS (SELECT 1 FROM items WHERE message = ?1 AND state = 'held' AND delivery = ?2)`

// Item implements gateway.Ledger.
func (l *Ledger) Item(ctx context.Context, id string) (quarantine.Item, error) {
	var i quarantine.Item
	err := l.view(ctx, func(q query) error {
		return q.row(scanItem(&i), `SELECT `+itemColumns+` FROM items WHERE id = ?`, id)
	})
	if err != nil {
		return quarantine.Item{}, fmt.Errorf("read item %s: %w", id, err)
	}
	return i, nil
}

// Items implements gateway.Ledger; oldest is by HeldAt, or by ExpiresAt when
// DueBefore is asked for.
func (l *Ledger) Items(ctx context.Context, q gateway.ItemQuery) ([]quarantine.Item, error) {
	s := selection{table: "items", columns: itemColumns, age: "held_at", limit: q.Limit}
	for _, st := range q.States {
		s.states = append(s.states, string(st))
	}
	if q.Message != "" {
		s.where("message = ?", string(q.Message))
	}
	if q.Recipient != "" {
		s.where("recipient = ?", q.Recipient)
	}
	if !q.DueBefore.IsZero() {
		s.where("expires_at < ?", nanos(q.DueBefore))
		s.age = "expires_at"
	}
	var is []quarantine.Item
	err := l.view(ctx, func(q query) error {
		return q.rows(func(s scanner) error {
			var i quarantine.Item
			err := scanItem(&i)(s)
			is = append(is, i)
			return err
		}, s.sql(), s.args()...)
	})
	if err != nil {
		return nil, fmt.Errorf("read items: %w", err)
	}
	return is, nil
}
