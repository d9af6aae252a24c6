package flow

import (
	"strings"
	"sync"
	"time"
)

// A recipient gets at most this many substitute mails an hour (DECISIONS 11);
// later ones wait for the next hour, so that none is lost. One sender's domain
// has a part of the hour only: a flood from it waits, and an honest sender's
// mail is told of meanwhile. Who invents a domain for each mail can still fill
// the hours; a mailbox that is flooded under so many names is told late.
const (
	substitutesAnHour       = 20
	substitutesOfOneAnHour  = 5
	recipientsBeforeCleanup = 10_000
)

// limiter spreads substitute mails over hours. The zero limiter is ready.
type limiter struct {
	mu         sync.Mutex
	recipients map[string]*schedule
	delayed    uint64 // substitute mails that were put off
}

// Delayed returns how many substitute mails were put off since the start.
func (f *Flow) Delayed() uint64 {
	f.substitute.mu.Lock()
	defer f.substitute.mu.Unlock()
	return f.substitute.delayed
}

// schedule is what one recipient's hours are taken by.
type schedule struct {
	hours   map[time.Time]int // substitute mails of an hour
	senders map[string]slot   // the last hour that a sender has mails in
}

type slot struct {
	hour time.Time
	used int
}

// next returns when a substitute mail about a sender's mail may go to a
// recipient, and takes the place; zero for at once.
func (l *limiter) next(recipient, sender string, now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	hour := now.Truncate(time.Hour)
	s := l.of(recipient, hour)
	sender = domainOf(sender)
	at := s.senders[sender]
	if at.hour.Before(hour) {
		at = slot{hour: hour}
	}
	// Ends at the first hour that nobody has used.
	for at.used >= substitutesOfOneAnHour || s.hours[at.hour] >= substitutesAnHour {
		at = slot{hour: at.hour.Add(time.Hour)}
	}
	at.used++
	s.hours[at.hour]++
	s.senders[sender] = at
	if at.hour.After(now) {
		l.delayed++
		return at.hour
	}
	return time.Time{}
}

// of returns a recipient's schedule without the hours that are over.
func (l *limiter) of(recipient string, hour time.Time) *schedule {
	if l.recipients == nil || len(l.recipients) >= recipientsBeforeCleanup {
		kept := map[string]*schedule{}
		for r, s := range l.recipients {
			if s.forget(hour); len(s.hours) > 0 {
				kept[r] = s
			}
		}
		l.recipients = kept
	}
	s := l.recipients[recipient]
	if s == nil {
		s = &schedule{map[time.Time]int{}, map[string]slot{}}
		l.recipients[recipient] = s
	}
	if _, current := s.hours[hour]; !current {
		s.forget(hour)
		s.hours[hour] = 0
	}
	return s
}

// forget drops what past hours used.
func (s *schedule) forget(hour time.Time) {
	for h := range s.hours {
		if h.Before(hour) {
			delete(s.hours, h)
		}
	}
	for name, at := range s.senders {
		if at.hour.Before(hour) {
			delete(s.senders, name)
		}
	}
}

// domainOf returns what follows the last at sign, in lower case; all of an
// address that has none.
func domainOf(address string) string {
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}
