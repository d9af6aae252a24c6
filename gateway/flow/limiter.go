package flow

import (
	"sync"
	"time"
)

// A recipient gets at most this many substitute mails an hour (DECISIONS 11);
// later ones wait for the next hour, so that none is lost.
const substitutesAnHour = 20

// limiter spreads substitute mails over hours. The zero limiter is ready.
type limiter struct {
	mu    sync.Mutex
	slots map[string]slot
}

type slot struct {
	hour time.Time
	used int
}

// next returns when a substitute mail may go to a recipient, and takes the
// place.
func (l *limiter) next(recipient string, now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(now)
	hour := now.Truncate(time.Hour)
	s := l.slots[recipient]
	if s.hour.Before(hour) {
		s = slot{hour: hour}
	}
	if s.used >= substitutesAnHour {
		s = slot{hour: s.hour.Add(time.Hour)}
	}
	s.used++
	l.slots[recipient] = s
	if s.hour.After(now) {
		return s.hour
	}
	return now
}

// forget drops what past hours used, once the table has grown.
func (l *limiter) forget(now time.Time) {
	if l.slots == nil {
		l.slots = map[string]slot{}
	}
	if len(l.slots) < 10_000 {
		return
	}
	for r, s := range l.slots {
		if s.hour.Before(now.Truncate(time.Hour)) {
			delete(l.slots, r)
		}
	}
}
