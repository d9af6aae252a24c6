package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"sekisho/gateway"
)

// errNoRecord refuses a change that nobody would know of (G6).
var errNoRecord = errors.New("sqlite: a change without an audit record")

// tx is the gateway.Tx of one closure.
type tx struct {
	ctx    context.Context
	conn   *conn
	writes int   // statements that changed rows
	moved  bool  // state changed, so there must be a record
	noted  bool  // there is one
	err    error // once set, the closure cannot succeed any more
	ended  bool  // the closure has returned
}

var _ gateway.Tx = (*tx)(nil)

// change runs one method. If it fails after it changed something, or because
// of SQLite, the closure is lost, whatever it returns: half a method would
// else be committed, perhaps without its record.
func (t *tx) change(what string, f func() error) error {
	if t.ended {
		return errors.New("sqlite: transaction used after its end")
	}
	if t.err != nil {
		return t.err
	}
	before := t.writes
	err := f()
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", what, err)
	if t.err != nil || t.writes != before {
		t.err = err
	}
	return err
}

// move is change for methods that need a record. The record may come with
// another method of the same closure.
func (t *tx) move(what string, f func() error) error {
	return t.change(what, func() error {
		t.moved = true
		return f()
	})
}

// end returns the result of a closure that itself returned err.
func (t *tx) end(err error) error {
	t.ended = true
	switch {
	case err != nil:
		return err
	case t.err != nil: // the closure looked away
		return t.err
	case t.moved && !t.noted:
		return errNoRecord
	}
	return nil
}

// exec runs a statement and returns how many rows it changed.
func (t *tx) exec(query string, args ...any) (int64, error) {
	s, err := t.conn.stmt(t.ctx, query)
	if err != nil {
		return 0, t.broke(err)
	}
	res, err := s.ExecContext(t.ctx, args...)
	if err != nil {
		return 0, t.broke(err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, t.broke(err)
	}
	if n > 0 {
		t.writes++
	}
	return n, nil
}

// row reads one row; no row is gateway.ErrNotFound.
func (t *tx) row(scan func(scanner) error, query string, args ...any) error {
	s, err := t.conn.stmt(t.ctx, query)
	if err != nil {
		return t.broke(err)
	}
	err = scan(s.QueryRowContext(t.ctx, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return gateway.ErrNotFound
	}
	if err != nil {
		return t.broke(err)
	}
	return nil
}

// changed is row for a statement that changes rows and returns one of them.
func (t *tx) changed(scan func(scanner) error, query string, args ...any) error {
	err := t.row(scan, query, args...)
	if err == nil {
		t.writes++
	}
	return err
}

// rows reads all rows.
func (t *tx) rows(scan func(scanner) error, query string, args ...any) error {
	s, err := t.conn.stmt(t.ctx, query)
	if err != nil {
		return t.broke(err)
	}
	rows, err := s.QueryContext(t.ctx, args...)
	if err != nil {
		return t.broke(err)
	}
	if err := each(rows, scan); err != nil {
		return t.broke(err)
	}
	return nil
}

// broke notes that SQLite failed: it may have undone the whole transaction.
func (t *tx) broke(err error) error {
	t.err = translate(err)
	return t.err
}

// query reads on one consistent state, outside of the writer.
type query struct {
	ctx  context.Context
	conn *conn
}

func (q query) row(scan func(scanner) error, query string, args ...any) error {
	s, err := q.conn.stmt(q.ctx, query)
	if err != nil {
		return err
	}
	err = scan(s.QueryRowContext(q.ctx, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return gateway.ErrNotFound
	}
	return err
}

func (q query) rows(scan func(scanner) error, query string, args ...any) error {
	s, err := q.conn.stmt(q.ctx, query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(q.ctx, args...)
	if err != nil {
		return err
	}
	return each(rows, scan)
}

// scanner is a row.
type scanner interface{ Scan(to ...any) error }

// reads is what tx and query have in common.
type reads interface {
	row(scan func(scanner) error, query string, args ...any) error
	rows(scan func(scanner) error, query string, args ...any) error
}

func each(rows *sql.Rows, scan func(scanner) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one returns a scan of a single column.
func one(to any) func(scanner) error {
	return func(s scanner) error { return s.Scan(to) }
}

// nanos is how a time is stored: nanoseconds since 1970, 0 for the zero time.
// Times that do not fit become the nearest that does (the years 1677 to 2262).
func nanos(t time.Time) int64 {
	switch {
	case t.IsZero():
		return 0
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// stamp scans a stored time as UTC.
type stamp struct{ to *time.Time }

// Scan implements sql.Scanner.
func (s stamp) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("stored time is a %T", v)
	}
	*s.to = time.Time{}
	if n != 0 {
		*s.to = time.Unix(0, n).UTC()
	}
	return nil
}

// digest scans 32 bytes.
type digest struct{ to *[32]byte }

// Scan implements sql.Scanner.
func (d digest) Scan(v any) error {
	b, ok := v.([]byte)
	if !ok || len(b) != len(d.to) {
		return fmt.Errorf("stored digest is a %T of %d bytes", v, len(b))
	}
	*d.to = [32]byte(b)
	return nil
}

// optional is a reference that may be missing.
func optional(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// list scans a JSON array of strings.
type list struct{ to *[]string }

// Scan implements sql.Scanner.
func (l list) Scan(v any) error {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("stored list is a %T", v)
	}
	return json.Unmarshal([]byte(s), l.to)
}

// addresses returns forward-paths as a JSON array. JSON would change invalid
// UTF-8 without a word, and another address is another person.
func addresses(to []string) (string, error) {
	for _, a := range to {
		if a == "" || !utf8.ValidString(a) {
			return "", fmt.Errorf("forward-path %q cannot be stored", a)
		}
	}
	b, err := json.Marshal(to)
	return string(b), err
}
