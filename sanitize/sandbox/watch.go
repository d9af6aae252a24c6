package sandbox

import (
	"context"
	"sync"
	"time"
)

// watchEvery is how often the busy workers are measured. One look costs some
// microseconds for each of them; none are busy, none are made.
const watchEvery = 20 * time.Millisecond

// watch kills busy workers above their memory, CPU or thread limit. It looks
// from outside, so a captured worker cannot argue with it; the rlimits inside
// are the second line, coarser but without a gap between two looks.
type watch struct {
	mu   sync.Mutex
	busy map[*Worker]struct{}
	wake chan struct{}
}

func newWatch() *watch {
	return &watch{busy: map[*Worker]struct{}{}, wake: make(chan struct{}, 1)}
}

// add starts to measure a worker.
func (v *watch) add(w *Worker) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.busy[w] = struct{}{}
	select {
	case v.wake <- struct{}{}:
	default: // it is awake already
	}
}

// remove forgets a worker, if it was there.
func (v *watch) remove(w *Worker) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.busy, w)
}

// run measures until ctx ends. It rests while nobody is busy.
func (v *watch) run(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-v.wake:
			tick.Reset(watchEvery)
		case <-tick.C:
			if v.look() == 0 {
				tick.Stop()
			}
		}
	}
}

// look measures every busy worker once and says how many there are.
func (v *watch) look() int {
	v.mu.Lock()
	workers := make([]*Worker, 0, len(v.busy))
	for w := range v.busy {
		workers = append(workers, w)
	}
	v.mu.Unlock()
	for _, w := range workers {
		u, err := readUsage(w.statPath())
		if err != nil {
			continue // it has just ended
		}
		if cause := w.limits.broken(u, w.base); cause != Running {
			w.kill(cause)
		}
	}
	return len(workers)
}

// broken says which limit a measurement breaks, Running if none.
func (l Limits) broken(u usage, base time.Duration) Cause {
	switch {
	case u.rss > l.Memory || u.threads > 2*maxThreads:
		return Memory
	case u.cpu-base > l.CPU:
		return Time
	}
	return Running
}
