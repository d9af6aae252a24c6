package storetest

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"sekisho/gateway"
	"sekisho/quarantine"
)

// heldMail makes a settled message with a relayed-to-be delivery and a held item.
func heldMail(d *desk) (gateway.Message, gateway.Delivery, quarantine.Item) {
	d.t.Helper()
	d.accept()
	m := d.claim("flow")
	v := d.delivery(m)
	i := d.item(v)
	d.do(func(tx gateway.Tx) error {
		return tx.Settle(m, []gateway.Delivery{v}, []quarantine.Item{i}, d.record())
	})
	return m, v, i
}

// finish relays the next delivery.
func finish(d *desk) {
	d.t.Helper()
	v := d.claimDelivery("deliver")
	v.State = gateway.Relayed
	for i := range v.Recipients {
		v.Recipients[i].State = gateway.Taken
	}
	d.do(func(tx gateway.Tx) error { return tx.Outcome(v, d.record()) })
}

func items(t *testing.T, d *desk) {
	all := []quarantine.State{"", quarantine.Held, quarantine.Released, quarantine.Discarded, quarantine.Expired}
	for _, first := range all[2:] {
		_, _, i := heldMail(d)
		for _, bad := range all[:2] {
			b := i
			b.State = bad
			d.refuse("held to "+string(bad), quarantine.ErrState, func(tx gateway.Tx) error { return tx.MoveItem(b, d.record()) })
		}
		moved := i
		moved.State, moved.DecidedAt, moved.DecidedBy = first, d.now, "yamada"
		spoilt := moved
		spoilt.Name, spoilt.Sum, spoilt.Recipient, spoilt.ExpiresAt = "other", [32]byte{}, "x", time.Time{}
		d.do(func(tx gateway.Tx) error { return tx.MoveItem(spoilt, d.record()) })
		got, err := d.l.Item(t.Context(), i.ID)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "decided item", got, moved)
		for _, next := range all {
			again := moved
			again.State, again.DecidedBy = next, "sato"
			d.refuse("decide again", quarantine.ErrState, func(tx gateway.Tx) error { return tx.MoveItem(again, d.record()) })
		}
	}
	if _, err := d.l.Item(t.Context(), "no"); !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("unknown item: %v", err)
	}
	d.refuse("move nothing", gateway.ErrNotFound, func(tx gateway.Tx) error {
		return tx.MoveItem(quarantine.Item{ID: "no", State: quarantine.Expired}, d.record())
	})
}

func purge(t *testing.T, d *desk) {
	purgeable := func(before time.Time, n int) []gateway.ID {
		t.Helper()
		ms, err := d.l.Purgeable(t.Context(), before, n)
		if err != nil {
			t.Fatal(err)
		}
		var ids []gateway.ID
		for _, m := range ms {
			ids = append(ids, m.ID)
		}
		return ids
	}
	forget := func(id gateway.ID) func(gateway.Tx) error {
		return func(tx gateway.Tx) error { return tx.ForgetOriginal(id, d.record()) }
	}
	m, _, i := heldMail(d)
	late := d.now.Add(time.Hour)
	same(t, "open delivery, held item", purgeable(late, 10), nil)
	d.refuse("forget with an open delivery", gateway.ErrState, forget(m.ID))
	finish(d)
	same(t, "held item", purgeable(late, 10), nil)
	d.refuse("forget with a held item", gateway.ErrState, forget(m.ID))
	i.State, i.DecidedAt, i.DecidedBy = quarantine.Discarded, d.now, "yamada"
	d.do(func(tx gateway.Tx) error { return tx.MoveItem(i, d.record()) })
	same(t, "nothing open", purgeable(late, 10), []gateway.ID{m.ID})
	same(t, "received at that time", purgeable(m.ReceivedAt, 10), nil)

	d.now = d.now.Add(time.Minute)
	second, _ := d.ready()
	finish(d)
	waiting := d.accept()
	same(t, "oldest first", purgeable(late, 10), []gateway.ID{m.ID, second.ID})
	same(t, "one", purgeable(late, 1), []gateway.ID{m.ID})
	d.refuse("forget before it is settled", gateway.ErrState, forget(waiting.ID))
	d.refuse("forget nothing", gateway.ErrNotFound, forget("no"))
	d.do(forget(m.ID))
	same(t, "after forgetting", purgeable(late, 10), []gateway.ID{second.ID})
	if got := d.stored(m.ID); got.Blob != "" || got.Sum != m.Sum {
		t.Errorf("forgotten: %+v", got)
	}
	d.do(forget(m.ID)) // once more is no error: the file may have to be deleted again

	draft := draft(d, d.storedDelivery(firstDelivery(t, d, second.ID)))
	d.do(func(tx gateway.Tx) error { return tx.AddDelivery(draft, d.record()) })
	same(t, "a draft is open", purgeable(late, 10), nil)
}

