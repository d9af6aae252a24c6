package account

import (
	"context"
	"slices"
	"strings"
	"time"

	"sekisho/audit"
)

// ProposalState is what became of a proposal. The zero state decides nothing.
type ProposalState string

// The states of a proposal; only an open one moves.
const (
	Open      ProposalState = "open"
	Confirmed ProposalState = "confirmed"
	Withdrawn ProposalState = "withdrawn"
	Lapsed    ProposalState = "lapsed"
)

// Act is what a proposal is about. The zero Act does nothing.
type Act string

// The acts that may take two persons.
const (
	ActGrant    Act = "grant"          // roles and mailboxes are given
	ActFactor   Act = "reset_factor"   // the second factor is taken away
	ActPassword Act = "reset_password" // a password by chance is given
)

// Proposal is what one administrator asked for an account, and a second one
// confirms: whoever could do it alone would be as many persons as there are
// accounts, and no decision of two persons would be one.
type Proposal struct {
	ID        string
	User      string // whose account it is
	Act       Act
	Roles     []Role   // of ActGrant
	Addresses []string // of ActGrant: mailboxes to be added
	By        string   // Principal.ID of the proposer
	ByName    string
	At        time.Time
	ExpiresAt time.Time
	State     ProposalState
	DecidedBy string
	DecidedAt time.Time
}

// ProposalTime is how long a proposal waits.
const ProposalTime = 7 * 24 * time.Hour

// osPrefix begins the Principal.ID of a user of the operating system.
const osPrefix = "os:"

// Confirm returns the proposal confirmed by a person. The person must be neither
// the proposer nor whose account it is; and a user of the operating system and an
// account may be one human being, so that these are no two persons.
func (p Proposal) Confirm(by string, now time.Time) (Proposal, error) {
	switch {
	case p.State != Open:
		return p, ErrConflict
	case !now.Before(p.ExpiresAt):
		return p, ErrPeriod
	case by == "" || by == p.By || by == p.User:
		return p, ErrSamePerson
	case strings.HasPrefix(by, osPrefix) || strings.HasPrefix(p.By, osPrefix):
		return p, ErrSamePerson
	}
	p.State, p.DecidedBy, p.DecidedAt = Confirmed, by, now
	return p, nil
}

// takesTwo reports whether what a proposal says about u takes two persons. shared
// says that a mailbox of it is another active account's.
func (p Proposal) takesTwo(u User, shared bool) bool {
	switch p.Act {
	case ActFactor, ActPassword:
		return u.Privileged()
	case ActGrant:
		return slices.ContainsFunc(p.Roles, Role.TakesTwo) || len(p.Addresses) > 0 && (shared || u.Privileged())
	}
	return true
}

// same reports whether two proposals ask for the same.
func (p Proposal) same(q Proposal) bool {
	return p.User == q.User && p.Act == q.Act && slices.Equal(p.Roles, q.Roles) && slices.Equal(p.Addresses, q.Addresses)
}

// change is what of an account changes by it, as records name it.
func (p Proposal) change(u User) audit.Change {
	c := audit.Change{Path: "roles", Before: joined(u.Roles), After: joined(ordered(append(slices.Clone(u.Roles), p.Roles...)))}
	switch {
	case p.Act == ActFactor:
		c = audit.Change{Path: "factor", Before: "confirmed"}
	case p.Act == ActPassword:
		c = audit.Change{Path: "password", After: "reset"}
	case len(p.Addresses) > 0:
		c.Path = "addresses"
		c.Before, c.After = strings.Join(u.Addresses, " "), strings.Join(append(slices.Clone(u.Addresses), p.Addresses...), " ")
		if len(p.Roles) > 0 {
			c.Path, c.After = "roles addresses", joined(p.Roles)+" "+c.After
		}
	}
	c.Before, c.After = audit.Clean(c.Before, 2000), audit.Clean(c.After, 2000)
	return c
}

