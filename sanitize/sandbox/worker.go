package sandbox

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// grace is how long the parent waits for the kernel to finish what it was
// told (a kill, a reap) before it goes on without.
const grace = 5 * time.Second

// Worker is one boxed process, handed out for one message. One goroutine may
// Read while another one Writes; they should, because a worker that waits to
// be read does not read. All that is read is hostile. Callers MUST Close.
type Worker struct {
	class  string
	limits Limits
	walls  Walls
	proc   *os.Process
	in     *os.File // the worker's standard input
	out    *os.File // its standard output
	errs   *os.File // its standard error, read by reap
	left   atomic.Int64
	done   chan struct{} // closed once the worker is reaped
	gone   func(*Worker) // called once, before done is closed

	mu    sync.Mutex
	ours  Cause // why the parent killed it
	dead  bool  // the process id may not be used any more
	end   *Error
	wall  time.Time // the wall clock limit, zero before the worker is handed out
	last  time.Time // when it is killed: that limit or the caller's deadline
	timer *time.Timer
	base  time.Duration // CPU time that its engine took to load
	heard murmur        // owned by the reaper until done is closed
}

// Write sends bytes to the worker. It returns an *Error once the worker ended.
func (w *Worker) Write(p []byte) (int, error) {
	n, err := w.in.Write(p)
	if err != nil {
		return n, w.failure(err)
	}
	return n, nil
}

// CloseWrite ends the worker's input. A worker that is done with its work
// then ends by itself, and Read returns io.EOF.
func (w *Worker) CloseWrite() error {
	return w.in.Close()
}

// Read returns the worker's answer: hostile bytes, at most Limits.Output of
// them in the worker's life. At the end it returns io.EOF if the worker ended
// with OK and an *Error in every other case, so a cut answer never looks whole.
func (w *Worker) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	left := w.left.Load()
	n, err := w.out.Read(p[:min(int64(len(p)), left+1)])
	if int64(n) > left {
		w.left.Store(0)
		w.kill(Output)
		return int(left), w.failure(io.ErrShortBuffer)
	}
	w.left.Store(left - int64(n))
	if err != nil {
		return n, w.failure(err)
	}
	return n, nil
}

// failure waits until the worker is gone and says why.
func (w *Worker) failure(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		w.kill(Time) // the worker outlived even its kill
	case errors.Is(err, os.ErrClosed) && !w.killed():
		return err // a Write after CloseWrite says nothing about the worker
	}
	patience := time.NewTimer(w.patience())
	defer patience.Stop()
	select {
	case <-w.done:
	case <-patience.C:
		w.kill(Time)
		return &Error{Class: w.class, Cause: Time, Code: -1}
	}
	if w.end.Cause == OK {
		return io.EOF
	}
	return w.end
}

// killed reports whether the parent has ended the worker, or seen its end.
func (w *Worker) killed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dead || w.ours != Running
}

// patience is the time until the wall clock limit has certainly worked.
func (w *Worker) patience() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ours != Running || w.last.IsZero() {
		return grace
	}
	return time.Until(w.last) + grace
}

// SetDeadline moves the moment at which the worker is killed with cause Time.
// It can only come before the class's wall clock limit, never after; setting
// it again for a later request may move it back up to that limit. If the
// worker has ended, it returns what Read returns at the end.
func (w *Worker) SetDeadline(t time.Time) error {
	if w.schedule(t) {
		return nil
	}
	return w.failure(os.ErrProcessDone)
}

// schedule reports false if there is nothing left to kill.
func (w *Worker) schedule(t time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead || w.ours != Running {
		return false
	}
	if t.After(w.wall) {
		t = w.wall
	}
	w.last = t
	w.timer.Reset(time.Until(t))
	w.guard()
	return true
}

// guard makes reads and writes give up soon after the worker should be dead,
// should the kernel not manage to kill it. The caller holds mu.
func (w *Worker) guard() {
	_ = w.in.SetWriteDeadline(w.last.Add(grace)) // fails only once closed
	_ = w.out.SetReadDeadline(w.last.Add(grace))
}

// begin starts the clock of a worker that is being handed out. It reports
// false if the worker has died while it was waiting. What an engine took to
// load does not count as its work; for other workers that is some ms, not
// worth a look into /proc for each mail.
func (w *Worker) begin(now time.Time, engine bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead || w.ours != Running {
		return false
	}
	if engine {
		if u, err := readUsage(w.statPath()); err == nil {
			w.base = u.cpu
		}
	}
	w.wall = now.Add(w.limits.Wall)
	w.last = w.wall
	w.timer = time.AfterFunc(w.limits.Wall, func() { w.kill(Time) })
	w.guard()
	return true
}

// kill ends the whole process group, once. The first cause given counts.
func (w *Worker) kill(why Cause) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return
	}
	if w.ours == Running {
		w.ours = why
	}
	// The worker leads a session and a group of its own; its process id is
	// certainly still its own because reap marks it dead before it waits.
	_ = syscall.Kill(-w.proc.Pid, syscall.SIGKILL)
	_ = w.proc.Kill()
	_ = w.errs.SetReadDeadline(time.Now().Add(grace)) // reap ends even if a stray child holds the pipe
}

// Exit says how the worker ended; Running if it has not yet. It never blocks.
func (w *Worker) Exit() Cause {
	select {
	case <-w.done:
		return w.end.Cause
	default:
		return Running
	}
}

// Close kills the worker if it still runs and waits until it is reaped. Reads
// and writes that are under way return. Close may be called more than once.
func (w *Worker) Close() error {
	w.kill(Closed)
	errIn, errOut := w.in.Close(), w.out.Close()
	patience := time.NewTimer(grace)
	defer patience.Stop()
	select {
	case <-w.done:
	case <-patience.C:
		return errors.New("close worker: the kernel has not ended it yet")
	}
	for _, err := range []error{errIn, errOut} {
		if err != nil && !errors.Is(err, os.ErrClosed) {
			return err
		}
	}
	return nil
}

// reap drains standard error until the worker is gone, waits for it and
// judges its end. It is the worker's one goroutine in the parent.
func (w *Worker) reap() {
	buf := make([]byte, 4<<10)
	for {
		n, err := w.errs.Read(buf)
		if n > 0 && w.heard.add(buf[:n]) {
			w.kill(Output)
		}
		if err != nil {
			break
		}
	}
	_ = w.errs.Close()
	w.awaitDeath()
	w.mu.Lock()
	w.dead = true
	if w.timer != nil {
		w.timer.Stop()
	}
	w.mu.Unlock()
	state, err := w.proc.Wait()
	w.end = w.verdict(state, err)
	w.gone(w) // before anyone who waits goes on: a closed worker holds no place in its pool
	close(w.done)
}

// awaitDeath waits without reaping, so that the process id stays taken for as
// long as somebody might still send it a signal.
func (w *Worker) awaitDeath() {
	for {
		err := unix.Waitid(unix.P_PID, w.proc.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// verdict turns the state of a dead worker into what callers see.
func (w *Worker) verdict(state *os.ProcessState, err error) *Error {
	if err != nil {
		return &Error{Class: w.class, Cause: Crash, Code: -1}
	}
	w.mu.Lock()
	e := ending{ours: w.ours, code: state.ExitCode(), noRoom: w.heard.noRoom, cpu: state.SystemTime() + state.UserTime() - w.base}
	w.mu.Unlock()
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.signal = status.Signal()
	}
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		e.maxRSS = usage.Maxrss << 10
	}
	return &Error{Class: w.class, Cause: e.judge(w.limits), Code: e.code, Signal: e.signal}
}
