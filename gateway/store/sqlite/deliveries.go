package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"sekisho/gateway"
)

// defaultLimit is how many rows a query without a limit returns.
const defaultLimit = 1000

const deliveryColumns = `id, coalesce(message, ''), receipt, kind, coalesce(about, ''), reverse_path, policy, state, verdict, reason,
	held_parts, blob, size, sum, passport, created_at, next_at, expires_at, attempts, owner, until, fence`

// scanDelivery scans all but the recipients.
func scanDelivery(d *gateway.Delivery) func(scanner) error {
	return func(s scanner) error {
		return s.Scan(&d.ID, &d.Message, &d.Receipt, &d.Kind, &d.About, &d.From, &d.Policy, &d.State, &d.Verdict, &d.Reason,
			&d.HeldParts, &d.Blob, &d.Size, digest{&d.Sum}, &d.Passport, stamp{&d.CreatedAt}, stamp{&d.NextAt},
			stamp{&d.ExpiresAt}, &d.Attempts, &d.Lease.Owner, stamp{&d.Lease.Until}, &d.Lease.Fence)
	}
}

const recipientsOf = `SELECT delivery, address, state, code, reply, at FROM delivery_recipients
	WHERE delivery IN (SELECT value FROM json_each(?)) ORDER BY delivery, pos`

// recipients fills in the recipients of deliveries.
func recipients(q reads, ds []gateway.Delivery) error {
	at := make(map[gateway.ID]int, len(ds))
	ids := make([]gateway.ID, len(ds))
	for i, d := range ds {
		at[d.ID], ids[i] = i, d.ID
	}
	named, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	return q.rows(func(s scanner) error {
		var id gateway.ID
		var r gateway.Recipient
		if err := s.Scan(&id, &r.Address, &r.State, &r.Code, &r.Text, stamp{&r.At}); err != nil {
			return err
		}
		d := &ds[at[id]]
		d.Recipients = append(d.Recipients, r)
		return nil
	}, recipientsOf, string(named))
}

// Delivery implements gateway.Ledger.
func (l *Ledger) Delivery(ctx context.Context, id gateway.ID) (gateway.Delivery, error) {
	ds, err := l.deliveries(ctx, `SELECT `+deliveryColumns+` FROM deliveries WHERE id = ?`, string(id))
	if err == nil && len(ds) == 0 {
		err = gateway.ErrNotFound
	}
	if err != nil {
		return gateway.Delivery{}, fmt.Errorf("read delivery %s: %w", id, err)
	}
	return ds[0], nil
}

// Deliveries implements gateway.Ledger; oldest is by CreatedAt.
func (l *Ledger) Deliveries(ctx context.Context, q gateway.DeliveryQuery) ([]gateway.Delivery, error) {
	s := selection{table: "deliveries", columns: deliveryColumns, age: "created_at", limit: q.Limit}
	for _, st := range q.States {
		s.states = append(s.states, string(st))
	}
	if q.Message != "" {
		s.where("message = ?", string(q.Message))
	}
	ds, err := l.deliveries(ctx, s.sql(), s.args()...)
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	return ds, nil
}

func (l *Ledger) deliveries(ctx context.Context, selected string, args ...any) ([]gateway.Delivery, error) {
	var ds []gateway.Delivery
	err := l.view(ctx, func(q query) error {
		err := q.rows(func(s scanner) error {
			var d gateway.Delivery
			err := scanDelivery(&d)(s)
			ds = append(ds, d)
			return err
		}, selected, args...)
		if err != nil || len(ds) == 0 {
			return err
		}
		return recipients(q, ds)
	})
	return ds, err
}

// selection builds a list query. Each state is looked up by itself, so that
// an index gives the oldest of each and no long list is ever sorted.
type selection struct {
	table, columns, age string
	states              []string // none: all
	conditions          []string
	values              []any
	limit               int
	newest              bool // first, and kept where there are more than limit
}

// where adds a condition with one argument.
func (s *selection) where(condition string, value any) {
	s.conditions = append(s.conditions, condition)
	s.values = append(s.values, value)
}

func (s *selection) sql() string {
	branches := max(1, len(s.states))
	conditions := s.conditions
	if len(s.states) > 0 {
		conditions = append([]string{"state = ?"}, conditions...)
	}
	where := ""
	if len(conditions) > 0 {
		where = ` WHERE ` + strings.Join(conditions, ` AND `)
	}
	order := ` ORDER BY ` + s.age + `, n LIMIT ?`
	if s.newest {
		order = ` ORDER BY ` + s.age + ` DESC, n DESC LIMIT ?`
	}
	branch := `SELECT * FROM (SELECT n FROM ` + s.table + where + order + `)`
	all := strings.TrimPrefix(strings.Repeat(` UNION ALL `+branch, branches), ` UNION ALL `)
	return `SELECT ` + s.columns + ` FROM ` + s.table + ` WHERE n IN (` + all + `)` + order
}

func (s *selection) args() []any {
	limit := s.limit
	if limit <= 0 {
		limit = defaultLimit
	}
	var args []any
	for i := range max(1, len(s.states)) {
		if len(s.states) > 0 {
			args = append(args, s.states[i])
		}
		args = append(append(args, s.values...), limit)
	}
	return append(args, limit)
}
