package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Row is one event as the ledger holds it.
type Row struct {
	ID    int64 // the ledger's own key of the row
	Seq   int64 // place in the log, -1 while it has none
	Event Event // a draft
}

// Source is the ledger as the sequencer sees it.
type Source interface {
	// Pending returns at most n rows in the order in which they were committed:
	// those without a sequence number, and those with one above after, which the
	// log has lost and must get again. It returns only rows whose transaction
	// and those of all rows before it are settled, so that none turns up later
	// in between.
	Pending(ctx context.Context, after int64, n int) ([]Row, error)
	// MarkSequenced stores the sequence number of each row, durably. It may be
	// called again for the same rows.
	MarkSequenced(ctx context.Context, rows []Row) error
}

// Sequencer moves events from the ledger into the log: the only one to do so,
// in one goroutine. Zero values of the settings are replaced by the defaults
// named. All fields are set before Run and not changed after.
type Sequencer struct {
	Source       Source
	Writer       *Writer
	Wake         <-chan struct{}  // a hint that there may be rows; may be nil
	Now          func() time.Time // wall clock, for records; nil is time.Now
	Every        int64            // records that may wait for a signature; 256
	Interval     time.Duration    // between heartbeats, and the longest wait for a signature; 5 minutes
	Poll         time.Duration    // between looks at the ledger without a hint; 1 second
	MaxLag       time.Duration    // how long rows may wait before Healthy complains; 30 seconds
	Step         time.Duration    // difference of wall clock and running time that is a clock change; 1 minute
	OnCheckpoint func(Checkpoint) // called after each new one, to anchor it; may be nil

	resumed bool // the rows of an earlier run are in the log

	own   []Event // the sequencer's own events not yet in the log
	beat  time.Time
	sign  time.Time
	wall  time.Time // wall clock at the last look, and
	since time.Time // running time then

	mu     sync.Mutex
	caught time.Time // when all rows were in the log
	err    error     // of the last cycle
	begun  bool
	ended  bool
}

const (
	sequencerBatch = 256
	// sequencerBudget is how many batches one cycle takes before heartbeats and
	// health get their turn.
	sequencerBudget = 64
	stopTimeout     = 10 * time.Second
)

// Run works until ctx ends, then takes what is pending, records the stop and
// signs. Errors of a cycle are kept for Healthy and the cycle is tried again;
// the error returned is that of the last one.
func (s *Sequencer) Run(ctx context.Context) error {
	s.defaults()
	if err := s.start(); err != nil {
		return err
	}
	timer, wake := time.NewTimer(0), s.Wake
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return s.stop(ctx)
		case _, open := <-wake:
			if !open {
				wake = nil // a closed channel would never let us rest
			}
		case <-timer.C:
		}
		s.settle(s.cycle(ctx))
		timer.Reset(s.Poll)
	}
}

func (s *Sequencer) defaults() {
	if s.Now == nil {
		s.Now = time.Now
	}
	s.Every = orDefault(s.Every, 256)
	s.Interval = orDefault(s.Interval, DefaultInterval)
	s.Poll = orDefault(s.Poll, time.Second)
	s.MaxLag = orDefault(s.MaxLag, 30*time.Second)
	s.Step = orDefault(s.Step, time.Minute)
}

