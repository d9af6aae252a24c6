package image

import (
	"encoding/binary"
	"fmt"

	"sekisho/sanitize/ir"
)

// The rules of a JPEG of ours (ITU-T T.81). Each has a bad sample in the
// tests.
const (
	lintJPEGStart    = "lint_jpeg_start"    // B.1.1.3: starts with SOI
	lintJPEGMarker   = "lint_jpeg_marker"   // B.2: only DQT SOF0 DHT SOS EOI, each segment whole
	lintJPEGOrder    = "lint_jpeg_order"    // B.2.1: tables, frame, tables, one scan
	lintJPEGTable    = "lint_jpeg_table"    // B.2.4: quantization and Huffman tables well formed
	lintJPEGFrame    = "lint_jpeg_frame"    // B.2.2: eight bits, one or three components, 4:2:0 or none
	lintJPEGScan     = "lint_jpeg_scan"     // B.2.3: all components, whole spectrum
	lintJPEGData     = "lint_jpeg_data"     // F.2: the coded data is exactly the blocks of the frame
	lintJPEGTrailing = "lint_jpeg_trailing" // nothing behind EOI
)

// LintJPEG reports every violation of the closed form of a JPEG of ours. The
// only error is one of out. It follows the Huffman codes up to the last block,
// so that nothing can hide between the picture and its end marker.
// spec: jpeg#B.1
func LintJPEG(data []byte, _ map[[32]byte]bool, out *ir.Writer) error {
	l := jpegLint{report: report{out: out}}
	l.run(data)
	return l.err
}

type jpegLint struct {
	report
	w, h   int
	comps  []jpegComp
	quant  [4]bool
	tables [2][4]*huffman // by class (0 DC, 1 AC) and number
	step   int
	scan   []byte // coded data and what follows
	bad    bool
}

type jpegComp struct {
	id, h, v, quant, dc, ac byte
}

// jpegOrder gives the marker of each step; tables may come in several segments.
var jpegOrder = [...]byte{0xDB, 0xC0, 0xC4, 0xDA}

func (l *jpegLint) fail(code, where, detail string) {
	l.bad = true
	l.add(code, where, detail)
}

func (l *jpegLint) run(data []byte) {
	if len(data) < 4 || data[0] != 0xFF || data[1] != 0xD8 {
		l.fail(lintJPEGStart, "0", "")
		return
	}
	l.step = -1
	at := 2
	for l.scan == nil {
		where := fmt.Sprint(at)
		if at+4 > len(data) || data[at] != 0xFF {
			l.fail(lintJPEGMarker, where, "no marker")
			return
		}
		mark, n := data[at+1], int(binary.BigEndian.Uint16(data[at+2:]))
		if n < 2 || at+2+n > len(data) {
			l.fail(lintJPEGMarker, where, "segment cut short")
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
	if l.step != len(jpegOrder)-1 {
		l.fail(lintJPEGOrder, fmt.Sprint(at), "a needed segment is missing")
	}
	if !l.bad {
		l.blocks()
	}
}

// place checks that the marker is known and comes where it may.
func (l *jpegLint) place(mark byte, where string) {
	for i, known := range jpegOrder {
		if known != mark {
			continue
		}
		repeat := i == l.step && (mark == 0xDB || mark == 0xC4)
		if i != l.step+1 && !repeat {
			l.fail(lintJPEGOrder, where, fmt.Sprintf("marker %02X out of place", mark))
		}
		l.step = i
		return
	}
	l.fail(lintJPEGMarker, where, fmt.Sprintf("marker %02X is not written", mark))
}

func (l *jpegLint) segment(mark byte, body []byte, where string) {
	switch mark {
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

func (l *jpegLint) quantTables(b []byte, where string) {
	for len(b) >= 65 && b[0] < 4 {
		for _, q := range b[1:65] {
			if q == 0 {
				l.fail(lintJPEGTable, where, "zero quantizer")
				return
			}
		}
		l.quant[b[0]] = true
		b = b[65:]
	}
	if len(b) != 0 {
		l.fail(lintJPEGTable, where, "quantization table")
	}
}

func (l *jpegLint) frame(b []byte, where string) {
	if len(b) < 6 || len(b) != 6+3*int(b[5]) || b[0] != 8 {
		l.fail(lintJPEGFrame, where, "header")
		return
	}
	l.h, l.w = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	for c := b[6:]; len(c) > 0; c = c[3:] {
		comp := jpegComp{id: c[0], h: c[1] >> 4, v: c[1] & 15, quant: c[2]}
		if comp.quant > 3 || !l.quant[comp.quant] {
			l.fail(lintJPEGFrame, where, "component without a table")
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
		l.fail(lintJPEGFrame, where, fmt.Sprintf("%d x %d, %d components", l.w, l.h, len(l.comps)))
	}
}

func (l *jpegLint) huffmanTables(b []byte, where string) {
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
		l.fail(lintJPEGTable, where, "Huffman table")
	}
}

func (l *jpegLint) scanHeader(b []byte, where string) {
	n := len(l.comps)
	if n == 0 || len(b) != 4+2*n || int(b[0]) != n {
		l.fail(lintJPEGScan, where, "components")
		return
	}
	for i := range l.comps {
		c := &l.comps[i]
		id, tables := b[1+2*i], b[2+2*i]
		c.dc, c.ac = tables>>4, tables&15
		if id != c.id || c.dc > 3 || c.ac > 3 || l.tables[0][c.dc] == nil || l.tables[1][c.ac] == nil {
			l.fail(lintJPEGScan, where, "component without a table")
			return
		}
	}
	if b[1+2*n] != 0 || b[2+2*n] != 63 || b[3+2*n] != 0 {
		l.fail(lintJPEGScan, where, "spectral selection")
	}
}

// blocks follows the coded data block by block (T.81 F.2.2) without computing
// a pixel.
// spec: jpeg#F.2.2
func (l *jpegLint) blocks() {
	side := 8 * int(l.comps[0].h)
	mcus := ((l.w + side - 1) / side) * ((l.h + side - 1) / side)
	r := bitReader{p: l.scan}
	for m := range mcus {
		for _, c := range l.comps {
			for range int(c.h) * int(c.v) {
				if !r.block(l.tables[0][c.dc], l.tables[1][c.ac]) {
					l.fail(lintJPEGData, fmt.Sprintf("unit %d of %d", m, mcus), "coded data does not fit")
					return
				}
			}
		}
	}
	rest, ok := r.end()
	switch {
	case !ok || len(rest) < 2 || rest[0] != 0xFF || rest[1] != 0xD9:
		l.fail(lintJPEGData, "", "no end marker right behind the last block")
	case len(rest) > 2:
		l.fail(lintJPEGTrailing, "", fmt.Sprintf("%d bytes", len(rest)-2))
	}
}
