package sqlite

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"sekisho/gateway"
	"sekisho/quarantine"
)

// kept limits a cross rule to what came since the audit rows begin: of before,
// the log alone has the records.
const kept = ` > 86400000000000 + coalesce((SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'audit rows from'), 0)`

// crossRules select states that no audit row speaks of, and rows that say
// something else than the state. A row is held against the log by its content, so
// these tie the state to the log.
var crossRules = []rule{
	{"a mail that is not the one that was received", `SELECT m.receipt FROM messages m JOIN audit_rows r ON r.message = m.id
		WHERE r.verb = 'message.received' AND json_extract(r.event, '$.object.sha256_original') <> lower(hex(m.sum))`},
	{"a sealed mail that is not the one on record", `SELECT d.id FROM deliveries d WHERE d.message IS NOT NULL AND d.created_at` + kept + `
		AND EXISTS (SELECT 1 FROM audit_rows r WHERE r.message = d.message AND r.verb = 'delivery.sealed' AND json_extract(r.event, '$.object.id') = d.id)
		AND NOT EXISTS (SELECT 1 FROM audit_rows r WHERE r.message = d.message AND r.verb = 'delivery.sealed' AND json_extract(r.event, '$.object.id') = d.id
			AND json_extract(r.event, '$.object.sha256_sanitized') = lower(hex(d.sum)))`},
	{"a delivery that was relayed without a record", `SELECT d.id FROM deliveries d WHERE d.state = 'relayed' AND d.message IS NOT NULL AND d.created_at` + kept + `
		AND NOT EXISTS (SELECT 1 FROM audit_rows r WHERE r.message = d.message AND r.verb = 'relay.relayed' AND json_extract(r.event, '$.object.id') = d.id)`},
	{"an item that was decided without a record", `SELECT i.id FROM items i WHERE i.state <> 'held' AND i.decided_at` + kept + `
		AND NOT EXISTS (SELECT 1 FROM audit_rows r WHERE r.message = i.message AND r.verb IN ('item.' || i.state, 'release.executed') AND json_extract(r.event, '$.object.id') = i.id)`},
	{"a request without a record", `SELECT q.id FROM release_requests q WHERE q.requested_at` + kept + `
		AND NOT EXISTS (SELECT 1 FROM audit_rows r WHERE r.message = q.message AND r.verb = 'release.requested' AND json_extract(r.event, '$.decision.request_id') = q.id)`},
	{"a request whose end has no record", `SELECT q.id FROM release_requests q WHERE q.state IN ('denied', 'sent_back', 'withdrawn', 'expired', 'executed') AND q.requested_at` + kept + `
		AND NOT EXISTS (SELECT 1 FROM audit_rows r WHERE r.message = q.message AND r.verb = 'release.' || q.state AND json_extract(r.event, '$.decision.request_id') = q.id)`},
	{"an approval without a record", `SELECT d.request || ' ' || d.actor FROM decisions d JOIN release_requests q ON q.id = d.request WHERE d.choice = 'approve' AND d.at` + kept + `
		AND NOT EXISTS (SELECT 1 FROM audit_rows r WHERE r.message = q.message AND r.verb = 'release.approved'
			AND json_extract(r.event, '$.decision.request_id') = q.id AND iif(json_extract(r.event, '$.actor.type') = 'os_user', 'os:', '') || json_extract(r.event, '$.actor.id') = d.actor)`},
	{"an approval on record that the request lacks", `SELECT json_extract(r.event, '$.decision.request_id') FROM audit_rows r WHERE r.verb = 'release.approved'
		AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.request = json_extract(r.event, '$.decision.request_id') AND d.choice = 'approve'
			AND d.actor = iif(json_extract(r.event, '$.actor.type') = 'os_user', 'os:', '') || json_extract(r.event, '$.actor.id'))`},
	{"an exception without a record", `SELECT e.id FROM exceptions e WHERE e.state <> 'proposed' AND e.uses + (e.state = 'open') > 0 AND e.proposed_at` + kept + `
		AND NOT EXISTS (SELECT 1 FROM audit_rows r WHERE r.verb = 'exception.opened' AND json_extract(r.event, '$.object.id') = e.id)`},
}

// CheckRecords reports, one line each, where states and audit rows contradict each
// other. CheckConsistency looks at states alone.
func (l *Ledger) CheckRecords(ctx context.Context) ([]string, error) {
	var found []string
	err := l.view(ctx, func(q query) error {
		for _, r := range crossRules {
			err := q.rows(func(s scanner) error {
				var w string
				err := s.Scan(&w)
				found = append(found, r.name+": "+w)
				return err
			}, `SELECT * FROM (`+r.query+`) LIMIT ?`, maxComplaints)
			if err != nil {
				return fmt.Errorf("look for %s: %w", r.name, err)
			}
		}
		var err error
		found, err = otherTerms(q, found)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("compare states and records: %w", err)
	}
	return found, nil
}

// termsOnRecord selects what records say of the terms of exceptions.
const termsOnRecord = `SELECT json_extract(event, '$.object.id'), json_extract(event, '$.change.after') FROM audit_rows
	WHERE verb IN ('exception.opened', 'exception.used', 'exception.ended') AND instr(event, '` + gateway.TermsMark + `') > 0`

// otherTerms adds the exceptions whose rows say something else than a record of
// them: a scope, a date or a number of uses that its persons never agreed to.
// Records of earlier versions say nothing of it.
func otherTerms(q query, found []string) ([]string, error) {
	sums := map[string]string{}
	err := q.rows(func(s scanner) error {
		var e quarantine.Exception
		err := scanException(&e)(s)
		sums[e.ID] = e.TermsSum()
		return err
	}, `SELECT `+exceptionColumns+` FROM exceptions`)
	if err != nil {
		return nil, fmt.Errorf("read exceptions: %w", err)
	}
	told := map[string]bool{}
	err = q.rows(func(s scanner) error {
		var id, after string
		if err := s.Scan(&id, &after); err != nil {
			return err
		}
		_, sum, _ := strings.Cut(after, gateway.TermsMark)
		sum, _, _ = strings.Cut(sum, " ")
		if sum != sums[id] && !told[id] && len(told) < maxComplaints {
			told[id] = true
			found = append(found, "an exception that says something else than its record: "+id)
		}
		return nil
	}, termsOnRecord)
	if err != nil {
		return nil, fmt.Errorf("read records of exceptions: %w", err)
	}
	return found, nil
}

// Sums returns the SHA-256, in hex, of what each blob holds once it is opened, by
// name: the originals of messages and the sealed mails of deliveries.
func (l *Ledger) Sums(ctx context.Context) (originals, outbox map[string]string, err error) {
	originals, outbox = map[string]string{}, map[string]string{}
	err = l.view(ctx, func(q query) error {
		for _, t := range []struct {
			query string
			to    map[string]string
		}{{`SELECT blob, sum FROM messages WHERE blob <> ''`, originals}, {`SELECT blob, sum FROM deliveries WHERE blob <> ''`, outbox}} {
			err := q.rows(func(s scanner) error {
				var name string
				var sum []byte
				err := s.Scan(&name, &sum)
				t.to[name] = hex.EncodeToString(sum)
				return err
			}, t.query)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read digests of blobs: %w", err)
	}
	return originals, outbox, nil
}
