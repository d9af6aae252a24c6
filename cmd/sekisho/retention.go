package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"sekisho/audit"
	"sekisho/gateway/store/sqlite"
)

const (
	// rowMonths is for how many closed months the ledger keeps its own copy of
	// the records, to compare with the log, and to fill the log again if a copy
	// of it is restored. After that the log alone has them (DECISIONS 25).
	rowMonths = 3
	// textsAtOnce is how many messages lose their texts in one round.
	textsAtOnce = 200
)

// chores are what the log and the texts behind it need from the janitor.
func (n *node) chores(location *time.Location) []func(context.Context, time.Time) error {
	var texts int64 // from where the next round looks for old ones
	owed := false   // words that were erased may be in the ledger's log still
	return []func(context.Context, time.Time) error{
		func(ctx context.Context, _ time.Time) error { _, err := n.writer.Index(ctx); return err },
		func(ctx context.Context, now time.Time) error { return n.forgetRows(ctx, now.In(location)) },
		func(ctx context.Context, now time.Time) error {
			next, erased, err := n.eraseOld(ctx, now, texts)
			texts, owed = next, owed || erased > 0
			if !owed {
				return err
			}
			empty := n.stores.Ledger.EmptyLog(ctx)
			if owed = empty != nil; errors.Is(empty, sqlite.ErrBusy) {
				empty = nil // the next round tries again
			}
			return errors.Join(err, empty)
		},
		n.dropCopies,
	}
}

// forgetRows takes the rows of months long closed from the ledger.
func (n *node) forgetRows(ctx context.Context, now time.Time) error {
	from := time.Date(now.Year(), now.Month()-rowMonths, 1, 0, 0, 0, 0, now.Location())
	first, ok, err := audit.FirstOf(ctx, os.DirFS(n.stores.AuditDir), from.Format("2006-01"))
	if err != nil || !ok {
		return err
	}
	_, err = n.stores.Ledger.ForgetRows(ctx, first, from)
	return err
}

// eraseOld ends the time of subjects, file names and reasons: the digests stay.
// What people wrote about an exception counts from its end: as long as it lasts
// an auditor may ask for its reason. It looks at so many from a place on, and
// returns where to go on in the next round, and whose texts it erased, by number.
func (n *node) eraseOld(ctx context.Context, now time.Time, from int64) (int64, int, error) {
	if n.cfg.Audit.Texts <= 0 { // config check refuses it; nothing is erased by an omission
		return 0, 0, nil
	}
	before := now.Add(-time.Duration(n.cfg.Audit.Texts))
	messages, next, err := n.stores.Ledger.TextsBefore(ctx, before, from, textsAtOnce)
	if err != nil {
		return 0, 0, err
	}
	exceptions, err := n.stores.Ledger.ExceptionsWithTexts(ctx, before, textsAtOnce)
	if err != nil {
		return 0, 0, err
	}
	var list []texts
	for _, m := range messages {
		list = append(list, textsOfMessage(m))
	}
	for _, e := range exceptions {
		list = append(list, textsOfException(e.ID))
	}
	for done, t := range list {
		r, err := n.scribe.System(audit.VerbPurged, audit.Success, t.event("retention"))
		if err != nil {
			return 0, done, err
		}
		if err := n.stores.Ledger.Do(ctx, t.erase(r)); err != nil {
			return 0, done, fmt.Errorf("erase texts: %w", err)
		}
	}
	return next, len(list), nil
}
