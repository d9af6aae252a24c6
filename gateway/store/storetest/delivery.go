package storetest

import (
	"errors"
	"testing"
	"time"

	"sekisho/gateway"
	"sekisho/quarantine"
)

// noDelivery checks that there is no delivery to claim.
func noDelivery(t *testing.T, d *desk) {
	t.Helper()
	d.refuse("claim of nothing", gateway.ErrNotFound, func(tx gateway.Tx) error {
		_, err := tx.ClaimDelivery("deliver", d.now, d.now.Add(leaseTime))
		return err
	})
}

func relay(t *testing.T, d *desk) {
	noDelivery(t, d)
	_, want := d.ready("a@town.example", "b@town.example")
	v := d.claimDelivery("deliver")
	want.State, want.Lease = gateway.Relaying, gateway.Lease{Owner: "deliver", Until: d.now.Add(leaseTime), Fence: 1}
	same(t, "claimed", v, want)
	same(t, "stored", d.storedDelivery(v.ID), want)
	noDelivery(t, d)

	// One is taken, one waits: back to Ready, with a later time.
	v.Recipients[0] = gateway.Recipient{Address: "a@town.example", State: gateway.Taken, Code: 250, Text: "ok", At: d.now}
	v.Recipients[1].Code, v.Recipients[1].Text, v.Recipients[1].At = 451, "later", d.now
	v.State, v.NextAt, v.Attempts, v.Reason = gateway.Ready, d.now.Add(time.Hour), 1, "later"
	d.do(func(tx gateway.Tx) error { return tx.Outcome(v, d.record()) })
	want = v
	want.Lease = gateway.Lease{Fence: 1}
	same(t, "deferred", d.storedDelivery(v.ID), want)
	d.refuse("outcome twice", gateway.ErrLease, func(tx gateway.Tx) error { return tx.Outcome(v, d.record()) })
	noDelivery(t, d)

	d.now = v.NextAt
	d.reopen()
	v = d.claimDelivery("deliver")
	v.Recipients[1].State, v.Recipients[1].Code, v.Recipients[1].Text = gateway.Taken, 250, "ok"
	v.State, v.Attempts, v.Blob = gateway.Relayed, 2, ""
	d.do(func(tx gateway.Tx) error { return tx.Outcome(v, d.record()) })
	want = v
	want.Lease = gateway.Lease{Fence: 2}
	same(t, "relayed", d.storedDelivery(v.ID), want)
	d.now = d.now.Add(time.Hour)
	noDelivery(t, d)
}

func outcomeRefuses(t *testing.T, d *desk) {
	d.ready("a@town.example", "b@town.example")
	v := d.claimDelivery("deliver")
	before := d.storedDelivery(v.ID)
	all := func(v *gateway.Delivery, s gateway.RecipientState) {
		for i := range v.Recipients {
			v.Recipients[i].State = s
		}
	}
	cases := map[string]func(v *gateway.Delivery){
		"relayed, a recipient waiting":  func(v *gateway.Delivery) { v.State = gateway.Relayed; v.Recipients[0].State = gateway.Taken },
		"relayed, a recipient refused":  func(v *gateway.Delivery) { v.State = gateway.Relayed; all(v, gateway.Refused) },
		"failed, a recipient waiting":   func(v *gateway.Delivery) { v.State = gateway.Failed; v.Recipients[0].State = gateway.Refused },
		"failed, all taken":             func(v *gateway.Delivery) { v.State = gateway.Failed; all(v, gateway.Taken) },
		"ready, nobody waiting":         func(v *gateway.Delivery) { v.State = gateway.Ready; all(v, gateway.Taken) },
		"ready, without a blob":         func(v *gateway.Delivery) { v.State, v.Blob = gateway.Ready, "" },
		"an unknown recipient state":    func(v *gateway.Delivery) { v.State = gateway.Ready; v.Recipients[1].State = "" },
		"a recipient less":              func(v *gateway.Delivery) { v.State = gateway.Ready; v.Recipients = v.Recipients[:1] },
		"another recipient":             func(v *gateway.Delivery) { v.State = gateway.Ready; v.Recipients[1].Address = "c@town.example" },
		"a move to relaying":            func(v *gateway.Delivery) {},
		"a move to held":                func(v *gateway.Delivery) { v.State = gateway.Held },
		"a move to discarded":           func(v *gateway.Delivery) { v.State = gateway.Discarded },
		"relayed, without a recipient":  func(v *gateway.Delivery) { v.State, v.Recipients = gateway.Relayed, nil },
		"a move to no state":            func(v *gateway.Delivery) { v.State = "" },
		"a move to a state of messages": func(v *gateway.Delivery) { v.State = "settled" },
	}
	for name, spoil := range cases {
		bad := v
		bad.Recipients = append([]gateway.Recipient(nil), v.Recipients...)
		spoil(&bad)
		if err := d.try(func(tx gateway.Tx) error { return tx.Outcome(bad, d.record()) }); err == nil {
			t.Fatalf("stored an outcome of %s", name)
		}
	}
	same(t, "unharmed", d.storedDelivery(v.ID), before)

	v.Recipients[0].State, v.State = gateway.Taken, gateway.Ready
	d.do(func(tx gateway.Tx) error { return tx.Outcome(v, d.record()) })
	v = d.claimDelivery("deliver")
	v.Recipients[0].State, v.State = gateway.Pending, gateway.Ready
	d.refuse("a taken recipient waits again", gateway.ErrState, func(tx gateway.Tx) error { return tx.Outcome(v, d.record()) })
}

