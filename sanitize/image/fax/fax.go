// Package fax reads pictures of two colours as fax machines and office
// scanners code them: ITU-T T.4 (Group 3, one- and two-dimensional) and T.6
// (Group 4).
//
// A line is a sequence of white and black runs. One-dimensional coding gives
// the length of each run; two-dimensional coding says how far each change of
// colour lies from one in the line above. Group 3 lines begin with a mark, so
// that a receiver finds the next line after noise on the telephone; of a
// damaged line nothing is known, and the line above is shown again, as fax
// machines do (Lost counts them). In Group 4 all lines hang together, and a
// fault ends the picture.
//
// Input is hostile: each code takes bits, each line bounds its changes, and
// memory is what W and H ask for, which the caller bounds.
package fax

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// ErrMalformed means a code that does not exist or runs over its line.
var ErrMalformed = errors.New("fax: malformed")

// ErrUnsupported means the uncompressed mode, an extension that nothing uses.
var ErrUnsupported = errors.New("fax: uncompressed mode")

// errEnd is the end that the sender coded: RTC or EOFB.
var errEnd = errors.New("fax: end")

// Scheme is how lines are coded.
type Scheme uint8

// The schemes.
const (
	Runs   Scheme = iota + 1 // one-dimensional, each line on a new byte, no marks (TIFF 6.0 section 10)
	Group3                   // T.4, one-dimensional
	Mixed3                   // T.4, lines of both kinds
	Group4                   // T.6
)

// Decoder holds the code tables; it may be used for many pictures.
type Decoder struct {
	run  [2][1 << runBits]entry // white, black
	mode [1 << modeBits]entry
}

// NewDecoder makes the tables.
func NewDecoder() *Decoder {
	d := &Decoder{}
	for i, short := range []string{whiteShort, blackShort} {
		t := d.run[i][:]
		fill(t, runBits, short, 0, 1)
		fill(t, runBits, []string{whiteLong, blackLong}[i], 64, 64)
		fill(t, runBits, bothLong, 1792, 64)
	}
	fill(d.mode[:], modeBits, modes, 0, 1)
	return d
}

// Picture is the result: rows of bits, each row on a new byte, 1 is black.
type Picture struct {
	Pix    []byte
	Stride int
	Rows   int // that came; the rest of Pix is white
	Lost   int // of them, lines that were damaged
}

// Decode reads a picture of W × H pixels, both above zero. Fewer rows than H
// without an error mean that the sender ended the picture there. The errors
// are ErrMalformed, ErrUnsupported, io.ErrUnexpectedEOF and that of ctx.
func (d *Decoder) Decode(ctx context.Context, data []byte, s Scheme, w, h int) (Picture, error) {
	p := Picture{Stride: (w + 7) / 8}
	p.Pix = make([]byte, p.Stride*h)
	l := &line{d: d, bits: bitReader{p: data}, w: w, ref: []int{w, w}}
	for p.Rows < h {
		if p.Rows%64 == 0 && ctx.Err() != nil {
			return p, ctx.Err()
		}
		err := l.next(s)
		switch {
		case errors.Is(err, errEnd):
			return p, nil
		case err != nil && (s == Group3 || s == Mixed3) && !errors.Is(err, io.ErrUnexpectedEOF):
			l.bits.at = l.start // what was taken as a code may be the next mark
			if !l.bits.seek() {
				return p, err
			}
			p.Lost++
			l.cur = append(l.cur[:0], l.ref...)
		case err != nil:
			return p, err
		}
		l.paint(p.Pix[p.Rows*p.Stride:][:p.Stride])
		p.Rows++
		l.ref, l.cur = l.cur, l.ref[:0]
	}
	return p, nil
}

// line decodes one line after the other. ref and cur are where the colour
// changes in the line above and in this one, white first, closed by twice the
// width.
type line struct {
	d        *Decoder
	bits     bitReader
	w        int
	start    int // bit behind the mark of a line of Group 3
	ref, cur []int
}

// next reads a line into cur.
func (l *line) next(s Scheme) error {
	l.cur = l.cur[:0]
	var err error
	switch s {
	case Group4:
		if l.bits.peek(24) == 0x001001 {
			return errEnd
		}
		err = l.twoD()
	case Runs:
		l.bits.align()
		err = l.oneD()
	default:
		err = l.marked(s)
	}
	if err != nil {
		return err
	}
	l.cur = append(l.cur, l.w, l.w)
	return nil
}

