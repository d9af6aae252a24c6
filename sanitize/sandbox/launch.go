package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
)

// start starts a worker and waits until it is ready behind the pool's walls.
// One of a class with an engine waits for what the engine needs first.
func (p *Pool) start(ctx context.Context, class string) (*Worker, error) {
	if err := p.await(ctx, class); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.cfg.ReadyTimeout, errors.New("the worker is not ready in time"))
	defer cancel()
	limits := p.cfg.Classes[class].Limits
	if class == probeClass {
		limits = probeLimits()
	}
	w, err := p.spawn(ctx, class, limits)
	if err != nil {
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	if err := p.greet(ctx, w); err != nil {
		_ = w.Close() // the first error says more
		return nil, err
	}
	return w, nil
}

// greet reads the handshake and compares the walls.
func (p *Pool) greet(ctx context.Context, w *Worker) error {
	stop := context.AfterFunc(ctx, func() { w.kill(Time) })
	defer stop()
	msg, err := readReady(w.out)
	if err != nil {
		return p.stillborn(ctx, w, err)
	}
	if msg.Fault != "" && !msg.Weak {
		return fmt.Errorf("the worker refused: %s", msg.Fault)
	}
	// The parent judges for itself, whatever the worker makes of its walls.
	if err := msg.Walls.enough(p.cfg.AllowWeak && !msg.Weak); err != nil {
		return err
	}
	w.walls = msg.Walls
	if p.walls != (Walls{}) && msg.Walls != p.walls {
		return fmt.Errorf("the worker's walls are not those of the first one: missing %v", msg.Walls.Missing())
	}
	return nil
}

// stillborn explains a worker that died before it was ready. It has seen
// nothing of any message, so its own words may be quoted.
func (p *Pool) stillborn(ctx context.Context, w *Worker, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := w.failure(err); err != nil && w.Exit() != Running {
		return fmt.Errorf("before it was ready: %w: %q", err, w.heard.head)
	}
	return err
}

// pipes are the three descriptors of a worker, each with both its ends.
type pipes struct {
	inR, inW, outR, outW, errR, errW *os.File
}

func newPipes() (pipes, error) {
	var p pipes
	var errIn, errOut, errErr error
	p.inR, p.inW, errIn = os.Pipe()
	p.outR, p.outW, errOut = os.Pipe()
	p.errR, p.errW, errErr = os.Pipe()
	if err := errors.Join(errIn, errOut, errErr); err != nil {
		closeAll(p.inR, p.inW, p.outR, p.outW, p.errR, p.errW)
		return pipes{}, fmt.Errorf("make pipes: %w", err)
	}
	return p, nil
}

// closeAll closes what was opened. Closing a pipe end loses nothing.
func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}

// spawn makes the process and its reaper.
func (p *Pool) spawn(ctx context.Context, class string, l Limits) (*Worker, error) {
	starts, err := p.starterOf(class)
	if err != nil {
		return nil, err
	}
	fds, err := newPipes()
	if err != nil {
		return nil, err
	}
	o := orders{class: class, memory: l.Memory, cpu: l.CPU, files: max(minFiles, l.Files), spaces: p.shape.spaces, allowWeak: p.cfg.AllowWeak}
	proc, err := starts.start(ctx, ask{orders: o, procs: min(p.cfg.Classes[class].Procs, runtime.NumCPU()), files: [3]*os.File{fds.inR, fds.outW, fds.errW}})
	closeAll(fds.inR, fds.outW, fds.errW)
	if err != nil {
		closeAll(fds.inW, fds.outR, fds.errR)
		return nil, err
	}
	w := &Worker{
		class: class, limits: l, proc: proc, in: fds.inW, out: fds.outR, errs: fds.errR,
		done: make(chan struct{}), gone: p.left,
	}
	w.left.Store(l.Output)
	p.mu.Lock()
	p.live[w] = starting
	p.counts.Started++
	closed := p.ctx.Err() != nil
	p.mu.Unlock()
	go w.reap()
	if closed {
		_ = w.Close()
		return nil, ErrClosed
	}
	return w, nil
}

// statPath is where the kernel tells what the worker takes.
func (w *Worker) statPath() string {
	return "/proc/" + strconv.Itoa(w.proc.Pid) + "/stat"
}
