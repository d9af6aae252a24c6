package sqlite

import (
	"context"
	"fmt"
	"time"
)

// Hasten implements gateway.Ledger. A substitute mail may wait for a later hour on
// purpose; a lease lasts until its holder is surely gone, for two
// who hold one delivery would send it twice.
func (l *Ledger) Hasten(ctx context.Context, latest time.Time) (int64, error) {
	n, err := l.everywhere(ctx, latest, hasten)
	if err != nil {
		return 0, fmt.Errorf("hasten what waits for too late a time: %w", err)
	}
	return n, nil
}

// Changes of what waits, ?1 being a time.
var (
	hasten = []string{
		`UPDATE messages INDEXED BY messages_due SET next_at = 0, due_at = 0, queue_at = received_at
			WHERE state <> 'settled' AND due_at > ?1 AND state = 'accepted'`,
		`UPDATE deliveries INDEXED BY deliveries_due SET next_at = 0, due_at = 0, queue_at = created_at
			WHERE state IN ('ready', 'relaying') AND due_at > ?1 AND state = 'ready' AND (attempts > 0 OR kind <> 'substitute')`,
		`UPDATE deliveries INDEXED BY deliveries_drafts SET next_at = 0, due_at = 0, queue_at = created_at
			WHERE state = 'drafted' AND due_at > ?1`,
		`UPDATE jobs INDEXED BY jobs_due SET next_at = 0, due_at = 0 WHERE state = 'requested' AND due_at > ?1 AND owner = ''`,
	}
	endLeases = []string{
		`UPDATE messages SET until = ?1, due_at = ?1, queue_at = ?1 WHERE state = 'sanitizing' AND until > ?1`,
		`UPDATE deliveries SET until = ?1, due_at = ?1, queue_at = ?1 WHERE state IN ('drafted', 'relaying') AND owner <> '' AND until > ?1`,
		`UPDATE jobs SET until = ?1, due_at = ?1 WHERE state = 'requested' AND owner <> '' AND until > ?1`,
	}
)

// EndLeases ends at now every lease that would last longer, and returns how
// many there were. The process that has the data of a node to itself calls it
// before its first claim: what a killed process had in hand is then taken up at
// once, and not when its lease ends. It changes no state and no fence; a message
// that is claimed again counts as lost.
//
// Callers MUST NOT call it while another process may hold a lease.
func (l *Ledger) EndLeases(ctx context.Context, now time.Time) (int64, error) {
	n, err := l.everywhere(ctx, now, endLeases)
	if err != nil {
		return 0, fmt.Errorf("end the leases of the last run: %w", err)
	}
	return n, nil
}

// everywhere runs changes of waiting rows and returns how many rows there were.
func (l *Ledger) everywhere(ctx context.Context, at time.Time, changes []string) (int64, error) {
	var rows int64
	err := l.w.do(ctx, func(t *tx) error {
		return t.change("change what waits", func() error {
			rows = 0 // the closure may run more than once
			for _, q := range changes {
				n, err := t.exec(q, nanos(at))
				if err != nil {
					return err
				}
				rows += n
			}
			return nil
		})
	})
	return rows, err
}
