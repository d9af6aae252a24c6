package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"sekisho/gateway"
)

// conn is a connection with its prepared statements. One goroutine
// uses it at a time.
type conn struct {
	c     *sql.Conn
	stmts map[string]*sql.Stmt
	// ended is set by SQLite when a transaction ends, for whatever reason.
	ended bool
}

// connect takes a connection from the pool.
func connect(ctx context.Context, db *sql.DB) (*conn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, translate(fmt.Errorf("connect: %w", err))
	}
	k := &conn{c: c, stmts: map[string]*sql.Stmt{}}
	err = c.Raw(func(d any) error {
		hooks, ok := d.(sqlite.HookRegisterer)
		if !ok {
			return errors.New("the driver does not tell the end of transactions")
		}
		hooks.RegisterCommitHook(func() int32 { k.ended = true; return 0 })
		hooks.RegisterRollbackHook(func() { k.ended = true })
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return k, nil
}

// stmt returns the prepared statement for a query. The queries are constants
// of this package, so the cache is bounded.
func (c *conn) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s := c.stmts[query]; s != nil {
		return s, nil
	}
	s, err := c.c.PrepareContext(ctx, query)
	if err != nil {
		return nil, translate(fmt.Errorf("prepare: %w", err))
	}
	c.stmts[query] = s
	return s, nil
}

// command executes one statement without arguments, prepared once.
func (c *conn) command(ctx context.Context, statement string) error {
	s, err := c.stmt(ctx, statement)
	if err != nil {
		return err
	}
	if _, err := s.ExecContext(ctx); err != nil {
		return translate(fmt.Errorf("%.20q: %w", statement, err))
	}
	return nil
}

// run executes a script without arguments.
func (c *conn) run(ctx context.Context, script string) error {
	if _, err := c.c.ExecContext(ctx, script); err != nil {
		return translate(fmt.Errorf("%.20q: %w", script, err))
	}
	return nil
}

// drop gives the connection up for good, with whatever transaction it is in.
func (c *conn) drop() error {
	for _, s := range c.stmts {
		s.Close()
	}
	err := c.c.Raw(func(any) error { return errDrop })
	if errors.Is(err, errDrop) || errors.Is(err, sql.ErrConnDone) {
		return nil
	}
	return err
}

// dsn returns the data source name of a ledger file. Every connection waits up
// to 10 s for a lock that another process holds.
func dsn(file string, pragmas ...string) string {
	q := url.Values{"_pragma": append([]string{
		"busy_timeout(10000)",
		"foreign_keys(1)",
		"trusted_schema(0)",
		"cell_size_check(1)",
	}, pragmas...)}
	u := url.URL{Scheme: "file", OmitHost: true, Path: file, RawQuery: q.Encode()}
	return u.String()
}

// writerPragmas make a commit durable before it returns: the write-ahead log
// is synced at each one. secure_delete overwrites erased openings. The journal
// mode, which is a fact of the file, is set once the file is known to be ours.
func writerPragmas() []string {
	return []string{"synchronous(FULL)", "secure_delete(1)", "journal_size_limit(67108864)"}
}

// translate marks errors that mean that there is no room.
func translate(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_FULL {
		return fmt.Errorf("%w: %w", gateway.ErrFull, err)
	}
	return err
}
