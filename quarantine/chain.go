package quarantine

import (
	"slices"
	"strings"
	"time"
)

// Gateway is the ID of who sends a request back when no person does. Accounts have
// no such ID.
const Gateway = "sekisho"

// OfSystem reports whether an ID is that of a user of the operating system, of whom
// no more is known than the name.
func OfSystem(id string) bool { return strings.HasPrefix(id, OSPrefix) }

// Chain returns the IDs of everybody whose authority a request uses, once each: who
// asked, who approved, and in whose stead. Users of the operating system are left
// out: nobody keeps their roles.
func (r ReleaseRequest) Chain() []string { return chain(r.Requester.ID, r.Approvals()) }

// Chain is that of an exception.
func (e Exception) Chain() []string { return chain(e.ProposedBy.ID, e.approvals()) }

func chain(first string, approvals []Decision) []string {
	var ids []string
	add := func(id string) {
		if !OfSystem(id) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	add(first)
	for _, d := range approvals {
		for _, id := range d.persons() {
			add(id)
		}
	}
	return ids
}

// Left returns whose part in a request nobody could take any more: a person of the
// Chain whose account is out of use, or who lost the role of their step. It is ""
// when everybody stands. now holds the chain as known at the moment; who is not in
// it has left.
func (r ReleaseRequest) Left(now map[string]Actor) string {
	return left(r.Requester.ID, []Role{Staff, Approver, Admin}, r.Approvals(), now)
}

// Left is that of an exception, whose proposer is an approver or an administrator.
func (e Exception) Left(now map[string]Actor) string {
	return left(e.ProposedBy.ID, []Role{Approver, Admin}, e.approvals(), now)
}

func left(first string, roles []Role, approvals []Decision, now map[string]Actor) string {
	stands := func(id string, roles ...Role) bool {
		a := now[id]
		return OfSystem(id) || a.ID == id && a.able() == nil && slices.ContainsFunc(roles, a.Has)
	}
	if !stands(first, roles...) {
		return first
	}
	for _, d := range approvals {
		role := Approver
		if d.Basis == AsAdmin {
			role = Admin
		}
		if !stands(d.By.ID, role) {
			return d.By.ID
		}
		// The approver stood in for may be disabled: that is what deputies are for.
		if of := now[d.OnBehalfOf]; d.OnBehalfOf != "" && !OfSystem(d.OnBehalfOf) && !of.Has(Approver) {
			return d.OnBehalfOf
		}
	}
	return ""
}

// GoBack returns the request sent back by the gateway itself, because a person of
// its Chain has left: what was decided does not count any more, and has to be asked
// for anew.
func (r ReleaseRequest) GoBack(who string, now time.Time) (ReleaseRequest, error) {
	if err := MoveRequest(r.State, SentBack); err != nil {
		return r, err
	}
	name := who
	for _, a := range r.named() {
		if a.ID == who && a.Name != "" {
			name = a.Name
		}
	}
	r = r.with(Decision{Choice: SendBack, By: Actor{ID: Gateway, Name: Gateway}, At: now, Reason: PersonLeft.Text().JA + "（" + name + "）", Basis: BySystem})
	r.State, r.EndedAt = SentBack, now
	return r, nil
}

// named are the persons of a request as its row knows them.
func (r ReleaseRequest) named() []Actor {
	all := []Actor{r.Requester}
	for _, d := range r.Decisions {
		all = append(all, d.By)
	}
	return all
}
