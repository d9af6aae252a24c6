package image

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"sekisho/sanitize/ir"
)

// The rules of a TIFF of ours (TIFF 6.0). Each has a bad sample in the tests.
const (
	lintTIFFHeader = "lint_tiff_header" // section 2: little endian, the first directory right behind
	lintTIFFTags   = "lint_tiff_tags"   // section 2: the thirteen tags, their kinds and counts, and no other
	lintTIFFValue  = "lint_tiff_value"  // sections 3, 8: values that we write, every place where it must be
	lintTIFFChain  = "lint_tiff_chain"  // section 2: each directory where the page before ends, and an end
	lintTIFFData   = "lint_tiff_data"   // one zlib stream of exactly the rows, padded with zeros, and nothing more
)

// LintTIFF reports every violation of the closed form of a TIFF of ours. The
// only error is one of out. It walks the file from its first byte to its last,
// so that nothing can hide between the parts.
// spec: tiff#2
func LintTIFF(data []byte, _ map[[32]byte]bool, out *ir.Writer) error {
	l := tiffLint{report: report{out: out}, data: data}
	l.run()
	return l.err
}

type tiffLint struct {
	report
	data []byte
}

// tiffWant is what a tag must be: its id, kind and count; 0 counts are one or
// three.
var tiffWant = [...][3]uint32{
	{256, 4, 1}, {257, 4, 1}, {258, 3, 0}, {259, 3, 1}, {262, 3, 1}, {273, 4, 1}, {277, 3, 1},
	{278, 4, 1}, {279, 4, 1}, {282, 5, 1}, {283, 5, 1}, {296, 3, 1}, {317, 3, 1},
}

func (l *tiffLint) run() {
	if len(l.data) < 8 || string(l.data[:8]) != "II*\x00\x08\x00\x00\x00" {
		l.add(lintTIFFHeader, "0", "")
		return
	}
	at := 8
	for {
		next, ok := l.page(at)
		switch {
		case !ok:
			return
		case next == len(l.data):
			return
		}
		at = next
	}
}

// page judges the page at data[at:] and returns where it ends.
func (l *tiffLint) page(at int) (int, bool) {
	where := fmt.Sprint(at)
	const dir = 2 + 12*len(tiffWant) + 4
	const head = dir + 8 + 16
	if len(l.data)-at < head || int(binary.LittleEndian.Uint16(l.data[at:])) != len(tiffWant) {
		l.add(lintTIFFTags, where, "directory")
		return 0, false
	}
	p := l.data[at : at+head]
	var v [len(tiffWant)]uint32
	for i, want := range tiffWant {
		e := p[2+12*i:]
		id, kind, count := uint32(binary.LittleEndian.Uint16(e)), uint32(binary.LittleEndian.Uint16(e[2:])), binary.LittleEndian.Uint32(e[4:])
		if id != want[0] || kind != want[1] || count != want[2] && (want[2] != 0 || count != 1 && count != 3) {
			l.add(lintTIFFTags, where, fmt.Sprintf("tag %d of kind %d, %d values", id, kind, count))
			return 0, false
		}
		v[i] = binary.LittleEndian.Uint32(e[8:])
	}
	bits := v[2]
	if binary.LittleEndian.Uint32(p[2+12*2+4:]) == 3 {
		if v[2] != uint32(at+dir) || v[6] != 3 {
			l.add(lintTIFFValue, where, "bits")
			return 0, false
		}
		bits = 8
	}
	if !l.values(where, v, bits, at+dir, at+head) || !l.behind(where, p[dir:]) {
		return 0, false
	}
	end := at + head + int(v[8])
	if int64(at+head)+int64(v[8]) > int64(len(l.data)) {
		l.add(lintTIFFData, where, "cut short")
		return 0, false
	}
	if !l.rows(where, l.data[at+head:end], int64(v[0]), int64(v[1]), bits, v[6]) {
		return 0, false
	}
	if end%2 == 1 {
		if end == len(l.data) || l.data[end] != 0 {
			l.add(lintTIFFData, where, "padding")
			return 0, false
		}
		end++
	}
	next := binary.LittleEndian.Uint32(p[dir-4:])
	if last := end == len(l.data); last && next != 0 || !last && int64(next) != int64(end) {
		l.add(lintTIFFChain, where, fmt.Sprintf("next %d, page ends at %d of %d", next, end, len(l.data)))
		return 0, false
	}
	return end, true
}

// values checks the numbers of a directory.
func (l *tiffLint) values(where string, v [len(tiffWant)]uint32, bits uint32, behind, data int) bool {
	w, h := int64(v[0]), int64(v[1])
	gray := v[6] == 1 && v[4] == 1 && (bits == 1 || bits == 4 || bits == 8)
	rgb := v[6] == 3 && v[4] == 2 && bits == 8
	predictor := uint32(1)
	if bits == 8 {
		predictor = 2
	}
	for _, c := range []struct {
		ok   bool
		what string
	}{
		{w >= 1 && h >= 1 && w <= 1<<20 && h <= 1<<20 && w*h <= 1<<26, "size"},
		{v[3] == 8, "compression"},
		{gray || rgb, "samples"},
		{v[5] == uint32(data), "place of the pixels"},
		{v[7] == v[1], "rows"},
		{v[9] == uint32(behind+8) && v[10] == uint32(behind+16), "place of the resolution"},
		{v[11] == 2, "unit"},
		{v[12] == predictor, "predictor"},
	} {
		if !c.ok {
			l.add(lintTIFFValue, where, c.what)
			return false
		}
	}
	return true
}

// behind checks what lies between directory and pixels: three times eight bits
// and two resolutions of thousandths.
func (l *tiffLint) behind(where string, p []byte) bool {
	ok := string(p[:8]) == "\x08\x00\x08\x00\x08\x00\x00\x00"
	for _, r := range [][]byte{p[8:16], p[16:24]} {
		n := binary.LittleEndian.Uint32(r)
		ok = ok && n >= 1000 && n <= 20_000_000 && binary.LittleEndian.Uint32(r[4:]) == 1000
	}
	if !ok {
		l.add(lintTIFFValue, where, "bits or resolution")
	}
	return ok
}

// rows inflates the pixels a row at a time.
func (l *tiffLint) rows(where string, data []byte, w, h int64, bits, samples uint32) bool {
	src := bytes.NewReader(data)
	z, err := zlib.NewReader(src)
	if err != nil {
		l.add(lintTIFFData, where, "no zlib stream")
		return false
	}
	row := make([]byte, (w*int64(bits*samples)+7)/8)
	unused := byte(0)
	if used := w * int64(bits*samples) % 8; used != 0 {
		unused = 0xFF >> used
	}
	for y := range h {
		if _, err := io.ReadFull(z, row); err != nil {
			l.add(lintTIFFData, where, fmt.Sprintf("row %d is missing", y))
			return false
		}
		if row[len(row)-1]&unused != 0 {
			l.add(lintTIFFData, where, fmt.Sprintf("row %d has bits behind its end", y))
			return false
		}
	}
	if n, err := z.Read(row[:1]); n != 0 || !errors.Is(err, io.EOF) || src.Len() != 0 {
		l.add(lintTIFFData, where, "more than the rows, or a wrong checksum")
		return false
	}
	return true
}
