package storetest

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"pgregory.net/rapid"

	"sekisho/gateway"
	"sekisho/quarantine"
)

// model is what a ledger must hold, kept by the simplest means: values in
// slices, in the order in which they came.
type model struct {
	*desk
	t    *rapid.T
	ms   []gateway.Message
	ds   []gateway.Delivery
	is   []quarantine.Item
	rows int // audit rows

	// stale are former states of leased rows, whose holders have lost them.
	staleM []gateway.Message
	staleD []gateway.Delivery
}

// ledgerModel plays random calls, on rows in random states and with a clock
// that moves on at random, against a model of the contract.
func ledgerModel(t *rapid.T, parent string, open OpenLedger) {
	dir, err := os.MkdirTemp(parent, "model")
	if err != nil {
		t.Fatal(err)
	}
	m := &model{desk: newDesk(t, dir, open), t: t}
	defer func() { m.close() }()
	t.Repeat(map[string]func(*rapid.T){
		"accept":         m.acceptOne,
		"claim message":  m.claimMessage,
		"return":         m.returnOne,
		"settle":         m.settleOne,
		"claim delivery": m.claimOne,
		"outcome":        m.outcome,
		"redirect":       m.redirect,
		"move item":      m.moveItem,
		"forget":         m.forget,
		"stale holder":   m.stale,
		"undone":         m.undone,
		"tick": func(t *rapid.T) {
			m.now = m.now.Add(time.Duration(rapid.IntRange(1, 90).Draw(t, "seconds")) * time.Second)
		},
		"reopen": func(*rapid.T) { m.reopen(); m.compare() },
		"":       func(*rapid.T) { m.count() },
	})
	m.compare()
}

// pick returns the index of a random row that fits, or skips the action.
func pick[T any](t *rapid.T, what string, rows []T, fits func(T) bool) int {
	var at []int
	for i, r := range rows {
		if fits(r) {
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		t.Skip("no " + what)
	}
	return rapid.SampledFrom(at).Draw(t, what)
}

// apply runs f, which must succeed and leaves n records.
func (m *model) apply(n int, f func(gateway.Tx) error) {
	m.t.Helper()
	m.do(f)
	m.rows += n
}

func (m *model) acceptOne(t *rapid.T) {
	to := rapid.SampledFrom([][]string{{"a@town.example"}, {"a@town.example", "b@town.example"}}).Draw(t, "to")
	v := m.message(to...)
	v.NextAt = rapid.SampledFrom([]time.Time{{}, m.now, m.now.Add(time.Minute)}).Draw(t, "next")
	m.apply(1, func(tx gateway.Tx) error { return tx.Accept(v, m.record()) })
	m.ms = append(m.ms, v)
}

// first returns the row that a claim must give: of those that are due the one
// that has been so for longest, counted from when it came.
func first[T any](rows []T, now time.Time, due func(T) (at, came time.Time, waits bool)) int {
	best, since := -1, time.Time{}
	for i, r := range rows {
		at, came, waits := due(r)
		if !waits || at.After(now) {
			continue
		}
		if came.After(at) {
			at = came
		}
		if best < 0 || at.Before(since) {
			best, since = i, at
		}
	}
	return best
}

func (m *model) claimMessage(t *rapid.T) {
	i := first(m.ms, m.now, func(v gateway.Message) (time.Time, time.Time, bool) {
		if v.State == gateway.Sanitizing {
			return v.Lease.Until, time.Time{}, true
		}
		return v.NextAt, v.ReceivedAt, v.State == gateway.Accepted
	})
	var got gateway.Message
	err := m.try(func(tx gateway.Tx) error {
		var err error
		got, err = tx.ClaimMessage("flow", m.now, m.now.Add(leaseTime))
		return err
	})
	if i < 0 {
		if !errors.Is(err, gateway.ErrNotFound) {
			t.Fatalf("claimed %+v, %v", got, err)
		}
		return
	}
	want := &m.ms[i]
	if want.State == gateway.Sanitizing {
		m.staleM = append(m.staleM, *want)
		want.Lost++
	}
	want.State, want.Lease = gateway.Sanitizing, gateway.Lease{Owner: "flow", Until: m.now.Add(leaseTime), Fence: want.Lease.Fence + 1}
	if err != nil {
		t.Fatal(err)
	}
	same(t, "claimed message", got, *want)
}

func leasedMessage(v gateway.Message) bool { return v.State == gateway.Sanitizing }

func (m *model) returnOne(t *rapid.T) {
	v := &m.ms[pick(t, "leased message", m.ms, leasedMessage)]
	m.staleM = append(m.staleM, *v)
	back := *v
	back.Crashes++
	back.NextAt = m.now.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "back-off")) * time.Second)
	m.apply(0, func(tx gateway.Tx) error { return tx.Return(back) })
	back.State, back.Lease = gateway.Accepted, gateway.Lease{Fence: v.Lease.Fence}
	*v = back
}