func firstDelivery(t *testing.T, d *desk, message gateway.ID) gateway.ID {
	t.Helper()
	ds, err := d.l.Deliveries(t.Context(), gateway.DeliveryQuery{Message: message, Limit: 1})
	if err != nil || len(ds) != 1 {
		t.Fatalf("deliveries of %s: %d, %v", message, len(ds), err)
	}
	return ds[0].ID
}

func ledgerBlobs(t *testing.T, d *desk) {
	names := func() (originals, outbox []string) {
		t.Helper()
		o, s, err := d.l.Blobs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return slices.Sorted(maps.Keys(o)), slices.Sorted(maps.Keys(s))
	}
	o, s := names()
	same(t, "none", append(o, s...), nil)
	m, v := d.ready()
	waiting := d.accept()
	o, s = names()
	same(t, "originals", o, []string{m.Blob, waiting.Blob})
	same(t, "outbox", s, []string{v.Blob})
	finish(d)
	d.do(func(tx gateway.Tx) error { return tx.ForgetOriginal(m.ID, d.record()) })
	o, s = names()
	same(t, "originals", o, []string{waiting.Blob})
	same(t, "outbox", s, nil)
	failed := bring(t, d, gateway.Failed)
	bring(t, d, gateway.Discarded)
	_, s = names()
	same(t, "a failed delivery may be tried again", s, []string{failed.Blob})
}

func counts(t *testing.T, d *desk) {
	check := func(what string, want gateway.Counts) {
		t.Helper()
		got, err := d.l.Counts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got.AuditPending = 0
		same(t, what, got, want)
	}
	check("empty", gateway.Counts{})
	for _, s := range []gateway.DeliveryState{gateway.Relayed, gateway.Held, gateway.Failed, gateway.Discarded, gateway.Released, gateway.Relaying} {
		bring(t, d, s)
	}
	begin := d.now
	d.now = d.now.Add(time.Hour)
	bring(t, d, gateway.Drafted)
	d.ready()
	a, b := d.accept(), d.accept()
	ds, err := d.l.Deliveries(t.Context(), gateway.DeliveryQuery{})
	if err != nil {
		t.Fatal(err)
	}
	ms := map[gateway.ID]bool{a.ID: true, b.ID: true}
	for _, v := range ds {
		ms[v.Message] = true
	}
	bytes := int64(0)
	for id := range ms {
		bytes += d.stored(id).Size
	}
	d.claim("flow")
	check("one of each", gateway.Counts{Accepted: 1, Sanitizing: 1, Drafted: 1, Ready: 1, Relaying: 1, DeliveriesHeld: 1,
		Relayed: 1, Failed: 2, Discarded: 1, Released: 1, ItemsHeld: 1, OldestWaiting: begin, OriginalBytes: bytes})
	if got, err := d.l.Counts(t.Context()); err != nil || got.AuditPending < 10 {
		t.Errorf("audit rows: %d, %v", got.AuditPending, err)
	}
}

