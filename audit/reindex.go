package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// Index makes the index files that are missing for signed records: of each full
// stretch, and of the rest of a closed month. It may be called at any time beside
// Append, returns how many it made, and fails without harm to the log. At most
// one call runs at a time.
func (w *Writer) Index(ctx context.Context) (int, error) {
	w.indexing.Lock()
	defer w.indexing.Unlock()
	w.mu.Lock()
	signed, open, closed := w.signed.Size, w.month, w.lock == nil
	w.mu.Unlock()
	if closed {
		return 0, ErrClosed
	}
	list, err := months(w.fs, segmentDir, ".jsonl")
	if err != nil {
		return 0, fmt.Errorf("index audit records: %w", err)
	}
	made := 0
	for _, month := range list {
		if w.indexed[month] {
			continue
		}
		n, err := w.indexMonth(ctx, month, signed, month == open)
		if made += n; err != nil {
			return made, fmt.Errorf("index audit records of %s: %w", month, err)
		}
	}
	return made, nil
}

// indexMonth makes what is missing of one month.
func (w *Writer) indexMonth(ctx context.Context, month string, signed int64, open bool) (int, error) {
	n, from, seq, err := w.indexEnd(ctx, month)
	if err != nil {
		return 0, err
	}
	if open && signed-seq < int64(w.opt.stretch) {
		return 0, nil
	}
	file, err := w.fs.Open(segmentName(month))
	if err != nil {
		return 0, err
	}
	defer file.Close()
	lines, ok := file.(io.ReaderAt)
	if !ok {
		return 0, errors.New("the segment cannot be read at a place")
	}
	made := 0
	var x indexer
	_, _, err = scanLines(ctx, io.NewSectionReader(lines, from, 1<<62), func(line []byte, at int64) error {
		e, err := ParseRecord(line)
		if err != nil || e.Seq >= signed {
			return errors.Join(err, errStop)
		}
		if x.add(e, from+at, len(line)); len(x.records) < w.opt.stretch {
			return nil
		}
		made++
		n++
		return w.writeIndex(month, n-1, &x)
	})
	if err != nil && (!errors.Is(err, errStop) || errors.Is(err, ErrInvalid)) {
		return made, err
	}
	if open {
		return made, nil
	}
	if len(x.records) > 0 {
		made++
		err = w.writeIndex(month, n, &x)
	}
	if err == nil || errors.Is(err, errStop) {
		w.indexed[month] = true
		err = nil
	}
	return made, err
}

// indexEnd finds how many index files a month has, and with which byte and record
// the next one begins.
func (w *Writer) indexEnd(ctx context.Context, month string) (n int, from, seq int64, err error) {
	first, ok, err := firstRecord(ctx, w.fs, month)
	if err != nil || !ok {
		return 0, 0, 0, err
	}
	seq = first.Seq
	s := search{ctx: ctx, fs: w.fs}
	for ; ; n++ {
		err := s.withIndex(month, n, func(x indexFile) error {
			if x.first != seq || x.from != from {
				return errIndex
			}
			from, seq = x.to, x.first+x.records
			return nil
		})
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errIndex) {
			return n, from, seq, nil
		}
		if err != nil {
			return 0, 0, 0, err
		}
	}
}

func (w *Writer) writeIndex(month string, n int, x *indexer) error {
	if err := makeDirs(w.fs, indexDir); err != nil {
		return err
	}
	return overwrite(w.fs, indexName(month, n), x.encode())
}

// dropIndex removes the index files of a month.
func (w *Writer) dropIndex(month string) error {
	names, err := readDir(w.fs, indexDir)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	for _, name := range names {
		if m, _, ok := parseIndexName(indexDir + "/" + name); ok && m == month {
			if err := w.fs.Remove(indexDir + "/" + name); err != nil {
				return err
			}
		}
	}
	return w.fs.SyncDir(indexDir)
}
