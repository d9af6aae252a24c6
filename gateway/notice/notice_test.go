package notice

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sekisho/gateway"
)

// tokyo has no summer time.
var tokyo = time.FixedZone("JST", 9*3600)

func at(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, tokyo) }

func TestParseHour(t *testing.T) {
	for s, want := range map[string]Hour{"8:30": 510, "08:30": 510, "0:00": 0, "23:59": 1439} {
		if got, err := ParseHour(s); err != nil || got != want {
			t.Errorf("%q: %d, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "8", "24:00", "8:60", "-1:00", "08:30:00", " 8:30", "8:3", "８：３０"} {
		if h, err := ParseHour(s); err == nil {
			t.Errorf("%q was read as %v", s, h)
		}
	}
	if s := Hour(545).String(); s != "09:05" {
		t.Error(s)
	}
}

func FuzzParseHour(f *testing.F) {
	for _, s := range []string{"8:30", "23:59", "24:00", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := ParseHour(s)
		if err != nil {
			return
		}
		if again, err := ParseHour(h.String()); err != nil || again != h || h < 0 || h >= 24*60 {
			t.Errorf("%q is %d, and again %d, %v", s, h, again, err)
		}
	})
}

func TestSchedule(t *testing.T) {
	s := Schedule{[]Hour{780, 510}, tokyo} // in no order
	for _, c := range []struct {
		name            string
		now, last, next time.Time
	}{
		{"before the first", at(25, 6, 0), at(24, 13, 0), at(25, 8, 30)},
		{"at the first", at(25, 8, 30), at(25, 8, 30), at(25, 8, 30)},
		{"a moment later", at(25, 8, 30).Add(1), at(25, 8, 30), at(25, 13, 0)},
		{"behind the last", at(25, 23, 59), at(25, 13, 0), at(26, 8, 30)},
		{"the end of a month", at(30, 14, 0), at(30, 13, 0), time.Date(2026, 12, 1, 8, 30, 0, 0, tokyo)},
		{"another zone's clock", at(25, 8, 30).UTC(), at(25, 8, 30), at(25, 8, 30)},
	} {
		if last, next := s.Last(c.now), s.Next(c.now); !last.Equal(c.last) || !next.Equal(c.next) {
			t.Errorf("%s: %v and %v", c.name, last, next)
		}
	}
	if now := at(25, 6, 0); !(Schedule{}).Last(now).Equal(now) || !(Schedule{}).Next(now).Equal(now) {
		t.Error("without hours not everything is due at once")
	}
}

// TestScheduleLeavesNoGap: whatever the hours and the moment, the last hour is
// not behind it, the next one not before it, neither is more than a day off, and
// there is none in between.
func TestScheduleLeavesNoGap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Schedule{Location: tokyo}
		for _, h := range rapid.SliceOfN(rapid.IntRange(0, 1439), 1, 5).Draw(t, "hours") {
			s.Hours = append(s.Hours, Hour(h))
		}
		now := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "now"), 0)
		last, next := s.Last(now), s.Next(now)
		if last.After(now) || next.Before(now) || now.Sub(last) >= 24*time.Hour || next.Sub(now) >= 24*time.Hour {
			t.Fatalf("%v, %v, %v", last, now, next)
		}
		if after := s.Next(last.Add(1)); !next.Equal(last) && !after.Equal(next) {
			t.Fatalf("%v lies between %v and %v", after, last, next)
		}
	})
}

func TestAddresses(t *testing.T) {
	copies := []Copy{{"soumu@town.example.lg.jp", []string{"yamada@town.example.lg.jp", "@soumu.town.example.lg.jp"}},
		{"joho@town.example.lg.jp", []string{"@town.example.lg.jp"}}}
	for _, c := range []struct {
		name, recipient string
		plan            Plan
		want            []string
	}{
		{"at once", "yamada@town.example.lg.jp", Plan{}, nil},
		{"in a digest", "yamada@town.example.lg.jp", Plan{Digest: true}, []string{"yamada@town.example.lg.jp"}},
		{"and to others", "Yamada@town.example.lg.jp", Plan{Digest: true, Copies: copies},
			[]string{"Yamada@town.example.lg.jp", "soumu@town.example.lg.jp", "joho@town.example.lg.jp"}},
		{"to others alone", "x@soumu.town.example.lg.jp", Plan{Copies: copies}, []string{"soumu@town.example.lg.jp"}},
		{"once to one who is among them", "joho@town.example.lg.jp", Plan{Digest: true, Copies: copies}, []string{"joho@town.example.lg.jp"}},
		{"not the domains below", "x@sub.town.example.lg.jp", Plan{Copies: copies}, nil},
		{"no address", "nobody", Plan{Copies: copies}, nil},
	} {
		if got := c.plan.Addresses(c.recipient); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestStopped(t *testing.T) {
	sched := Schedule{[]Hour{510}, tokyo}
	now := at(25, 14, 0)
	for _, c := range []struct {
		name  string
		state gateway.NoticeState
		since time.Time // zero: nothing is due
		want  bool
	}{
		{"nothing", gateway.NoticeState{}, time.Time{}, false},
		{"all taken", gateway.NoticeState{Taken: at(20, 9, 0)}, time.Time{}, false},
		{"due for less than that", gateway.NoticeState{Waiting: 1, Due: at(25, 10, 1)}, at(25, 10, 1), false},
		{"due for as long", gateway.NoticeState{Waiting: 1, Due: at(25, 10, 0)}, at(25, 10, 0), true},
		{"another one got through since", gateway.NoticeState{Waiting: 1, Due: at(25, 9, 0), Taken: at(25, 13, 0)}, at(25, 13, 0), false},
		{"and that is long ago", gateway.NoticeState{Waiting: 1, Due: at(25, 8, 0), Taken: at(25, 9, 30)}, at(25, 9, 30), true},
		{"waits for a later hour", gateway.NoticeState{Waiting: 1}, time.Time{}, false},
		{"not written at its hour", gateway.NoticeState{Unwritten: 3, Since: at(25, 2, 0)}, at(25, 8, 30), true},
		{"its hour is to come", gateway.NoticeState{Unwritten: 3, Since: at(25, 9, 0)}, time.Time{}, false},
		{"two refused", gateway.NoticeState{Refused: 2, FirstRefused: at(20, 9, 0)}, time.Time{}, false},
		{"three refused", gateway.NoticeState{Refused: 3, FirstRefused: at(25, 9, 0)}, at(25, 9, 0), true},
		{"three refused just now", gateway.NoticeState{Refused: 3, FirstRefused: at(25, 13, 0)}, at(25, 13, 0), false},
		{"a clock that was ahead", gateway.NoticeState{Waiting: 1, Due: at(26, 9, 0)}, time.Time{}, false},
	} {
		since, stopped := Stopped(c.state, sched, now, 4*time.Hour)
		if !since.Equal(c.since) || stopped != c.want {
			t.Errorf("%s: %v since %v", c.name, stopped, since)
		}
	}
}
