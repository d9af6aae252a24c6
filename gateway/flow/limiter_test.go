package flow

import (
	"fmt"
	"testing"
	"time"
)

var (
	morning = time.Date(2026, 4, 17, 9, 12, 0, 0, time.UTC)
	hour    = morning.Truncate(time.Hour)
)

// soonest is when a substitute mail goes that next gives a time.
func soonest(at, now time.Time) time.Time {
	if at.IsZero() {
		return now
	}
	return at
}

func TestLimiterSpreadsOverHours(t *testing.T) {
	var l limiter
	at := map[time.Time]int{}
	for n := range 2*substitutesAnHour + 1 {
		at[soonest(l.next("a@x.jp", fmt.Sprintf("s@%d.example", n), morning), morning)]++
	}
	for when, n := range map[time.Time]int{morning: substitutesAnHour, hour.Add(time.Hour): substitutesAnHour, hour.Add(2 * time.Hour): 1} {
		if at[when] != n {
			t.Errorf("%v: %d mails, want %d", when, at[when], n)
		}
	}
	if l.delayed != substitutesAnHour+1 {
		t.Errorf("%d mails were put off", l.delayed)
	}
	if got := l.next("b@x.jp", "s@0.example", morning); !got.IsZero() {
		t.Errorf("another recipient waits until %v", got)
	}
	if later := morning.Add(5 * time.Hour); !l.next("a@x.jp", "s@0.example", later).IsZero() {
		t.Error("a later hour is not fresh")
	}
}

// A flood from one domain waits; an honest sender's mail is told of at once.
// spec: g8
func TestFloodDelaysItsOwnSubstitutesOnly(t *testing.T) {
	var l limiter
	last := morning
	for n := range 1000 {
		when := soonest(l.next("a@x.jp", fmt.Sprintf("bot%d@Flood.example", n), morning), morning)
		if when.Before(last) {
			t.Fatalf("mail %d goes before the one that came earlier", n)
		}
		last = when
	}
	if want := hour.Add((1000/substitutesOfOneAnHour - 1) * time.Hour); last != want {
		t.Errorf("the last of the flood goes at %v, want %v", last, want)
	}
	if got := l.next("a@x.jp", "citizen@honest.example", morning); !got.IsZero() {
		t.Errorf("an honest sender's mail is told of at %v", got)
	}
	if got := l.next("a@x.jp", "", morning); !got.IsZero() {
		t.Errorf("mail without a sender is told of at %v", got)
	}
	if later := morning.Add(3 * time.Hour); !l.next("a@x.jp", "citizen@honest.example", later).IsZero() {
		t.Error("the flood has taken the hours to come")
	}
}

// Hours that are over are forgotten, and so are recipients.
// spec: g8
func TestLimiterForgets(t *testing.T) {
	var l limiter
	for n := range recipientsBeforeCleanup {
		l.next(fmt.Sprintf("%d@x.jp", n), "s@flood.example", morning)
	}
	later := morning.Add(time.Hour)
	l.next("a@x.jp", "s@flood.example", later)
	if n := len(l.recipients); n != 1 {
		t.Errorf("%d recipients are remembered", n)
	}
	for n := range 100 {
		l.next("a@x.jp", fmt.Sprintf("s@%d.example", n), later.Add(time.Duration(n)*24*time.Hour))
	}
	if s := l.recipients["a@x.jp"]; len(s.hours) != 1 || len(s.senders) != 1 {
		t.Errorf("%d hours and %d senders are remembered", len(s.hours), len(s.senders))
	}
}
