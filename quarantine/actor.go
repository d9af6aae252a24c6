package quarantine

import (
	"slices"
	"time"
)

// Role is what a person may do, by office (UX-AUDIT section 6).
type Role string

// The roles. Staff may ask, approvers and administrators may decide; auditors
// and operators have no part in a release.
const (
	Staff    Role = "staff"
	Approver Role = "approver"
	Admin    Role = "admin"
	Auditor  Role = "auditor"
	Operator Role = "operator"
)

// Actor is a person as the rules know one at the moment of an act. The zero
// Actor may do nothing.
type Actor struct {
	ID        string   `json:"id"` // who it is; two IDs are two persons
	Name      string   `json:"name,omitempty"`
	Roles     []Role   `json:"roles,omitempty"`
	Dept      string   `json:"dept,omitempty"`
	Mailboxes []string `json:"-"` // the person's own addresses, lower case
	Disabled  bool     `json:"-"`
	Stands    []Deputy `json:"-"` // for whom the person decides now, all of them
	// GivenBy are the IDs of persons who gave this one what it signs in with: until
	// its owner would have missed the account, they can be it.
	GivenBy    []string  `json:"given_by,omitempty"`
	GivenUntil time.Time `json:"given_until,omitzero"` // the first instant at which they cannot
}

// same reports whether two persons who are not one count as one at an instant: one
// gave the other what it signs in with.
func (a Actor) same(b Actor, at time.Time) bool {
	return at.Before(a.GivenUntil) && slices.Contains(a.GivenBy, b.ID) || at.Before(b.GivenUntil) && slices.Contains(b.GivenBy, a.ID)
}

// sameAsAny is same for whoever decided before.
func (a Actor) sameAsAny(before []Decision, at time.Time) bool {
	return slices.ContainsFunc(before, func(d Decision) bool { return a.same(d.By, at) })
}

// Has reports whether the person has a role. Whoever is an auditor has no
// other: an auditor does not look at one's own decisions.
func (a Actor) Has(r Role) bool {
	if r != Auditor && slices.Contains(a.Roles, Auditor) {
		return false
	}
	return slices.Contains(a.Roles, r)
}

// OSPrefix begins the ID of a person who is known only as a user of the
// operating system; accounts have no such IDs.
const OSPrefix = "os:"

// tellable reports whether two IDs of one kind are known to be two persons. A
// user of the operating system and an account may be one human being, and
// nobody can say.
func tellable(a, b string) bool {
	return OfSystem(a) == OfSystem(b)
}

// named is the person as requests and decisions keep one.
func (a Actor) named() Actor {
	return Actor{ID: a.ID, Name: a.Name, Roles: slices.Clone(a.Roles), Dept: a.Dept, GivenBy: slices.Clone(a.GivenBy), GivenUntil: a.GivenUntil}
}

// able says whether the person may act at all.
func (a Actor) able() error {
	switch {
	case a.ID == "":
		return WrongRole
	case a.Disabled:
		return Disabled
	}
	return nil
}

// Deputy says that one person stands in for an approver for a time. It is one
// hop: the deputy cannot pass it on, and gets the approver's part only, never
// an administrator's. The zero Deputy is none.
type Deputy struct {
	Of    Actor // the approver, as known now; may be disabled
	To    string
	From  time.Time
	Until time.Time // the first instant at which it is over
}

// none reports whether the decision is in the person's own right.
func (d Deputy) none() bool { return d.Of.ID == "" }

// holds reports whether the deputation is a's, and of now.
func (d Deputy) holds(a Actor, now time.Time) bool {
	return d.To == a.ID && d.Of.ID != "" && d.Of.ID != a.ID && !d.From.IsZero() && !now.Before(d.From) && now.Before(d.Until)
}

// standsFor reports whether the person is the deputy of another now, whether they
// say so or not.
func (a Actor) standsFor(id string, now time.Time) bool {
	return slices.ContainsFunc(a.Stands, func(d Deputy) bool { return d.Of.ID == id && d.holds(a, now) })
}

// deputation returns by what the person decides in another's stead; the zero Deputy
// in one's own right. Both have to be approvers at that moment: the one whose part
// it is, and the deputy, who lost it with the role.
func (a Actor) deputation(onBehalfOf string, now time.Time) (Deputy, error) {
	if onBehalfOf == "" {
		return Deputy{}, nil
	}
	i := slices.IndexFunc(a.Stands, func(d Deputy) bool { return d.Of.ID == onBehalfOf && d.holds(a, now) })
	switch {
	case i < 0 || !a.Stands[i].Of.Has(Approver):
		return Deputy{}, DeputyRefused
	case !a.Has(Approver):
		return Deputy{}, WrongRole
	}
	return a.Stands[i], nil
}
