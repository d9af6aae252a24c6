package jpeglint

// huffman finds a code by its first 16 bits: length in the high byte, symbol
// in the low byte; length 0 is no code (T.81 annex C).
type huffman [1 << 16]uint16

// newHuffman returns nil when the code lengths do not make a prefix code.
// spec: jpeg#C
func newHuffman(counts, symbols []byte) *huffman {
	var t huffman
	next := 0
	for i, n := range counts {
		size := i + 1
		span := 1 << (16 - size)
		for range n {
			if next+span > len(t) {
				return nil
			}
			for j := next; j < next+span; j++ {
				t[j] = uint16(size)<<8 | uint16(symbols[0])
			}
			next += span
			symbols = symbols[1:]
		}
	}
	return &t
}

// bitReader reads entropy-coded data: a 0xFF is followed by a 0x00 that is
// left out; any other marker ends the data.
type bitReader struct {
	p    []byte
	at   int
	acc  uint64
	bits int
}

// fill makes at least n ≤ 32 bits ready, padding with ones behind the end,
// and reports how many of them are real.
func (r *bitReader) fill(n int) int {
	for r.bits < n && r.at < len(r.p) {
		b := r.p[r.at]
		step := 1
		if b == 0xFF {
			if r.at+1 >= len(r.p) || r.p[r.at+1] != 0 {
				break
			}
			step = 2
		}
		r.at += step
		r.acc = r.acc<<8 | uint64(b)
		r.bits += 8
	}
	return r.bits
}

// peek16 returns the next 16 bits, padded with ones.
func (r *bitReader) peek16() int {
	if have := r.fill(16); have < 16 {
		miss := 16 - have
		return int(r.acc<<miss|(1<<miss-1)) & 0xFFFF
	}
	return int(r.acc>>(r.bits-16)) & 0xFFFF
}

// skip drops n bits and reports whether they were there.
func (r *bitReader) skip(n int) bool {
	if r.fill(n) < n {
		return false
	}
	r.bits -= n
	return true
}

// symbol reads one code.
func (r *bitReader) symbol(t *huffman) (byte, bool) {
	e := t[r.peek16()]
	if e == 0 || !r.skip(int(e>>8)) {
		return 0, false
	}
	return byte(e), true
}

// block skips one block of 64 coefficients.
func (r *bitReader) block(dc, ac *huffman) bool {
	size, ok := r.symbol(dc)
	if !ok || size > 11 || !r.skip(int(size)) {
		return false
	}
	for k := 1; k < 64; k++ {
		s, ok := r.symbol(ac)
		if !ok {
			return false
		}
		run, size := int(s>>4), int(s&15)
		if size == 0 {
			if run == 0 {
				return true
			}
			if run != 15 {
				return false
			}
		}
		if k += run; k > 63 || size > 10 || !r.skip(size) {
			return false
		}
	}
	return true
}

// end checks that less than a byte is left, all ones, and returns what
// follows the coded data.
func (r *bitReader) end() ([]byte, bool) {
	// Whole bytes that were read ahead go back.
	for r.bits >= 8 {
		r.bits -= 8
		r.acc >>= 8
		r.at--
		if r.p[r.at] == 0 && r.at > 0 && r.p[r.at-1] == 0xFF {
			r.at--
		}
	}
	ones := uint64(1)<<r.bits - 1
	return r.p[r.at:], r.acc&ones == ones
}
