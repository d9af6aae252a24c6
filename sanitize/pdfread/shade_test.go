package pdfread

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/pdfium"
)

// paint makes a page of pixels by a function.
func paint(w, h int, of func(x, y int) (r, g, b uint8)) pdfium.Pixels {
	p := pdfium.Pixels{W: w, H: h, Stride: 4 * w, Color: pdfium.RGBX, Pix: make([]byte, 4*w*h)}
	for y := range h {
		for x := range w {
			o := 4 * (y*w + x)
			p.Pix[o], p.Pix[o+1], p.Pix[o+2] = of(x, y)
			p.Pix[o+3] = uint8(x) // without meaning
		}
	}
	return p
}

func grey(v uint8) (uint8, uint8, uint8) { return v, v, v }

// TestSamplesOfPages: each page is kept as what it is.
func TestSamplesOfPages(t *testing.T) {
	noise := rand.New(rand.NewPCG(1, 2))
	inside := func(x, y, x0, y0, side int) bool { return x >= x0 && x < x0+side && y >= y0 && y < y0+side }
	for _, test := range []struct {
		name  string
		shade format.Shade
		of    func(x, y int) (uint8, uint8, uint8)
		want  ir.Samples
	}{
		{"white", format.ShadeAuto, func(int, int) (uint8, uint8, uint8) { return grey(255) }, ir.Gray1},
		{"black and white", format.ShadeAuto, func(x, y int) (uint8, uint8, uint8) { return grey(uint8(x / 7 % 2 * 255)) }, ir.Gray1},
		{"soft letters", format.ShadeAuto, func(x, y int) (uint8, uint8, uint8) {
			if inside(x, y, 100, 100, 150) {
				return grey([]uint8{255, 140, 0, 60, 255}[x%5])
			}
			return grey(255)
		}, ir.Gray4},
		{"photograph", format.ShadeAuto, func(x, y int) (uint8, uint8, uint8) {
			if inside(x, y, 50, 50, 200) {
				return grey(uint8(30 + x/2 + noise.IntN(5)))
			}
			return grey(255)
		}, ir.Gray8},
		{"a seal", format.ShadeAuto, func(x, y int) (uint8, uint8, uint8) {
			if inside(x, y, 300, 300, 12) {
				return 200, 20, 30
			}
			return grey(uint8(255 - x/30%2*100))
		}, ir.RGB8},
		{"tinted table", format.ShadeAuto, func(x, y int) (uint8, uint8, uint8) {
			if inside(x, y, 20, 20, 120) {
				return 238, 246, 255
			}
			return grey(255)
		}, ir.RGB8},
		{"noise of a grey JPEG", format.ShadeAuto, func(x, y int) (uint8, uint8, uint8) {
			v := uint8(240 - x/3%2*230 + noise.IntN(6))
			return v, v + uint8(noise.IntN(7)), v
		}, ir.Gray4},
		{"colour that is not wanted", format.ShadeGray, func(x, y int) (uint8, uint8, uint8) { return uint8(x), 100, 0 }, ir.Gray8},
		{"black and white that is wanted", format.ShadeMono, func(x, y int) (uint8, uint8, uint8) { return uint8(x), 100, 0 }, ir.Gray1},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, _ := count(paint(400, 400, test.of), nil)
			if got := c.samples(400*400, 150, test.shade); got != test.want {
				t.Errorf("%s, want %s: %+v", got, test.want, c)
			}
		})
	}
}

// TestDenseText: a page full of small print is no photograph.
func TestDenseText(t *testing.T) {
	var b strings.Builder
	for y := range 80 {
		fmt.Fprintf(&b, "BT /F 8 Tf 20 %d Td (%s) Tj ET ", 825-10*y, strings.Repeat("Sphinx of black quartz, judge my vow. ", 4))
	}
	for _, dpi := range []int64{100, 150} {
		in := asked(onePage("", "/MediaBox[0 0 595 842]", b.String()))
		in.Render.DPI = dpi
		if a := parse(t, dressed(t), in); a.drawn[0].raster.Samples != ir.Gray4 {
			t.Errorf("%d dpi: %s", dpi, a.drawn[0].raster.Samples)
		}
	}
}

