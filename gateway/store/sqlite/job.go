package sqlite

import (
	"context"
	"fmt"
	"time"

	"sekisho/gateway"
)

const jobColumns = `id, kind, coalesce(message, ''), coalesce(item, ''), coalesce(request, ''), by, state, owner, until, fence,
	attempts, lost, created_at, next_at, ended_at, reason, detail, part, page, pages, picture, picture_size, picture_sum, expires_at`

func scanJob(j *gateway.Job) func(scanner) error {
	return func(s scanner) error {
		return s.Scan(&j.ID, &j.Kind, &j.Message, &j.Item, &j.Request, &j.By, &j.State, &j.Lease.Owner, stamp{&j.Lease.Until}, &j.Lease.Fence,
			&j.Attempts, &j.Lost, stamp{&j.CreatedAt}, stamp{&j.NextAt}, stamp{&j.EndedAt}, &j.Reason, &j.Detail,
			&j.Preview.Part, &j.Preview.Page, &j.Preview.Pages, &j.Preview.Blob, &j.Preview.Size, digest{&j.Preview.Sum}, stamp{&j.Preview.ExpiresAt})
	}
}

// AddJob implements gateway.ReleaseTx.
func (t *tx) AddJob(j gateway.Job, rec ...gateway.Record) error {
	return t.move("add job", func() error {
		if j.State != gateway.JobWaiting || j.ID == "" || j.By == "" {
			return fmt.Errorf("%w: a job begins waiting, with an id and a person", gateway.ErrState)
		}
		next := nanos(j.NextAt)
		if _, err := t.exec(`INSERT INTO jobs (id, kind, message, item, request, by, state, created_at, next_at, due_at,
				part, page, expires_at)
			VALUES (?, ?, ?, ?, ?, ?, 'requested', ?, ?, ?, ?, ?, ?)`, string(j.ID), string(j.Kind), optional(string(j.Message)), optional(j.Item),
			optional(j.Request), j.By, nanos(j.CreatedAt), next, next,
			j.Preview.Part, j.Preview.Page, nanos(j.Preview.ExpiresAt)); err != nil {
			return err
		}
		return t.record(string(j.Message), rec)
	})
}

const (
	nextJob = `(SELECT n FROM jobs INDEXED BY jobs_due WHERE state = 'requested' AND due_at <= ?3
		AND (?4 = '[]' OR kind IN (SELECT value FROM json_each(?4))) ORDER BY due_at, n LIMIT 1)`
	takeJob = `UPDATE jobs SET lost = lost + (owner <> ''), owner = ?1, until = ?2, due_at = ?2, fence = fence + 1 WHERE n = ` + nextJob
	// leasedJob is the condition that a job is still in the hands of a holder.
	leasedJob = ` WHERE id = ? AND state = 'requested' AND owner = ? AND owner <> '' AND fence = ?`
)

// ClaimJob implements gateway.ReleaseTx.
func (t *tx) ClaimJob(owner string, now, until time.Time, kinds ...gateway.JobKind) (gateway.Job, error) {
	var j gateway.Job
	of, err := jsonArray(kinds)
	if err != nil {
		return j, err
	}
	err = t.change("claim job", func() error {
		if owner == "" || !until.After(now) {
			return fmt.Errorf("%w: a lease needs an owner and an end", gateway.ErrState)
		}
		return t.changed(scanJob(&j), takeJob+` RETURNING `+jobColumns, owner, nanos(until), nanos(now), of)
	})
	return j, err
}

// RenewJob implements gateway.ReleaseTx.
func (t *tx) RenewJob(j gateway.Job, until time.Time) error {
	return t.change("renew job", func() error {
		u := nanos(until)
		n, err := t.exec(`UPDATE jobs SET until = ?, due_at = ?`+leasedJob, u, u, string(j.ID), j.Lease.Owner, j.Lease.Fence)
		return t.held(n, err, "jobs", j.ID)
	})
}

// ReturnJob implements gateway.ReleaseTx.
func (t *tx) ReturnJob(j gateway.Job) error {
	return t.change("return job", func() error {
		next := nanos(j.NextAt)
		n, err := t.exec(`UPDATE jobs SET owner = '', until = 0, attempts = ?, next_at = ?, due_at = ?`+leasedJob,
			j.Attempts, next, next, string(j.ID), j.Lease.Owner, j.Lease.Fence)
		return t.held(n, err, "jobs", j.ID)
	})
}

// EndJob implements gateway.ReleaseTx.
func (t *tx) EndJob(j gateway.Job, rec ...gateway.Record) error {
	return t.move("end job", func() error {
		if j.State != gateway.JobDone && j.State != gateway.JobFailed {
			return fmt.Errorf("%w: a job cannot end %q", gateway.ErrState, j.State)
		}
		n, err := t.exec(`UPDATE jobs SET state = ?, owner = '', until = 0, ended_at = ?, reason = ?, detail = ?,
				pages = ?, picture = ?, picture_size = ?, picture_sum = ?, expires_at = ?`+leasedJob,
			string(j.State), nanos(j.EndedAt), j.Reason, j.Detail,
			j.Preview.Pages, j.Preview.Blob, j.Preview.Size, j.Preview.Sum[:], nanos(j.Preview.ExpiresAt), string(j.ID), j.Lease.Owner, j.Lease.Fence)
		if err := t.held(n, err, "jobs", j.ID); err != nil {
			return err
		}
		return t.record(string(j.Message), rec)
	})
}

// ForgetPreview implements gateway.ReleaseTx.
func (t *tx) ForgetPreview(id gateway.ID) error {
	return t.change("forget preview", func() error {
		_, err := t.exec(`DELETE FROM jobs WHERE id = ? AND kind = 'preview' AND state <> 'requested'`, string(id))
		return err
	})
}

// Job implements gateway.Releases.
func (l *Ledger) Job(ctx context.Context, id gateway.ID) (gateway.Job, error) {
	var j gateway.Job
	err := l.view(ctx, func(q query) error {
		return q.row(scanJob(&j), `SELECT `+jobColumns+` FROM jobs WHERE id = ?`, string(id))
	})
	if err != nil {
		return gateway.Job{}, fmt.Errorf("read job %s: %w", id, err)
	}
	return j, nil
}

// Jobs implements gateway.Releases; oldest is by CreatedAt.
func (l *Ledger) Jobs(ctx context.Context, q gateway.JobQuery) ([]gateway.Job, error) {
	s := selection{table: "jobs", columns: jobColumns, age: "created_at", limit: q.Limit}
	for _, st := range q.States {
		s.states = append(s.states, string(st))
	}
	for _, c := range []struct{ condition, value string }{{"kind = ?", string(q.Kind)}, {"request = ?", q.Request},
		{"message = ?", string(q.Message)}, {"by = ?", q.By}} {
		if c.value != "" {
			s.where(c.condition, c.value)
		}
	}
	var js []gateway.Job
	err := l.view(ctx, func(q query) error {
		js = nil
		return q.rows(func(s scanner) error {
			var j gateway.Job
			err := scanJob(&j)(s)
			js = append(js, j)
			return err
		}, s.sql(), s.args()...)
	})
	if err != nil {
		return nil, fmt.Errorf("read jobs: %w", err)
	}
	return js, nil
}
