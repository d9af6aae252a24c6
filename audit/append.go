package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Append gives each event its place and makes it durable, in the order given:
// when it returns without error, the segment holding them was synced. It returns
// the sequence number of each event. An event that is in the log already, by id,
// keeps the place it has; appending the same events again is therefore harmless,
// and is what a caller does after an error, which may leave some of them
// appended. At most MaxBatch events. Errors wrap ErrInvalid, ErrConflict,
// ErrFull or ErrClosed where these apply.
func (w *Writer) Append(ctx context.Context, events []Event) ([]int64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lock == nil {
		return nil, ErrClosed
	}
	if len(events) > MaxBatch {
		return nil, fmt.Errorf("append audit records: %d events in a batch of at most %d", len(events), MaxBatch)
	}
	drafts, err := w.normalize(events)
	if err != nil {
		return nil, fmt.Errorf("append audit records: %w", err)
	}
	seqs, fresh, err := w.known(ctx, drafts)
	if err != nil {
		return nil, fmt.Errorf("append audit records: %w", err)
	}
	if err := w.refill(); err != nil {
		return nil, fmt.Errorf("append audit records: %w", err)
	}
	for len(fresh) > 0 {
		n, err := w.appendRun(drafts, fresh, seqs)
		if err != nil {
			w.lastWords(err, drafts[fresh[0]].TS)
			return nil, fmt.Errorf("append audit records: %w", err)
		}
		fresh = fresh[n:]
	}
	return seqs, nil
}

// normalize puts times into the log's location and checks every event, so that
// nothing is written when one of them is invalid.
func (w *Writer) normalize(events []Event) ([]draft, error) {
	drafts := make([]draft, len(events))
	ids := make(map[string]bool, len(events))
	for i, e := range events {
		e.TS = e.TS.In(w.opt.Location).Truncate(time.Microsecond)
		e.Seq, e.Seg = 0, ""
		d, err := newDraft(e)
		if err != nil {
			return nil, fmt.Errorf("event %d of the batch: %w", i, err)
		}
		if ids[e.ID] {
			return nil, fmt.Errorf("event %d of the batch: %w: id repeated", i, ErrInvalid)
		}
		ids[e.ID] = true
		drafts[i] = d
	}
	return drafts, nil
}

// known finds the events that are in the log already. It returns the places and
// the indices of those that have none yet.
func (w *Writer) known(ctx context.Context, drafts []draft) ([]int64, []int, error) {
	seqs := make([]int64, len(drafts))
	var fresh []int
	old := map[string]place{}
	var unsure []draft
	for _, e := range drafts {
		if _, ok := w.recent.byID[e.ID]; !ok && w.recent.older(e.TS) {
			unsure = append(unsure, e)
		}
	}
	if len(unsure) > 0 {
		var err error
		if old, err = w.search(ctx, unsure); err != nil {
			return nil, nil, err
		}
	}
	for i, e := range drafts {
		p, ok := w.recent.byID[e.ID]
		if !ok {
			p, ok = old[e.ID]
		}
		if !ok {
			fresh = append(fresh, i)
			continue
		}
		if e.sum != p.sum {
			return nil, nil, fmt.Errorf("event %s: %w", e.ID, ErrConflict)
		}
		seqs[i] = p.seq
	}
	return seqs, fresh, nil
}

// search looks through the segments for events too old to be remembered: rows
// that come again after a ledger was restored from a backup.
func (w *Writer) search(ctx context.Context, events []draft) (map[string]place, error) {
	times, ids := map[int64]bool{}, map[string]bool{}
	earliest := monthOf(events[0].TS)
	for _, e := range events {
		times[e.TS.UnixMicro()], ids[e.ID] = true, true
		// A month is one too early when the log's location was another one then.
		earliest = min(earliest, monthOf(e.TS.Add(-24*time.Hour)))
	}
	list, err := months(w.fs, segmentDir, ".jsonl")
	if err != nil {
		return nil, err
	}
	found := map[string]place{}
	for _, month := range list {
		if month < earliest {
			continue
		}
		_, _, err := scanSegment(ctx, w.fs, month, func(line []byte, _ int64) error {
			if ts, ok := peekTime(line); !ok || !times[ts.UnixMicro()] {
				return nil
			}
			e, err := ParseRecord(line)
			if err != nil || !ids[e.ID] {
				return err
			}
			found[e.ID] = place{e.Seq, draftSum(line, e.TS)}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("search earlier records: %w", err)
		}
	}
	return found, nil
}

// appendRun writes the events at the head of fresh that go into one segment and
// returns how many they were. A record stays in the open segment even when its
// own month is over: segments are in order of sequence.
func (w *Writer) appendRun(drafts []draft, fresh []int, seqs []int64) (int, error) {
	month := max(w.month, monthOf(drafts[fresh[0]].TS))
	if month != w.month {
		if err := w.roll(month); err != nil {
			return 0, err
		}
	}
	var batch []draft
	if w.segment.size == 0 && w.tree.size > 0 {
		seam, err := newDraft(w.seam(drafts[fresh[0]].TS))
		if err != nil {
			return 0, err
		}
		batch = append(batch, seam)
	}
	n := 0
	for _, i := range fresh {
		if max(month, monthOf(drafts[i].TS)) != month {
			break
		}
		seqs[i] = w.tree.size + int64(len(batch))
		batch = append(batch, drafts[i])
		n++
	}
	return n, w.write(batch)
}

// write appends placed records to the open segment, then to the tree.
func (w *Writer) write(batch []draft) error {
	var lines []byte
	var leaves []tlog.Hash
	for i := range batch {
		batch[i].Seq, batch[i].Seg = w.tree.size+int64(i), w.month
		b, err := batch[i].Canonical()
		if err != nil {
			return err
		}
		lines = append(append(lines, b...), '\n')
		leaves = append(leaves, tlog.RecordHash(b))
	}
	if err := w.segment.add(lines); err != nil {
		return fmt.Errorf("segment %s: %w", w.month, err)
	}
	for i, e := range batch {
		w.tree.add(leaves[i])
		w.note(e.Event, e.sum)
	}
	return nil
}

// roll signs the tree as it is and begins the segment of a month.
func (w *Writer) roll(month string) error {
	if w.tree.size > 0 {
		if err := w.publish(); err != nil {
			return fmt.Errorf("close segment %s: %w", w.month, err)
		}
	}
	next, err := openTail(w.fs, segmentName(month), 0, true)
	if err != nil {
		return err
	}
	old := w.segment
	w.segment, w.month = next, month
	if err := old.close(); err != nil {
		return fmt.Errorf("close segment: %w", err)
	}
	return nil
}

// seam is the first record of a segment: the checkpoint of all before it.
func (w *Writer) seam(ts time.Time) Event {
	return Event{
		V: Version, TS: ts, ID: w.ownID("seam"), Verb: VerbCheckpoint, Outcome: Success,
		Actor: Actor{Type: ActorSystem}, Checkpoint: w.signed.Signed(), Articles: VerbCheckpoint.Articles(),
	}
}

// ownID is the id of a record that the Writer itself makes: no two are equal,
// and making it again gives the same.
func (w *Writer) ownID(kind string) string {
	sum := sha256.Sum256([]byte(kind + "\n" + w.opt.Signer.Name() + "\n" + strconv.FormatInt(w.tree.size, 10)))
	return hex.EncodeToString(sum[:16])
}