func TestUniform(t *testing.T) {
	for _, test := range []struct {
		name string
		at   int // a pixel that differs, -1 for none
		v    uint8
		want bool
	}{
		{"all the same", -1, 0, true}, {"the first differs", 0, 0, false}, {"the last differs", 99, 254, false}, {"one in the middle", 51, 250, false},
	} {
		for _, ground := range []uint8{255, 90} {
			p := paint(10, 10, func(x, y int) (uint8, uint8, uint8) {
				if 10*y+x == test.at {
					return grey(test.v)
				}
				return grey(ground)
			})
			if got, _ := count(p, nil); got.uniform != test.want {
				t.Errorf("%s on %d: %v", test.name, ground, got.uniform)
			}
		}
	}
}

func TestPack(t *testing.T) {
	p := paint(5, 1, func(x, _ int) (uint8, uint8, uint8) {
		return [][3]uint8{{0, 0, 0}, {255, 255, 255}, {128, 128, 128}, {255, 0, 0}, {180, 180, 180}}[x][0],
			[][3]uint8{{0, 0, 0}, {255, 255, 255}, {128, 128, 128}, {255, 0, 0}, {180, 180, 180}}[x][1],
			[][3]uint8{{0, 0, 0}, {255, 255, 255}, {128, 128, 128}, {255, 0, 0}, {180, 180, 180}}[x][2]
	})
	_, plane := count(p, nil)
	for _, test := range []struct {
		to   ir.Samples
		want []byte
	}{
		{ir.RGB8, []byte{0, 0, 0, 255, 255, 255, 128, 128, 128, 255, 0, 0, 180, 180, 180}},
		{ir.Gray8, []byte{0, 255, 128, 77, 180}},
		{ir.Gray4, []byte{0x0F, 0x85, 0xB0}},
		{ir.Gray1, []byte{0b01001000}},
	} {
		if got := newPacker(p, plane, test.to, false).pack(0); !bytes.Equal(got, test.want) {
			t.Errorf("%s: %x, want %x", test.to, got, test.want)
		}
	}
}

// TestDither: a photograph in black and white keeps its mean grey.
func TestDither(t *testing.T) {
	for _, v := range []uint8{40, 128, 220} {
		p := paint(64, 64, func(int, int) (uint8, uint8, uint8) { return grey(v) })
		_, plane := count(p, nil)
		k, white := newPacker(p, plane, ir.Gray1, true), 0
		for y := range 64 {
			for _, b := range k.pack(y) {
				for ; b != 0; b &= b - 1 {
					white++
				}
			}
		}
		if mean := white * 255 / (64 * 64); mean < int(v)-20 || mean > int(v)+20 {
			t.Errorf("grey %d comes out as %d", v, mean)
		}
	}
}

func BenchmarkCount(b *testing.B) {
	p := paint(1240, 1754, func(x, y int) (uint8, uint8, uint8) {
		if y%40 < 12 && x%9 < 3 {
			return grey(uint8(x % 3 * 100))
		}
		return grey(255)
	})
	var plane []byte
	for b.Loop() {
		var t tally
		if t, plane = count(p, plane); t.uniform {
			b.Fatal("uniform")
		}
	}
}

// TestLightIsKept: light surfaces and words of a page without soft edges do not
// become white.
func TestLightIsKept(t *testing.T) {
	for _, test := range []struct {
		name, grey string
		as         ir.Samples
	}{
		{"black", "0", ir.Gray1}, {"nine tenths", "0.92", ir.Gray4}, {"light", "0.95", ir.Gray4}, {"lightest", "0.965", ir.Gray4}, {"as good as white", "0.99", ir.Gray1},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := parse(t, dressed(t), asked(onePage("", "/MediaBox[0 0 72 72]", test.grey+" g 18 18 36 36 re f")))
			if got := a.drawn[0].raster.Samples; got != test.as {
				t.Errorf("kept as %s, want %s", got, test.as)
			}
		})
	}
}
