package account

import (
	"context"
	"slices"
)

// Grant gives a user a role. One that takes two persons (Role.TakesTwo) makes a
// Proposal, which a second administrator confirms; the user is returned as it is
// then. Nobody gives a role to themselves.
func (s *Service) Grant(ctx context.Context, p Principal, id string, version int64, role Role) (User, *Proposal, error) {
	out, err := s.ask(ctx, p, id, version, Proposal{Act: ActGrant, Roles: []Role{role}}, "")
	return out.User, out.Waits, err
}

// ask is put for an account that is another's, of a version (0: of any).
func (s *Service) ask(ctx context.Context, p Principal, id string, version int64, w Proposal, hash string) (Outcome, error) {
	if err := s.allow(p, WriteUsers); err != nil {
		return Outcome{}, err
	}
	if id == p.ID() {
		return Outcome{}, ErrSelf
	}
	var out Outcome
	err := s.store.Do(ctx, func(tx Tx) error {
		u, err := find(tx.User(id))
		if err != nil {
			return err
		}
		if version != 0 && u.Version != version {
			return ErrConflict
		}
		if err := w.possible(u); err != nil {
			return err
		}
		out, err = s.put(tx, p, u, w, hash)
		return err
	})
	if err != nil {
		return Outcome{}, err
	}
	return out, nil
}

// possible reports why what a proposal says cannot be done to u.
func (p Proposal) possible(u User) error {
	for _, r := range p.Roles {
		if u.Has(r) {
			return ErrConflict
		}
	}
	if p.Act == ActFactor && len(u.Factor.Sealed) == 0 {
		return ErrFactorAbsent
	}
	if p.Act != ActGrant {
		return nil
	}
	return CheckRoles(append(slices.Clone(u.Roles), p.Roles...))
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
