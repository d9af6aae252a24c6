package account

import (
	"slices"
	"time"
)

// Deputy says that one person decides for another for a time (代理承認). It is
// one hop: who decides for another by it cannot pass that on.
type Deputy struct {
	ID    string
	For   string // user id of the approver
	By    string // user id of the deputy
	From  time.Time
	Until time.Time
	SetBy string // who set it, for people
	Ended time.Time
}

// MaxDeputy is the longest time that a deputy may be set for at once.
const MaxDeputy = 366 * 24 * time.Hour

// Holds reports whether the deputy may act at now.
func (d Deputy) Holds(now time.Time) bool {
	return d.Ended.IsZero() && !now.Before(d.From) && now.Before(d.Until)
}

// CheckDeputy reports why d cannot be set: both must be different people, the
// one an approver, the other an active approver too (so that a second factor
// stands behind each decision), and the time dated, ahead and at most MaxDeputy.
func CheckDeputy(d Deputy, of, by User, now time.Time) error {
	switch {
	case of.ID == "" || of.ID == by.ID || of.ID != d.For || by.ID != d.By:
		return ErrDeputy
	case !of.Has(Approver) || !by.Has(Approver) || by.State != Active:
		return ErrDeputy
	case d.From.IsZero() || !d.Until.After(d.From) || !d.Until.After(now) || d.Until.Sub(d.From) > MaxDeputy:
		return ErrPeriod
	}
	return nil
}

// Decider is who may decide for a department, and for whom.
type Decider struct {
	User string
	For  string // the approver stood in for, "" for the user's own right
}

// Deciders returns who may decide requests of a department at now: its active
// approvers, and the deputies of its approvers. An approver who is disabled
// decides nothing, but leaves the dated deputy in place, so that what waits
// does not wait for ever. When nobody is left the administrators decide, and
// the empty list says so. A deputy's deputy is not asked: one hop.
func Deciders(dept string, users []User, deputies []Deputy, now time.Time) []Decider {
	if dept == "" {
		return nil
	}
	byID := map[string]User{}
	for _, u := range users {
		byID[u.ID] = u
	}
	var out []Decider
	add := func(d Decider) {
		if !slices.ContainsFunc(out, func(have Decider) bool { return have.User == d.User }) {
			out = append(out, d)
		}
	}
	for _, u := range users {
		if u.Dept == dept && u.Has(Approver) && u.State == Active {
			add(Decider{User: u.ID})
		}
	}
	for _, d := range deputies {
		of, by := byID[d.For], byID[d.By]
		if d.Holds(now) && of.Dept == dept && of.Has(Approver) && by.Has(Approver) && by.State == Active && of.ID != by.ID {
			add(Decider{User: by.ID, For: of.ID})
		}
	}
	return out
}
