package account

import (
	"context"
	"errors"
	"fmt"

	"sekisho/audit"
	"sekisho/gateway"
)

// Credentials are what a person types to sign in.
type Credentials struct {
	Name     string
	Password string
	Code     string // of the second factor, or a recovery code; "" for none
	IP       string
	Agent    string
	Browser  string // Started.Browser of the last time, "" for none
}

// Started is a new or renewed session with its secret, which is nowhere else.
type Started struct {
	Secret      string
	Principal   Principal
	Browser     string // of a sign-in: for the browser to keep, and to show the next time
	TokensEnded int    // API tokens that ended with a change of the password
}

// proof is what came of looking at credentials.
type proof struct {
	user     User // as it is to be stored
	auth     string
	recovery bool
}

// SignIn opens a session. Errors: ErrCredentials for whatever is wrong,
// ErrFactor when only the code is missing, ErrTooMany (a Wait) and ErrLocked.
// A session that the browser had before is none of this one's business: the
// secret is always new, so that a planted one leads nowhere.
func (s *Service) SignIn(ctx context.Context, c Credentials) (Started, error) {
	counted, err := s.attempt(ctx, c)
	if err != nil {
		return Started{}, err
	}
	var u User
	if err := s.store.View(ctx, func(r Reader) error {
		name, err := foldName(c.Name)
		if err != nil {
			return nil
		}
		u, err = r.UserNamed(name)
		if errors.Is(err, gateway.ErrNotFound) {
			return nil
		}
		return err
	}); err != nil {
		return Started{}, err
	}
	right, err := s.keep.verify(ctx, u.Password, c.Password)
	if err != nil {
		return Started{}, err
	}
	secret, id, err := s.sessionSecret()
	if err != nil {
		return Started{}, err
	}
	browser, err := s.newBrowser(c.Name)
	if err != nil {
		return Started{}, err
	}
	var out Started
	var refused error
	err = s.store.Do(ctx, func(tx Tx) error {
		refused = nil
		pr, why := s.look(tx, u, right, c.Code)
		if why != nil {
			refused = why
			return s.failed(tx, u, c.IP, why)
		}
		out, err = s.begin(tx, pr, Session{ID: id, Sum: DigestOf(secret), User: u.ID, Auth: pr.auth, IP: recordIP(c.IP),
			Agent: audit.Clean(c.Agent, 200)}, counted, c.IP)
		out.Secret, out.Browser = secret, browser
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

func (s *Service) sessionSecret() (secret, id string, err error) {
	if secret, err = newSecret(s.random()); err != nil {
		return "", "", err
	}
	id, err = s.newID()
	return secret, id, err
}

// attempt counts one attempt before it is looked at, and returns where.
func (s *Service) attempt(ctx context.Context, c Credentials) (rows, error) {
	now := s.Now()
	var in rows
	err := s.store.Do(ctx, func(tx Tx) error {
		var err error
		if in, err = s.rowsOf(tx, c); err != nil {
			return err
		}
		a, err := tx.Attempts(in.name)
		if err != nil {
			return err
		}
		if in.ip != "" {
			b, err := tx.Attempts(in.ip)
			if err != nil {
				return err
			}
			if now.Before(b.Until) {
				return Wait{b.Until.Sub(now)}
			}
			if err := a.Allow(now); err != nil {
				return err
			}
			if err := tx.PutAttempts(in.ip, b.CountAddress(now)); err != nil {
				return err
			}
		} else if err := a.Allow(now); err != nil {
			return err
		}
		a, locked := a.Count(now)
		if err := tx.PutAttempts(in.name, a); err != nil || !locked {
			return err
		}
		return s.noteLock(tx, c, a)
	})
	return in, err
}

// noteLock records that a name is locked; which one only where somebody has it: else
// it may be a password.
func (s *Service) noteLock(tx Tx, c Credentials, a Attempts) error {
	u, err := tx.UserNamed(folded(c.Name))
	if err != nil && !errors.Is(err, gateway.ErrNotFound) {
		return err
	}
	r, err := s.record("auth.locked", audit.Denied, Principal{IP: c.IP}, func(e *audit.Event) {
		e.Object = audit.Object{Type: "attempts", ID: u.ID}
		e.Change = audit.Change{Path: "attempts", After: fmt.Sprint(a.N)}
	})
	if err != nil {
		return err
	}
	return tx.Note(r)
}

// look decides with the user as stored at this moment: between the hashing and
// now the account may have changed, or a second attempt have used the code.
func (s *Service) look(tx Tx, was User, right bool, code string) (proof, error) {
	if was.ID == "" || !right {
		return proof{}, ErrCredentials
	}
	u, err := tx.User(was.ID)
	switch {
	case err != nil:
		return proof{}, err
	case u.Password != was.Password || u.State != Active:
		return proof{}, ErrCredentials
	case !u.Factor.Confirmed:
		return proof{user: u, auth: "password"}, nil
	case code == "":
		return proof{}, ErrFactor
	}
	return s.second(u, code)
}

// second looks at the code of a second factor.
func (s *Service) second(u User, code string) (proof, error) {
	if left, ok := useRecovery(u.Recovery, code); ok {
		u.Recovery = left
		return proof{user: u, auth: "password+recovery", recovery: true}, nil
	}
	step, err := s.code(u, code)
	if err != nil {
		return proof{}, err
	}
	u.Factor.Step = step
	return proof{user: u, auth: "password+totp"}, nil
}

// failed records a sign-in that did not succeed; an error of the store comes
// back as it is. Names that nobody has are not recorded: they may be passwords.
func (s *Service) failed(tx Tx, u User, ip string, why error) error {
	var code Refusal
	if !errors.As(why, &code) {
		return why
	}
	outcome := audit.Failure
	if code == ErrFactor {
		outcome = audit.Pending
	}
	r, err := s.record("auth.failed", outcome, Principal{IP: ip}, func(e *audit.Event) {
		if u.ID != "" {
			e.Object = audit.Object{Type: "user", ID: u.ID}
		}
		e.Decision.ReasonCode = string(code)
	})
	if err != nil {
		return err
	}
	return tx.Note(r)
}

// outward is what the person is told: the codes of SignIn and no others.
func outward(why error) error {
	switch {
	case why == nil, errors.Is(why, ErrFactor):
		return why
	}
	return ErrCredentials
}

// begin stores a session and forgets the attempts.
func (s *Service) begin(tx Tx, pr proof, x Session, counted rows, ip string) (Started, error) {
	now := s.Now()
	u := pr.user
	x.CreatedAt, x.SeenAt, x.ProvedAt = now, now, now
	u.LastSignIn = now
	p := Principal{User: u, Session: x, IP: ip}
	r, err := s.record("auth.succeeded", audit.Success, p, func(e *audit.Event) {
		e.Object = audit.Object{Type: "session", ID: x.ID}
		if pr.recovery {
			e.Change = audit.Change{Path: "recovery_codes", After: fmt.Sprint(len(u.Recovery))}
		}
	})
	if err != nil {
		return Started{}, err
	}
	if err := tx.SignedIn(u, r); err != nil {
		return Started{}, err
	}
	have, err := tx.Sessions(u.ID)
	if err != nil {
		return Started{}, err
	}
	for ; len(have) >= maxSessions; have = have[1:] {
		if err := tx.EndSession(have[0].ID); err != nil {
			return Started{}, err
		}
	}
	if err := tx.AddSession(x); err != nil {
		return Started{}, err
	}
	return Started{Principal: p}, s.succeeded(tx, counted)
}

// succeeded forgets the attempts of a name or a browser, and takes one back from
// those of an address: in the morning many people sign in from behind one. A known
// browser does not open the name for the others: what was counted there stays.
func (s *Service) succeeded(tx Tx, in rows) error {
	if in.ip != "" {
		a, err := tx.Attempts(in.ip)
		if err != nil {
			return err
		}
		if a.N--; a.N <= 0 {
			a = Attempts{}
		}
		if err := tx.PutAttempts(in.ip, a); err != nil {
			return err
		}
	}
	return tx.PutAttempts(in.name, Attempts{})
}

// Authenticate finds who a session's secret belongs to: ErrSession for a
// session that is unknown or over.
func (s *Service) Authenticate(ctx context.Context, secret, ip string) (Principal, error) {
	p := Principal{IP: ip}
	now := s.Now()
	err := s.store.View(ctx, func(r Reader) error {
		var err error
		if p.Session, err = r.Session(DigestOf(secret)); err != nil {
			return err
		}
		p.User, err = r.User(p.Session.User)
		return err
	})
	if errors.Is(err, gateway.ErrNotFound) {
		return Principal{}, ErrSession
	}
	if err == nil {
		err = p.Session.live(p.User, now)
	}
	if err == nil && now.Sub(p.Session.SeenAt) >= touchEvery {
		p.Session.SeenAt = now
		err = s.store.Do(ctx, func(tx Tx) error { return tx.SeeSession(p.Session.ID, now) })
	}
	if err != nil {
		return Principal{}, err
	}
	return p, nil
}

// AuthenticateToken is Authenticate for an API token.
func (s *Service) AuthenticateToken(ctx context.Context, secret, ip string) (Principal, error) {
	p := Principal{IP: ip}
	now := s.Now()
	err := s.store.View(ctx, func(r Reader) error {
		var err error
		if p.Token, err = r.Token(DigestOf(secret)); err != nil {
			return err
		}
		p.User, err = r.User(p.Token.User)
		return err
	})
	if errors.Is(err, gateway.ErrNotFound) {
		return Principal{}, ErrSession
	}
	if err == nil && (p.User.State != Active || p.Token.ID == "" || !now.Before(p.Token.ExpiresAt) || now.Before(p.Token.CreatedAt)) {
		err = ErrSession
	}
	if err == nil && now.Sub(p.Token.UsedAt) >= touchEvery {
		err = s.store.Do(ctx, func(tx Tx) error { return tx.SeeToken(p.Token.ID, now) })
	}
	if err != nil {
		return Principal{}, err
	}
	return p, nil
}
