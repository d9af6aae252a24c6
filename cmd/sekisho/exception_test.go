package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sekisho/gateway"
	"sekisho/gateway/config"
	"sekisho/quarantine"
)

// TestPeriod: a last day is inclusive, in the office's time zone; an instant is
// what it says.
func TestPeriod(t *testing.T) {
	jst := time.FixedZone("JST", 9*60*60)
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, first, last string
		from, until       time.Time // zero until: refused
	}{
		{"days", "2026-12-01", "2026-12-31", time.Date(2026, 12, 1, 0, 0, 0, 0, jst), time.Date(2027, 1, 1, 0, 0, 0, 0, jst)},
		{"one day", "2026-12-01", "2026-12-01", time.Date(2026, 12, 1, 0, 0, 0, 0, jst), time.Date(2026, 12, 2, 0, 0, 0, 0, jst)},
		{"from now", "", "2026-11-25", now, time.Date(2026, 11, 26, 0, 0, 0, 0, jst)},
		{"instants", "2026-12-01T09:00:00+09:00", "2026-12-01T17:15:00+09:00", time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 8, 15, 0, 0, time.UTC)},
		{"no such day", "", "2026-02-30", time.Time{}, time.Time{}},
		{"no such beginning", "soon", "2026-12-31", time.Time{}, time.Time{}},
		{"no zone", "", "2026-12-01T09:00:00", time.Time{}, time.Time{}},
		{"nothing", "", "", time.Time{}, time.Time{}},
	} {
		from, until, err := period(c.first, c.last, now, jst)
		if (err != nil) != c.until.IsZero() {
			t.Errorf("%s: %v", c.name, err)
		}
		if err == nil && (!from.Equal(c.from) || !until.Equal(c.until)) {
			t.Errorf("%s: %v to %v", c.name, from, until)
		}
		if err == nil && !strings.HasPrefix(strings.ReplaceAll(c.last, "T", " "), last(until, jst)) {
			t.Errorf("%s: shown as %s to %s", c.name, first(from, jst), last(until, jst))
		}
	}
}

// TestReleaseRules: what a configuration offers, and that nothing said offers no
// exception.
func TestReleaseRules(t *testing.T) {
	week := 7 * 24 * time.Hour
	none, off, on := config.Config{}, config.Default(), config.Default()
	on.Release = config.Release{Exceptions: true, Wait: config.Duration(time.Hour)}
	for name, c := range map[string]struct {
		cfg  config.Config
		want quarantine.Rules
	}{
		"nothing said": {none, quarantine.Rules{}},
		"default":      {off, quarantine.Rules{SelfService: true, Wait: week}},
		"exceptions":   {on, quarantine.Rules{Exceptions: true, Wait: time.Hour}},
	} {
		if got := releaseRules(c.cfg)(); got != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestExplain: whoever is refused reads why in both languages, the code, and
// whatever the rule says further; other errors are not lost.
func TestExplain(t *testing.T) {
	for _, r := range quarantine.Refusals() {
		got := explain(fmt.Errorf("ask: %w", fmt.Errorf("%w: docx", r))).Error()
		next := nextSteps[r]
		for _, want := range []string{r.Text().JA, r.Text().EN, next.JA, next.EN, "(" + string(r) + ")", "docx"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in %q", r, want, got)
			}
		}
		if (next.JA == "") != (next.EN == "") {
			t.Errorf("%s: a next step in one language", r)
		}
	}
	if explain(nil) != nil {
		t.Error("an error of nothing")
	}
	for _, err := range []error{gateway.ErrNotFound, quarantine.ErrState} {
		if got := explain(err); !errors.Is(got, err) || !strings.Contains(got.Error(), "ください") {
			t.Errorf("%v", got)
		}
	}
	if other := errors.New("disk"); explain(other) != other {
		t.Error("another error was changed")
	}
}
