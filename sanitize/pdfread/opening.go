package pdfread

import "bytes"

// Readers look for the end of a file in different ways (ISO 32000-2, 7.5.5),
// and a file that was changed by appending holds all of its states. Which one is
// shown must not depend on the last few bytes.

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
