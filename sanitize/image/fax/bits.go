package fax

import (
	"fmt"
	"io"
	"math/bits"
)

// eol is the length of a mark: eleven zeros and a one; more zeros may stand
// before it (T.4 4.1.2, 4.1.3).
const eol = 12

// bitReader reads bits, the high one of a byte first. Behind the end all bits
// are zero.
type bitReader struct {
	p  []byte
	at int // bits taken
}

// peek returns the next n ≤ 24 bits.
func (b *bitReader) peek(n int) uint32 {
	v := uint64(0)
	at := b.at / 8
	for i := range 4 {
		v <<= 8
		if at+i < len(b.p) {
			v |= uint64(b.p[at+i])
		}
	}
	return uint32(v << (32 + b.at%8) >> (64 - n))
}

// skip takes n bits and reports whether they were there.
func (b *bitReader) skip(n int) bool {
	b.at += n
	return b.at <= 8*len(b.p)
}

func (b *bitReader) take(n int) uint32 {
	v := b.peek(n)
	b.skip(n)
	return v
}

func (b *bitReader) done() bool { return b.at >= 8*len(b.p) }

// align goes on to the start of a byte.
func (b *bitReader) align() { b.at = (b.at + 7) &^ 7 }

// mark takes a mark, if the next bits are one.
func (b *bitReader) mark() bool {
	if b.peek(eol-1) != 0 {
		return false
	}
	end := b.one(b.at + eol - 1)
	if end < 0 {
		return false
	}
	b.at = end + 1
	return true
}

// one returns where the first one at or behind a bit is, -1 for nowhere.
func (b *bitReader) one(from int) int {
	if from >= 8*len(b.p) {
		return -1
	}
	if rest := b.p[from/8] << (from % 8); rest != 0 {
		return from + bits.LeadingZeros8(rest)
	}
	for i := from/8 + 1; i < len(b.p); i++ {
		if b.p[i] != 0 {
			return 8*i + bits.LeadingZeros8(b.p[i])
		}
	}
	return -1
}

// seek goes on to the next mark without taking it, and reports whether there
// is one.
func (b *bitReader) seek() bool {
	zeros := 0
	for at := b.at; at < 8*len(b.p); at++ {
		if b.p[at/8]<<(at%8)&0x80 == 0 {
			zeros++
			continue
		}
		if zeros >= eol-1 {
			b.at = at - eol + 1
			return true
		}
		zeros = 0
	}
	return false
}

// fault says why the next bits are no code.
func (b *bitReader) fault(of string) error {
	switch {
	case b.at+modeBits > 8*len(b.p):
		return io.ErrUnexpectedEOF
	case of == "mode" && b.peek(modeBits) == 1:
		return ErrUnsupported
	}
	return fmt.Errorf("%w: no code of a %s at bit %d", ErrMalformed, of, b.at)
}
