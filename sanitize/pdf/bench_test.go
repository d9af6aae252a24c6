package pdf

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// pages150 are A4 pages at 150 dpi, drawn by ImageMagick: what offices send.
func pages150(b *testing.B) map[string]sheetOf {
	b.Helper()
	words := []rune(strings.Repeat("この要綱は、町の情報資産の管理に関し必要な事項を定めるものとする。各課の長は、利用状況を常に把握し、必要に応じて報告しなければならない。", 40))
	var lines []string
	for at := range 50 {
		lines = append(lines, string(words[46*at:46*at+46]))
	}
	letters := []string{"-size", "1240x1754", "xc:white", "-fill", "black", "-font", "/usr/share/fonts/opentype/ipafont-mincho/ipam.ttf", "-pointsize", "22",
		"-interline-spacing", "8", "-annotate", "+110+120", strings.Join(lines, "\n")}
	draw := func(s ir.Samples, depth string, args ...string) sheetOf {
		r := ir.Raster{Samples: s, W: 1240, H: 1754}
		form := "gray:-"
		if s == ir.RGB8 {
			form = "rgb:-"
		}
		out := tool(b, append(append([]string{"convert"}, args...), "-depth", depth, form)...)
		return sheetOf{w: a4w, h: a4h, marks: 1, r: r, pix: []byte(out)}
	}
	four := draw(ir.Gray8, "8", letters...)
	pix := make([]byte, len(four.pix)/2)
	for i := range pix {
		pix[i] = four.pix[2*i]&0xF0 | four.pix[2*i+1]>>4
	}
	four.r.Samples, four.pix = ir.Gray4, pix
	seal := append(append([]string{}, letters...), "-fill", "none", "-stroke", "#C00000", "-strokewidth", "5", "-draw", "circle 900,300 960,300",
		"-fill", "#1F4E79", "-stroke", "none", "-draw", "rectangle 100,80 1140,90")
	return map[string]sheetOf{
		"letters": four,
		"mixed":   draw(ir.RGB8, "8", seal...),
		"scan":    draw(ir.RGB8, "8", append(append([]string{}, letters...), "-seed", "1", "-attenuate", "0.1", "+noise", "Gaussian", "-blur", "0x0.6")...),
		"fax":     draw(ir.Gray1, "1", append(append([]string{}, letters...), "-threshold", "60%")...),
	}
}

// BenchmarkBuild tells the time and the bytes of a page.
func BenchmarkBuild(b *testing.B) {
	for name, p := range pages150(b) {
		b.Run(name, func(b *testing.B) {
			in := frames(b, values(p))
			var out bytes.Buffer
			for b.Loop() {
				out.Reset()
				if _, err := buildFrom(bytes.NewReader(in), profile(), &out); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(out.Len())/1024, "KB/page")
		})
	}
}

// BenchmarkLint tells the time of re-reading a page.
func BenchmarkLint(b *testing.B) {
	for name, p := range pages150(b) {
		data := mustBuild(b, p)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := Lint(data, nil, ir.NewWriter(io.Discard)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestMemoryIsThatOfOnePage: 100 pages of a megabyte take no more than a few.
// spec: g8
func TestMemoryIsThatOfOnePage(t *testing.T) {
	const pages, side = 100, 1000
	from, to := io.Pipe()
	go func() { to.CloseWithError(emit(to, pages, side)) }()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	built, err := buildFrom(from, format.Profile{Quality: 75}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	// All memory ever taken, given back or not.
	if taken := (after.TotalAlloc - before.TotalAlloc) >> 20; taken > 30 || len(built.Sheets) != pages {
		t.Errorf("%d MB for %d pages", taken, len(built.Sheets))
	}
}

func emit(to io.Writer, pages, side int64) error {
	out := ir.NewWriter(to)
	if err := out.Write(ir.Number{Name: ir.NumberPages, N: pages}); err != nil {
		return err
	}
	pix := bytes.Repeat([]byte{0xFF}, int(side*side))
	for p := range pages {
		pix[p] = 0 // no two pages are equal
		for _, v := range []ir.Value{ir.Sheet{Page: p, W: a4w, H: a4h, Marks: 1}, ir.Raster{Samples: ir.Gray8, W: side, H: side}, ir.Pixels{B: pix},
			ir.Run{X: 1000, Y: 1000, Length: 1000, Size: 1000, S: fmt.Sprint(p)}} {
			if err := out.Write(v); err != nil {
				return err
			}
		}
	}
	return nil
}
