package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"sekisho/gateway"
	"sekisho/quarantine"
)

// People of the cases, as stores give them back.
var (
	clerk  = quarantine.Actor{ID: "clerk", Name: "山田", Roles: []quarantine.Role{quarantine.Staff}, Dept: "soumu"}
	head   = quarantine.Actor{ID: "head", Roles: []quarantine.Role{quarantine.Staff, quarantine.Approver}, Dept: "soumu"}
	admin  = quarantine.Actor{ID: "admin", Roles: []quarantine.Role{quarantine.Admin}, Dept: "joho"}
	admin2 = quarantine.Actor{ID: "admin2", Roles: []quarantine.Role{quarantine.Admin}, Dept: "joho"}
)

var offers = quarantine.Rules{SelfService: true, InternetSide: true, Exceptions: true}

// asks returns a request of the clerk for a held item.
func asks(d *desk, i quarantine.Item, f quarantine.Form, p quarantine.Profile, e quarantine.Exception) quarantine.ReleaseRequest {
	d.t.Helper()
	owner := clerk
	owner.Mailboxes = []string{i.Recipient}
	r, err := quarantine.Request(quarantine.Ask{ID: string(d.id()), Form: f, Profile: p, Reason: "入札に使う", Exception: e,
		Original: []string{i.Recipient, "jiro@town.example"}, Sender: "sender@example.com"}, i, owner, offers, d.now)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

// votes returns the request after somebody's vote.
func votes(d *desk, r quarantine.ReleaseRequest, a quarantine.Actor, c quarantine.Choice, also ...string) quarantine.ReleaseRequest {
	d.t.Helper()
	r, err := quarantine.Decide(r, a, quarantine.Vote{Choice: c, Reason: "よい", Also: also}, d.now)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

// job returns the job of a request.
func job(d *desk, r quarantine.ReleaseRequest) gateway.Job {
	return gateway.Job{ID: d.id(), Kind: gateway.JobRelease, Message: gateway.ID(r.Message), Item: r.Item, Request: r.ID, By: r.Requester.ID,
		State: gateway.JobWaiting, CreatedAt: d.now, NextAt: d.now}
}

// followUp returns the mail of a released item.
func followUp(d *desk, m gateway.Message) gateway.Delivery {
	v := d.delivery(m)
	v.Kind, v.From, v.HeldParts = gateway.KindFollowUp, "", 0
	return v
}

func addRequest(d *desk, r quarantine.ReleaseRequest) func(gateway.Tx) error {
	return func(tx gateway.Tx) error { return tx.AddRequest(r, d.record()) }
}

func moveRequest(d *desk, r quarantine.ReleaseRequest) func(gateway.Tx) error {
	return func(tx gateway.Tx) error { return tx.MoveRequest(r, d.record()) }
}

func storedRequest(d *desk, id string) quarantine.ReleaseRequest {
	d.t.Helper()
	r, err := d.l.Request(context.Background(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

// opened registers an exception and has it opened.
func opened(d *desk) quarantine.Exception {
	d.t.Helper()
	e, err := quarantine.Propose(quarantine.Exception{ID: string(d.id()), Scope: quarantine.Scope{Recipients: []string{"@town.example"}, Senders: []string{"*"},
		Kinds: []string{"*"}}, Reason: "入札の原本", From: d.now, Until: d.now.Add(240 * time.Hour), MaxUses: 2}, admin, d.now)
	if err != nil {
		d.t.Fatal(err)
	}
	d.do(func(tx gateway.Tx) error { return tx.AddException(e, d.record()) })
	for _, a := range []quarantine.Actor{head, admin2} {
		if e, err = quarantine.DecideException(e, a, quarantine.Vote{Choice: quarantine.Approve, Reason: "可"}, d.now); err != nil {
			d.t.Fatal(err)
		}
		d.do(func(tx gateway.Tx) error { return tx.MoveException(e, d.record()) })
	}
	return e
}

func requests(t *testing.T, d *desk) {
	_, _, i := heldMail(d)
	r := asks(d, i, quarantine.Original, "", opened(d))
	d.do(addRequest(d, r))
	same(t, "requested", storedRequest(d, r.ID), r)
	d.now = d.now.Add(time.Hour)
	r = votes(d, r, head, quarantine.Approve)
	d.do(moveRequest(d, r))
	same(t, "one approval", storedRequest(d, r.ID), r)
	r = votes(d, r, admin, quarantine.Deny)
	spoilt := r
	spoilt.Recipient, spoilt.Form, spoilt.Persons, spoilt.Requester, spoilt.ExpiresAt = "x", quarantine.TextOnly, 0, admin, time.Time{}
	d.do(moveRequest(d, spoilt)) // what was asked never changes
	same(t, "denied", storedRequest(d, r.ID), r)

	next := asks(d, i, quarantine.TextOnly, "", quarantine.Exception{})
	d.do(func(tx gateway.Tx) error {
		return errors.Join(tx.AddRequest(next, d.record()), tx.AddJob(job(d, next), d.record()))
	})
	_, _, other := heldMail(d)
	d.now = d.now.Add(time.Hour)
	late := asks(d, other, quarantine.Resanitize, quarantine.Wide, quarantine.Exception{})
	d.do(addRequest(d, late))
	d.reopen()
	for _, c := range []struct {
		name string
		q    gateway.RequestQuery
		want []quarantine.ReleaseRequest
	}{
		{"all", gateway.RequestQuery{}, []quarantine.ReleaseRequest{r, next, late}},
		{"two", gateway.RequestQuery{Limit: 2}, []quarantine.ReleaseRequest{r, next}},
		{"open", gateway.RequestQuery{States: []quarantine.RequestState{quarantine.Requested, quarantine.Approved}}, []quarantine.ReleaseRequest{next, late}},
		{"of an item", gateway.RequestQuery{Item: i.ID}, []quarantine.ReleaseRequest{r, next}},
		{"of a message", gateway.RequestQuery{Message: gateway.ID(other.Message)}, []quarantine.ReleaseRequest{late}},
		{"of a person", gateway.RequestQuery{Requester: "clerk", States: []quarantine.RequestState{quarantine.Denied}}, []quarantine.ReleaseRequest{r}},
		{"of nobody", gateway.RequestQuery{Requester: "head"}, nil},
		{"due", gateway.RequestQuery{States: []quarantine.RequestState{quarantine.Requested}, DueBefore: late.ExpiresAt}, []quarantine.ReleaseRequest{late}},
		{"not due", gateway.RequestQuery{States: []quarantine.RequestState{quarantine.Requested}, DueBefore: late.ExpiresAt.Add(-1)}, nil},
	} {
		got, err := d.l.Requests(t.Context(), c.q)
		if err != nil {
			t.Fatal(err)
		}
		same(t, c.name, got, c.want)
	}
	if c, err := d.l.Counts(t.Context()); err != nil || c.RequestsPending != 1 || c.JobsWaiting != 1 {
		t.Errorf("%+v, %v", c, err)
	}
	late = votes(d, late, head, quarantine.Approve, "jiro@town.example")
	late.LeftOut = []string{"jiro@town.example"}
	d.do(func(tx gateway.Tx) error {
		return errors.Join(tx.MoveRequest(late, d.record()), tx.AddJob(job(d, late), d.record()))
	})
	same(t, "approved, one left out", storedRequest(d, late.ID), late)
	if _, err := d.l.Request(t.Context(), "no"); !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("unknown request: %v", err)
	}
}

func requestsRefuse(t *testing.T, d *desk) {
	_, _, i := heldMail(d)
	r := asks(d, i, quarantine.Resanitize, quarantine.Wide, quarantine.Exception{})
	with := func(r quarantine.ReleaseRequest, f func(*quarantine.ReleaseRequest)) quarantine.ReleaseRequest {
		f(&r)
		return r
	}
	for name, c := range map[string]struct {
		r    quarantine.ReleaseRequest
		want error
	}{
		"of no item":         {with(r, func(r *quarantine.ReleaseRequest) { r.Item = "no" }), gateway.ErrNotFound},
		"of another message": {with(r, func(r *quarantine.ReleaseRequest) { r.Message = "no" }), gateway.ErrState},
		"denied":             {with(r, func(r *quarantine.ReleaseRequest) { r.State = quarantine.Denied }), gateway.ErrState},
		"of no state":        {with(r, func(r *quarantine.ReleaseRequest) { r.State = "" }), gateway.ErrState},
		"with a decision":    {with(r, func(r *quarantine.ReleaseRequest) { r.Decisions = []quarantine.Decision{{}} }), gateway.ErrState},
		"approved by itself": {with(r, func(r *quarantine.ReleaseRequest) { r.State = quarantine.Approved }), quarantine.NotEnoughPersons},
		"approved for nobody": {with(r, func(r *quarantine.ReleaseRequest) { r.State, r.Persons = quarantine.Approved, 0 }),
			quarantine.NotEnoughPersons},
	} {
		d.refuse("add a request "+name, c.want, addRequest(d, c.r))
	}
	d.do(addRequest(d, r))
	again := asks(d, i, quarantine.TextOnly, "", quarantine.Exception{})
	d.refuse("a second request of the item", quarantine.ErrState, addRequest(d, again))
	gone := i
	gone.State, gone.DecidedAt, gone.DecidedBy = quarantine.Discarded, d.now, "yamada"
	discard := func(tx gateway.Tx) error { return tx.MoveItem(gone, d.record()) }
	d.refuse("discard under a request", quarantine.ErrState, discard)

	yes := votes(d, r, head, quarantine.Approve)
	for name, bad := range map[string]quarantine.ReleaseRequest{
		"without the decision": with(yes, func(r *quarantine.ReleaseRequest) { r.Decisions = nil }),
		"by the requester":     with(yes, func(r *quarantine.ReleaseRequest) { r.Decisions = forged(r.Decisions, "clerk", quarantine.AsApprover) }),
		"by nobody's right":    with(yes, func(r *quarantine.ReleaseRequest) { r.Decisions = forged(r.Decisions, "head", quarantine.AsAsker) }),
	} {
		if err := d.try(moveRequest(d, bad)); err == nil {
			t.Errorf("approved %s", name)
		}
	}
	d.refuse("of no state", quarantine.ErrState, moveRequest(d, with(yes, func(r *quarantine.ReleaseRequest) { r.State = "" })))
	d.refuse("no request", gateway.ErrNotFound, moveRequest(d, with(yes, func(r *quarantine.ReleaseRequest) { r.ID = "no" })))
	same(t, "after the refusals", storedRequest(d, r.ID), r)
	back, err := r.Withdraw(clerk, "", d.now)
	if err != nil {
		t.Fatal(err)
	}
	d.do(moveRequest(d, back))
	d.do(discard)
	d.refuse("a request of a discarded item", quarantine.Ended, addRequest(d, again))
}

// forged returns decisions by somebody else.
func forged(ds []quarantine.Decision, who string, as quarantine.Basis) []quarantine.Decision {
	ds = slices.Clone(ds)
	for i := range ds {
		ds[i].By.ID, ds[i].Basis = who, as
	}
	return ds
}

// decideTwice has two people decide on one request at the same moment: one of
// them is told that it was decided meanwhile.
func decideTwice(t *testing.T, d *desk) {
	for range 5 {
		_, _, i := heldMail(d)
		r := asks(d, i, quarantine.Resanitize, quarantine.Wide, quarantine.Exception{})
		d.do(addRequest(d, r))
		tries := []quarantine.ReleaseRequest{votes(d, r, head, quarantine.Deny), votes(d, r, admin, quarantine.SendBack), votes(d, r, admin2, quarantine.Deny)}
		errs := make([]error, len(tries))
		records := []gateway.Record{d.record(), d.record(), d.record()}
		var wg sync.WaitGroup
		for n, next := range tries {
			wg.Go(func() { errs[n] = d.try(func(tx gateway.Tx) error { return tx.MoveRequest(next, records[n]) }) })
		}
		wg.Wait()
		won := -1
		for n, err := range errs {
			switch {
			case err == nil && won < 0:
				won = n
			case err == nil:
				t.Fatalf("%d and %d both decided", won, n)
			case !errors.Is(err, quarantine.AlreadyDecided) || !errors.Is(err, quarantine.ErrState):
				t.Errorf("the late one is told %v", err)
			}
		}
		if won < 0 {
			t.Fatalf("nobody decided: %v", errs)
		}
		same(t, "decided", storedRequest(d, r.ID), tries[won])
	}
}

// execute carries an approved request out, all in one transaction.
func execute(d *desk, r quarantine.ReleaseRequest, i quarantine.Item, v gateway.Delivery, j gateway.Job, steps ...func(gateway.Tx) error) error {
	d.t.Helper()
	done, released, err := r.Execute(i, string(v.ID), d.now)
	if err != nil {
		return err
	}
	j.State, j.EndedAt = gateway.JobDone, d.now
	return d.try(func(tx gateway.Tx) error {
		for _, step := range append([]func(gateway.Tx) error{
			func(tx gateway.Tx) error { return tx.AddDelivery(v, d.record()) },
			func(tx gateway.Tx) error { return tx.MoveRequest(done) },
			func(tx gateway.Tx) error { return tx.MoveItem(released) },
			func(tx gateway.Tx) error { return tx.EndJob(j) },
		}, steps...) {
			if err := step(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

// claimJob leases the next job, which must be there.
func claimJob(d *desk) gateway.Job {
	d.t.Helper()
	var j gateway.Job
	d.do(func(tx gateway.Tx) error {
		var err error
		j, err = tx.ClaimJob("flow", d.now, d.now.Add(leaseTime))
		return err
	})
	return j
}

func releaseOnce(t *testing.T, d *desk) {
	m, _, i := heldMail(d)
	e := opened(d)
	r := asks(d, i, quarantine.Original, "", e)
	d.do(addRequest(d, r))
	for _, a := range []quarantine.Actor{head, admin2} {
		r = votes(d, r, a, quarantine.Approve)
		d.do(moveRequest(d, r))
	}
	d.do(func(tx gateway.Tx) error { return tx.AddJob(job(d, r), d.record()) })
	j := claimJob(d)
	used, err := e.Use(i, "sender@example.com", d.now)
	if err != nil {
		t.Fatal(err)
	}
	use := func(tx gateway.Tx) error { return tx.MoveException(used) }
	boom := errors.New("boom")
	first, second := followUp(d, m), followUp(d, m)
	if err := execute(d, r, i, first, j, use, func(gateway.Tx) error { return boom }); !errors.Is(err, boom) {
		t.Fatal(err)
	}
	same(t, "nothing of a half-way execution", storedRequest(d, r.ID), r)
	if err := execute(d, r, i, first, j, use); err != nil {
		t.Fatal(err)
	}
	if err := execute(d, r, i, second, j, use); !errors.Is(err, quarantine.ErrState) && !errors.Is(err, gateway.ErrLease) {
		t.Errorf("a second execution: %v", err)
	}
	if got := storedRequest(d, r.ID); got.State != quarantine.Executed || got.Delivery != string(first.ID) {
		t.Errorf("%+v", got)
	}
	if got, err := d.l.Item(t.Context(), i.ID); err != nil || got.State != quarantine.Released || got.DecidedBy != "admin2" {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := d.l.Exception(t.Context(), e.ID); err != nil || got.Uses != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	ds, err := d.l.Deliveries(t.Context(), gateway.DeliveryQuery{Message: m.ID})
	if err != nil || len(ds) != 2 {
		t.Errorf("%d deliveries, %v", len(ds), err)
	}
}
