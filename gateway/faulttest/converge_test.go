package faulttest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/flow"
	"sekisho/gateway/store"
)

// converge starts the gateway on what is left, without faults, lets it work,
// and returns whatever contradicts its promises.
func (o *office) converge(d *disk, l files, s *sink, p map[string]bool) []string {
	o.t.Helper()
	o.clock.pass(time.Minute)
	w, err := o.open(d, l, s)
	if err != nil {
		return []string{fmt.Sprintf("it does not start again: %v", err)}
	}
	defer w.close()
	if err := w.tick(); err != nil {
		return []string{fmt.Sprintf("the log does not go on: %v", err)}
	}
	w.settle()
	faults := w.broken(p)
	if len(faults) > 0 {
		faults = append(faults, w.said()...)
	}
	return faults
}

// broken lists broken promises.
func (w *world) broken(p map[string]bool) []string {
	w.t.Helper()
	ctx := w.t.Context()
	faults := w.real.CheckConsistency(ctx)
	missing, err := store.Missing(ctx, w.real, w.originals, w.outbox)
	check(w.t, err)
	faults = append(faults, missing...)
	for receipt := range p {
		faults = append(faults, w.kept(ctx, receipt)...)
	}
	faults = append(faults, w.arrived(ctx)...)
	faults = append(faults, w.agrees(ctx)...)
	return append(faults, w.swept(ctx)...)
}

// kept checks that a promised mail is relayed or held.
func (w *world) kept(ctx context.Context, receipt string) []string {
	m, err := w.real.MessageByReceipt(ctx, receipt)
	if err != nil {
		return []string{fmt.Sprintf("%s was promised: %v", receipt, err)}
	}
	if m.State != gateway.Settled {
		return []string{fmt.Sprintf("%s is %s after %d crashes", receipt, m.State, m.Crashes)}
	}
	ds, err := w.real.Deliveries(ctx, gateway.DeliveryQuery{Message: m.ID})
	check(w.t, err)
	var faults []string
	mails := 0
	for _, d := range ds {
		if d.Kind == gateway.KindMail {
			mails++
		}
		if d.State != gateway.Relayed && (d.State != gateway.Held || d.Kind != gateway.KindMail) {
			faults = append(faults, fmt.Sprintf("%s: a %s is %s", receipt, d.Kind, d.State))
		}
		if d.Reason == "crash_loop" || d.Reason == "internal" {
			faults = append(faults, fmt.Sprintf("%s: held for %s", receipt, d.Reason))
		}
	}
	if mails != 1 {
		faults = append(faults, fmt.Sprintf("%s has %d deliveries of its mail", receipt, mails))
	}
	return faults
}

// arrived checks that the sink has what was relayed and nothing else, twice at
// most, and that the second is the first: its digest is the delivery's.
func (w *world) arrived(ctx context.Context) []string {
	ds, err := w.real.Deliveries(ctx, gateway.DeliveryQuery{})
	check(w.t, err)
	times := map[[32]byte]int{}
	var faults []string
	for _, a := range w.sink.all() {
		times[a.sum]++
	}
	for _, d := range ds {
		n := times[d.Sum]
		delete(times, d.Sum)
		if want := d.State == gateway.Relayed; want != (n > 0) || n > 2 {
			faults = append(faults, fmt.Sprintf("a %s that is %s came %d times", d.Kind, d.State, n))
		}
	}
	if len(times) > 0 {
		faults = append(faults, fmt.Sprintf("%d mails came that no delivery knows", len(times)))
	}
	return faults
}

// agrees checks that the log verifies and that ledger and log say the same, as
// sekisho verify does.
func (w *world) agrees(ctx context.Context) []string {
	r, err := audit.Verify(ctx, w.trail, w.office.audit.Keys, audit.VerifyOptions{Interval: 1e6 * time.Hour})
	if err != nil {
		return []string{fmt.Sprintf("verify: %v", err)}
	}
	var faults []string
	if r.Verdict != audit.Intact || r.TornBytes > 0 {
		faults = append(faults, fmt.Sprintf("the log is %v, %d bytes torn: %v", r.Verdict, r.TornBytes, r.Faults))
	}
	rows, err := w.real.Pending(ctx, -1, 100_000)
	check(w.t, err)
	bySeq := map[int64]audit.Row{}
	for _, row := range rows {
		if row.Seq < 0 {
			faults = append(faults, fmt.Sprintf("a %s has no place in the log", row.Event.Verb))
		}
		bySeq[row.Seq] = row
	}
	err = audit.Select(ctx, w.trail, audit.Filter{}, func(_ []byte, e audit.Event) error {
		row, ok := bySeq[e.Seq]
		delete(bySeq, e.Seq)
		if !ok && !e.OfLog() {
			faults = append(faults, fmt.Sprintf("record %d (%s) has no row", e.Seq, e.Verb))
		}
		if !ok {
			return nil
		}
		want, err := row.Event.ContentDigest()
		if err != nil {
			return err
		}
		if got, err := e.ContentDigest(); err != nil || got != want {
			faults = append(faults, fmt.Sprintf("record %d is not its row: %v", e.Seq, err))
		}
		return nil
	})
	check(w.t, err)
	if len(bySeq) > 0 {
		faults = append(faults, fmt.Sprintf("%d rows have places that the log lacks", len(bySeq)))
	}
	return faults
}

// swept has the janitor come two days later, and checks that he leaves the
// named files and no others.
func (w *world) swept(ctx context.Context) []string {
	now := w.clock.now().Add(48 * time.Hour)
	j := flow.Janitor{Ledger: w.real, Originals: w.originals, Outbox: w.outbox, Retain: func() time.Duration { return 90 * 24 * time.Hour },
		Scribe: gateway.Scribe{Clock: func() time.Time { return now }, Random: zeros{}, Version: "test"}}
	if err := j.Tidy(ctx); err != nil {
		return []string{fmt.Sprintf("the janitor: %v", err)}
	}
	originals, outbox, err := w.real.Blobs(ctx)
	check(w.t, err)
	var faults []string
	for _, b := range []struct {
		name  string
		store gateway.Blobs
		want  map[string]bool
	}{{"originals", w.originals, originals}, {"outbox", w.outbox, outbox}} {
		var found []string
		err := b.store.Walk(ctx, func(name string, _ int64, _ time.Time) error { found = append(found, name); return nil })
		check(w.t, err)
		strange := slices.ContainsFunc(found, func(n string) bool { return !b.want[n] })
		if strange || len(found) != len(b.want) {
			faults = append(faults, fmt.Sprintf("%s: %d files, %d named", b.name, len(found), len(b.want)))
		}
	}
	return faults
}

// zeros is a source of randomness of which nothing depends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
