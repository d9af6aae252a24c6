package flow

import (
	"testing"
	"time"
)

func TestLimiterSpreadsOverHours(t *testing.T) {
	var l limiter
	now := time.Date(2026, 4, 17, 9, 12, 0, 0, time.UTC)
	at := map[time.Time]int{}
	for range 2*substitutesAnHour + 1 {
		at[l.next("a@x.jp", now)]++
	}
	for when, n := range map[time.Time]int{now: substitutesAnHour, now.Truncate(time.Hour).Add(time.Hour): substitutesAnHour,
		now.Truncate(time.Hour).Add(2 * time.Hour): 1} {
		if at[when] != n {
			t.Errorf("%v: %d mails, want %d", when, at[when], n)
		}
	}
	if got := l.next("b@x.jp", now); got != now {
		t.Errorf("another recipient waits until %v", got)
	}
	if later := now.Add(5 * time.Hour); l.next("a@x.jp", later) != later {
		t.Error("a later hour is not fresh")
	}
}
