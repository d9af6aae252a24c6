package flow

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
	"sekisho/sanitize"
	"sekisho/sanitize/format"
)

// jobs does what people asked for (DECISIONS 26), one after the other, beside
// the mail: neither waits for the other.
func (f *Flow) jobs(ctx context.Context) {
	t := time.NewTicker(pollTime)
	defer t.Stop()
	for ctx.Err() == nil {
		worked, err := f.Job(ctx)
		if err != nil && ctx.Err() == nil {
			f.Log.Error("job", "error", err)
		}
		if worked && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
}

// Job does one job and reports whether there was any.
func (f *Flow) Job(ctx context.Context) (bool, error) {
	var j gateway.Job
	err := f.Ledger.Do(ctx, func(tx gateway.Tx) error {
		now := f.Scribe.Clock()
		var err error
		j, err = tx.ClaimJob(f.Owner, now, now.Add(leaseTime))
		return err
	})
	if errors.Is(err, gateway.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if j.Lost > 0 {
		f.alone.Lock()
		defer f.alone.Unlock()
	} else {
		f.alone.RLock()
		defer f.alone.RUnlock()
	}
	ctx, release := f.keepJob(ctx, j)
	defer release()
	err = f.carryOut(ctx, j)
	if err == nil || errors.Is(err, gateway.ErrLease) || errors.Is(context.Cause(ctx), gateway.ErrLease) {
		return true, nil
	}
	if ctx.Err() == nil && !errors.Is(err, gateway.ErrFull) && !errors.Is(err, sanitize.ErrNoWorker) {
		j.Attempts++
	}
	return true, errors.Join(fmt.Errorf("job %s: %w", j.ID, err), f.returnJob(ctx, j))
}

func (f *Flow) returnJob(ctx context.Context, j gateway.Job) error {
	j.NextAt = f.Scribe.Clock()
	if ctx.Err() == nil {
		j.NextAt = j.NextAt.Add(backOff << min(max(j.Attempts-1, 0), 6))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err := f.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.ReturnJob(j) })
	if errors.Is(err, gateway.ErrLease) {
		return nil
	}
	return err
}

// keepJob renews the lease of a job until release is called.
func (f *Flow) keepJob(ctx context.Context, j gateway.Job) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		t := time.NewTicker(f.renew)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
			until := f.Scribe.Clock().Add(leaseTime)
			if err := f.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.RenewJob(j, until) }); errors.Is(err, gateway.ErrLease) {
				cancel(err)
				return
			}
		}
	})
	return ctx, func() {
		cancel(context.Canceled)
		wg.Wait()
	}
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
