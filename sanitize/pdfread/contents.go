package pdfread

import (
	"bytes"
	"compress/flate"
	"encoding/ascii85"
	"encoding/binary"
	"hash/adler32"
	"io"
)

// The engine draws what it can read of a page's content (ISO 32000-2, 7.8.2)
// and says nothing of what it cannot: a page whose stream is damaged in its
// middle lacks its lower half. So the streams are read once more, to their ends.

// reach is how far a page's content can be read. The zero reach is not at all.
type reach uint8

const (
	cutShort reach = iota // a part is missing or damaged
	unread                // there is something that we cannot read
	toItsEnd
)

// maxContents bounds the bytes of contents that are read again, inflated; what is
// beyond is taken for whole.
const maxContents = 64 << 20

// contents reports how far the streams of a page, from 0, can be read. Where
// objects cannot be looked up or are encrypted, nothing is known against them.
func (t *tree) contents(page int) reach {
	if page >= len(t.pages) || t.t.locked {
		return toItsEnd
	}
	at := t.pages[page].contents
	if at == nil {
		return toItsEnd
	}
	t.blind = false
	parts := []any{at}
	if list, ok := t.resolve(at).([]any); ok {
		parts = list
	}
	least := toItsEnd
	for _, part := range parts {
		if n, ok := part.(ref); ok {
			least = min(least, t.content(int(n)))
		}
	}
	if t.blind || t.t.left <= 0 {
		return toItsEnd
	}
	return least
}

// content is contents for one stream; pages may share it.
func (t *tree) content(n int) reach {
	if known, ok := t.reaches[n]; ok {
		return known
	}
	r := t.read(n)
	if t.reaches == nil {
		t.reaches = map[int]reach{}
	}
	t.reaches[n] = r
	return r
}

// read reads a stream to its end.
func (t *tree) read(n int) reach {
	p := t.t.places[n]
	if !p.standing || p.in != 0 || p.offset <= 0 || p.offset >= len(t.t.data) {
		return cutShort
	}
	l := &lexer{b: t.t.data, at: p.offset, left: &t.t.left}
	if !l.head(&n) {
		return cutShort
	}
	d, _ := l.object(0).(map[name]any)
	if d == nil || !l.takes("stream") {
		return cutShort
	}
	if d["F"] != nil { // in another file
		return unread
	}
	body := bytes.TrimPrefix(bytes.TrimPrefix(t.t.data[l.at:], []byte("\r")), []byte("\n"))
	length, _ := t.resolve(d["Length"]).(int)
	return t.decode(bounded(body, length), t.resolve(d["Filter"]))
}

// bounded is the data of a stream: as long as it says if it ends there, else up
// to the word that ends it.
func bounded(body []byte, length int) []byte {
	if length >= 0 && length <= len(body) && bytes.HasPrefix(bytes.TrimLeft(body[length:min(len(body), length+headRoom)], blanks), endstreamWord) {
		return body[:length]
	}
	body, _, _ = bytes.Cut(body, endstreamWord)
	return body
}

// decode undoes the filters of a stream and reports whether all of it came.
func (t *tree) decode(body []byte, filter any) reach {
	filters, several := filter.([]any)
	if !several && filter != nil {
		filters = []any{filter}
	}
	var from io.Reader = bytes.NewReader(body)
	if len(filters) == 1 && deflates(t.resolve(filters[0])) {
		return t.inflate(body)
	}
	for i, f := range filters {
		switch t.resolve(f) {
		case name("FlateDecode"), name("Fl"):
			var head [2]byte
			if _, err := io.ReadFull(from, head[:]); err != nil || !packs(head) {
				return cutShort
			}
			from = flate.NewReader(from)
		case name("ASCII85Decode"), name("A85"):
			if i > 0 {
				return unread
			}
			text, _, _ := bytes.Cut(bytes.TrimPrefix(bytes.TrimLeft(body, blanks), []byte("<~")), []byte("~"))
			from = ascii85.NewDecoder(bytes.NewReader(text))
		default:
			if len(body) == 0 {
				return toItsEnd
			}
			return unread
		}
	}
	n, err := io.Copy(io.Discard, io.LimitReader(from, maxContents-t.inflated))
	t.inflated += n
	if err != nil {
		return cutShort
	}
	return toItsEnd
}

// deflates reports whether a filter is Flate, in either spelling.
func deflates(filter any) bool { return filter == name("FlateDecode") || filter == name("Fl") }

// packs reports whether two bytes begin a stream of zlib (RFC 1950, 2.2).
func packs(head [2]byte) bool {
	return head[0]&15 == 8 && (int(head[0])<<8|int(head[1]))%31 == 0
}

// inflate is decode for the usual case. A checksum that is not there is not
// minded, as no reader does; one that is wrong tells of changed bytes.
func (t *tree) inflate(body []byte) reach {
	if len(body) < 2 || !packs([2]byte(body)) {
		return cutShort
	}
	packed, sum := bytes.NewReader(body[2:]), adler32.New()
	n, err := io.Copy(sum, io.LimitReader(flate.NewReader(packed), maxContents-t.inflated))
	t.inflated += n
	if err != nil {
		return cutShort
	}
	var said [4]byte
	if _, err := io.ReadFull(packed, said[:]); err != nil || t.inflated >= maxContents {
		return toItsEnd
	}
	if binary.BigEndian.Uint32(said[:]) != sum.Sum32() {
		return cutShort
	}
	return toItsEnd
}