func (m *model) settleOne(t *rapid.T) {
	v := &m.ms[pick(t, "leased message", m.ms, leasedMessage)]
	m.staleM = append(m.staleM, *v)
	done := *v
	done.Subject, done.From = "件名", "x"
	var ds []gateway.Delivery
	var is []quarantine.Item
	for _, to := range v.Envelope.To {
		d := m.delivery(*v)
		d.Recipients = []gateway.Recipient{{Address: to, State: gateway.Pending}}
		if rapid.Bool().Draw(t, "hold") {
			d.State, d.Blob = gateway.Held, ""
			for range rapid.IntRange(1, 2).Draw(t, "parts") {
				is = append(is, m.item(d))
			}
		}
		ds = append(ds, d)
	}
	m.apply(1, func(tx gateway.Tx) error { return tx.Settle(done, ds, is, m.record()) })
	done.State, done.Lease = gateway.Settled, gateway.Lease{Fence: v.Lease.Fence}
	*v = done
	m.ds, m.is = append(m.ds, ds...), append(m.is, is...)
}

func (m *model) claimOne(t *rapid.T) {
	i := first(m.ds, m.now, func(v gateway.Delivery) (time.Time, time.Time, bool) {
		if v.State == gateway.Relaying {
			return v.Lease.Until, time.Time{}, true
		}
		return v.NextAt, v.CreatedAt, v.State == gateway.Ready
	})
	var got gateway.Delivery
	err := m.try(func(tx gateway.Tx) error {
		var err error
		got, err = tx.ClaimDelivery("deliver", m.now, m.now.Add(leaseTime))
		return err
	})
	if i < 0 {
		if !errors.Is(err, gateway.ErrNotFound) {
			t.Fatalf("claimed %+v, %v", got, err)
		}
		return
	}
	want := &m.ds[i]
	if want.State == gateway.Relaying {
		m.staleD = append(m.staleD, *want)
	}
	want.State, want.Lease = gateway.Relaying, gateway.Lease{Owner: "deliver", Until: m.now.Add(leaseTime), Fence: want.Lease.Fence + 1}
	if err != nil {
		t.Fatal(err)
	}
	same(t, "claimed delivery", got, *want)
}

func (m *model) outcome(t *rapid.T) {
	v := &m.ds[pick(t, "leased delivery", m.ds, func(v gateway.Delivery) bool { return v.State == gateway.Relaying })]
	m.staleD = append(m.staleD, *v)
	next := *v
	next.Recipients = slices.Clone(v.Recipients)
	r := &next.Recipients[0]
	next.Attempts++
	r.State = rapid.SampledFrom([]gateway.RecipientState{gateway.Pending, gateway.Taken, gateway.Refused}).Draw(t, "answer")
	r.Code, r.Text, r.At = 250, "reply", m.now
	switch r.State {
	case gateway.Taken:
		next.State = gateway.Relayed
	case gateway.Refused:
		next.State = gateway.Failed
	default:
		next.State, next.NextAt = gateway.Ready, m.now.Add(time.Minute)
	}
	m.apply(1, func(tx gateway.Tx) error { return tx.Outcome(next, m.record()) })
	next.Lease = gateway.Lease{Fence: v.Lease.Fence}
	*v = next
}

