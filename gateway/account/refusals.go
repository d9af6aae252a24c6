package account

import (
	"sync"
	"time"
)

const (
	// refusalTime is how long further refusals of the same to the same person are
	// counted and not written down: a record stays for years, and who asks twenty
	// times a second would fill the disk with them.
	refusalTime = time.Minute
	// maxRefusals bounds what is counted at once; beyond it each is written down.
	maxRefusals = 10_000
)

// refused names what was refused to whom.
type refused struct{ who, what string }

// refusal is what was refused since its last record.
type refusal struct {
	by   Principal
	at   time.Time // of the last record
	more int
}

// refusals counts them. The zero value is ready.
type refusals struct {
	mu   sync.Mutex
	last map[refused]*refusal
}

// count takes a refusal, and returns for how many a record is to be written now; 0
// for none.
func (r *refusals) count(p Principal, what string, now time.Time) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := refused{p.ID(), what}
	l := r.last[key]
	if l == nil {
		if r.last == nil {
			r.last = map[refused]*refusal{}
		}
		if len(r.last) < maxRefusals {
			r.last[key] = &refusal{by: p, at: now}
		}
		return 1
	}
	l.by = p
	l.more++
	if since := now.Sub(l.at); since >= 0 && since < refusalTime {
		return 0
	}
	n := l.more
	l.at, l.more = now, 0
	return n
}

// unsaid is a number of refusals that no record tells of yet.
type unsaid struct {
	by   Principal
	what string
	n    int
}

// rest takes those whose time is over out of the count.
func (r *refusals) rest(now time.Time) []unsaid {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []unsaid
	for key, l := range r.last {
		if since := now.Sub(l.at); since >= 0 && since < refusalTime {
			continue
		}
		if l.more > 0 {
			list = append(list, unsaid{l.by, key.what, l.more})
		}
		delete(r.last, key)
	}
	return list
}
