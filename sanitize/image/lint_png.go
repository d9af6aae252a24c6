package image

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"sekisho/sanitize/ir"
)

// The rules of a PNG of ours (W3C PNG, third edition). Each has a bad sample
// in the tests.
const (
	lintPNGSignature = "lint_png_signature" // 5.2: starts with the eight bytes
	lintPNGChunk     = "lint_png_chunk"     // 5.3: whole chunks of the six kinds IHDR pHYs PLTE tRNS IDAT IEND
	lintPNGCRC       = "lint_png_crc"       // 5.3: every checksum right
	lintPNGOrder     = "lint_png_order"     // 5.6: IHDR, pHYs, PLTE, tRNS, IDATs, IEND
	lintPNGHeader    = "lint_png_header"    // 11.2.1: size, depth and colour type that we write, not interlaced
	lintPNGSize      = "lint_png_size"      // 11.3.4.3: a resolution in metres that a printer can follow
	lintPNGPalette   = "lint_png_palette"   // 11.2.2, 11.3.1: sizes fit depth, every index stands in it
	lintPNGData      = "lint_png_data"      // 10.1: one zlib stream of exactly the rows, and nothing more
	lintPNGTrailing  = "lint_png_trailing"  // nothing behind IEND
)

// LintPNG reports every violation of the closed form of a PNG of ours. The
// only error is one of out. It uses no picture decoder; the rows are inflated
// one at a time.
func LintPNG(data []byte, _ map[[32]byte]bool, out *ir.Writer) error {
	l := pngLint{report: report{out: out}}
	l.run(data)
	return l.err
}

// report writes notes and remembers the first error of the writer.
type report struct {
	out *ir.Writer
	err error
	n   int
}

// maxNotes bounds what one lint reports.
const maxNotes = 100

func (r *report) add(code, where, detail string) {
	if r.n++; r.err != nil || r.n > maxNotes {
		return
	}
	r.err = r.out.Write(ir.Note{Code: code, Where: where, Detail: detail})
}

type pngLint struct {
	report
	w, h          int64
	depth, colour byte
	palette       int // entries
	step          int // place in pngOrder
	idat          [][]byte
	broken        bool // no use in reading the rows
}

// pngOrder gives each chunk its place. Only IDAT may come more than once.
var pngOrder = [...]string{"IHDR", "pHYs", "PLTE", "tRNS", "IDAT", "IEND"}

// spec: png#5.2 png#5.6
func (l *pngLint) run(data []byte) {
	const signature = 8
	if len(data) < signature || string(data[:signature]) != "\x89PNG\r\n\x1a\n" {
		l.add(lintPNGSignature, "0", "")
		return
	}
	l.step = -1
	for at := signature; at < len(data); {
		n, end := l.chunk(data, at)
		if n == 0 {
			return
		}
		at += n
		if end && at < len(data) {
			l.add(lintPNGTrailing, fmt.Sprint(at), fmt.Sprintf("%d bytes", len(data)-at))
			return
		}
	}
	if l.step != len(pngOrder)-1 || l.w == 0 || len(l.idat) == 0 {
		l.add(lintPNGOrder, "", "a needed chunk is missing")
		return
	}
	if !l.broken {
		l.rows()
	}
}

// chunk judges the chunk at data[at:] and returns its length, 0 when it is
// not whole, and whether it is the end.
// spec: png#5.3
func (l *pngLint) chunk(data []byte, at int) (int, bool) {
	where := fmt.Sprint(at)
	p := data[at:]
	if len(p) < 12 || int64(binary.BigEndian.Uint32(p)) > int64(len(p)-12) {
		l.add(lintPNGChunk, where, "cut short")
		return 0, false
	}
	n := int(binary.BigEndian.Uint32(p))
	name, body := string(p[4:8]), p[8:8+n]
	if crc32.ChecksumIEEE(p[4:8+n]) != binary.BigEndian.Uint32(p[8+n:]) {
		l.add(lintPNGCRC, where, "")
	}
	l.place(name, where)
	switch name {
	case "IHDR":
		l.header(body, where)
	case "PLTE":
		l.palette = n / 3
		if l.colour != 3 || n%3 != 0 || n == 0 || l.palette > 1<<l.depth {
			l.add(lintPNGPalette, where, fmt.Sprintf("%d bytes", n))
		}
	case "pHYs":
		l.size(body, where)
	case "tRNS":
		if l.colour != 3 || n == 0 || n > l.palette {
			l.add(lintPNGPalette, where, fmt.Sprintf("%d alpha values", n))
		}
	case "IDAT":
		l.idat = append(l.idat, body)
	case "IEND":
		if n != 0 {
			l.add(lintPNGChunk, where, "end chunk with content")
		}
		return 12 + n, true
	}
	return 12 + n, false
}

