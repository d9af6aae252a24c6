package main

import (
	"context"
	"strconv"

	"sekisho/audit"
	"sekisho/gateway"
)

// settingExceptions is the ledger's setting that holds how release.exceptions
// was at the last start.
const settingExceptions = "release.exceptions"

// recordSwitch records that exceptions were switched on or off, at the start that
// brings it about: an auditor must see from when to when an original could go.
func recordSwitch(ctx context.Context, ledger gateway.Ledger, s gateway.Scribe, on bool) error {
	return ledger.Do(ctx, func(tx gateway.Tx) error {
		before, err := tx.Setting(settingExceptions)
		if err != nil {
			return err
		}
		if before == "" {
			before = "false"
		}
		after := strconv.FormatBool(on)
		if before == after {
			return nil
		}
		r, err := s.System("system.started", audit.Success, func(e *audit.Event) {
			e.Object = audit.Object{Type: "setting", ID: settingExceptions}
			e.Change = audit.Change{Path: settingExceptions, Before: before, After: after}
		})
		if err != nil {
			return err
		}
		return tx.SetSetting(settingExceptions, after, r)
	})
}
