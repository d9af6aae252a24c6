package audit

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// ledger is a Source in memory.
type ledger struct {
	mu   sync.Mutex
	rows []Row
	fail error // returned by both methods
	mark error // returned by MarkSequenced, after doing it when late is set
	late bool
}

func (l *ledger) add(list ...Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range list {
		l.rows = append(l.rows, Row{ID: int64(len(l.rows) + 1), Seq: -1, Event: e})
	}
}

func (l *ledger) Pending(_ context.Context, after int64, n int) ([]Row, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []Row
	for _, r := range l.rows {
		if (r.Seq < 0 || r.Seq > after) && len(list) < n {
			list = append(list, r)
		}
	}
	return list, l.fail
}

func (l *ledger) MarkSequenced(_ context.Context, rows []Row) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil || l.mark != nil && !l.late {
		return errors.Join(l.fail, l.mark)
	}
	for _, r := range rows {
		l.rows[r.ID-1].Seq = r.Seq
	}
	return l.mark
}

func (l *ledger) set(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

// run starts a sequencer in a synctest bubble and returns how to stop it.
func run(t *testing.T, s *Sequencer) func() error {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	synctest.Wait()
	return func() error {
		cancel()
		return <-done
	}
}

// agree checks that ledger rows and log say the same.
func agree(t *testing.T, l *ledger, d *disk) {
	t.Helper()
	placed := map[int64]string{}
	if err := Select(t.Context(), d, Filter{}, func(_ []byte, e Event) error { placed[e.Seq] = e.ID; return nil }); err != nil {
		t.Fatal(err)
	}
	for _, r := range l.rows {
		if placed[r.Seq] != r.Event.ID {
			t.Fatalf("row %d says place %d, where the log has %q", r.ID, r.Seq, placed[r.Seq])
		}
	}
}

func verbCount(t *testing.T, d *disk, v Verb) int {
	t.Helper()
	n := 0
	if err := Select(t.Context(), d, Filter{Verbs: []Verb{v}}, func([]byte, Event) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSequencerPlacesRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, o, l := newDisk(), testKeys(t), &ledger{}
		w := mustOpen(t, d, o)
		wake := make(chan struct{}, 1)
		var signed []int64
		s := &Sequencer{Source: l, Writer: w, Wake: wake, OnCheckpoint: func(c Checkpoint) { signed = append(signed, c.Size) }}
		if s.Healthy() == nil {
			t.Error("healthy before it runs")
		}
		stop := run(t, s)
		l.add(dated(time.Now(), 0, 600)...)
		wake <- struct{}{}
		synctest.Wait() // the hint alone is enough
		if w.Size() != 602 {
			t.Errorf("size %d after the hint", w.Size())
		}
		close(wake) // no hints any more
		l.add(dated(time.Now(), 600, 601)...)
		time.Sleep(2 * time.Second) // and is not needed
		if w.Size() != 603 || s.Healthy() != nil {
			t.Errorf("size %d, %v", w.Size(), s.Healthy())
		}
		time.Sleep(20 * time.Minute)
		if n := verbCount(t, d, VerbHeartbeat); n != 5 {
			t.Errorf("%d heartbeats in 20 minutes", n)
		}
		if w.Signed().Size < w.Size()-1 {
			t.Errorf("signed %d of %d", w.Signed().Size, w.Size())
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if s.Healthy() == nil {
			t.Error("healthy after it ended")
		}
		agree(t, l, d)
		r := mustVerify(t, d, o, VerifyOptions{NeedAnchor: false})
		if r.Verdict != Intact || r.Signed.Size != r.Size || lastRecord(t, d).Verb != VerbStopped {
			t.Errorf("%v %v, signed %d of %d", r.Verdict, r.Faults, r.Signed.Size, r.Size)
		}
		if !slices.IsSorted(signed) || len(signed) < 5 {
			t.Errorf("checkpoints %v", signed)
		}
	})
}

// dated makes events at the given time, which in a bubble is not that of event.
func dated(ts time.Time, from, to int) []Event {
	var list []Event
	for i := from; i < to; i++ {
		list = append(list, eventAt(i, ts))
	}
	return list
}

func TestSequencerAfterTroubles(t *testing.T) {
	for _, c := range []struct {
		name    string
		trouble func(*ledger, *disk)
		cure    func(*ledger, *disk)
		at      time.Duration // after which it must be unhealthy
	}{
		{"ledger away", func(l *ledger, _ *disk) { l.fail = errors.New("no database") }, func(l *ledger, _ *disk) { l.fail = nil }, 3 * time.Second},
		{"rows not marked", func(l *ledger, _ *disk) { l.mark = errors.New("lost") }, func(l *ledger, _ *disk) { l.mark = nil }, 3 * time.Second},
		{"mark said lost, but was not", func(l *ledger, _ *disk) { l.mark, l.late = errors.New("lost"), true }, func(l *ledger, _ *disk) { l.mark = nil }, 0},
		{"disk away", func(_ *ledger, d *disk) { d.dead = true }, func(_ *ledger, d *disk) { d.dead = false }, 3 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, o, l := newDisk(), testKeys(t), &ledger{}
				s := &Sequencer{Source: l, Writer: mustOpen(t, d, o)}
				stop := run(t, s)
				l.add(dated(time.Now(), 0, 10)...)
				time.Sleep(2 * time.Second)
				l.set(func() { d.mu.Lock(); c.trouble(l, d); d.mu.Unlock() })
				l.add(dated(time.Now(), 10, 20)...)
				time.Sleep(max(c.at, time.Second))
				if c.at > 0 && s.Healthy() == nil {
					t.Error("healthy in trouble")
				}
				time.Sleep(time.Minute)
				l.set(func() { d.mu.Lock(); c.cure(l, d); d.mu.Unlock() })
				l.add(dated(time.Now(), 20, 30)...)
				time.Sleep(3 * time.Second)
				if err := s.Healthy(); err != nil {
					t.Errorf("still unhealthy: %v", err)
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
				agree(t, l, d)
				if r := wantIntact(t, d, o); verbCount(t, d, "message.received") != 30 {
					t.Errorf("%d records for 30 events", r.Size)
				}
			})
		})
	}
}

