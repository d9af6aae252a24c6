package audit

import (
	"testing"
	"testing/synctest"
	"time"
)

// The clock is put back, by an hour and into the month before, while nothing
// runs, and rows are committed before the sequencer starts: the change is told
// before them, so that nobody takes them for a forgery. Every record has its row or is
// the log's own, also those that begin a month.
// spec: g6
func TestRowsAfterAChangedClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, o, l := newDisk(), testKeys(t), &ledger{}
		begin := time.Now().AddDate(0, 1, 0)
		var shift time.Duration
		now := func() time.Time { return time.Now().AddDate(0, 1, 0).Add(shift) }
		for life, by := range []time.Duration{0, -time.Hour, 40 * 24 * time.Hour, -10 * 24 * time.Hour} {
			shift = by
			l.add(eventAt(life, begin.Add(by)))
			w := mustOpen(t, d, o)
			stop := run(t, &Sequencer{Source: l, Writer: w, Now: now})
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			w.Close()
		}
		agree(t, l, d)
		if n := verbCount(t, d, VerbClockChanged); n != 2 {
			t.Errorf("%d steps back recorded", n)
		}
		if r := mustVerify(t, d, o, VerifyOptions{Interval: 1e6 * time.Hour}); r.Verdict != Intact {
			t.Errorf("%v %v", r.Verdict, r.Faults)
		}
		rows, months := map[string]bool{}, 0
		for _, r := range l.rows {
			rows[r.Event.ID] = true
		}
		err := Select(t.Context(), d, Filter{}, func(_ []byte, e Event) error {
			if e.Verb == VerbCheckpoint {
				months++
			}
			if e.OfLog() == rows[e.ID] {
				t.Errorf("%s is the log's own: %v, and has a row: %v", e.Verb, e.OfLog(), rows[e.ID])
			}
			return nil
		})
		if err != nil || months == 0 {
			t.Errorf("%d months began, %v", months, err)
		}
	})
}
