package account

import (
	"context"
	"fmt"
	"strings"

	"sekisho/audit"
)

// endAll ends sessions and tokens.
func (s *Service) endAll(tx Tx, p Principal, u User, why string) error {
	if err := s.endSessions(tx, p, u, "", why); err != nil {
		return err
	}
	_, err := s.endTokens(tx, p, u, false, why)
	return err
}

// endTokens ends a user's API tokens unless they are to be kept, with a record when
// there are any, and returns how many.
func (s *Service) endTokens(tx Tx, p Principal, u User, keep bool, why string) (int, error) {
	if keep {
		return 0, nil
	}
	have, err := tx.Tokens(u.ID)
	if err != nil || len(have) == 0 {
		return 0, err
	}
	r, err := s.record("session.revoked", audit.Success, p, func(e *audit.Event) {
		about(u, "tokens", fmt.Sprint(len(have)), "0")(e)
		e.Decision.ReasonCode = why
	})
	if err != nil {
		return 0, err
	}
	return tx.EndTokens(u.ID, r)
}

// Unlock forgets the attempts on an account, also at the hard cap.
func (s *Service) Unlock(ctx context.Context, p Principal, id string) error {
	if err := s.allow(p, WriteUsers); err != nil {
		return err
	}
	if id == p.ID() {
		return ErrSelf
	}
	return s.store.Do(ctx, func(tx Tx) error {
		u, err := find(tx.User(id))
		if err != nil {
			return err
		}
		a, err := tx.Attempts(s.nameKey(u.Name))
		if err != nil {
			return err
		}
		r, err := s.record("auth.unlocked", audit.Success, p, about(u, "attempts", fmt.Sprint(a.N), "0"))
		if err != nil {
			return err
		}
		if err := tx.PutAttempts(s.nameKey(u.Name), Attempts{}); err != nil {
			return err
		}
		return tx.Note(r)
	})
}

// ResetFactor takes a lost second factor away. It is another person who does it
// (ASVS 6.4.4), two for an account with a role that demands a factor, and all
// sessions and tokens end.
func (s *Service) ResetFactor(ctx context.Context, p Principal, id string, version int64) (Outcome, error) {
	return s.ask(ctx, p, id, version, Proposal{Act: ActFactor}, "")
}

// ResetPassword gives an account a new password by chance, which its owner must
// change at the first sign-in. It is returned once. For an account with a role that
// demands a second factor it takes two persons, and the second gets the password.
func (s *Service) ResetPassword(ctx context.Context, p Principal, id string, version int64) (Outcome, error) {
	password, hash, err := s.byChance(ctx)
	if err != nil {
		return Outcome{}, err
	}
	out, err := s.ask(ctx, p, id, version, Proposal{Act: ActPassword}, hash)
	if err == nil && out.Waits == nil {
		out.Password = password
	}
	return out, err
}

// byChance returns a password that can be typed, and its hash.
func (s *Service) byChance(ctx context.Context) (password, hash string, err error) {
	codes, _, err := newRecovery(s.random())
	if err != nil {
		return "", "", err
	}
	password = strings.ToLower(codes[0])
	hash, err = s.keep.hash(ctx, password)
	return password, hash, err
}
