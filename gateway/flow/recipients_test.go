package flow

import (
	"context"
	"slices"
	"testing"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
	"sekisho/sanitize/format"
	"sekisho/sanitize/policy"
)

// TestAddedRecipients: whom a decider added gets the part when the same policy is
// for them, at the moment of the release; else they get nothing, and row and
// record say so.
func TestAddedRecipients(t *testing.T) {
	const b, c = "b@town.example.lg.jp", "c@town.example.lg.jp"
	for _, k := range []struct {
		name    string
		strict  bool // c's policy holds tables
		form    quarantine.Form
		to, out []string
	}{
		{"one policy", false, quarantine.Resanitize, []string{b, c}, nil},
		{"a stricter one", true, quarantine.Resanitize, []string{b}, []string{c}},
		{"text of a stricter one", true, quarantine.TextOnly, []string{b}, []string{c}},
	} {
		t.Run(k.name, func(t *testing.T) {
			w := newWorld(t)
			m, i := holdTable(t, w)
			w.policy.Default = policy.Default() // tables are rebuilt by now
			if k.strict {
				strict := policy.Default()
				strict.Kinds[format.CSV] = policy.Quarantine
				w.policy.Overrides = []policy.Override{{Recipients: []string{c}, Rules: strict}}
			}
			w.offers.SelfService = false
			id := w.askFor(i, k.form, "", quarantine.Exception{}, []string{c}, head)
			w.job()
			w.stands(id, i, quarantine.Executed, quarantine.Released, "")
			ds := w.followUps(m)
			if len(ds) != 1 {
				t.Fatalf("%d mails", len(ds))
			}
			if v, _ := w.sealed(ds[0]); !slices.Equal(v.To, k.to) {
				t.Errorf("sealed for %v", v.To)
			}
			r, err := w.ledger.Request(t.Context(), id)
			if err != nil || !slices.Equal(r.To(), k.to) || !slices.Equal(r.LeftOut, k.out) {
				t.Errorf("to %v, left out %v, %v", r.To(), r.LeftOut, err)
			}
			want := audit.Change{}
			if k.strict {
				want = audit.Change{Path: "left_out", After: c}
			}
			for _, e := range w.eventsOf("release.executed") {
				if e.Change != want || !slices.Equal(e.Mail.Recipients, k.to) {
					t.Errorf("%+v %+v", e.Change, e.Mail)
				}
			}
		})
	}
}

// eventsOf are the events of a verb in their order.
func (w *world) eventsOf(v audit.Verb) []audit.Event {
	w.t.Helper()
	rows, err := w.ledger.Pending(w.t.Context(), -1, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	var all []audit.Event
	for _, r := range rows {
		if r.Event.Verb == v {
			all = append(all, r.Event)
		}
	}
	return all
}

// TestOriginalToOne: an original goes to the one recipient whose item was asked
// for, whatever a row says by the time it is carried out.
// spec: g11
func TestOriginalToOne(t *testing.T) {
	w := newWorld(t)
	w.Exceptions = true
	m, i := holdTable(t, w)
	e := w.exception()
	id := w.ask(i, quarantine.Original, "", e, head, admin)
	w.Ledger = forgedVotes{w.ledger, "c@town.example.lg.jp"}
	w.job()
	w.Ledger = w.ledger
	w.stands(id, i, quarantine.Failed, quarantine.Held, "policy")
	if n := len(w.followUps(m)); n > 0 {
		t.Errorf("%d mails", n)
	}
}

// forgedVotes is a ledger in which somebody has added a recipient to each vote.
type forgedVotes struct {
	gateway.Ledger
	also string
}

func (l forgedVotes) Request(ctx context.Context, id string) (quarantine.ReleaseRequest, error) {
	r, err := l.Ledger.Request(ctx, id)
	for i := range r.Decisions {
		r.Decisions[i].Also = []string{l.also}
	}
	return r, err
}
