package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"sekisho/gateway"
	"sekisho/quarantine"
)

// jsonOf is how lists and persons are stored.
func jsonOf(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// decoded scans JSON.
type decoded struct{ to any }

// Scan implements sql.Scanner.
func (d decoded) Scan(v any) error {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("stored JSON is a %T", v)
	}
	return json.Unmarshal([]byte(s), d.to)
}

const requestColumns = `id, item, message, receipt, recipient, original, form, profile, coalesce(exception, ''), person, dept, reason, persons,
	state, version, requested_at, expires_at, ended_at, coalesce(delivery, ''), fault, left_out`

// scanRequest scans all but the decisions.
func scanRequest(r *quarantine.ReleaseRequest) func(scanner) error {
	return func(s scanner) error {
		return s.Scan(&r.ID, &r.Item, &r.Message, &r.Receipt, &r.Recipient, list{&r.Original}, &r.Form, &r.Profile, &r.Exception,
			decoded{&r.Requester}, &r.Dept, &r.Reason, &r.Persons, &r.State, &r.Version, stamp{&r.RequestedAt}, stamp{&r.ExpiresAt},
			stamp{&r.EndedAt}, &r.Delivery, &r.Fault, list{&r.LeftOut})
	}
}

// AddRequest implements gateway.ReleaseTx.
func (t *tx) AddRequest(r quarantine.ReleaseRequest, rec ...gateway.Record) error {
	return t.move("add request", func() error {
		var i quarantine.Item
		if err := t.row(scanItem(&i), `SELECT `+itemColumns+` FROM items WHERE id = ?`, r.Item); err != nil {
			return fmt.Errorf("item %s: %w", r.Item, err)
		}
		if i.State != quarantine.Held {
			return quarantine.Ended
		}
		if err := t.unasked(r.Item); err != nil {
			return err
		}
		switch {
		case !r.State.Open() || r.Version != 1 || len(r.Decisions) > 0 || r.Message != i.Message:
			return fmt.Errorf("%w: a request cannot begin %q", gateway.ErrState, r.State)
		case r.State == quarantine.Approved && r.Granted() != nil:
			return r.Granted()
		}
		original, err := addresses(r.Original)
		if err != nil {
			return err
		}
		if r.Original == nil {
			original = "[]"
		}
		person, err := jsonOf(r.Requester)
		if err != nil {
			return err
		}
		if _, err := t.exec(`INSERT INTO release_requests (id, item, message, receipt, recipient, original, form, profile, exception, requester, person,
				dept, reason, persons, state, version, requested_at, expires_at, ended_at, fault)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '')`,
			r.ID, r.Item, r.Message, r.Receipt, r.Recipient, original, string(r.Form), string(r.Profile), optional(r.Exception), r.Requester.ID, person,
			r.Dept, r.Reason, r.Persons, string(r.State), r.Version, nanos(r.RequestedAt), nanos(r.ExpiresAt)); err != nil {
			return err
		}
		return t.record(r.Message, rec)
	})
}