func orDefault[T int64 | time.Duration](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

// start queues the record of the start, with what Open had to cut off.
func (s *Sequencer) start() error {
	s.wall, s.since = s.Now().Round(0), time.Now()
	s.sign = s.since
	last := s.Writer.LastTime()
	if !last.IsZero() && s.wall.Before(last.Add(-s.Step)) {
		if err := s.queue(VerbClockChanged, Change{Path: "clock", Before: last.Format(timeLayout), After: s.wall.In(last.Location()).Format(timeLayout)}); err != nil {
			return err
		}
	}
	var change Change
	if r := s.Writer.Recovery(); r.TornBytes > 0 {
		change = Change{Path: segmentName(r.Segment), Before: strconv.FormatInt(r.TornBytes, 10) + " bytes unfinished", After: "cut off, kept in " + tornDir}
	}
	if err := s.queue(VerbStarted, change); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun, s.caught = true, s.since
	return nil
}

// queue adds one of the sequencer's own events. Its time is that of the last look
// at the clock, so that a change is told before the first event after it.
func (s *Sequencer) queue(v Verb, c Change) error {
	e, err := New(v, s.wall, nil)
	if err != nil {
		return fmt.Errorf("record %s: %w", v, err)
	}
	e.Outcome, e.Actor, e.Object, e.Change = Success, Actor{Type: ActorSystem, ID: sequencerObject}, Object{Type: sequencerObject}, c
	s.own = append(s.own, e)
	return nil
}

// cycle brings the log up to date once: a changed clock is recorded before the
// rows that come after it, the heartbeat after the rows that came before it. A
// ledger out of reach does not keep the log from living on.
//
// The first cycle takes the rows that the log has lost, after a restore, before
// anything of its own: they are known only by a number beyond its end, and its
// own records would move that end past them.
func (s *Sequencer) cycle(ctx context.Context) error {
	if err := s.watchClock(); err != nil {
		return err
	}
	if !s.resumed {
		if err := s.restore(ctx); err != nil {
			return err
		}
		s.resumed = true
	}
	if err := s.flush(ctx); err != nil {
		return err
	}
	away := s.drain(ctx)
	if s.beat.IsZero() || time.Since(s.beat) >= s.Interval {
		if err := s.heartbeat(ctx); err != nil {
			return errors.Join(away, err)
		}
	}
	return errors.Join(away, s.signIfDue(ctx, false))
}

// heartbeat appends the record that the log is alive. One that fails is not made
// up for later: the silence is to be seen. When the clock has changed since the
// rows were taken, those of before the change come first: to a reader, the first
// heartbeat after a change ends it.
func (s *Sequencer) heartbeat(ctx context.Context) error {
	if err := s.watchClock(); err != nil {
		return err
	}
	if len(s.own) > 0 {
		if err := errors.Join(s.flush(ctx), s.drain(ctx)); err != nil {
			return err
		}
	}
	if err := s.queue(VerbHeartbeat, Change{}); err != nil {
		return err
	}
	if err := s.flush(ctx); err != nil {
		s.own = nil
		return err
	}
	s.beat = time.Now()
	return nil
}

// watchClock records when the wall clock moved otherwise than time passed.
func (s *Sequencer) watchClock() error {
	now, run := s.Now().Round(0), time.Now()
	want := s.wall.Add(run.Sub(s.since))
	s.wall, s.since = now, run
	if now.Sub(want).Abs() < s.Step {
		return nil
	}
	return s.queue(VerbClockChanged, Change{Path: "clock", Before: want.UTC().Format(timeLayout), After: now.UTC().Format(timeLayout)})
}

// flush appends the sequencer's own events. They keep their ids until that
// succeeds, so a repetition does no harm.
func (s *Sequencer) flush(ctx context.Context) error {
	for len(s.own) > 0 {
		n := min(len(s.own), MaxBatch)
		if _, err := s.Writer.Append(ctx, s.own[:n]); err != nil {
			return err
		}
		s.own = s.own[n:]
	}
	return nil
}

// restore appends the rows that have numbers beyond the end of the log, however
// many there are. Rows that never had one come after what start queued: a
// changed clock is told before them.
func (s *Sequencer) restore(ctx context.Context) error {
	for {
		rows, err := s.Source.Pending(ctx, s.Writer.Size()-1, sequencerBatch)
		if err != nil {
			return fmt.Errorf("read pending audit rows: %w", err)
		}
		if !slices.ContainsFunc(rows, func(r Row) bool { return r.Seq >= 0 }) {
			return nil
		}
		if err := s.place(ctx, rows); err != nil {
			return err
		}
	}
}

// drain appends pending rows until none is left or the budget of a cycle is
// used up.
func (s *Sequencer) drain(ctx context.Context) error {
	for range sequencerBudget {
		asked := time.Now()
		rows, err := s.Source.Pending(ctx, s.Writer.Size()-1, sequencerBatch)
		if err != nil {
			return fmt.Errorf("read pending audit rows: %w", err)
		}
		if len(rows) == 0 {
			s.caughtUp(asked)
			return nil
		}
		// The clock may have changed since the last look, and rows after it.
		if err := errors.Join(s.watchClock(), s.flush(ctx)); err != nil {
			return err
		}
		if err := s.place(ctx, rows); err != nil {
			return err
		}
		if err := s.signIfDue(ctx, false); err != nil {
			return err
		}
	}
	return nil
}

// place appends rows and tells the ledger where they are.
func (s *Sequencer) place(ctx context.Context, rows []Row) error {
	events := make([]Event, len(rows))
	for i, r := range rows {
		events[i] = r.Event
	}
	seqs, err := s.Writer.Append(ctx, events)
	if err != nil {
		return err
	}
	for i := range rows {
		rows[i].Seq = seqs[i]
	}
	if err := s.Source.MarkSequenced(ctx, rows); err != nil {
		return fmt.Errorf("mark audit rows as sequenced: %w", err)
	}
	return nil
}

// signIfDue publishes a checkpoint when enough records or time have passed.
func (s *Sequencer) signIfDue(ctx context.Context, now bool) error {
	before := s.Writer.Signed().Size
	waiting := s.Writer.Size() - before
	if waiting == 0 || !now && waiting < s.Every && time.Since(s.sign) < s.Interval && before > 0 {
		return nil
	}
	c, err := s.Writer.Checkpoint(ctx)
	if err != nil {
		return err
	}
	s.sign = time.Now()
	if s.OnCheckpoint != nil {
		s.OnCheckpoint(c)
	}
	return nil
}

// stop ends the run after ctx has ended: with a little time of its own, for the
// records and the signature of what was done.
func (s *Sequencer) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	err := s.cycle(ctx)
	if err == nil {
		err = errors.Join(s.watchClock(), s.queue(VerbStopped, Change{}), s.flush(ctx))
	}
	if err == nil {
		err = s.signIfDue(ctx, true)
	}
	s.settle(err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if err != nil {
		return fmt.Errorf("stop audit sequencer: %w", err)
	}
	return nil
}

func (s *Sequencer) settle(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *Sequencer) caughtUp(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.caught = at
}

// Healthy returns nil when the log takes records: the last cycle succeeded and
// no row waits longer than MaxLag. While it returns an error nothing may move:
// intake answers 451 and the portal 503.
func (s *Sequencer) Healthy() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.begun || s.ended:
		return errors.New("audit sequencer is not running")
	case s.err != nil:
		return fmt.Errorf("audit log: %w", s.err)
	case time.Since(s.caught) > s.MaxLag:
		return fmt.Errorf("audit log is %s behind the ledger", time.Since(s.caught).Round(time.Second))
	}
	return nil
}
