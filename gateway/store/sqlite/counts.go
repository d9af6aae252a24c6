package sqlite

import (
	"context"
	"fmt"
	"time"

	"sekisho/gateway"
)

const (
	oldestMessage = `SELECT coalesce(min(received_at), 0) FROM messages INDEXED BY messages_waiting
		WHERE state <> 'settled'`
	oldestDelivery = `SELECT coalesce(min(created_at), 0) FROM deliveries INDEXED BY deliveries_waiting
		WHERE state IN ('drafted', 'ready', 'relaying')`
	oldestRequest = `SELECT coalesce(min(requested_at), 0) FROM release_requests INDEXED BY release_requests_state WHERE state = 'requested'`
	oldestJob     = `SELECT coalesce(min(created_at), 0) FROM jobs INDEXED BY jobs_state WHERE state = 'requested'`
)

// Counts implements gateway.Ledger. It reads counters and four index entries,
// whatever the number of rows.
func (l *Ledger) Counts(ctx context.Context) (gateway.Counts, error) {
	n := map[string]int64{}
	var message, delivery, request, job time.Time
	err := l.view(ctx, func(q query) error {
		err := q.rows(func(s scanner) error {
			var name string
			var v int64
			err := s.Scan(&name, &v)
			n[name] = v
			return err
		}, `SELECT name, n FROM tallies`)
		if err != nil {
			return err
		}
		for _, oldest := range []struct {
			to    *time.Time
			query string
		}{{&message, oldestMessage}, {&delivery, oldestDelivery}, {&request, oldestRequest}, {&job, oldestJob}} {
			if err := q.row(one(stamp{oldest.to}), oldest.query); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return gateway.Counts{}, fmt.Errorf("read counts: %w", err)
	}
	return gateway.Counts{
		Accepted:        int(n["message accepted"]),
		Sanitizing:      int(n["message sanitizing"]),
		Drafted:         int(n["delivery drafted"]),
		Ready:           int(n["delivery ready"]),
		Relaying:        int(n["delivery relaying"]),
		DeliveriesHeld:  int(n["delivery held"]),
		Relayed:         int(n["delivery relayed"]),
		Failed:          int(n["delivery failed"]),
		Discarded:       int(n["delivery discarded"]),
		Released:        int(n["delivery released"]),
		ItemsHeld:       int(n["item held"]),
		RequestsPending: int(n["request requested"]),
		JobsWaiting:     int(n["job requested"]),
		OldestRequest:   request,
		OldestJob:       job,
		OldestWaiting:   earlier(message, delivery),
		OriginalBytes:   n["original bytes"],
		AuditPending:    n["audit pending"],
	}, nil
}

// untold are failures without a mail about them. A failure that a person
// decided has no reason, and needs no mail.
const untold = `SELECT count(*) FROM deliveries AS d WHERE d.state = 'failed' AND d.reason <> '' AND d.kind <> 'postmaster'
	AND NOT EXISTS (SELECT 1 FROM deliveries AS told WHERE told.about = d.id AND told.kind = 'postmaster')`

// Untold implements gateway.Ledger. It takes a step in an index for each failed
// delivery.
func (l *Ledger) Untold(ctx context.Context) (int, error) {
	var n int
	if err := l.view(ctx, func(q query) error { return q.row(one(&n), untold) }); err != nil {
		return 0, fmt.Errorf("count the failures without a mail: %w", err)
	}
	return n, nil
}

// earlier returns the earlier of two times, of which the zero one is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Blobs implements gateway.Ledger. A message needs its original until it is
// forgotten; a delivery needs its sealed mail until it is relayed or discarded.
func (l *Ledger) Blobs(ctx context.Context) (map[string]bool, map[string]bool, error) {
	originals, outbox := map[string]bool{}, map[string]bool{}
	collect := func(to map[string]bool) func(scanner) error {
		return func(s scanner) error {
			var name string
			err := s.Scan(&name)
			to[name] = true
			return err
		}
	}
	err := l.view(ctx, func(q query) error {
		if err := q.rows(collect(originals), `SELECT blob FROM messages WHERE blob <> ''`); err != nil {
			return err
		}
		return q.rows(collect(outbox), `SELECT blob FROM deliveries WHERE blob <> '' AND state NOT IN ('relayed', 'discarded')`)
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read blob names: %w", err)
	}
	return originals, outbox, nil
}