// unasked checks that no request of an item is open.
func (t *tx) unasked(item string) error {
	var open string
	err := t.row(one(&open), openRequest, item)
	if errors.Is(err, gateway.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: request %s is open", quarantine.ErrState, open)
}

const openRequest = `SELECT id FROM release_requests WHERE item = ? AND state IN ('requested', 'approved')`

// MoveRequest implements gateway.ReleaseTx. What becomes Approved or Executed
// is judged by quarantine's own count of persons once more.
func (t *tx) MoveRequest(r quarantine.ReleaseRequest, rec ...gateway.Record) error {
	return t.move("move request", func() error {
		was, err := t.storedRequest(r.ID)
		if err != nil {
			return err
		}
		if was.Version+1 != r.Version {
			return quarantine.AlreadyDecided
		}
		if err := quarantine.MoveRequest(was.State, r.State); err != nil {
			return err
		}
		if err := t.addDecisions("request", r.ID, was.Decisions, r.Decisions); err != nil {
			return err
		}
		was.Decisions = r.Decisions
		if r.State == quarantine.Approved || r.State == quarantine.Executed {
			was.State = quarantine.Approved
			if err := was.Granted(); err != nil {
				return err
			}
		}
		leftOut := "[]"
		if len(r.LeftOut) > 0 {
			if leftOut, err = addresses(r.LeftOut); err != nil {
				return err
			}
		}
		if _, err := t.exec(`UPDATE release_requests SET state = ?, version = ?, ended_at = ?, delivery = ?, fault = ?, left_out = ? WHERE id = ?`,
			string(r.State), r.Version, nanos(r.EndedAt), optional(r.Delivery), r.Fault, leftOut, r.ID); err != nil {
			return err
		}
		return t.record(was.Message, rec)
	})
}

func (t *tx) storedRequest(id string) (quarantine.ReleaseRequest, error) {
	var r quarantine.ReleaseRequest
	if err := t.row(scanRequest(&r), `SELECT `+requestColumns+` FROM release_requests WHERE id = ?`, id); err != nil {
		return r, err
	}
	var err error
	r.Decisions, err = decisionsOf(t, decisionsOfRequest, id)
	return r, err
}

// addDecisions stores the decisions that came to those stored.
func (t *tx) addDecisions(subject, id string, was, now []quarantine.Decision) error {
	if len(now) < len(was) || len(now) > len(was)+1 {
		return fmt.Errorf("%w: %d decisions became %d", gateway.ErrState, len(was), len(now))
	}
	for n := len(was); n < len(now); n++ {
		d := now[n]
		person, err := jsonOf(d.By)
		if err != nil {
			return err
		}
		also := "[]"
		if len(d.Also) > 0 {
			if also, err = addresses(d.Also); err != nil {
				return err
			}
		}
		if _, err := t.exec(`INSERT INTO decisions (`+subject+`, pos, choice, actor, person, on_behalf_of, step, at, reason, basis, also)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, id, n, string(d.Choice), d.By.ID, person, d.OnBehalfOf, d.Order, nanos(d.At), d.Reason,
			string(d.Basis), also); err != nil {
			return err
		}
	}
	return nil
}

const (
	decisionColumns      = `SELECT choice, person, on_behalf_of, step, at, reason, basis, also FROM decisions `
	decisionsOfRequest   = decisionColumns + `WHERE request = ? ORDER BY pos`
	decisionsOfException = decisionColumns + `WHERE exception = ? ORDER BY pos`
)

func decisionsOf(q reads, query, id string) ([]quarantine.Decision, error) {
	var ds []quarantine.Decision
	err := q.rows(func(s scanner) error {
		var d quarantine.Decision
		err := s.Scan(&d.Choice, decoded{&d.By}, &d.OnBehalfOf, &d.Order, stamp{&d.At}, &d.Reason, &d.Basis, list{&d.Also})
		if len(d.Also) == 0 {
			d.Also = nil
		}
		ds = append(ds, d)
		return err
	}, query, id)
	return ds, err
}

// Request implements gateway.Releases.
func (l *Ledger) Request(ctx context.Context, id string) (quarantine.ReleaseRequest, error) {
	rs, err := l.requests(ctx, `SELECT `+requestColumns+` FROM release_requests WHERE id = ?`, id)
	if err == nil && len(rs) == 0 {
		err = gateway.ErrNotFound
	}
	if err != nil {
		return quarantine.ReleaseRequest{}, fmt.Errorf("read request %s: %w", id, err)
	}
	return rs[0], nil
}

// Requests implements gateway.Releases; oldest is by RequestedAt, or by
// ExpiresAt when DueBefore is asked for.
func (l *Ledger) Requests(ctx context.Context, q gateway.RequestQuery) ([]quarantine.ReleaseRequest, error) {
	s := selection{table: "release_requests", columns: requestColumns, age: "requested_at", limit: q.Limit, newest: q.Newest}
	for _, st := range q.States {
		s.states = append(s.states, string(st))
	}
	for column, value := range map[string]string{"item": q.Item, "message": string(q.Message), "requester": q.Requester} {
		if value != "" {
			s.where(column+" = ?", value)
		}
	}
	if !q.DueBefore.IsZero() {
		s.where("expires_at <= ?", nanos(q.DueBefore))
		s.age = "expires_at"
	}
	rs, err := l.requests(ctx, s.sql(), s.args()...)
	if err != nil {
		return nil, fmt.Errorf("read requests: %w", err)
	}
	return rs, nil
}

func (l *Ledger) requests(ctx context.Context, selected string, args ...any) ([]quarantine.ReleaseRequest, error) {
	var rs []quarantine.ReleaseRequest
	err := l.view(ctx, func(q query) error {
		rs = nil
		err := q.rows(func(s scanner) error {
			var r quarantine.ReleaseRequest
			err := scanRequest(&r)(s)
			if len(r.Original) == 0 {
				r.Original = nil
			}
			if len(r.LeftOut) == 0 {
				r.LeftOut = nil
			}
			rs = append(rs, r)
			return err
		}, selected, args...)
		for i := range rs {
			if err == nil {
				rs[i].Decisions, err = decisionsOf(q, decisionsOfRequest, rs[i].ID)
			}
		}
		return err
	})
	return rs, err
}
