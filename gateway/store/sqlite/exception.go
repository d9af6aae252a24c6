package sqlite

import (
	"context"
	"fmt"
	"time"

	"sekisho/gateway"
	"sekisho/quarantine"
)

const exceptionColumns = `id, scope, reason, from_at, until_at, max_uses, uses, state, version, person, proposed_at, ended_at`

// scanException scans all but the decisions.
func scanException(e *quarantine.Exception) func(scanner) error {
	return func(s scanner) error {
		return s.Scan(&e.ID, decoded{&e.Scope}, &e.Reason, stamp{&e.From}, stamp{&e.Until}, &e.MaxUses, &e.Uses, &e.State, &e.Version,
			decoded{&e.ProposedBy}, stamp{&e.ProposedAt}, stamp{&e.EndedAt})
	}
}

// AddException implements gateway.ReleaseTx.
func (t *tx) AddException(e quarantine.Exception, rec ...gateway.Record) error {
	return t.move("add exception", func() error {
		if e.State != quarantine.Proposed || e.Version != 1 || e.Uses != 0 || len(e.Decisions) > 0 {
			return fmt.Errorf("%w: an exception cannot begin %q", gateway.ErrState, e.State)
		}
		scope, err := jsonOf(e.Scope)
		if err != nil {
			return err
		}
		person, err := jsonOf(e.ProposedBy)
		if err != nil {
			return err
		}
		if _, err := t.exec(`INSERT INTO exceptions (id, scope, reason, from_at, until_at, max_uses, uses, state, version, proposer, person, proposed_at, ended_at)
			VALUES (?, ?, ?, ?, ?, ?, 0, 'proposed', 1, ?, ?, ?, 0)`, e.ID, scope, e.Reason, nanos(e.From), nanos(e.Until), e.MaxUses,
			e.ProposedBy.ID, person, nanos(e.ProposedAt)); err != nil {
			return err
		}
		return t.recordAbout(topic{exception: e.ID}, rec)
	})
}

// MoveException implements gateway.ReleaseTx. A use is a move from open to
// open; what opens is judged by quarantine's own count of persons at each use.
func (t *tx) MoveException(e quarantine.Exception, rec ...gateway.Record) error {
	return t.move("move exception", func() error {
		var was quarantine.Exception
		if err := t.row(scanException(&was), `SELECT `+exceptionColumns+` FROM exceptions WHERE id = ?`, e.ID); err != nil {
			return err
		}
		var err error
		if was.Decisions, err = decisionsOf(t, decisionsOfException, e.ID); err != nil {
			return err
		}
		if was.Version+1 != e.Version {
			return quarantine.AlreadyDecided
		}
		if err := quarantine.MoveException(was.State, e.State); err != nil {
			return err
		}
		if e.Uses != was.Uses && (e.Uses != was.Uses+1 || was.State != quarantine.Opened || e.State != quarantine.Opened) {
			return fmt.Errorf("%w: %d uses became %d", gateway.ErrState, was.Uses, e.Uses)
		}
		if err := t.addDecisions("exception", e.ID, was.Decisions, e.Decisions); err != nil {
			return err
		}
		if _, err := t.exec(`UPDATE exceptions SET state = ?, version = ?, uses = ?, ended_at = ? WHERE id = ?`,
			string(e.State), e.Version, e.Uses, nanos(e.EndedAt), e.ID); err != nil {
			return err
		}
		return t.recordAbout(topic{exception: e.ID}, rec)
	})
}

// EraseException implements gateway.ReleaseTx.
func (t *tx) EraseException(id string, rec ...gateway.Record) error {
	return t.move("erase exception", func() error {
		var e quarantine.Exception
		if err := t.row(scanException(&e), `SELECT `+exceptionColumns+` FROM exceptions WHERE id = ?`, id); err != nil {
			return err
		}
		if e.EndedAt.IsZero() {
			return fmt.Errorf("%w: an exception that is %s needs its words", gateway.ErrState, e.State)
		}
		if err := t.eraseWords(wordsOfException[:], id); err != nil {
			return err
		}
		for _, q := range []string{eraseOpeningsOfException, eraseAnswersOfException} {
			if _, err := t.exec(q, id); err != nil {
				return err
			}
		}
		return t.recordAbout(topic{exception: id}, rec)
	})
}

// wordy is a condition on exceptions: something that people wrote is kept.
const wordy = `(reason <> '' OR EXISTS (SELECT 1 FROM decisions WHERE exception = exceptions.id AND reason <> '')
	OR EXISTS (SELECT 1 FROM openings WHERE exception = exceptions.id))`

// ExceptionsWithTexts returns exceptions that were over before a time and of which
// words are kept, oldest first, at most n.
func (l *Ledger) ExceptionsWithTexts(ctx context.Context, before time.Time, n int) ([]quarantine.Exception, error) {
	es, err := l.exceptions(ctx, `SELECT `+exceptionColumns+` FROM exceptions WHERE state IN ('ended', 'expired') AND ended_at < ? AND `+wordy+`
		ORDER BY ended_at, n LIMIT ?`, nanos(before), n)
	if err != nil {
		return nil, fmt.Errorf("look for old texts of exceptions: %w", err)
	}
	return es, nil
}

// ExceptionHasTexts reports whether words about an exception are kept.
func (l *Ledger) ExceptionHasTexts(ctx context.Context, id string) (bool, error) {
	var n int64
	err := l.view(ctx, func(q query) error {
		return q.row(one(&n), `SELECT count(*) FROM exceptions WHERE id = ? AND `+wordy, id)
	})
	if err != nil {
		return false, fmt.Errorf("look for texts of an exception: %w", err)
	}
	return n > 0, nil
}

// Exception implements gateway.Releases.
func (l *Ledger) Exception(ctx context.Context, id string) (quarantine.Exception, error) {
	es, err := l.exceptions(ctx, `SELECT `+exceptionColumns+` FROM exceptions WHERE id = ?`, id)
	if err == nil && len(es) == 0 {
		err = gateway.ErrNotFound
	}
	if err != nil {
		return quarantine.Exception{}, fmt.Errorf("read exception %s: %w", id, err)
	}
	return es[0], nil
}

// Exceptions implements gateway.Releases; oldest is by ProposedAt, or by Until
// when DueBefore is asked for.
func (l *Ledger) Exceptions(ctx context.Context, q gateway.ExceptionQuery) ([]quarantine.Exception, error) {
	s := selection{table: "exceptions", columns: exceptionColumns, age: "proposed_at", limit: q.Limit}
	for _, st := range q.States {
		s.states = append(s.states, string(st))
	}
	if !q.DueBefore.IsZero() {
		s.where("until_at <= ?", nanos(q.DueBefore))
		s.age = "until_at"
	}
	es, err := l.exceptions(ctx, s.sql(), s.args()...)
	if err != nil {
		return nil, fmt.Errorf("read exceptions: %w", err)
	}
	return es, nil
}

func (l *Ledger) exceptions(ctx context.Context, selected string, args ...any) ([]quarantine.Exception, error) {
	var es []quarantine.Exception
	err := l.view(ctx, func(q query) error {
		es = nil
		err := q.rows(func(s scanner) error {
			var e quarantine.Exception
			err := scanException(&e)(s)
			es = append(es, e)
			return err
		}, selected, args...)
		for i := range es {
			if err == nil {
				es[i].Decisions, err = decisionsOf(q, decisionsOfException, es[i].ID)
			}
		}
		return err
	})
	return es, err
}
