package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
	"sekisho/sanitize/policy"
)

// Janitor keeps retention (DECISIONS 28): held items expire, originals that
// nothing needs any more are deleted after their time or, under pressure, the
// oldest first, and files that no row names are swept. What waits for a time
// that a wrong clock set is hastened.
type Janitor struct {
	Ledger            gateway.Ledger
	Originals, Outbox gateway.Blobs
	Scribe            gateway.Scribe
	Retain            func() time.Duration // how long originals are kept
	Cap               int64                // bytes of originals kept at most; 0: no cap
	// PurgeRecords removes the audit records of months before one, "2006-01", and
	// records that first (audit.Writer.Purge); nil keeps them for ever.
	PurgeRecords func(ctx context.Context, before string, now time.Time) ([]string, error)
	Location     *time.Location // whose months those are; nil is UTC
	// Edition is the policy in force with its name in records; nil: none.
	Edition func() (policy.Policy, audit.Policy)
	// Also is what else is to be kept in order, each round: what the log needs
	// beside its purge, and the texts behind its digests.
	Also []func(ctx context.Context, now time.Time) error
}

// recordYears is how long audit records are kept (DECISIONS 28).
const recordYears = 3

const (
	janitorBatch = 200
	// sweepAge is how old an unnamed file must be before it is swept: longer
	// than any work between storing a file and committing its row.
	sweepAge = 24 * time.Hour
)

// Run tidies every interval until ctx ends. Errors go to report.
func (j *Janitor) Run(ctx context.Context, interval time.Duration, report func(error)) {
	t := time.NewTicker(interval)
	defer t.Stop()
	for {
		if err := j.Tidy(ctx); err != nil && ctx.Err() == nil {
			report(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// Tidy does one round.
func (j *Janitor) Tidy(ctx context.Context) error {
	err := errors.Join(j.hasten(ctx), j.lapse(ctx), j.expire(ctx), j.purge(ctx), j.sweep(ctx), j.purgeRecords(ctx))
	for _, chore := range j.Also {
		err = errors.Join(err, chore(ctx, j.Scribe.Clock()))
	}
	return err
}

// hasten ends waits that are longer than any that we make: the clock that they
// were made by was ahead and has been put back since.
func (j *Janitor) hasten(ctx context.Context) error {
	_, err := j.Ledger.Hasten(ctx, j.Scribe.Clock().Add(gateway.MaxWait))
	return err
}

// expire ends items that nobody decided about in time.
func (j *Janitor) expire(ctx context.Context) error {
	now := j.Scribe.Clock()
	items, err := j.Ledger.Items(ctx, gateway.ItemQuery{States: []quarantine.State{quarantine.Held}, DueBefore: now, Limit: janitorBatch})
	if err != nil {
		return fmt.Errorf("items due: %w", err)
	}
	for _, i := range items {
		e, err := i.Expire(now)
		if err != nil {
			return err
		}
		r, err := j.Scribe.System("item.expired", audit.Success, func(ev *audit.Event) {
			ev.Object = gateway.ItemObject(e)
		})
		if err != nil {
			return err
		}
		err = j.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.MoveItem(e, r) })
		if err != nil && !errors.Is(err, quarantine.ErrState) { // decided meanwhile, or its release is under way
			return fmt.Errorf("expire item: %w", err)
		}
	}
	return nil
}

// purge deletes originals after their time, and over the cap the oldest ones
// that nothing needs. Held ones are never purged before they expire.
func (j *Janitor) purge(ctx context.Context) error {
	now := j.Scribe.Clock()
	old, err := j.Ledger.Purgeable(ctx, now.Add(-j.Retain()), janitorBatch)
	if err != nil {
		return err
	}
	if err := j.forget(ctx, old, "retention"); err != nil {
		return err
	}
	for j.Cap > 0 {
		c, err := j.Ledger.Counts(ctx)
		if err != nil || c.OriginalBytes <= j.Cap {
			return err
		}
		over, err := j.Ledger.Purgeable(ctx, now, janitorBatch)
		if err != nil || len(over) == 0 {
			return err
		}
		n, left := 0, c.OriginalBytes
		for n < len(over) && left > j.Cap {
			left -= over[n].Size
			n++
		}
		if err := j.forget(ctx, over[:n], "disk_cap"); err != nil {
			return err
		}
	}
	return nil
}

// purgeRecords ends the time of audit records: whole months, so a record stays
// for three years and up to a month more.
func (j *Janitor) purgeRecords(ctx context.Context) error {
	if j.PurgeRecords == nil {
		return nil
	}
	now := j.Scribe.Clock()
	local := now
	if j.Location != nil {
		local = now.In(j.Location)
	}
	// The first day, for there is no 31 of each month to go back from.
	first := time.Date(local.Year(), local.Month(), 1, 0, 0, 0, 0, local.Location())
	_, err := j.PurgeRecords(ctx, first.AddDate(-recordYears, 0, 0).Format("2006-01"), now)
	return err
}

func (j *Janitor) forget(ctx context.Context, ms []gateway.Message, why string) error {
	for _, m := range ms {
		r, err := j.Scribe.System("original.purged", audit.Success, func(e *audit.Event) {
			e.Object = m.Object()
			e.Decision.ReasonCode = why
		})
		if err != nil {
			return err
		}
		if err := j.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.ForgetOriginal(m.ID, r) }); err != nil {
			return fmt.Errorf("purge original: %w", err)
		}
		if err := j.Originals.Delete(ctx, m.Blob); err != nil {
			return fmt.Errorf("purge original: %w", err)
		}
	}
	return nil
}

// sweep removes files that no row names: what a crash left between storing a
// file and committing its row, and sealed mails that were relayed.
func (j *Janitor) sweep(ctx context.Context) error {
	originals, outbox, err := j.Ledger.Blobs(ctx)
	if err != nil {
		return err
	}
	before := j.Scribe.Clock().Add(-sweepAge)
	clean := func(b gateway.Blobs, named map[string]bool) error {
		var stale []string
		err := b.Walk(ctx, func(name string, _ int64, modified time.Time) error {
			if !named[name] && modified.Before(before) {
				stale = append(stale, name)
			}
			return nil
		})
		for _, name := range stale {
			err = errors.Join(err, b.Delete(ctx, name))
		}
		return err
	}
	return errors.Join(clean(j.Originals, originals), clean(j.Outbox, outbox))
}
