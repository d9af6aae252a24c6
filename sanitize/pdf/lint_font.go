package pdf

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
)

// The one font program that stands in a file of ours: four glyphs without area.
const (
	programBytes = 332
	programSum   = "a99551d1770e6eb102d49d44939f02246cb6994b7f398ca045d1bf190c67c9f9"
)

// font checks the font of a plane, once.
// spec: pdf#9.7.4
func (l *lint) font(f font, where string) {
	seen := f.ref >= 1 && f.ref < len(l.used) && l.used[f.ref]
	top := l.need(f.ref, composite, where)
	if top == nil {
		return
	}
	if top.plane != f.plane {
		l.fail(lintFont, where, "font of another plane")
		return
	}
	if seen {
		return
	}
	where = fmt.Sprintf("font %d", f.plane)
	down := l.own(top.refs[0], descendant, where)
	meaning := l.own(top.refs[1], plain, where)
	if down == nil || meaning == nil {
		return
	}
	shape := l.own(down.refs[0], descriptor, where)
	glyphs := l.own(down.refs[1], plain, where)
	if shape == nil || glyphs == nil {
		return
	}
	if down.plane != f.plane || shape.plane != f.plane {
		l.fail(lintFont, where, "parts of another plane")
	}
	l.inflate(meaning.body, where, func(r io.Reader) error { return l.meanings(r, f.plane, where) })
	l.inflate(glyphs.body, where, func(r io.Reader) error { return l.glyphs(r, f.plane, where) })
	seen = shape.refs[0] >= 1 && shape.refs[0] < len(l.used) && l.used[shape.refs[0]]
	if p := l.need(shape.refs[0], program, where); p != nil && !seen {
		l.inflate(p.body, where, func(r io.Reader) error { return l.program(r, p.count, where) })
	}
}

func (l *lint) program(r io.Reader, length int64, where string) error {
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(r, programBytes+1))
	if err != nil {
		return fmt.Errorf("font program: %w", err)
	}
	if n != programBytes || length != n || hex.EncodeToString(h.Sum(nil)) != programSum {
		l.fail(lintFont, where, "another font program")
		return errForm
	}
	return nil
}

// glyphs reads which glyph each code of a plane has: 1 is wide, 2 half as
// wide, 3 thin, as the widths of the form say.
func (l *lint) glyphs(r io.Reader, plane int, where string) error {
	row := make([]byte, 512)
	for hi := range 256 {
		if _, err := io.ReadFull(r, row); err != nil {
			return fmt.Errorf("glyph map: %w", err)
		}
		for lo := range 256 {
			code := hi<<8 | lo
			want := byte(1)
			if plane == 14 {
				want = 3
			} else if plane == 0 && (code <= 8191 || code >= 65377 && code <= 65439) {
				want = 2
			}
			if row[2*lo] != 0 || row[2*lo+1] != want {
				l.fail(lintFont, where, fmt.Sprintf("glyph of code %04X", code))
				return errForm
			}
		}
	}
	return nil
}

// meanings reads a ToUnicode map: its fixed words, then 256 ranges of 256
// codes, each of which means the character at its place in the plane.
// spec: pdf#9.10.3
func (l *lint) meanings(r io.Reader, plane int, where string) error {
	const most = 32 << 10
	all, err := io.ReadAll(io.LimitReader(r, most))
	if err != nil {
		return fmt.Errorf("ToUnicode: %w", err)
	}
	c := cursor{data: all}
	for _, s := range []string{"/CIDInit /ProcSet findresource begin\n", "12 dict begin\n", "begincmap\n",
		"/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n", "/CMapName /Adobe-Identity-UCS def\n",
		"/CMapType 2 def\n", "1 begincodespacerange\n", "<0000> <FFFF>\n", "endcodespacerange\n"} {
		c.word(s)
	}
	for hi := range 256 {
		switch hi {
		case 0, 100:
			c.word("100 beginbfrange\n")
		case 200:
			c.word("56 beginbfrange\n")
		}
		c.word(fmt.Sprintf("<%02X00> <%02XFF> <", hi, hi))
		c.character(rune(plane*0x10000 + hi*0x100))
		c.word(">\n")
		switch hi {
		case 99, 199, 255:
			c.word("endbfrange\n")
		}
	}
	c.word("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	if c.bad || c.at != len(all) {
		l.fail(lintFont, where, fmt.Sprintf("ToUnicode at %d", c.at))
		return errForm
	}
	return nil
}

// character reads want in UTF-16.
func (c *cursor) character(want rune) {
	b := c.hexadecimal(4)
	var got rune
	switch {
	case len(b) == 2:
		got = rune(b[0])<<8 | rune(b[1])
	case len(b) == 4 && b[0]>>2 == 0xD8>>2 && b[2]>>2 == 0xDC>>2:
		got = 0x10000 + (rune(b[0]&3)<<8|rune(b[1]))<<10 + (rune(b[2]&3)<<8 | rune(b[3]))
	default:
		c.bad = true
	}
	if got != want {
		c.bad = true
	}
}
