package sanitize

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"runtime/debug"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/memfile"
	"sekisho/sanitize/sandbox"
)

// maxDeaths is how many workers one message may kill before the rest of its
// parts are held untried (DECISIONS 29).
const maxDeaths = 3

func newHash() hash.Hash { return sha256.New() }

// guarded turns a panic on the trusted side into an error, so that a fault of
// our own holds one file and does not end the gateway with the mail of others
// in hand.
func (e *Engine) guarded(f func() error) error {
	var err error
	func() {
		defer func() {
			if p := recover(); p != nil {
				e.log.Error("panic", "panic", p, "stack", string(debug.Stack()))
				err = errors.New("panic")
			}
		}()
		err = f()
	}()
	return err
}

// session is the work on one message: its workers and how many have died.
type session struct {
	engine *Engine
	in     Input
	boxes  map[format.Class]*box
	deaths int
	end    time.Time  // of the message's time, zero for none: a part's share must not end a worker that others use
	found  []ir.Sheet // pages that the lint saw last
	turned map[string]*turned
	broken error // no worker could be had, or the work was stopped: not the message's fault
}

// box is a worker and its buffers.
type box struct {
	worker *sandbox.Worker
	r      *bufio.Reader
	w      *bufio.Writer
}

func newBox(w *sandbox.Worker) *box {
	return &box{w, bufio.NewReaderSize(w, 64<<10), bufio.NewWriterSize(w, 64<<10)}
}

func (s *session) close() {
	for _, b := range s.boxes {
		b.worker.Close()
	}
	s.boxes = nil
}

// box returns the message's worker of a class. The light and the lint worker
// live as long as the message; every heavy part gets a fresh one.
func (s *session) box(ctx context.Context, class format.Class) (*box, error) {
	if b := s.boxes[class]; b != nil {
		return b, nil
	}
	if s.deaths >= maxDeaths {
		return nil, format.Hold(format.CrashLoop, "too many workers died on this message")
	}
	w, err := s.engine.boxes.Get(ctx, string(class))
	if err != nil && hasEngine(class) && s.stopped(ctx) == nil {
		w, err = s.engine.boxes.Get(ctx, string(class)) // an engine may start too slowly on a busy machine
	}
	if err != nil {
		if stop := s.stopped(ctx); stop != nil {
			return nil, stop
		}
		if !errors.Is(err, sandbox.ErrClosed) && hasEngine(class) {
			// An engine that does not start must not keep the mail from arriving.
			s.engine.log.Error("no worker of a class with an engine", "class", class, "error", err)
			return nil, format.Hold(format.Internal, "no worker of class "+string(class))
		}
		s.broken = fmt.Errorf("%w: %w", ErrNoWorker, err)
		return nil, s.broken
	}
	b := newBox(w)
	s.boxes[class] = b
	return b, nil
}

// hasEngine reports whether workers of a class load an engine, without which
// all other files can still be sanitized.
func hasEngine(class format.Class) bool {
	return class != format.ClassLight && class != format.ClassImage && class != format.ClassLint
}

// stopped says why the work may not go on, nil while it may. When the message
// has used up its time it is held. When the caller called the work off (a
// shutdown, a lost lease), that is no word about the message: Sanitize then
// gives no Node, and the message is tried again.
func (s *session) stopped(ctx context.Context) error {
	switch err := ctx.Err(); {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return format.Hold(format.LimitTime, "no time left")
	}
	s.broken = fmt.Errorf("sanitize: called off: %w", context.Cause(ctx))
	return s.broken
}

// takeRoom waits for the one place that builders of large files share, since
// such a builder holds the file's values in memory. The caller gives it back.
func (s *session) takeRoom(ctx context.Context, values int64) (giveBack func(), err error) {
	if values <= largeBuild {
		return func() {}, nil
	}
	select {
	case s.engine.room <- struct{}{}:
		return func() { <-s.engine.room }, nil
	case <-ctx.Done():
		return func() {}, s.stopped(ctx)
	}
}

// largeBuild is the size in bytes of the values above which files are built
// one at a time.
const largeBuild = 16 << 20

// drop ends the worker of a class.
func (s *session) drop(class format.Class) {
	if b := s.boxes[class]; b != nil {
		b.worker.Close()
		delete(s.boxes, class)
	}
}

