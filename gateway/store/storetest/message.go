package storetest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sekisho/gateway"
	"sekisho/quarantine"
)

func acceptRead(t *testing.T, d *desk) {
	m := d.message("hanako@town.example", "用户@例え.example", "a\"b\\c@town.example")
	m.Envelope.From = "" // null reverse-path
	m.ReceivedAt = m.ReceivedAt.In(time.FixedZone("JST", 9*3600))
	m.NextAt = d.now.Add(time.Hour)
	d.do(func(tx gateway.Tx) error { return tx.Accept(m, d.record()) })
	want := m
	want.ReceivedAt = m.ReceivedAt.UTC()
	same(t, "by id", d.stored(m.ID), want)
	got, err := d.l.MessageByReceipt(t.Context(), m.Receipt)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "by receipt", got, want)
	if _, err := d.l.Message(t.Context(), "no"); !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("unknown id: %v", err)
	}
	for _, r := range []string{"", "no"} {
		if _, err := d.l.MessageByReceipt(t.Context(), r); !errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("unknown receipt %q: %v", r, err)
		}
	}
}

func acceptRefuses(t *testing.T, d *desk) {
	taken := d.accept()
	cases := map[string]func(*gateway.Message){
		"no id":                func(m *gateway.Message) { m.ID = "" },
		"no blob":              func(m *gateway.Message) { m.Blob = "" },
		"no recipient":         func(m *gateway.Message) { m.Envelope.To = nil },
		"an empty recipient":   func(m *gateway.Message) { m.Envelope.To = []string{""} },
		"a broken recipient":   func(m *gateway.Message) { m.Envelope.To = []string{"a\xff@town.example"} },
		"the id of another":    func(m *gateway.Message) { m.ID = taken.ID },
		"the receipt of other": func(m *gateway.Message) { m.Receipt = taken.Receipt },
	}
	for name, spoil := range cases {
		m := d.message()
		spoil(&m)
		if err := d.try(func(tx gateway.Tx) error { return tx.Accept(m, d.record()) }); err == nil {
			t.Errorf("accepted with %s", name)
		}
	}
	same(t, "the message before", d.stored(taken.ID), taken)
	if c, err := d.l.Counts(t.Context()); err != nil || c.Accepted != 1 || c.AuditPending != 1 {
		t.Errorf("counts: %+v, %v", c, err)
	}
}

func receipts(t *testing.T, d *desk) {
	next := func(day string, fail error) int {
		var n int
		err := d.try(func(tx gateway.Tx) error {
			var err error
			if n, err = tx.Receipt(day); err != nil {
				return err
			}
			return fail
		})
		if !errors.Is(err, fail) {
			t.Fatal(err)
		}
		return n
	}
	undone := errors.New("undone")
	for i, c := range []struct {
		day  string
		fail error
		want int
	}{{"261125", nil, 1}, {"261125", nil, 2}, {"261126", nil, 1}, {"261125", undone, 3}, {"261125", nil, 3}} {
		if got := next(c.day, c.fail); got != c.want {
			t.Errorf("step %d: %d, want %d", i, got, c.want)
		}
	}
	d.reopen()
	if got := next("261125", nil); got != 4 {
		t.Errorf("after reopening: %d, want 4", got)
	}
}

// noneLeft checks that there is no message to claim.
func noneLeft(t *testing.T, d *desk) {
	t.Helper()
	d.refuse("claim of nothing", gateway.ErrNotFound, func(tx gateway.Tx) error {
		_, err := tx.ClaimMessage("flow", d.now, d.now.Add(leaseTime))
		return err
	})
}

