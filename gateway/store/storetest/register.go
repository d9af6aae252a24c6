package storetest

import (
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
)

func exceptions(t *testing.T, d *desk) {
	e := opened(d)
	stored := func(id string) quarantine.Exception {
		t.Helper()
		got, err := d.l.Exception(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	d.reopen()
	same(t, "open", stored(e.ID), e)
	move := func(e quarantine.Exception) func(gateway.Tx) error {
		return func(tx gateway.Tx) error { return tx.MoveException(e, d.record()) }
	}
	jump := e
	jump.Version, jump.Uses = e.Version+1, 2
	d.refuse("two uses at once", gateway.ErrState, move(jump))
	jump.Version, jump.Uses = e.Version+2, 1
	d.refuse("an old picture", quarantine.AlreadyDecided, move(jump))
	jump.Version, jump.State = e.Version+1, quarantine.Proposed
	d.refuse("proposed again", quarantine.ErrState, move(jump))
	over, err := e.End(head, "済んだ", d.now)
	if err != nil {
		t.Fatal(err)
	}
	spoilt := over
	spoilt.MaxUses, spoilt.Until, spoilt.Scope = 99, d.now, quarantine.Scope{}
	d.do(move(spoilt))
	same(t, "ended", stored(e.ID), over)
	next, err := quarantine.Propose(quarantine.Exception{ID: "x9", Scope: e.Scope, Reason: "x", From: d.now, Until: d.now.Add(time.Hour), MaxUses: 1}, head, d.now.Add(1))
	if err != nil {
		t.Fatal(err)
	}
	bad := next
	bad.State = quarantine.Opened
	d.refuse("an exception that begins open", gateway.ErrState, func(tx gateway.Tx) error { return tx.AddException(bad, d.record()) })
	d.do(func(tx gateway.Tx) error { return tx.AddException(next, d.record()) })
	bad.Version = 2
	d.do(move(bad)) // a store counts no persons of an exception; each use does, and the check says so
	if _, err := bad.Use(quarantine.Item{Recipient: "a@town.example"}, "", d.now); !errors.Is(err, quarantine.NoException) {
		t.Errorf("opened by nobody: %v", err)
	}
	ended, err := bad.End(admin, "誤り", d.now)
	if err != nil {
		t.Fatal(err)
	}
	d.do(move(ended))
	for _, c := range []struct {
		name string
		q    gateway.ExceptionQuery
		want []quarantine.Exception
	}{
		{"all", gateway.ExceptionQuery{}, []quarantine.Exception{over, ended}},
		{"one", gateway.ExceptionQuery{Limit: 1}, []quarantine.Exception{over}},
		{"open", gateway.ExceptionQuery{States: []quarantine.ExceptionState{quarantine.Opened}}, nil},
		{"due", gateway.ExceptionQuery{States: []quarantine.ExceptionState{quarantine.Over}, DueBefore: ended.Until}, []quarantine.Exception{ended}},
	} {
		got, err := d.l.Exceptions(t.Context(), c.q)
		if err != nil {
			t.Fatal(err)
		}
		same(t, c.name, got, c.want)
	}
	if _, err := d.l.Exception(t.Context(), "no"); !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("unknown exception: %v", err)
	}
	d.refuse("move nothing", gateway.ErrNotFound, move(quarantine.Exception{ID: "no"}))
	erasures(t, d, over, ended)
}

// erasures: words about an exception are kept until it is over, and go with what
// stands behind its records; those of another one stay.
func erasures(t *testing.T, d *desk, over, other quarantine.Exception) {
	t.Helper()
	worded := d.record()
	o, err := audit.Commit("わけ", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	worded.Event.Decision.Comment, worded.Openings = o.Digest, []audit.Opening{o}
	erase := func(id string, rec ...gateway.Record) func(gateway.Tx) error {
		return func(tx gateway.Tx) error { return tx.EraseException(id, rec...) }
	}
	next, err := quarantine.Propose(quarantine.Exception{ID: "x10", Scope: over.Scope, Reason: "まだ続く", From: d.now, Until: d.now.Add(time.Hour), MaxUses: 1}, head, d.now)
	if err != nil {
		t.Fatal(err)
	}
	d.do(func(tx gateway.Tx) error { return tx.AddException(next, worded) })
	d.refuse("erase an open one", gateway.ErrState, erase(next.ID, d.record()))
	d.refuse("erase none", gateway.ErrNotFound, erase("no", d.record()))
	if err := d.try(erase(over.ID)); err == nil {
		t.Error("erased without a record")
	}
	d.do(erase(over.ID, d.record()))
	blank := over
	blank.Reason, blank.Decisions = "", slices.Clone(over.Decisions)
	for i := range blank.Decisions {
		blank.Decisions[i].Reason = ""
	}
	d.reopen()
	for _, want := range []quarantine.Exception{blank, other, next} {
		got, err := d.l.Exception(t.Context(), want.ID)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "after erasing "+want.ID, got, want)
	}
	if _, err := d.l.Opening(t.Context(), o.Digest); err != nil {
		t.Errorf("words of another exception: %v", err)
	}
	if next, err = next.End(admin, "やめた", d.now); err != nil {
		t.Fatal(err)
	}
	d.do(func(tx gateway.Tx) error { return tx.MoveException(next, d.record()) })
	d.do(erase(next.ID, d.record()))
	if _, err := d.l.Opening(t.Context(), o.Digest); !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("words after erasing: %v", err)
	}
}

