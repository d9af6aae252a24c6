package pdfread

import "bytes"

// table says where the objects of a file are (ISO 32000-2, 7.5.4 to 7.5.8).
type table struct {
	data   []byte // from the header on: offsets count from there
	places map[int]entry
	root   any
	locked bool // the file is encrypted, so that object streams cannot be read

	left     int   // steps that may still be taken
	inflated int64 // bytes of streams that may still be read
	streams  map[int]objectStream
}

// entry is where an object is: at an offset, or at an index of an object
// stream. The zero entry is nowhere.
type entry struct {
	offset   int
	in       int // the stream's number
	index    int
	standing bool
}

func newTable(data []byte) *table {
	return &table{data: data, places: map[int]entry{}, left: maxSteps, inflated: maxInflated, streams: map[int]objectStream{}}
}

// Limits of reading the table.
const (
	maxSections = 4096
	maxSteps    = 4_000_000
	maxEntries  = 1_000_000 // more are not seen
)

// readTable reads the table of a file, nil when it is not as it should be: the
// engine repairs such files, as repaired does.
func readTable(data []byte) *table {
	start := bytes.Index(data[:min(len(data), 1024)], []byte("%PDF-"))
	end := bytes.LastIndex(data, []byte("startxref"))
	if start < 0 || end < 0 {
		return nil
	}
	t := newTable(data[start:])
	l := &lexer{b: data, at: end + len("startxref"), left: &t.left}
	next, ok := l.digits()
	for range maxSections {
		if !ok || next <= 0 || next >= len(t.data) {
			return nil
		}
		before := t.section(next)
		if before == nil {
			return nil
		}
		if next, ok = before["Prev"].(int); before["Prev"] == nil {
			return t
		}
	}
	return nil // it turns in a circle
}

// section reads one section of the table, the newest first, and returns its
// trailer, nil when it is not as it should be.
func (t *table) section(at int) map[name]any {
	l := &lexer{b: t.data, at: at, left: &t.left}
	if l.takes("xref") {
		for !l.takes("trailer") {
			if !t.rows(l) {
				return nil
			}
		}
		trailer, _ := l.object(0).(map[name]any)
		if hybrid, ok := trailer["XRefStm"].(int); ok && hybrid > 0 && hybrid < len(t.data) {
			t.stream(hybrid)
		}
		return t.trailer(trailer)
	}
	return t.trailer(t.stream(at))
}

// trailer takes what is wanted from a trailer or a stream in its place.
func (t *table) trailer(d map[name]any) map[name]any {
	if t.root == nil {
		t.root = d["Root"]
	}
	t.locked = t.locked || d["Encrypt"] != nil
	return d
}

// rows reads one subsection of a plain table.
func (t *table) rows(l *lexer) bool {
	first, ok := l.digits()
	n, ok2 := l.digits()
	if !ok || !ok2 || first < 0 || n < 0 {
		return false
	}
	for i := range n {
		offset, ok := l.digits()
		_, ok2 := l.digits()
		used := l.takes("n")
		if t.left--; !ok || !ok2 || !used && !l.takes("f") || t.left < 0 {
			return false
		}
		t.put(first+i, entry{offset: offset, standing: used})
	}
	return true
}

// put notes an object unless a newer section has it.
func (t *table) put(n int, p entry) {
	if _, known := t.places[n]; !known {
		t.set(n, p)
	}
}

// set notes an object.
func (t *table) set(n int, p entry) {
	if len(t.places) >= maxEntries {
		t.left = 0
		return
	}
	t.places[n] = p
}

// stream reads a table that is a stream (7.5.8), nil when there is none.
func (t *table) stream(at int) map[name]any {
	d, body := t.streamAt(at)
	widths, _ := d["W"].([]any)
	size, ok := d["Size"].(int)
	if !ok || len(widths) != 3 {
		return nil
	}
	var w [3]int
	for i := range w {
		if w[i], ok = widths[i].(int); !ok || w[i] < 0 || w[i] > 8 {
			return nil
		}
	}
	index, ok := d["Index"].([]any)
	if !ok {
		index = []any{0, size}
	}
	for ; len(index) >= 2; index = index[2:] {
		first, ok := index[0].(int)
		n, ok2 := index[1].(int)
		if !ok || !ok2 || first < 0 {
			return nil
		}
		if body, ok = t.entries(body, first, n, w); !ok {
			return nil
		}
	}
	return d
}

// entries reads n rows of three numbers, w bytes each.
func (t *table) entries(body []byte, first, n int, w [3]int) ([]byte, bool) {
	for i := range max(0, n) {
		if t.left--; len(body) < max(1, w[0]+w[1]+w[2]) || t.left < 0 {
			return nil, false
		}
		var v [3]int
		for k, width := range w {
			for _, c := range body[:width] {
				v[k] = v[k]<<8 | int(c)
			}
			body = body[width:]
		}
		if w[0] == 0 {
			v[0] = 1 // without a type all are plain
		}
		switch v[0] {
		case 0:
			t.put(first+i, entry{})
		case 1:
			t.put(first+i, entry{offset: v[1], standing: true})
		case 2:
			t.put(first+i, entry{in: v[1], index: v[2], standing: true})
		}
	}
	return body, true
}

// streamAt reads the stream object at an offset: its dictionary and its data,
// both nil when there is none that we can read.
func (t *table) streamAt(at int) (map[name]any, []byte) {
	l := &lexer{b: t.data, at: at, left: &t.left}
	if !l.head(nil) {
		return nil, nil
	}
	d, _ := l.object(0).(map[name]any)
	if d == nil || !l.takes("stream") {
		return nil, nil
	}
	body := bytes.TrimPrefix(bytes.TrimPrefix(t.data[l.at:], []byte("\r")), []byte("\n"))
	filter := d["Filter"]
	if list, ok := filter.([]any); ok && len(list) == 1 {
		filter = list[0]
	}
	parms := d["DecodeParms"]
	if list, ok := parms.([]any); ok && len(list) == 1 {
		parms = list[0]
	}
	switch {
	case filter == nil:
		n, _ := d["Length"].(int)
		body = body[:min(max(0, n), len(body))]
	case filter == name("FlateDecode"):
		body = inflate(body, t.inflated) // its end is in it
		t.inflated -= int64(len(body))
	default:
		return nil, nil
	}
	p, _ := parms.(map[name]any)
	return d, unpredicted(body, p)
}

// head passes over "12 0 obj", of the number n unless that is nil.
func (l *lexer) head(n *int) bool {
	number, ok := l.digits()
	_, ok2 := l.digits()
	return ok && ok2 && (n == nil || *n == number) && l.takes("obj")
}