// Outcome is what came of an act on an account: done, or waiting for a second
// person.
type Outcome struct {
	User               // as it is now
	Waits    *Proposal // what was not done yet; nil for nothing
	Password string    // of ActPassword, shown once, to whoever did or confirmed it
}

// put does to an account what w says, or stores it as a proposal of p where that
// takes two persons. At the machine's console p does it alone while there are not
// two administrators who could: that is how an office begins, and how it goes on
// when all are locked out. The record says who it was.
func (s *Service) put(tx Tx, p Principal, u User, w Proposal, hash string) (Outcome, error) {
	w.User = u.ID
	shared, err := anyShared(tx, u.ID, w.Addresses)
	if err != nil {
		return Outcome{}, err
	}
	if w.takesTwo(u, shared) {
		alone, err := alone(tx, p, u.ID)
		switch {
		case err != nil:
			return Outcome{}, err
		case p.console != "" && !alone:
			return Outcome{}, ErrTwoAdmins
		case !alone:
			waits, err := s.propose(tx, p, u, w)
			return Outcome{User: u, Waits: waits}, err
		}
	}
	u, err = s.carry(tx, p, u, w, hash, p.ID())
	return Outcome{User: u}, err
}

// carry does to an account what w says. givers are the persons in whose hands a
// credential that it gives has been.
func (s *Service) carry(tx Tx, p Principal, u User, w Proposal, hash string, givers ...string) (User, error) {
	c := w.change(u)
	why := "roles_changed"
	switch w.Act {
	case ActGrant:
		roles := ordered(append(slices.Clone(u.Roles), w.Roles...))
		addresses, err := checkAddresses(append(slices.Clone(u.Addresses), w.Addresses...))
		if err == nil {
			err = CheckRoles(roles)
		}
		if err == nil && len(roles) == len(u.Roles) && len(addresses) == len(u.Addresses) {
			err = ErrConflict
		}
		if err != nil {
			return u, err
		}
		u.Roles, u.Addresses = roles, addresses
	case ActFactor:
		if len(u.Factor.Sealed) == 0 {
			return u, ErrFactorAbsent
		}
		u.Factor, u.Recovery, u.Given, why = Factor{}, nil, u.Given.with(s.Now(), givers...), "factor_reset"
	case ActPassword:
		u.Password, u.Long, u.MustChange, u.Given, why = hash, true, true, u.Given.with(s.Now(), givers...), "password_reset"
	default:
		return u, ErrConflict
	}
	u.Version++
	u.ChangedAt = s.Now()
	r, err := s.record("user.changed", audit.Success, p, func(e *audit.Event) {
		e.Object, e.Change = audit.Object{Type: "user", ID: u.ID}, c
		if w.ID != "" {
			e.Decision.RequestID, e.Decision.Order = w.ID, 2
		}
	})
	if err != nil {
		return u, err
	}
	if err := tx.ChangeUser(u, r); err != nil {
		return u, err
	}
	if w.Act == ActGrant {
		return u, s.endSessions(tx, p, u, "", why)
	}
	return u, s.endAll(tx, p, u, why)
}

// alone reports whether p does alone what takes two persons: the user of the
// machine, while fewer than two administrators besides the target could sign in to
// propose and confirm it.
func alone(r Reader, p Principal, target string) (bool, error) {
	if p.console == "" {
		return false, nil
	}
	all, err := r.Users(UserQuery{Role: Admin, State: Active})
	all = slices.DeleteFunc(all, func(u User) bool { return u.ID == target || !u.Able() })
	return len(all) < 2, err
}

// anyShared reports whether one of these mailboxes is that of an active account
// other than id.
func anyShared(r Reader, id string, addresses []string) (bool, error) {
	if len(addresses) == 0 {
		return false, nil
	}
	found := false
	err := eachUser(r, func(u User) {
		if u.ID != id && u.State == Active {
			found = found || slices.ContainsFunc(addresses, func(a string) bool { return slices.Contains(u.Addresses, a) })
		}
	})
	return found, err
}

