package api

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rates of one address without a session, and of one principal. Changes are
// dearer than reads.
const (
	openRate, openBurst   = 5, 40
	readRate, readBurst   = 20, 100
	writeRate, writeBurst = 5, 40
	maxLimited            = 10_000 // addresses and principals that are known at once
	forgetLimited         = 10 * time.Minute
)

// limits holds a bucket for each key. It is bounded: when it is full, keys
// that were quiet are forgotten, and if none was, new ones have to wait.
type limits struct {
	clock func() time.Time
	mu    sync.Mutex
	keys  map[string]*bucket
}

type bucket struct {
	l    *rate.Limiter
	seen time.Time
}

func newLimits(clock func() time.Time) *limits {
	return &limits{clock: clock, keys: map[string]*bucket{}}
}

// take returns how long key has to wait; 0 when it need not.
func (l *limits) take(key string, each rate.Limit, burst int) time.Duration {
	now := l.clock()
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.keys[key]
	if b == nil {
		if len(l.keys) >= maxLimited && !l.forget(now) {
			return time.Second
		}
		b = &bucket{l: rate.NewLimiter(each, burst)}
		l.keys[key] = b
	}
	b.seen = now
	r := b.l.ReserveN(now, 1)
	if d := r.DelayFrom(now); d > 0 {
		r.CancelAt(now)
		return d
	}
	return 0
}

func (l *limits) forget(now time.Time) bool {
	for k, b := range l.keys {
		if now.Sub(b.seen) >= forgetLimited {
			delete(l.keys, k)
		}
	}
	return len(l.keys) < maxLimited
}
