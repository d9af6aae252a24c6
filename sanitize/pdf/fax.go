package pdf

import (
	"math/bits"

	"sekisho/sanitize/ir"
)

// code is a code word: its bits and how many they are.
type code struct {
	bits uint16
	n    uint8
}

// Codes of runs: 64 lengths, then multiples of 64 up to 1728 (ITU-T T.4,
// tables 2 and 3). Lengths above go through longRuns.
var (
	whiteRuns = [...]code{
		{0x35, 8}, {0x7, 6}, {0x7, 4}, {0x8, 4}, {0xB, 4}, {0xC, 4}, {0xE, 4}, {0xF, 4}, {0x13, 5}, {0x14, 5}, {0x7, 5},
		{0x8, 5}, {0x8, 6}, {0x3, 6}, {0x34, 6}, {0x35, 6}, {0x2A, 6}, {0x2B, 6}, {0x27, 7}, {0xC, 7}, {0x8, 7}, {0x17, 7},
		{0x3, 7}, {0x4, 7}, {0x28, 7}, {0x2B, 7}, {0x13, 7}, {0x24, 7}, {0x18, 7}, {0x2, 8}, {0x3, 8}, {0x1A, 8}, {0x1B, 8},
		{0x12, 8}, {0x13, 8}, {0x14, 8}, {0x15, 8}, {0x16, 8}, {0x17, 8}, {0x28, 8}, {0x29, 8}, {0x2A, 8}, {0x2B, 8},
		{0x2C, 8}, {0x2D, 8}, {0x4, 8}, {0x5, 8}, {0xA, 8}, {0xB, 8}, {0x52, 8}, {0x53, 8}, {0x54, 8}, {0x55, 8}, {0x24, 8},
		{0x25, 8}, {0x58, 8}, {0x59, 8}, {0x5A, 8}, {0x5B, 8}, {0x4A, 8}, {0x4B, 8}, {0x32, 8}, {0x33, 8}, {0x34, 8},
		{0x1B, 5}, {0x12, 5}, {0x17, 6}, {0x37, 7}, {0x36, 8}, {0x37, 8}, {0x64, 8}, {0x65, 8}, {0x68, 8}, {0x67, 8},
		{0xCC, 9}, {0xCD, 9}, {0xD2, 9}, {0xD3, 9}, {0xD4, 9}, {0xD5, 9}, {0xD6, 9}, {0xD7, 9}, {0xD8, 9}, {0xD9, 9},
		{0xDA, 9}, {0xDB, 9}, {0x98, 9}, {0x99, 9}, {0x9A, 9}, {0x18, 6}, {0x9B, 9},
	}
	blackRuns = [...]code{
		{0x37, 10}, {0x2, 3}, {0x3, 2}, {0x2, 2}, {0x3, 3}, {0x3, 4}, {0x2, 4}, {0x3, 5}, {0x5, 6}, {0x4, 6}, {0x4, 7},
		{0x5, 7}, {0x7, 7}, {0x4, 8}, {0x7, 8}, {0x18, 9}, {0x17, 10}, {0x18, 10}, {0x8, 10}, {0x67, 11}, {0x68, 11},
		{0x6C, 11}, {0x37, 11}, {0x28, 11}, {0x17, 11}, {0x18, 11}, {0xCA, 12}, {0xCB, 12}, {0xCC, 12}, {0xCD, 12},
		{0x68, 12}, {0x69, 12}, {0x6A, 12}, {0x6B, 12}, {0xD2, 12}, {0xD3, 12}, {0xD4, 12}, {0xD5, 12}, {0xD6, 12},
		{0xD7, 12}, {0x6C, 12}, {0x6D, 12}, {0xDA, 12}, {0xDB, 12}, {0x54, 12}, {0x55, 12}, {0x56, 12}, {0x57, 12},
		{0x64, 12}, {0x65, 12}, {0x52, 12}, {0x53, 12}, {0x24, 12}, {0x37, 12}, {0x38, 12}, {0x27, 12}, {0x28, 12},
		{0x58, 12}, {0x59, 12}, {0x2B, 12}, {0x2C, 12}, {0x5A, 12}, {0x66, 12}, {0x67, 12}, {0xF, 10}, {0xC8, 12},
		{0xC9, 12}, {0x5B, 12}, {0x33, 12}, {0x34, 12}, {0x35, 12}, {0x6C, 13}, {0x6D, 13}, {0x4A, 13}, {0x4B, 13},
		{0x4C, 13}, {0x4D, 13}, {0x72, 13}, {0x73, 13}, {0x74, 13}, {0x75, 13}, {0x76, 13}, {0x77, 13}, {0x52, 13},
		{0x53, 13}, {0x54, 13}, {0x55, 13}, {0x5A, 13}, {0x5B, 13}, {0x64, 13}, {0x65, 13},
	}
	longRuns = [...]code{ // multiples of 64 from 1792 on, of both colours
		{0x8, 11}, {0xC, 11}, {0xD, 11}, {0x12, 12}, {0x13, 12}, {0x14, 12}, {0x15, 12}, {0x16, 12}, {0x17, 12}, {0x1C, 12},
		{0x1D, 12}, {0x1E, 12}, {0x1F, 12},
	}
	// vertical are the codes of an edge from three to the left to three to the
	// right of the one above (T.6, table 1).
	vertical = [...]code{{2, 7}, {2, 6}, {2, 3}, {1, 1}, {3, 3}, {3, 6}, {3, 7}}
)

