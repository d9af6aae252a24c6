package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sekisho/gateway"
	"sekisho/quarantine"
)

// heldFor settles a mail with n held parts, each noted for the addresses.
func heldFor(d *desk, n int, to ...string) []quarantine.Item {
	d.t.Helper()
	d.accept("hanako@town.example")
	m := d.claim("flow")
	v := d.delivery(m)
	var is []quarantine.Item
	var ns []gateway.Notice
	for range n {
		i := d.item(v)
		is = append(is, i)
		for _, a := range to {
			ns = append(ns, gateway.Notice{Item: i.ID, To: a, At: d.now})
		}
	}
	d.do(func(tx gateway.Tx) error {
		if err := tx.Settle(m, []gateway.Delivery{v}, is, d.record()); err != nil {
			return err
		}
		return tx.AddNotices(ns)
	})
	return is
}

// digest is the draft of a digest.
func digest(d *desk, to string) gateway.Delivery {
	return gateway.Delivery{ID: d.id(), Kind: gateway.KindDigest, State: gateway.Drafted, Verdict: "held", CreatedAt: d.now, NextAt: d.now,
		ExpiresAt: d.now.Add(time.Hour), Recipients: []gateway.Recipient{{Address: to, State: gateway.Pending}}}
}

func wait(d *desk, limit int) gateway.NoticeWait {
	return gateway.NoticeWait{Until: d.now, Now: d.now, Limit: limit}
}

