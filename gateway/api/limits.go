package api

import (
	"container/list"
	"net/netip"
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
	maxLimited            = 10_000 // addresses, and as many principals, that are known at once
)

// limits holds a bucket for each key. It is bounded: when it is full, the key that
// was quiet for longest is forgotten. A full bucket lost costs a burst; refusing
// new keys would let whoever has many addresses shut everybody out.
type limits struct {
	clock func() time.Time
	most  int
	mu    sync.Mutex
	keys  map[string]*list.Element
	order *list.List // of *bucket, the quietest last
}

type bucket struct {
	key string
	l   *rate.Limiter
}

func newLimits(clock func() time.Time, most int) *limits {
	return &limits{clock: clock, most: most, keys: map[string]*list.Element{}, order: list.New()}
}

// take returns how long key has to wait; 0 when it need not.
func (l *limits) take(key string, each rate.Limit, burst int) time.Duration {
	now := l.clock()
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.keys[key]
	if at == nil {
		if last := l.order.Back(); last != nil && len(l.keys) >= l.most {
			delete(l.keys, l.order.Remove(last).(*bucket).key)
		}
		at = l.order.PushFront(&bucket{key, rate.NewLimiter(each, burst)})
		l.keys[key] = at
	}
	l.order.MoveToFront(at)
	r := at.Value.(*bucket).l.ReserveN(now, 1)
	if d := r.DelayFrom(now); d > 0 {
		r.CancelAt(now)
		return d
	}
	return 0
}

// network is what counts as one address: an IPv4 address, or the /64 that an IPv6
// host chooses its addresses from.
func network(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return ip
	}
	return p.String()
}
