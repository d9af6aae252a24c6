package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"time"
)

// ErrClosed is returned by Get once the pool is closed.
var ErrClosed = errors.New("the sandbox pool is closed")

// ErrBusy is returned by TryGet while no more workers may be handed out.
var ErrBusy = errors.New("as many workers as may be are out")

// Config of a [Pool]. Only Classes is required.
type Config struct {
	// Classes are the kinds of workers, the same map that Main was given.
	Classes map[string]Class
	// Ahead is how many idle workers of a class are kept started.
	Ahead map[string]int
	// MaxRunning bounds the workers that are handed out at once, over all
	// classes; Get waits beyond it. 0 means the number of processors.
	MaxRunning int
	// AllowWeak accepts a host without seccomp or Landlock. It is an override
	// that the caller MUST have recorded in the audit log; the zero value
	// refuses with ErrWeak.
	AllowWeak bool
	// Log gets state changes: never a word of a worker. nil discards.
	Log *slog.Logger
	// Exe is the program to execute, by default this one. A smaller one that
	// calls Main with the same classes starts faster; it must be of the same
	// build, and nobody but its owner may write to it. Tests built with cgo
	// (the race detector) name a binary built without.
	Exe string
	// EngineExe is the same for classes with an Engine, which a smaller Exe does
	// not hold. By default this program.
	EngineExe string
	// ReadyTimeout bounds Load and lock of a worker; 0 means 10 s.
	ReadyTimeout time.Duration
}

// Pool starts workers, ahead of need where asked, and counts those handed out.
type Pool struct {
	cfg   Config
	shape shape
	walls Walls
	// program is what cfg.Exe was at the start. It is executed by its
	// descriptor: a user who may not enter its directory can, and an upgrade
	// does not change it while the pool lives.
	program *os.File
	after   func(time.Duration) <-chan time.Time
	starts  *starter
	engines map[string]*engineStarter // one for each class with an engine; the map never changes
	watch   *watch
	shelf   map[string]*shelf // one for each class kept ahead; the map never changes
	slots   chan struct{}
	ctx     context.Context // ends at Close
	cancel  context.CancelFunc
	loops   sync.WaitGroup // keepers and the watch

	mu     sync.Mutex
	live   map[*Worker]state
	counts Stats
	ended  *sync.Cond // signalled when a worker leaves live
}

// state is where a living worker is.
type state uint8

const (
	starting state = iota
	idle
	busy
)

// Stats are numbers for metrics. Ended counts workers by how they ended.
type Stats struct {
	Idle, Busy int
	Started    uint64
	Ended      map[Cause]uint64
}

// Deaths returns how many workers did not end well, by cause; each such cause
// is there, if only with 0.
func (s Stats) Deaths() map[string]uint64 {
	n := map[string]uint64{}
	for _, c := range []Cause{Time, Memory, Output, Crash} {
		n[c.String()] = s.Ended[c]
	}
	return n
}

// NewPool checks the limits, starts one worker to learn which walls stand and
// returns a pool that starts workers in that way. It fails with ErrWeak where
// the minimum is missing and AllowWeak is not set. It takes some milliseconds,
// at most ReadyTimeout for each way that it tries. Callers MUST Close it.
func NewPool(cfg Config) (*Pool, error) {
	p, err := newPool(cfg)
	if err != nil {
		return nil, err
	}
	if err := p.learn(p.ctx, shapes(os.Geteuid())); err != nil {
		p.Close()
		return nil, fmt.Errorf("start the sandbox: %w", err)
	}
	p.run()
	return p, nil
}