// ask sends a request with a file to the worker of a class and hands each
// answered value to take, up to limit bytes of frames. It returns nil after
// End, an *format.Error for a Fail, a limit or a death. When ctx is cancelled
// it ends the worker and returns what stopped says.
func (s *session) ask(ctx context.Context, class format.Class, req ir.Request, data *memfile.File, limit int64, take func(ir.Value) error) error {
	if err := s.stopped(ctx); err != nil {
		return err
	}
	b, err := s.box(ctx, class)
	if err != nil {
		return err
	}
	a, err := s.put(ctx, class, b, req, data, limit)
	if err != nil {
		return err
	}
	defer a.unwatch()
	for {
		v, err := a.next(ctx)
		if err != nil || v == nil {
			s.outlast(class, b)
			return err
		}
		if err := take(v); err != nil {
			s.drop(class) // the rest of the answer would be read as the next one
			return err
		}
	}
}

// outlast gives a worker that has answered the message's time again: the share
// of one part must not end what the next one uses.
func (s *session) outlast(class format.Class, b *box) {
	if s.boxes[class] == b && !s.end.IsZero() && b.worker.SetDeadline(s.end) != nil {
		s.drop(class) // it has answered; that it is gone now is no fault of the next file
	}
}

// reply is what a worker says to one request, value by value.
type reply struct {
	s       *session
	class   format.Class
	b       *box
	r       *ir.Reader
	unwatch func() bool // the caller calls it when it is done
}

// put sends a request with a file to a worker.
func (s *session) put(ctx context.Context, class format.Class, b *box, req ir.Request, data *memfile.File, limit int64) (*reply, error) {
	unwatch := context.AfterFunc(ctx, func() { // the deadline is the worker's own: it tells of it as its end
		if errors.Is(ctx.Err(), context.Canceled) {
			b.worker.Close()
		}
	})
	err := error(nil)
	if d, ok := ctx.Deadline(); ok {
		req.DeadlineUnixMilli = d.UnixMilli()
		err = b.worker.SetDeadline(d)
	}
	req.Size = data.Size()
	if err == nil {
		err = b.send(req, data.Reader())
	}
	if err != nil {
		unwatch()
		return nil, s.died(ctx, class, b, err)
	}
	return &reply{s, class, b, ir.NewReader(b.r, limit), unwatch}, nil
}

// next reads the next value, nil at the end of the answer.
func (a *reply) next(ctx context.Context) (ir.Value, error) {
	v, err := a.r.Next()
	if errors.Is(err, ir.ErrTooMuch) {
		_ = a.s.died(ctx, a.class, a.b, err)
		return nil, format.Hold(format.LimitExpanded, "the worker's answer is too long")
	}
	if err != nil {
		return nil, a.s.died(ctx, a.class, a.b, err)
	}
	switch v := v.(type) {
	case ir.End:
		return nil, nil
	case ir.Fail:
		return nil, format.Failed(v)
	}
	return v, nil
}

func (b *box) send(req ir.Request, data io.Reader) error {
	w := ir.NewWriter(b.w)
	if err := w.Write(req); err != nil {
		return err
	}
	if _, err := io.Copy(w.ChildData(), data); err != nil {
		return err
	}
	if err := w.Write(ir.End{}); err != nil {
		return err
	}
	return b.w.Flush()
}

// died ends a worker that broke off or broke the grammar, and says why.
func (s *session) died(ctx context.Context, class format.Class, b *box, err error) error {
	if s.boxes[class] == b {
		delete(s.boxes, class)
	}
	b.worker.Close()
	if errors.Is(ctx.Err(), context.Canceled) {
		return s.stopped(ctx) // we have ended it
	}
	s.deaths++
	cause := b.worker.Exit()
	if cause == sandbox.Closed && errors.Is(err, ir.ErrFrame) {
		return format.Hold(format.WorkerCrash, "the worker's answer broke the grammar")
	}
	return format.Hold(reasonOf(cause), "worker ended: "+cause.String())
}

func reasonOf(c sandbox.Cause) format.Reason {
	switch c {
	case sandbox.Time:
		return format.LimitTime
	case sandbox.Memory:
		return format.LimitMemory
	case sandbox.Output:
		return format.LimitExpanded
	default:
		return format.WorkerCrash
	}
}
