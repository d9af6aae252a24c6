package pdfread

import (
	"encoding/binary"

	"sekisho/sanitize/ir"
	"sekisho/sanitize/pdfium"
)

// packer writes a page's rows in the chosen samples.
type packer struct {
	p      pdfium.Pixels
	plane  []byte // greys
	to     ir.Samples
	dither bool
	row    []byte
}

// newPacker packs a page of which count has made the plane of greys.
func newPacker(p pdfium.Pixels, plane []byte, to ir.Samples, dither bool) *packer {
	return &packer{p: p, plane: plane, to: to, dither: dither, row: make([]byte, ir.Raster{Samples: to, W: int64(p.W)}.Stride())}
}

// pack returns row y; it is valid until the next call.
func (k *packer) pack(y int) []byte {
	greys := k.plane[y*k.p.W : (y+1)*k.p.W]
	switch k.to {
	case ir.RGB8:
		k.rgb(k.p.Pix[y*k.p.Stride : y*k.p.Stride+4*k.p.W])
	case ir.Gray8:
		return greys
	case ir.Gray4:
		k.nibbles(greys)
	default:
		k.bits(greys, y)
	}
	return k.row
}

func (k *packer) rgb(src []byte) {
	to := k.row
	for len(src) >= 8 && len(to) >= 8 { // two pixels; the two bytes after them are written again
		v := binary.LittleEndian.Uint64(src)
		binary.LittleEndian.PutUint64(to, v&colorBits|v>>8&(colorBits<<24))
		src, to = src[8:], to[6:]
	}
	for ; len(src) >= 4 && len(to) >= 3; src, to = src[4:], to[3:] {
		to[0], to[1], to[2] = src[0], src[1], src[2]
	}
}

// nibbles writes greys in sixteen steps.
func (k *packer) nibbles(greys []byte) {
	to := k.row
	for len(greys) >= 8 && len(to) >= 4 {
		g := binary.LittleEndian.Uint64(greys)
		var n uint32 = 0xFFFFFFFF
		if g != allWhite {
			n = eightNibbles(g)
		}
		binary.LittleEndian.PutUint32(to, n)
		greys, to = greys[8:], to[4:]
	}
	for i, g := range greys {
		if i%2 == 0 {
			to[i/2] = nibble(g) << 4
		} else {
			to[i/2] |= nibble(g)
		}
	}
}

// nibble is a grey in sixteen steps, rounded.
func nibble(g uint8) uint8 { return uint8((uint(g)*15 + 127) / 255) }

// eightNibbles is nibble for eight greys, two a byte, the first ones in the low
// byte: in lanes of 16 bits, the even ones and the odd ones.
func eightNibbles(g uint64) uint32 {
	const lanes, low = 0x0001000100010001, 0x00FF00FF00FF00FF
	even, odd := g&low*15+127*lanes, g>>8&low*15+127*lanes
	// n/255 is (n + 1 + n/256)/256 for n below 65,535.
	even = (even + lanes + even>>8&low) >> 8 & (15 * lanes)
	odd = (odd + lanes + odd>>8&low) >> 8 & (15 * lanes)
	v := even<<4 | odd // a byte in each lane
	v |= v >> 8
	return uint32(v&0xFFFF | v>>16&0xFFFF0000)
}

func (k *packer) bits(greys []byte, y int) {
	for i := range k.row {
		part := greys[8*i : min(8*i+8, len(greys))]
		if len(part) == 8 && binary.LittleEndian.Uint64(part) == allWhite {
			k.row[i] = 0xFF
			continue
		}
		var b uint8
		for x, g := range part {
			least := uint8(inkBelow)
			if k.dither {
				least = bayer[y%4][x%4]
			}
			if g >= least {
				b |= 0x80 >> x
			}
		}
		k.row[i] = b
	}
}
