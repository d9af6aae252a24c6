package flow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sekisho/gateway"
	"sekisho/quarantine"
)

// Pictures deletes what people have looked at: pictures whose minutes are over,
// and at once those of parts whose item or original has gone. It is a chore of
// the Janitor.
type Pictures struct {
	Ledger   gateway.Ledger
	Previews gateway.Blobs
}

// lost is how old a picture must be that no row names before it is deleted:
// longer than any work between storing it and committing its row.
const lost = PreviewLife + leaseTime

// Tidy does one round, of at most 1000 previews.
func (p Pictures) Tidy(ctx context.Context, now time.Time) error {
	ended := []gateway.JobState{gateway.JobDone, gateway.JobFailed}
	jobs, err := p.Ledger.Jobs(ctx, gateway.JobQuery{Kind: gateway.JobPreview, States: ended})
	if err != nil {
		return fmt.Errorf("previews: %w", err)
	}
	for _, j := range jobs {
		over := !now.Before(j.Preview.ExpiresAt)
		if !over {
			if over, err = p.outlived(ctx, j); err != nil {
				return fmt.Errorf("previews: %w", err)
			}
		}
		if over {
			if err := p.forget(ctx, j); err != nil {
				return fmt.Errorf("forget preview: %w", err)
			}
		}
	}
	return p.sweep(ctx, now)
}

// outlived reports whether what was drawn is not there any more.
func (p Pictures) outlived(ctx context.Context, j gateway.Job) (bool, error) {
	m, err := p.Ledger.Message(ctx, j.Message)
	if err != nil || m.Blob == "" {
		return true, err
	}
	if j.Item == "" {
		return false, nil
	}
	i, err := p.Ledger.Item(ctx, j.Item)
	return i.State != quarantine.Held, err
}

// forget deletes the picture and then its row: a row whose picture has gone is
// tried again.
func (p Pictures) forget(ctx context.Context, j gateway.Job) error {
	if j.Preview.Blob != "" {
		if err := p.Previews.Delete(ctx, j.Preview.Blob); err != nil {
			return err
		}
	}
	return p.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.ForgetPreview(j.ID) })
}

// sweep deletes pictures that are older than any row that could name them.
func (p Pictures) sweep(ctx context.Context, now time.Time) error {
	var old []string
	err := p.Previews.Walk(ctx, func(name string, _ int64, modified time.Time) error {
		if now.Sub(modified) > lost {
			old = append(old, name)
		}
		return nil
	})
	for _, name := range old {
		err = errors.Join(err, p.Previews.Delete(ctx, name))
	}
	return err
}
