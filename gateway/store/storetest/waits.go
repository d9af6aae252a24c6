package storetest

import (
	"testing"
	"time"

	"sekisho/gateway"
)

// untold: a failure counts until a mail is about it, or until it fails no more.
// What a person gave up, and a mail to the postmaster itself, does not count.
func untold(t *testing.T, d *desk) {
	count := func(want int) {
		t.Helper()
		if n, err := d.l.Untold(t.Context()); err != nil || n != want {
			t.Fatalf("%d failures that nobody was told of, want %d, %v", n, want, err)
		}
	}
	fail := func(v gateway.Delivery) {
		t.Helper()
		v.State, v.Reason, v.Recipients[0].State = gateway.Failed, "relay_refused", gateway.Refused
		d.do(func(tx gateway.Tx) error { return tx.Outcome(v, d.record()) })
	}
	count(0)
	_, given := d.ready()
	d.do(func(tx gateway.Tx) error { return tx.Redirect(given.ID, gateway.Failed, d.now, d.record()) })
	count(0)
	var failed []gateway.Delivery
	for n := range 3 {
		d.ready()
		failed = append(failed, d.claimDelivery("deliver"))
		fail(failed[n])
		count(n + 1)
	}
	mail := draft(d, failed[0])
	d.do(func(tx gateway.Tx) error { return tx.AddDelivery(mail, d.record()) })
	count(2)
	d.do(func(tx gateway.Tx) error { return tx.Redirect(failed[1].ID, gateway.Ready, d.now, d.record()) })
	count(1)
	fail(d.claimDelivery("deliver"))
	count(2)
	d.do(func(tx gateway.Tx) error { return tx.Redirect(failed[2].ID, gateway.Discarded, d.now, d.record()) })
	count(1)
	var err error
	d.do(func(tx gateway.Tx) error { mail, err = tx.ClaimDraft("flow", d.now, d.now.Add(leaseTime)); return err })
	mail.State, mail.Blob = gateway.Ready, "sealed"
	d.do(func(tx gateway.Tx) error { return tx.Compose(mail, d.record()) })
	fail(d.claimDelivery("deliver"))
	count(1)
}

// hasten: what waits for longer than anything waits is due at once, whatever
// the clock says, and in the order in which it came. What may wait that long,
// and what is in somebody's hands, is left alone.
func hasten(t *testing.T, d *desk) {
	d.accept()
	m := d.claim("flow")
	m.NextAt = d.now.Add(16 * time.Minute)
	d.do(func(tx gateway.Tx) error { return tx.Return(m) })
	_, tried := d.ready()
	tried = d.claimDelivery("deliver")
	tried.State, tried.Attempts, tried.NextAt = gateway.Ready, 3, d.now.Add(time.Hour)
	d.do(func(tx gateway.Tx) error { return tx.Outcome(tried, d.record()) })
	told := draft(d, tried)
	told.NextAt = d.now.Add(time.Hour)
	late := draft(d, tried)
	late.Kind, late.State, late.Blob, late.NextAt = gateway.KindSubstitute, gateway.Ready, "late", d.now.Add(48*time.Hour)
	d.do(func(tx gateway.Tx) error { return tx.AddDelivery(told, d.record()) })
	d.do(func(tx gateway.Tx) error { return tx.AddDelivery(late, d.record()) })
	_, held := d.ready()
	held = d.claimDelivery("deliver")
	few := func(want int64) {
		t.Helper()
		if n, err := d.l.Hasten(t.Context(), d.now.Add(gateway.MaxWait)); err != nil || n != want {
			t.Fatalf("hastened %d, want %d, %v", n, want, err)
		}
	}
	few(0)
	noneLeft(t, d)
	noDelivery(t, d)
	d.now = d.now.Add(-24 * time.Hour)
	few(3)
	few(0)
	if got := d.claim("flow"); got.ID != m.ID {
		t.Errorf("claimed message %s", got.ID)
	}
	if got := d.claimDelivery("deliver"); got.ID != tried.ID || got.Attempts != 3 || !got.NextAt.IsZero() {
		t.Errorf("claimed %+v", got)
	}
	noDelivery(t, d)
	d.do(func(tx gateway.Tx) error {
		got, err := tx.ClaimDraft("flow", d.now, d.now.Add(leaseTime))
		if err == nil && got.ID != told.ID {
			t.Errorf("claimed draft %s", got.ID)
		}
		return err
	})
	if got := d.storedDelivery(late.ID); !got.NextAt.Equal(late.NextAt) {
		t.Errorf("a mail of a later hour goes at %v", got.NextAt)
	}
	same(t, "in hand", d.storedDelivery(held.ID), held)
}
