package pdfread

import (
	"encoding/binary"

	"sekisho/sanitize/ir"
	"sekisho/sanitize/pdfium"
)

// The model counts and packs plainly, pixel by pixel, what shade.go does with
// fewer steps. Both have to agree on every page.

// count makes the tally of a page drawn as RGBX.
func modelCount(p pdfium.Pixels) tally {
	t := tally{uniform: true, first: at(p, 0, 0)}
	for y := range p.H {
		modelRow(&t, p.Pix[y*p.Stride:y*p.Stride+4*p.W])
	}
	return t
}

func modelRow(t *tally, row []byte) {
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
		modelGrey(t, g, before)
		before = g
	}
}

// grey counts one pixel by its grey and that of its left neighbour.
func modelGrey(t *tally, g, before uint8) {
	if g > nearBlack && g < nearWhite {
		t.between++
		if g != before && g > midLow && g < midHigh && before > midLow && before < midHigh && max(g, before)-min(g, before) <= slopeMost {
			t.slope++
		}
	}
}

// modelPacker writes a page's rows in the chosen samples.
type modelPacker struct {
	p      pdfium.Pixels
	to     ir.Samples
	dither bool
	row    []byte
}

func newModelPacker(p pdfium.Pixels, to ir.Samples, dither bool) *modelPacker {
	return &modelPacker{p: p, to: to, dither: dither, row: make([]byte, ir.Raster{Samples: to, W: int64(p.W)}.Stride())}
}

// pack returns row y; it is valid until the next call.
func (k *modelPacker) pack(y int) []byte {
	src := k.p.Pix[y*k.p.Stride : y*k.p.Stride+4*k.p.W]
	switch k.to {
	case ir.RGB8:
		k.rgb(src)
	case ir.Gray8:
		for x := range k.row {
			k.row[x] = modelGray(src, x)
		}
	case ir.Gray4:
		k.nibbles(src)
	default:
		k.bits(src, y)
	}
	return k.row
}

// modelGray returns pixel x of a row as grey.
func modelGray(src []byte, x int) uint8 {
	p := src[4*x : 4*x+3]
	if p[0] == p[1] && p[1] == p[2] {
		return p[0]
	}
	return luma(p[0], p[1], p[2])
}

func (k *modelPacker) rgb(src []byte) {
	for i, j := 0, 0; i+4 <= len(src); i, j = i+4, j+3 {
		k.row[j], k.row[j+1], k.row[j+2] = src[i], src[i+1], src[i+2]
	}
}

func (k *modelPacker) nibbles(src []byte) {
	nibble := func(x int) uint8 { return uint8((uint(modelGray(src, x))*15 + 127) / 255) }
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

func (k *modelPacker) bits(src []byte, y int) {
	clear(k.row)
	for x := range k.p.W {
		least := uint8(inkBelow)
		if k.dither {
			least = bayer[y%4][x%4]
		}
		if modelGray(src, x) >= least {
			k.row[x/8] |= 0x80 >> (x % 8)
		}
	}
}
