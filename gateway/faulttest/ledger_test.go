package faulttest

import (
	"context"
	"slices"
	"strings"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/store/sqlite"
	"sekisho/quarantine"
)

// ledger is a real ledger whose transactions are operations of the disk. One
// that fails without effect did not begin; one that fails with it was committed
// and its answer was lost.
type ledger struct {
	*sqlite.Ledger
	d *disk
}

var _ gateway.Ledger = ledger{}

func (l ledger) Do(ctx context.Context, f func(gateway.Tx) error) error {
	var names []string
	return l.op("ledger", &names, func() error {
		return l.Ledger.Do(ctx, func(tx gateway.Tx) error {
			names = nil
			return f(&watched{tx, &names})
		})
	})
}

func (l ledger) MarkSequenced(ctx context.Context, rows []audit.Row) error {
	names := []string{"MarkSequenced"}
	return l.op("ledger", &names, func() error { return l.Ledger.MarkSequenced(ctx, rows) })
}

// op runs a transaction as an operation and names it by what it did. SQLite
// works without the lock of the disk.
func (l ledger) op(what string, names *[]string, run func() error) error {
	n, f := l.d.begin(what)
	err := l.d.err
	switch f {
	case with:
		if got := run(); got != nil { // it failed by itself
			err = got
		}
	case none:
		if err = run(); err == nil {
			l.d.called(n, "ledger commits "+strings.Join(*names, " "))
		} else {
			l.d.called(n, "ledger commits nothing")
		}
	}
	l.d.end(n)
	return err
}

func (l ledger) Pending(ctx context.Context, after int64, n int) ([]audit.Row, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return read(l, "Pending", func() ([]audit.Row, error) { return l.Ledger.Pending(ctx, after, n) })
}

func (l ledger) Delivery(ctx context.Context, id gateway.ID) (gateway.Delivery, error) {
	return read(l, "Delivery", func() (gateway.Delivery, error) { return l.Ledger.Delivery(ctx, id) })
}

func (l ledger) Items(ctx context.Context, q gateway.ItemQuery) ([]quarantine.Item, error) {
	return read(l, "Items", func() ([]quarantine.Item, error) { return l.Ledger.Items(ctx, q) })
}

// read runs a read as an operation.
func read[T any](l ledger, name string, run func() (T, error)) (T, error) {
	n, f := l.d.begin("ledger reads " + name)
	l.d.end(n)
	if f != none {
		var zero T
		return zero, l.d.err
	}
	return run()
}

// watched is a transaction that notes which changes it made.
type watched struct {
	gateway.Tx
	names *[]string
}

func (w *watched) note(name string) {
	if !slices.Contains(*w.names, name) {
		*w.names = append(*w.names, name)
	}
}

func (w *watched) Receipt(day string) (int, error) {
	w.note("Receipt")
	return w.Tx.Receipt(day)
}

func (w *watched) Accept(m gateway.Message, r ...gateway.Record) error {
	w.note("Accept")
	return w.Tx.Accept(m, r...)
}

func (w *watched) ClaimMessage(owner string, now, until time.Time) (gateway.Message, error) {
	w.note("ClaimMessage")
	return w.Tx.ClaimMessage(owner, now, until)
}

func (w *watched) Return(m gateway.Message, r ...gateway.Record) error {
	w.note("Return")
	return w.Tx.Return(m, r...)
}

func (w *watched) Settle(m gateway.Message, ds []gateway.Delivery, is []quarantine.Item, r ...gateway.Record) error {
	w.note("Settle")
	return w.Tx.Settle(m, ds, is, r...)
}

func (w *watched) AddDelivery(d gateway.Delivery, r ...gateway.Record) error {
	w.note("AddDelivery")
	return w.Tx.AddDelivery(d, r...)
}

func (w *watched) ClaimDelivery(owner string, now, until time.Time) (gateway.Delivery, error) {
	w.note("ClaimDelivery")
	return w.Tx.ClaimDelivery(owner, now, until)
}

func (w *watched) ClaimDraft(owner string, now, until time.Time) (gateway.Delivery, error) {
	w.note("ClaimDraft")
	return w.Tx.ClaimDraft(owner, now, until)
}

func (w *watched) Compose(d gateway.Delivery, r ...gateway.Record) error {
	w.note("Compose")
	return w.Tx.Compose(d, r...)
}

func (w *watched) Outcome(d gateway.Delivery, r ...gateway.Record) error {
	w.note("Outcome")
	return w.Tx.Outcome(d, r...)
}

func (w *watched) MoveItem(i quarantine.Item, r ...gateway.Record) error {
	w.note("MoveItem")
	return w.Tx.MoveItem(i, r...)
}

func (w *watched) ForgetOriginal(id gateway.ID, r ...gateway.Record) error {
	w.note("ForgetOriginal")
	return w.Tx.ForgetOriginal(id, r...)
}

func (w *watched) Note(r ...gateway.Record) error {
	w.note("Note")
	return w.Tx.Note(r...)
}
