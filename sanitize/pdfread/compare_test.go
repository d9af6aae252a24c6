package pdfread

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"sekisho/sanitize/ir"
)

// Poppler shares no code with PDFium. What both see is there.
var compared = []struct {
	name string
	off  float64 // share of pixels that may differ clearly
}{
	{"lo-writer.pdf", 0.01},
	{"lo-calc.pdf", 0.01},
	{"chromium-vertical.pdf", 0.01},
	{"qpdf-turned.pdf", 0.01},
	{"chromium-logo.pdf", 0.01},
	{"chromium-color.pdf", 0.02}, // the table's lines
	{"chromium-hidden.pdf", 0.01},
	{"reportlab-form.pdf", 0.02},
	{"reportlab-ocr.pdf", 0.01},
	{"cairo.pdf", 0.01},
	{"tiff2pdf-fax.pdf", 0.01},
	{"qpdf-owner.pdf", 0.01},
}

// TestPixelsAsPoppler compares page one in coarse cells of 4 by 4 pixels at 100
// dpi, since two renderers never place the edge of a letter alike.
func TestPixelsAsPoppler(t *testing.T) {
	for _, test := range compared {
		t.Run(test.name, func(t *testing.T) {
			d := parse(t, dressed(t), asked(sample(t, test.name))).drawn[0]
			x, y := d.raster.W, d.raster.H
			if test.name == "qpdf-turned.pdf" { // pdftoppm scales before it turns
				x, y = y, x
			}
			out, err := exec.Command("pdftoppm", "-gray", "-f", "1", "-l", "1", "-scale-to-x", fmt.Sprint(x), "-scale-to-y", fmt.Sprint(y),
				filepath.Join("testdata", test.name)).Output()
			if err != nil {
				t.Fatal(err)
			}
			w, h, theirs := readPGM(t, out)
			if w != int(d.raster.W) || h != int(d.raster.H) {
				t.Fatalf("%d x %d, ours %+v", w, h, d.raster)
			}
			if off := differing(d.grays(), theirs, w, h); off > test.off {
				t.Errorf("%.4f of the page differs", off)
			}
		})
	}
}

// grays returns a page's pixels as grey.
func (d drawn) grays() []byte {
	out := make([]byte, 0, d.raster.W*d.raster.H)
	for y := range d.raster.H {
		row := d.pix[y*d.raster.Stride():]
		for x := range d.raster.W {
			switch d.raster.Samples {
			case ir.RGB8:
				out = append(out, luma(row[3*x], row[3*x+1], row[3*x+2]))
			case ir.Gray8:
				out = append(out, row[x])
			case ir.Gray4:
				out = append(out, row[x/2]>>(4*uint(1-x%2))&15*17)
			default:
				out = append(out, row[x/8]>>(7-x%8)&1*255)
			}
		}
	}
	return out
}

func readPGM(t *testing.T, b []byte) (w, h int, pix []byte) {
	t.Helper()
	var most int
	if _, err := fmt.Sscanf(string(b[:min(len(b), 40)]), "P5\n%d %d\n%d", &w, &h, &most); err != nil || most != 255 {
		t.Fatal(err, most)
	}
	head := []byte(fmt.Sprintf("P5\n%d %d\n255\n", w, h))
	if !bytes.HasPrefix(b, head) || len(b) != len(head)+w*h {
		t.Fatalf("%d bytes of a picture of %d by %d", len(b), w, h)
	}
	return w, h, b[len(head):]
}

// differing is the share of cells whose mean differs by more than 48 of 255.
func differing(a, b []byte, w, h int) float64 {
	const cell = 4
	off, all := 0, 0
	for y := 0; y+cell <= h; y += cell {
		for x := 0; x+cell <= w; x += cell {
			sum := 0
			for i := range cell {
				for j := range cell {
					sum += int(a[(y+i)*w+x+j]) - int(b[(y+i)*w+x+j])
				}
			}
			if all++; max(sum, -sum) > 48*cell*cell {
				off++
			}
		}
	}
	return float64(off) / float64(all)
}

// TestDifferingBites: a page that lost a line of text differs.
func TestDifferingBites(t *testing.T) {
	d := parse(t, dressed(t), asked(sample(t, "lo-writer.pdf"))).drawn[0]
	page := d.grays()
	blank := bytes.Repeat([]byte{255}, len(page))
	if off := differing(page, blank, int(d.raster.W), int(d.raster.H)); off < 0.02 {
		t.Errorf("a blank page differs by %.4f only", off)
	}
}

// TestTextAsPoppler: the letters of the layer are those that pdftotext reads,
// for documents that hide none.
func TestTextAsPoppler(t *testing.T) {
	for _, name := range []string{"lo-writer.pdf", "lo-calc.pdf", "chromium-vertical.pdf", "chromium-logo.pdf", "chromium-color.pdf", "reportlab-mixed.pdf", "qpdf-owner.pdf", "cairo.pdf"} {
		t.Run(name, func(t *testing.T) {
			out, err := exec.Command("pdftotext", "-enc", "UTF-8", filepath.Join("testdata", name), "-").Output()
			if err != nil {
				t.Fatal(err)
			}
			var ours, theirs census
			for _, r := range parse(t, dressed(t), asked(sample(t, name))).text() {
				ours.add(r)
			}
			for _, r := range string(out) {
				theirs.add(r)
			}
			if a, b := ours.shared(&theirs), theirs.shared(&ours); a < 0.99 || b < 0.99 || ours.n == 0 {
				t.Errorf("%.3f of our %d letters are theirs, %.3f of their %d are ours", a, ours.n, b, theirs.n)
			}
		})
	}
}