// An hour without a disk is a silence in the log afterwards, although every row
// is in it, with the time it had.
func TestOutageIsVisible(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, o, l := newDisk(), testKeys(t), &ledger{}
		s := &Sequencer{Source: l, Writer: mustOpen(t, d, o)}
		stop := run(t, s)
		time.Sleep(6 * time.Minute)
		set := func(dead bool) { d.mu.Lock(); defer d.mu.Unlock(); d.dead = dead }
		set(true)
		for i := range 12 {
			l.add(dated(time.Now(), i, i+1)...)
			time.Sleep(5 * time.Minute)
		}
		if s.Healthy() == nil {
			t.Error("healthy without a disk")
		}
		set(false)
		time.Sleep(6 * time.Minute)
		if err := s.Healthy(); err != nil {
			t.Error(err)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		agree(t, l, d)
		begun := lastRecord(t, d).TS.Add(-72 * time.Minute)
		if err := Select(t.Context(), d, Filter{Verbs: []Verb{VerbHeartbeat}, Since: begun.Add(8 * time.Minute), Until: begun.Add(64 * time.Minute)}, func([]byte, Event) error {
			return errors.New("a heartbeat from the time without a disk")
		}); err != nil {
			t.Error(err)
		}
		r := mustVerify(t, d, o, VerifyOptions{})
		if r.Verdict != Gap || len(r.Faults) != 1 || r.Faults[0].Code != FaultSilence {
			t.Errorf("%v %v", r.Verdict, r.Faults)
		}
	})
}

