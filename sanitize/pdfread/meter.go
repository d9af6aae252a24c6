package pdfread

import (
	"encoding/binary"
	"math/bits"
)

// meter counts pixels and takes down their greys. Most of a page is white, and
// most of the rest grey: such pixels are taken eight at a time, in one word.
// Others are counted one by one, by tables: what they are depends on noise in
// a scan, and branches that cannot be foreseen take longer than all the rest.
type meter struct {
	chroma         int64 // clear ones times 2³² and faint ones
	slope, between int64
	before         uint8 // the grey to the left

	ofChroma [256]int64 // what a pixel adds to chroma
	ofGrey   [256]uint8 // betweenBit and middleBit
	ofStep   [256]uint8 // middleBit for a difference of a gradient, modulo 256
}

const (
	betweenBit = 1
	middleBit  = 2
)

func newMeter() *meter {
	m := &meter{}
	for v := range 256 {
		switch {
		case v > clearChroma:
			m.ofChroma[v] = 1 << 32
		case v > faintChroma:
			m.ofChroma[v] = 1
		}
		if v > nearBlack && v < nearWhite {
			m.ofGrey[v] |= betweenBit
		}
		if v > midLow && v < midHigh {
			m.ofGrey[v] |= middleBit
		}
		// Middle tones are never so far apart that a difference, modulo 256, would
		// be taken for another.
		if v != 0 && (v <= slopeMost || 256-v <= slopeMost) {
			m.ofStep[v] = middleBit
		}
	}
	return m
}

// row counts a row of RGBX pixels and writes their greys.
func (m *meter) row(row, greys []byte) {
	le := binary.LittleEndian
	m.before = 255
	for len(row) >= 32 && len(greys) >= 8 {
		a, b, c, d := le.Uint64(row), le.Uint64(row[8:]), le.Uint64(row[16:]), le.Uint64(row[24:])
		switch {
		case a&b&c&d&pairWhite == pairWhite:
			m.before = 255
			le.PutUint64(greys, allWhite)
		case ((a^a>>8)|(b^b>>8)|(c^c>>8)|(d^d>>8))&pairSame == 0:
			g := pairGrey(a) | pairGrey(b)<<16 | pairGrey(c)<<32 | pairGrey(d)<<48
			m.eight(g)
			le.PutUint64(greys, g)
		default:
			m.pixels(row[:32], greys)
		}
		row, greys = row[32:], greys[8:]
	}
	m.pixels(row, greys)
}

const (
	allWhite = 0xFFFFFFFFFFFFFFFF
	pairSame = 0x0000FFFF0000FFFF // of two pixels, each part XOR the next one
)

// pairGrey is the red of two pixels.
func pairGrey(v uint64) uint64 { return v&0xFF | v>>24&0xFF00 }

// pixels counts pixels one by one, each by its colour, its grey and that of its
// left neighbour.
func (m *meter) pixels(row, greys []byte) {
	for ; len(row) >= 4 && len(greys) > 0; row, greys = row[4:], greys[1:] {
		r, g, b := row[0], row[1], row[2]
		m.chroma += m.ofChroma[max(r, g, b)-min(r, g, b)]
		grey := luma(r, g, b)
		is := m.ofGrey[grey]
		m.between += int64(is & betweenBit)
		m.slope += int64(is & m.ofGrey[m.before] & m.ofStep[grey-m.before] >> 1)
		m.before = grey
		greys[0] = grey
	}
}

// Words of eight bytes: the same in each, and the high bit of each.
const (
	each  = 0x0101010101010101
	highs = 0x80 * each
)

// eight counts eight grey pixels, the first in the low byte: pixels for all of
// them at once, with the same conditions.
func (m *meter) eight(g uint64) {
	before := g<<8 | uint64(m.before)
	m.before = uint8(g >> 56)
	between := least(g, nearBlack+1) &^ least(g, nearWhite)
	m.between += int64(bits.OnesCount64(between))
	middle := least(g, midLow+1) &^ least(g, midHigh) & least(before, midLow+1) &^ least(before, midHigh)
	if middle == 0 {
		return
	}
	step := ((g | highs) - before&^highs) ^ (g^^before)&highs // of each byte, modulo 256
	change := (step&^highs + 0x7F*each) | step                // is not 0
	far := (step&^highs + slopeMost*each) ^ step&highs        // from 0 to twice slopeMost
	m.slope += int64(bits.OnesCount64(middle & change &^ least(far, 2*slopeMost+1)))
}

// least returns the high bit of each byte of v that is at least n.
func least(v uint64, n uint64) uint64 {
	if n <= 0x80 {
		return ((v | highs) - n*each | v) & highs
	}
	return ((v | highs) - (n-0x80)*each) & v & highs
}
