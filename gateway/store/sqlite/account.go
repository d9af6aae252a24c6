package sqlite

import (
	"context"
	"fmt"
	"strings"
	"time"

	"sekisho/gateway"
	"sekisho/gateway/account"
)

// Accounts returns the ledger's accounts: changes and their records go through
// the same writer as those of mails.
func (l *Ledger) Accounts() account.Store { return accounts{l} }

// accounts is the account.Store of a ledger.
type accounts struct{ l *Ledger }

// View implements account.Store.
func (a accounts) View(ctx context.Context, f func(account.Reader) error) error {
	return a.l.view(ctx, func(q query) error { return f(accountReader{q}) })
}

// Do implements account.Store.
func (a accounts) Do(ctx context.Context, f func(account.Tx) error) error {
	return a.l.w.do(ctx, func(t *tx) error { return f(accountTx{accountReader{t}, t}) })
}

// accountReader reads accounts, in a transaction or outside of one.
type accountReader struct{ r reads }

// accountTx changes accounts.
type accountTx struct {
	accountReader
	t *tx
}

// move changes rows with a statement and takes the records. No row changed is
// refused as missing.
func (a accountTx) move(what string, missing error, records []gateway.Record, query string, args ...any) error {
	return a.t.move(what, func() error {
		n, err := a.t.exec(query, args...)
		if err != nil {
			return err
		}
		if n == 0 && missing != nil {
			return missing
		}
		return a.t.record("", records)
	})
}

// touch is move for counters and times, which need no record.
func (a accountTx) touch(what, query string, args ...any) error {
	return a.t.change(what, func() error {
		_, err := a.t.exec(query, args...)
		return err
	})
}

// Note implements account.Tx.
func (a accountTx) Note(r ...gateway.Record) error { return a.t.Note(r...) }

const attemptColumns = `n, last_at, until_at`

// Attempts implements account.Reader; a key without any has none.
func (a accountReader) Attempts(key string) (account.Attempts, error) {
	var x account.Attempts
	err := a.r.rows(func(s scanner) error { return s.Scan(&x.N, stamp{&x.Last}, stamp{&x.Until}) },
		`SELECT `+attemptColumns+` FROM attempts WHERE key = ?`, key)
	if err != nil {
		return account.Attempts{}, fmt.Errorf("read attempts: %w", err)
	}
	return x, nil
}

// PutAttempts implements account.Tx.
func (a accountTx) PutAttempts(key string, x account.Attempts) error {
	if x.N <= 0 {
		return a.touch("forget attempts", `DELETE FROM attempts WHERE key = ?`, key)
	}
	return a.touch("count attempts", `INSERT INTO attempts (key, n, last_at, until_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET n = excluded.n, last_at = excluded.last_at, until_at = excluded.until_at`,
		key, x.N, nanos(x.Last), nanos(x.Until))
}

// ForgetAnswers implements account.Tx.
func (a accountTx) ForgetAnswers(user string) error {
	return a.touch("forget answers", `DELETE FROM answers WHERE who = ? AND status <> 0`, user)
}

// Tidy implements account.Tx.
func (a accountTx) Tidy(sessions, attempts time.Time) error {
	if err := a.touch("tidy sessions", `DELETE FROM sessions WHERE created_at < ?`, nanos(sessions)); err != nil {
		return err
	}
	if err := a.touch("tidy attempts", `DELETE FROM attempts WHERE last_at < ? AND n < ?`, nanos(attempts), account.HardCap); err != nil {
		return err
	}
	return a.touch("tidy tokens", `DELETE FROM api_tokens WHERE expires_at < ?`, nanos(attempts))
}

const departmentColumns = `id, name`

// Departments implements account.Reader, by id.
func (a accountReader) Departments() ([]account.Department, error) {
	var out []account.Department
	err := a.r.rows(func(s scanner) error {
		var d account.Department
		err := s.Scan(&d.ID, &d.Name)
		out = append(out, d)
		return err
	}, `SELECT `+departmentColumns+` FROM departments ORDER BY id`)
	return out, err
}

// PutDepartment implements account.Tx.
func (a accountTx) PutDepartment(d account.Department, r ...gateway.Record) error {
	return a.move("put department", nil, r, `INSERT INTO departments (id, name) VALUES (?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name`, d.ID, d.Name)
}

const deputyColumns = `id, for_user, by_user, from_at, until_at, set_by, ended_at`

// Deputies implements account.Reader: those that nobody ended, by their end.
func (a accountReader) Deputies() ([]account.Deputy, error) {
	var out []account.Deputy
	err := a.r.rows(func(s scanner) error {
		var d account.Deputy
		err := s.Scan(&d.ID, &d.For, &d.By, stamp{&d.From}, stamp{&d.Until}, &d.SetBy, stamp{&d.Ended})
		out = append(out, d)
		return err
	}, `SELECT `+deputyColumns+` FROM deputies WHERE ended_at = 0 ORDER BY until_at, id`)
	return out, err
}

// PutDeputy implements account.Tx. Of a stored one only the end changes.
func (a accountTx) PutDeputy(d account.Deputy, r ...gateway.Record) error {
	return a.move("put deputy", nil, r, `INSERT INTO deputies (`+deputyColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at`,
		d.ID, d.For, d.By, nanos(d.From), nanos(d.Until), d.SetBy, nanos(d.Ended))
}

const proposalColumns = `id, user, act, role, addresses, proposer, proposed, at, expires_at, state, decided_by, decided_at`

func scanProposal(p *account.Proposal) func(scanner) error {
	return func(s scanner) error {
		var roles string
		err := s.Scan(&p.ID, &p.User, &p.Act, &roles, list{&p.Addresses}, &p.By, &p.ByName, stamp{&p.At}, stamp{&p.ExpiresAt}, &p.State,
			&p.DecidedBy, stamp{&p.DecidedAt})
		p.Roles = nil
		for r := range strings.FieldsSeq(roles) {
			p.Roles = append(p.Roles, account.Role(r))
		}
		if len(p.Addresses) == 0 {
			p.Addresses = nil
		}
		return err
	}
}

// Proposal implements account.Reader.
func (a accountReader) Proposal(id string) (account.Proposal, error) {
	var p account.Proposal
	err := a.r.row(scanProposal(&p), `SELECT `+proposalColumns+` FROM proposals WHERE id = ?`, id)
	return p, err
}

// Proposals implements account.Reader, oldest first.
func (a accountReader) Proposals() ([]account.Proposal, error) {
	var out []account.Proposal
	err := a.r.rows(func(s scanner) error {
		var p account.Proposal
		err := scanProposal(&p)(s)
		out = append(out, p)
		return err
	}, `SELECT `+proposalColumns+` FROM proposals WHERE state = 'open' ORDER BY at, id`)
	return out, err
}

// PutProposal implements account.Tx. Of a stored one only the decision changes,
// and only while it is open.
func (a accountTx) PutProposal(p account.Proposal, r ...gateway.Record) error {
	addresses, err := jsonArray(p.Addresses)
	if err != nil {
		return err
	}
	var roles []string
	for _, role := range p.Roles {
		roles = append(roles, string(role))
	}
	return a.move("put proposal", account.ErrConflict, r, `INSERT INTO proposals (`+proposalColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET state = excluded.state, decided_by = excluded.decided_by, decided_at = excluded.decided_at
		WHERE proposals.state = 'open'`,
		p.ID, p.User, string(p.Act), strings.Join(roles, " "), addresses, p.By, p.ByName, nanos(p.At), nanos(p.ExpiresAt), string(p.State), p.DecidedBy, nanos(p.DecidedAt))
}
