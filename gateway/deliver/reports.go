package deliver

import (
	"sync"
	"time"
)

// reportsAnHour is how many mails the postmaster gets in an hour. When the next
// hop refuses everything, thousands of mails fail for one reason; the one after
// these goes out when the hour is over, the others only stand in the queue,
// whose list each of these mails names.
const reportsAnHour = 20

// reports bounds the mails to the postmaster. The zero reports is ready.
type reports struct {
	mu   sync.Mutex
	hour time.Time
	n    int
}

// next says when the mail about a failure at now may go, if there is one.
func (r *reports) next(now time.Time) (at time.Time, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	hour := now.Truncate(time.Hour)
	if !hour.Equal(r.hour) {
		r.hour, r.n = hour, 0
	}
	r.n++
	switch {
	case r.n <= reportsAnHour:
		return now, true
	case r.n == reportsAnHour+1:
		return hour.Add(time.Hour), true
	}
	return time.Time{}, false
}
