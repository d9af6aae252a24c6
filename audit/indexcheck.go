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
	files   map[string]bool // those there are and have not been compared
	gather  indexer
	stretch int // number within the month
}

// found takes an index file and reports whether its name is one.
func (c *indexCheck) found(name string) bool {
	if _, _, ok := parseIndexName(name); !ok {
		return false
	}
	if c.files == nil {
		c.files = map[string]bool{}
	}
	c.files[name] = true
	return true
}

// add takes the next record and reports whether it ends a stretch.
func (c *indexCheck) add(e Event, at int64, length int) bool {
	if len(c.files) == 0 {
		return false
	}
	c.gather.add(e, at, length)
	return c.gather.full()
}

// end begins the next month.
func (c *indexCheck) end() { c.gather, c.stretch = indexer{}, 0 }

// rest reports files about records that are not there.
func (c *indexCheck) rest(rep *Report) {
	for _, name := range slices.Sorted(maps.Keys(c.files)) {
		rep.fault(FaultIndex, -1, -1, name)
	}
}

// compareIndex holds the file of the stretch that ends here against its records.
// One that is not there was not made yet, or can be made again.
func (v *verifier) compareIndex(month string) error {
	name := indexName(month, v.index.stretch)
	v.index.stretch++
	if len(v.index.gather.records) == 0 || !v.index.files[name] {
		v.index.gather = indexer{}
		return nil
	}
	delete(v.index.files, name)
	want := v.index.gather.encode()
	got, err := readSmall(v.fs, name, int64(len(want)))
	switch {
	case errors.Is(err, fs.ErrNotExist): // purged since it was listed
	case err != nil && !errors.Is(err, errLarge):
		return err
	case !bytes.Equal(got, want):
		v.rep.fault(FaultIndex, -1, -1, name)
	}
	return nil
}
