package pdf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// The text over a page is shown in fonts without any ink: one font for each
// plane of Unicode that the document uses, so that the code of a character is
// its place in the plane and nothing in a font depends on the document. The
// fonts share a TrueType program of four glyphs without area.

// planes is how many planes Unicode has.
const planes = 17

// Glyphs of the font program, told apart by their width.
const (
	glyphNone   = 0 // never shown
	glyphWide   = 1 // 1000
	glyphNarrow = 2 // 500
	glyphThin   = 3 // 50
)

// glyph returns the glyph of a character by its shape in Japanese print:
// letters and half-width kana are half as wide as kanji, variation selectors
// have next to no width (PDFium passes over text without any). A run is stretched to its length as a whole; the widths
// decide where in it a character is marked.
func glyph(r rune) byte {
	switch {
	case r < 0x2000, r >= 0xFF61 && r <= 0xFF9F:
		return glyphNarrow
	case r >= 0xE0000 && r <= 0xEFFFF:
		return glyphThin
	}
	return glyphWide
}

// widths of the glyphs in thousandths of the font size.
var widths = [...]int64{glyphNone: 0, glyphWide: 1000, glyphNarrow: 500, glyphThin: 50}

// fonts are the object numbers of the planes' fonts, 0 while unused.
type fonts struct{ numbers [planes]int }

// number returns the object number of a plane's font.
func (f *fonts) number(plane int, out *file) int {
	if f.numbers[plane] == 0 {
		f.numbers[plane] = out.reserve(1)
	}
	return f.numbers[plane]
}

// resources names the fonts of a page, "" for none.
func (f *fonts) resources(used uint32) string {
	if used == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("/Font<<")
	for p := range planes {
		if used&(1<<p) != 0 {
			fmt.Fprintf(&b, "/F%d %d 0 R", p, f.numbers[p])
		}
	}
	b.WriteString(">>")
	return b.String()
}

// write writes the fonts in use.
// spec: pdf#9.7.4
func (f *fonts) write(out *file, e *encoder) error {
	program := 0
	for p, n := range f.numbers {
		if n == 0 {
			continue
		}
		if program == 0 {
			program = out.reserve(1)
			b := fontProgram()
			data, err := e.deflate(b)
			if err != nil {
				return err
			}
			if err := out.stream(program, fmt.Sprintf("/Length1 %d/Filter/FlateDecode", len(b)), data); err != nil {
				return err
			}
		}
		if err := writeFont(out, e, p, n, program); err != nil {
			return err
		}
	}
	return nil
}

func writeFont(out *file, e *encoder, plane, number, program int) error {
	first := out.reserve(4)
	down, descriptor, glyphs, unicode := first, first+1, first+2, first+3
	name := fmt.Sprintf("Sekisho%d", plane)
	width := "/DW 1000"
	switch plane {
	case 0:
		width = "/DW 1000/W[0 8191 500 65377 65439 500]"
	case 14:
		width = "/DW 50"
	}
	err := out.object(number, fmt.Sprintf("<</Type/Font/Subtype/Type0/BaseFont/%s/Encoding/Identity-H/DescendantFonts[%d 0 R]/ToUnicode %d 0 R>>", name, down, unicode))
	if err != nil {
		return err
	}
	err = out.object(down, fmt.Sprintf("<</Type/Font/Subtype/CIDFontType2/BaseFont/%s/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/FontDescriptor %d 0 R%s/CIDToGIDMap %d 0 R>>", name, descriptor, width, glyphs))
	if err != nil {
		return err
	}
	err = out.object(descriptor, fmt.Sprintf("<</Type/FontDescriptor/FontName/%s/Flags 4/FontBBox[0 -120 1000 880]/ItalicAngle 0/Ascent 880/Descent -120/CapHeight 880/StemV 80/FontFile2 %d 0 R>>", name, program))
	if err != nil {
		return err
	}
	data, err := e.deflate(glyphMap(plane))
	if err != nil {
		return err
	}
	if err := out.stream(glyphs, "/Filter/FlateDecode", data); err != nil {
		return err
	}
	if data, err = e.deflate(toUnicode(plane)); err != nil {
		return err
	}
	return out.stream(unicode, "/Filter/FlateDecode", data)
}

// glyphMap gives each code of a plane its glyph.
func glyphMap(plane int) []byte {
	b := make([]byte, 2<<16)
	for c := range 1 << 16 {
		b[2*c+1] = glyph(rune(plane<<16 | c))
	}
	return b
}

