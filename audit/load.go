package audit

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	maxHistory = 64 << 20 // bytes of one month of checkpoints
	maxTorn    = 64 << 20 // bytes kept of a cut-off end
)

// load brings the Writer to the end of the log by these rules. Each file is
// written only after what it depends on was synced: segment, tiles, history,
// checkpoint. So after a crash an earlier one may be ahead of a later one and
// is caught up; a later one ahead of an earlier one is ErrDamaged.
func (w *Writer) load(ctx context.Context) error {
	if err := w.loadSigned(); err != nil {
		return err
	}
	list, err := months(w.fs, segmentDir, ".jsonl")
	if err != nil {
		return err
	}
	if list, err = w.dropUnfinished(ctx, list); err != nil {
		return err
	}
	if len(list) == 0 {
		if w.signed.Size > 0 {
			return fmt.Errorf("%w: no segment, but a checkpoint of %d records", ErrDamaged, w.signed.Size)
		}
		return nil
	}
	if err := w.loadTree(ctx, list); err != nil {
		return err
	}
	return w.loadSegments(ctx, list)
}

// loadSigned finds the last checkpoint in the history, cuts off an unfinished
// one and publishes the last if that had not happened yet.
func (w *Writer) loadSigned() error {
	list, err := months(w.fs, historyDir, ".txt")
	if err != nil {
		return err
	}
	var last Checkpoint
	for i := len(list) - 1; i >= 0 && last.Size == 0; i-- {
		b, err := readSmall(w.fs, historyName(list[i]), maxHistory)
		if err != nil {
			return fmt.Errorf("read checkpoint history: %w", err)
		}
		var end int
		if last, end, err = lastEntry(b, w.opt.Keys); err != nil {
			return fmt.Errorf("%w: history of %s: %w", ErrDamaged, list[i], err)
		}
		if torn := len(b) - end; torn > 0 && i < len(list)-1 {
			return fmt.Errorf("%w: history of %s ends unfinished", ErrDamaged, list[i])
		}
		if i == len(list)-1 {
			w.recovery.TornHistory = int64(len(b) - end)
			w.histMon = list[i]
			if w.history, err = openTail(w.fs, historyName(list[i]), int64(end), end < len(b)); err != nil {
				return err
			}
		}
	}
	w.signed, w.recorded = last, last.Size
	return w.republish()
}

// lastEntry returns the last checkpoint of a history and the length of its good
// entries. An unreadable last entry was being written when the crash came; that
// it was not published, republish checks. Earlier signatures are left to Verify.
func lastEntry(b []byte, keys Keys) (Checkpoint, int, error) {
	var before, start, end int
	for n := historyEnd(b); n > 0; n = historyEnd(b[end:]) {
		before, start, end = start, end, end+n
	}
	if end == 0 {
		return Checkpoint{}, 0, nil
	}
	c, err := OpenCheckpoint(b[start:end-1], keys)
	if err == nil {
		return c, end, nil
	}
	if start == 0 {
		return Checkpoint{}, 0, nil
	}
	c, err = OpenCheckpoint(b[before:start-1], keys)
	return c, start, err
}

// republish makes the published checkpoint that of the history.
func (w *Writer) republish() error {
	msg, err := readSmall(w.fs, checkpointFile, maxNote)
	if errors.Is(err, fs.ErrNotExist) {
		if w.signed.Size == 0 {
			return nil
		}
		return overwrite(w.fs, checkpointFile, w.signed.Note)
	}
	if err != nil {
		return err
	}
	c, err := OpenCheckpoint(msg, w.opt.Keys)
	if err != nil {
		return fmt.Errorf("%w: published checkpoint: %w", ErrDamaged, err)
	}
	switch {
	case c.Size > w.signed.Size:
		return fmt.Errorf("%w: published checkpoint of %d records is not in the history", ErrDamaged, c.Size)
	case c.Size == w.signed.Size && c.Root != w.signed.Root:
		return fmt.Errorf("%w: published checkpoint and history differ", ErrDamaged)
	case c.Size < w.signed.Size:
		return overwrite(w.fs, checkpointFile, w.signed.Note)
	}
	return nil
}

