package sqlite

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCheckFinds spoils a ledger in one way after another, behind the back of
// its constraints, and checks that each rule notices.
func TestCheckFinds(t *testing.T) {
	const firstMessage, ready, held = `(SELECT id FROM messages ORDER BY n LIMIT 1)`, `(SELECT id FROM deliveries WHERE state = 'ready')`, `(SELECT id FROM deliveries WHERE state = 'held')`
	const person = `INSERT INTO users VALUES ('u', 'u', 'u', NULL, '[]', '["admin"]', 'active', '', 0, 0, x'', 0, 0, x'', 0, 0, 0, 1, '', 0)`
	spoil := map[string]string{
		"a settled message without a delivery":                        `DELETE FROM deliveries`,
		"a recipient of a settled message in no delivery":             `UPDATE delivery_recipients SET address = 'c@town.example'`,
		"a message with deliveries before it is settled":              `UPDATE messages SET state = 'accepted' WHERE id = ` + firstMessage,
		"an open message without an original":                         `UPDATE messages SET blob = '' WHERE state = 'accepted'`,
		"a message waiting under a wrong time":                        `UPDATE messages SET due_at = 5 WHERE state = 'accepted'`,
		"a message lease without a fence":                             `UPDATE messages SET owner = 'x' WHERE state = 'accepted'`,
		"a delivery of a missing message":                             `UPDATE deliveries SET message = 'no'`,
		"an open delivery without a sealed mail":                      `UPDATE deliveries SET blob = ''`,
		"a delivery without recipients":                               `DELETE FROM delivery_recipients WHERE delivery = ` + held,
		"a relayed delivery with a recipient not taken":               `UPDATE deliveries SET state = 'relayed' WHERE id = ` + ready,
		"a failed delivery with a recipient waiting, or none refused": `UPDATE deliveries SET state = 'failed' WHERE id = ` + ready,
		"an open delivery with no recipient waiting":                  `UPDATE delivery_recipients SET state = 'taken' WHERE delivery = ` + ready,
		"a held or drafted delivery with an outcome":                  `UPDATE delivery_recipients SET state = 'taken' WHERE delivery = ` + held,
		"a held delivery of which nothing is held":                    `UPDATE items SET state = 'discarded', decided_at = 1 WHERE state = 'held'`,
		"a released delivery of which nothing was released":           `UPDATE deliveries SET state = 'released' WHERE id = ` + held,
		"a delivery waiting under a wrong time":                       `UPDATE deliveries SET queue_at = 7 WHERE id = ` + ready,
		"recipients with gaps":                                        `UPDATE delivery_recipients SET pos = 3 WHERE delivery = ` + ready,
		"an item of a missing message or delivery":                    `UPDATE items SET delivery = 'no'`,
		"a held item without an original":                             `UPDATE messages SET blob = '' WHERE id = ` + firstMessage,
		"a decided item without a time":                               `UPDATE items SET state = 'expired'`,
		"an open request without a held item":                         `UPDATE items SET state = 'discarded' WHERE state = 'held'`,
		"a request that is not of its item":                           `UPDATE release_requests SET recipient = 'x'`,
		"an executed request whose item is not released":              `UPDATE items SET state = 'discarded' WHERE state = 'released'`,
		"an executed request without its mail":                        `UPDATE deliveries SET kind = 'substitute' WHERE kind = 'followup'`,
		"an approval by too few persons":                              `UPDATE decisions SET actor = 'clerk' WHERE actor = 'admin'`,
		"an approved request that nobody carries out":                 `UPDATE jobs SET state = 'done', ended_at = 1 WHERE state = 'requested'`,
		"a release job without an approved request":                   `UPDATE jobs SET state = 'requested'`,
		"a job waiting under a wrong time":                            `UPDATE jobs SET due_at = 5 WHERE state = 'requested'`,
		"an exception opened by too few persons":                      `UPDATE decisions SET on_behalf_of = 'admin' WHERE exception IS NOT NULL AND pos = 0`,
		"an exception used more or less often than recorded":          `UPDATE exceptions SET uses = 3`,
		"decisions with gaps":                                         `UPDATE decisions SET pos = 7 WHERE pos = 1 AND request IS NOT NULL`,
		"an opening without its audit row":                            `UPDATE openings SET row = 1`,
		"a message without any audit row":                             `UPDATE audit_rows SET message = NULL`,
		"two audit rows in one place":                                 `UPDATE audit_rows SET seq = 1`,
		"an audit row placed before an older one":                     `UPDATE audit_rows SET seq = 10 - n`,
		"an audit row passed over by the sequencer":                   `UPDATE audit_rows SET seq = 1 WHERE n = 2`,
		"a counter that is wrong":                                     `UPDATE tallies SET n = n + 1 WHERE name = 'item held'`,
		"a digest that tells of nothing":                              `UPDATE deliveries SET kind = 'digest', reverse_path = '' WHERE id = ` + held,
		"a notice told by another mail than its digest":               `INSERT INTO notices (item, address, at, digest) SELECT id, 'x', 1, delivery FROM items LIMIT 1`,
		"a broken reference":                                          `UPDATE items SET message = 'no'`,
		"a damaged page":                                              `UPDATE messages SET size = -1`,
		"an audit row that is not its event":                          `UPDATE audit_rows SET verb = 'x' WHERE n = 1`,
		"an opening that opens nothing":                               `UPDATE openings SET value = 'x'`,
		"an office that had an administrator and has no active one":   strings.ReplaceAll(person, "active", "disabled"),
		"an auditor with roles that are audited":                      strings.ReplaceAll(person, `["admin"]`, `["auditor","operator"]`),
		"a session of a disabled account": strings.ReplaceAll(person, "active", "disabled") +
			`; INSERT INTO sessions VALUES ('s', zeroblob(32), 'u', '', '', '', 0, 0, 0, 0)`,
		"a second factor in clear": person +
			`; UPDATE users SET factor_secret = zeroblob(20); UPDATE settings SET value = 'sealed' WHERE name = 'second factors'`,
		"a recipient whose mail is not in the list of theirs": `DELETE FROM message_recipients`,
	}
	for _, r := range rules {
		if spoil[r.name] == "" {
			t.Errorf("no test of %q", r.name)
		}
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "sound.db")
	l := openAt(t, file)
	accept(t, l, 1)
	settled(t, l)
	accept(t, l, 3)
	_, first := settled(t, l)
	accept(t, l, 4)
	_, second := settled(t, l)
	asked(t, l, []string{"i" + string(first.Message), "i" + string(second.Message)})
	accept(t, l, 2)
	consistent(t, l)
	if err := l.Close(); err != nil || t.Failed() {
		t.Fatal(err)
	}
	sound := read(t, file)
	for i, rule := range slices.Sorted(maps.Keys(spoil)) {
		file := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(file, sound, 0o600); err != nil {
			t.Fatal(err)
		}
		l := openAt(t, file)
		sabotage(t, l, spoil[rule])
		found := l.CheckConsistency(t.Context())
		if !slices.ContainsFunc(found, func(s string) bool { return strings.HasPrefix(s, rule+": ") }) {
			t.Errorf("after %q: %q, want %q", spoil[rule], found, rule)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// sabotage changes rows without triggers, references and checks.
func sabotage(t *testing.T, l *Ledger, script string) {
	t.Helper()
	var drops []string
	rows, err := l.read.Query(`SELECT 'DROP TRIGGER ' || name || ';' FROM sqlite_schema WHERE type = 'trigger'`)
	if err != nil {
		t.Fatal(err)
	}
	err = each(rows, func(s scanner) error {
		var drop string
		err := s.Scan(&drop)
		drops = append(drops, drop)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := connect(t.Context(), l.read)
	if err != nil {
		t.Fatal(err)
	}
	defer c.drop()
	script = `PRAGMA query_only = 0; PRAGMA foreign_keys = 0; PRAGMA ignore_check_constraints = 1;` + strings.Join(drops, "") + script
	if err := c.run(t.Context(), script); err != nil {
		t.Fatal(err)
	}
}

func TestCheckEnds(t *testing.T) {
	l := openTest(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if found := l.CheckConsistency(t.Context()); len(found) != 1 || !strings.Contains(found[0], "did not end") {
		t.Errorf("%q", found)
	}
}
