// Package jpeglint checks that a JPEG is in the closed form in which we write
// one: the lint of the kind jpeg, and of the pictures inside a PDF of ours.
//
// It walks the markers and follows the Huffman codes of the coded data up to
// the last block, without computing a pixel, so that nothing can hide between
// the picture and its end marker. It shares no code with the encoder.
package jpeglint

import (
	"encoding/binary"
	"fmt"
)

// The rules of a JPEG of ours (ITU-T T.81). Each has a bad sample in the
// tests of sanitize/image.
const (
	Start    = "lint_jpeg_start"    // B.1.1.3: starts with SOI
	Marker   = "lint_jpeg_marker"   // B.2: only APP0 DQT SOF0 DHT SOS EOI, each segment whole
	Order    = "lint_jpeg_order"    // B.2.1: tables, frame, tables, one scan
	Size     = "lint_jpeg_size"     // T.871: a resolution in inches that a printer can follow, no thumbnail
	Table    = "lint_jpeg_table"    // B.2.4: quantization and Huffman tables well formed
	Shape    = "lint_jpeg_frame"    // B.2.2: eight bits, one or three components, 4:2:0 or none
	Scan     = "lint_jpeg_scan"     // B.2.3: all components, whole spectrum
	Data     = "lint_jpeg_data"     // F.2: the coded data is exactly the blocks of the frame
	Trailing = "lint_jpeg_trailing" // nothing behind EOI
)

// Frame is what the header of a JPEG says about its picture.
type Frame struct {
	W, H       int // pixels
	Components int // 1 grey, 3 colour
}

// Check reports every violation of the closed form: the code of a rule, where
// in data, and a detail. The frame is zero when there is no header.
// spec: jpeg#B.1
func Check(data []byte, report func(code, where, detail string)) Frame {
	l := lint{report: report}
	l.run(data)
	return Frame{l.w, l.h, len(l.comps)}
}

type lint struct {
	report func(code, where, detail string)
	w, h   int
	comps  []component
	quant  [4]bool
	tables [2][4]*huffman // by class (0 DC, 1 AC) and number
	step   int
	scan   []byte // coded data and what follows
	bad    bool
}

type component struct {
	id, h, v, quant, dc, ac byte
}

// order gives the marker of each step; tables may come in several segments,
// and the first step may be left out.
var order = [...]byte{0xE0, 0xDB, 0xC0, 0xC4, 0xDA}

func (l *lint) fail(code, where, detail string) {
	l.bad = true
	l.report(code, where, detail)
}

func (l *lint) run(data []byte) {
	if len(data) < 4 || data[0] != 0xFF || data[1] != 0xD8 {
		l.fail(Start, "0", "")
		return
	}
	l.step = -1
	at := 2
	for l.scan == nil {
		where := fmt.Sprint(at)
		if at+4 > len(data) || data[at] != 0xFF {
			l.fail(Marker, where, "no marker")
			return
		}
		mark, n := data[at+1], int(binary.BigEndian.Uint16(data[at+2:]))
		if n < 2 || at+2+n > len(data) {
			l.fail(Marker, where, "segment cut short")
			return
		}
		body := data[at+4 : at+2+n]
		at += 2 + n
		l.place(mark, where)
		l.segment(mark, body, where)
		if mark == 0xDA {
			l.scan = data[at:]
		}
	}
	if l.step != len(order)-1 {
		l.fail(Order, fmt.Sprint(at), "a needed segment is missing")
	}
	if !l.bad {
		l.blocks()
	}
}

// place checks that the marker is known and comes where it may.
func (l *lint) place(mark byte, where string) {
	for i, known := range order {
		if known != mark {
			continue
		}
		repeat := i == l.step && (mark == 0xDB || mark == 0xC4)
		plain := i == 1 && l.step == -1 // without APP0
		if i != l.step+1 && !repeat && !plain {
			l.fail(Order, where, fmt.Sprintf("marker %02X out of place", mark))
		}
		l.step = i
		return
	}
	l.fail(Marker, where, fmt.Sprintf("marker %02X is not written", mark))
}

func (l *lint) segment(mark byte, body []byte, where string) {
	switch mark {
	case 0xE0:
		l.size(body, where)
	case 0xDB:
		l.quantTables(body, where)
	case 0xC0:
		l.frame(body, where)
	case 0xC4:
		l.huffmanTables(body, where)
	case 0xDA:
		l.scanHeader(body, where)
	}
}

