package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sekisho/audit"
)

// TestLedgerCopies: a ledger that an upgrade left is named, and is dropped after
// 30 days, with a record; nothing else is.
func TestLedgerCopies(t *testing.T) {
	now := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	n, _ := logNode(t, time.UTC, func() time.Time { return now })
	data := filepath.Dir(n.stores.AuditDir)
	for name, age := range map[string]time.Duration{
		"ledger.db.schema3": copyKept, "ledger.db.schema4": copyKept - time.Minute, "ledger.db.schema2.tmp": 2 * copyKept, "ledger.db.schema": 2 * copyKept, "other.schema1": 2 * copyKept,
	} {
		file := filepath.Join(data, name)
		if err := os.WriteFile(file, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	var said bytes.Buffer
	if err := sayOldLedgers(env{t.Context(), &said, &said}, data); err != nil || strings.Count(said.String(), "ledger.db.schema") != 3 {
		t.Errorf("%v\n%s", err, said.String())
	}
	if err := n.dropCopies(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"ledger.db": true, "ledger.db.schema3": false, "ledger.db.schema4": true, "ledger.db.schema2.tmp": false, "ledger.db.schema": true, "other.schema1": true} {
		if _, err := os.Stat(filepath.Join(data, name)); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	rows, err := n.stores.Ledger.Pending(t.Context(), 1<<40, 100)
	if err != nil {
		t.Fatal(err)
	}
	dropped := 0
	for _, r := range rows {
		if r.Event.Verb == audit.VerbPurged && r.Event.Object.Type == ledgerCopy {
			dropped++
		}
	}
	if dropped != 2 {
		t.Errorf("%d records of %d rows", dropped, len(rows))
	}
}
