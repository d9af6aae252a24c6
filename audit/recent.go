package audit

import (
	"bytes"
	"crypto/sha256"
	"strconv"
	"time"
)

// recentRecords is how many of the last records a Writer knows by id, at some
// 200 bytes each. It is far above MaxBatch, the most that a sequencer can have
// appended without the ledger knowing, so that rows of slow transactions do not
// cause searches even in a burst.
const recentRecords = 1 << 16

// place is where an event stands in the log, and the digest of its draft.
type place struct {
	seq int64
	sum [sha256.Size]byte
}

// recent finds the last records by id, so that an event sent again gets the
// place it has. Events of records that it no longer holds are recognized by
// their time: horizon is the latest time among those records.
type recent struct {
	limit   int
	byID    map[string]place
	ring    []ringEntry
	next    int
	horizon time.Time
}

type ringEntry struct {
	id string
	ts time.Time
}

func newRecent(limit int) *recent {
	return &recent{limit: limit, byID: map[string]place{}}
}

// add remembers a record and forgets the oldest.
func (r *recent) add(id string, ts time.Time, p place) {
	r.byID[id] = p
	if len(r.ring) < r.limit {
		r.ring = append(r.ring, ringEntry{id, ts})
		return
	}
	old := r.ring[r.next]
	delete(r.byID, old.id)
	r.passed(old.ts)
	r.ring[r.next] = ringEntry{id, ts}
	r.next = (r.next + 1) % r.limit
}

// passed notes the time of a record that is in the log but not remembered.
func (r *recent) passed(ts time.Time) {
	if ts.After(r.horizon) {
		r.horizon = ts
	}
}

// older reports whether an event of this time may be in the log unremembered.
func (r *recent) older(ts time.Time) bool { return !ts.After(r.horizon) }

// draftSum is the digest of a canonical record or draft without its place in the
// log and whatever offset its time is written in. Both are told apart from the
// rest by position: seg, seq, ts and v are the last members, in this order, and
// a quote inside a text is escaped.
func draftSum(canonical []byte, ts time.Time) [sha256.Size]byte {
	body, _, placed := bytes.Cut(canonical, []byte(`"seg":"`))
	if !placed {
		body, _, _ = bytes.Cut(canonical, []byte(`"ts":"`))
	}
	h := sha256.New()
	h.Write(body)
	h.Write(strconv.AppendInt(nil, ts.UnixMicro(), 10))
	return [sha256.Size]byte(h.Sum(nil))
}

// ContentDigest is the SHA-256 by which a ledger row and the record made of it
// are compared: it leaves out the place in the log and the offset of the time.
// The error wraps ErrInvalid.
func (e Event) ContentDigest() ([sha256.Size]byte, error) {
	b, err := e.Canonical()
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	return draftSum(b, e.TS), nil
}

// draft is an event on its way into the log, with the digest of its draft form.
type draft struct {
	Event
	sum [sha256.Size]byte
}

// newDraft checks the event and takes its digest.
func newDraft(e Event) (draft, error) {
	sum, err := e.ContentDigest()
	return draft{e, sum}, err
}