// size checks the JFIF segment: version 1.02, inches, 1 to 20,000 pixels on
// each, no thumbnail.
// spec: jfif#10.1
func (l *lint) size(b []byte, where string) {
	if len(b) != 14 || string(b[:8]) != "JFIF\x00\x01\x02\x01" || b[12] != 0 || b[13] != 0 {
		l.fail(Size, where, "form")
		return
	}
	for _, v := range []uint16{binary.BigEndian.Uint16(b[8:]), binary.BigEndian.Uint16(b[10:])} {
		if v < 1 || v > 20000 {
			l.fail(Size, where, fmt.Sprintf("%d pixels an inch", v))
		}
	}
}

func (l *lint) quantTables(b []byte, where string) {
	for len(b) >= 65 && b[0] < 4 {
		for _, q := range b[1:65] {
			if q == 0 {
				l.fail(Table, where, "zero quantizer")
				return
			}
		}
		l.quant[b[0]] = true
		b = b[65:]
	}
	if len(b) != 0 {
		l.fail(Table, where, "quantization table")
	}
}

func (l *lint) frame(b []byte, where string) {
	if len(b) < 6 || len(b) != 6+3*int(b[5]) || b[0] != 8 {
		l.fail(Shape, where, "header")
		return
	}
	l.h, l.w = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	for c := b[6:]; len(c) > 0; c = c[3:] {
		comp := component{id: c[0], h: c[1] >> 4, v: c[1] & 15, quant: c[2]}
		if comp.quant > 3 || !l.quant[comp.quant] {
			l.fail(Shape, where, "component without a table")
		}
		l.comps = append(l.comps, comp)
	}
	var shape [][2]byte
	for _, c := range l.comps {
		shape = append(shape, [2]byte{c.h, c.v})
	}
	one := [2]byte{1, 1}
	grey := len(shape) == 1 && shape[0] == one
	colour := len(shape) == 3 && (shape[0] == one || shape[0] == [2]byte{2, 2}) && shape[1] == one && shape[2] == one
	if l.w < 1 || l.h < 1 || l.w*l.h > 1<<26 || !grey && !colour {
		l.fail(Shape, where, fmt.Sprintf("%d x %d, %d components", l.w, l.h, len(l.comps)))
	}
}

func (l *lint) huffmanTables(b []byte, where string) {
	for len(b) >= 17 {
		class, number := b[0]>>4, b[0]&15
		total := 0
		for _, n := range b[1:17] {
			total += int(n)
		}
		if class > 1 || number > 3 || total == 0 || total > 256 || len(b) < 17+total {
			break
		}
		t := newHuffman(b[1:17], b[17:17+total])
		if t == nil {
			break
		}
		l.tables[class][number] = t
		b = b[17+total:]
	}
	if len(b) != 0 {
		l.fail(Table, where, "Huffman table")
	}
}

func (l *lint) scanHeader(b []byte, where string) {
	n := len(l.comps)
	if n == 0 || len(b) != 4+2*n || int(b[0]) != n {
		l.fail(Scan, where, "components")
		return
	}
	for i := range l.comps {
		c := &l.comps[i]
		id, tables := b[1+2*i], b[2+2*i]
		c.dc, c.ac = tables>>4, tables&15
		if id != c.id || c.dc > 3 || c.ac > 3 || l.tables[0][c.dc] == nil || l.tables[1][c.ac] == nil {
			l.fail(Scan, where, "component without a table")
			return
		}
	}
	if b[1+2*n] != 0 || b[2+2*n] != 63 || b[3+2*n] != 0 {
		l.fail(Scan, where, "spectral selection")
	}
}

// blocks follows the coded data block by block (T.81 F.2.2) without computing
// a pixel.
// spec: jpeg#F.2.2
func (l *lint) blocks() {
	side := 8 * int(l.comps[0].h)
	mcus := ((l.w + side - 1) / side) * ((l.h + side - 1) / side)
	r := bitReader{p: l.scan}
	for m := range mcus {
		for _, c := range l.comps {
			for range int(c.h) * int(c.v) {
				if !r.block(l.tables[0][c.dc], l.tables[1][c.ac]) {
					l.fail(Data, fmt.Sprintf("unit %d of %d", m, mcus), "coded data does not fit")
					return
				}
			}
		}
	}
	rest, ok := r.end()
	switch {
	case !ok || len(rest) < 2 || rest[0] != 0xFF || rest[1] != 0xD9:
		l.fail(Data, "", "no end marker right behind the last block")
	case len(rest) > 2:
		l.fail(Trailing, "", fmt.Sprintf("%d bytes", len(rest)-2))
	}
}