var (
	passCode       = code{1, 4}
	horizontalCode = code{1, 3}
	endOfLine      = code{1, 12}
)

const longestRun = 2560

// fax encodes a picture in black and white by ITU-T T.6 (Group 4): each row by
// where its edges are against those of the row above.
type fax struct {
	out  []byte
	acc  uint64
	held int
}

// encode returns r's rows, 0 being black, padding cleared. The result is valid
// until the next call.
// spec: t6#2.2
func (f *fax) encode(r ir.Raster, pix []byte) []byte {
	f.out, f.acc, f.held = f.out[:0], 0, 0
	w, stride := int(r.W), int(r.Stride())
	above, edges := make([]int, 0, 64), make([]int, 0, 64)
	above = append(above, w, w, w)
	for len(pix) >= stride {
		edges = findEdges(edges[:0], pix[:stride], w)
		f.row(edges, above, w)
		above, edges = edges, above
		pix = pix[stride:]
	}
	f.put(endOfLine)
	f.put(endOfLine)
	if f.held > 0 {
		f.out = append(f.out, byte(f.acc<<(8-f.held)))
	}
	return f.out
}

// findEdges appends where the colour of a row changes, from white before its
// start on, and w three times.
func findEdges(to []int, row []byte, w int) []int {
	last := byte(1) // white
	for i, b := range row {
		if b == 0xFF && last == 1 || b == 0 && last == 0 {
			continue
		}
		// Bit k of d: pixel k differs from the one before.
		d := b ^ (b>>1 | last<<7)
		for d != 0 {
			k := bits.LeadingZeros8(d)
			d &^= 0x80 >> k
			if x := 8*i + k; x < w {
				to = append(to, x)
			}
		}
		last = b & 1
	}
	return append(to, w, w, w)
}

// row encodes one row (T.6, 2.2.5). Even edges turn black, odd ones white.
func (f *fax) row(edges, above []int, w int) {
	at, colour := -1, 0 // before the row, white
	i, b := 0, 0
	for at < w {
		for b > 0 && above[b-1] > at {
			b--
		}
		for above[b] < w && (above[b] <= at || b&1 != colour) {
			b++
		}
		a1, b1 := edges[i], above[b]
		b2 := w
		if b1 < w {
			b2 = above[b+1]
		}
		switch d := a1 - b1; {
		case b2 < a1:
			f.put(passCode)
			at = b2
		case d >= -3 && d <= 3:
			f.put(vertical[d+3])
			at = a1
			colour ^= 1
			i++
		default:
			a2 := edges[i+1]
			f.put(horizontalCode)
			f.run(a1-max(at, 0), colour)
			f.run(a2-a1, colour^1)
			at = a2
			i += 2
		}
	}
}

// run writes the length of a run of a colour, 0 white, 1 black.
func (f *fax) run(n, colour int) {
	codes := &whiteRuns
	if colour == 1 {
		codes = &blackRuns
	}
	for n > longestRun+63 {
		f.put(longRuns[len(longRuns)-1])
		n -= longestRun
	}
	switch {
	case n >= 1792:
		f.put(longRuns[(n-1792)/64])
	case n >= 64:
		f.put(codes[63+n/64])
	}
	f.put(codes[n%64])
}

func (f *fax) put(c code) {
	f.acc = f.acc<<c.n | uint64(c.bits)
	f.held += int(c.n)
	for f.held >= 8 {
		f.held -= 8
		f.out = append(f.out, byte(f.acc>>f.held))
	}
}
