package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

// Page says which of the records that a filter chooses are wanted.
type Page struct {
	Limit  int   // at most so many, from 1
	Newest bool  // the latest first
	After  int64 // go on behind the record of this number; -1 from the beginning
}

// errEnough ends a search when a page is full.
var errEnough = errors.New("enough")

// Search calls visit for the records that the filter chooses, as Select does, by
// the index files where there are some; what has none is read through. It
// returns the number to go on behind, -1 when there are no more. It does not
// verify: Verify does, and finds an index that hides something.
func Search(ctx context.Context, fsys fs.FS, f Filter, p Page, visit func(line []byte, e Event) error) (int64, error) {
	list, err := months(fsys, segmentDir, ".jsonl")
	if err != nil {
		return -1, fmt.Errorf("search audit records: %w", err)
	}
	s := search{ctx: ctx, fs: fsys, filter: f, terms: f.terms(), page: p, visit: visit}
	if p.Newest {
		slices.Reverse(list)
	}
	for _, month := range list {
		if err = s.segment(month); err != nil {
			break
		}
	}
	switch {
	case errors.Is(err, errEnough):
		return s.last, nil
	case err != nil:
		return -1, fmt.Errorf("search audit records: %w", err)
	}
	return -1, nil
}

// search is one search.
type search struct {
	ctx    context.Context
	fs     fs.FS
	filter Filter
	terms  [][]uint64
	page   Page
	visit  func(line []byte, e Event) error

	lines io.ReaderAt // the open segment
	n     int
	last  int64
}

// segment searches the segment of a month: its indexed stretches and the rest.
func (s *search) segment(month string) error {
	file, err := s.fs.Open(segmentName(month))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // purged since
	}
	if err != nil {
		return err
	}
	defer file.Close()
	var ok bool
	if s.lines, ok = file.(io.ReaderAt); !ok {
		return errors.New("the segment cannot be read at a place")
	}
	st, err := file.Stat()
	if err != nil {
		return err
	}
	var parts []func() error
	var end int64
	for n := 0; ; n++ {
		from, to, err := s.stretch(month, n)
		if errors.Is(err, errIndex) || errors.Is(err, fs.ErrNotExist) || err == nil && (from != end || to > st.Size()) {
			break
		}
		if err != nil {
			return err
		}
		end = to
		parts = append(parts, func() error { return s.indexed(month, n) })
	}
	parts = append(parts, func() error { return s.read(end, st.Size()) })
	if s.page.Newest {
		slices.Reverse(parts)
	}
	for _, part := range parts {
		if err := errors.Join(s.ctx.Err(), part()); err != nil {
			return err
		}
	}
	return nil
}

// stretch returns which bytes of the segment an index file is about.
func (s *search) stretch(month string, n int) (from, to int64, err error) {
	err = s.withIndex(month, n, func(x indexFile) error {
		from, to = x.from, x.to
		return nil
	})
	return from, to, err
}

func (s *search) withIndex(month string, n int, f func(indexFile) error) error {
	file, err := s.fs.Open(indexName(month, n))
	if err != nil {
		return err
	}
	defer file.Close()
	r, ok := file.(io.ReaderAt)
	st, err := file.Stat()
	if err != nil || !ok {
		return errIndex
	}
	x, err := openIndex(r, st.Size())
	if err != nil {
		return err
	}
	return f(x)
}

// indexed searches a stretch by its index, or reads it when the index is broken.
func (s *search) indexed(month string, n int) error {
	var from, to int64
	var places []int64
	err := s.withIndex(month, n, func(x indexFile) error {
		from, to = x.from, x.to
		if !s.filter.overlaps(x.early, x.late) || s.passed(x.first, x.first+x.records-1) {
			return nil
		}
		list, err := x.chosen(s.terms, s.filter)
		for _, m := range list {
			r, err := x.record(m)
			if err != nil {
				return err
			}
			if s.filter.inTime(r.micros) && !s.passed(x.first+int64(m), x.first+int64(m)) {
				places = append(places, r.offset)
			}
		}
		return err
	})
	if errors.Is(err, errIndex) && to > from {
		return s.read(from, to)
	}
	if err != nil {
		return err
	}
	return s.visitAll(places)
}

// overlaps reports whether the filter's time and that of a stretch have a moment
// in common.
func (f Filter) overlaps(early, late int64) bool {
	return (f.Since.IsZero() || late >= f.Since.UnixMicro()) && (f.Until.IsZero() || early < f.Until.UnixMicro())
}

// passed reports whether the page begins after all the records from first to last.
func (s *search) passed(first, last int64) bool {
	switch {
	case s.page.After < 0:
		return false
	case s.page.Newest:
		return first >= s.page.After
	}
	return last <= s.page.After
}

// visitAll visits the records at the given offsets, which ascend.
func (s *search) visitAll(places []int64) error {
	if s.page.Newest {
		slices.Reverse(places)
	}
	buf := make([]byte, 2048)
	for i, at := range places {
		if i%256 == 0 && s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		line, err := s.lineAt(at, &buf)
		if err != nil {
			return err
		}
		if err := s.take(line); err != nil {
			return err
		}
	}
	return nil
}

// lineAt reads the line that begins at a place.
func (s *search) lineAt(at int64, buf *[]byte) ([]byte, error) {
	for {
		n, err := s.lines.ReadAt(*buf, at)
		if end := slices.Index((*buf)[:n], '\n'); end >= 0 {
			return (*buf)[:end], nil
		}
		if err != nil || len(*buf) > MaxRecord {
			return nil, fmt.Errorf("no record at byte %d of a segment", at)
		}
		*buf = make([]byte, 4*len(*buf))
	}
}

// take visits a record if the filter chooses it.
func (s *search) take(line []byte) error {
	e, err := ParseRecord(line)
	if err != nil || !s.filter.Match(e) || s.passed(e.Seq, e.Seq) {
		return err
	}
	if s.n == s.page.Limit {
		return errEnough
	}
	s.n++
	s.last = e.Seq
	return s.visit(line, e)
}

// read searches bytes of the segment that no index is about.
func (s *search) read(from, to int64) error {
	need := s.filter.words()
	var places []int64
	_, _, err := scanLines(s.ctx, io.NewSectionReader(s.lines, from, to-from), func(line []byte, at int64) error {
		for _, w := range need {
			if !w(line) {
				return nil
			}
		}
		if t, ok := peekTime(line); ok && !s.filter.inTime(t.UnixMicro()) {
			return nil
		}
		places = append(places, from+at)
		return nil
	})
	if err != nil {
		return err
	}
	return s.visitAll(places)
}
