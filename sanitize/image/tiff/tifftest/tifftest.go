// Package tifftest makes TIFF files for tests, honest and other.
package tifftest

import (
	"encoding/binary"
	"slices"
)

// Tag is one entry of a directory.
type Tag struct {
	ID, Kind uint16
	Count    uint32
	Value    []byte // in the file's order; at most four bytes lie in the entry
}

// Page is a directory and the data that its first strip or tile has.
type Page struct {
	Tags []Tag
	Data []byte
}

// Maker makes files of one byte order.
type Maker struct{ Order binary.AppendByteOrder }

// Short is a tag of 16-bit numbers.
func (m Maker) Short(id uint16, v ...uint16) Tag {
	var b []byte
	for _, n := range v {
		b = m.Order.AppendUint16(b, n)
	}
	return Tag{id, 3, uint32(len(v)), b}
}

// Long is a tag of 32-bit numbers.
func (m Maker) Long(id uint16, v ...uint32) Tag {
	var b []byte
	for _, n := range v {
		b = m.Order.AppendUint32(b, n)
	}
	return Tag{id, 4, uint32(len(v)), b}
}

// Ratio is a tag of one fraction.
func (m Maker) Ratio(id uint16, a, b uint32) Tag {
	return Tag{id, 5, 1, m.Order.AppendUint32(m.Order.AppendUint32(nil, a), b)}
}

// Bytes is a tag of bytes; Text one of characters.
func (m Maker) Bytes(id uint16, v []byte) Tag { return Tag{id, 7, uint32(len(v)), v} }

// Text is a tag of characters.
func (m Maker) Text(id uint16, s string) Tag {
	return Tag{id, 2, uint32(len(s) + 1), append([]byte(s), 0)}
}

// Grey is a page of w × h grey pixels of eight bits in one strip, with more
// tags, of which those with an id of the page's own take their place.
func (m Maker) Grey(w, h int, pixels []byte, more ...Tag) Page {
	own := []Tag{m.Long(256, uint32(w)), m.Long(257, uint32(h)), m.Short(258, 8), m.Short(259, 1), m.Short(262, 1), m.Long(273, 0), m.Long(279, uint32(len(pixels)))}
	for _, t := range more {
		own = slices.DeleteFunc(own, func(o Tag) bool { return o.ID == t.ID })
	}
	tags := append(own, more...)
	slices.SortStableFunc(tags, func(a, b Tag) int { return int(a.ID) - int(b.ID) })
	return Page{tags, pixels}
}

// File writes the pages. A tag 273 or 324 with one value 0 gets the place of
// the page's data.
func (m Maker) File(pages ...Page) []byte {
	b := []byte("MM\x00*")
	if m.Order.String() == "LittleEndian" {
		b = []byte("II*\x00")
	}
	b = m.Order.AppendUint32(b, 8)
	for i, p := range pages {
		start := len(b)
		dir := start + 2 + 12*len(p.Tags) + 4
		var values []byte
		b = m.Order.AppendUint16(b, uint16(len(p.Tags)))
		size := 0
		for _, t := range p.Tags {
			if len(t.Value) > 4 {
				size += len(t.Value) + len(t.Value)%2
			}
		}
		for _, t := range p.Tags {
			b = m.Order.AppendUint16(b, t.ID)
			b = m.Order.AppendUint16(b, t.Kind)
			b = m.Order.AppendUint32(b, t.Count)
			v := t.Value
			switch {
			case (t.ID == 273 || t.ID == 324) && t.Count == 1 && string(v) == "\x00\x00\x00\x00":
				v = m.Order.AppendUint32(nil, uint32(dir+size))
			case len(v) > 4:
				at := uint32(dir + len(values))
				values = append(values, v...)
				values = append(values, make([]byte, len(v)%2)...)
				v = m.Order.AppendUint32(nil, at)
			}
			b = append(b, append(slices.Clone(v), 0, 0, 0, 0)[:4]...)
		}
		next := dir + size + len(p.Data) + len(p.Data)%2
		if i == len(pages)-1 {
			next = 0
		}
		b = m.Order.AppendUint32(b, uint32(next))
		b = slices.Concat(b, values, p.Data, make([]byte, len(p.Data)%2))
	}
	return b
}
