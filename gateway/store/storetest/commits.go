package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
)

// pending returns the audit rows without a place.
func pending(d *desk) []audit.Row {
	d.t.Helper()
	rows, err := d.l.Pending(context.Background(), 1<<50, 10000)
	if err != nil {
		d.t.Fatal(err)
	}
	return rows
}

func needsRecord(t *testing.T, d *desk) {
	m, v, i := heldMail(d)
	waiting := d.accept()
	leased := d.claim("flow")
	sending := d.claimDelivery("deliver")
	sent := sending
	sent.State, sent.Recipients = gateway.Relayed, []gateway.Recipient{{Address: v.Recipients[0].Address, State: gateway.Taken}}
	gone := i
	gone.State, gone.DecidedAt, gone.DecidedBy = "released", d.now, "yamada"
	before := len(pending(d))
	for name, f := range map[string]func(gateway.Tx) error{
		"accept":       func(tx gateway.Tx) error { return tx.Accept(d.message()) },
		"settle":       func(tx gateway.Tx) error { return tx.Settle(leased, []gateway.Delivery{d.delivery(leased)}, nil) },
		"add delivery": func(tx gateway.Tx) error { return tx.AddDelivery(d.delivery(m)) },
		"outcome":      func(tx gateway.Tx) error { return tx.Outcome(sent) },
		"move item":    func(tx gateway.Tx) error { return tx.MoveItem(gone) },
		"erase":        func(tx gateway.Tx) error { return tx.Erase(m.ID) },
	} {
		if err := d.try(f); err == nil {
			t.Errorf("%s without a record was kept", name)
		}
	}
	same(t, "message", d.stored(waiting.ID), leased)
	same(t, "delivery", d.storedDelivery(v.ID), sending)
	if got, err := d.l.Item(t.Context(), i.ID); err != nil || got.State != "held" {
		t.Errorf("item: %+v, %v", got, err)
	}
	if n := len(pending(d)); n != before {
		t.Errorf("%d audit rows, want %d", n, before)
	}
	// A record of another method of the same closure will do.
	d.do(func(tx gateway.Tx) error { return errors.Join(tx.Outcome(sent), tx.Note(d.record())) })
}

func badRecords(t *testing.T, d *desk) {
	used := d.record()
	d.do(func(tx gateway.Tx) error { return tx.Note(used) })
	other, err := audit.Commit("件名", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*gateway.Record){
		"an unknown verb":       func(r *gateway.Record) { r.Event.Verb = "message.eaten" },
		"no outcome":            func(r *gateway.Record) { r.Event.Outcome = "" },
		"a control character":   func(r *gateway.Record) { r.Event.Actor.Name = "a\nb" },
		"a place in the log":    func(r *gateway.Record) { r.Event.Seg = "2026-11" },
		"an id that is taken":   func(r *gateway.Record) { r.Event.ID = used.Event.ID },
		"an opening of nothing": func(r *gateway.Record) { r.Openings = []audit.Opening{other} },
		"an opening that is changed": func(r *gateway.Record) {
			o := other
			o.Value += "x"
			r.Event.Commit.Subject = o.Digest
			r.Openings = []audit.Opening{o}
		},
	} {
		r, m := d.record(), d.message()
		spoil(&r)
		if err := d.try(func(tx gateway.Tx) error { return tx.Accept(m, d.record(), r) }); err == nil {
			t.Errorf("took a record with %s", name)
		}
		if _, err := d.l.Message(t.Context(), m.ID); !errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("%s: the message was kept: %v", name, err)
		}
	}
	if n := len(pending(d)); n != 1 {
		t.Errorf("%d audit rows", n)
	}
}

