package sqlite_test

import (
	"path/filepath"
	"testing"

	"sekisho/gateway"
	"sekisho/gateway/store/sqlite"
	"sekisho/gateway/store/storetest"
)

// spec: g3 g6
func TestSuite(t *testing.T) {
	storetest.Ledger(t, func(dir string) (gateway.Ledger, error) {
		return sqlite.Open(t.Context(), filepath.Join(dir, "ledger.db"))
	})
}