// The sequencer dies between log and ledger, or the log loses what the ledger
// had marked: another run puts every event in once.
func TestSequencerResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, o, l := newDisk(), testKeys(t), &ledger{mark: errors.New("killed here")}
		l.add(dated(time.Now(), 0, 50)...)
		w := mustOpen(t, d, o)
		stop := run(t, &Sequencer{Source: l, Writer: w})
		if err := stop(); err == nil {
			t.Error("no error from the last cycle")
		}
		w.Close()
		l.mark = nil
		w = mustOpen(t, d, o)
		stop = run(t, &Sequencer{Source: l, Writer: w})
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Error(err)
		}
		w.Close()
		agree(t, l, d)

		// An older copy of the log: rows marked beyond its end come again.
		l.add(dated(time.Now(), 50, 60)...)
		old := d.clone()
		w = mustOpen(t, d, o)
		stop = run(t, &Sequencer{Source: l, Writer: w})
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Error(err)
		}
		w = mustOpen(t, old, o)
		stop = run(t, &Sequencer{Source: l, Writer: w})
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Error(err)
		}
		agree(t, l, old)
		if n := verbCount(t, old, "message.received"); n != 60 {
			t.Errorf("%d records for 60 events", n)
		}
		wantIntact(t, old, o)
	})
}

// A log that lost no more rows than the sequencer writes records of its own at
// its start must get them all the same.
func TestSequencerMakesUpForOneLostRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, o, l := newDisk(), testKeys(t), &ledger{}
		w := mustOpen(t, d, o)
		l.add(dated(time.Now(), 0, 10)...)
		stop := run(t, &Sequencer{Source: l, Writer: w})
		synctest.Wait()
		old := d.clone()
		l.add(dated(time.Now(), 10, 11)...)
		time.Sleep(2 * time.Second)
		if err := stop(); err != nil {
			t.Error(err)
		}
		w = mustOpen(t, old, o)
		stop = run(t, &Sequencer{Source: l, Writer: w})
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Error(err)
		}
		agree(t, l, old)
		if n := verbCount(t, old, "message.received"); n != 11 {
			t.Errorf("%d records for 11 events", n)
		}
	})
}

func TestSequencerRecordsClockChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, o, l := newDisk(), testKeys(t), &ledger{}
		var mu sync.Mutex
		var shift time.Duration
		now := func() time.Time { mu.Lock(); defer mu.Unlock(); return time.Now().Add(shift) }
		set := func(by time.Duration) { mu.Lock(); defer mu.Unlock(); shift = by }
		w := mustOpen(t, d, o)
		stop := run(t, &Sequencer{Source: l, Writer: w, Now: now})
		time.Sleep(7 * time.Minute)
		set(-time.Hour)
		time.Sleep(7 * time.Minute)
		set(2 * time.Hour)
		time.Sleep(7 * time.Minute)
		if err := stop(); err != nil {
			t.Error(err)
		}
		w.Close()
		set(0) // set right while nothing ran
		w = mustOpen(t, d, o)
		stop = run(t, &Sequencer{Source: l, Writer: w, Now: now})
		time.Sleep(7 * time.Minute)
		if err := stop(); err != nil {
			t.Error(err)
		}
		if n := verbCount(t, d, VerbClockChanged); n != 3 {
			t.Errorf("%d clock changes recorded", n)
		}
		if r := mustVerify(t, d, o, VerifyOptions{}); r.Verdict != Intact {
			t.Errorf("%v %v", r.Verdict, r.Faults)
		}
	})
}

// A killed gateway leaves a silence that verification names.
func TestKilledSequencerLeavesGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, o, l := newDisk(), testKeys(t), &ledger{}
		stop := run(t, &Sequencer{Source: l, Writer: mustOpen(t, d, o)})
		time.Sleep(12 * time.Minute)
		killed := d.crash(nil)
		if err := stop(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		w := mustOpen(t, killed, o)
		stop = run(t, &Sequencer{Source: l, Writer: w})
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Error(err)
		}
		r := mustVerify(t, killed, o, VerifyOptions{})
		if r.Verdict != Gap || r.Faults[0].Code != FaultSilence || !strings.HasPrefix(r.JA(), "欠落があります。") {
			t.Errorf("%v %v", r.Verdict, r.Faults)
		}
	})
}
