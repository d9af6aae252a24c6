package sqlite

import (
	"context"
	"fmt"

	"sekisho/audit"
)

// maxComplaints bounds what one rule reports.
const maxComplaints = 20

// rule selects what must not be: a text that names a row.
type rule struct{ name, query string }

// rules are what the schema alone cannot keep.
var rules = []rule{
	{"a settled message without a delivery", `SELECT id FROM messages m WHERE state = 'settled'
		AND NOT EXISTS (SELECT 1 FROM deliveries WHERE message = m.id)`},
	{"a recipient of a settled message in no delivery", `SELECT m.id || ' ' || t.value FROM messages m, json_each(m.forward_paths) t
		WHERE m.state = 'settled' AND NOT EXISTS (SELECT 1 FROM deliveries d JOIN delivery_recipients r ON r.delivery = d.id
			WHERE d.message = m.id AND d.kind = 'mail' AND r.address = t.value)`},
	{"a message with deliveries before it is settled", `SELECT id FROM messages m WHERE state <> 'settled'
		AND EXISTS (SELECT 1 FROM deliveries WHERE message = m.id)`},
	{"an open message without an original", `SELECT id FROM messages WHERE state <> 'settled' AND blob = ''`},
	{"a message waiting under a wrong time", `SELECT id FROM messages WHERE state <> 'settled' AND
		due_at <> CASE state WHEN 'accepted' THEN next_at ELSE until END OR
		state = 'accepted' AND queue_at <> max(received_at, next_at) OR state = 'sanitizing' AND queue_at <> until`},
	{"a message lease without a fence", `SELECT id FROM messages WHERE owner <> '' AND (fence < 1 OR until = 0)`},
	{"a delivery of a missing message", `SELECT id FROM deliveries d WHERE message IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM messages WHERE id = d.message)`},
	{"an open delivery without a sealed mail", `SELECT id FROM deliveries WHERE state IN ('ready', 'relaying') AND blob = ''`},
	{"a delivery without recipients", `SELECT id FROM deliveries d WHERE NOT EXISTS (SELECT 1 FROM delivery_recipients WHERE delivery = d.id)`},
	{"a relayed delivery with a recipient not taken", `SELECT DISTINCT d.id FROM deliveries d JOIN delivery_recipients r ON r.delivery = d.id
		WHERE d.state = 'relayed' AND r.state <> 'taken'`},
	{"a failed delivery with a recipient waiting, or none refused", `SELECT id FROM deliveries d WHERE state = 'failed' AND (
		EXISTS (SELECT 1 FROM delivery_recipients WHERE delivery = d.id AND state = 'pending') OR
		NOT EXISTS (SELECT 1 FROM delivery_recipients WHERE delivery = d.id AND state = 'refused'))`},
	{"an open delivery with no recipient waiting", `SELECT id FROM deliveries d WHERE state IN ('drafted', 'ready', 'relaying')
		AND NOT EXISTS (SELECT 1 FROM delivery_recipients WHERE delivery = d.id AND state = 'pending')`},
	{"a held delivery of which nothing is held", `SELECT d.id FROM deliveries d WHERE d.state = 'held' AND EXISTS (SELECT 1 FROM items WHERE message = d.message AND delivery = d.id)
		AND NOT EXISTS (SELECT 1 FROM items WHERE message = d.message AND state = 'held' AND delivery = d.id)`},
	{"a released delivery of which nothing was released", `SELECT d.id FROM deliveries d WHERE d.state = 'released'
		AND NOT EXISTS (SELECT 1 FROM items WHERE message = d.message AND state = 'released' AND delivery = d.id)`},
	{"a held or drafted delivery with an outcome", `SELECT DISTINCT d.id FROM deliveries d JOIN delivery_recipients r ON r.delivery = d.id
		WHERE d.state IN ('held', 'drafted', 'released') AND r.state <> 'pending'`},
	{"a delivery waiting under a wrong time", `SELECT id FROM deliveries WHERE
		state = 'relaying' AND (due_at <> until OR queue_at <> until) OR
		state = 'ready' AND (due_at <> next_at OR queue_at <> max(created_at, next_at)) OR
		state = 'drafted' AND due_at <> CASE owner WHEN '' THEN next_at ELSE until END`},
	{"recipients with gaps", `SELECT delivery FROM delivery_recipients GROUP BY delivery HAVING max(pos) + 1 <> count(*) OR min(pos) <> 0`},
	{"an item of a missing message or delivery", `SELECT id FROM items i WHERE NOT EXISTS (SELECT 1 FROM messages WHERE id = i.message)
		OR delivery IS NOT NULL AND NOT EXISTS (SELECT 1 FROM deliveries WHERE id = i.delivery AND message = i.message)`},
	{"a held item without an original", `SELECT i.id FROM items i JOIN messages m ON m.id = i.message WHERE i.state = 'held' AND m.blob = ''`},
	{"a decided item without a time", `SELECT id FROM items WHERE state <> 'held' AND decided_at = 0`},
	{"an open request without a held item", `SELECT r.id FROM release_requests r JOIN items i ON i.id = r.item
		WHERE r.state IN ('requested', 'approved') AND i.state <> 'held'`},
	{"a request that is not of its item", `SELECT r.id FROM release_requests r JOIN items i ON i.id = r.item
		WHERE r.message <> i.message OR r.recipient <> i.recipient`},
	{"an executed request whose item is not released", `SELECT r.id FROM release_requests r JOIN items i ON i.id = r.item
		WHERE r.state = 'executed' AND i.state <> 'released'`},
	{"an executed request without its mail", `SELECT r.id FROM release_requests r WHERE r.state = 'executed'
		AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.id = r.delivery AND d.kind = 'followup' AND d.message = r.message)`},
	{"an approval by too few persons", `SELECT r.id FROM release_requests r WHERE r.state IN ('approved', 'executed', 'failed') AND
		(SELECT count(DISTINCT d.actor) FROM decisions d WHERE d.request = r.id AND d.choice = 'approve'
			AND d.actor <> r.requester AND d.on_behalf_of <> r.requester)
		< max(r.persons, CASE WHEN r.form = 'exception' THEN 2 WHEN r.form = 'internet_side' OR r.profile = 'wide' THEN 1 ELSE 0 END)`},
	{"an approved request that nobody carries out", `SELECT id FROM release_requests r WHERE state = 'approved'
		AND NOT EXISTS (SELECT 1 FROM jobs WHERE request = r.id AND state = 'requested')`},
	{"a release job without an approved request", `SELECT j.id FROM jobs j JOIN release_requests r ON r.id = j.request
		WHERE j.state = 'requested' AND j.kind = 'release' AND r.state <> 'approved'`},
	{"a job waiting under a wrong time", `SELECT id FROM jobs WHERE state = 'requested' AND due_at <> CASE owner WHEN '' THEN next_at ELSE until END`},
	{"an exception opened by too few persons", `SELECT e.id FROM exceptions e WHERE (e.state = 'open' OR e.uses > 0) AND
		(SELECT count(DISTINCT d.actor) FROM decisions d WHERE d.exception = e.id AND d.choice = 'approve'
			AND d.actor <> e.proposer AND d.on_behalf_of <> e.proposer) < 2`},
	{"an exception used more or less often than recorded", `SELECT e.id FROM exceptions e WHERE e.uses <>
		(SELECT count(*) FROM release_requests r WHERE r.exception = e.id AND r.state = 'executed')`},
	{"decisions with gaps", `SELECT coalesce(request, exception) FROM decisions GROUP BY request, exception
		HAVING max(pos) + 1 <> count(*) OR min(pos) <> 0`},
	{"a digest that tells of nothing", `SELECT id FROM deliveries d WHERE kind = 'digest' AND NOT EXISTS (SELECT 1 FROM notices WHERE digest = d.id)`},
	{"a notice told by another mail than its digest", `SELECT s.item || ' ' || s.address FROM notices s WHERE s.digest IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM deliveries d JOIN delivery_recipients r ON r.delivery = d.id
			WHERE d.id = s.digest AND d.kind = 'digest' AND r.address = s.address)`},
	{"an opening without its audit row", `SELECT digest FROM openings o WHERE NOT EXISTS (SELECT 1 FROM audit_rows
		WHERE n = o.row AND instr(event, o.digest) > 0)`},
	{"a message without any audit row", `SELECT id FROM messages m WHERE NOT EXISTS (SELECT 1 FROM audit_rows WHERE message = m.id)
		AND received_at > 86400000000000 + coalesce((SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'audit rows from'), 0)`},
	{"two audit rows in one place", `SELECT min(id) FROM audit_rows WHERE seq IS NOT NULL GROUP BY seq HAVING count(*) > 1`},
	{"an audit row placed before an older one", `SELECT id FROM (SELECT id, seq, lag(seq) OVER (ORDER BY n) AS before FROM audit_rows
		WHERE seq IS NOT NULL) WHERE before > seq`},
	{"an audit row passed over by the sequencer", `SELECT id FROM audit_rows WHERE seq IS NULL
		AND n < (SELECT max(n) FROM audit_rows WHERE seq IS NOT NULL)`},
	{"a counter that is wrong", `SELECT name || ': ' || n || ', counted ' || counted FROM (
		SELECT name, n, CASE
			WHEN name = 'original bytes' THEN (SELECT coalesce(sum(size), 0) FROM messages WHERE blob <> '')
			WHEN name = 'audit pending' THEN (SELECT count(*) FROM audit_rows WHERE seq IS NULL)
			WHEN name LIKE 'message %' THEN (SELECT count(*) FROM messages WHERE tallies.name = 'message ' || state)
			WHEN name LIKE 'delivery %' THEN (SELECT count(*) FROM deliveries WHERE tallies.name = 'delivery ' || state)
			WHEN name LIKE 'item %' THEN (SELECT count(*) FROM items WHERE tallies.name = 'item ' || state)
			WHEN name LIKE 'request %' THEN (SELECT count(*) FROM release_requests WHERE tallies.name = 'request ' || state)
			WHEN name LIKE 'job %' THEN (SELECT count(*) FROM jobs WHERE tallies.name = 'job ' || state)
		END AS counted FROM tallies) WHERE n <> counted`},
	{"an office that had an administrator and has no active one", `SELECT 'all disabled' WHERE EXISTS (
		SELECT 1 FROM users, json_each(roles) r WHERE r.value = 'admin') AND NOT EXISTS (
		SELECT 1 FROM users, json_each(roles) r WHERE r.value = 'admin' AND state = 'active')`},
	{"an auditor with roles that are audited", `SELECT id FROM users WHERE EXISTS (SELECT 1 FROM json_each(roles) WHERE value = 'auditor')
		AND EXISTS (SELECT 1 FROM json_each(roles) WHERE value IN ('admin', 'operator'))`},
	{"a second factor in clear", `SELECT id FROM users WHERE length(factor_secret) BETWEEN 1 AND 36
		AND EXISTS (SELECT 1 FROM settings WHERE name = 'second factors' AND value = 'sealed')`},
	{"a session of a disabled account", `SELECT s.id FROM sessions s JOIN users u ON u.id = s.user WHERE u.state <> 'active'`},
	{"a recipient whose mail is not in the list of theirs", `SELECT m.id || ' ' || t.value FROM messages m, json_each(m.forward_paths) t
		WHERE NOT EXISTS (SELECT 1 FROM message_recipients WHERE address = lower(t.value) AND n = m.n)`},
	{"a broken reference", `SELECT "table" || ' row ' || coalesce(rowid, '?') || ' to ' || parent FROM pragma_foreign_key_check`},
	{"a damaged page", `SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'`},
}