// halfChange looks away from an error that came in the middle of a method, or
// from one of the store itself.
func halfChange(t *testing.T, d *desk) {
	d.accept()
	m := d.claim("flow")
	for name, f := range map[string]func(gateway.Tx) error{
		"settle": func(tx gateway.Tx) error {
			v := d.delivery(m)
			bad := d.delivery(m)
			bad.State = gateway.Relayed
			return tx.Settle(m, []gateway.Delivery{v, bad}, nil, d.record())
		},
		"accept": func(tx gateway.Tx) error {
			bad := d.record()
			bad.Event.Verb = "no.verb"
			return tx.Accept(d.message(), d.record(), bad)
		},
		"duplicate": func(tx gateway.Tx) error { return tx.Accept(m, d.record()) },
	} {
		also := d.message()
		err := d.try(func(tx gateway.Tx) error {
			if err := tx.Accept(also, d.record()); err != nil {
				return err
			}
			if f(tx) == nil {
				return fmt.Errorf("%s succeeded", name)
			}
			if err := tx.Note(d.record()); err == nil {
				return fmt.Errorf("%s failed, and the next method did not", name)
			}
			return nil
		})
		if err == nil {
			t.Errorf("%s: half a change was committed", name)
		}
		if _, err := d.l.Message(t.Context(), also.ID); !errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("%s: the change before it was kept: %v", name, err)
		}
	}
	same(t, "unharmed", d.stored(m.ID), m)
	// An error that changed nothing may be looked away from.
	d.do(func(tx gateway.Tx) error {
		if _, err := tx.ClaimDelivery("deliver", d.now, d.now.Add(time.Hour)); !errors.Is(err, gateway.ErrNotFound) {
			return fmt.Errorf("claim: %w", err)
		}
		return tx.Note(d.record())
	})
}

func closureDies(t *testing.T, d *desk) {
	for name, die := range map[string]func(){
		"panic": func() { panic("boom") },
		"exit":  runtime.Goexit,
	} {
		m := d.message()
		done := make(chan error, 1)
		go func() {
			done <- d.try(func(tx gateway.Tx) error {
				if err := tx.Accept(m, d.record()); err != nil {
					return err
				}
				die()
				return nil
			})
		}()
		if err := <-done; err == nil || name == "panic" && !strings.Contains(err.Error(), "boom") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := d.l.Message(t.Context(), m.ID); !errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("%s: the change was kept: %v", name, err)
		}
		d.accept() // the ledger goes on
	}
	var leaked gateway.Tx
	d.do(func(tx gateway.Tx) error { leaked = tx; return nil })
	if err := leaked.Accept(d.message(), d.record()); err == nil {
		t.Error("a transaction was used after its end")
	}
}

func contexts(t *testing.T, d *desk) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.l.Do(ended, func(gateway.Tx) error { t.Error("ran"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("do: %v", err)
	}
	if _, err := d.l.Counts(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("counts: %v", err)
	}
	// A closure that has begun is committed, even if its context ends.
	during, cancel := context.WithCancel(t.Context())
	m := d.message()
	if err := d.l.Do(during, func(tx gateway.Tx) error { cancel(); return tx.Accept(m, d.record()) }); err != nil {
		t.Errorf("do: %v", err)
	}
	same(t, "begun before the end", d.stored(m.ID), m)

	// One that waits behind another is dropped.
	waits, cancel := context.WithCancel(t.Context())
	begun, goOn := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		first <- d.try(func(gateway.Tx) error { close(begun); <-goOn; return nil })
	}()
	<-begun
	second := make(chan error, 1)
	go func() {
		second <- d.l.Do(waits, func(gateway.Tx) error { t.Error("a dropped closure ran"); return nil })
	}()
	cancel()
	if err := <-second; !errors.Is(err, context.Canceled) {
		t.Errorf("waiting closure: %v", err)
	}
	close(goOn)
	if err := <-first; err != nil {
		t.Errorf("first closure: %v", err)
	}
	d.accept()
}

func concurrent(t *testing.T, d *desk) {
	const workers, each = 8, 20
	odd := errors.New("odd")
	messages := make([]gateway.Message, workers*each)
	records := make([]gateway.Record, len(messages))
	for i := range messages {
		messages[i], records[i] = d.message(), d.record()
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(messages); i += workers {
				err := d.try(func(tx gateway.Tx) error {
					if err := tx.Accept(messages[i], records[i]); err != nil {
						return err
					}
					if i%2 == 1 {
						return odd
					}
					return nil
				})
				if i%2 == 0 && err != nil || i%2 == 1 && !errors.Is(err, odd) {
					t.Errorf("closure %d: %v", i, err)
				}
			}
		})
	}
	wg.Wait()
	d.reopen()
	for i, m := range messages {
		_, err := d.l.Message(t.Context(), m.ID)
		if i%2 == 0 && err != nil || i%2 == 1 && !errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("message %d: %v", i, err)
		}
	}
	if n := len(pending(d)); n != len(messages)/2 {
		t.Errorf("%d audit rows for %d messages", n, len(messages)/2)
	}
}

