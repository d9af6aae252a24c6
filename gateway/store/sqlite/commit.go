package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
)

// maxBatch is how many closures may share one commit. It bounds how long a
// closure waits for those before it.
const maxBatch = 64

// Errors of the writer.
var (
	// ErrClosed means that the ledger was closed.
	ErrClosed = errors.New("sqlite: ledger is closed")
	errExited = errors.New("sqlite: the closure ended its goroutine")
	errEnded  = errors.New("sqlite: the transaction ended before all its closures had run")
	errDrop   = driver.ErrBadConn // makes database/sql discard a connection
)

// writer is the one goroutine that changes the ledger. It runs waiting
// closures as a batch in one transaction and answers them all after the
// commit: one sync for many. While a commit is under way the next batch gathers
// by itself, so nobody waits for company.
//
// A batch is run plainly first. Only when a closure fails after it changed
// something is it undone and run again with each closure in a savepoint, which
// keeps a copy of every page that it touches: a third of the work for what
// hardly ever happens.
type writer struct {
	db    *sql.DB
	conn  *conn // nil after trouble; made anew by the next batch
	queue chan *request
	quit  chan struct{} // closed: no more batches
	gone  chan struct{} // closed: the goroutine has ended
}

// request is a closure waiting for its turn.
type request struct {
	f     func(*tx) error
	taken atomic.Bool // by the writer, or by a caller that gave up
	err   error       // valid once done is closed
	done  chan struct{}
}

func newWriter(db *sql.DB, c *conn) *writer {
	w := &writer{db: db, conn: c, queue: make(chan *request), quit: make(chan struct{}), gone: make(chan struct{})}
	go w.loop()
	return w
}

// do runs f in a transaction and waits for the commit. A closure that has not
// begun when ctx ends is dropped; one that has is waited for, since what it
// did may be committed.
func (w *writer) do(ctx context.Context, f func(*tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request{f: f, done: make(chan struct{})}
	select {
	case <-w.quit: // a closed ledger takes no request, whatever select likes
		return ErrClosed
	default:
	}
	select {
	case w.queue <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.quit:
		return ErrClosed
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		if r.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		<-r.done
	}
	return r.err
}

// close ends the goroutine after its present batch.
func (w *writer) close() error {
	close(w.quit)
	<-w.gone
	if w.conn == nil {
		return nil
	}
	return w.conn.drop()
}

// loop runs batches until the writer is closed. Should a closure end the
// goroutine (testing.T.FailNow does), its batch fails and another loop goes on.
func (w *writer) loop() {
	var batch []*request
	ended := false
	defer func() {
		if ended {
			close(w.gone)
			return
		}
		w.reset()
		answer(batch, errExited)
		go w.loop()
	}()
	for {
		select {
		case r := <-w.queue:
			batch = w.gather(r)
			answer(batch, w.run(batch))
		case <-w.quit:
			ended = true
			return
		}
	}
}

// gather returns first and the requests that wait behind it.
func (w *writer) gather(first *request) []*request {
	batch := []*request{first}
	runtime.Gosched() // those just answered may have their next request ready
	for len(batch) < maxBatch {
		select {
		case r := <-w.queue:
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

// answer ends all requests. An error of the batch is everybody's: even a
// closure that failed by itself may have failed on what is now undone.
func answer(batch []*request, err error) {
	for _, r := range batch {
		if err != nil {
			r.err = err
		}
		close(r.done)
	}
}

// run runs a batch in one transaction. An error means that nothing of it is
// kept; else each request has its own result.
func (w *writer) run(batch []*request) error {
	var live []*request
	for _, r := range batch {
		if r.taken.CompareAndSwap(false, true) { // else its caller gave up
			live = append(live, r)
		}
	}
	done, err := w.transaction(live, w.plain)
	if err == nil && !done && len(live) > 1 {
		_, err = w.transaction(live, w.one)
	}
	return err
}

// transaction runs a batch, each request by do. It reports false when do says
// that the batch has to be run in another way: it is undone then.
func (w *writer) transaction(batch []*request, do func(context.Context, *request) (bool, error)) (bool, error) {
	ctx := context.Background() // a batch belongs to no single caller
	if err := w.begin(ctx); err != nil {
		w.reset()
		return false, err
	}
	kept, fine := false, true
	for _, r := range batch {
		ok, err := do(ctx, r)
		if err != nil {
			w.reset()
			return false, err
		}
		kept = kept || r.err == nil
		if fine = ok; !fine {
			break
		}
		if w.conn.ended {
			w.reset()
			return false, errEnded
		}
	}
	if !kept || !fine {
		if err := w.conn.command(ctx, "ROLLBACK"); err != nil {
			w.reset() // SQLite has ended the transaction itself, as on a full disk
		}
		return fine, nil
	}
	if err := w.conn.command(ctx, "COMMIT"); err != nil {
		w.reset()
		return false, fmt.Errorf("commit: %w", err)
	}
	return true, nil
}

// begin opens the transaction, on a new connection if need be.
func (w *writer) begin(ctx context.Context) error {
	if w.conn == nil {
		c, err := connect(ctx, w.db)
		if err != nil {
			return err
		}
		w.conn = c
	}
	w.conn.ended = false
	return w.conn.command(ctx, "BEGIN IMMEDIATE")
}

// plain runs one closure. It reports false when the closure failed and left
// changes, or when SQLite failed, so that the transaction may not go on.
func (w *writer) plain(ctx context.Context, r *request) (bool, error) {
	t := &tx{ctx: ctx, conn: w.conn}
	r.err = t.end(call(r.f, t))
	return r.err == nil || t.writes == 0 && t.err == nil, nil
}

// one runs one closure in a savepoint and keeps its result in r.err. The error
// means that the whole transaction is lost: SQLite ends it by itself when, for
// example, the disk is full, and then the savepoint is gone too.
func (w *writer) one(ctx context.Context, r *request) (bool, error) {
	if err := w.conn.command(ctx, "SAVEPOINT closure"); err != nil {
		return false, err
	}
	t := &tx{ctx: ctx, conn: w.conn}
	r.err = t.end(call(r.f, t))
	if r.err != nil {
		if err := w.conn.command(ctx, "ROLLBACK TO closure"); err != nil {
			return false, errors.Join(r.err, err)
		}
	}
	return true, w.conn.command(ctx, "RELEASE closure")
}

// call runs f; a panic becomes an error.
func call(f func(*tx) error, t *tx) error {
	var err error
	func() {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("sqlite: the closure panicked: %v\n%s", p, debug.Stack())
			}
		}()
		err = f(t)
	}()
	return err
}

// reset gives up a connection that may be in any state.
func (w *writer) reset() {
	if w.conn != nil {
		w.conn.drop() // whatever it says, the connection is not used again
		w.conn = nil
	}
}