// newPool makes a pool that can start workers and keeps none yet.
func newPool(cfg Config) (*Pool, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	program, err := os.Open(cfg.Exe)
	if err != nil {
		return nil, fmt.Errorf("open the workers' program: %w", err)
	}
	engines, err := engineStarters(cfg)
	if err != nil {
		return nil, errors.Join(err, program.Close())
	}
	p := &Pool{
		cfg: cfg, program: program, engines: engines, after: time.After, watch: newWatch(), slots: make(chan struct{}, cfg.MaxRunning),
		live: map[*Worker]state{}, shelf: map[string]*shelf{}, counts: Stats{Ended: map[Cause]uint64{}},
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.ended = sync.NewCond(&p.mu)
	for name, n := range cfg.Ahead {
		p.shelf[name] = &shelf{class: name, want: n, kick: make(chan struct{}, 1)}
	}
	return p, nil
}

// check reports the first mistake of the caller.
func (c Config) check() error {
	for name, class := range c.Classes {
		if name == probeClass || name == "" {
			return fmt.Errorf("class name %q is reserved", name)
		}
		if err := errors.Join(class.Limits.check(), class.Engine.check()); err != nil {
			return fmt.Errorf("class %s: %w", name, err)
		}
	}
	for name := range c.Ahead {
		if _, known := c.Classes[name]; !known {
			return fmt.Errorf("class %q to start ahead is not known", name)
		}
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Exe == "" {
		c.Exe = "/proc/self/exe"
	}
	if c.EngineExe == "" {
		c.EngineExe = "/proc/self/exe"
	}
	if c.ReadyTimeout <= 0 {
		c.ReadyTimeout = 10 * time.Second
	}
	if c.MaxRunning <= 0 {
		c.MaxRunning = runtime.NumCPU()
	}
	return c
}

// run starts the watch and one keeper for each class that is kept ahead.
func (p *Pool) run() {
	p.loops.Go(func() { p.watch.run(p.ctx) })
	for _, s := range p.shelf {
		p.loops.Go(func() { p.keep(s) })
	}
}

// learn tries the shapes, keeps the first one in which a worker becomes ready
// and remembers its walls.
func (p *Pool) learn(ctx context.Context, tries []shape) error {
	var errs []error
	for _, s := range tries {
		p.shape = s
		var w *Worker
		st, err := newStarter(pathOf(p.program), s, nil)
		if err == nil {
			p.starts = st
			w, err = p.start(ctx, probeClass)
		}
		if err == nil {
			p.walls = w.walls
			p.cfg.Log.Info("sandbox", "shape", s.String(), "landlock_abi", w.walls.LandlockABI, "missing", w.walls.Missing())
			return w.Close()
		}
		if ctx.Err() != nil {
			return err
		}
		if st != nil {
			st.stop()
		}
		errs = append(errs, fmt.Errorf("%s: %w", s, err))
	}
	return errors.Join(errs...)
}

// Walls are those that the pool's first worker measured. Every later worker
// must have the same or it is not handed out.
func (p *Pool) Walls() Walls { return p.walls }

// Get hands out a fresh worker of the class, started ahead if there is one.
// It waits while MaxRunning workers are out, until ctx ends. The wall clock
// limit runs from the return; the caller MUST Close the worker.
func (p *Pool) Get(ctx context.Context, class string) (*Worker, error) {
	if _, known := p.cfg.Classes[class]; !known {
		return nil, fmt.Errorf("worker class %q is not known", class)
	}
	select {
	case p.slots <- struct{}{}:
	case <-p.ctx.Done():
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a %s worker: %w", class, context.Cause(ctx))
	}
	w, err := p.take(ctx, class)
	if err != nil {
		<-p.slots
		return nil, fmt.Errorf("get a %s worker: %w", class, err)
	}
	return w, nil
}

// TryGet is Get that does not wait for another worker to end: where as many are
// out as may be, it fails with ErrBusy.
func (p *Pool) TryGet(ctx context.Context, class string) (*Worker, error) {
	if _, known := p.cfg.Classes[class]; !known {
		return nil, fmt.Errorf("worker class %q is not known", class)
	}
	if p.ctx.Err() != nil {
		return nil, ErrClosed
	}
	select {
	case p.slots <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	w, err := p.take(ctx, class)
	if err != nil {
		<-p.slots
		return nil, fmt.Errorf("get a %s worker: %w", class, err)
	}
	return w, nil
}

// take finds or starts a worker and begins its time. The caller holds a slot,
// which goes to the worker and comes back when it is reaped.
func (p *Pool) take(ctx context.Context, class string) (*Worker, error) {
	for {
		w := p.pick(class)
		if w == nil {
			break
		}
		if p.hand(w) {
			return w, nil
		}
	}
	w, err := p.start(ctx, class)
	if err != nil {
		return nil, err
	}
	if !p.hand(w) {
		_ = w.Close()
		return nil, w.failure(os.ErrProcessDone)
	}
	return w, nil
}

// hand marks a worker busy and starts its clock, unless it is dead already.
func (p *Pool) hand(w *Worker) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, alive := p.live[w]; !alive || !w.begin(time.Now(), p.cfg.Classes[w.class].Engine != nil) {
		return false
	}
	p.live[w] = busy
	p.watch.add(w)
	return true
}

// left is called once for each worker, after it is reaped.
func (p *Pool) left(w *Worker) {
	p.watch.remove(w)
	p.mu.Lock()
	was := p.live[w]
	delete(p.live, w)
	p.counts.Ended[w.end.Cause]++
	if s := p.shelf[w.class]; s != nil && was == idle {
		s.drop(w)
		s.fails++
	}
	p.ended.Broadcast()
	p.mu.Unlock()
	switch was {
	case busy:
		<-p.slots
	case idle:
		if w.end.Cause != Closed { // closed by us, when the pool is
			p.cfg.Log.Warn("idle worker died", "class", w.class, "cause", w.end.Cause.String())
		}
		p.kick(w.class)
	}
}

// Stats returns a copy of the counters.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Stats{Started: p.counts.Started, Ended: make(map[Cause]uint64, len(p.counts.Ended))}
	for cause, n := range p.counts.Ended {
		s.Ended[cause] = n
	}
	for _, at := range p.live {
		switch at {
		case idle:
			s.Idle++
		case busy:
			s.Busy++
		}
	}
	return s
}

// Close kills every worker, those that are handed out as well, and returns
// when all are reaped, or after 5 s if the kernel cannot end one of them. Get
// then fails with ErrClosed.
func (p *Pool) Close() {
	p.cancel()
	p.loops.Wait()
	late := false
	timer := time.AfterFunc(grace, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		late = true
		p.ended.Broadcast()
	})
	defer timer.Stop()
	p.mu.Lock()
	for w := range p.live {
		w.kill(Closed)
	}
	for len(p.live) > 0 && !late {
		p.ended.Wait()
	}
	if left := len(p.live); left > 0 {
		p.cfg.Log.Error("workers do not end", "count", left)
	}
	p.mu.Unlock()
	if p.starts != nil {
		p.starts.stop()
	}
	for _, e := range p.engines {
		e.stop()
	}
	_ = p.program.Close() // it was only read
}

// Has reports whether the pool has workers of a class.
func (p *Pool) Has(class string) bool {
	_, known := p.cfg.Classes[class]
	return known
}
