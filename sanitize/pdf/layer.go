package pdf

import (
	"fmt"
	"math"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// Limits of text sizes, in thousandths of a point.
const (
	minSize = 100
	maxSize = 2_000_000
)

// maxStretch bounds how much wider or narrower than in print a run is set, in
// hundredths of a percent.
const (
	minStretch = 100
	maxStretch = 10_000_000
)

// layer is the text laid over one page.
type layer struct {
	runes  int
	planes uint32 // bit p: a character of plane p
	ops    []byte
}

// add lays one run over the page: invisible (mode 3), in the size of its
// letters, which is in bounds, turned by its angle, stretched to its length.
// spec: pdf#9.3.6
func (l *layer) add(v ir.Run, f *fonts, out *file) error {
	var width int64
	n := 0
	for _, r := range v.S {
		width += widths[glyph(r)]
		n++
	}
	if n == 0 {
		return nil
	}
	if l.runes += n; l.runes > maxRunes {
		return format.Hold(format.LimitExpanded, "text of one page")
	}
	stretch := int64(10_000)
	if natural := width * v.Size / 1000; v.Length > 0 && natural > 0 {
		stretch = min(max(v.Length*10_000/natural, minStretch), maxStretch)
	}
	sin, cos := math.Sincos(float64(v.Angle) * math.Pi / 180)
	s, c := int64(math.Round(sin*10_000)), int64(math.Round(cos*10_000))
	plane := -1
	for _, r := range v.S {
		if p := int(r >> 16); p != plane {
			if plane >= 0 {
				l.ops = append(l.ops, "> Tj\n"...)
			}
			f.number(p, out)
			l.planes |= 1 << p
			l.ops = fmt.Appendf(l.ops, "/F%d ", p)
			l.ops = append(decimal(l.ops, v.Size, 3), " Tf "...)
			if plane < 0 {
				l.place(stretch, c, s, v.X, v.Y)
			}
			l.ops = append(l.ops, '<')
			plane = p
		}
		l.ops = appendCode(l.ops, uint16(r))
	}
	l.ops = append(l.ops, "> Tj\n"...)
	return nil
}

// place sets stretching and the text matrix: turned by (c, s), at (x, y).
func (l *layer) place(stretch, c, s, x, y int64) {
	l.ops = append(decimal(l.ops, stretch, 2), " Tz "...)
	for _, v := range [...]int64{c, s, -s, c} {
		l.ops = append(decimal(l.ops, v, 4), ' ')
	}
	l.ops = append(decimal(l.ops, x, 3), ' ')
	l.ops = append(decimal(l.ops, y, 3), " Tm "...)
}

// append adds the layer to a page's content.
func (l *layer) append(content []byte) []byte {
	if l.runes == 0 {
		return content
	}
	content = append(content, "BT\n3 Tr\n"...)
	content = append(content, l.ops...)
	return append(content, "ET\n"...)
}

func appendCode(b []byte, c uint16) []byte {
	const hex = "0123456789ABCDEF"
	return append(b, hex[c>>12], hex[c>>8&15], hex[c>>4&15], hex[c&15])
}