func claimOrder(t *testing.T, d *desk) {
	noneLeft(t, d)
	first := d.accept()
	second := d.accept() // at the same instant
	later := d.message()
	later.NextAt = d.now.Add(time.Hour)
	d.do(func(tx gateway.Tx) error { return tx.Accept(later, d.record()) })
	d.now = d.now.Add(time.Second)
	third := d.accept()
	for i, want := range []gateway.Message{first, second, third} {
		got := d.claim("flow")
		want.State, want.Lease = gateway.Sanitizing, gateway.Lease{Owner: "flow", Until: d.now.Add(leaseTime), Fence: 1}
		same(t, "claim", got, want)
		same(t, "stored", d.stored(want.ID), want)
		if i == 0 {
			d.reopen()
		}
	}
	noneLeft(t, d)
	for _, bad := range []struct {
		owner string
		until time.Time
	}{{"", d.now.Add(time.Hour)}, {"flow", d.now}, {"flow", time.Time{}}} {
		d.refuse("a lease without owner or end", gateway.ErrState, func(tx gateway.Tx) error {
			_, err := tx.ClaimMessage(bad.owner, d.now, bad.until)
			return err
		})
	}
	d.now = later.NextAt
	// By now the leases have ended, but the first of them ended before this.
	if got := d.claim("flow"); got.ID != first.ID || got.Lost != 1 {
		t.Errorf("claimed %+v", got)
	}
}

func claimClocks(t *testing.T, d *desk) {
	ahead := d.message()
	ahead.ReceivedAt = d.now.Add(time.Hour) // intake's clock was put back since
	d.do(func(tx gateway.Tx) error { return tx.Accept(ahead, d.record()) })
	plain := d.accept()
	if got := d.claim("flow"); got.ID != plain.ID {
		t.Errorf("claimed %s before %s", got.ID, plain.ID)
	}
	if got := d.claim("flow"); got.ID != ahead.ID {
		t.Errorf("claimed %s, want %s", got.ID, ahead.ID)
	}
	noneLeft(t, d)
}

func lostMessage(t *testing.T, d *desk) {
	d.accept()
	old := d.claim("flow 1")
	d.now = old.Lease.Until.Add(-1)
	noneLeft(t, d)
	d.now = old.Lease.Until
	m := d.claim("flow 2")
	want := old
	want.Lost, want.Lease = 1, gateway.Lease{Owner: "flow 2", Until: d.now.Add(leaseTime), Fence: 2}
	same(t, "claimed again", m, want)

	lost := map[string]func(gateway.Tx) error{
		"renew":  func(tx gateway.Tx) error { return tx.RenewMessage(old, d.now.Add(time.Hour)) },
		"note":   func(tx gateway.Tx) error { return tx.Progress(old, gateway.Progress{Page: 1, Pages: 2}) },
		"return": func(tx gateway.Tx) error { return tx.Return(old) },
		"settle": func(tx gateway.Tx) error {
			return tx.Settle(old, []gateway.Delivery{d.delivery(old)}, nil, d.record())
		},
	}
	for name, f := range lost {
		d.refuse(name+" with a lost lease", gateway.ErrLease, f)
	}
	same(t, "unharmed", d.stored(m.ID), m)
	forged := m
	forged.Lease.Owner = "flow 1"
	d.refuse("renew in another's name", gateway.ErrLease, func(tx gateway.Tx) error { return tx.RenewMessage(forged, d.now.Add(time.Hour)) })
	unknown := m
	unknown.ID = "no"
	d.refuse("renew of nothing", gateway.ErrNotFound, func(tx gateway.Tx) error { return tx.RenewMessage(unknown, d.now.Add(time.Hour)) })

	until := d.now.Add(time.Hour)
	d.do(func(tx gateway.Tx) error { return tx.RenewMessage(m, until) })
	d.now = until.Add(-1)
	noneLeft(t, d)
	d.now = until.Add(time.Hour) // the lease has ended, but nobody took it
	d.do(func(tx gateway.Tx) error { return tx.Settle(m, []gateway.Delivery{d.delivery(m)}, nil, d.record()) })
}

