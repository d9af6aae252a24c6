package account

import (
	"context"
	"fmt"

	"sekisho/audit"
)

// SignOut ends the principal's session.
func (s *Service) SignOut(ctx context.Context, p Principal) error {
	return s.EndSession(ctx, p, p.Session.ID)
}

// Sessions returns the principal's sessions, oldest first.
func (s *Service) Sessions(ctx context.Context, p Principal) ([]Session, error) {
	if err := s.allow(p, OwnAccount); err != nil {
		return nil, err
	}
	var live []Session
	err := s.store.View(ctx, func(r Reader) error {
		all, err := r.Sessions(p.User.ID)
		live = nil
		for _, x := range all {
			if x.live(p.User, s.Now()) == nil {
				live = append(live, x)
			}
		}
		return err
	})
	return live, err
}

// EndSession ends one of the principal's own sessions.
func (s *Service) EndSession(ctx context.Context, p Principal, id string) error {
	if err := s.allow(p, OwnAccount); err != nil {
		return err
	}
	return s.store.Do(ctx, func(tx Tx) error {
		all, err := tx.Sessions(p.User.ID)
		if err != nil {
			return err
		}
		for _, x := range all {
			if x.ID != id {
				continue
			}
			r, err := s.record("session.revoked", audit.Success, p, func(e *audit.Event) {
				e.Object = audit.Object{Type: "session", ID: id}
			})
			if err != nil {
				return err
			}
			return tx.EndSession(id, r)
		}
		return ErrNotFound
	})
}

// StepUp proves identity anew with the password or, where there is a second
// factor, with its code, and gives the session a new secret. The old one is
// worth nothing afterwards. Wrong proofs count as sign-ins do.
func (s *Service) StepUp(ctx context.Context, p Principal, password, code string) (Started, error) {
	if err := s.allow(p, OwnAccount); err != nil {
		return Started{}, err
	}
	if p.User.Factor.Confirmed && code == "" {
		return Started{}, ErrFactor
	}
	return s.prove(ctx, p, password, code, "auth.step_up", nil)
}

// prove looks at the principal's password or code, as StepUp says, renews the
// session, and lets then make changes of the user in the same transaction.
func (s *Service) prove(ctx context.Context, p Principal, password, code string, verb audit.Verb,
	then func(tx Tx, u User, p Principal) (User, error)) (Started, error) {
	key := nameKey(p.User.Name)
	if err := s.attempt(ctx, key, p.IP); err != nil {
		return Started{}, err
	}
	right, byCode := false, p.User.Factor.Confirmed && code != ""
	if !byCode {
		var err error
		if right, err = s.keep.verify(ctx, p.User.Password, password); err != nil {
			return Started{}, err
		}
	}
	secret, err := newSecret(s.random())
	if err != nil {
		return Started{}, err
	}
	var out Started
	var refused error
	err = s.store.Do(ctx, func(tx Tx) error {
		refused = nil
		u, err := tx.User(p.User.ID)
		if err != nil {
			return err
		}
		auth := p.Session.Auth
		switch {
		case u.Password != p.User.Password || u.State != Active:
			refused = ErrCredentials
		case byCode:
			pr, why := s.second(u, code)
			if refused = why; why == nil {
				u, auth = pr.user, pr.auth
			}
		case !right:
			refused = ErrCredentials
		}
		if refused != nil {
			return s.failed(tx, u, p.IP, refused)
		}
		out, err = s.renew(tx, p, u, auth, secret, verb)
		if err != nil || then == nil {
			return err
		}
		out.Principal.User, err = then(tx, u, out.Principal)
		return err
	})
	if err == nil {
		err = outward(refused)
	}
	if err != nil {
		return Started{}, err
	}
	return out, nil
}

// renew gives the session of p a new secret and the present time of proof.
func (s *Service) renew(tx Tx, p Principal, u User, auth, secret string, verb audit.Verb) (Started, error) {
	x := p.Session
	x.Sum, x.Auth, x.ProvedAt = DigestOf(secret), auth, s.Now()
	p.User, p.Session = u, x
	r, err := s.record(verb, audit.Success, p, func(e *audit.Event) {
		e.Object = audit.Object{Type: "session", ID: x.ID}
	})
	if err != nil {
		return Started{}, err
	}
	if err := tx.SignedIn(u, r); err != nil {
		return Started{}, err
	}
	if err := tx.RotateSession(x); err != nil {
		return Started{}, err
	}
	return Started{Secret: secret, Principal: p}, s.succeeded(tx, nameKey(u.Name), p.IP)
}

