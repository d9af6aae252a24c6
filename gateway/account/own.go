package account

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
// worth nothing afterwards.
func (s *Service) StepUp(ctx context.Context, p Principal, password, code string) (Started, error) {
	if err := s.allow(p, OwnAccount); err != nil {
		return Started{}, err
	}
	if p.User.Factor.Confirmed && code == "" {
		return Started{}, ErrFactor
	}
	return s.prove(ctx, p, evidence{password: password, code: code}, nil)
}

// evidence is what somebody shows to prove who they are: with a confirmed second
// factor its code, else the password; both where all is asked for.
type evidence struct {
	password, code string
	all            bool
}

// prove looks at what the principal shows, renews the session, and lets then make
// changes of the user in the same transaction. It is the only way to a session
// that is fresh again, and where a second factor is confirmed none leads there
// without it: a session and a password that somebody stole are not the person.
func (s *Service) prove(ctx context.Context, p Principal, shown evidence, then func(tx Tx, u User, p Principal) (User, error)) (Started, error) {
	tried, err := s.tryProof(ctx, p)
	if err != nil {
		return Started{}, err
	}
	right := true
	if shown.all || !p.User.Factor.Confirmed {
		if right, err = s.keep.verify(ctx, p.User.Password, shown.password); err != nil {
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
		out = Started{}
		var u User
		auth := p.Session.Auth
		u, auth, refused = s.proved(tx, p, right, shown.code)
		if refused != nil {
			return s.disproved(tx, p, tried, refused)
		}
		var err error
		if out, err = s.renew(tx, p, u, auth, secret); err != nil || then == nil {
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

// proved decides on a proof with the user as stored at this moment.
func (s *Service) proved(tx Tx, p Principal, right bool, code string) (User, string, error) {
	u, err := tx.User(p.User.ID)
	switch {
	case err != nil:
		return User{}, "", err
	case u.Password != p.User.Password || u.Factor.Confirmed != p.User.Factor.Confirmed || u.State != Active || !right:
		return User{}, "", ErrCredentials
	case !u.Factor.Confirmed:
		return u, p.Session.Auth, nil
	}
	pr, err := s.second(u, code)
	return pr.user, pr.auth, err
}

// MaxProofs is how many proofs in a row may fail before the session ends. They
// count for the session alone: who is signed in is not stopped by strangers who
// type the name, and who took a session over has five guesses.
const MaxProofs = 5

// tryProof counts a proof before it is looked at, and returns how many there were
// since the last that was right.
func (s *Service) tryProof(ctx context.Context, p Principal) (int, error) {
	n := 0
	var over error
	err := s.store.Do(ctx, func(tx Tx) error {
		all, err := tx.Sessions(p.User.ID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(x Session) bool { return x.ID == p.Session.ID })
		if i < 0 {
			return ErrSession
		}
		if n, over = all[i].Failed+1, nil; n <= MaxProofs {
			return tx.CountProofs(p.Session.ID, n)
		}
		over = ErrSession // some in hand at once, or of a factor that was not confirmed
		return s.endUnproved(tx, p)
	})
	if err == nil {
		err = over
	}
	return n, err
}

// disproved records a proof that was wrong; the session ends with the last.
func (s *Service) disproved(tx Tx, p Principal, tried int, why error) error {
	if err := s.failed(tx, p.User, p.IP, why); err != nil || tried < MaxProofs {
		return err
	}
	return s.endUnproved(tx, p)
}

func (s *Service) endUnproved(tx Tx, p Principal) error {
	r, err := s.record("session.revoked", audit.Denied, p, func(e *audit.Event) {
		e.Object = audit.Object{Type: "session", ID: p.Session.ID}
		e.Decision.ReasonCode = string(ErrTooMany)
	})
	if err != nil {
		return err
	}
	return tx.EndSession(p.Session.ID, r)
}

// renew gives the session of p a new secret and the present time of proof.
func (s *Service) renew(tx Tx, p Principal, u User, auth, secret string) (Started, error) {
	x := p.Session
	x.Sum, x.Auth, x.ProvedAt, x.Failed = DigestOf(secret), auth, s.Now(), 0
	p.User, p.Session = u, x
	r, err := s.record("auth.step_up", audit.Success, p, func(e *audit.Event) {
		e.Object = audit.Object{Type: "session", ID: x.ID}
	})
	if err != nil {
		return Started{}, err
	}
	if err := tx.SignedIn(u, r); err != nil {
		return Started{}, err
	}
	return Started{Secret: secret, Principal: p}, tx.RotateSession(x)
}

// PasswordChange is a new password of one's own.
type PasswordChange struct {
	Old, New   string
	Code       string // of the second factor, where one is confirmed
	KeepTokens bool   // API tokens go on
}

// ChangePassword sets the principal's password; the present one must be shown, and
// the code of a confirmed second factor. All other sessions and, unless they are to
// be kept, the API tokens end, and this session gets a new secret.
func (s *Service) ChangePassword(ctx context.Context, p Principal, c PasswordChange) (Started, error) {
	if err := s.allow(p, OwnAccount); err != nil {
		return Started{}, err
	}
	switch {
	case p.User.Factor.Confirmed && c.Code == "":
		return Started{}, ErrFactor
	case normal(c.Old) == normal(c.New):
		return Started{}, ErrUnchanged
	}
	if err := passwordError(p.User, c.New, s.words); err != nil {
		return Started{}, err
	}
	hash, err := s.keep.hash(ctx, c.New)
	if err != nil {
		return Started{}, err
	}
	ended := 0
	st, err := s.prove(ctx, p, evidence{password: c.Old, code: c.Code, all: true}, func(tx Tx, u User, p Principal) (User, error) {
		u.Password, u.Long, u.MustChange = hash, long(c.New), false
		var err error
		if ended, err = s.endTokens(tx, p, u, c.KeepTokens, "password"); err != nil {
			return u, err
		}
		return s.changed(tx, p, u, "password", "", "")
	})
	st.TokensEnded = ended
	return st, err
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

// Enrolled is what came of a second factor that was set up.
type Enrolled struct {
	Codes       []string // recovery codes, shown once
	TokensEnded int
}

// ConfirmFactor takes the first code and returns the recovery codes, which are
// shown once. Other sessions end, and API tokens unless they are to be kept: they
// did not show the factor.
func (s *Service) ConfirmFactor(ctx context.Context, p Principal, code string, keepTokens bool) (Enrolled, error) {
	if err := s.recently(p); err != nil {
		return Enrolled{}, err
	}
	if _, err := s.tryProof(ctx, p); err != nil {
		return Enrolled{}, err
	}
	codes, sums, err := newRecovery(s.random())
	if err != nil {
		return Enrolled{}, err
	}
	out := Enrolled{Codes: codes}
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
		if err := tx.CountProofs(p.Session.ID, 0); err != nil {
			return "", "", "", err
		}
		out.TokensEnded, err = s.endTokens(tx, p, *u, keepTokens, "factor")
		return "factor", "", "confirmed", errors.Join(err, s.endSessions(tx, p, *u, p.Session.ID, "factor"))
	})
	if err != nil {
		return Enrolled{}, err
	}
	return out, nil
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
// Other sessions end, and API tokens unless they are to be kept; it returns how
// many of these.
func (s *Service) RemoveFactor(ctx context.Context, p Principal, keepTokens bool) (int, error) {
	if err := s.recently(p); err != nil {
		return 0, err
	}
	ended := 0
	_, err := s.change(ctx, p, p.User.ID, 0, func(tx Tx, u *User) (string, string, string, error) {
		switch {
		case u.Privileged():
			return "", "", "", ErrEnrolFactor
		case !u.Factor.Confirmed:
			return "", "", "", ErrFactorAbsent
		}
		u.Factor, u.Recovery = Factor{}, nil
		var err error
		ended, err = s.endTokens(tx, p, *u, keepTokens, "factor")
		return "factor", "confirmed", "", errors.Join(err, s.endSessions(tx, p, *u, p.Session.ID, "factor"))
	})
	return ended, err
}