// place checks that a chunk is of a known kind and comes where it may.
func (l *pngLint) place(name, where string) {
	for i, known := range pngOrder {
		if known != name {
			continue
		}
		again := i == l.step && name == "IDAT"
		needsFirst := i > 0 && l.step < 0
		if i <= l.step && !again || needsFirst {
			l.add(lintPNGOrder, where, "chunk out of place")
		}
		l.step = max(l.step, i)
		return
	}
	l.add(lintPNGChunk, where, "chunk of a kind that is not written")
}

// size checks the resolution: 1 to 20,000 pixels an inch.
// spec: png#11.3.4.3
func (l *pngLint) size(b []byte, where string) {
	if len(b) != 9 || b[8] != 1 {
		l.add(lintPNGSize, where, "form")
		return
	}
	for _, v := range []uint32{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])} {
		if v < 39 || v > 787402 {
			l.add(lintPNGSize, where, fmt.Sprintf("%d pixels a metre", v))
		}
	}
}

func (l *pngLint) header(b []byte, where string) {
	if len(b) != 13 {
		l.broken = true
		l.add(lintPNGHeader, where, "length")
		return
	}
	l.w, l.h = int64(binary.BigEndian.Uint32(b)), int64(binary.BigEndian.Uint32(b[4:]))
	l.depth, l.colour = b[8], b[9]
	var deep bool
	switch l.colour {
	case 0, 2, 6:
		deep = l.depth == 8
	case 3:
		deep = l.depth == 1 || l.depth == 2 || l.depth == 4 || l.depth == 8
	}
	sized := l.w >= 1 && l.h >= 1 && l.w <= 1<<20 && l.h <= 1<<20 && l.w*l.h <= 1<<26
	if !deep || !sized || b[10] != 0 || b[11] != 0 || b[12] != 0 {
		l.broken = true
		l.add(lintPNGHeader, where, fmt.Sprintf("%d x %d, depth %d, colour type %d", l.w, l.h, l.depth, l.colour))
	}
}

// rows inflates the picture row by row. The reader is a ByteReader, of which
// the inflater takes no byte more than it needs; what is left is hidden data.
func (l *pngLint) rows() {
	src := bytes.NewReader(bytes.Join(l.idat, nil))
	z, err := zlib.NewReader(src)
	if err != nil {
		l.add(lintPNGData, "", "no zlib stream")
		return
	}
	channels := map[byte]int64{0: 1, 2: 3, 3: 1, 6: 4}[l.colour]
	row := make([]byte, 1+(l.w*channels*int64(l.depth)+7)/8)
	index := indexRange{depth: l.depth, entries: l.palette, width: l.w}
	for y := range l.h {
		if _, err := io.ReadFull(z, row); err != nil {
			l.add(lintPNGData, fmt.Sprintf("row %d", y), "rows missing")
			return
		}
		if row[0] > 4 {
			l.add(lintPNGData, fmt.Sprintf("row %d", y), "filter type")
			return
		}
		if l.colour == 3 && !index.covers(row) {
			l.add(lintPNGPalette, fmt.Sprintf("row %d", y), "index outside of the palette")
			return
		}
	}
	if n, err := z.Read(row[:1]); n != 0 || !errors.Is(err, io.EOF) {
		l.add(lintPNGData, "", "more than the rows, or a wrong checksum")
		return
	}
	if src.Len() != 0 {
		l.add(lintPNGData, "", fmt.Sprintf("%d bytes behind the zlib stream", src.Len()))
	}
}

// indexRange checks that palette indexes stand in the palette. It reads rows
// of filter type 0, which is what is written for palettes; others undo the
// filter first.
type indexRange struct {
	depth   byte
	entries int
	width   int64
	prev    []byte
}

func (r *indexRange) covers(row []byte) bool {
	cur := bytes.Clone(row[1:])
	if r.prev == nil {
		r.prev = make([]byte, len(cur))
	}
	unfilter(row[0], cur, r.prev)
	r.prev = cur
	per := int64(8 / r.depth)
	for x := range r.width {
		shift := 8 - r.depth - byte(x%per)*r.depth
		if int(cur[x/per]>>shift&(1<<r.depth-1)) >= r.entries {
			return false
		}
	}
	return true
}

// unfilter undoes a row filter for pixels of at most one byte (PNG 9.2).
// spec: png#9.2
func unfilter(kind byte, cur, prev []byte) {
	for i := range cur {
		var a, c int
		if i > 0 {
			a, c = int(cur[i-1]), int(prev[i-1])
		}
		b := int(prev[i])
		switch kind {
		case 1:
			cur[i] += byte(a)
		case 2:
			cur[i] += byte(b)
		case 3:
			cur[i] += byte((a + b) / 2)
		case 4:
			cur[i] += byte(nearest(a, b, c))
		}
	}
}

// nearest is the Paeth predictor.
func nearest(a, b, c int) int {
	abs := func(n int) int { return max(n, -n) }
	p := a + b - c
	pa, pb, pc := abs(p-a), abs(p-b), abs(p-c)
	switch {
	case pa <= pb && pa <= pc:
		return a
	case pb <= pc:
		return b
	default:
		return c
	}
}
