// Package sqlite keeps the ledger in one SQLite file; it is the single-node
// implementation of gateway.Ledger.
//
// One goroutine writes. It runs the closures of concurrent Do calls in one
// transaction and answers after the commit, which is one
// sync of the write-ahead log for all of them. A few connections read. Other
// processes may use the same file: SQLite's locks keep them apart, and no
// state is held in memory.
//
// Every change takes its audit records into the same transaction (G6). A
// closure that met an error after it had begun to change something is undone
// as a whole, even if it returns nil: half a change without its record MUST
// NOT be committed. docs/design/spool.md has the states and their moves.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // the database/sql driver "sqlite"

	"sekisho/gateway"
)

// readers is how many reads run at once; more wait.
const readers = 4

// Ledger is a gateway.Ledger in a SQLite file. It is safe for concurrent use.
// Do MUST NOT be called from within a closure of Do: it would wait for itself.
type Ledger struct {
	file    string
	read    *sql.DB
	write   *sql.DB
	w       *writer
	readers chan *conn   // nil where one has to be made anew
	close   func() error // once
}

var _ gateway.Ledger = (*Ledger)(nil)

// Open opens the ledger in file, creates it, mode 0600, if it does not exist,
// and brings it to the present schema. ErrSchema means that the file belongs
// to a newer or to another program; it is not touched then.
func Open(ctx context.Context, file string) (*Ledger, error) {
	scripts, err := migrations()
	if err != nil {
		return nil, err
	}
	return open(ctx, file, scripts)
}

func open(ctx context.Context, file string, scripts []string) (*Ledger, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	if err := create(file); err != nil {
		return nil, fmt.Errorf("create ledger: %w", err)
	}
	l := &Ledger{file: file, readers: make(chan *conn, readers)}
	for range readers {
		l.readers <- nil
	}
	if l.write, err = pool(dsn(file, writerPragmas()...), 1); err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", file, err)
	}
	c, err := connect(ctx, l.write)
	if err == nil {
		err = migrate(ctx, c, file, scripts)
	}
	if err == nil {
		l.read, err = pool(dsn(file, "query_only(1)"), readers+1) // the readers keep theirs; one more looks whether it is open
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger %s: %w", file, err), l.write.Close())
	}
	l.w = newWriter(l.write, c)
	l.close = sync.OnceValue(func() error {
		err := l.w.close()
		for range readers { // each after the view under way
			if c := <-l.readers; c != nil {
				err = errors.Join(err, c.drop())
			}
		}
		err = errors.Join(err, l.read.Close(), l.write.Close())
		for range readers {
			l.readers <- nil // a view that waits fails to connect
		}
		return err
	})
	return l, nil
}

// create makes an empty file that only this user can read, and makes its name
// durable; SQLite does that for the write-ahead log, not for the file itself.
func create(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return syncDir(filepath.Dir(file))
}

// pool opens a database with at most n connections, which stay open.
func pool(name string, n int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// Do implements gateway.Ledger. At most 64 closures share a commit. A panic in
// f, and anything that went wrong in SQLite while f ran, is an error even if f
// does not return it. When the commit itself fails, all closures of the batch
// fail; after a power loss their changes may be found all the same, so what
// they point to MUST NOT be deleted by the caller but left to a sweep.
func (l *Ledger) Do(ctx context.Context, f func(gateway.Tx) error) error {
	return l.w.do(ctx, func(t *tx) error { return f(t) })
}

// Close ends the ledger after the commit under way. Calls that wait fail with
// ErrClosed. It may be called twice.
func (l *Ledger) Close() error { return l.close() }

// view runs f on one consistent state of the ledger.
func (l *Ledger) view(ctx context.Context, f func(q query) error) error {
	var c *conn
	select {
	case c = <-l.readers:
	case <-ctx.Done():
		return fmt.Errorf("wait to read: %w", ctx.Err())
	}
	defer func() { l.readers <- c }()
	if c == nil {
		var err error
		if c, err = connect(ctx, l.read); err != nil {
			return err
		}
	}
	err := c.command(ctx, "BEGIN")
	if err == nil {
		err = f(query{ctx, c})
		// Whatever became of ctx, the connection is free again or given up.
		if c.command(context.WithoutCancel(ctx), "ROLLBACK") == nil {
			return err
		}
	}
	c.drop() // the first error says more
	c = nil
	return err
}
