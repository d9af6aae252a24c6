package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
)

// An index file answers which records of a stretch of one segment hold a term:
// an event, an actor, a receipt number, a digest. It is derived from the records
// and can be made again from them at any time; a reader holds what it finds
// against the records, and Verify holds the whole file against them, so that
// nothing can be hidden in it. All numbers are big-endian:
//
//	16 bytes  "sekisho-index 1\n"
//	40 bytes  first seq, offset of the first line, offset after the last,
//	          earliest and latest time in microseconds since 1970
//	 8 bytes  number of records, number of terms
//	16 each   records: time in microseconds, offset of the line
//	16 each   terms in order: hash, where their numbers begin, how many they are
//	 2 each   numbers of records within the stretch, ascending for each term

const (
	indexDir    = "index"
	indexMagic  = "sekisho-index 1\n"
	indexHeader = len(indexMagic) + 48
	// indexRecords is how many records of a segment one index file is about; the
	// last one of a closed segment has the rest.
	indexRecords = 1 << 12
	indexEntry   = 16
)

func indexName(month string, n int) string { return fmt.Sprintf("%s/%s-%05d.idx", indexDir, month, n) }

// parseIndexName reverses indexName.
func parseIndexName(name string) (month string, n int, ok bool) {
	base, ok := strings.CutSuffix(strings.TrimPrefix(name, indexDir+"/"), ".idx")
	if !ok || len(base) != 13 || !isMonth(base[:7]) {
		return "", 0, false
	}
	if _, err := fmt.Sscanf(base[8:], "%d", &n); err != nil || n < 0 || indexName(base[:7], n) != name {
		return "", 0, false
	}
	return base[:7], n, true
}

// term is the hash by which an index knows a value of a field. Two values may
// have the same, which only costs a look at a record.
func term(field, value string) uint64 {
	sum := sha256.Sum256([]byte(field + "\x00" + value))
	return binary.BigEndian.Uint64(sum[:8])
}

// terms returns what a record can be found by, without repetition.
func (e Event) terms() []uint64 {
	list := []uint64{term("event", string(e.Verb))}
	for _, t := range [...]struct{ field, value string }{
		{"actor", e.Actor.ID}, {"receipt", e.Object.ReceiptNo}, {"sha256", e.Object.Original}, {"sha256", e.Object.Sanitized},
		{"sender", strings.ToLower(e.Mail.Sender)}, {"request", e.Decision.RequestID},
	} {
		if h := term(t.field, t.value); t.value != "" && !slices.Contains(list, h) {
			list = append(list, h)
		}
	}
	return list
}

// terms returns what a record must have to be chosen: one of each list. A filter
// of time alone has none.
func (f Filter) terms() [][]uint64 {
	var all [][]uint64
	if len(f.Verbs) > 0 {
		var events []uint64
		for _, v := range verbs {
			if f.wants(v.Verb) {
				events = append(events, term("event", string(v.Verb)))
			}
		}
		all = append(all, events)
	}
	for _, t := range [...]struct{ field, value string }{
		{"actor", f.Actor}, {"receipt", f.Receipt}, {"sha256", f.SHA256}, {"sender", strings.ToLower(f.Sender)}, {"request", f.Request},
	} {
		if t.value != "" {
			all = append(all, []uint64{term(t.field, t.value)})
		}
	}
	return all
}

// indexer gathers the records of one index file.
type indexer struct {
	first    int64
	from, to int64 // offsets in the segment
	records  []indexed
	terms    map[uint64][]uint16
}

// indexed is one record in an index.
type indexed struct {
	micros int64
	offset int64
}

// add takes the next record, whose line of the given length begins at offset.
func (x *indexer) add(e Event, offset int64, length int) {
	if len(x.records) == 0 {
		x.first, x.from, x.terms = e.Seq, offset, map[uint64][]uint16{}
	}
	n := uint16(len(x.records))
	x.records = append(x.records, indexed{e.TS.UnixMicro(), offset})
	for _, t := range e.terms() {
		x.terms[t] = append(x.terms[t], n)
	}
	x.to = offset + int64(length) + 1
}

// encode returns the file, and empties x.
func (x *indexer) encode() []byte {
	b := append(make([]byte, 0, indexHeader+len(x.records)*3*indexEntry), indexMagic...)
	early, late := x.records[0].micros, x.records[0].micros
	for _, r := range x.records {
		early, late = min(early, r.micros), max(late, r.micros)
	}
	for _, n := range []int64{x.first, x.from, x.to, early, late} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(x.records)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(x.terms)))
	for _, r := range x.records {
		b = binary.BigEndian.AppendUint64(b, uint64(r.micros))
		b = binary.BigEndian.AppendUint64(b, uint64(r.offset))
	}
	hashes := make([]uint64, 0, len(x.terms))
	for h := range x.terms {
		hashes = append(hashes, h)
	}
	slices.Sort(hashes)
	var numbers []byte
	for _, h := range hashes {
		b = binary.BigEndian.AppendUint64(b, h)
		b = binary.BigEndian.AppendUint32(b, uint32(len(numbers)/2))
		b = binary.BigEndian.AppendUint32(b, uint32(len(x.terms[h])))
		for _, n := range x.terms[h] {
			numbers = binary.BigEndian.AppendUint16(numbers, n)
		}
	}
	*x = indexer{}
	return append(b, numbers...)
}

// errIndex says that a file is not an index, or was cut or changed. What it is
// about is then read from the segment.
var errIndex = errors.New("not an index file")

