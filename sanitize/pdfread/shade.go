package pdfread

import (
	"encoding/binary"

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
	nearWhite   = 239 // what may become white
	pairWhite   = 0x00ffffff00ffffff
)

// tally is what one pass over a page tells.
type tally struct {
	clear, faint, slope, between int64
	first                        uint32 // the first pixel, 0xRRGGBB
	uniform                      bool   // all pixels are as the first
}

// count makes the tally of a page drawn as RGBX.
func count(p pdfium.Pixels) tally {
	t := tally{uniform: true, first: at(p, 0, 0)}
	for y := range p.H {
		t.row(p.Pix[y*p.Stride : y*p.Stride+4*p.W])
	}
	return t
}

// at returns a pixel as 0xRRGGBB.
func at(p pdfium.Pixels, x, y int) uint32 {
	o := y*p.Stride + 4*x
	return uint32(p.Pix[o])<<16 | uint32(p.Pix[o+1])<<8 | uint32(p.Pix[o+2])
}

func (t *tally) row(row []byte) {
	before, white := uint8(255), t.first == 0xffffff
	for i := 0; i < len(row); i += 4 {
		// Most of a page is white: two pixels at once.
		for white && i+8 <= len(row) && binary.LittleEndian.Uint64(row[i:])&pairWhite == pairWhite {
			before = 255
			i += 8
		}
		if i >= len(row) {
			return
		}
		r, g, b := row[i], row[i+1], row[i+2]
		t.uniform = t.uniform && uint32(r)<<16|uint32(g)<<8|uint32(b) == t.first
		if r != g || g != b {
			switch chroma := max(r, g, b) - min(r, g, b); {
			case chroma > clearChroma:
				t.clear++
			case chroma > faintChroma:
				t.faint++
			}
			g = luma(r, g, b)
		}
		t.grey(g, before)
		before = g
	}
}

// grey counts one pixel by its grey and that of its left neighbour.
func (t *tally) grey(g, before uint8) {
	if g > nearBlack && g < nearWhite {
		t.between++
		if g != before && g > midLow && g < midHigh && before > midLow && before < midHigh && max(g, before)-min(g, before) <= slopeMost {
			t.slope++
		}
	}
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
	case t.between == 0:
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

// packer writes a page's rows in the chosen samples.
type packer struct {
	p      pdfium.Pixels
	to     ir.Samples
	dither bool
	row    []byte
}

func newPacker(p pdfium.Pixels, to ir.Samples, dither bool) *packer {
	return &packer{p: p, to: to, dither: dither, row: make([]byte, ir.Raster{Samples: to, W: int64(p.W)}.Stride())}
}

// pack returns row y; it is valid until the next call.
func (k *packer) pack(y int) []byte {
	src := k.p.Pix[y*k.p.Stride : y*k.p.Stride+4*k.p.W]
	switch k.to {
	case ir.RGB8:
		k.rgb(src)
	case ir.Gray8:
		for x := range k.row {
			k.row[x] = gray(src, x)
		}
	case ir.Gray4:
		k.nibbles(src)
	default:
		k.bits(src, y)
	}
	return k.row
}

// gray returns pixel x of a row as grey.
func gray(src []byte, x int) uint8 {
	p := src[4*x : 4*x+3]
	if p[0] == p[1] && p[1] == p[2] {
		return p[0]
	}
	return luma(p[0], p[1], p[2])
}

func (k *packer) rgb(src []byte) {
	for i, j := 0, 0; i+4 <= len(src); i, j = i+4, j+3 {
		k.row[j], k.row[j+1], k.row[j+2] = src[i], src[i+1], src[i+2]
	}
}

func (k *packer) nibbles(src []byte) {
	nibble := func(x int) uint8 { return uint8((uint(gray(src, x))*15 + 127) / 255) }
	for i := range k.row {
		x := 2 * i
		switch {
		case x+1 == k.p.W:
			k.row[i] = nibble(x) << 4
		case binary.LittleEndian.Uint64(src[4*x:])&pairWhite == pairWhite:
			k.row[i] = 0xFF
		default:
			k.row[i] = nibble(x)<<4 | nibble(x+1)
		}
	}
}

func (k *packer) bits(src []byte, y int) {
	clear(k.row)
	for x := range k.p.W {
		least := uint8(inkBelow)
		if k.dither {
			least = bayer[y%4][x%4]
		}
		if gray(src, x) >= least {
			k.row[x/8] |= 0x80 >> (x % 8)
		}
	}
}
