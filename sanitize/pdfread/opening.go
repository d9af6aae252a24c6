package pdfread

import (
	"bytes"
	"errors"
	"fmt"

	"sekisho/sanitize/format"
	"sekisho/sanitize/pdfium"
)

// Readers look for the end of a file in different ways (ISO 32000-2, 7.5.5),
// and a file that was changed by appending holds all of its states. Which one is
// shown must not depend on the last few bytes.
//
// Nor must a part of a page be missing because its offset is wrong. The engine
// makes a new table of a file when it finds no page tree; any other object that
// is not where the table has it is nothing to it. So the offsets are followed
// here, and a file with a wrong one is opened by what looks like its objects, as
// other readers do.

// engineEnd is how far from the end of a file the engine begins to look for
// startxref; what begins later is passed over, and an older state would be shown.
// Usual files have its number and "%%EOF" there.
const engineEnd = 32

// ended returns a file whose last startxref the engine finds: itself, or a copy
// with an end mark and blank lines behind it. One that was cut stays as it is.
func ended(data []byte) []byte {
	if !bytes.Contains(tail(data, engineEnd), startxrefWord) || cut(data) {
		return data
	}
	const mark = "\n%%EOF\n"
	whole := make([]byte, 0, len(data)+len(mark)+engineEnd)
	whole = append(append(whole, data...), mark...)
	return append(whole, bytes.Repeat([]byte("\n"), engineEnd)...)
}

// startxrefWord begins the end of a file: the offset of its table follows.
var startxrefWord = []byte("startxref")

// opening is a document that was opened, and the bytes that it was opened from.
type opening struct {
	doc    *pdfium.Document
	data   []byte
	mended bool // its table was not used
}

// open opens a document. Its errors are reasons to hold.
func (p Parser) open(data []byte) (opening, error) {
	o := opening{data: ended(data)}
	var err error
	if o.doc, err = p.Engine.Open(o.data, ""); err != nil {
		return o, holdOpen(err, o.data)
	}
	if sound(o.data) || cut(data) {
		return o, nil
	}
	pages := o.doc.Pages()
	if err := closed(o.doc); err != nil {
		return o, err
	}
	o.data, o.mended = spoiled(o.data), true
	if o.doc, err = p.Engine.Open(o.data, ""); err != nil {
		if errors.Is(err, pdfium.ErrMemory) {
			return o, holdOpen(err, o.data)
		}
		return o, format.Hold(format.Malformed, "wrong offsets, and "+err.Error())
	}
	if n := o.doc.Pages(); n != pages {
		hold := format.Hold(format.Malformed, fmt.Sprintf("wrong offsets; %d pages by them and %d without", pages, n))
		return o, errors.Join(hold, closed(o.doc))
	}
	return o, nil
}

// sound reports whether a file's table has every object where it is. Where the
// streams are encrypted a table that we cannot read may be right, and there is
// no other way to the objects.
func sound(data []byte) bool {
	t := readTable(data)
	if t == nil {
		return bytes.Contains(data, []byte("/Encrypt"))
	}
	for n, p := range t.places {
		if !p.standing || p.in != 0 {
			continue
		}
		if p.offset <= 0 || p.offset >= len(t.data) {
			return false
		}
		if !(&lexer{b: t.data, at: p.offset, left: &t.left}).head(&n) {
			return false
		}
	}
	return true
}

// spoiled returns a copy of a file whose last startxref leads nowhere, so that
// the engine looks for the objects itself.
func spoiled(data []byte) []byte {
	data = bytes.Clone(data)
	at := bytes.LastIndex(data, startxrefWord)
	if at < 0 {
		return data
	}
	number := data[at+len(startxrefWord):]
	number = number[:min(len(number), headRoom)]
	for i, c := range number {
		switch {
		case c >= '0' && c <= '9':
			number[i] = '0'
		case bytes.IndexByte([]byte(blanks), c) < 0:
			return data
		}
	}
	return data
}