// progress is noted by the holder alone, makes sense, and goes with the lease.
func progress(t *testing.T, d *desk) {
	d.accept()
	m := d.claim("flow 1")
	for _, p := range []gateway.Progress{{Part: "2.1", Page: 1, Pages: 500}, {Part: "2.1", Page: 500, Pages: 500}, {Part: "3", Page: 1, Pages: 10}} {
		d.do(func(tx gateway.Tx) error { return tx.Progress(m, p) })
		want := m
		want.Progress = p
		same(t, "noted", d.stored(m.ID), want)
	}
	for _, p := range []gateway.Progress{{}, {Page: 2, Pages: 1}, {Page: -1, Pages: 1}, {Page: 1, Pages: 1, Part: strings.Repeat("1.", 33)}} {
		d.refuse("progress that makes no sense", gateway.ErrState, func(tx gateway.Tx) error { return tx.Progress(m, p) })
	}
	forged := m
	forged.Lease.Fence++
	d.refuse("of another holder", gateway.ErrLease, func(tx gateway.Tx) error { return tx.Progress(forged, gateway.Progress{Page: 1, Pages: 2}) })
	d.now = m.Lease.Until
	next := d.claim("flow 2")
	if next.Progress != (gateway.Progress{}) || d.stored(m.ID).Progress != (gateway.Progress{}) {
		t.Errorf("another holder has the progress of the last: %+v", next.Progress)
	}
	d.do(func(tx gateway.Tx) error { return tx.Progress(next, gateway.Progress{Part: "1", Page: 3, Pages: 4}) })
	d.do(func(tx gateway.Tx) error { return tx.Return(next) })
	if got := d.stored(m.ID).Progress; got != (gateway.Progress{}) {
		t.Errorf("returned with progress %+v", got)
	}
	last := d.claim("flow 2")
	d.do(func(tx gateway.Tx) error { return tx.Progress(last, gateway.Progress{Part: "1", Page: 4, Pages: 4}) })
	d.do(func(tx gateway.Tx) error {
		return tx.Settle(last, []gateway.Delivery{d.delivery(last)}, nil, d.record())
	})
	if got := d.stored(m.ID).Progress; got != (gateway.Progress{}) {
		t.Errorf("settled with progress %+v", got)
	}
	d.refuse("of a settled message", gateway.ErrLease, func(tx gateway.Tx) error { return tx.Progress(last, gateway.Progress{Page: 1, Pages: 2}) })
}

func returnMessage(t *testing.T, d *desk) {
	d.accept()
	m := d.claim("flow")
	m.Crashes, m.NextAt = 2, d.now.Add(time.Hour)
	d.do(func(tx gateway.Tx) error { return tx.Return(m) })
	want := m
	want.State, want.Lease = gateway.Accepted, gateway.Lease{Fence: 1}
	same(t, "returned", d.stored(m.ID), want)
	d.refuse("return twice", gateway.ErrLease, func(tx gateway.Tx) error { return tx.Return(m) })
	noneLeft(t, d)
	d.now = m.NextAt
	other := d.accept() // came later than the first became due? no: at the same time
	if got := d.claim("flow"); got.ID != m.ID || got.Lost != 0 || got.Crashes != 2 || got.Lease.Fence != 2 {
		t.Errorf("claimed %+v", got)
	}
	if got := d.claim("flow"); got.ID != other.ID {
		t.Errorf("claimed %+v", got)
	}
}