func lostDelivery(t *testing.T, d *desk) {
	d.ready()
	old := d.claimDelivery("deliver 1")
	d.now = old.Lease.Until
	v := d.claimDelivery("deliver 2")
	if v.ID != old.ID || v.Lease.Fence != 2 || v.State != gateway.Relaying {
		t.Fatalf("claimed %+v", v)
	}
	done := old
	done.State = gateway.Failed
	done.Recipients = []gateway.Recipient{{Address: old.Recipients[0].Address, State: gateway.Refused}}
	d.refuse("outcome with a lost lease", gateway.ErrLease, func(tx gateway.Tx) error { return tx.Outcome(done, d.record()) })
	d.refuse("renew a lost lease", gateway.ErrLease, func(tx gateway.Tx) error { return tx.RenewDelivery(old, d.now.Add(time.Hour)) })
	same(t, "unharmed", d.storedDelivery(v.ID), v)
	until := d.now.Add(time.Hour)
	d.do(func(tx gateway.Tx) error { return tx.RenewDelivery(v, until) })
	d.now = until.Add(-1)
	noDelivery(t, d)
	nobody := v
	nobody.ID = "no"
	d.refuse("renew of nothing", gateway.ErrNotFound, func(tx gateway.Tx) error { return tx.RenewDelivery(nobody, until) })
}

// bring returns a delivery in a state.
func bring(t *testing.T, d *desk, s gateway.DeliveryState) gateway.Delivery {
	t.Helper()
	switch s {
	case gateway.Held:
		d.accept()
		m := d.claim("flow")
		v := d.delivery(m)
		v.State, v.Blob = gateway.Held, ""
		d.do(func(tx gateway.Tx) error {
			return tx.Settle(m, []gateway.Delivery{v}, []quarantine.Item{d.item(v)}, d.record())
		})
		return v
	case gateway.Released:
		v := bring(t, d, gateway.Held)
		is, err := d.l.Items(t.Context(), gateway.ItemQuery{Message: v.Message})
		if err != nil || len(is) != 1 {
			t.Fatalf("%d items, %v", len(is), err)
		}
		is[0].State, is[0].DecidedAt, is[0].DecidedBy = quarantine.Released, d.now, "yamada"
		d.do(func(tx gateway.Tx) error { return tx.MoveItem(is[0], d.record()) })
		return d.storedDelivery(v.ID)
	case gateway.Drafted:
		_, about := d.ready()
		d.do(func(tx gateway.Tx) error { return tx.Redirect(about.ID, gateway.Failed, d.now, d.record()) })
		v := draft(d, about)
		d.do(func(tx gateway.Tx) error { return tx.AddDelivery(v, d.record()) })
		return v
	}
	_, v := d.ready()
	if s == gateway.Ready {
		return v
	}
	if s == gateway.Discarded {
		d.do(func(tx gateway.Tx) error { return tx.Redirect(v.ID, s, d.now, d.record()) })
		return v
	}
	v = d.claimDelivery("deliver")
	if s == gateway.Relaying {
		return v
	}
	v.State, v.Recipients[0].State = s, gateway.Taken
	if s == gateway.Failed {
		v.Recipients[0].State = gateway.Refused
	}
	d.do(func(tx gateway.Tx) error { return tx.Outcome(v, d.record()) })
	return v
}

