package desk

import (
	"context"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
)

// Propose registers an exception, which two other persons have to approve.
func (d Desk) Propose(ctx context.Context, p Person, e quarantine.Exception) (quarantine.Exception, error) {
	p, err := d.present(ctx, p)
	if err != nil {
		return e, err
	}
	if e.ID, err = d.newID(); err != nil {
		return e, err
	}
	if e, err = quarantine.Propose(e, p.Actor, d.now()); err != nil {
		return e, err
	}
	rec, err := d.exception(p, "exception.opened", audit.Pending, e, quarantine.Decision{Reason: e.Reason})
	if err != nil {
		return e, err
	}
	return e, d.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.AddException(e, rec) })
}

// DecideException stores a person's vote on an exception.
func (d Desk) DecideException(ctx context.Context, p Person, id string, version int, v quarantine.Vote) (quarantine.Exception, error) {
	p, err := d.present(ctx, p)
	if err != nil {
		return quarantine.Exception{}, err
	}
	return d.move(ctx, p, id, version, func(e quarantine.Exception) (quarantine.Exception, error) {
		next, err := quarantine.DecideException(e, p.Actor, v, d.now())
		if err != nil || next.State != quarantine.Opened {
			return next, err
		}
		// Nothing goes back here: who is left may deny it, or it runs out.
		who, err := d.left(ctx, next)
		switch {
		case err != nil:
			return e, err
		case who != "":
			return e, quarantine.PersonLeft
		}
		return next, nil
	})
}

// EndException ends one before its time.
func (d Desk) EndException(ctx context.Context, p Person, id string, version int, reason string) (quarantine.Exception, error) {
	p, err := d.present(ctx, p)
	if err != nil {
		return quarantine.Exception{}, err
	}
	return d.move(ctx, p, id, version, func(e quarantine.Exception) (quarantine.Exception, error) {
		return e.End(p.Actor, reason, d.now())
	})
}

func (d Desk) move(ctx context.Context, p Person, id string, version int,
	f func(quarantine.Exception) (quarantine.Exception, error)) (quarantine.Exception, error) {
	e, err := d.Ledger.Exception(ctx, id)
	if err != nil {
		return e, err
	}
	if version != 0 && version != e.Version {
		return e, quarantine.AlreadyDecided
	}
	if e, err = f(e); err != nil {
		return e, err
	}
	verb, outcome := audit.Verb("exception.opened"), audit.Success
	switch e.State {
	case quarantine.Proposed: // the first of two
		outcome = audit.Pending
	case quarantine.Over:
		verb = "exception.ended"
	}
	rec, err := d.exception(p, verb, outcome, e, e.Decisions[len(e.Decisions)-1])
	if err != nil {
		return e, err
	}
	return e, d.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.MoveException(e, rec) })
}

func (d Desk) exception(p Person, v audit.Verb, o audit.Outcome, e quarantine.Exception, step quarantine.Decision) (gateway.Record, error) {
	rec, err := d.Scribe.System(v, o, func(ev *audit.Event) {
		ev.Actor, ev.OnBehalfOf = p.Audit, step.OnBehalfOf
		gateway.RecordException(ev, e)
		ev.Decision.Order = int64(step.Order)
	})
	return d.withReason(rec, step.Reason, err)
}