func jobs(t *testing.T, d *desk) {
	none := func() {
		t.Helper()
		d.refuse("no job", gateway.ErrNotFound, func(tx gateway.Tx) error {
			_, err := tx.ClaimJob("flow", d.now, d.now.Add(leaseTime))
			return err
		})
	}
	none()
	_, _, i := heldMail(d)
	r := asks(d, i, quarantine.TextOnly, "", quarantine.Exception{})
	j := job(d, r)
	bad := j
	bad.State = gateway.JobDone
	d.refuse("a job that begins done", gateway.ErrState, func(tx gateway.Tx) error { return tx.AddJob(bad, d.record()) })
	d.do(func(tx gateway.Tx) error { return errors.Join(tx.AddRequest(r, d.record()), tx.AddJob(j, d.record())) })
	old := claimJob(d)
	want := j
	want.Lease = gateway.Lease{Owner: "flow", Until: d.now.Add(leaseTime), Fence: 1}
	same(t, "claimed", old, want)
	none() // leased
	d.do(func(tx gateway.Tx) error { return tx.RenewJob(old, d.now.Add(2*leaseTime)) })
	d.now = d.now.Add(leaseTime)
	none() // renewed
	d.now = d.now.Add(leaseTime)
	again := claimJob(d)
	if again.Lease.Fence != 2 || again.Lost != 1 {
		t.Errorf("%+v", again)
	}
	lost := old
	lost.State, lost.EndedAt = gateway.JobDone, d.now
	d.refuse("renew a lost lease", gateway.ErrLease, func(tx gateway.Tx) error { return tx.RenewJob(old, d.now.Add(leaseTime)) })
	d.refuse("return with a lost lease", gateway.ErrLease, func(tx gateway.Tx) error { return tx.ReturnJob(old) })
	d.refuse("end with a lost lease", gateway.ErrLease, func(tx gateway.Tx) error { return tx.EndJob(lost, d.record()) })
	again.Attempts, again.NextAt = 1, d.now.Add(time.Minute)
	d.do(func(tx gateway.Tx) error { return tx.ReturnJob(again) })
	none() // waits
	d.now = again.NextAt
	last := claimJob(d)
	if last.Attempts != 1 || last.Lost != 1 || last.Lease.Fence != 3 {
		t.Errorf("%+v", last)
	}
	d.refuse("end as waiting", gateway.ErrState, func(tx gateway.Tx) error { return tx.EndJob(last, d.record()) })
	failed, err := r.Fail("kind_unsupported", d.now)
	if err != nil {
		t.Fatal(err)
	}
	last.State, last.EndedAt, last.Reason, last.Detail = gateway.JobFailed, d.now, "kind_unsupported", "詳しく"
	d.do(func(tx gateway.Tx) error { return errors.Join(tx.MoveRequest(failed), tx.EndJob(last, d.record())) })
	last.Lease = gateway.Lease{Fence: 3}
	d.reopen()
	got, err := d.l.Job(t.Context(), j.ID)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "failed", got, last)
	none()
	for _, q := range []gateway.JobQuery{{}, {Request: r.ID}, {States: []gateway.JobState{gateway.JobFailed}}} {
		if js, err := d.l.Jobs(t.Context(), q); err != nil || len(js) != 1 || js[0].ID != j.ID {
			t.Errorf("%+v: %+v, %v", q, js, err)
		}
	}
	if js, err := d.l.Jobs(t.Context(), gateway.JobQuery{States: []gateway.JobState{gateway.JobWaiting}}); err != nil || len(js) > 0 {
		t.Errorf("%+v, %v", js, err)
	}
	if _, err := d.l.Job(t.Context(), "no"); !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("unknown job: %v", err)
	}
	d.refuse("return nothing", gateway.ErrNotFound, func(tx gateway.Tx) error { return tx.ReturnJob(gateway.Job{ID: "no"}) })
}

