package deliver

import (
	"sync"
	"time"
)

// reportsAnHour is how many mails the postmaster gets in an hour. When the next
// hop refuses everything, thousands of mails fail for one reason; the one after
// these goes out when the hour is over and says how many there are of the
// others (gateway.Ledger.Untold), which only stand in the queue.
const reportsAnHour = 20

// reports bounds the mails to the postmaster. The zero reports is ready.
type reports struct {
	mu   sync.Mutex
	hour time.Time
	n    int

	delayed, left uint64 // mails since the start
}

// Limited returns how many mails to the postmaster were put off, and how many
// were left out, since the start.
func (d *Deliver) Limited() (delayed, left uint64) {
	d.reports.mu.Lock()
	defer d.reports.mu.Unlock()
	return d.reports.delayed, d.reports.left
}

// next says when the mail about a failure at now may go, zero for at once, if
// there is one.
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
		return time.Time{}, true
	case r.n == reportsAnHour+1:
		r.delayed++
		return hour.Add(time.Hour), true
	}
	r.left++
	return time.Time{}, false
}
