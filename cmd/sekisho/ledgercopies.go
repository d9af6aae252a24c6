package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/store"
)

// copyKept is for how long the ledger that an upgrade left is kept: nobody goes
// back to a state of a month ago, and what was erased since is in it.
const copyKept = 30 * 24 * time.Hour

// ledgerCopy is the object type of such a ledger in the log.
const ledgerCopy = "ledger_copy"

// ofUpgrade matches the names that sqlite.BeforeUpgrade gives, and the unfinished
// one of an upgrade that was killed.
var ofUpgrade = regexp.MustCompile(`^ledger\.db\.schema[0-9]+(\.tmp)?$`)

// oldLedger is a ledger as it was before an upgrade.
type oldLedger struct {
	file string
	at   time.Time // of the upgrade
}

// oldLedgers finds those in a data directory.
func oldLedgers(data string) ([]oldLedger, error) {
	entries, err := os.ReadDir(filepath.Dir(store.LedgerFile(data)))
	if err != nil {
		return nil, fmt.Errorf("look for ledgers of before upgrades: %w", err)
	}
	var list []oldLedger
	for _, e := range entries {
		if !e.Type().IsRegular() || !ofUpgrade.MatchString(e.Name()) {
			continue
		}
		i, err := e.Info()
		if err != nil {
			return nil, fmt.Errorf("look for ledgers of before upgrades: %w", err)
		}
		list = append(list, oldLedger{filepath.Join(data, e.Name()), i.ModTime()})
	}
	return list, nil
}

// dropCopies ends the time of ledgers of before upgrades. The record comes first,
// as with originals: a file that is still there is dropped again.
func (n *node) dropCopies(ctx context.Context, now time.Time) error {
	list, err := oldLedgers(filepath.Dir(n.stores.AuditDir))
	if err != nil {
		return err
	}
	for _, old := range list {
		if now.Sub(old.at) < copyKept {
			continue
		}
		r, err := n.scribe.System(audit.VerbPurged, audit.Success, func(e *audit.Event) {
			e.Object = audit.Object{Type: ledgerCopy, ID: filepath.Base(old.file)}
			e.Decision.ReasonCode = "retention"
		})
		if err != nil {
			return err
		}
		if err := n.stores.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.Note(r) }); err != nil {
			return fmt.Errorf("drop a ledger of before an upgrade: %w", err)
		}
		if err := os.Remove(old.file); err != nil {
			return fmt.Errorf("drop a ledger of before an upgrade: %w", err)
		}
	}
	return nil
}