// previews are jobs of their own kind, whose rows may go.
func previews(t *testing.T, d *desk) {
	m, _, i := heldMail(d)
	r := asks(d, i, quarantine.TextOnly, "", quarantine.Exception{})
	d.do(func(tx gateway.Tx) error {
		return errors.Join(tx.AddRequest(r, d.record()), tx.AddJob(job(d, r), d.record()))
	})
	p := gateway.Job{ID: d.id(), Kind: gateway.JobPreview, Message: m.ID, Item: i.ID, By: "clerk", State: gateway.JobWaiting, CreatedAt: d.now, NextAt: d.now,
		Preview: gateway.PagePreview{Part: "2.1", Page: 3, ExpiresAt: d.now.Add(time.Hour)}}
	d.refuseBare(t, "add preview", func(tx gateway.Tx) error { return tx.AddJob(p) })
	for name, broken := range map[string]func(*gateway.Job){
		"no page":   func(j *gateway.Job) { j.Preview.Page = 0 },
		"for ever":  func(j *gateway.Job) { j.Preview.ExpiresAt = time.Time{} },
		"no person": func(j *gateway.Job) { j.By = "" },
	} {
		bad := p
		broken(&bad)
		if err := d.try(func(tx gateway.Tx) error { return tx.AddJob(bad, d.record()) }); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	d.do(func(tx gateway.Tx) error { return tx.AddJob(p, d.record()) })
	var got gateway.Job
	d.do(func(tx gateway.Tx) error {
		var err error
		got, err = tx.ClaimJob("flow", d.now, d.now.Add(leaseTime), gateway.JobPreview)
		return err
	})
	want := p
	want.Lease = gateway.Lease{Owner: "flow", Until: d.now.Add(leaseTime), Fence: 1}
	same(t, "claimed", got, want)
	d.refuse("a second one", gateway.ErrNotFound, func(tx gateway.Tx) error {
		_, err := tx.ClaimJob("flow", d.now, d.now.Add(leaseTime), gateway.JobPreview)
		return err
	})
	d.do(func(tx gateway.Tx) error { return tx.ForgetPreview(p.ID) }) // it waits, and stays
	got.State, got.EndedAt = gateway.JobDone, d.now
	if err := d.try(func(tx gateway.Tx) error { return tx.EndJob(got, d.record()) }); err == nil {
		t.Error("a preview ended well without a picture")
	}
	got.Preview.Pages, got.Preview.Blob, got.Preview.Size, got.Preview.Sum = 12, "picture", 99, [32]byte{1}
	got.Preview.ExpiresAt = d.now.Add(time.Minute)
	d.do(func(tx gateway.Tx) error { return tx.EndJob(got, d.record()) })
	got.Lease = gateway.Lease{Fence: 1}
	d.reopen()
	back, err := d.l.Job(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "done", back, got)
	previewQueries(t, d, p)
	if claimJob(d).Kind != gateway.JobRelease {
		t.Error("the release was not left")
	}
	d.do(func(tx gateway.Tx) error { return tx.ForgetPreview(p.ID) })
	if _, err := d.l.Job(t.Context(), p.ID); !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("forgotten: %v", err)
	}
	d.do(func(tx gateway.Tx) error { return tx.ForgetPreview(p.ID) }) // once more is no error
	if c, err := d.l.Counts(t.Context()); err != nil || c.JobsWaiting != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}