func settle(t *testing.T, d *desk) {
	d.accept("a@town.example", "b@town.example", "a@town.example")
	m := d.claim("flow")
	m.Subject, m.From = "件名", "差出人 <x@example.com>"
	relayed, held := d.delivery(m), d.delivery(m)
	relayed.Recipients, held.Recipients = relayed.Recipients[:1:1], held.Recipients[1:]
	held.State, held.Blob, held.Reason, held.NextAt = gateway.Held, "", "malformed", time.Time{}
	held.Passport = nil
	told := d.delivery(m)
	told.Kind, told.From, told.About, told.Recipients = gateway.KindSubstitute, "", held.ID, held.Recipients
	i := d.item(held)
	loose := d.item(relayed)
	loose.Delivery = ""
	ds, is := []gateway.Delivery{relayed, held, told}, []quarantine.Item{i, loose}
	d.do(func(tx gateway.Tx) error { return tx.Settle(m, ds, is, d.record(), d.record()) })

	want := m
	want.State, want.Lease = gateway.Settled, gateway.Lease{Fence: 1}
	same(t, "message", d.stored(m.ID), want)
	got, err := d.l.Deliveries(t.Context(), gateway.DeliveryQuery{Message: m.ID})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "deliveries", got, ds)
	same(t, "one delivery", d.storedDelivery(held.ID), held)
	gotItems, err := d.l.Items(t.Context(), gateway.ItemQuery{Message: m.ID})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "items", gotItems, is)
	noneLeft(t, d)
	d.refuse("settle twice", gateway.ErrLease, func(tx gateway.Tx) error { return tx.Settle(m, ds, is, d.record()) })
}

func settleRefuses(t *testing.T, d *desk) {
	other, _ := d.ready()
	accepted := d.accept("a@town.example", "b@town.example")
	m := d.claim("flow")
	cases := map[string]func(v *gateway.Delivery, i *quarantine.Item){
		"a forgotten recipient":      func(v *gateway.Delivery, _ *quarantine.Item) { v.Recipients = v.Recipients[:1] },
		"no mail for the recipients": func(v *gateway.Delivery, _ *quarantine.Item) { v.Kind, v.From = gateway.KindSubstitute, "" },
		"a delivery of another":      func(v *gateway.Delivery, _ *quarantine.Item) { v.Message = other.ID },
		"a delivery without id":      func(v *gateway.Delivery, _ *quarantine.Item) { v.ID = "" },
		"an unknown kind":            func(v *gateway.Delivery, _ *quarantine.Item) { v.Kind = "" },
		"ready without a blob":       func(v *gateway.Delivery, _ *quarantine.Item) { v.Blob = "" },
		"held with a blob":           func(v *gateway.Delivery, _ *quarantine.Item) { v.State = gateway.Held },
		"relayed already":            func(v *gateway.Delivery, _ *quarantine.Item) { v.State = gateway.Relayed },
		"no state":                   func(v *gateway.Delivery, _ *quarantine.Item) { v.State = "" },
		"a recipient without state":  func(v *gateway.Delivery, _ *quarantine.Item) { v.Recipients[0].State = "" },
		"a recipient taken already":  func(v *gateway.Delivery, _ *quarantine.Item) { v.Recipients[1].State = gateway.Taken },
		"an item of another":         func(_ *gateway.Delivery, i *quarantine.Item) { i.Message = string(other.ID) },
		"an item of no delivery":     func(_ *gateway.Delivery, i *quarantine.Item) { i.Delivery = "no" },
		"an item decided already":    func(_ *gateway.Delivery, i *quarantine.Item) { i.State = quarantine.Released },
		"an item without state":      func(_ *gateway.Delivery, i *quarantine.Item) { i.State = "" },
	}
	for name, spoil := range cases {
		v := d.delivery(m)
		i := d.item(v)
		spoil(&v, &i)
		err := d.try(func(tx gateway.Tx) error {
			return tx.Settle(m, []gateway.Delivery{v}, []quarantine.Item{i}, d.record())
		})
		if err == nil {
			t.Fatalf("settled with %s", name)
		}
	}
	d.refuse("settle without deliveries", gateway.ErrState, func(tx gateway.Tx) error { return tx.Settle(m, nil, nil, d.record()) })
	same(t, "unharmed", d.stored(accepted.ID), m)
	if ds, err := d.l.Deliveries(t.Context(), gateway.DeliveryQuery{Message: m.ID}); err != nil || len(ds) > 0 {
		t.Errorf("left: %v, %v", ds, err)
	}
}