// indexFile is an open index file; only what is asked for is read.
type indexFile struct {
	r              io.ReaderAt
	size           int64
	first          int64
	from, to       int64
	early, late    int64
	records, terms int64
}

// openIndex reads the header of a file and checks that the sizes fit.
func openIndex(r io.ReaderAt, size int64) (indexFile, error) {
	b := make([]byte, indexHeader)
	if _, err := r.ReadAt(b, 0); err != nil || !bytes.HasPrefix(b, []byte(indexMagic)) {
		return indexFile{}, errIndex
	}
	n := func(i int) int64 { return int64(binary.BigEndian.Uint64(b[len(indexMagic)+8*i:])) }
	x := indexFile{r: r, size: size, first: n(0), from: n(1), to: n(2), early: n(3), late: n(4)}
	x.records = int64(binary.BigEndian.Uint32(b[indexHeader-8:]))
	x.terms = int64(binary.BigEndian.Uint32(b[indexHeader-4:]))
	if x.records < 1 || x.records > indexRecords || x.from < 0 || x.to <= x.from || x.first < 0 || x.numbersAt() > size || (size-x.numbersAt())%2 != 0 {
		return indexFile{}, errIndex
	}
	return x, nil
}

func (x indexFile) termsAt() int64   { return int64(indexHeader) + x.records*indexEntry }
func (x indexFile) numbersAt() int64 { return x.termsAt() + x.terms*indexEntry }

// entry reads an entry of one of the two tables.
func (x indexFile) entry(at int64) ([indexEntry]byte, error) {
	var b [indexEntry]byte
	if _, err := x.r.ReadAt(b[:], at); err != nil {
		return b, errIndex
	}
	return b, nil
}

// record returns where a record stands.
func (x indexFile) record(n uint16) (indexed, error) {
	if int64(n) >= x.records {
		return indexed{}, errIndex
	}
	b, err := x.entry(int64(indexHeader) + int64(n)*indexEntry)
	r := indexed{int64(binary.BigEndian.Uint64(b[:8])), int64(binary.BigEndian.Uint64(b[8:]))}
	if err == nil && (r.offset < x.from || r.offset >= x.to) {
		err = errIndex
	}
	return r, err
}

// times returns the times and places of all records.
func (x indexFile) all() ([]indexed, error) {
	b := make([]byte, x.records*indexEntry)
	if _, err := x.r.ReadAt(b, int64(indexHeader)); err != nil {
		return nil, errIndex
	}
	list := make([]indexed, x.records)
	for i := range list {
		list[i] = indexed{int64(binary.BigEndian.Uint64(b[i*indexEntry:])), int64(binary.BigEndian.Uint64(b[i*indexEntry+8:]))}
		if list[i].offset < x.from || list[i].offset >= x.to {
			return nil, errIndex
		}
	}
	return list, nil
}

// having returns the numbers of the records with a term.
func (x indexFile) having(want uint64) ([]uint16, error) {
	var fault error
	var found [indexEntry]byte
	n := sort.Search(int(x.terms), func(i int) bool {
		b, err := x.entry(x.termsAt() + int64(i)*indexEntry)
		if err != nil {
			fault = err
		}
		return binary.BigEndian.Uint64(b[:8]) >= want
	})
	if fault != nil || int64(n) == x.terms {
		return nil, fault
	}
	found, err := x.entry(x.termsAt() + int64(n)*indexEntry)
	if err != nil || binary.BigEndian.Uint64(found[:8]) != want {
		return nil, err
	}
	at, count := x.numbersAt()+2*int64(binary.BigEndian.Uint32(found[8:])), int64(binary.BigEndian.Uint32(found[12:]))
	if count < 1 || count > x.records || at+2*count > x.size {
		return nil, errIndex
	}
	b := make([]byte, 2*count)
	if _, err := x.r.ReadAt(b, at); err != nil {
		return nil, errIndex
	}
	list := make([]uint16, count)
	for i := range list {
		list[i] = binary.BigEndian.Uint16(b[2*i:])
	}
	return list, nil
}

// chosen returns the numbers of the records that have one term of each list and
// lie in the time, in order.
func (x indexFile) chosen(terms [][]uint64, f Filter) ([]uint16, error) {
	if len(terms) == 0 {
		return x.within(f)
	}
	var list []uint16
	for i, any := range terms {
		var one []uint16
		for _, t := range any {
			more, err := x.having(t)
			if err != nil {
				return nil, err
			}
			one = append(one, more...)
		}
		slices.Sort(one)
		if one = slices.Compact(one); i > 0 {
			one = slices.DeleteFunc(one, func(n uint16) bool {
				_, both := slices.BinarySearch(list, n)
				return !both
			})
		}
		if list = one; len(list) == 0 {
			return nil, nil
		}
	}
	return list, nil
}

// within returns the records of a time.
func (x indexFile) within(f Filter) ([]uint16, error) {
	all, err := x.all()
	if err != nil {
		return nil, err
	}
	var list []uint16
	for i, r := range all {
		if f.inTime(r.micros) {
			list = append(list, uint16(i))
		}
	}
	return list, nil
}

// inTime reports whether a time in microseconds is one that the filter wants.
func (f Filter) inTime(micros int64) bool {
	return (f.Since.IsZero() || micros >= f.Since.UnixMicro()) && (f.Until.IsZero() || micros < f.Until.UnixMicro())
}
