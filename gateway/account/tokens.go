package account

import (
	"context"
	"slices"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
)

// NewToken makes an API token of the principal and returns it with its secret,
// which is shown once. Identity must have been proved within StepUpTime, and
// the roles must allow every scope.
func (s *Service) NewToken(ctx context.Context, p Principal, name string, scopes []Capability, until time.Time) (Token, string, error) {
	if err := s.recently(p); err != nil {
		return Token{}, "", err
	}
	if err := p.User.Missing(); err != nil {
		return Token{}, "", err
	}
	now := s.Now()
	if err := CheckToken(scopes, now, until); err != nil {
		return Token{}, "", err
	}
	for _, c := range scopes {
		if ReachOf(p.User.Roles, c) == Nowhere {
			return Token{}, "", ErrScope
		}
	}
	name, err := cleanDisplay(name)
	if err != nil {
		return Token{}, "", err
	}
	secret, id, err := s.sessionSecret()
	if err != nil {
		return Token{}, "", err
	}
	secret = tokenPrefix + secret
	t := Token{ID: id, Sum: DigestOf(secret), User: p.User.ID, Name: name, Scopes: slices.Clone(scopes), CreatedAt: now, ExpiresAt: until}
	r, err := s.tokenRecord(p, t, "", t.scopes())
	if err != nil {
		return Token{}, "", err
	}
	err = s.store.Do(ctx, func(tx Tx) error {
		have, err := tx.Tokens(p.User.ID)
		if err != nil {
			return err
		}
		have = slices.DeleteFunc(have, func(t Token) bool { return !now.Before(t.ExpiresAt) })
		if len(have) >= maxTokens {
			return ErrExists
		}
		return tx.AddToken(t, r)
	})
	if err != nil {
		return Token{}, "", err
	}
	return t, secret, nil
}

func (t Token) scopes() string {
	out := ""
	for _, c := range t.Scopes {
		out += " " + string(c)
	}
	return out[min(1, len(out)):]
}

func (s *Service) tokenRecord(p Principal, t Token, before, after string) (gateway.Record, error) {
	return s.record("user.changed", audit.Success, p, func(e *audit.Event) {
		e.Object = audit.Object{Type: "api_token", ID: t.ID}
		e.Change = audit.Change{Path: "api_token " + audit.Clean(t.Name, 200), Before: before, After: after}
	})
}

// Tokens returns the principal's own tokens; an auditor and an administrator
// see those of all.
func (s *Service) Tokens(ctx context.Context, p Principal) ([]Token, error) {
	user := p.User.ID
	c := OwnAccount
	if s.allow(p, ReadUsers) == nil {
		user, c = "", ReadUsers
	}
	return view(ctx, s, p, c, func(r Reader) ([]Token, error) { return r.Tokens(user) })
}

// EndToken ends one of the principal's own tokens; administrators end any.
func (s *Service) EndToken(ctx context.Context, p Principal, id string) error {
	any := s.allow(p, WriteUsers) == nil
	if err := s.allow(p, OwnAccount); err != nil && !any {
		return err
	}
	return s.store.Do(ctx, func(tx Tx) error {
		user := p.User.ID
		if any {
			user = ""
		}
		have, err := tx.Tokens(user)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(have, func(t Token) bool { return t.ID == id })
		if i < 0 {
			return ErrNotFound
		}
		r, err := s.tokenRecord(p, have[i], have[i].scopes(), "")
		if err != nil {
			return err
		}
		return tx.EndToken(id, r)
	})
}