// draft returns a mail to the postmaster about v.
func draft(d *desk, v gateway.Delivery) gateway.Delivery {
	return gateway.Delivery{ID: d.id(), Message: v.Message, Receipt: v.Receipt, Kind: gateway.KindPostmaster, About: v.ID,
		Recipients: []gateway.Recipient{{Address: "postmaster@town.example", State: gateway.Pending}},
		State:      gateway.Drafted, CreatedAt: d.now, NextAt: d.now, ExpiresAt: d.now.Add(time.Hour)}
}

func redirect(t *testing.T, d *desk) {
	states := []gateway.DeliveryState{gateway.Drafted, gateway.Ready, gateway.Relaying, gateway.Relayed, gateway.Held, gateway.Failed, gateway.Discarded, gateway.Released}
	legal := map[[2]gateway.DeliveryState]bool{
		{gateway.Ready, gateway.Ready}: true, {gateway.Failed, gateway.Ready}: true, {gateway.Ready, gateway.Failed}: true,
		{gateway.Held, gateway.Discarded}: true, {gateway.Ready, gateway.Discarded}: true, {gateway.Failed, gateway.Discarded}: true,
	}
	for _, from := range states {
		for _, to := range append(states, "", "accepted") {
			v := bring(t, d, from)
			before := d.storedDelivery(v.ID)
			err := d.try(func(tx gateway.Tx) error { return tx.Redirect(v.ID, to, d.now.Add(-time.Second), d.record()) })
			after := d.storedDelivery(v.ID)
			switch {
			case !legal[[2]gateway.DeliveryState{from, to}]:
				if !errors.Is(err, gateway.ErrState) {
					t.Errorf("%s to %q: %v", from, to, err)
				}
				same(t, "refused redirect", after, before)
			case err != nil || after.State != to:
				t.Errorf("%s to %q: now %s, %v", from, to, after.State, err)
			case to == gateway.Discarded && after.Blob != "":
				t.Errorf("%s to %q: blob %s", from, to, after.Blob)
			}
			if after.State == gateway.Ready || after.State == gateway.Relaying { // out of the way of the next claims
				for after.State == gateway.Ready && d.claimDelivery("deliver").ID != v.ID {
				}
			}
		}
	}
	d.refuse("redirect of nothing", gateway.ErrNotFound, func(tx gateway.Tx) error {
		return tx.Redirect("no", gateway.Discarded, d.now, d.record())
	})
}

func retryFailed(t *testing.T, d *desk) {
	_, v := d.ready("a@town.example", "b@town.example")
	v = d.claimDelivery("deliver")
	v.State, v.Attempts, v.Reason = gateway.Failed, 9, "relay_refused"
	v.Recipients[0] = gateway.Recipient{Address: "a@town.example", State: gateway.Taken, Code: 250, Text: "ok", At: d.now}
	v.Recipients[1] = gateway.Recipient{Address: "b@town.example", State: gateway.Refused, Code: 550, Text: "no", At: d.now}
	d.do(func(tx gateway.Tx) error { return tx.Outcome(v, d.record()) })
	d.now = v.ExpiresAt.Add(time.Hour)
	d.do(func(tx gateway.Tx) error { return tx.Redirect(v.ID, gateway.Ready, d.now, d.record()) })
	got := d.claimDelivery("deliver")
	want := v
	want.State, want.Attempts, want.Reason, want.NextAt, want.ExpiresAt = gateway.Relaying, 0, "", d.now, d.now.Add(24*time.Hour)
	want.Recipients = []gateway.Recipient{v.Recipients[0], v.Recipients[1]}
	want.Recipients[1].State = gateway.Pending
	want.Lease = gateway.Lease{Owner: "deliver", Until: d.now.Add(leaseTime), Fence: 2}
	same(t, "tried again", got, want)

	// What is given up before it was sent has nobody waiting.
	_, w := d.ready()
	d.do(func(tx gateway.Tx) error { return tx.Redirect(w.ID, gateway.Failed, d.now, d.record()) })
	if got := d.storedDelivery(w.ID); len(got.Waiting()) != 0 || got.Recipients[0].State != gateway.Refused {
		t.Errorf("given up: %+v", got.Recipients)
	}
}

