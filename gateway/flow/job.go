package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
	"sekisho/sanitize/format"
)

// Job carries out one approved request and reports whether there was any.
func (f *Flow) Job(ctx context.Context) (bool, error) {
	return f.work(ctx, gateway.JobRelease, f.carryOut)
}

// work does one job of a kind and reports whether there was any.
func (f *Flow) work(ctx context.Context, kind gateway.JobKind, do func(context.Context, gateway.Job) error) (bool, error) {
	var j gateway.Job
	err := f.Ledger.Do(ctx, func(tx gateway.Tx) error {
		now := f.Scribe.Clock()
		var err error
		j, err = tx.ClaimJob(f.Owner, now, now.Add(leaseTime), kind)
		return err
	})
	if errors.Is(err, gateway.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	ctx, release := f.keep(ctx, string(j.ID), func(tx gateway.Tx, until time.Time) error { return tx.RenewJob(j, until) })
	defer release()
	defer f.turn(j.Lost)()
	err = do(ctx, j)
	if err == nil || leaseLost(ctx, err) {
		return true, nil
	}
	j.Attempts += blame(ctx, err)
	j.NextAt = f.again(ctx, j.Attempts)
	return true, errors.Join(fmt.Errorf("job %s: %w", j.ID, err), f.giveBack(ctx, func(tx gateway.Tx) error { return tx.ReturnJob(j) }))
}

// carryOut does a job to its end: the follow-up mail, or the reason why not.
// The error is of the machine; the job is then tried again.
func (f *Flow) carryOut(ctx context.Context, j gateway.Job) error {
	w, err := f.releaseOf(ctx, j)
	if err != nil {
		return err
	}
	defer w.close()
	if w.req.State != quarantine.Approved { // its result is committed already
		j.State, j.EndedAt = gateway.JobDone, w.now
		if err := w.record("job.done", audit.Success, w.fill); err != nil {
			return err
		}
		return f.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.EndJob(j, w.records...) })
	}
	switch who, err := w.left(ctx); {
	case err != nil:
		return err
	case who != "":
		return w.goBack(ctx, who)
	}
	err = w.run(ctx)
	var held *format.Error
	switch {
	case err == nil:
		unknown, err := f.do(ctx, w.commit)
		if err != nil && !unknown {
			w.abandon(context.WithoutCancel(ctx))
		}
		if err == nil && f.Relay != nil {
			f.Relay()
		}
		return err
	case errors.As(err, &held):
		w.abandon(context.WithoutCancel(ctx))
		return w.fail(ctx, held.Reason.Listed(), held.Detail)
	}
	w.abandon(context.WithoutCancel(ctx))
	return err
}
