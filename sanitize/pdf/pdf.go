// Package pdf writes PDF files of pixels and re-reads them. It is the trusted
// side of the kind pdf: what reads hostile PDFs is another package, in a box,
// and hands over page sizes, pixels and placed text (sanitize/ir).
//
// Build writes each page as it comes: one picture that fills the page, encoded
// by what it holds, and over it the page's text in an invisible font, so that
// search and copying work. BuildText writes the text alone, with page marks.
//
// A file of ours has a closed form: a header; objects of ten shapes, each
// written in one way; a classic cross-reference table; a trailer; nothing else.
// There are no actions, annotations, forms, names, metadata, embedded files or
// object streams, because the form has no words for them. Lint reads a file
// with rules and decoders of its own, byte by byte, and says which pages and
// how many characters it found, which the engine compares with what was built.
package pdf

import (
	"errors"

	"sekisho/sanitize/ir"
)

// Limits of a file of ours, whatever the policy says.
const (
	// MaxPages is the most pages that are ever written.
	MaxPages = 100_000
	// MaxPixels is the largest page that is ever written: 200 MB in colour.
	MaxPixels = 1 << 26
	// maxRunes bounds the characters laid over one page.
	maxRunes = 1 << 20
)

// errOrder is a fault of the worker: values out of place.
var errOrder = errors.New("build pdf: values out of order")

// lone reports the colour that all pixels share, and whether they do. pix
// holds exactly r's rows, padding cleared.
func lone(r ir.Raster, pix []byte) bool {
	stride := int(r.Stride())
	row := pix[:stride]
	if !loneRow(r, row) {
		return false
	}
	for p := pix[stride:]; len(p) >= stride; p = p[stride:] {
		if string(p[:stride]) != string(row) {
			return false
		}
	}
	return true
}

func loneRow(r ir.Raster, row []byte) bool {
	switch r.Samples {
	case ir.RGB8:
		for i := 3; i < len(row); i++ {
			if row[i] != row[i-3] {
				return false
			}
		}
		return true
	case ir.Gray8:
		for _, b := range row {
			if b != row[0] {
				return false
			}
		}
		return true
	}
	bits := int(r.Samples.Bits())
	mask := byte(1<<bits - 1)
	first := row[0] >> (8 - bits)
	for x := range int(r.W) {
		at := x * bits
		if row[at/8]>>(8-bits-at%8)&mask != first {
			return false
		}
	}
	return true
}

// clearPadding takes out the bits behind the last pixel of each row, where
// something could hide.
func clearPadding(r ir.Raster, pix []byte) {
	used := int(r.W*r.Samples.Bits()) % 8
	if used == 0 {
		return
	}
	stride := int(r.Stride())
	mask := byte(0xFF) << (8 - used)
	for at := stride - 1; at < len(pix); at += stride {
		pix[at] &= mask
	}
}