// ChangePassword sets the principal's password; the present one must be shown.
// All other sessions end and this one gets a new secret.
func (s *Service) ChangePassword(ctx context.Context, p Principal, old, password string) (Started, error) {
	if err := s.allow(p, OwnAccount); err != nil {
		return Started{}, err
	}
	if err := passwordError(p.User, password, s.words); err != nil {
		return Started{}, err
	}
	hash, err := s.keep.hash(ctx, password)
	if err != nil {
		return Started{}, err
	}
	return s.prove(ctx, p, old, "", "auth.step_up", func(tx Tx, u User, p Principal) (User, error) {
		u.Password, u.Long, u.MustChange = hash, long(password), false
		return s.changed(tx, p, u, "password", "", "")
	})
}

func long(password string) bool { return CheckPassword(password, true, nil) == nil }

// changed stores a user within a transaction and ends the other sessions.
func (s *Service) changed(tx Tx, p Principal, u User, path, before, after string) (User, error) {
	u.Version++
	u.ChangedAt = s.Now()
	r, err := s.record("user.changed", audit.Success, p, about(u, path, before, after))
	if err != nil {
		return u, err
	}
	if err := tx.ChangeUser(u, r); err != nil {
		return u, err
	}
	return u, s.endSessions(tx, p, u, p.Session.ID, path)
}

// BeginFactor makes the key of a second factor. It counts once ConfirmFactor
// has seen a code of it. Identity must have been proved within StepUpTime.
func (s *Service) BeginFactor(ctx context.Context, p Principal) (key, uri string, err error) {
	if err := s.recently(p); err != nil {
		return "", "", err
	}
	secret, err := newTOTP(s.random())
	if err != nil {
		return "", "", err
	}
	sealed, err := s.sealer.seal(p.User.ID, secret, s.random())
	if err != nil {
		return "", "", err
	}
	_, err = s.change(ctx, p, p.User.ID, 0, func(_ Tx, u *User) (string, string, string, error) {
		if u.Factor.Confirmed {
			return "", "", "", ErrFactorPresent
		}
		u.Factor = Factor{Sealed: sealed}
		return "factor", "", "begun", nil
	})
	if err != nil {
		return "", "", err
	}
	return typedKey(secret), totpURI(secret, s.issuer, p.User.Name), nil
}

// recently is OwnAccount with a fresh proof of identity.
func (s *Service) recently(p Principal) error {
	if err := s.allow(p, OwnAccount); err != nil {
		return err
	}
	if !p.Session.Fresh(s.Now()) {
		return ErrStepUp
	}
	return nil
}

// ConfirmFactor takes the first code and returns the recovery codes, which are
// shown once. Other sessions end: they did not show the factor.
func (s *Service) ConfirmFactor(ctx context.Context, p Principal, code string) ([]string, error) {
	if err := s.recently(p); err != nil {
		return nil, err
	}
	if err := s.attempt(ctx, nameKey(p.User.Name), p.IP); err != nil {
		return nil, err
	}
	codes, sums, err := newRecovery(s.random())
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, p, p.User.ID, 0, func(tx Tx, u *User) (string, string, string, error) {
		switch {
		case u.Factor.Confirmed:
			return "", "", "", ErrFactorPresent
		case len(u.Factor.Sealed) == 0:
			return "", "", "", ErrFactorAbsent
		}
		step, err := s.code(*u, code)
		if err != nil {
			return "", "", "", err
		}
		u.Factor.Confirmed, u.Factor.Step, u.Recovery = true, step, sums
		if err := s.succeeded(tx, nameKey(u.Name), p.IP); err != nil {
			return "", "", "", err
		}
		return "factor", "", "confirmed", s.endSessions(tx, p, *u, p.Session.ID, "factor")
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// RenewRecovery replaces the recovery codes.
func (s *Service) RenewRecovery(ctx context.Context, p Principal) ([]string, error) {
	if err := s.recently(p); err != nil {
		return nil, err
	}
	codes, sums, err := newRecovery(s.random())
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, p, p.User.ID, 0, func(_ Tx, u *User) (string, string, string, error) {
		if !u.Factor.Confirmed {
			return "", "", "", ErrFactorAbsent
		}
		before := fmt.Sprint(len(u.Recovery))
		u.Recovery = sums
		return "recovery_codes", before, fmt.Sprint(len(sums)), nil
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// RemoveFactor takes the second factor away from a person whose roles do not
// demand one. A password that is too short to stand alone must be changed then.
func (s *Service) RemoveFactor(ctx context.Context, p Principal) error {
	if err := s.recently(p); err != nil {
		return err
	}
	_, err := s.change(ctx, p, p.User.ID, 0, func(tx Tx, u *User) (string, string, string, error) {
		switch {
		case u.Privileged():
			return "", "", "", ErrEnrolFactor
		case !u.Factor.Confirmed:
			return "", "", "", ErrFactorAbsent
		}
		u.Factor, u.Recovery = Factor{}, nil
		return "factor", "confirmed", "", s.endSessions(tx, p, *u, p.Session.ID, "factor")
	})
	return err
}
