package flow

import (
	"context"
	"errors"
	"testing"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
)

// roster is the people of a test as they are at the moment.
type roster map[string]quarantine.Actor

func (r roster) Person(_ context.Context, id string) (quarantine.Actor, error) {
	a, ok := r[id]
	switch {
	case id == "":
		return a, errors.New("asked for nobody")
	case !ok:
		return a, gateway.ErrNotFound
	}
	return a, nil
}

// TestPersonLeft: when what was approved is carried out, everybody of the chain has
// to hold their role still; else the request goes back, nothing is sent, and the
// part may be asked for anew.
// spec: g11
func TestPersonLeft(t *testing.T) {
	off := func(a quarantine.Actor) quarantine.Actor { a.Disabled = true; return a }
	demoted := admin
	demoted.Roles = []quarantine.Role{quarantine.Staff}
	for _, c := range []struct {
		name string
		now  quarantine.Actor
		goes bool
	}{
		{"everybody stands", clerk, true}, {"the requester", off(clerk), false}, {"the first approver", off(head), false}, {"the second's role", demoted, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.Exceptions = true
			people := roster{clerk.ID: clerk, head.ID: head, admin.ID: admin}
			w.People = people
			m, i := holdTable(t, w)
			e := w.exception()
			id := w.ask(i, quarantine.Original, "", e, head, admin)
			people[c.now.ID] = c.now
			w.job()
			if c.goes {
				w.stands(id, i, quarantine.Executed, quarantine.Released, "")
				return
			}
			w.stands(id, i, quarantine.SentBack, quarantine.Held, "")
			if n := len(w.followUps(m)); n > 0 {
				t.Errorf("%d mails", n)
			}
			if e, err := w.ledger.Exception(t.Context(), e.ID); err != nil || e.Uses != 0 {
				t.Errorf("the exception was used: %+v, %v", e, err)
			}
			jobs, err := w.ledger.Jobs(t.Context(), gateway.JobQuery{Request: id})
			if err != nil || len(jobs) != 1 || jobs[0].State != gateway.JobFailed || jobs[0].Reason != "policy" {
				t.Errorf("%+v, %v", jobs, err)
			}
			for _, v := range []audit.Verb{"release.sent_back", "job.failed"} {
				got := w.eventsOf(v)
				if len(got) != 1 || got[0].Decision.ReasonCode != "person_left" || got[0].Decision.RequestID != id || got[0].Actor.Type != audit.ActorSystem {
					t.Errorf("%s: %+v", v, got)
				}
			}
			if o, err := w.ledger.Opening(t.Context(), w.eventsOf("release.sent_back")[0].Decision.Comment); err != nil || o.Value == "" {
				t.Errorf("the reason: %+v, %v", o, err)
			}
			people[c.now.ID] = map[string]quarantine.Actor{clerk.ID: clerk, head.ID: head, admin.ID: admin}[c.now.ID]
			again := w.ask(i, quarantine.Original, "", e, head, admin)
			w.job()
			w.stands(again, i, quarantine.Executed, quarantine.Released, "")
		})
	}
}

// TestRosterSilent: as long as nobody knows who the people are, nothing is sent, and
// it is tried again.
func TestRosterSilent(t *testing.T) {
	w := newWorld(t)
	m, i := holdTable(t, w)
	people := &sick{roster: roster{clerk.ID: clerk}, err: errors.New("disk")}
	w.People = people
	id := w.ask(i, quarantine.TextOnly, "", quarantine.Exception{})
	if _, err := w.Job(t.Context()); err == nil || len(w.followUps(m)) > 0 {
		t.Fatalf("%d mails, %v", len(w.followUps(m)), err)
	}
	w.stands(id, i, quarantine.Approved, quarantine.Held, "")
	people.err = nil
	w.now = w.now.Add(gateway.MaxWait)
	w.job()
	w.stands(id, i, quarantine.Executed, quarantine.Released, "")
}

// sick is a roster that may fail.
type sick struct {
	roster
	err error
}

func (s *sick) Person(ctx context.Context, id string) (quarantine.Actor, error) {
	if s.err != nil {
		return quarantine.Actor{}, s.err
	}
	return s.roster.Person(ctx, id)
}
