package main

import (
	"context"
	"fmt"

	"sekisho/audit"
	"sekisho/gateway"
)

// settingEngine is the version of the program that served last.
const settingEngine = "engine.version"

// recordEngine records that another version of the program serves from now on:
// with it came other parsers, builders and lints.
func recordEngine(ctx context.Context, l gateway.Ledger, s gateway.Scribe) error {
	err := l.Do(ctx, func(tx gateway.Tx) error {
		before, err := tx.Setting(settingEngine)
		if err != nil || before == s.Version {
			return err
		}
		r, err := s.System("system.engine_updated", audit.Success, func(e *audit.Event) {
			e.Change = audit.Change{Path: "engine.version", Before: audit.Clean(before, 128), After: audit.Clean(s.Version, 128)}
		})
		if err != nil {
			return err
		}
		return tx.SetSetting(settingEngine, s.Version, r)
	})
	if err != nil {
		return fmt.Errorf("record the version of the program: %w", err)
	}
	return nil
}
