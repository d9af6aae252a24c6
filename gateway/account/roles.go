package account

import (
	"context"
	"slices"
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

// Proposal is a role of administrator that one person asked for another, and a
// second person confirms.
type Proposal struct {
	ID        string
	User      string // who is to get the role
	Role      Role
	By        string // Principal.ID of the proposer
	ByName    string
	At        time.Time
	ExpiresAt time.Time
	State     ProposalState
	DecidedBy string
	DecidedAt time.Time
}

// ProposalTime is how long a proposal waits.
const ProposalTime = 7 * 24 * time.Hour

// Confirm returns the proposal confirmed by a person. The person must be
// neither the proposer nor the one who gets the role.
func (p Proposal) Confirm(by string, now time.Time) (Proposal, error) {
	switch {
	case p.State != Open:
		return p, ErrConflict
	case !now.Before(p.ExpiresAt):
		return p, ErrPeriod
	case by == "" || by == p.By || by == p.User:
		return p, ErrSamePerson
	}
	p.State, p.DecidedBy, p.DecidedAt = Confirmed, by, now
	return p, nil
}

// propose stores a proposal. One that waits for the same already is returned.
func (s *Service) propose(tx Tx, by Principal, u User, role Role) (*Proposal, error) {
	open, err := tx.Proposals()
	if err != nil {
		return nil, err
	}
	for _, have := range open {
		if have.User == u.ID && have.Role == role && s.Now().Before(have.ExpiresAt) {
			return &have, nil
		}
	}
	id, err := s.newID()
	if err != nil {
		return nil, err
	}
	now := s.Now()
	p := Proposal{ID: id, User: u.ID, Role: role, By: by.ID(), ByName: by.Name(), At: now, ExpiresAt: now.Add(ProposalTime), State: Open}
	r, err := s.record("user.changed", audit.Pending, by, func(e *audit.Event) {
		about(u, "roles", joined(u.Roles), joined(with(u.Roles, role)))(e)
		e.Decision.RequestID, e.Decision.Order = id, 1
	})
	if err != nil {
		return nil, err
	}
	return &p, tx.PutProposal(p, r)
}

// Grant gives a user a role. For that of an administrator it makes a Proposal,
// which a second person confirms; the user is returned as it is then. Nobody
// gives a role to themselves.
func (s *Service) Grant(ctx context.Context, p Principal, id string, version int64, role Role) (User, *Proposal, error) {
	if err := s.allow(p, WriteUsers); err != nil {
		return User{}, nil, err
	}
	if id == p.ID() {
		return User{}, nil, ErrSelf
	}
	if role != Admin {
		u, err := s.setRoles(ctx, p, id, version, func(_ Tx, u User) ([]Role, error) { return add(u, role) })
		return u, nil, err
	}
	var u User
	var waits *Proposal
	err := s.store.Do(ctx, func(tx Tx) error {
		var err error
		if u, err = find(tx.User(id)); err != nil {
			return err
		}
		if version != 0 && u.Version != version {
			return ErrConflict
		}
		if _, err := add(u, Admin); err != nil {
			return err
		}
		waits, err = s.propose(tx, p, u, Admin)
		return err
	})
	return u, waits, err
}

// add returns the roles of u with one more.
func add(u User, role Role) ([]Role, error) {
	if u.Has(role) {
		return nil, ErrConflict
	}
	roles := append(slices.Clone(u.Roles), role)
	return ordered(roles), CheckRoles(roles)
}

// Revoke takes a role away. The last active administrator stays, and so does a
// user's last role: who may do nothing any more is disabled.
func (s *Service) Revoke(ctx context.Context, p Principal, id string, version int64, role Role) (User, error) {
	if err := s.allow(p, WriteUsers); err != nil {
		return User{}, err
	}
	return s.setRoles(ctx, p, id, version, func(tx Tx, u User) ([]Role, error) {
		if !u.Has(role) {
			return nil, ErrConflict
		}
		roles := without(u.Roles, role)
		if role == Admin {
			if err := keepsAdmin(tx, u); err != nil {
				return nil, err
			}
		}
		return roles, CheckRoles(roles)
	})
}

// setRoles changes roles and ends the user's sessions: what they may do, and
// how long a session lasts, is another now.
func (s *Service) setRoles(ctx context.Context, p Principal, id string, version int64, f func(Tx, User) ([]Role, error)) (User, error) {
	return s.change(ctx, p, id, version, func(tx Tx, u *User) (string, string, string, error) {
		before := joined(u.Roles)
		roles, err := f(tx, *u)
		if err != nil {
			return "", "", "", err
		}
		u.Roles = roles
		return "roles", before, joined(roles), s.endSessions(tx, p, *u, "", "roles_changed")
	})
}

// Confirm confirms a proposal as its second person, who is an administrator.
func (s *Service) Confirm(ctx context.Context, p Principal, proposal string) (User, error) {
	if err := s.allow(p, WriteUsers); err != nil {
		return User{}, err
	}
	if p.console != "" {
		return User{}, ErrSamePerson // two users of one machine may be one person
	}
	var out User
	err := s.store.Do(ctx, func(tx Tx) error {
		w, err := find(tx.Proposal(proposal))
		if err != nil {
			return err
		}
		if w, err = w.Confirm(p.ID(), s.Now()); err != nil {
			return err
		}
		u, err := find(tx.User(w.User))
		if err != nil {
			return err
		}
		before := joined(u.Roles)
		if u.Roles, err = add(u, w.Role); err != nil {
			return err
		}
		if u.State != Active {
			return ErrConflict
		}
		u.Version++
		u.ChangedAt = s.Now()
		r, err := s.record("user.changed", audit.Success, p, func(e *audit.Event) {
			about(u, "roles", before, joined(u.Roles))(e)
			e.Decision.RequestID, e.Decision.Order = w.ID, 2
		})
		if err != nil {
			return err
		}
		if err := tx.ChangeUser(u, r); err != nil {
			return err
		}
		if err := tx.PutProposal(w); err != nil {
			return err
		}
		out = u
		return s.endSessions(tx, p, u, "", "roles_changed")
	})
	return out, err
}

// Withdraw ends a proposal without the role: by whoever made it, or by any
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
			e.Change.Path, e.Decision.RequestID = "roles", w.ID
		})
		if err != nil {
			return err
		}
		return tx.PutProposal(w, r)
	})
}
