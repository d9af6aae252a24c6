package flow

import (
	"context"
	"errors"
	"sync"
	"time"

	"sekisho/gateway"
	"sekisho/sanitize"
)

// What a leased message and a leased job have in common: the lease is renewed
// while the work goes on, the work gives way to what has lost one, and what
// failed goes back for a later try.

// turn waits until work that has lost that many leases may begin, and returns
// what ends it: work that took its parent with it is done alone, so that it
// cannot take others along (DECISIONS 29). Its lease is kept while it waits.
func (f *Flow) turn(lost int) (end func()) {
	if lost > 0 {
		f.alone.Lock()
		return f.alone.Unlock
	}
	f.alone.RLock()
	return f.alone.RUnlock
}

// keep renews a lease until release is called, so that slow work is not taken
// for work whose parent died. The context that it returns ends with
// gateway.ErrLease when the lease is lost all the same.
func (f *Flow) keep(ctx context.Context, what string, renew func(gateway.Tx, time.Time) error) (context.Context, func()) {
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
			err := f.Ledger.Do(ctx, func(tx gateway.Tx) error { return renew(tx, until) })
			if errors.Is(err, gateway.ErrLease) {
				cancel(err)
				return
			}
			if err != nil && ctx.Err() == nil {
				f.Log.Warn("a lease was not renewed", "of", what, "error", err)
			}
		}
	})
	return ctx, func() {
		cancel(context.Canceled)
		wg.Wait()
	}
}

// leaseLost reports whether work ended because another holder goes on with it.
func leaseLost(ctx context.Context, err error) bool {
	return errors.Is(err, gateway.ErrLease) || errors.Is(context.Cause(ctx), gateway.ErrLease)
}

// blame is 1 when a try failed for what was worked on, and 0 when a shutdown, a
// full disk or a machine without room ended it.
func blame(ctx context.Context, err error) int {
	if ctx.Err() == nil && !errors.Is(err, gateway.ErrFull) && !errors.Is(err, sanitize.ErrNoWorker) {
		return 1
	}
	return 0
}

// again is when to try again after so many failed tries: later after each. Work
// that was called off by a shutdown is due at once, in its old place.
func (f *Flow) again(ctx context.Context, tries int) time.Time {
	if ctx.Err() != nil {
		return time.Time{}
	}
	return f.Scribe.Clock().Add(backOff << min(max(tries-1, 0), 6))
}

// giveBack ends a lease without an outcome. One that was lost meanwhile needs
// no end. It works on while the program stops.
func (f *Flow) giveBack(ctx context.Context, change func(gateway.Tx) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err := f.Ledger.Do(ctx, change)
	if errors.Is(err, gateway.ErrLease) {
		return nil
	}
	return err
}
