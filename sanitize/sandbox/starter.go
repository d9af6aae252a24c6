package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// starter starts workers through the starter process (nursery.go), from one
// thread that lives as long as any worker does. The kernel sends the death
// signal of a worker and of the starter process when the thread that is their
// parent ends, not the process (prctl(2), PR_SET_PDEATHSIG), and Go's threads
// may end with a goroutine that was locked to them.
type starter struct {
	exe   string
	shape shape
	dirs  []string // that its workers may read while they load
	asks  chan ask
	done  chan struct{}
	ended chan struct{}
	once  sync.Once
}

// ask is one worker to start.
type ask struct {
	orders orders
	procs  int
	files  [3]*os.File // its standard input, output and error
	reply  chan started
}

// started is the answer.
type started struct {
	proc *os.Process
	err  error
}

// newStarter starts a starter process of this shape and runs the thread that
// talks to it. Call stop once no worker is left.
func newStarter(exe string, s shape, dirs []string) (*starter, error) {
	st := &starter{exe: exe, shape: s, dirs: dirs, asks: make(chan ask), done: make(chan struct{}), ended: make(chan struct{})}
	first := make(chan error, 1)
	go st.run(first)
	if err := <-first; err != nil {
		<-st.ended
		return nil, err
	}
	return st, nil
}

// run owns the nursery, one after the other should one die.
func (s *starter) run(first chan<- error) {
	defer close(s.ended)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread() // the thread goes back and does not end
	n, err := openNursery(s.exe, s.shape, s.dirs)
	first <- err
	if err != nil {
		return
	}
	for {
		select {
		case <-s.done:
			n.close()
			return
		case a := <-s.asks:
			if n == nil {
				if n, err = openNursery(s.exe, s.shape, s.dirs); err != nil {
					n = nil
					a.reply <- started{nil, err}
					continue
				}
			}
			pid, err := n.start(a)
			if err != nil {
				n.close() // whatever it is, the next one starts clean
				n = nil
				a.reply <- started{nil, err}
				continue
			}
			// The worker is a child of this process and nobody else reaps
			// it, so its process id is certainly still its own.
			proc, err := os.FindProcess(pid)
			a.reply <- started{proc, err}
		}
	}
}

// start starts one worker. If ctx ends first, nothing was started.
func (s *starter) start(ctx context.Context, a ask) (*os.Process, error) {
	a.reply = make(chan started, 1)
	select {
	case s.asks <- a:
	case <-s.done:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	// Starting takes a bounded time: the kernel's clone and exec, or
	// nurseryPatience.
	got := <-a.reply
	return got.proc, got.err
}

// stop ends the thread's service and the starter process. It may be called
// more than once.
func (s *starter) stop() {
	s.once.Do(func() { close(s.done) })
	<-s.ended
}

// nursery is a starter process, seen from the parent.
type nursery struct {
	proc *os.Process
	sock int
}

// nurseryPatience bounds one answer of a starter process, in seconds.
const nurseryPatience = 10

// openNursery starts a starter process and waits until its walls stand.
func openNursery(exe string, s shape, dirs []string) (*nursery, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make the starter's socket: %w", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "starter")
	if err := unix.SetsockoptTimeval(pair[0], unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: nurseryPatience}); err != nil {
		return nil, errors.Join(fmt.Errorf("bound the starter's answers: %w", err), unix.Close(pair[0]), theirs.Close())
	}
	if len(dirs) == 0 {
		slacken(timerSlack)
		defer slacken(0) // this thread's own again
	}
	proc, err := os.StartProcess(exe, s.args(dirs), &os.ProcAttr{
		Dir: "/", Env: []string{"GOMAXPROCS=1", "GODEBUG=" + quietRuntime}, Files: []*os.File{theirs, nil, os.Stderr}, Sys: s.attr(os.Getegid()),
	})
	_ = theirs.Close() // from here on, its end is the starter's
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the starter: %w", err), unix.Close(pair[0]))
	}
	n := &nursery{proc, pair[0]}
	if err := n.greet(); err != nil {
		n.close()
		return nil, err
	}
	return n, nil
}

// slacken lets the sleeps of this thread, and of the processes that it starts
// from now on, end so much late (PR_SET_TIMERSLACK(2const)); 0 is the kernel's
// own. The Go runtime's watching thread wakes each 20 µs in a process that has
// just begun to work, which is all of a light worker's life; when nothing
// happens it sleeps 10 ms by itself. Workers of an engine live longer, with
// several goroutines that wait for that thread, and keep the kernel's own. It
// is a matter of speed: a kernel that refuses is as good.
func slacken(late time.Duration) {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(late), 0, 0, 0)
}

// timerSlack is how late the sleep of a light worker's thread may end.
const timerSlack = 10 * time.Millisecond

// greet hears that the walls stand, and what raised them.
func (n *nursery) greet() error {
	packet, err := n.receive()
	if err != nil {
		return err
	}
	theirs, err := readHello(packet)
	if err == nil && theirs != build() {
		return fmt.Errorf("%w: %q, and this is %q", errOtherBuild, theirs, build())
	}
	return err
}

// errOtherBuild: the program for workers and this one may not understand each
// other, and what is sealed names the build.
var errOtherBuild = errors.New("the workers' program is another build")

// build names what this program was built from.
func build() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	name := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" || s.Key == "vcs.modified" {
			name += " " + s.Value
		}
	}
	return name
}

// start has one worker started and returns its process id.
func (n *nursery) start(a ask) (int, error) {
	var fds [3]int
	for i, f := range a.files {
		fds[i] = int(f.Fd()) // and makes it blocking: the worker's end is not polled
	}
	request := pack(a.orders.args(), a.orders.environ(a.procs))
	err := patient(func() error { return unix.Sendmsg(n.sock, request, unix.UnixRights(fds[:]...), nil, unix.MSG_NOSIGNAL) })
	runtime.KeepAlive(a.files)
	if err != nil {
		return 0, fmt.Errorf("ask the starter: %w", err)
	}
	packet, err := n.receive()
	if err != nil {
		return 0, err
	}
	return readPID(packet)
}

// receive reads one answer.
func (n *nursery) receive() ([]byte, error) {
	buf := make([]byte, maxReady)
	var size int
	err := patient(func() (err error) {
		size, err = unix.Read(n.sock, buf)
		return err
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("hear from the starter: %w", err)
	case size == 0:
		return nil, errors.New("the starter has ended")
	}
	return buf[:size], nil
}

// close ends the starter process. Workers that it started live on.
func (n *nursery) close() {
	if n == nil {
		return
	}
	_ = unix.Close(n.sock) // nothing is lost with it
	_ = n.proc.Signal(syscall.SIGKILL)
	_, _ = n.proc.Wait()
}
