package main

import (
	"context"
	"slices"
	"strings"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/config"
)

// settingKeys lists the ids of the keys that the log knows of.
const settingKeys = "keys.recorded"

// recordKeys records each key that the log does not know yet: keys are made
// before there is a ledger, and by hand on other machines.
func recordKeys(ctx context.Context, ledger gateway.Ledger, s gateway.Scribe, dir string) error {
	infos, err := config.ListKeys(dir)
	if err != nil {
		return err
	}
	return ledger.Do(ctx, func(tx gateway.Tx) error {
		known, err := tx.Setting(settingKeys)
		if err != nil {
			return err
		}
		ids := strings.Fields(known)
		var records []gateway.Record
		for _, k := range infos {
			id := k.Name + ":" + k.ID
			if slices.Contains(ids, id) {
				continue
			}
			r, err := s.System("key.created", audit.Success, func(e *audit.Event) {
				e.Object = audit.Object{Type: "key", ID: k.ID}
				e.Change = audit.Change{Path: "keys." + k.Name, After: k.Fingerprint}
			})
			if err != nil {
				return err
			}
			ids, records = append(ids, id), append(records, r)
		}
		if len(records) == 0 {
			return nil
		}
		return tx.SetSetting(settingKeys, strings.Join(ids, " "), records...)
	})
}
