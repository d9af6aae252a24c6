package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"sekisho/gateway"
	"sekisho/gateway/account"
)

const userColumns = `id, name, display, coalesce(dept, ''), addresses, roles, state, password, long, must_change,
	factor_secret, factor_confirmed, factor_step, recovery, created_at, changed_at, last_sign_in, version, credential_by, credential_at`

func scanUser(u *account.User) func(scanner) error {
	return func(s scanner) error {
		var recovery, secret []byte
		var roles []string
		var givers string
		err := s.Scan(&u.ID, &u.Name, &u.Display, &u.Dept, list{&u.Addresses}, list{&roles}, &u.State, &u.Password, &u.Long,
			&u.MustChange, &secret, &u.Factor.Confirmed, &u.Factor.Step, &recovery, stamp{&u.CreatedAt}, stamp{&u.ChangedAt},
			stamp{&u.LastSignIn}, &u.Version, &givers, stamp{&u.Given.At})
		if err != nil {
			return err
		}
		u.Roles, u.Recovery, u.Factor.Sealed, u.Given.By = nil, nil, nil, nil
		if givers != "" {
			u.Given.By = strings.Split(givers, "\n")
		}
		for _, r := range roles {
			u.Roles = append(u.Roles, account.Role(r))
		}
		if len(secret) > 0 {
			u.Factor.Sealed = secret
		}
		for ; len(recovery) >= len(account.Digest{}); recovery = recovery[len(account.Digest{}):] {
			u.Recovery = append(u.Recovery, account.Digest(recovery))
		}
		if len(u.Addresses) == 0 {
			u.Addresses = nil
		}
		return nil
	}
}

// User implements account.Reader.
func (a accountReader) User(id string) (account.User, error) {
	var u account.User
	err := a.r.row(scanUser(&u), `SELECT `+userColumns+` FROM users WHERE id = ?`, id)
	return u, err
}

// UserNamed implements account.Reader.
func (a accountReader) UserNamed(name string) (account.User, error) {
	var u account.User
	err := a.r.row(scanUser(&u), `SELECT `+userColumns+` FROM users WHERE name = ?`, name)
	return u, err
}

// Users implements account.Reader. An office has hundreds of users, so that the
// role is looked for in all of them.
func (a accountReader) Users(q account.UserQuery) ([]account.User, error) {
	where, args := []string{"name > ?"}, []any{q.After}
	if q.Dept != "" {
		where, args = append(where, "dept = ?"), append(args, q.Dept)
	}
	if q.Role != "" {
		where, args = append(where, "EXISTS (SELECT 1 FROM json_each(roles) WHERE value = ?)"), append(args, string(q.Role))
	}
	if q.State != "" {
		where, args = append(where, "state = ?"), append(args, string(q.State))
	}
	limit := q.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	var out []account.User
	err := a.r.rows(func(s scanner) error {
		var u account.User
		err := scanUser(&u)(s)
		out = append(out, u)
		return err
	}, `SELECT `+userColumns+` FROM users WHERE `+strings.Join(where, " AND ")+` ORDER BY name LIMIT ?`, append(args, limit)...)
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	return out, nil
}

// userValues are the columns that change, in the order of changeUser.
func userValues(u account.User) ([]any, error) {
	addresses, err := jsonArray(u.Addresses)
	if err != nil {
		return nil, err
	}
	roles, err := jsonArray(u.Roles)
	if err != nil {
		return nil, err
	}
	return []any{u.Display, optional(u.Dept), addresses, roles, string(u.State), u.Password, u.Long, u.MustChange,
		notNil(u.Factor.Sealed), u.Factor.Confirmed, u.Factor.Step, joinDigests(u.Recovery), nanos(u.ChangedAt),
		nanos(u.LastSignIn), u.Version, strings.Join(u.Given.By, "\n"), nanos(u.Given.At)}, nil
}

// jsonArray is a list as JSON, [] for none.
func jsonArray[T ~string](list []T) (string, error) {
	if len(list) == 0 {
		return "[]", nil
	}
	b, err := json.Marshal(list)
	return string(b), err
}

func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func joinDigests(list []account.Digest) []byte {
	out := []byte{}
	for _, d := range list {
		out = append(out, d[:]...)
	}
	return out
}

// AddUser implements account.Tx.
func (a accountTx) AddUser(u account.User, r ...gateway.Record) error {
	v, err := userValues(u)
	if err != nil {
		return err
	}
	return a.move("add user", account.ErrExists, r, `INSERT INTO users (display, dept, addresses, roles, state, password, long, must_change,
			factor_secret, factor_confirmed, factor_step, recovery, changed_at, last_sign_in, version, credential_by, credential_at, id, name, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		append(v, u.ID, u.Name, nanos(u.CreatedAt))...)
}

// ChangeUser implements account.Tx.
func (a accountTx) ChangeUser(u account.User, r ...gateway.Record) error {
	v, err := userValues(u)
	if err != nil {
		return err
	}
	return a.move("change user", account.ErrConflict, r, `UPDATE users SET display = ?, dept = ?, addresses = ?, roles = ?, state = ?,
			password = ?, long = ?, must_change = ?, factor_secret = ?, factor_confirmed = ?, factor_step = ?, recovery = ?,
			changed_at = ?, last_sign_in = ?, version = ?, credential_by = ?, credential_at = ? WHERE id = ? AND version = ?`,
		append(v, u.ID, u.Version-1)...)
}

// factorsSetting says how the keys of second factors lie here; schema/004.sql
// sets it.
const factorsSetting = "second factors"

// FactorsInClear implements account.Tx.
func (a accountTx) FactorsInClear() (bool, error) {
	v, err := a.t.Setting(factorsSetting)
	return v != "sealed", err
}

// SealFactor implements account.Tx.
func (a accountTx) SealFactor(user string, sealed []byte) error {
	return a.move("seal factor", gateway.ErrNotFound, nil, `UPDATE users SET factor_secret = ? WHERE id = ?`, sealed, user)
}

// FactorsSealed implements account.Tx.
func (a accountTx) FactorsSealed(r ...gateway.Record) error {
	return a.t.move("factors are sealed", func() error { return a.t.SetSetting(factorsSetting, "sealed", r...) })
}

// Scrub implements account.Store: deleted bytes are overwritten in the file
// (secure_delete), and older pages go with the write-ahead log. While somebody
// reads, some stay until the next time.
func (a accounts) Scrub(ctx context.Context) error {
	db, err := sql.Open("sqlite", dsn(a.l.file))
	if err == nil {
		_, err = db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		return fmt.Errorf("scrub the ledger: %w", err)
	}
	return nil
}

// SignedIn implements account.Tx.
func (a accountTx) SignedIn(u account.User, r ...gateway.Record) error {
	return a.move("note sign-in", gateway.ErrNotFound, r, `UPDATE users SET last_sign_in = ?, factor_step = ?, recovery = ?
		WHERE id = ? AND factor_step <= ?`,
		nanos(u.LastSignIn), u.Factor.Step, joinDigests(u.Recovery), u.ID, u.Factor.Step)
}