func auditSource(t *testing.T, d *desk) {
	var want []audit.Event
	for range 5 {
		r := d.record()
		want = append(want, r.Event)
		d.do(func(tx gateway.Tx) error { return tx.Note(r) })
	}
	read := func(after int64, n int) []audit.Row {
		t.Helper()
		rows, err := d.l.Pending(t.Context(), after, n)
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	ids := func(rows []audit.Row) []string {
		var ids []string
		for _, r := range rows {
			ids = append(ids, r.Event.ID)
		}
		return ids
	}
	rows := read(-1, 100)
	for i, r := range rows {
		got, err := r.Event.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		was, err := want[i].Canonical()
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(was) || r.Seq != -1 || i > 0 && r.ID <= rows[i-1].ID {
			t.Errorf("row %d: %+v", i, r)
		}
	}
	same(t, "two at most", ids(read(-1, 2)), ids(rows)[:2])
	for i := range rows {
		rows[i].Seq = int64(10 + i)
	}
	mark := func(rows []audit.Row) {
		t.Helper()
		for range 2 { // the second time is no error
			if err := d.l.MarkSequenced(t.Context(), rows); err != nil {
				t.Fatal(err)
			}
		}
	}
	mark(rows[:3])
	d.reopen()
	same(t, "the rest", ids(read(12, 100)), ids(rows)[3:])
	same(t, "the log has lost two", ids(read(10, 100)), ids(rows)[1:])
	same(t, "two of them", ids(read(10, 2)), ids(rows)[1:3])
	lost := read(10, 2)
	if lost[0].Seq != 11 {
		t.Errorf("lost row: %+v", lost[0])
	}
	for i := range lost {
		lost[i].Seq = int64(12 + i) // the place that the second one had
	}
	mark(lost)
	mark([]audit.Row{{ID: rows[3].ID, Seq: 20}, {ID: rows[4].ID, Seq: 21}})
	same(t, "none", ids(read(21, 100)), nil)
	if c, err := d.l.Counts(t.Context()); err != nil || c.AuditPending != 0 {
		t.Errorf("counts: %+v, %v", c, err)
	}
	for _, bad := range []audit.Row{{ID: 1 << 40, Seq: 30}, {ID: rows[0].ID, Seq: -1}} {
		if err := d.l.MarkSequenced(t.Context(), []audit.Row{bad}); err == nil {
			t.Errorf("marked %+v", bad)
		}
	}
}

func openings(t *testing.T, d *desk) {
	s := gateway.Scribe{Clock: func() time.Time { return d.now }, Version: "test"}
	commit := func() (gateway.Message, gateway.Record) {
		m, r := d.message(), d.record()
		if err := s.Commit(&r, "会議の件", "見積書.xlsx"); err != nil {
			t.Fatal(err)
		}
		d.do(func(tx gateway.Tx) error { return tx.Accept(m, r) })
		return m, r
	}
	m, r := commit()
	_, other := commit()
	for _, o := range append(r.Openings, other.Openings...) {
		got, err := d.l.Opening(t.Context(), o.Digest)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "opening", got, o)
	}
	d.do(func(tx gateway.Tx) error { return tx.Erase(m.ID, d.record()) })
	d.reopen()
	for _, o := range r.Openings {
		if got, err := d.l.Opening(t.Context(), o.Digest); !errors.Is(err, gateway.ErrNotFound) || got.Value != "" {
			t.Errorf("erased opening: %+v, %v", got, err)
		}
	}
	for _, o := range other.Openings {
		if _, err := d.l.Opening(t.Context(), o.Digest); err != nil {
			t.Errorf("opening of another message: %v", err)
		}
	}
	if n := len(pending(d)); n != 3 {
		t.Errorf("%d audit rows", n)
	}
}

func closeReopen(t *testing.T, d *desk) {
	m := d.accept()
	old := d.l
	d.close()
	if err := old.Close(); err != nil {
		t.Errorf("close twice: %v", err)
	}
	ran := false
	if err := old.Do(t.Context(), func(gateway.Tx) error { ran = true; return nil }); err == nil || ran {
		t.Errorf("do after close: %v, ran: %v", err, ran)
	}
	if _, err := old.Message(t.Context(), m.ID); err == nil {
		t.Error("read after close")
	}
	d.l = nil
	d.reopen()
	same(t, "message", d.stored(m.ID), m)
}
