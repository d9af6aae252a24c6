package pdfread

import (
	"unicode/utf8"

	"sekisho/sanitize/ir"
	"sekisho/sanitize/pdfium"
)

// Code points with which PDFium says something else than a character: a hyphen
// at a line's end (CPDF_TextPage puts 2, older versions U+FFFE).
const (
	markHyphen    = 0x02
	markHyphenOld = 0xFFFE
)

// clean returns the character that a reader may copy, and whether there is
// one. Code points stay what they are, but for PDFium's marks; controls, bidi
// controls and noncharacters are dropped, as is a glyph without a meaning.
func clean(c pdfium.Char) (rune, bool) {
	switch c.Rune {
	case markHyphen, markHyphenOld:
		return '-', true
	case '\t', 0xA0:
		return ' ', true
	case '\n', '\r', 0x2028, 0x2029:
		return '\n', true
	case 0xAD:
		return '-', true
	case utf8.RuneError:
		return 0, false
	}
	if ir.Forbidden(c.Rune) || !utf8.ValidRune(c.Rune) {
		return 0, false
	}
	return c.Rune, true
}
