package sandbox

import (
	"slices"
	"time"
)

// shelf holds the idle workers of one class. Its fields but kick are guarded
// by the pool's mutex.
type shelf struct {
	class string
	want  int
	ready []*Worker
	fails int           // starts and idle lives that failed since the last worker was taken
	kick  chan struct{} // wakes the keeper
}

// drop forgets a worker that died on the shelf.
func (s *shelf) drop(w *Worker) {
	s.ready = slices.DeleteFunc(s.ready, func(x *Worker) bool { return x == w })
}

const (
	minPause = 50 * time.Millisecond
	maxPause = 30 * time.Second
)

// pause is how long the keeper waits before the next start: nothing as long
// as all goes well, then doubled for each failure, so that a worker that dies
// at once cannot turn the gateway into a fork bomb.
func pause(fails int) time.Duration {
	if fails <= 0 {
		return 0
	}
	if fails > 10 {
		return maxPause
	}
	return min(maxPause, minPause<<(fails-1))
}

// kick wakes the keeper of a class, if it has one.
func (p *Pool) kick(class string) {
	s := p.shelf[class]
	if s == nil {
		return
	}
	select {
	case s.kick <- struct{}{}:
	default: // it is awake already
	}
}

// pick takes the oldest idle worker of the class off its shelf, or nil.
func (p *Pool) pick(class string) *Worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.shelf[class]
	if s == nil || len(s.ready) == 0 {
		return nil
	}
	w := s.ready[0]
	s.ready = s.ready[1:]
	s.fails = 0
	p.kick(class)
	return w
}

// keep fills the shelf again whenever a worker leaves it, until the pool ends.
func (p *Pool) keep(s *shelf) {
	for p.ctx.Err() == nil {
		p.mu.Lock()
		short, fails := len(s.ready) < s.want, s.fails
		p.mu.Unlock()
		if !short {
			select {
			case <-s.kick:
			case <-p.ctx.Done():
			}
			continue
		}
		if wait := pause(fails); wait > 0 {
			select {
			case <-p.after(wait):
			case <-p.ctx.Done():
				return
			}
		}
		p.fill(s)
	}
}

// fill starts one worker and puts it on the shelf.
func (p *Pool) fill(s *shelf) {
	w, err := p.start(p.ctx, s.class)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		s.fails++
		if p.ctx.Err() == nil {
			p.cfg.Log.Warn("start a worker ahead", "class", s.class, "failures", s.fails, "error", err.Error())
		}
		return
	}
	if _, alive := p.live[w]; !alive {
		s.fails++
		return
	}
	p.live[w] = idle
	s.ready = append(s.ready, w)
}
