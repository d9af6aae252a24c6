package account

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
)

// Config is what a Service needs.
type Config struct {
	Store  Store
	Scribe gateway.Scribe // its clock and chance are the service's
	Params Params         // of new passwords; zero: Standard
	Words  []string       // of the office, which passwords must not consist of
	Issuer string         // the office as authenticator programs show it
	Sealer Sealer         // of second factors; it has a key
}

// Service applies the rules to a store. It is safe for concurrent use.
type Service struct {
	store  Store
	scribe gateway.Scribe
	keep   *keeper
	words  []string
	issuer string
	sealer Sealer

	refused refusals
}

// New returns a Service.
func New(c Config) (*Service, error) {
	if !c.Sealer.ready() {
		return nil, fmt.Errorf("accounts: %w", errNoSealingKey)
	}
	k, err := newKeeper(c.Params, c.Scribe.Random)
	if err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	issuer := c.Issuer
	if issuer == "" {
		issuer = "sekisho"
	}
	return &Service{store: c.Store, scribe: c.Scribe, keep: k, words: c.Words, issuer: issuer, sealer: c.Sealer}, nil
}

// Now is the service's clock.
func (s *Service) Now() time.Time { return s.scribe.Clock() }

func (s *Service) random() io.Reader { return s.scribe.Random }

func (s *Service) newID() (string, error) {
	id, err := gateway.NewID(s.random())
	return string(id), err
}

// record returns a record of what p did.
func (s *Service) record(v audit.Verb, o audit.Outcome, p Principal, fill func(*audit.Event)) (gateway.Record, error) {
	return s.scribe.System(v, o, func(e *audit.Event) {
		e.Actor = p.Actor()
		if fill != nil {
			fill(e)
		}
	})
}

// about fills in the user that a record is about, and what changed.
func about(u User, path, before, after string) func(*audit.Event) {
	return func(e *audit.Event) {
		e.Object = audit.Object{Type: "user", ID: u.ID}
		e.Change = audit.Change{Path: path, Before: audit.Clean(before, 2000), After: audit.Clean(after, 2000)}
	}
}

// allow is Reach for what has one reach only.
func (s *Service) allow(p Principal, c Capability) error {
	_, err := p.Reach(c, s.Now())
	return err
}

// Denied records that p was refused something because of who p is. Of further
// refusals of the same within a minute only the number is recorded, by the first
// one after it or by Tidy; a number that is not recorded yet ends with the process.
func (s *Service) Denied(ctx context.Context, p Principal, what string) error {
	n := s.refused.count(p, what, s.Now())
	if n == 0 {
		return nil
	}
	more := ""
	if n > 1 {
		more = fmt.Sprintf("x %d", n)
	}
	return s.denied(ctx, p, what, more)
}

// denied writes refusals down; times says how many, "" for one.
func (s *Service) denied(ctx context.Context, p Principal, what, times string) error {
	r, err := s.record("authz.denied", audit.Denied, p, func(e *audit.Event) {
		e.Object = audit.Object{Type: "operation", ID: audit.Clean(what, 256)}
		if times != "" {
			e.Change = audit.Change{Path: "refusals", After: times}
		}
	})
	if err != nil {
		return err
	}
	return s.store.Do(ctx, func(tx Tx) error { return tx.Note(r) })
}

// Tidy forgets sessions that are over and attempts of a month ago. The attempts
// of an account at the hard cap are not forgotten before a person unlocks it. It
// records how often people were refused something since the last record of it.
func (s *Service) Tidy(ctx context.Context) error {
	now := s.Now()
	for _, u := range s.refused.rest(now) {
		if err := s.denied(ctx, u.by, u.what, fmt.Sprintf("x %d", u.n)); err != nil {
			return err
		}
	}
	return s.store.Do(ctx, func(tx Tx) error {
		return tx.Tidy(now.Add(-SessionTime), now.Add(-30*24*time.Hour))
	})
}

// find turns the store's "no row" into the refusal of this package.
func find[T any](v T, err error) (T, error) {
	if errors.Is(err, gateway.ErrNotFound) {
		err = ErrNotFound
	}
	return v, err
}

// change reads a user in a transaction, lets f alter it and stores it with a
// record. version 0 is any; another that is not the present one is ErrConflict.
// f says what the record holds, and may make further changes in tx.
func (s *Service) change(ctx context.Context, p Principal, id string, version int64,
	f func(tx Tx, u *User) (path, before, after string, err error)) (User, error) {
	var out User
	err := s.store.Do(ctx, func(tx Tx) error {
		u, err := find(tx.User(id))
		if err != nil {
			return err
		}
		if version != 0 && u.Version != version {
			return ErrConflict
		}
		path, before, after, err := f(tx, &u)
		if err != nil {
			return err
		}
		out, err = s.stored(tx, p, u, path, before, after)
		return err
	})
	return out, err
}

// stored stores a changed user with its record, and returns it with its new version.
func (s *Service) stored(tx Tx, p Principal, u User, path, before, after string) (User, error) {
	verb := audit.Verb("user.changed")
	if path == "state" && u.State == Disabled {
		verb = "user.disabled"
	}
	u.Version++
	u.ChangedAt = s.Now()
	r, err := s.record(verb, audit.Success, p, about(u, path, before, after))
	if err != nil {
		return u, err
	}
	return u, tx.ChangeUser(u, r)
}

// endSessions ends a user's sessions but one, with a record when there are any. Kept
// answers to requests go too: they hold what the person may not see any more.
func (s *Service) endSessions(tx Tx, p Principal, u User, but, why string) error {
	if err := tx.ForgetAnswers(u.ID); err != nil {
		return err
	}
	have, err := tx.Sessions(u.ID)
	if err != nil {
		return err
	}
	ended := 0
	for _, x := range have {
		if x.ID != but {
			ended++
		}
	}
	if ended == 0 {
		return nil
	}
	r, err := s.record("session.revoked", audit.Success, p, func(e *audit.Event) {
		about(u, "sessions", fmt.Sprint(len(have)), fmt.Sprint(len(have)-ended))(e)
		e.Decision.ReasonCode = why
	})
	if err != nil {
		return err
	}
	_, err = tx.EndSessions(u.ID, but, r)
	return err
}
