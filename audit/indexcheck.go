package audit

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"slices"
)

// indexCheck makes the index files of a log again while Verify reads it.
type indexCheck struct {
	fs     fs.FS
	names  []string
	files  map[int64]stretch // by the first record that they say they are about
	open   stretch
	gather indexer
	last   stretch // the one compared before
}

// stretch is an index file that is to be compared.
type stretch struct {
	name    string
	month   string
	n       int
	records int64
}

// found takes an index file and reports whether its name is one.
func (c *indexCheck) found(name string) bool {
	_, _, ok := parseIndexName(name)
	if ok {
		c.names = append(c.names, name)
	}
	return ok
}

// load reads the headers. A file without one, and one of two about the same
// records, differ from what the records give.
func (c *indexCheck) load(fsys fs.FS, rep *Report) error {
	c.fs, c.files = fsys, map[int64]stretch{}
	s := search{fs: fsys}
	for _, name := range c.names {
		month, n, _ := parseIndexName(name)
		err := s.withIndex(month, n, func(x indexFile) error {
			if _, twice := c.files[x.first]; twice {
				return errIndex
			}
			c.files[x.first] = stretch{name, month, n, x.records}
			return nil
		})
		switch {
		case errors.Is(err, errIndex):
			rep.fault(FaultIndex, -1, -1, name)
		case err != nil && !errors.Is(err, fs.ErrNotExist): // purged since it was listed
			return err
		}
	}
	return nil
}

// add takes the next record, and compares the file whose last one it is.
func (c *indexCheck) add(rep *Report, e Event, at int64, length int) error {
	if f, ok := c.files[e.Seq]; ok && len(c.gather.records) == 0 {
		delete(c.files, e.Seq)
		c.open = f
	}
	if c.open.records == 0 {
		return nil
	}
	c.gather.add(e, at, length)
	if int64(len(c.gather.records)) < c.open.records {
		return nil
	}
	return c.compare(rep, e.Seg)
}

// compare holds a file against what its records give, and its name against its
// place: the stretches of a month follow each other by number.
func (c *indexCheck) compare(rep *Report, month string) error {
	f, want := c.open, c.gather.encode()
	c.open = stretch{}
	got, err := readSmall(c.fs, f.name, int64(len(want)))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil && !errors.Is(err, errLarge):
		return err
	case !bytes.Equal(got, want), f.month != month, c.last.month == month && f.n <= c.last.n:
		rep.fault(FaultIndex, -1, -1, f.name)
	}
	c.last = f
	return nil
}

// rest reports files about records that are not there, or not in one segment.
func (c *indexCheck) rest(rep *Report) {
	if c.open.records > 0 {
		rep.fault(FaultIndex, -1, -1, c.open.name)
	}
	for _, first := range slices.Sorted(maps.Keys(c.files)) {
		rep.fault(FaultIndex, -1, -1, c.files[first].name)
	}
}
