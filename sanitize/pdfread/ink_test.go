package pdfread

import (
	"math"
	"strings"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/pdfium"
)

// TestLook: one character of 20 by 20 points at 40,40 on pages of 100 by 100,
// two pixels a point.
func TestLook(t *testing.T) {
	const (
		white, black, red, faint = 0xffffff, 0, 0xff0000, 0xfdfdfd
	)
	stroke := func(x, y int) bool { return x >= 90 && x < 94 && y >= 82 && y < 118 } // of a letter
	band := func(x, y int) bool { return y >= 78 && y < 122 }
	page := func(of func(x, y int) uint32) canvas {
		return canvas{paint(200, 200, func(x, y int) (uint8, uint8, uint8) {
			v := of(x, y)
			return uint8(v >> 16), uint8(v >> 8), uint8(v)
		}), 2, 2}
	}
	drawn := func(ink, ground uint32) canvas {
		return page(func(x, y int) uint32 {
			if stroke(x, y) {
				return ink
			}
			return ground
		})
	}
	box := pdfium.Rect{Left: 40, Top: 40, Right: 60, Bottom: 60}
	for _, test := range []struct {
		name string
		on   canvas
		ch   pdfium.Char
		want sight
	}{
		{"black on white", drawn(black, white), pdfium.Char{Fill: black}, seen},
		{"red on white", drawn(red, white), pdfium.Char{Fill: red}, seen},
		{"white on black", drawn(white, black), pdfium.Char{Fill: white}, seen},
		{"thin and soft", drawn(0xc0c0c0, white), pdfium.Char{Fill: black}, seen},
		{"white on a band as high as the letter", page(func(x, y int) uint32 {
			switch {
			case stroke(x, y):
				return white
			case band(x, y):
				return 0x003366
			}
			return white
		}), pdfium.Char{Fill: white}, seen},
		{"white on white", drawn(white, white), pdfium.Char{Fill: white}, unseen},
		{"nearly white on white", drawn(faint, white), pdfium.Char{Fill: faint}, unseen},
		{"white over black letters", drawn(black, white), pdfium.Char{Fill: white}, unseen},
		{"black under a white box", drawn(white, white), pdfium.Char{Fill: black}, lost},
		{"black under a black bar", page(func(x, y int) uint32 {
			if band(x, y) {
				return black
			}
			return white
		}), pdfium.Char{Fill: black}, unseen},
		{"a block is as solid as it looks", page(func(x, y int) uint32 {
			if x >= 80 && x < 120 && y >= 80 && y < 120 {
				return black
			}
			return white
		}), pdfium.Char{Fill: black, Rune: '■'}, seen},
		{"invisible over the ink of a scan", drawn(0x303030, 0xf0f0f0), pdfium.Char{Hidden: true}, seen},
		{"invisible over paper", drawn(0xe8e8e8, 0xf0f0f0), pdfium.Char{Hidden: true}, unseen},
		{"too small to read", drawn(black, white), pdfium.Char{Fill: black, Size: 0.5}, unseen},
		{"outside of the page", drawn(black, white), pdfium.Char{Fill: black, Box: pdfium.Rect{Left: -80, Top: 40, Right: -60, Bottom: 60}}, unseen},
		{"mostly outside", drawn(black, black), pdfium.Char{Fill: black, Box: pdfium.Rect{Left: -18, Top: -18, Right: 2, Bottom: 2}}, unseen},
		{"nowhere", drawn(black, white), pdfium.Char{Fill: black, Box: pdfium.Rect{Left: float32(math.NaN()), Top: float32(math.Inf(1))}}, unseen},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.ch.Size == 0 {
				test.ch.Size = 20
			}
			if test.ch.Box == (pdfium.Rect{}) {
				test.ch.Box = box
			}
			if test.ch.Rune == 0 {
				test.ch.Rune = '字'
			}
			if got := test.on.look(test.ch); got != test.want {
				t.Errorf("%d, want %d", got, test.want)
			}
		})
	}
}

// TestLyingField: what a field holds and what it shows are two things.
func TestLyingField(t *testing.T) {
	const shown = "<</Type/XObject/Subtype/Form/BBox[0 0 200 20]/Resources<</Font<</F 3 0 R>>>>/Length 38>>\nstream\nBT /F 12 Tf 0 g 2 5 Td (PAY 100) Tj ET  \nendstream"
	data := onePage("/AcroForm<</Fields[7 0 R]>>", a5+"/Annots[7 0 R]", "", shown,
		"<</Type/Annot/Subtype/Widget/FT/Tx/F 4/T(f)/V(PAY 999999)/DA(/F 12 Tf 0 g)/Rect[50 300 250 320]/AP<</N 6 0 R>>>>")
	for _, in := range []format.Untrusted{asked(data), asText(data)} {
		if a := parse(t, dressed(t), in); a.text() != "PAY 100\n" {
			t.Errorf("%s: %q %q", in.Render.Method, a.text(), a.reason)
		}
	}
}

// TestCropAndUnit: a page is as large as a reader shows it, and its text stands
// where its pixels are.
func TestCropAndUnit(t *testing.T) {
	content := "BT /F 20 Tf 150 250 Td (IN) Tj ET BT /F 20 Tf 20 20 Td (OUT) Tj ET"
	for _, test := range []struct {
		name, page string
		w, h       int64
		x, y       int64 // of IN, about
	}{
		{"whole", a5, 420_000, 595_000, 150_000, 250_000},
		{"crop box", a5 + "/CropBox[100 200 300 400]", 200_000, 200_000, 50_000, 50_000},
		{"crop box, turned", a5 + "/CropBox[100 200 300 400]/Rotate 90", 200_000, 200_000, 50_000, 150_000},
		{"box not at the corner", "/MediaBox[-100 -100 320 495]", 420_000, 595_000, 250_000, 350_000},
		{"user unit, which is ignored", a5 + "/UserUnit 2", 420_000, 595_000, 150_000, 250_000},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := parse(t, dressed(t), asked(onePage("", test.page, content)))
			d := a.drawn[0]
			if a.has("user_unit") != strings.Contains(test.page, "UserUnit") {
				t.Errorf("%v", a.notes)
			}
			if d.W != test.w || d.H != test.h {
				t.Errorf("%d x %d, want %d x %d", d.W, d.H, test.w, test.h)
			}
			for _, r := range d.runs {
				if r.S == "IN" {
					if max(r.X-test.x, test.x-r.X) > 4000 || max(r.Y-test.y, test.y-r.Y) > 4000 {
						t.Errorf("%+v, want about %d, %d", r, test.x, test.y)
					}
					return
				}
			}
			t.Errorf("no run IN in %v", d.runs)
		})
	}
}