// dropUnfinished removes a last segment that does not begin with a whole
// record: its month had begun when the crash came, but nothing in it was
// acknowledged. A segment with signed records is never dropped.
func (w *Writer) dropUnfinished(ctx context.Context, list []string) ([]string, error) {
	if len(list) == 0 {
		return list, nil
	}
	month, earlier := list[len(list)-1], list[:len(list)-1]
	_, whole, err := firstRecord(ctx, w.fs, month)
	if whole {
		return list, nil
	}
	if err != nil && !errors.Is(err, ErrInvalid) {
		return nil, err
	}
	end, err := w.end(ctx, earlier)
	if err != nil {
		return nil, err
	}
	if end != w.signed.Size {
		return nil, fmt.Errorf("%w: segment %s does not begin with a record", ErrDamaged, month)
	}
	if err := w.keepTorn(month, end, 0); err != nil {
		return nil, err
	}
	if err := w.fs.Remove(segmentName(month)); err != nil {
		return nil, fmt.Errorf("remove unfinished segment: %w", err)
	}
	return earlier, w.fs.SyncDir(segmentDir)
}

// end returns the number of records up to the end of the last segment of list.
func (w *Writer) end(ctx context.Context, list []string) (int64, error) {
	if len(list) == 0 {
		return 0, nil
	}
	month := list[len(list)-1]
	first, whole, err := firstRecord(ctx, w.fs, month)
	if err != nil || !whole {
		return 0, fmt.Errorf("%w: segment %s does not begin with a record", ErrDamaged, month)
	}
	end := first.Seq
	_, _, err = scanSegment(ctx, w.fs, month, func([]byte, int64) error { end++; return nil })
	return end, err
}

