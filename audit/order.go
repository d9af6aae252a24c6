package audit

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sequencerObject is the object type by which the sequencer's own start and
// stop differ from those of other roles.
const sequencerObject = "sequencer"

// order follows time through the records: heartbeats, clock, stops, purges.
type order struct {
	opt     VerifyOptions
	rep     *Report
	present int64 // first record present; those before were purged

	rows    time.Time // the largest time of the ledger's records, and
	own     time.Time // of the log's own, since the clock was last changed
	beat    time.Time // the last heartbeat, or the first record
	last    time.Time // of the last record
	stopped bool      // the sequencer said so, and has not started again
	changed bool      // the clock was changed since the last heartbeat
	waiting time.Time // of the first unsigned record
	purged  []purge
}

// purge is a run of records that a record says were purged.
type purge struct{ first, end int64 }

// see takes the next record.
func (o *order) see(e Event) {
	if o.rep.From.IsZero() {
		o.rep.From, o.beat = e.TS, e.TS
	}
	o.rep.To, o.last = e.TS, e.TS
	if e.Seq >= o.rep.Signed.Size && o.waiting.IsZero() {
		o.waiting = e.TS
		if o.beat.After(e.TS) { // a row that had waited in the ledger
			o.waiting = o.beat
		}
	}
	switch e.Verb {
	case VerbClockChanged:
		o.changed, o.rows, o.own = true, time.Time{}, time.Time{}
	case VerbStopped:
		o.stopped = o.stopped || e.Object.Type == sequencerObject
	case VerbPurged:
		o.purge(e)
	}
	o.clock(e)
	if e.Verb == VerbHeartbeat {
		o.heartbeat(e)
	}
}

// clock reports a step back. Rows of the ledger come in the order of their
// commits and the log's own records in the order of its clock; but a row may
// have waited, so the two are not compared with each other. After a recorded
// change, rows of before it may still come, up to the next heartbeat.
func (o *order) clock(e Event) {
	latest := &o.rows
	if isOwn(e) {
		latest = &o.own
	}
	back := e.TS.Before(latest.Add(-o.opt.Skew))
	if back && !o.changed && o.counts(e.Seq) {
		o.rep.fault(FaultClock, e.Seq, e.Seq+1, segmentName(e.Seg))
	}
	if back || o.changed || e.TS.After(*latest) {
		*latest = e.TS // so that each step is reported once
	}
}

// isOwn reports whether sequencer or Writer made the record, not the ledger.
func isOwn(e Event) bool {
	return e.Actor.Type == ActorSystem && (e.Object.Type == sequencerObject || e.Object.Type == segmentObject)
}

// OfLog reports whether the log itself made the record, such as a heartbeat, the
// first record of a month or the last one before a full disk: the ledger has no
// row of it.
func (e Event) OfLog() bool { return isOwn(e) || e.Verb == VerbCheckpoint }

func (o *order) heartbeat(e Event) {
	o.rep.Heartbeats++
	if e.TS.Sub(o.beat) > 2*o.opt.Interval && !o.changed {
		if o.stopped {
			o.rep.Stops++
		} else if o.counts(e.Seq) {
			o.rep.fault(FaultSilence, e.Seq, e.Seq+1, segmentName(e.Seg))
		}
	}
	if o.changed {
		o.rows = time.Time{} // of before the change, as it may be: no measure for those that follow
	}
	o.beat = e.TS
	o.stopped, o.changed = false, false
}

// counts reports whether a gap at this record is to be reported.
func (o *order) counts(seq int64) bool {
	return o.opt.Since == nil || seq >= o.opt.Since.Size
}

// purge notes which records a retention.purged record speaks of: change.before
// is "<first>-<last>".
func (o *order) purge(e Event) {
	a, b, _ := strings.Cut(e.Change.Before, "-")
	first, err1 := strconv.ParseInt(a, 10, 64)
	last, err2 := strconv.ParseInt(b, 10, 64)
	if err1 == nil && err2 == nil && e.Object.Type == segmentObject {
		o.purged = append(o.purged, purge{first, last + 1})
	}
}

// finish judges the end of the log.
func (o *order) finish(size, signed int64) {
	end := o.last
	if o.opt.Now.After(end) {
		end = o.opt.Now
	}
	if !o.last.IsZero() && !o.stopped && !o.changed && (o.counts(size-1) || end.After(o.last)) && end.Sub(o.beat) > 2*o.opt.Interval {
		o.rep.fault(FaultSilence, size-1, size, "end of the log")
	}
	if size > signed && end.Sub(o.waiting) > 2*o.opt.Interval && !o.changed {
		o.rep.fault(FaultUnsigned, signed, size, "end of the log")
	}
	slices.SortFunc(o.purged, func(a, b purge) int { return cmp.Compare(a.first, b.first) })
	var covered int64
	for _, p := range o.purged {
		if p.first <= covered && p.end > covered {
			covered = p.end
		}
	}
	if covered < o.present {
		o.rep.fault(FaultRetention, covered, o.present, segmentDir)
	}
}
