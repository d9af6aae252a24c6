package quarantine

import (
	"errors"
	"slices"
	"time"

	"sekisho/sanitize/format"
)

// Vote is what a person says about a request or an exception.
type Vote struct {
	Choice Choice
	Reason string // needed to deny or send back, and to approve an exception
	// OnBehalfOf is in whose stead, "" in one's own right. Whether that may be is
	// asked of the Actor, not of the vote.
	OnBehalfOf string
	Also       []string // original recipients who get the part too, when approving; none of the form Original
}

// Decide returns the request after a person's vote, or the Refusal. An approval
// that is not the last leaves it Requested. It is pure, and the only way to
// Approved for whatever needs a person.
func Decide(r ReleaseRequest, a Actor, v Vote, now time.Time) (ReleaseRequest, error) {
	if err := a.able(); err != nil {
		return r, err
	}
	switch {
	case r.State != Requested:
		return r, AlreadyDecided
	case !now.Before(r.ExpiresAt):
		return r, RequestExpired
	case r.Requester.ID == "":
		return r, Incomplete
	case a.ID == r.Requester.ID || v.OnBehalfOf == r.Requester.ID || a.standsFor(r.Requester.ID, now):
		return r, SelfApproval
	case v.Choice == Approve && !tellable(a.ID, r.Requester.ID):
		return r, MixedPersons
	case v.Choice == Approve && (a.same(r.Requester, now) || a.sameAsAny(r.Approvals(), now)):
		return r, GivenCredential
	}
	n := len(r.Approvals()) + 1
	basis, err := stepOf(r.Form, n).basis(a, v.OnBehalfOf, r.Dept, now)
	if err != nil {
		return r, r.second(a, v.OnBehalfOf, err)
	}
	d := Decision{Choice: v.Choice, By: a.named(), OnBehalfOf: v.OnBehalfOf, At: now, Reason: words(v.Reason), Basis: basis}
	switch v.Choice {
	case Approve:
		return r.approve(d, n, v.Also)
	case Deny:
		return r.end(Denied, d)
	case SendBack:
		return r.end(SentBack, d)
	}
	return r, Incomplete
}

// second tells somebody who has approved before, and cannot take the next step,
// that another person is wanted.
func (r ReleaseRequest) second(a Actor, onBehalfOf string, otherwise error) error {
	for _, p := range r.Approvals() {
		if who := p.persons(); slices.Contains(who, a.ID) || onBehalfOf != "" && slices.Contains(who, onBehalfOf) {
			return NotEnoughPersons
		}
	}
	return otherwise
}

// approve adds the n-th approval.
func (r ReleaseRequest) approve(d Decision, n int, also []string) (ReleaseRequest, error) {
	if err := r.second(d.By, d.OnBehalfOf, nil); err != nil {
		return r, err
	}
	switch {
	case r.Form == Original && d.Reason == "":
		return r, NoReason
	case r.Form == Original && len(also) > 0:
		return r, OneRecipient
	}
	for _, to := range also {
		if !slices.Contains(r.Original, to) {
			return r, NotRecipient
		}
	}
	d.Order, d.Also = n, slices.Clone(also)
	r = r.with(d)
	if n == max(r.Persons, least(r.Form, r.Profile)) {
		r.State = Approved
	}
	return r, nil
}

// end closes a request against the requester's wish; that needs a reason.
func (r ReleaseRequest) end(to RequestState, d Decision) (ReleaseRequest, error) {
	if d.Reason == "" {
		return r, NoReason
	}
	r = r.with(d)
	r.State, r.EndedAt = to, d.At
	return r, nil
}

// with returns the request with one more decision; the old one keeps its own.
func (r ReleaseRequest) with(d Decision) ReleaseRequest {
	r.Decisions = append(slices.Clone(r.Decisions), d)
	r.Version++
	return r
}

// Withdraw returns the request taken back by the person who made it, for which
// nobody needs a reason.
func (r ReleaseRequest) Withdraw(a Actor, reason string, now time.Time) (ReleaseRequest, error) {
	if err := a.able(); err != nil {
		return r, err
	}
	switch {
	case r.State != Requested:
		return r, AlreadyDecided
	case a.ID != r.Requester.ID:
		return r, NotYours
	}
	r = r.with(Decision{Choice: Withdraw, By: a.named(), At: now, Reason: words(reason), Basis: AsAsker})
	r.State, r.EndedAt = Withdrawn, now
	return r, nil
}

// Expire returns the request after its time, or ErrState when it is not due.
func (r ReleaseRequest) Expire(now time.Time) (ReleaseRequest, error) {
	if r.State != Requested || now.Before(r.ExpiresAt) {
		return r, ErrState
	}
	r = r.with(Decision{Choice: Lapse, At: now, Basis: ByTime})
	r.State, r.EndedAt = Lapsed, now
	return r, nil
}

// Execute returns the request and its item after the follow-up mail was made.
// Both change together, in one transaction with the mail, so that an item is
// released once.
func (r ReleaseRequest) Execute(i Item, delivery string, now time.Time) (ReleaseRequest, Item, error) {
	if err := r.Granted(); err != nil {
		return r, i, err
	}
	if delivery == "" || i.ID != r.Item {
		return r, i, errors.New("quarantine: an execution needs its item and its mail")
	}
	by := r.Requester.ID
	if a := r.Approvals(); len(a) > 0 {
		by = a[len(a)-1].By.ID
	}
	released, err := i.decide(Released, by, now)
	if err != nil {
		return r, i, err
	}
	r.Version++
	r.State, r.EndedAt, r.Delivery = Executed, now, delivery
	return r, released, nil
}

// Fail returns an approved request whose part is held still; the item stays
// held and may be asked for again.
func (r ReleaseRequest) Fail(why format.Reason, now time.Time) (ReleaseRequest, error) {
	if err := MoveRequest(r.State, Failed); err != nil {
		return r, err
	}
	r.Version++
	r.State, r.EndedAt, r.Fault = Failed, now, string(why.Listed())
	return r, nil
}