// toUnicode maps each code of a plane to its character, 256 at a time since a
// range may not cross the first byte of a code (ISO 32000-1, 9.10.3).
// spec: pdf#9.10.3
func toUnicode(plane int) []byte {
	var b bytes.Buffer
	b.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n" +
		"/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n" +
		"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	const most = 100 // ranges in one section
	for at := 0; at < 256; at += most {
		n := min(most, 256-at)
		fmt.Fprintf(&b, "%d beginbfrange\n", n)
		for hi := at; hi < at+n; hi++ {
			fmt.Fprintf(&b, "<%02X00> <%02XFF> <%s>\n", hi, hi, utf16Hex(plane<<16|hi<<8))
		}
		b.WriteString("endbfrange\n")
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	return b.Bytes()
}

// utf16Hex writes a code point as UTF-16. The surrogates of plane 0 stand for
// themselves; no text has them.
func utf16Hex(c int) string {
	if c < 0x10000 {
		return fmt.Sprintf("%04X", c)
	}
	c -= 0x10000
	return fmt.Sprintf("%04X%04X", 0xD800+c>>10, 0xDC00+c&0x3FF)
}

// fontProgram makes a TrueType font of four glyphs, with the tables that an
// embedded font of a composite font needs (ISO 32000-1, 9.9) and true checksums
// (OpenType 1.9, "Organization of an OpenType font").
//
// The glyphs have no area and are shown in a mode that draws nothing. They are
// a line from corner to corner of their box all the same: PDFium takes a
// character's box from its outline, and passes over text of an empty box.
func fontProgram() []byte {
	const glyphs = 4
	be := binary.BigEndian
	u16 := func(v ...int) []byte {
		var o []byte
		for _, x := range v {
			o = be.AppendUint16(o, uint16(x))
		}
		return o
	}
	stroke := func(w int) []byte { // one contour of two points
		return append(u16(1, 0, below, w, above, 1, 0), append([]byte{1, 1}, u16(0, w, below, above-below)...)...)
	}
	const one = 0x00010000 // version 1.0 and scale 1
	head := be.AppendUint32(be.AppendUint32(nil, one), one)
	head = append(head, 0, 0, 0, 0) // checkSumAdjustment, set below
	head = be.AppendUint32(head, 0x5F0F3CF5)
	head = append(head, u16(0, 1000)...)                              // flags, units an em
	head = append(head, make([]byte, 16)...)                          // no dates
	head = append(head, u16(0, below, 1000, above, 0, 8, 2, 0, 0)...) // box, style, size, direction, short offsets
	hhea := append(be.AppendUint32(nil, one), u16(above, below, 0, 1000, 0, 0, 1000, 1, 0, 0, 0, 0, 0, 0, 0, glyphs)...)
	maxp := append(be.AppendUint32(nil, one), u16(glyphs, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)...)
	var hmtx []byte
	for _, w := range widths {
		hmtx = append(hmtx, u16(int(w), 0)...)
	}
	var glyf []byte
	loca := u16(0, 0) // the first glyph is empty
	for _, w := range widths[1:] {
		glyf = append(glyf, stroke(int(w))...)
		loca = append(loca, u16(len(glyf)/2)...)
	}
	return sfnt([]table{{"glyf", glyf}, {"head", head}, {"hhea", hhea}, {"hmtx", hmtx}, {"loca", loca}, {"maxp", maxp}})
}

// How far letters reach below and above their base line, in thousandths of the
// font size, in Japanese print.
const (
	below = -120
	above = 880
)

type table struct {
	tag  string
	data []byte
}

// sfnt puts tables, sorted by tag, into one file.
func sfnt(tables []table) []byte {
	be := binary.BigEndian
	out := be.AppendUint32(nil, 0x00010000)
	for _, v := range []int{len(tables), 64, 2, 16*len(tables) - 64} { // search helpers of six tables
		out = be.AppendUint16(out, uint16(v))
	}
	at := len(out) + 16*len(tables)
	var body []byte
	head := 0
	for _, t := range tables {
		if t.tag == "head" {
			head = at + len(body)
		}
		d := append(bytes.Clone(t.data), make([]byte, -len(t.data)&3)...)
		out = append(out, t.tag...)
		out = be.AppendUint32(out, sum32(d))
		out = be.AppendUint32(out, uint32(at+len(body)))
		out = be.AppendUint32(out, uint32(len(t.data)))
		body = append(body, d...)
	}
	out = append(out, body...)
	be.PutUint32(out[head+8:], 0xB1B0AFBA-sum32(out))
	return out
}

func sum32(p []byte) uint32 {
	var s uint32
	for ; len(p) >= 4; p = p[4:] {
		s += binary.BigEndian.Uint32(p)
	}
	return s
}