func queries(t *testing.T, d *desk) {
	var ids []gateway.ID
	var states []gateway.DeliveryState
	all := []gateway.DeliveryState{gateway.Relayed, gateway.Held, gateway.Failed, gateway.Discarded, gateway.Relaying}
	var expiry []time.Time
	for range 2 {
		for _, s := range all {
			d.now = d.now.Add(time.Second)
			v := bring(t, d, s)
			ids, states = append(ids, v.ID), append(states, s)
			if s == gateway.Held {
				expiry = append(expiry, d.now.Add(30*24*time.Hour))
			}
		}
	}
	for _, c := range []struct {
		name string
		q    gateway.DeliveryQuery
	}{
		{"all", gateway.DeliveryQuery{}},
		{"limited", gateway.DeliveryQuery{Limit: 3}},
		{"one state", gateway.DeliveryQuery{States: []gateway.DeliveryState{gateway.Failed}}},
		{"three states, limited", gateway.DeliveryQuery{States: []gateway.DeliveryState{gateway.Failed, gateway.Relayed, gateway.Held}, Limit: 4}},
		{"a state twice", gateway.DeliveryQuery{States: []gateway.DeliveryState{gateway.Held, gateway.Held}}},
		{"an empty state", gateway.DeliveryQuery{States: []gateway.DeliveryState{gateway.Ready}}},
	} {
		var want []gateway.ID
		for i, id := range ids {
			if (len(c.q.States) == 0 || slices.Contains(c.q.States, states[i])) && (c.q.Limit == 0 || len(want) < c.q.Limit) {
				want = append(want, id)
			}
		}
		ds, err := d.l.Deliveries(t.Context(), c.q)
		if err != nil {
			t.Fatal(err)
		}
		var got []gateway.ID
		for _, v := range ds {
			got = append(got, v.ID)
			if len(v.Recipients) != 1 {
				t.Errorf("%s: %d recipients", c.name, len(v.Recipients))
			}
		}
		same(t, c.name, got, want)
	}
	for _, c := range []struct {
		name string
		q    gateway.ItemQuery
		want int
	}{
		{"all", gateway.ItemQuery{}, 2},
		{"held", gateway.ItemQuery{States: []quarantine.State{quarantine.Held}}, 2},
		{"limited", gateway.ItemQuery{States: []quarantine.State{quarantine.Held}, Limit: 1}, 1},
		{"expired", gateway.ItemQuery{States: []quarantine.State{quarantine.Expired}}, 0},
		{"of no message", gateway.ItemQuery{Message: "no"}, 0},
		{"due at the first expiry", gateway.ItemQuery{DueBefore: expiry[0]}, 0},
		{"due behind it", gateway.ItemQuery{States: []quarantine.State{quarantine.Held}, DueBefore: expiry[0].Add(1)}, 1},
		{"due behind both", gateway.ItemQuery{DueBefore: expiry[1].Add(1)}, 2},
	} {
		is, err := d.l.Items(t.Context(), c.q)
		if err != nil || len(is) != c.want || len(is) == 2 && is[1].HeldAt.Before(is[0].HeldAt) {
			t.Errorf("%s: %d items, want %d, %v", c.name, len(is), c.want, err)
		}
	}
}

func settings(t *testing.T, d *desk) {
	get := func() string {
		t.Helper()
		var v string
		d.do(func(tx gateway.Tx) error {
			var err error
			v, err = tx.Setting("policy")
			return err
		})
		return v
	}
	if got := get(); got != "" {
		t.Errorf("unset: %q", got)
	}
	for _, v := range []string{"1", "二", ""} {
		d.do(func(tx gateway.Tx) error { return tx.SetSetting("policy", v, d.record()) })
		d.reopen()
		if got := get(); got != v {
			t.Errorf("got %q, want %q", got, v)
		}
	}
	undone := errors.New("undone")
	d.refuse("undone", undone, func(tx gateway.Tx) error { return errors.Join(tx.SetSetting("policy", "x"), undone) })
	if got := get(); got != "" {
		t.Errorf("undone, yet %q", got)
	}
}
