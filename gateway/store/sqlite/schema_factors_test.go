package sqlite

import (
	"path/filepath"
	"strings"
	"testing"

	"sekisho/gateway"
	"sekisho/gateway/account"
)

// TestUpgradeOfFactors: a ledger of before the seals keeps its users and jobs; it
// says that second factors lie in it in clear, until the program has sealed them.
func TestUpgradeOfFactors(t *testing.T) {
	scripts, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ledger.db")
	before, err := open(t.Context(), file, scripts[:3])
	if err != nil {
		t.Fatal(err)
	}
	const key = "12345678901234567890"
	err = before.w.do(t.Context(), func(x *tx) error {
		return x.conn.run(x.ctx, `INSERT INTO users VALUES ('u', 'yamada', '山田', NULL, '[]', '["approver"]', 'active', 'x', 1, 0, CAST('`+key+`' AS BLOB), 1, 7, x'', 1, 1, 1, 1);
			INSERT INTO jobs (id, kind, by, state, created_at, next_at, due_at) VALUES ('j', 'other', 'u', 'requested', 1, 1, 1);
			UPDATE jobs SET state = 'done', ended_at = 1`)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	l := openAt(t, file)
	clear := func() (clear bool) {
		t.Helper()
		err := l.Accounts().Do(t.Context(), func(tx account.Tx) error {
			var err error
			clear, err = tx.FactorsInClear()
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return clear
	}
	if !clear() {
		t.Error("the upgraded ledger says that its factors are sealed")
	}
	err = l.Accounts().View(t.Context(), func(r account.Reader) error {
		u, err := r.User("u")
		if string(u.Factor.Sealed) != key || !u.Factor.Confirmed || u.Factor.Step != 7 {
			t.Errorf("%+v", u)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if bad := l.CheckConsistency(t.Context()); len(bad) > 0 {
		t.Errorf("before they are sealed: %q", bad)
	}
	seal := func(r ...gateway.Record) error {
		return l.Accounts().Do(t.Context(), func(tx account.Tx) error { return tx.FactorsSealed(r...) })
	}
	if err := seal(); err == nil || !clear() {
		t.Errorf("without a record: %v", err)
	}
	if err := seal(record(t)); err != nil || clear() {
		t.Errorf("with one: %v", err)
	}
	if bad := l.CheckConsistency(t.Context()); len(bad) != 1 || !strings.Contains(bad[0], "in clear: u") {
		t.Errorf("one in clear behind that: %q", bad)
	}
	for query, want := range map[string]string{
		`DELETE FROM jobs WHERE id = 'j'`:                     "jobs are kept",
		`UPDATE jobs SET kind = 'preview' WHERE id = 'j'`:     "CHECK",
		`UPDATE jobs SET picture_sum = x'00' WHERE id = 'j'`:  "CHECK",
		`UPDATE jobs SET page = -1 WHERE id = 'j'`:            "CHECK",
		`UPDATE users SET factor_secret = x'' WHERE id = 'u'`: "CHECK",
	} {
		if err := l.w.do(t.Context(), func(x *tx) error { return x.conn.run(x.ctx, query) }); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", query, err)
		}
	}
}
