package flow

import (
	"context"
	"errors"
	"fmt"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
)

// lapse ends requests that nobody decided in time, and exceptions whose last
// day is over. It comes before the items: a request ends no later than its part.
func (j *Janitor) lapse(ctx context.Context) error {
	now := j.Scribe.Clock()
	rs, err := j.Ledger.Requests(ctx, gateway.RequestQuery{States: []quarantine.RequestState{quarantine.Requested}, DueBefore: now, Limit: janitorBatch})
	if err != nil {
		return err
	}
	var inForce audit.Policy
	if j.Edition != nil {
		_, inForce = j.Edition()
	}
	for _, r := range rs {
		e, err := r.Expire(now)
		if err != nil {
			continue // not due by the rule's own reading
		}
		i, err := j.Ledger.Item(ctx, e.Item)
		if err != nil {
			return err
		}
		rec, err := j.Scribe.System("release.expired", audit.Success, func(ev *audit.Event) {
			gateway.RecordRequest(ev, e, i, inForce)
		})
		if err != nil {
			return err
		}
		err = j.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.MoveRequest(e, rec) })
		if err != nil && !errors.Is(err, quarantine.ErrState) { // decided at the last moment
			return fmt.Errorf("expire request: %w", err)
		}
	}
	return j.endExceptions(ctx)
}

func (j *Janitor) endExceptions(ctx context.Context) error {
	now := j.Scribe.Clock()
	es, err := j.Ledger.Exceptions(ctx, gateway.ExceptionQuery{States: []quarantine.ExceptionState{quarantine.Proposed, quarantine.Opened},
		DueBefore: now, Limit: janitorBatch})
	if err != nil {
		return err
	}
	for _, x := range es {
		e, err := x.Expire(now)
		if err != nil {
			continue
		}
		rec, err := j.Scribe.System("exception.ended", audit.Success, func(ev *audit.Event) {
			gateway.RecordException(ev, e)
			ev.Decision.ReasonCode = "expired"
		})
		if err != nil {
			return err
		}
		err = j.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.MoveException(e, rec) })
		if err != nil && !errors.Is(err, quarantine.ErrState) {
			return fmt.Errorf("expire exception: %w", err)
		}
	}
	return nil
}
