package account

import (
	"context"
	"errors"
	"fmt"

	"sekisho/gateway"
)

// Standing is a deputation that holds, and the approver stood in for, who may be
// disabled or have lost the role since.
type Standing struct {
	Deputy
	Of User
}

// Known returns who an id is now, and for whom they decide now: what the rules of
// other rooms ask about everybody who acts or has acted. gateway.ErrNotFound when
// there is no such account. It shows nobody anything, so nobody has to be allowed.
func (s *Service) Known(ctx context.Context, id string) (User, []Standing, error) {
	var u User
	var out []Standing
	err := s.store.View(ctx, func(r Reader) error {
		out = nil
		var err error
		if u, err = r.User(id); err != nil {
			return err
		}
		all, err := r.Deputies()
		if err != nil {
			return err
		}
		now := s.Now()
		for _, d := range all {
			if d.By != id || !d.Holds(now) {
				continue
			}
			of, err := r.User(d.For)
			if errors.Is(err, gateway.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			out = append(out, Standing{d, of})
		}
		return nil
	})
	if err != nil {
		return User{}, nil, fmt.Errorf("look up an account: %w", err)
	}
	return u, out, nil
}
