package pdf

import (
	"bytes"
	"errors"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// shade is a page whose tones run from left to right, or from top to bottom.
func shade(s ir.Samples, w, h int64, down bool) sheetOf {
	p := sheetOf{w: a4w, h: a4h, r: ir.Raster{Samples: s, W: w, H: h}}
	for y := range h {
		for x := range w {
			v := byte(x * 255 / w)
			if down {
				v = byte(y * 255 / h)
			}
			p.pix = append(p.pix, v)
			if s == ir.RGB8 {
				p.pix = append(p.pix, 255-v, 128)
			}
		}
	}
	return p
}

// TestLettersAndPhotographs: what is seen of a page decides how it is stored.
func TestLettersAndPhotographs(t *testing.T) {
	grey := func(p sheetOf) sheetOf { // letters with soft edges
		for i, v := range p.pix {
			if v != 0xFF {
				p.pix[i] = v + byte(i%40)
			}
		}
		return p
	}
	for name, c := range map[string]struct {
		page       sheetOf
		soft, busy bool
	}{
		"letters":           {grey(text(ir.Gray8, 300, 200)), false, false},
		"gradient":          {shade(ir.Gray8, 300, 200, false), true, true},
		"gradient down":     {shade(ir.Gray8, 300, 300, true), true, false},
		"wide gradient":     {shade(ir.Gray8, 2000, 100, false), true, false},
		"colour gradient":   {shade(ir.RGB8, 2000, 100, false), true, false},
		"noise":             {photo(ir.Gray8, 300, 200), false, true},
		"letters in colour": {logo(300, 200, 250), false, false},
		"one row":           {shade(ir.Gray8, 300, 1, false), false, true},
		"one pixel":         {shade(ir.RGB8, 1, 1, false), false, false},
	} {
		each := 1
		if c.page.r.Samples == ir.RGB8 {
			each = 3
		}
		if s, b := soft(c.page.pix, int(c.page.r.W), each), busy(c.page.pix, int(c.page.r.W), each); s != c.soft || b != c.busy {
			t.Errorf("%s: soft %t, busy %t", name, s, b)
		}
	}
}

// TestGradientsHaveNoBands: a gradient keeps its tones.
func TestGradientsHaveNoBands(t *testing.T) {
	for _, p := range []sheetOf{shade(ir.Gray8, 600, 600, true), shade(ir.RGB8, 600, 600, true), shade(ir.RGB8, 2000, 100, false)} {
		most, mean := difference(t, p, 75)
		if most > 6 || mean > 2 {
			t.Errorf("%s %d wide: difference up to %.0f, mean %.1f", p.r.Samples, p.r.W, most, mean)
		}
	}
}

func TestPack(t *testing.T) {
	for bits, want := range map[int]string{1: "\xA0\x40\xE0", 2: "\x44\x10\x54", 4: "\x10\x10\x01\x00\x11\x10"} {
		p := []byte{1, 0, 1, 0, 1, 0, 1, 1, 1}
		row := 3
		if bits == 1 {
			pack(p, row, bits)
			if got := string(p[:3]); got != want {
				t.Errorf("%d bits: %x, want %x", bits, got, want)
			}
			continue
		}
		pack(p, row, bits)
		if got := string(p[:len(want)]); got != want {
			t.Errorf("%d bits: %x, want %x", bits, got, want)
		}
	}
}

// TestLightSteps: edges of letters become white only where sixteen greys have
// nothing else, and twice is as once.
func TestLightSteps(t *testing.T) {
	for v := range 256 {
		to := level(step(byte(v)))
		if to == 255 && v < stillWhite || to < 255 && v >= stillWhite {
			t.Errorf("%d becomes %d", v, to)
		}
		if again := level(step(to)); again != to {
			t.Errorf("%d becomes %d, and that %d", v, to, again)
		}
		if d := int(to) - v; max(d, -d) > 19 {
			t.Errorf("%d becomes %d", v, to)
		}
	}
}

// TestBlankAsWritten: a page whose few tones become one when they are written
// lost what it shows.
func TestBlankAsWritten(t *testing.T) {
	tones := func(s ir.Samples, a, b byte) sheetOf {
		p := sheetOf{w: a4w, h: a4h, marks: 1, r: ir.Raster{Samples: s, W: 100, H: 100}}
		p.pix = bytes.Repeat([]byte{a}, int(p.r.Stride()*p.r.H))
		copy(p.pix[len(p.pix)/2:], bytes.Repeat([]byte{b}, 30))
		return p
	}
	for _, test := range []struct {
		name string
		page sheetOf
		held bool
	}{
		{"two of sixteen greys that become one", tones(ir.Gray4, 0xCC, 0xDD), true},
		{"white and the lightest", tones(ir.Gray4, 0xFF, 0xEE), false},
		{"two greys that become one", tones(ir.Gray8, 200, 201), true},
		{"white and a light grey", tones(ir.Gray8, 255, 240), false},
	} {
		for _, marks := range []int64{0, 1} {
			p := test.page
			p.marks, p.pix = marks, bytes.Clone(p.pix)
			_, _, err := build(t, values(p), format.Profile{Quality: 75})
			var hold *format.Error
			if held := errors.As(err, &hold) && hold.Reason == format.FidelityLoss; held != (test.held && marks > 0) {
				t.Errorf("%s, %d marks: %v", test.name, marks, err)
			}
		}
	}
}
