package audit

import (
	"context"
	"fmt"
	"time"
)

// segmentObject is the object type of a segment in retention.purged.
const segmentObject = "segment"

// minRetention is the least number of months that a record is kept.
const minRetention = 12

// Purge removes the segments of months before the given one, "2006-01", and
// records each with its range of numbers first. Tiles and checkpoints stay, so
// the log still verifies. now is the present time; a month that began less than
// a year before it, and the open month, are never removed. It returns the months
// removed.
func (w *Writer) Purge(ctx context.Context, before string, now time.Time) ([]string, error) {
	if floor := monthOf(now.In(w.opt.Location).AddDate(0, -minRetention, 0)); !isMonth(before) || before > floor {
		return nil, fmt.Errorf("purge audit records: limit %q is not a month up to %s", before, floor)
	}
	events, err := w.purgeable(ctx, before, now)
	if err != nil || len(events) == 0 {
		return nil, err
	}
	if _, err := w.Append(ctx, events); err != nil {
		return nil, err
	}
	// The signature covers the record of the purge before anything is gone.
	if _, err := w.Checkpoint(ctx); err != nil {
		return nil, err
	}
	w.indexing.Lock() // an index of a month that goes would be left behind
	defer w.indexing.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	var gone []string
	for _, e := range events {
		if err := w.dropIndex(e.Object.ID); err != nil {
			return gone, fmt.Errorf("purge index %s: %w", e.Object.ID, err)
		}
		if err := w.fs.Remove(e.Change.Path); err != nil {
			return gone, fmt.Errorf("purge segment %s: %w", e.Object.ID, err)
		}
		gone = append(gone, e.Object.ID)
	}
	if err := w.fs.SyncDir(segmentDir); err != nil {
		return gone, fmt.Errorf("purge audit records: %w", err)
	}
	return gone, nil
}

// purgeable makes the records of what is to be removed, oldest first.
func (w *Writer) purgeable(ctx context.Context, before string, now time.Time) ([]Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lock == nil {
		return nil, ErrClosed
	}
	list, err := months(w.fs, segmentDir, ".jsonl")
	if err != nil {
		return nil, err
	}
	var events []Event
	for i, month := range list {
		if month >= before || month >= w.month || i+1 == len(list) || len(events) == MaxBatch {
			break
		}
		first, ok, err := firstRecord(ctx, w.fs, month)
		if err != nil || !ok {
			return nil, fmt.Errorf("%w: segment %s does not begin with a record", ErrDamaged, month)
		}
		next, ok, err := firstRecord(ctx, w.fs, list[i+1])
		if err != nil || !ok {
			return nil, fmt.Errorf("%w: segment %s does not begin with a record", ErrDamaged, list[i+1])
		}
		events = append(events, Event{
			V: Version, TS: now, ID: w.ownID("purge " + month), Verb: VerbPurged, Outcome: Success,
			Actor: Actor{Type: ActorSystem}, Object: Object{Type: segmentObject, ID: month},
			Change:   Change{Path: segmentName(month), Before: fmt.Sprintf("%d-%d", first.Seq, next.Seq-1)},
			Articles: VerbPurged.Articles(),
		})
	}
	return events, nil
}