// eachUser reads all users, by name.
func eachUser(r Reader, f func(User)) error {
	for after := ""; ; {
		page, err := r.Users(UserQuery{After: after, Limit: 500})
		if err != nil || len(page) == 0 {
			return err
		}
		for _, u := range page {
			f(u)
			after = u.Name
		}
	}
}

// propose stores a proposal. One that waits for the same already is returned.
func (s *Service) propose(tx Tx, by Principal, u User, w Proposal) (*Proposal, error) {
	open, err := tx.Proposals()
	if err != nil {
		return nil, err
	}
	for _, have := range open {
		if have.same(w) && s.Now().Before(have.ExpiresAt) {
			return &have, nil
		}
	}
	now := s.Now()
	if w.ID, err = s.newID(); err != nil {
		return nil, err
	}
	w.By, w.ByName, w.At, w.ExpiresAt, w.State = by.ID(), by.Name(), now, now.Add(ProposalTime), Open
	r, err := s.record("user.changed", audit.Pending, by, func(e *audit.Event) {
		e.Object, e.Change = audit.Object{Type: "user", ID: u.ID}, w.change(u)
		e.Decision.RequestID, e.Decision.Order = w.ID, 1
	})
	if err != nil {
		return nil, err
	}
	return &w, tx.PutProposal(w, r)
}

// Confirm confirms a proposal as its second person, who is an administrator. A
// password that comes of it is shown to them, and not to the proposer.
func (s *Service) Confirm(ctx context.Context, p Principal, proposal string) (Outcome, error) {
	if err := s.allow(p, WriteUsers); err != nil {
		return Outcome{}, err
	}
	password, hash, err := s.byChance(ctx)
	if err != nil {
		return Outcome{}, err
	}
	var out Outcome
	err = s.store.Do(ctx, func(tx Tx) error {
		w, err := find(tx.Proposal(proposal))
		if err != nil {
			return err
		}
		asked := w
		if w, err = w.Confirm(p.ID(), s.Now()); err != nil {
			return err
		}
		if err := s.twoPersons(tx, p, asked); err != nil {
			return err
		}
		u, err := find(tx.User(w.User))
		if err != nil {
			return err
		}
		if u.State != Active {
			return ErrConflict
		}
		out = Outcome{}
		if out.User, err = s.carry(tx, p, u, w, hash, w.By, p.ID()); err != nil {
			return err
		}
		if w.Act == ActPassword {
			out.Password = password
		}
		return tx.PutProposal(w)
	})
	if err != nil {
		return Outcome{}, err
	}
	return out, nil
}

// twoPersons looks at proposer and confirmer as they are now: both administrators
// still, and neither with a credential that the other gave.
func (s *Service) twoPersons(tx Tx, p Principal, w Proposal) error {
	by, err := find(tx.User(w.By))
	if err != nil {
		return err
	}
	me, err := find(tx.User(p.ID()))
	switch {
	case err != nil:
		return err
	case !by.activeAdmin() || !me.activeAdmin():
		return ErrConflict
	case SamePerson(by, me, s.Now()) || SamePerson(by, me, w.At):
		return ErrSamePerson
	}
	return nil
}

// Withdraw ends a proposal without the act: by whoever made it, or by any
// administrator.
func (s *Service) Withdraw(ctx context.Context, p Principal, proposal string) error {
	if err := s.allow(p, WriteUsers); err != nil {
		return err
	}
	return s.store.Do(ctx, func(tx Tx) error {
		w, err := find(tx.Proposal(proposal))
		if err != nil {
			return err
		}
		if w.State != Open {
			return ErrConflict
		}
		w.State, w.DecidedBy, w.DecidedAt = Withdrawn, p.ID(), s.Now()
		r, err := s.record("user.changed", audit.Denied, p, func(e *audit.Event) {
			e.Object = audit.Object{Type: "user", ID: w.User}
			e.Change.Path, e.Decision.RequestID = w.change(User{}).Path, w.ID
		})
		if err != nil {
			return err
		}
		return tx.PutProposal(w, r)
	})
}