func previewQueries(t *testing.T, d *desk, p gateway.Job) {
	t.Helper()
	ended := []gateway.JobState{gateway.JobDone, gateway.JobFailed}
	for _, c := range []struct {
		q    gateway.JobQuery
		want int
	}{
		{gateway.JobQuery{}, 2}, {gateway.JobQuery{Kind: gateway.JobPreview}, 1}, {gateway.JobQuery{Kind: gateway.JobRelease}, 1},
		{gateway.JobQuery{Kind: gateway.JobPreview, Message: p.Message, By: "clerk"}, 1}, {gateway.JobQuery{Kind: gateway.JobPreview, By: "head"}, 0},
		{gateway.JobQuery{Message: "no"}, 0},
		{gateway.JobQuery{Kind: gateway.JobPreview, States: ended}, 1}, {gateway.JobQuery{Kind: gateway.JobRelease, States: ended}, 0},
	} {
		if js, err := d.l.Jobs(t.Context(), c.q); err != nil || len(js) != c.want {
			t.Errorf("%+v: %d jobs, %v", c.q, len(js), err)
		}
	}
}

func releaseNeedsRecord(t *testing.T, d *desk) {
	_, _, i := heldMail(d)
	r := asks(d, i, quarantine.Resanitize, quarantine.Wide, quarantine.Exception{})
	e := opened(d)
	ended, err := e.End(admin, "x", d.now)
	if err != nil {
		t.Fatal(err)
	}
	d.refuseBare(t, "add request", func(tx gateway.Tx) error { return tx.AddRequest(r) })
	d.do(addRequest(d, r))
	yes := votes(d, r, head, quarantine.Approve)
	d.refuseBare(t, "move request", func(tx gateway.Tx) error { return tx.MoveRequest(yes) })
	d.do(func(tx gateway.Tx) error { return errors.Join(tx.MoveRequest(yes, d.record()), tx.AddJob(job(d, yes))) })
	j := claimJob(d)
	done := j
	done.State, done.EndedAt = gateway.JobDone, d.now
	another := e
	another.ID, another.State, another.Version, another.Decisions = "x7", quarantine.Proposed, 1, nil
	for name, f := range map[string]func(gateway.Tx) error{
		"add exception":  func(tx gateway.Tx) error { return tx.AddException(another) },
		"move exception": func(tx gateway.Tx) error { return tx.MoveException(ended) },
		"add job":        func(tx gateway.Tx) error { return tx.AddJob(job(d, yes)) },
		"end job":        func(tx gateway.Tx) error { return tx.EndJob(done) },
	} {
		d.refuseBare(t, name, f)
	}
	same(t, "request", storedRequest(d, r.ID), yes)
}

// refuseBare is try for a change without a record, which must not be kept.
func (d *desk) refuseBare(t *testing.T, what string, f func(gateway.Tx) error) {
	t.Helper()
	if err := d.try(f); err == nil {
		t.Errorf("%s without a record was kept", what)
	}
}