func (m *model) redirect(t *rapid.T) {
	v := &m.ds[pick(t, "delivery", m.ds, func(gateway.Delivery) bool { return true })]
	to := rapid.SampledFrom([]gateway.DeliveryState{gateway.Ready, gateway.Failed, gateway.Discarded, gateway.Released}).Draw(t, "to")
	legal := to == gateway.Discarded && (v.State == gateway.Held || v.State == gateway.Ready || v.State == gateway.Failed) ||
		to == gateway.Failed && v.State == gateway.Ready ||
		to == gateway.Ready && (v.State == gateway.Ready || v.State == gateway.Failed)
	err := m.try(func(tx gateway.Tx) error { return tx.Redirect(v.ID, to, m.now, m.record()) })
	if !legal {
		if !errors.Is(err, gateway.ErrState) {
			t.Fatalf("%s to %s: %v", v.State, to, err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	m.rows++
	for i := range v.Recipients {
		r := &v.Recipients[i]
		if to == gateway.Failed && r.State == gateway.Pending {
			r.State = gateway.Refused
		} else if to == gateway.Ready && r.State == gateway.Refused {
			r.State = gateway.Pending
		}
	}
	switch to {
	case gateway.Discarded:
		v.Blob = ""
	case gateway.Ready:
		v.NextAt = m.now
		if v.State == gateway.Failed {
			v.Attempts, v.Reason = 0, ""
		}
	}
	v.State = to
}

func (m *model) moveItem(t *rapid.T) {
	i := &m.is[pick(t, "item", m.is, func(quarantine.Item) bool { return true })]
	next := *i
	next.State = rapid.SampledFrom([]quarantine.State{quarantine.Held, quarantine.Released, quarantine.Discarded, quarantine.Expired}).Draw(t, "to")
	next.DecidedAt, next.DecidedBy = m.now, "yamada"
	err := m.try(func(tx gateway.Tx) error { return tx.MoveItem(next, m.record()) })
	if quarantine.Move(i.State, next.State) != nil {
		if !errors.Is(err, quarantine.ErrState) {
			t.Fatalf("%s to %s: %v", i.State, next.State, err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	m.rows++
	*i = next
	m.endHeld(next.Delivery)
}

// endHeld: a held delivery ends with the last item of it.
func (m *model) endHeld(delivery string) {
	end := gateway.Discarded
	for _, i := range m.is {
		switch {
		case i.Delivery != delivery:
		case i.State == quarantine.Held:
			return
		case i.State == quarantine.Released:
			end = gateway.Released
		}
	}
	for n := range m.ds {
		if string(m.ds[n].ID) == delivery && m.ds[n].State == gateway.Held {
			m.ds[n].State = end
		}
	}
}

func (m *model) forget(t *rapid.T) {
	v := &m.ms[pick(t, "message", m.ms, func(gateway.Message) bool { return true })]
	needed := v.State != gateway.Settled ||
		slices.ContainsFunc(m.ds, func(d gateway.Delivery) bool { return d.Message == v.ID && !d.State.Final() }) ||
		slices.ContainsFunc(m.is, func(i quarantine.Item) bool { return i.Message == string(v.ID) && i.State == quarantine.Held })
	err := m.try(func(tx gateway.Tx) error { return tx.ForgetOriginal(v.ID, m.record()) })
	if needed {
		if !errors.Is(err, gateway.ErrState) {
			t.Fatalf("forgot what is needed: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	m.rows++
	v.Blob = ""
}

// stale lets a holder act that has lost its lease.
func (m *model) stale(t *rapid.T) {
	if rapid.Bool().Draw(t, "of a message") {
		v := m.staleM[pick(t, "former message", m.staleM, func(gateway.Message) bool { return true })]
		m.refuse("renew", gateway.ErrLease, func(tx gateway.Tx) error { return tx.RenewMessage(v, m.now.Add(time.Hour)) })
		m.refuse("return", gateway.ErrLease, func(tx gateway.Tx) error { return tx.Return(v) })
		m.refuse("settle", gateway.ErrLease, func(tx gateway.Tx) error {
			return tx.Settle(v, []gateway.Delivery{m.delivery(v)}, nil, m.record())
		})
		return
	}
	v := m.staleD[pick(t, "former delivery", m.staleD, func(gateway.Delivery) bool { return true })]
	v.State = gateway.Ready
	m.refuse("renew", gateway.ErrLease, func(tx gateway.Tx) error { return tx.RenewDelivery(v, m.now.Add(time.Hour)) })
	m.refuse("outcome", gateway.ErrLease, func(tx gateway.Tx) error { return tx.Outcome(v, m.record()) })
}

// undone does several things in a closure that then fails.
func (m *model) undone(t *rapid.T) {
	undone := errors.New("undone")
	m.refuse("undone", undone, func(tx gateway.Tx) error {
		if err := tx.Accept(m.message(), m.record()); err != nil {
			return err
		}
		for range 3 {
			if _, err := tx.ClaimMessage("flow", m.now, m.now.Add(leaseTime)); err != nil && !errors.Is(err, gateway.ErrNotFound) {
				return err
			}
			if _, err := tx.ClaimDelivery("deliver", m.now, m.now.Add(leaseTime)); err != nil && !errors.Is(err, gateway.ErrNotFound) {
				return err
			}
		}
		return undone
	})
}

// count compares the counters, which cost little, after each step.
func (m *model) count() {
	m.t.Helper()
	want := gateway.Counts{AuditPending: int64(m.rows)}
	oldest := func(at time.Time) {
		if want.OldestWaiting.IsZero() || at.Before(want.OldestWaiting) {
			want.OldestWaiting = at
		}
	}
	ms := map[gateway.MessageState]*int{gateway.Accepted: &want.Accepted, gateway.Sanitizing: &want.Sanitizing}
	for _, v := range m.ms {
		if n := ms[v.State]; n != nil {
			*n++
			oldest(v.ReceivedAt)
		}
		if v.Blob != "" {
			want.OriginalBytes += v.Size
		}
	}
	ds := map[gateway.DeliveryState]*int{gateway.Ready: &want.Ready, gateway.Relaying: &want.Relaying, gateway.Held: &want.DeliveriesHeld,
		gateway.Relayed: &want.Relayed, gateway.Failed: &want.Failed, gateway.Discarded: &want.Discarded, gateway.Released: &want.Released}
	for _, v := range m.ds {
		*ds[v.State]++
		if !v.State.Final() {
			oldest(v.CreatedAt)
		}
	}
	for _, i := range m.is {
		if i.State == quarantine.Held {
			want.ItemsHeld++
		}
	}
	got, err := m.l.Counts(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	same(m.t, "counts", got, want)
}

// compare compares everything.
func (m *model) compare() {
	m.t.Helper()
	for _, v := range m.ms {
		same(m.t, "message", m.stored(v.ID), v)
	}
	for _, v := range m.ds {
		same(m.t, "delivery", m.storedDelivery(v.ID), v)
	}
	for _, i := range m.is {
		got, err := m.l.Item(m.t.Context(), i.ID)
		if err != nil {
			m.t.Fatal(err)
		}
		same(m.t, "item", got, i)
	}
	if n := len(pending(m.desk)); n != m.rows {
		m.t.Fatal(fmt.Sprintf("%d audit rows, want %d", n, m.rows))
	}
}