// CheckConsistency reports, one line each, what in the ledger contradicts
// itself; nothing is well. It reads all rows of one state of the ledger, so it
// takes its time. `sekisho verify` and every store test call it.
func (l *Ledger) CheckConsistency(ctx context.Context) []string {
	var found []string
	err := l.view(ctx, func(q query) error {
		for _, r := range rules {
			var where []string
			err := q.rows(func(s scanner) error {
				var w string
				err := s.Scan(&w)
				where = append(where, w)
				return err
			}, `SELECT * FROM (`+r.query+`) LIMIT ?`, maxComplaints)
			if err != nil {
				return fmt.Errorf("look for %s: %w", r.name, err)
			}
			for _, w := range where {
				found = append(found, r.name+": "+w)
			}
		}
		return nil
	})
	if err == nil {
		found, err = l.checkRows(ctx, found)
	}
	if err != nil {
		found = append(found, "the check did not end: "+err.Error())
	}
	return found
}

// checkRows checks that each audit row holds a canonical draft that says what
// its columns say, and that openings open.
func (l *Ledger) checkRows(ctx context.Context, found []string) ([]string, error) {
	complain := func(format string, args ...any) {
		if len(found) < 4*maxComplaints {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	err := l.view(ctx, func(q query) error {
		err := q.rows(func(s scanner) error {
			var id, verb, event string
			var at int64
			if err := s.Scan(&id, &verb, &at, &event); err != nil {
				return err
			}
			e, err := audit.ParseDraft([]byte(event))
			if err != nil || e.ID != id || string(e.Verb) != verb {
				complain("an audit row that is not its event: %s", id)
			}
			return nil
		}, `SELECT id, verb, at, event FROM audit_rows`)
		if err != nil {
			return err
		}
		return q.rows(func(s scanner) error {
			var o audit.Opening
			var nonce []byte
			if err := s.Scan(&o.Digest, &nonce, &o.Value); err != nil {
				return err
			}
			if copy(o.Nonce[:], nonce); !audit.CheckOpening(o.Digest, o) {
				complain("an opening that opens nothing: %s", o.Digest)
			}
			return nil
		}, `SELECT digest, nonce, value FROM openings`)
	})
	return found, err
}
