package pdf

import (
	"bytes"
	"io"
	"math"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// The sizes of an A4 page in thousandths of a point.
const (
	a4w = 595_276
	a4h = 841_890
)

// sheetOf is a page of a synthetic document.
type sheetOf struct {
	w, h  int64
	marks int64
	r     ir.Raster
	pix   []byte
	runs  []ir.Run
}

// values returns what a parser would say of a document.
func values(pages ...sheetOf) []ir.Value {
	all := []ir.Value{ir.Number{Name: ir.NumberPages, N: int64(len(pages))}}
	for i, p := range pages {
		all = append(all, ir.Sheet{Page: int64(i), W: p.w, H: p.h, Marks: p.marks}, p.r, ir.Pixels{B: p.pix})
		for _, r := range p.runs {
			all = append(all, r)
		}
	}
	return all
}

// frames writes values as a worker does.
func frames(t testing.TB, all []ir.Value) []byte {
	t.Helper()
	var b bytes.Buffer
	w := ir.NewWriter(&b)
	for _, v := range all {
		if err := w.Write(v); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func build(t testing.TB, all []ir.Value, p format.Profile) ([]byte, format.Built, error) {
	t.Helper()
	var out bytes.Buffer
	built, err := buildFrom(bytes.NewReader(frames(t, all)), p, &out)
	return out.Bytes(), built, err
}

func buildFrom(in io.Reader, p format.Profile, out io.Writer) (format.Built, error) {
	return Build(ir.NewReader(in, math.MaxInt64), format.Construction{Profile: p}, out)
}

func mustBuild(t testing.TB, pages ...sheetOf) []byte {
	t.Helper()
	data, _, err := build(t, values(pages...), format.Profile{Quality: 75})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// chance is a small generator of repeatable numbers.
type chance uint64

func (c *chance) next() uint32 {
	*c = *c*6364136223846793005 + 1442695040888963407
	return uint32(*c >> 33)
}

// text is a page of dark blocks on white, as letters are.
func text(s ir.Samples, w, h int64) sheetOf {
	r := ir.Raster{Samples: s, W: w, H: h}
	pix := bytes.Repeat([]byte{0xFF}, int(r.Stride()*h))
	c := chance(7)
	for y := int64(4); y < h; y++ {
		for x := r.Stride() / 8; x < r.Stride()*7/8; x++ {
			if y/6%3 != 0 && c.next()%5 < 2 {
				pix[y*r.Stride()+x] = byte(c.next() % 4 * 85)
			}
		}
	}
	return sheetOf{w: a4w, h: a4h, marks: 1, r: r, pix: pix}
}

// photo is a page without two equal neighbours.
func photo(s ir.Samples, w, h int64) sheetOf {
	r := ir.Raster{Samples: s, W: w, H: h}
	pix := make([]byte, r.Stride()*h)
	c := chance(3)
	for i := range pix {
		pix[i] = byte(i/7 + int(c.next()%24))
	}
	return sheetOf{w: 300_000, h: 200_500, r: r, pix: pix}
}

// logo is a page of black on white with some soft-edged colour.
func logo(w, h int64, colours int) sheetOf {
	p := text(ir.RGB8, w, h)
	for i := 0; i+3 <= len(p.pix); i += 3 {
		p.pix[i+1], p.pix[i+2] = p.pix[i], p.pix[i]
	}
	for i := range colours {
		at := 3 * (int(w)*2 + i)
		p.pix[at], p.pix[at+1], p.pix[at+2] = byte(200-i/4), byte(i%8), byte(i/8)
	}
	return p
}

// written is a page with text of all planes and directions.
func written() sheetOf {
	p := text(ir.Gray4, 60, 80)
	p.runs = []ir.Run{
		{X: 60_000, Y: 700_000, Length: 200_000, Size: 10_500, S: "情報資産管理要綱 第1条"},
		{X: 60_000, Y: 600_000, Length: 90_000, Size: 12_000, S: "Potato sanitize 123"},
		{X: 400_000, Y: 700_000, Length: 120_000, Size: 14_000, Angle: 270, S: "縦書きの文字"},
		{X: 100_000, Y: 300_000, Length: 100_000, Size: 9_000, Angle: 90, S: "rotated ページ"},
		{X: 60_000, Y: 500_000, Length: 70_000, Size: 12_000, S: "𠮷野家の葛\U000E0100飾区ｶﾅ"},
		{X: 60_000, Y: 100_000, Length: 0, Size: 0, S: "小"},
	}
	return p
}

func profile() format.Profile { return format.Profile{Quality: 75} }

// lines is a page of rules and boxes of all lengths, which Group 4 stores best.
func lines(w, h int64) sheetOf {
	p := text(ir.Gray1, w, h)
	c := chance(9)
	for i := range p.pix {
		p.pix[i] = 0xFF
	}
	for range h / 3 {
		x0, x1 := int64(c.next())%w, int64(c.next())%w
		y := int64(c.next()) % h
		for x := min(x0, x1); x < max(x0, x1); x++ {
			p.pix[y*p.r.Stride()+x/8] &^= 0x80 >> (x % 8)
		}
	}
	return p
}
