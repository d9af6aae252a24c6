package sandbox

import (
	"context"
	"os"
	"runtime"
	"sync"
)

// starter starts processes from one thread that lives as long as any worker
// does. The kernel sends a worker's death signal when the thread that started
// it ends, not the process (prctl(2), PR_SET_PDEATHSIG), and Go's threads may
// end with a goroutine that was locked to them.
type starter struct {
	asks chan ask
	done chan struct{}
	once sync.Once
}

// ask is one process to start.
type ask struct {
	exe   string
	args  []string
	attr  *os.ProcAttr
	reply chan started
}

// started is the answer.
type started struct {
	proc *os.Process
	err  error
}

// newStarter runs the starting thread. Call stop once no worker is left.
func newStarter() *starter {
	s := &starter{asks: make(chan ask), done: make(chan struct{})}
	go s.run()
	return s
}

func (s *starter) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread() // the thread goes back and does not end
	for {
		select {
		case <-s.done:
			return
		case a := <-s.asks:
			proc, err := os.StartProcess(a.exe, a.args, a.attr)
			a.reply <- started{proc, err}
		}
	}
}

// start starts one process. If ctx ends first, nothing was started.
func (s *starter) start(ctx context.Context, exe string, args []string, attr *os.ProcAttr) (*os.Process, error) {
	a := ask{exe: exe, args: args, attr: attr, reply: make(chan started, 1)}
	select {
	case s.asks <- a:
	case <-s.done:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	// Starting takes a bounded time: the kernel's clone and exec.
	got := <-a.reply
	return got.proc, got.err
}

// stop ends the thread's service. It may be called more than once.
func (s *starter) stop() { s.once.Do(func() { close(s.done) }) }
