// Package notice decides who is told of held parts, when, and whether telling
// works. A part is told of at once, in the mail that it came with or in a
// substitute mail, or in a digest at hours of the day; and an address that
// reads for a department gets digests of its own.
//
// The decisions are pure: the hours follow from the clock alone, so that there
// is nothing to remember about them. What waits is a row (gateway.Notice); it is
// due once an hour of the day has passed since it came. A gateway that was down
// at that hour sends when it is up again, once.
package notice

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sekisho/gateway"
)

// Hour is a time of the day, in minutes behind midnight.
type Hour int

// ParseHour reads "8:30" or "08:30".
func ParseHour(s string) (Hour, error) {
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) < 4 || len(s) > 5 {
		return 0, fmt.Errorf("%q is no time of the day", s)
	}
	return Hour(60*t.Hour() + t.Minute()), nil
}

// String writes 08:30.
func (h Hour) String() string { return fmt.Sprintf("%02d:%02d", int(h)/60, int(h)%60) }

// Schedule is the hours of the day at which digests are written. Without hours
// everything is due at once.
type Schedule struct {
	Hours    []Hour
	Location *time.Location // whose days; nil is UTC
}

// Last returns the latest of the hours that is not behind now; now itself
// without hours.
func (s Schedule) Last(now time.Time) time.Time {
	last := time.Time{}
	for _, at := range s.around(now) {
		if !at.After(now) && at.After(last) {
			last = at
		}
	}
	if last.IsZero() {
		return now
	}
	return last
}

// Next returns the first of the hours at or behind at; at itself without hours.
func (s Schedule) Next(at time.Time) time.Time {
	next := time.Time{}
	for _, h := range s.around(at) {
		if !h.Before(at) && (next.IsZero() || h.Before(next)) {
			next = h
		}
	}
	if next.IsZero() {
		return at
	}
	return next
}

// around returns the hours of the day of a time, and of the days beside it.
func (s Schedule) around(t time.Time) []time.Time {
	loc := s.Location
	if loc == nil {
		loc = time.UTC
	}
	local := t.In(loc)
	var all []time.Time
	for _, day := range []int{-1, 0, 1} {
		for _, h := range s.Hours {
			all = append(all, time.Date(local.Year(), local.Month(), local.Day()+day, int(h)/60, int(h)%60, 0, 0, loc))
		}
	}
	return all
}

// Copy is an address that is told of what is held for others: that of a
// department, or of the office.
type Copy struct {
	To  string
	For []string // addresses, or "@domain" for all of one; lower case
}

// covers reports whether a copy is for a recipient.
func (c Copy) covers(recipient string) bool {
	r := strings.ToLower(recipient)
	return slices.Contains(c.For, r) || slices.Contains(c.For, r[max(strings.LastIndexByte(r, '@'), 0):])
}

// Plan says who is told how. The zero plan tells everybody at once, and nobody
// in a digest.
type Plan struct {
	Digest   bool // recipients are told in digests, and not at once
	Schedule Schedule
	Copies   []Copy
}

// Addresses returns who gets a digest of what is held for a recipient, each
// once.
func (p Plan) Addresses(recipient string) []string {
	var to []string
	if p.Digest {
		to = append(to, recipient)
	}
	for _, c := range p.Copies {
		if c.covers(recipient) && !slices.Contains(to, c.To) {
			to = append(to, c.To)
		}
	}
	return to
}

// Due selects what is due at now.
func (p Plan) Due(now time.Time, limit int) gateway.NoticeWait {
	return gateway.NoticeWait{Until: p.Schedule.Last(now), Now: now, Limit: limit}
}

// manyRefused is how many notices the next hop may refuse, one after the other,
// before that counts as telling nobody: one refusal is a mailbox that is gone.
const manyRefused = 3

// Stopped reports whether notices were due, and none could be handed over, for
// as long as after; and since when. It ends with the first one that the next
// hop takes (a trial too), or when nothing is due and none of the last was refused
// by many.
func Stopped(s gateway.NoticeState, sched Schedule, now time.Time, after time.Duration) (since time.Time, stopped bool) {
	earlier := func(t time.Time) {
		if !t.IsZero() && !t.After(now) && (since.IsZero() || t.Before(since)) {
			since = t
		}
	}
	earlier(s.Due)
	if s.Unwritten > 0 {
		earlier(sched.Next(s.Since))
	}
	if s.Refused >= manyRefused {
		earlier(s.FirstRefused)
	}
	if since.IsZero() {
		return time.Time{}, false
	}
	if s.Taken.After(since) {
		since = s.Taken
	}
	return since, now.Sub(since) >= after
}
