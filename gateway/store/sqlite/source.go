package sqlite

import (
	"context"
	"fmt"

	"sekisho/audit"
)

const pendingRows = `SELECT n, coalesce(seq, -1), event FROM audit_rows WHERE n IN (
	SELECT * FROM (SELECT n FROM audit_rows INDEXED BY audit_rows_pending WHERE seq IS NULL ORDER BY n LIMIT ?2)
	UNION ALL SELECT * FROM (SELECT n FROM audit_rows INDEXED BY audit_rows_seq WHERE seq > ?1 ORDER BY n LIMIT ?2))
	ORDER BY n LIMIT ?2`

// Pending implements audit.Source. There is one writer, so the order of rows
// is that of their commits and no row turns up later in between.
func (l *Ledger) Pending(ctx context.Context, after int64, n int) ([]audit.Row, error) {
	var rows []audit.Row
	scan := func(s scanner) error {
		var r audit.Row
		var event string
		err := s.Scan(&r.ID, &r.Seq, &event)
		if err == nil {
			r.Event, err = audit.ParseDraft([]byte(event))
		}
		if err != nil {
			return fmt.Errorf("row %d: %w", r.ID, err)
		}
		rows = append(rows, r)
		return nil
	}
	err := l.view(ctx, func(q query) error {
		return q.rows(scan, pendingRows, after, n)
	})
	if err != nil {
		return nil, fmt.Errorf("read pending audit rows: %w", err)
	}
	return rows, nil
}

// MarkSequenced implements audit.Source. A row that the log had lost gets its
// new number.
func (l *Ledger) MarkSequenced(ctx context.Context, rows []audit.Row) error {
	err := l.w.do(ctx, func(t *tx) error {
		for _, r := range rows {
			err := t.change(fmt.Sprintf("row %d", r.ID), func() error {
				if r.Seq < 0 {
					return fmt.Errorf("sequence number %d", r.Seq)
				}
				var seq int64
				return t.changed(one(&seq), `UPDATE audit_rows SET seq = ? WHERE n = ? RETURNING seq`, r.Seq, r.ID)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("mark audit rows as sequenced: %w", err)
	}
	return nil
}