// notices: each part is told once to each address, by whichever digest came
// first, and a digest that was not stored told nothing.
func notices(t *testing.T, d *desk) {
	first := heldFor(d, 3, "hanako@town.example", "soumu@town.example")
	d.now = d.now.Add(time.Hour)
	second := heldFor(d, 1, "hanako@town.example")
	due := func(w gateway.NoticeWait, want ...string) {
		t.Helper()
		if got, err := d.l.NoticesDue(t.Context(), w); err != nil || !slices.Equal(got, want) {
			t.Errorf("due %v, want %v, %v", got, want, err)
		}
	}
	due(gateway.NoticeWait{Until: first[0].HeldAt.Add(-1), Now: d.now, Limit: 9})
	due(gateway.NoticeWait{Until: first[0].HeldAt, Now: d.now, Limit: 9}, "hanako@town.example", "soumu@town.example")
	due(wait(d, 1), "hanako@town.example")
	// Noted by a clock that was ahead.
	due(gateway.NoticeWait{Until: first[0].HeldAt.Add(-1), Now: d.now.Add(-1), Limit: 9}, "hanako@town.example")

	undone := errors.New("undone")
	lost := digest(d, "hanako@town.example")
	err := d.try(func(tx gateway.Tx) error {
		return errors.Join(tx.AddDigest(lost, wait(d, 9), d.record()), undone)
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	one, two := digest(d, "hanako@town.example"), digest(d, "hanako@town.example")
	for _, v := range []gateway.Delivery{one, two} {
		d.do(func(tx gateway.Tx) error { return tx.AddDigest(v, wait(d, 3), d.record()) })
	}
	d.reopen()
	tells := func(v gateway.Delivery, want ...quarantine.Item) {
		t.Helper()
		got, err := d.l.NoticesIn(t.Context(), v.ID)
		slices.SortFunc(want, func(a, b quarantine.Item) int { return cmpString(a.ID, b.ID) })
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	}
	tells(one, first...)
	tells(two, second...)
	tells(lost)
	due(wait(d, 9), "soumu@town.example")
	if got, err := d.l.Delivery(t.Context(), one.ID); err != nil || got.State != gateway.Drafted || got.Kind != gateway.KindDigest || got.Message != "" {
		t.Errorf("%+v, %v", got, err)
	}
}

func cmpString(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func noticesRefuse(t *testing.T, d *desk) {
	is := heldFor(d, 1, "hanako@town.example")
	again := gateway.Notice{Item: is[0].ID, To: "hanako@town.example", At: d.now.Add(time.Hour)}
	d.do(func(tx gateway.Tx) error {
		return errors.Join(tx.AddNotices([]gateway.Notice{again}), tx.Note(d.record()))
	})
	if err := d.try(func(tx gateway.Tx) error {
		return tx.AddNotices([]gateway.Notice{{Item: is[0].ID, To: "taro@town.example", At: d.now}})
	}); err == nil {
		t.Error("noted without a record")
	}
	for name, n := range map[string]gateway.Notice{
		"no item":         {Item: "none", To: "a@town.example", At: d.now},
		"no address":      {Item: is[0].ID, At: d.now},
		"told beforehand": {Item: is[0].ID, To: "b@town.example", At: d.now, Digest: d.id()},
	} {
		if err := d.try(func(tx gateway.Tx) error { return errors.Join(tx.AddNotices([]gateway.Notice{n}), tx.Note(d.record())) }); err == nil {
			t.Errorf("noted: %s", name)
		}
	}
	for name, spoil := range map[string]func(*gateway.Delivery){
		"ready":          func(v *gateway.Delivery) { v.State, v.Blob = gateway.Ready, "x" },
		"another kind":   func(v *gateway.Delivery) { v.Kind = gateway.KindSubstitute },
		"two recipients": func(v *gateway.Delivery) { v.Recipients = append(v.Recipients, v.Recipients[0]) },
		"nothing waits":  func(v *gateway.Delivery) { v.Recipients[0].Address = "taro@town.example" },
	} {
		v := digest(d, "hanako@town.example")
		spoil(&v)
		if err := d.try(func(tx gateway.Tx) error { return tx.AddDigest(v, wait(d, 9), d.record()) }); err == nil {
			t.Errorf("added: %s", name)
		}
	}
	d.refuseBare(t, "a digest", func(tx gateway.Tx) error {
		return tx.AddDigest(digest(d, "hanako@town.example"), wait(d, 9))
	})
	// The part that was noted again waits since it was noted first.
	if got, err := d.l.NoticesDue(t.Context(), wait(d, 9)); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

// noticeStates: what waits, since when, and what became of what went out.
func noticeStates(t *testing.T, d *desk) {
	state := func(want gateway.NoticeState) {
		t.Helper()
		got, err := d.l.NoticeState(t.Context(), d.now)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatalf("%v\n%s", err, diff)
		}
	}
	state(gateway.NoticeState{})
	noted := d.now
	heldFor(d, 2, "hanako@town.example")
	sent := d.claimDelivery("deliver") // an ordinary mail counts for nothing
	sent.State, sent.Recipients[0].State, sent.Recipients[0].At, sent.Blob = gateway.Relayed, gateway.Taken, d.now, ""
	d.do(func(tx gateway.Tx) error { return tx.Outcome(sent, d.record()) })
	state(gateway.NoticeState{Unwritten: 2, Since: noted})

	d.now = d.now.Add(time.Hour)
	v := digest(d, "hanako@town.example")
	d.do(func(tx gateway.Tx) error { return tx.AddDigest(v, wait(d, 9), d.record()) })
	drafted := d.now
	state(gateway.NoticeState{Waiting: 1, Due: drafted})
	d.do(func(tx gateway.Tx) error {
		var err error
		v, err = tx.ClaimDraft("flow", d.now, d.now.Add(leaseTime))
		return err
	})
	v.State, v.Blob, v.NextAt = gateway.Ready, "sealed", d.now.Add(2*time.Hour)
	d.do(func(tx gateway.Tx) error { return tx.Compose(v, d.record()) })
	state(gateway.NoticeState{Waiting: 1}) // for a later hour
	d.now = d.now.Add(3 * time.Hour)
	state(gateway.NoticeState{Waiting: 1, Due: drafted.Add(2 * time.Hour)})
	try := func(s gateway.DeliveryState, r gateway.RecipientState) {
		t.Helper()
		v = d.claimDelivery("deliver")
		v.State, v.Recipients[0].State, v.Recipients[0].At, v.Attempts, v.NextAt = s, r, d.now, v.Attempts+1, d.now.Add(time.Hour)
		d.do(func(tx gateway.Tx) error { return tx.Outcome(v, d.record()) })
	}
	try(gateway.Ready, gateway.Pending)
	state(gateway.NoticeState{Waiting: 1, Due: drafted}) // a failed try makes it no younger
	d.now = d.now.Add(2 * time.Hour)
	try(gateway.Failed, gateway.Refused)
	gone := d.now
	state(gateway.NoticeState{Refused: 1, FirstRefused: gone})
	d.now = d.now.Add(time.Hour)
	for n := range 2 { // retried by a person, and then given up by one
		d.do(func(tx gateway.Tx) error { return tx.Redirect(v.ID, gateway.Ready, d.now, d.record()) })
		try(gateway.Failed, gateway.Refused)
		state(gateway.NoticeState{Refused: 2 + n, FirstRefused: gone})
	}
	d.do(func(tx gateway.Tx) error { return tx.Redirect(v.ID, gateway.Ready, d.now, d.record()) })
	d.do(func(tx gateway.Tx) error { return tx.Redirect(v.ID, gateway.Failed, d.now, d.record()) })
	state(gateway.NoticeState{Refused: 3, FirstRefused: gone})
	d.do(func(tx gateway.Tx) error { return tx.Redirect(v.ID, gateway.Ready, d.now, d.record()) })
	try(gateway.Relayed, gateway.Taken)
	state(gateway.NoticeState{Taken: d.now})
	d.reopen()
	state(gateway.NoticeState{Taken: d.now})
}

// noticeCounts counts what was asked for, which limits hang on.
func noticeCounts(t *testing.T, d *desk) {
	is := heldFor(d, 1)
	begin := d.now
	ask := func(k gateway.DeliveryKind, message, to string) {
		t.Helper()
		v := digest(d, to)
		v.Kind, v.Message = k, gateway.ID(message)
		d.do(func(tx gateway.Tx) error { return tx.AddDelivery(v, d.record()) })
	}
	for range 2 {
		d.now = d.now.Add(time.Minute)
		ask(gateway.KindNotice, is[0].Message, "hanako@town.example")
		ask(gateway.KindTrial, "", "taro@town.example")
	}
	for name, c := range map[string]struct {
		k           gateway.DeliveryKind
		message, to string
		since       time.Time
		want        int
	}{
		"of a message":       {gateway.KindNotice, is[0].Message, "hanako@town.example", begin, 2},
		"of another":         {gateway.KindNotice, "other", "hanako@town.example", begin, 0},
		"to another":         {gateway.KindNotice, is[0].Message, "taro@town.example", begin, 0},
		"trials":             {gateway.KindTrial, "", "", begin, 2},
		"trials, later ones": {gateway.KindTrial, "", "", begin.Add(time.Minute), 1},
	} {
		d.do(func(tx gateway.Tx) error {
			n, err := tx.CountNotices(c.k, gateway.ID(c.message), c.to, c.since)
			if n != c.want {
				t.Errorf("%s: %d, want %d", name, n, c.want)
			}
			return err
		})
	}
}
