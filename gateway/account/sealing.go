package account

import (
	"context"
	"encoding/hex"
	"fmt"

	"sekisho/audit"
)

// Sealed says what SealFactors did.
type Sealed struct {
	Clear   int // were in clear, from before schema 4, and are sealed now
	Renewed int // were sealed to an earlier key, and are to the present one now
	Lost    int // no key opens them: their persons need a recovery code or a reset
}

// SealFactors seals what lies in clear in a ledger from before schema 4, once,
// and seals anew what an earlier key sealed, so that this one may be deleted
// later. Programs call it when they start.
func (s *Service) SealFactors(ctx context.Context) (Sealed, error) {
	var done Sealed
	err := s.store.Do(ctx, func(tx Tx) error {
		done = Sealed{}
		clear, err := tx.FactorsInClear()
		if err != nil {
			return err
		}
		for after := ""; ; {
			users, err := tx.Users(UserQuery{After: after})
			if err != nil {
				return err
			}
			if len(users) == 0 {
				break
			}
			for _, u := range users {
				after = u.Name
				if err := s.sealOne(tx, u, clear, &done); err != nil {
					return fmt.Errorf("second factor of %s: %w", u.ID, err)
				}
			}
		}
		if !clear && done.Renewed == 0 {
			return nil
		}
		r, err := s.scribe.System("key.rotated", audit.Success, func(e *audit.Event) {
			e.Object = audit.Object{Type: "key", ID: hex.EncodeToString(s.sealer.keys[0].id[:])}
			e.Change = audit.Change{Path: "second_factors", Before: fmt.Sprintf("%d in clear, %d of earlier keys", done.Clear, done.Renewed),
				After: fmt.Sprintf("%d sealed", done.Clear+done.Renewed)}
		})
		if err != nil {
			return err
		}
		return tx.FactorsSealed(r)
	})
	if err == nil && done.Clear > 0 {
		err = s.store.Scrub(ctx)
	}
	if err != nil {
		return Sealed{}, fmt.Errorf("seal second factors: %w", err)
	}
	return done, nil
}

// sealOne seals the factor of one user where that is needed.
func (s *Service) sealOne(tx Tx, u User, clear bool, done *Sealed) error {
	if len(u.Factor.Sealed) == 0 {
		return nil
	}
	key, present, err := s.sealer.open(u.ID, u.Factor.Sealed)
	switch {
	case err == nil && present:
		return nil
	case err == nil:
		done.Renewed++
	case clear:
		key = u.Factor.Sealed
		done.Clear++
	default:
		done.Lost++
		return nil
	}
	sealed, err := s.sealer.seal(u.ID, key, s.random())
	if err != nil {
		return err
	}
	return tx.SealFactor(u.ID, sealed)
}

// code looks at a code of a user's second factor, and returns its time step.
func (s *Service) code(u User, code string) (int64, error) {
	if len(u.Factor.Sealed) == 0 {
		return 0, ErrCode
	}
	key, _, err := s.sealer.open(u.ID, u.Factor.Sealed)
	if err != nil {
		return 0, err
	}
	return verifyCode(key, u.Factor.Step, code, s.Now())
}
