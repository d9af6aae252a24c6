package sqlite_test

import (
	"path/filepath"
	"testing"

	"sekisho/gateway"
	"sekisho/gateway/account"
	"sekisho/gateway/store/sqlite"
	"sekisho/gateway/store/storetest"
)

// spec: g6
func TestAccounts(t *testing.T) {
	storetest.Accounts(t, func(dir string) (gateway.Ledger, account.Store, gateway.Listing, error) {
		l, err := sqlite.Open(t.Context(), filepath.Join(dir, "ledger.db"))
		if err != nil {
			return nil, nil, nil, err
		}
		return l, l.Accounts(), l, nil
	})
}
