package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
)

const (
	// rowMonths is for how many closed months the ledger keeps its own copy of
	// the records, to compare with the log, and to fill the log again if a copy
	// of it is restored. After that the log alone has them (DECISIONS 25).
	rowMonths = 3
	// textsAtOnce is how many messages lose their texts in one round.
	textsAtOnce = 200
)

// textsObject is the object type of an erasure in the log: the texts of the
// message that it names.
const textsObject = "texts"

// chores are what the log and the texts behind it need from the janitor.
func (n *node) chores(location *time.Location) []func(context.Context, time.Time) error {
	return []func(context.Context, time.Time) error{
		func(ctx context.Context, _ time.Time) error { _, err := n.writer.Index(ctx); return err },
		func(ctx context.Context, now time.Time) error { return n.forgetRows(ctx, now.In(location)) },
		n.eraseOld,
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

// eraseOld ends the time of subjects and file names: the digests stay.
func (n *node) eraseOld(ctx context.Context, now time.Time) error {
	if n.cfg.Audit.Texts <= 0 { // config check refuses it; nothing is erased by an omission
		return nil
	}
	list, err := n.stores.Ledger.TextsBefore(ctx, now.Add(-time.Duration(n.cfg.Audit.Texts)), textsAtOnce)
	if err != nil {
		return err
	}
	for _, m := range list {
		r, err := n.scribe.System(audit.VerbPurged, audit.Success, erasure(m, "retention"))
		if err != nil {
			return err
		}
		if err := n.stores.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.Erase(m.ID, r) }); err != nil {
			return fmt.Errorf("erase texts: %w", err)
		}
	}
	return nil
}

// erasure says in a record whose texts are erased.
func erasure(m gateway.Message, why string) func(*audit.Event) {
	return func(e *audit.Event) {
		e.Object = audit.Object{Type: textsObject, ID: string(m.ID), ReceiptNo: m.Receipt}
		e.Decision.ReasonCode = why
	}
}

// texts is the ledger as an erasure needs it.
type texts interface {
	gateway.Ledger
	HasTexts(ctx context.Context, message gateway.ID) (bool, error)
}

// eraseAgain erases what the records of a log say was erased, and what a ledger
// restored from a backup has again. It returns the receipt numbers.
func eraseAgain(ctx context.Context, l texts, dir string, s gateway.Scribe) ([]string, error) {
	back, err := erasedAndBack(ctx, l, dir)
	if err != nil {
		return nil, err
	}
	var done []string
	for _, m := range back {
		r, err := s.User(audit.VerbPurged, audit.Success, osUser(), erasure(m, "restored"))
		if err != nil {
			return done, err
		}
		if err := l.Do(ctx, func(tx gateway.Tx) error { return tx.Erase(m.ID, r) }); err != nil {
			return done, fmt.Errorf("erase again: %w", err)
		}
		done = append(done, m.Receipt)
	}
	return done, nil
}

// erasedAndBack returns the messages whose texts a record of the log says were
// erased and that the ledger has.
func erasedAndBack(ctx context.Context, l texts, dir string) ([]gateway.Message, error) {
	var back []gateway.Message
	seen := map[string]bool{}
	err := audit.Select(ctx, os.DirFS(dir), audit.Filter{Verbs: []audit.Verb{audit.VerbPurged}}, func(_ []byte, e audit.Event) error {
		if e.Object.Type != textsObject || seen[e.Object.ID] {
			return nil
		}
		seen[e.Object.ID] = true
		id := gateway.ID(e.Object.ID)
		has, err := l.HasTexts(ctx, id)
		if err != nil || !has {
			return err
		}
		m, err := l.Message(ctx, id)
		if errors.Is(err, gateway.ErrNotFound) {
			return nil
		}
		if err == nil {
			back = append(back, m)
		}
		return err
	})
	return back, err
}
