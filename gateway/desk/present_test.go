package desk_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"sekisho/gateway"
	"sekisho/gateway/desk"
	"sekisho/quarantine"
)

// roster is the people of a test as they are at the moment.
type roster map[string]quarantine.Actor

func (r roster) Person(_ context.Context, id string) (quarantine.Actor, error) {
	a, ok := r[id]
	if !ok {
		return a, gateway.ErrNotFound
	}
	return a, nil
}

func (r roster) change(p desk.Person, f func(*quarantine.Actor)) {
	a := p.Actor
	f(&a)
	r[a.ID] = a
}

func everybody() roster {
	r := roster{}
	for _, p := range []desk.Person{clerk, head, kanri, joho} {
		r[p.ID] = p.Actor
	}
	return r
}

func off(a *quarantine.Actor) { a.Disabled = true }

// TestPresent: what counts is who somebody is at the moment of the step, not at that
// of the sign-in; and for whom they decide is looked up, not told by the caller.
// spec: g11
func TestPresent(t *testing.T) {
	vice := someone("vice", "soumu", quarantine.Approver)
	until := now.Add(time.Hour)
	stand := func(of desk.Person) quarantine.Deputy {
		return quarantine.Deputy{Of: of.Actor, To: "vice", From: now, Until: until}
	}
	for _, c := range []struct {
		name string
		set  func(roster)
		who  desk.Person
		of   string
		want error
	}{
		{"as they were", func(roster) {}, head, "", nil},
		{"disabled meanwhile", func(r roster) { r.change(head, off) }, head, "", quarantine.Disabled},
		{"no approver any more", func(r roster) {
			r.change(head, func(a *quarantine.Actor) { a.Roles = []quarantine.Role{quarantine.Staff} })
		}, head, "", quarantine.WrongRole},
		{"in another department by now", func(r roster) { r.change(head, func(a *quarantine.Actor) { a.Dept = "soumu" }) }, head, "", quarantine.WrongDepartment},
		{"without an account", func(r roster) { delete(r, head.ID) }, head, "", quarantine.Disabled},
		{"a deputy", func(r roster) {
			r.change(vice, func(a *quarantine.Actor) { a.Stands = []quarantine.Deputy{stand(head)} })
		}, vice, "head", nil},
		{"a deputy of nobody", func(r roster) { r[vice.ID] = vice.Actor }, vice, "head", quarantine.DeputyRefused},
		{"the caller says so", func(r roster) { r[vice.ID] = vice.Actor },
			func() desk.Person { p := vice; p.Stands = []quarantine.Deputy{stand(head)}; return p }(), "head", quarantine.DeputyRefused},
		{"the requester's deputy who does not say so", func(r roster) {
			r.change(head, func(a *quarantine.Actor) {
				a.Stands = []quarantine.Deputy{{Of: clerk.Actor, To: head.ID, From: now, Until: until}}
			})
		}, head, "", quarantine.SelfApproval},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, s := held(t)
			people := everybody()
			d := desk.Desk{Ledger: l, Scribe: s, Rules: func() quarantine.Rules { return quarantine.Rules{} }, People: people}
			r, err := d.Ask(t.Context(), clerk, desk.Ask{Item: "item", Form: quarantine.Resanitize, Reason: "入札"})
			if err != nil {
				t.Fatal(err)
			}
			c.set(people)
			if r, err = d.Decide(t.Context(), c.who, r.ID, 0, quarantine.Vote{Choice: quarantine.Approve, OnBehalfOf: c.of}); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if stored, err := l.Request(t.Context(), r.ID); c.want == nil && (err != nil || stored.State != quarantine.Approved) {
				t.Errorf("%s, %v", stored.State, err)
			}
		})
	}
	l, s := held(t)
	people := everybody()
	d := desk.Desk{Ledger: l, Scribe: s, Rules: func() quarantine.Rules { return quarantine.Rules{} }, People: people}
	people.change(clerk, off)
	if _, err := d.Ask(t.Context(), clerk, desk.Ask{Item: "item", Form: quarantine.TextOnly, Reason: "入札"}); !errors.Is(err, quarantine.Disabled) {
		t.Errorf("somebody disabled asks: %v", err)
	}
}

// TestLeftBeforeTheLastVote: the last approval of a chain of which somebody has left
// sends the request back, with a reason and without a job.
// spec: g11
func TestLeftBeforeTheLastVote(t *testing.T) {
	for _, c := range []struct {
		name string
		gone desk.Person
	}{{"the requester", clerk}, {"the first approver", head}} {
		t.Run(c.name, func(t *testing.T) {
			l, s := held(t)
			people := everybody()
			d := desk.Desk{Ledger: l, Scribe: s, Rules: func() quarantine.Rules { return quarantine.Rules{Exceptions: true} }, People: people}
			e := open(t, d, now.Add(time.Hour))
			ask := func() quarantine.ReleaseRequest {
				t.Helper()
				r, err := d.Ask(t.Context(), clerk, desk.Ask{Item: "item", Form: quarantine.Original, Exception: e.ID, Reason: "入札"})
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			yes := quarantine.Vote{Choice: quarantine.Approve, Reason: "可"}
			r := ask()
			if _, err := d.Decide(t.Context(), head, r.ID, 0, yes); err != nil {
				t.Fatal(err)
			}
			people.change(c.gone, off)
			r, err := d.Decide(t.Context(), joho, r.ID, 0, yes)
			if err != nil || r.State != quarantine.SentBack || r.Decisions[len(r.Decisions)-1].By.ID != quarantine.Gateway {
				t.Fatalf("%+v, %v", r, err)
			}
			ev := last(t, l, "release.sent_back")
			if ev.Decision.ReasonCode != "person_left" || ev.Decision.Comment == "" || ev.Actor.ID != "sekisho" {
				t.Errorf("%+v by %+v", ev.Decision, ev.Actor)
			}
			if jobs, err := l.Jobs(t.Context(), gateway.JobQuery{}); err != nil || len(jobs) > 0 {
				t.Errorf("%d jobs, %v", len(jobs), err)
			}
			people[c.gone.ID] = c.gone.Actor
			if again := ask(); again.State != quarantine.Requested {
				t.Errorf("asked anew: %s", again.State)
			}
			for _, bad := range l.CheckConsistency(t.Context()) {
				t.Error(bad)
			}
			if found, err := l.CheckRecords(t.Context()); err != nil || len(found) > 0 {
				t.Error(found, err)
			}
		})
	}
	l, s := held(t)
	people := everybody()
	d := desk.Desk{Ledger: l, Scribe: s, Rules: func() quarantine.Rules { return quarantine.Rules{} }, People: people}
	e, err := d.Propose(t.Context(), kanri, quarantine.Exception{Scope: quarantine.Scope{Recipients: []string{"*"}, Senders: []string{"*"}, Kinds: []string{"*"}},
		Reason: "様式", From: now, Until: now.Add(time.Hour), MaxUses: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.DecideException(t.Context(), head, e.ID, 0, quarantine.Vote{Choice: quarantine.Approve}); err != nil {
		t.Fatal(err)
	}
	people.change(head, off)
	if e, err := d.DecideException(t.Context(), joho, e.ID, 0, quarantine.Vote{Choice: quarantine.Approve}); !errors.Is(err, quarantine.PersonLeft) {
		t.Errorf("an exception opens: %s, %v", e.State, err)
	}
}
