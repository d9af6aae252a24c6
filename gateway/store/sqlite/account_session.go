package sqlite

import (
	"time"

	"sekisho/gateway"
	"sekisho/gateway/account"
)

const sessionColumns = `id, sum, user, auth, ip, agent, created_at, seen_at, proved_at, failed`

func scanSession(x *account.Session) func(scanner) error {
	return func(s scanner) error {
		return s.Scan(&x.ID, digest{(*[32]byte)(&x.Sum)}, &x.User, &x.Auth, &x.IP, &x.Agent, stamp{&x.CreatedAt}, stamp{&x.SeenAt}, stamp{&x.ProvedAt}, &x.Failed)
	}
}

// Session implements account.Reader.
func (a accountReader) Session(sum account.Digest) (account.Session, error) {
	var x account.Session
	err := a.r.row(scanSession(&x), `SELECT `+sessionColumns+` FROM sessions WHERE sum = ?`, sum[:])
	return x, err
}

// Sessions implements account.Reader.
func (a accountReader) Sessions(user string) ([]account.Session, error) {
	var out []account.Session
	err := a.r.rows(func(s scanner) error {
		var x account.Session
		err := scanSession(&x)(s)
		out = append(out, x)
		return err
	}, `SELECT `+sessionColumns+` FROM sessions WHERE user = ? ORDER BY created_at, id`, user)
	return out, err
}

// AddSession implements account.Tx.
func (a accountTx) AddSession(x account.Session, r ...gateway.Record) error {
	return a.move("add session", nil, r, `INSERT INTO sessions (`+sessionColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		x.ID, x.Sum[:], x.User, x.Auth, x.IP, x.Agent, nanos(x.CreatedAt), nanos(x.SeenAt), nanos(x.ProvedAt), x.Failed)
}

// RotateSession implements account.Tx. A session that ended meanwhile is
// account.ErrSession.
func (a accountTx) RotateSession(x account.Session, r ...gateway.Record) error {
	return a.move("rotate session", account.ErrSession, r, `UPDATE sessions SET sum = ?, auth = ?, proved_at = ?, failed = ? WHERE id = ?`,
		x.Sum[:], x.Auth, nanos(x.ProvedAt), x.Failed, x.ID)
}

// EndSession implements account.Tx; one that is over is no error.
func (a accountTx) EndSession(id string, r ...gateway.Record) error {
	return a.move("end session", nil, r, `DELETE FROM sessions WHERE id = ?`, id)
}

// EndSessions implements account.Tx.
func (a accountTx) EndSessions(user, but string, r ...gateway.Record) (int, error) {
	var n int64
	err := a.t.move("end sessions", func() error {
		var err error
		if n, err = a.t.exec(`DELETE FROM sessions WHERE user = ? AND id <> ?`, user, but); err != nil {
			return err
		}
		return a.t.record("", r)
	})
	return int(n), err
}

const tokenColumns = `id, sum, user, name, scopes, created_at, expires_at, used_at`

func scanToken(k *account.Token) func(scanner) error {
	return func(s scanner) error {
		var scopes []string
		err := s.Scan(&k.ID, digest{(*[32]byte)(&k.Sum)}, &k.User, &k.Name, list{&scopes}, stamp{&k.CreatedAt}, stamp{&k.ExpiresAt}, stamp{&k.UsedAt})
		k.Scopes = nil
		for _, c := range scopes {
			k.Scopes = append(k.Scopes, account.Capability(c))
		}
		return err
	}
}

// Token implements account.Reader.
func (a accountReader) Token(sum account.Digest) (account.Token, error) {
	var k account.Token
	err := a.r.row(scanToken(&k), `SELECT `+tokenColumns+` FROM api_tokens WHERE sum = ?`, sum[:])
	return k, err
}

// Tokens implements account.Reader.
func (a accountReader) Tokens(user string) ([]account.Token, error) {
	var out []account.Token
	err := a.r.rows(func(s scanner) error {
		var k account.Token
		err := scanToken(&k)(s)
		out = append(out, k)
		return err
	}, `SELECT `+tokenColumns+` FROM api_tokens WHERE ?1 = '' OR user = ?1 ORDER BY created_at, id LIMIT 10000`, user)
	return out, err
}

// AddToken implements account.Tx.
func (a accountTx) AddToken(k account.Token, r ...gateway.Record) error {
	scopes, err := jsonArray(k.Scopes)
	if err != nil {
		return err
	}
	return a.move("add token", nil, r, `INSERT INTO api_tokens (`+tokenColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		k.ID, k.Sum[:], k.User, k.Name, scopes, nanos(k.CreatedAt), nanos(k.ExpiresAt), nanos(k.UsedAt))
}

// EndToken implements account.Tx.
func (a accountTx) EndToken(id string, r ...gateway.Record) error {
	return a.move("end token", gateway.ErrNotFound, r, `DELETE FROM api_tokens WHERE id = ?`, id)
}

// EndTokens implements account.Tx.
func (a accountTx) EndTokens(user string, r ...gateway.Record) (int, error) {
	var n int64
	err := a.t.move("end tokens", func() error {
		var err error
		if n, err = a.t.exec(`DELETE FROM api_tokens WHERE user = ?`, user); err != nil {
			return err
		}
		return a.t.record("", r)
	})
	return int(n), err
}

// CountProofs implements account.Tx. A session that ended meanwhile is no error.
func (a accountTx) CountProofs(session string, n int) error {
	return a.touch("count proofs", `UPDATE sessions SET failed = ? WHERE id = ?`, n, session)
}

// SeeSession implements account.Tx.
func (a accountTx) SeeSession(id string, at time.Time) error {
	return a.touch("see session", `UPDATE sessions SET seen_at = ? WHERE id = ?`, nanos(at), id)
}

// SeeToken implements account.Tx.
func (a accountTx) SeeToken(id string, at time.Time) error {
	return a.touch("see token", `UPDATE api_tokens SET used_at = ? WHERE id = ?`, nanos(at), id)
}
