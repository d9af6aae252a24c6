package pdfread

import (
	"encoding/binary"
	"slices"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/pdfium"
)

// A page is kept by what it shows, decided in one pass over its pixels. The
// rules were measured on pages of LibreOffice, Chromium, cairo and scanners at
// 100, 150 and 300 dpi.
//
//   - Colour counts when it is clear on a spot of some half square millimetre,
//     such as a word or a seal, or faint over a hundredth of the page, such as a
//     tinted table head (measured: 0.012). The noise of a grey JPEG has neither.
//   - Grey is photographic when neighbours in the middle tones differ a little,
//     as gradients do, and not by jumps, as the soft edges of letters do. Of the
//     pixels between black and white a page full of small text has 0.04 to 0.095
//     such neighbours, the same page with a small photograph 0.17 to 0.2, a
//     gradient 0.26 to 0.78; specks below a four-hundredth of the page do not
//     count.
const (
	clearChroma = 24 // of 255, largest minus smallest of red, green, blue
	faintChroma = 8
	clearSpot   = 24  // pixels at 150 dpi
	faintShare  = 100 // one pixel in as many
	slopeShare  = 400 // one pair in as many pixels of the page
	slopeOf     = 8   // one pair in as many pixels between black and white
	slopeMost   = 12  // difference of neighbours that a gradient may have
	midLow      = 24  // the middle tones
	midHigh     = 231 //
	nearBlack   = 16  // what may become black
	nearWhite   = 239 // what may become white, if nothing is between
	stillWhite  = 247 // what becomes white in sixteen greys
	pairWhite   = 0x00ffffff00ffffff
)

// tally is what one pass over a page tells.
type tally struct {
	clear, faint, slope, between int64
	first                        uint32 // the first pixel, 0xRRGGBB
	uniform                      bool   // all pixels are as the first
	light                        bool   // nothing is between black and white but light greys
}

// count makes the tally of a page drawn as RGBX, and writes its greys, a byte
// each, into plane, which it returns: larger if it had to be.
func count(p pdfium.Pixels, plane []byte) (tally, []byte) {
	if cap(plane) < p.W*p.H {
		plane = make([]byte, p.W*p.H)
	}
	plane = plane[:p.W*p.H]
	m := newMeter()
	for y := range p.H {
		m.row(p.Pix[y*p.Stride:y*p.Stride+4*p.W], plane[y*p.W:(y+1)*p.W])
	}
	light := m.between == 0 && hasLight(plane)
	return tally{clear: m.chroma >> 32, faint: m.chroma & 0xFFFFFFFF, slope: m.slope, between: m.between,
		first: at(p, 0, 0), uniform: uniform(p), light: light}, plane
}

// hasLight reports whether one of some greys is light and not white: a shaded
// row, a watermark.
func hasLight(greys []byte) bool {
	for len(greys) >= 8 {
		if binary.LittleEndian.Uint64(greys) != allWhite && slices.ContainsFunc(greys[:8], light) {
			return true
		}
		greys = greys[8:]
	}
	return slices.ContainsFunc(greys, light)
}

func light(g byte) bool { return g >= nearWhite && g < stillWhite }

// at returns a pixel as 0xRRGGBB.
func at(p pdfium.Pixels, x, y int) uint32 {
	o := y*p.Stride + 4*x
	return uint32(p.Pix[o])<<16 | uint32(p.Pix[o+1])<<8 | uint32(p.Pix[o+2])
}

// uniform reports whether all pixels are as the first.
func uniform(p pdfium.Pixels) bool {
	first := binary.LittleEndian.Uint32(p.Pix)
	for y := range p.H {
		for row := p.Pix[y*p.Stride : y*p.Stride+4*p.W]; len(row) >= 4; row = row[4:] {
			if (binary.LittleEndian.Uint32(row)^first)&colorBits != 0 {
				return false
			}
		}
	}
	return true
}

// luma is the grey of a colour, as ITU-R BT.601 weighs it.
func luma(r, g, b uint8) uint8 { return uint8((77*uint(r) + 150*uint(g) + 29*uint(b) + 128) >> 8) }

// samples chooses how a page of the tally is kept. area is its pixels, dpi the
// resolution that it was drawn in.
func (t tally) samples(area, dpi int64, s format.Shade) ir.Samples {
	spot := max(1, clearSpot*dpi*dpi/(150*150))
	switch {
	case s == format.ShadeMono:
		return ir.Gray1
	case s != format.ShadeGray && (t.clear >= spot || t.clear+t.faint > area/faintShare):
		return ir.RGB8
	case t.photographic(area):
		return ir.Gray8
	case t.between == 0 && !t.light:
		return ir.Gray1
	}
	return ir.Gray4
}

func (t tally) photographic(area int64) bool {
	return t.slope > area/slopeShare && t.slope > t.between/slopeOf
}

// inkBelow is the grey below which a pixel becomes black: letters drawn with
// soft edges keep their thin strokes when the line is above the middle.
const inkBelow = 176

// bayer is the ordered dither of photographs in black and white (Bayer 1973),
// as thresholds.
var bayer = [4][4]uint8{{8, 136, 40, 168}, {200, 72, 232, 104}, {56, 184, 24, 152}, {248, 120, 216, 88}}