func drafts(t *testing.T, d *desk) {
	claim := func(want error) gateway.Delivery {
		t.Helper()
		var v gateway.Delivery
		d.refuse("claim draft", want, func(tx gateway.Tx) error {
			var err error
			v, err = tx.ClaimDraft("flow", d.now, d.now.Add(leaseTime))
			return err
		})
		return v
	}
	claim(gateway.ErrNotFound)
	want := bring(t, d, gateway.Drafted)
	noDelivery(t, d)
	old := claim(nil)
	want.Lease = gateway.Lease{Owner: "flow", Until: d.now.Add(leaseTime), Fence: 1}
	same(t, "draft", old, want)
	claim(gateway.ErrNotFound) // leased
	d.now = old.Lease.Until
	v := claim(nil)
	if v.ID != old.ID || v.State != gateway.Drafted || v.Lease.Fence != 2 {
		t.Fatalf("claimed %+v", v)
	}
	done := func(v gateway.Delivery) gateway.Delivery {
		v.State, v.Blob, v.Size, v.Sum, v.Passport, v.Policy = gateway.Ready, "sealed", 9, [32]byte{9}, []byte("p"), "ef"
		v.NextAt, v.ExpiresAt, v.Reason = d.now, d.now.Add(time.Hour), "told"
		return v
	}
	d.refuse("compose with a lost lease", gateway.ErrLease, func(tx gateway.Tx) error { return tx.Compose(done(old), d.record()) })
	bad := done(v)
	bad.Blob = ""
	d.refuse("compose nothing", gateway.ErrState, func(tx gateway.Tx) error { return tx.Compose(bad, d.record()) })
	bad = done(v)
	bad.State = gateway.Relayed
	d.refuse("compose and relay", gateway.ErrState, func(tx gateway.Tx) error { return tx.Compose(bad, d.record()) })
	d.do(func(tx gateway.Tx) error { return tx.RenewDelivery(v, d.now.Add(2*leaseTime)) })
	d.do(func(tx gateway.Tx) error { return tx.Compose(done(v), d.record()) })
	d.refuse("compose twice", gateway.ErrLease, func(tx gateway.Tx) error { return tx.Compose(done(v), d.record()) })
	got := d.claimDelivery("deliver")
	sent := done(v)
	sent.State, sent.Lease = gateway.Relaying, gateway.Lease{Owner: "deliver", Until: d.now.Add(leaseTime), Fence: 3}
	same(t, "composed", got, sent)

	hopeless := bring(t, d, gateway.Drafted)
	h := claim(nil)
	if h.ID != hopeless.ID {
		t.Fatalf("claimed %s", h.ID)
	}
	h.State, h.Reason = gateway.Failed, "internal"
	d.do(func(tx gateway.Tx) error { return tx.Compose(h, d.record()) })
	if got := d.storedDelivery(h.ID); got.State != gateway.Failed || len(got.Waiting()) != 0 {
		t.Errorf("failed draft: %+v", got)
	}
}

func addDelivery(t *testing.T, d *desk) {
	m, about := d.ready()
	alone := d.delivery(gateway.Message{Envelope: gateway.Envelope{To: []string{"postmaster@town.example"}}})
	alone.Kind, alone.From = gateway.KindPostmaster, ""
	follow := d.delivery(m)
	follow.Kind, follow.From, follow.About = gateway.KindFollowUp, "", about.ID
	for name, v := range map[string]gateway.Delivery{"without a message": alone, "of a settled message": follow} {
		d.do(func(tx gateway.Tx) error { return tx.AddDelivery(v, d.record()) })
		same(t, name, d.storedDelivery(v.ID), v)
	}
	waiting := d.accept()
	d.refuse("of a message that is not settled", gateway.ErrState, func(tx gateway.Tx) error {
		return tx.AddDelivery(d.delivery(waiting), d.record())
	})
	d.refuse("of an unknown message", gateway.ErrNotFound, func(tx gateway.Tx) error {
		return tx.AddDelivery(d.delivery(d.message()), d.record())
	})
	own := d.delivery(m)
	own.Kind = gateway.KindPostmaster
	d.refuse("our own with a reverse-path", gateway.ErrState, func(tx gateway.Tx) error { return tx.AddDelivery(own, d.record()) })
	drafted := d.delivery(m)
	drafted.State, drafted.Blob = gateway.Drafted, ""
	d.refuse("a draft of a relayed mail", gateway.ErrState, func(tx gateway.Tx) error { return tx.AddDelivery(drafted, d.record()) })
	if err := d.try(func(tx gateway.Tx) error { return tx.AddDelivery(follow, d.record()) }); err == nil {
		t.Error("added twice")
	}
}