// loadTree reads the tree of the last checkpoint from the tiles, or makes it
// again from the segments when the tiles do not give the signed root.
func (w *Writer) loadTree(ctx context.Context, list []string) error {
	size := w.signed.Size
	t, err := loadTree(w.fs, size)
	if err == nil && (size == 0 || t.root() == w.signed.Root) {
		w.tree = t
		return nil
	}
	t, err = w.replay(ctx, list, size, nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if t.size != size || t.root() != w.signed.Root {
		return fmt.Errorf("%w: segments do not give the root of the checkpoint of %d records", ErrDamaged, size)
	}
	if t, err = w.replay(ctx, list, size, w.writeTile); err != nil {
		return fmt.Errorf("write tiles again: %w", err)
	}
	for _, p := range t.partials() {
		if err := w.writeTile(p); err != nil {
			return fmt.Errorf("write tiles again: %w", err)
		}
	}
	w.tree, w.recovery.Rebuilt = t, true
	return nil
}

// replay builds the tree of the first size records from the segments, calling
// full for each complete tile. Where early segments were purged it begins with
// the tiles that remain of them.
func (w *Writer) replay(ctx context.Context, list []string, size int64, full func(tile) error) (tree, error) {
	first, _, err := firstRecord(ctx, w.fs, list[0])
	if err != nil {
		return tree{}, err
	}
	t, err := loadTree(w.fs, first.Seq)
	if err != nil {
		return tree{}, err
	}
	for _, month := range list {
		_, _, err := scanSegment(ctx, w.fs, month, func(line []byte, _ int64) error {
			if t.size == size {
				return errStop
			}
			t.add(tlog.RecordHash(line))
			for _, done := range t.full {
				if full == nil {
					break
				}
				if err := full(done); err != nil {
					return err
				}
			}
			t.full = t.full[:0]
			return nil
		})
		if err != nil {
			return tree{}, err
		}
	}
	return t, nil
}

// loadSegments remembers the last records, takes those after the checkpoint
// into the tree and opens the last segment for appending.
func (w *Writer) loadSegments(ctx context.Context, list []string) error {
	if n := len(list); n > 2 {
		w.recent.passed(monthEnd(list[n-3]))
	}
	if n := len(list); n > 1 {
		if err := w.remember(ctx, list[n-2]); err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	month := list[len(list)-1]
	first, _, err := firstRecord(ctx, w.fs, month)
	if err != nil {
		return err
	}
	if first.Seq > w.signed.Size {
		return fmt.Errorf("%w: segment %s begins at %d, but only %d records are signed", ErrDamaged, month, first.Seq, w.signed.Size)
	}
	good, cut, err := w.loadLast(ctx, month, first.Seq)
	if err != nil {
		return err
	}
	if cut {
		if err := w.keepTorn(month, w.tree.size, good); err != nil {
			return err
		}
	}
	w.month = month
	w.segment, err = openTail(w.fs, segmentName(month), good, cut)
	return err
}

// monthEnd is a time that no record of the month's segment exceeds, whatever
// its offset.
func monthEnd(month string) time.Time {
	t, err := time.Parse("2006-01", month)
	if err != nil {
		return time.Time{}
	}
	return t.AddDate(0, 1, 0).Add(24 * time.Hour)
}

// remember puts the records at the end of a segment into recent.
func (w *Writer) remember(ctx context.Context, month string) error {
	lines := 0
	if _, _, err := scanSegment(ctx, w.fs, month, func([]byte, int64) error { lines++; return nil }); err != nil {
		return err
	}
	_, _, err := scanSegment(ctx, w.fs, month, func(line []byte, _ int64) error {
		lines--
		return w.know(line, lines >= w.opt.remember)
	})
	return err
}

// know puts one signed record into recent, or only its time when it is early.
func (w *Writer) know(line []byte, early bool) error {
	if ts, ok := peekTime(line); ok && early {
		w.recent.passed(ts)
		return nil
	}
	e, err := ParseRecord(line)
	if err != nil {
		return err
	}
	w.note(e, draftSum(line, e.TS))
	return nil
}

// note keeps what the Writer must know of a record at the end of the log.
func (w *Writer) note(e Event, sum [sha256.Size]byte) {
	w.recent.add(e.ID, e.TS, place{e.Seq, sum})
	w.lastTS = e.TS
}

// loadLast reads the last segment. It returns how many bytes of it are good, and
// whether there are others after them, which is only possible after the last
// checkpoint: a batch whose sync was cut short.
func (w *Writer) loadLast(ctx context.Context, month string, first int64) (int64, bool, error) {
	f, err := w.fs.Open(segmentName(month))
	if err != nil {
		return 0, false, fmt.Errorf("open segment: %w", err)
	}
	defer f.Close()
	seq := first
	early := w.signed.Size - int64(w.opt.remember)
	good, torn, err := scanLines(ctx, f, func(line []byte, _ int64) error {
		seq++
		if seq <= w.signed.Size {
			return w.know(line, seq <= early)
		}
		e, err := ParseRecord(line)
		if err != nil || e.Seq != seq-1 || e.Seg != month {
			seq--
			return errStop
		}
		w.tree.add(tlog.RecordHash(line))
		w.recovery.TailRecords++
		return w.know(line, false)
	})
	if seq < w.signed.Size {
		return 0, false, fmt.Errorf("%w: segments end at %d, but %d records are signed", ErrDamaged, seq, w.signed.Size)
	}
	cut := torn > 0 || errors.Is(err, errStop) || errors.Is(err, errLong)
	if err != nil && !cut {
		return 0, false, fmt.Errorf("read segment %s: %w", month, err)
	}
	return good, cut, nil
}

// keepTorn copies the end of a segment that is about to be cut off to a file of
// its own, so that even a mistaken cut can be looked into.
func (w *Writer) keepTorn(month string, seq, from int64) error {
	f, err := w.fs.Open(segmentName(month))
	if err != nil {
		return fmt.Errorf("open segment: %w", err)
	}
	defer f.Close()
	if _, err := io.CopyN(io.Discard, f, from); err != nil {
		return fmt.Errorf("read segment %s: %w", month, err)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxTorn))
	if err != nil {
		return fmt.Errorf("read segment %s: %w", month, err)
	}
	if err := w.mkdir(tornDir); err != nil {
		return err
	}
	w.recovery.Segment, w.recovery.TornBytes = month, int64(len(b))
	return overwrite(w.fs, fmt.Sprintf("%s/%s-%012d.bin", tornDir, month, seq), b)
}
