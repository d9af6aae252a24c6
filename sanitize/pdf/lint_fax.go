package pdf

import (
	"fmt"
	"strings"
)

// The code words of ITU-T T.4 and T.6 as they are printed there, in the order
// of the lengths 0 to 63, 64 to 1728 and 1792 to 2560.
const (
	printedWhite = "00110101 000111 0111 1000 1011 1100 1110 1111 10011 10100 00111 01000 001000 000011 110100 110101 101010 " +
		"101011 0100111 0001100 0001000 0010111 0000011 0000100 0101000 0101011 0010011 0100100 0011000 00000010 " +
		"00000011 00011010 00011011 00010010 00010011 00010100 00010101 00010110 00010111 00101000 00101001 00101010 " +
		"00101011 00101100 00101101 00000100 00000101 00001010 00001011 01010010 01010011 01010100 01010101 00100100 " +
		"00100101 01011000 01011001 01011010 01011011 01001010 01001011 00110010 00110011 00110100 11011 10010 010111 " +
		"0110111 00110110 00110111 01100100 01100101 01101000 01100111 011001100 011001101 011010010 011010011 " +
		"011010100 011010101 011010110 011010111 011011000 011011001 011011010 011011011 010011000 010011001 010011010 " +
		"011000 010011011 "
	printedBlack = "0000110111 010 11 10 011 0011 0010 00011 000101 000100 0000100 0000101 0000111 00000100 00000111 000011000 " +
		"0000010111 0000011000 0000001000 00001100111 00001101000 00001101100 00000110111 00000101000 00000010111 " +
		"00000011000 000011001010 000011001011 000011001100 000011001101 000001101000 000001101001 000001101010 " +
		"000001101011 000011010010 000011010011 000011010100 000011010101 000011010110 000011010111 000001101100 " +
		"000001101101 000011011010 000011011011 000001010100 000001010101 000001010110 000001010111 000001100100 " +
		"000001100101 000001010010 000001010011 000000100100 000000110111 000000111000 000000100111 000000101000 " +
		"000001011000 000001011001 000000101011 000000101100 000001011010 000001100110 000001100111 0000001111 " +
		"000011001000 000011001001 000001011011 000000110011 000000110100 000000110101 0000001101100 0000001101101 " +
		"0000001001010 0000001001011 0000001001100 0000001001101 0000001110010 0000001110011 0000001110100 " +
		"0000001110101 0000001110110 0000001110111 0000001010010 0000001010011 0000001010100 0000001010101 " +
		"0000001011010 0000001011011 0000001100100 0000001100101 "
	printedLong = "00000001000 00000001100 00000001101 000000010010 000000010011 000000010100 000000010101 000000010110 " +
		"000000010111 000000011100 000000011101 000000011110 000000011111"
	// Modes: pass, horizontal, and an edge 0, 1, 2, 3 to the right, 1, 2, 3 to
	// the left.
	printedModes = "0001 001 1 011 000011 0000011 010 000010 0000010"
	printedEnd   = "000000000001000000000001"
)

// words finds what a code word stands for, by its bits behind a one.
type words map[uint32]int

func printed(table string) words {
	m := words{}
	for i, s := range strings.Fields(table) {
		m[spelled(s)] = i
	}
	return m
}

func spelled(s string) uint32 {
	key := uint32(1)
	for _, c := range s {
		key = key<<1 | uint32(c-'0')
	}
	return key
}

// faxLint follows the codes of a picture in black and white without drawing
// it.
type faxLint struct {
	data  []byte
	at    int // bit
	modes words
	runs  [2]words
	above []int64 // where the row above changes its colour
	row   []int64
}

// longestWord is the most bits of a code word.
const longestWord = 13

// bit reads one bit, -1 behind the end.
func (f *faxLint) bit() int {
	if f.at >= 8*len(f.data) {
		return -1
	}
	b := f.data[f.at/8] >> (7 - f.at%8) & 1
	f.at++
	return int(b)
}

// word reads a code word of a table.
func (f *faxLint) word(m words) (int, bool) {
	key := uint32(1)
	for range longestWord {
		b := f.bit()
		if b < 0 {
			return 0, false
		}
		key = key<<1 | uint32(b)
		if v, ok := m[key]; ok {
			return v, true
		}
	}
	return 0, false
}

// run reads the length of a run of a colour: long parts first, then one of
// less than 64.
func (f *faxLint) run(colour int, most int64) (int64, bool) {
	var n int64
	for n <= most {
		v, ok := f.word(f.runs[colour])
		switch {
		case !ok:
			return 0, false
		case v < 64:
			n += int64(v)
			return n, n <= most
		}
		n += int64(v-63) * 64
	}
	return 0, false
}

// fax checks that the data is exactly the rows of the picture.
// spec: t6#2.2
func (l *lint) fax(o *object, where string) {
	long := printedLong
	f := faxLint{data: o.body, modes: printed(printedModes), runs: [2]words{printed(printedWhite + long), printed(printedBlack + long)}}
	for y := range o.h {
		if !f.line(o.w) {
			l.fail(lintPicture, where, fmt.Sprintf("row %d: bit %d", y, f.at))
			return
		}
	}
	for _, want := range printedEnd {
		if f.bit() != int(want-'0') {
			l.fail(lintPicture, where, "no end behind the last row")
			return
		}
	}
	for f.at%8 != 0 {
		if f.bit() != 0 {
			l.fail(lintPicture, where, "bits behind the end")
			return
		}
	}
	if f.at != 8*len(f.data) {
		l.fail(lintPicture, where, "bytes behind the end")
	}
}

// line reads one row up to its last pixel.
func (f *faxLint) line(w int64) bool {
	f.row = f.row[:0]
	at, colour := int64(0), 0
	first := true
	for at < w || first {
		mode, ok := f.word(f.modes)
		if !ok {
			return false
		}
		b1, b2 := f.reference(at, colour, first, w)
		switch mode {
		case 0:
			if b2 >= w {
				return false
			}
			at = b2
		case 1:
			for range 2 {
				n, ok := f.run(colour, w-at)
				if !ok {
					return false
				}
				at += n
				f.change(at, w)
				colour ^= 1
			}
		default:
			d := int64(mode - 2)
			if d > 3 {
				d = 3 - d
			}
			if b1+d < at || b1+d > w || b1+d == at && !first {
				return false
			}
			at = b1 + d
			f.change(at, w)
			colour ^= 1
		}
		first = false
	}
	f.above, f.row = f.row, f.above
	return true
}

func (f *faxLint) change(at, w int64) {
	if at < w {
		f.row = append(f.row, at)
	}
}

// reference finds the edges b1 and b2 of the row above (T.6, 2.2.1): the first
// one right of at that changes away from colour, and the next.
func (f *faxLint) reference(at int64, colour int, first bool, w int64) (int64, int64) {
	// The row above is short of at by few edges; they are passed for good.
	i, n := 0, len(f.above)
	for lo, hi := 0, n; lo < hi; i = lo { // first edge that is not left of at
		mid := (lo + hi) / 2
		if f.above[mid] < at {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	for i < n && (f.above[i] == at && !first || i%2 != colour) {
		i++
	}
	b1, b2 := w, w
	if i < n {
		b1 = f.above[i]
	}
	if i+1 < n {
		b2 = f.above[i+1]
	}
	return b1, b2
}
