package image

import (
	"fmt"
	stdimage "image"
	"image/color"

	"sekisho/sanitize/format"
)

// spread is the range of each of four numbers of the pixels seen.
type spread struct {
	low, high [4]uint8
	some      bool
}

func (s *spread) add(v [4]uint8) {
	if !s.some {
		s.low, s.high, s.some = v, v, true
		return
	}
	for i, n := range v {
		s.low[i], s.high[i] = min(s.low[i], n), max(s.high[i], n)
	}
}

// width is the widest of the ranges.
func (s *spread) width() int {
	w := 0
	for i := range s.low {
		w = max(w, int(s.high[i])-int(s.low[i]))
	}
	return w
}

// plainness is how far the stored numbers of a picture may lie apart that
// comes out in one colour: rounding, and the noise of a JPEG of one colour.
const plainness = 12

// watched reads pixels in the colours that they are shown in. The second
// function, to be called behind the last pixel, holds with fidelity_loss a
// picture whose numbers differ and that came out in one colour: its words went
// with the conversion. Where no conversion is, nothing can be lost by one.
func (v view) watched(img stdimage.Image) (func(x, y int) color.NRGBA, func() error) {
	at, stored := sampler(img), func(_, _ int, c color.NRGBA) [4]uint8 { return [4]uint8{c.R, c.G, c.B, c.A} }
	convert := func(c color.NRGBA) color.NRGBA { return c }
	inks, isInk := img.(*stdimage.CMYK)
	switch {
	case isInk:
		stored = func(x, y int, _ color.NRGBA) [4]uint8 { return [4]uint8(inks.Pix[inks.PixOffset(x, y):]) }
	case v.colour != nil:
		convert = func(c color.NRGBA) color.NRGBA {
			c.R, c.G, c.B = v.colour.Convert(c.R, c.G, c.B)
			return c
		}
	default:
		return at, func() error { return nil }
	}
	var in, out spread
	// Neighbours are often equal, and a conversion costs more than to remember
	// the last.
	var last [4]uint8
	var shown color.NRGBA
	known := false
	read := func(x, y int) color.NRGBA {
		c := at(x, y)
		raw := stored(x, y, c)
		if known && raw == last {
			return shown
		}
		last, known, shown = raw, true, convert(c)
		if shown.A == 0 { // nobody sees a colour here
			raw = [4]uint8{}
		}
		in.add(raw)
		out.add([4]uint8{shown.R, shown.G, shown.B, shown.A})
		return shown
	}
	return read, func() error {
		if out.some && out.width() == 0 && in.width() > plainness {
			return format.Hold(format.FidelityLoss, fmt.Sprintf("one colour of numbers %d apart", in.width()))
		}
		return nil
	}
}