// marked reads a line of Group 3 with the mark before it. Six marks in a row
// end the picture (T.4 4.1.4); two are enough to tell.
// spec: t4#4.1
func (l *line) marked(s Scheme) error {
	marks, one := 0, true
	for l.bits.mark() {
		marks++
		if s == Mixed3 {
			one = l.bits.take(1) == 1
		}
	}
	l.start = l.bits.at
	switch {
	case marks >= 2:
		return errEnd
	case l.bits.done():
		return io.ErrUnexpectedEOF
	case one:
		return l.oneD()
	}
	return l.twoD()
}

// oneD reads a line of runs.
// spec: t4#4.1
func (l *line) oneD() error {
	at := 0
	for colour := 0; at < l.w; colour ^= 1 {
		n, err := l.length(colour)
		if err != nil {
			return err
		}
		if at += n; at > l.w {
			return fmt.Errorf("%w: runs of %d in a line of %d", ErrMalformed, at, l.w)
		}
		if err := l.change(at); err != nil {
			return err
		}
	}
	return nil
}

// length reads the codes of one run: long ones and a short one at the end.
func (l *line) length(colour int) (int, error) {
	total := 0
	for {
		e := l.d.run[colour][l.bits.peek(runBits)]
		if e.bits == 0 {
			return 0, l.bits.fault("run")
		}
		if !l.bits.skip(int(e.bits)) {
			return 0, io.ErrUnexpectedEOF
		}
		if total += int(e.value); e.value < 64 {
			return total, nil
		}
		if total > l.w {
			return 0, fmt.Errorf("%w: run of %d", ErrMalformed, total)
		}
	}
}

// change notes where the colour changes. Runs of no pixels make changes at one
// place; a line has no use for more of them than pixels.
func (l *line) change(at int) error {
	if len(l.cur) > l.w+8 {
		return fmt.Errorf("%w: empty runs", ErrMalformed)
	}
	l.cur = append(l.cur, at)
	return nil
}

// twoD reads a line by the one above it.
// spec: t4#4.2 t6#2.2
func (l *line) twoD() error {
	at, colour, near := -1, 0, 0 // near is an index of ref that is not too far
	for at < l.w {
		e := l.d.mode[l.bits.peek(modeBits)]
		if e.bits == 0 {
			return l.bits.fault("mode")
		}
		if !l.bits.skip(int(e.bits)) {
			return io.ErrUnexpectedEOF
		}
		b1, b2 := l.above(at, colour, &near)
		switch e.value {
		case modePass:
			at = b2
		case modeHorizontal:
			at = max(at, 0)
			for range 2 {
				n, err := l.length(colour)
				if err != nil {
					return err
				}
				if at += n; at > l.w {
					return fmt.Errorf("%w: runs of %d in a line of %d", ErrMalformed, at, l.w)
				}
				if err := l.change(at); err != nil {
					return err
				}
				colour ^= 1
			}
		default:
			to := b1 + int(e.value) - modeVertical - 3
			if to < max(at, 0) || to > l.w {
				return fmt.Errorf("%w: change at %d in a line of %d", ErrMalformed, to, l.w)
			}
			if err := l.change(to); err != nil {
				return err
			}
			at, colour = to, colour^1
		}
	}
	return nil
}

// above finds the changes of the line above that modes count from (T.4 4.2.1.1):
// b1, the first right of at from colour to the other one, and b2 after it.
func (l *line) above(at, colour int, near *int) (int, int) {
	// A vertical code can go back by three pixels, behind changes that were
	// already passed.
	i := max(*near-4, 0)
	i += (i ^ colour) & 1
	for i < len(l.ref) && l.ref[i] <= at && l.ref[i] < l.w {
		i += 2
	}
	*near = i
	b1, b2 := l.w, l.w
	if i < len(l.ref) {
		b1 = l.ref[i]
	}
	if i+1 < len(l.ref) {
		b2 = l.ref[i+1]
	}
	return b1, b2
}

// paint sets the black pixels of the line in a row of white ones.
func (l *line) paint(row []byte) {
	for i := 0; i+1 < len(l.cur); i += 2 {
		from, to := l.cur[i], l.cur[i+1]
		for from < to && from%8 != 0 {
			row[from/8] |= 0x80 >> (from % 8)
			from++
		}
		for ; from+8 <= to; from += 8 {
			row[from/8] = 0xFF
		}
		for ; from < to; from++ {
			row[from/8] |= 0x80 >> (from % 8)
		}
	}
}
