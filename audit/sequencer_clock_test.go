package audit

import (
	"context"
	"sync/atomic"
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

// late is a ledger in which a row is committed, and then the clock put back,
// just after the sequencer has found no more rows for the n-th time.
type late struct {
	*ledger
	empty, n int
	then     func()
}

func (l *late) Pending(ctx context.Context, after int64, n int) ([]Row, error) {
	rows, err := l.ledger.Pending(ctx, after, n)
	if err == nil && len(rows) == 0 {
		if l.empty++; l.empty == l.n {
			l.then()
		}
	}
	return rows, err
}

// A heartbeat ends a change of the clock for a reader, so rows of before the
// change come before it, also when both happen while the heartbeat is due.
// spec: g6
func TestHeartbeatAfterAChangedClock(t *testing.T) {
	for n := range 4 {
		synctest.Test(t, func(t *testing.T) {
			d, o, l := newDisk(), testKeys(t), &ledger{}
			var shift atomic.Int64
			now := func() time.Time { return time.Now().Add(time.Duration(shift.Load())) }
			w := mustOpen(t, d, o)
			source := &late{ledger: l, n: n + 1, then: func() {
				l.add(eventAt(1, now()))
				shift.Store(int64(-time.Hour))
			}}
			stop := run(t, &Sequencer{Source: source, Writer: w, Now: now})
			time.Sleep(5 * time.Second) // synthetic: some cycles
			l.add(eventAt(2, now()))
			time.Sleep(5 * time.Second)
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			w.Close()
			agree(t, l, d)
			if r := mustVerify(t, d, o, VerifyOptions{Interval: 1e6 * time.Hour}); r.Verdict != Intact {
				t.Errorf("after %d looks: %v %v", n+1, r.Verdict, r.Faults)
			}
		})
	}
}
