package sqlite

import (
	"context"
	"fmt"
	"time"
)

// EndLeases ends at now every lease that would last longer, and returns how
// many there were. The process that has the data of a node to itself calls it
// before its first claim: what a killed process had in hand is then taken up at
// once, and not when its lease ends. It changes no state and no fence; a message
// that is claimed again counts as lost.
//
// Callers MUST NOT call it while another process may hold a lease.
func (l *Ledger) EndLeases(ctx context.Context, now time.Time) (int64, error) {
	var ended int64
	err := l.w.do(ctx, func(t *tx) error {
		return t.change("end leases", func() error {
			ended = 0 // the closure may run more than once
			for _, q := range []string{
				`UPDATE messages SET until = ?1, due_at = ?1, queue_at = ?1 WHERE state = 'sanitizing' AND until > ?1`,
				`UPDATE deliveries SET until = ?1, due_at = ?1, queue_at = ?1 WHERE state IN ('drafted', 'relaying') AND owner <> '' AND until > ?1`,
			} {
				n, err := t.exec(q, nanos(now))
				if err != nil {
					return err
				}
				ended += n
			}
			return nil
		})
	})
	if err != nil {
		return 0, fmt.Errorf("end the leases of the last run: %w", err)
	}
	return ended, nil
}
