package pdfium

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// ink returns the box of what is darker than grey 128, in pixels, and how
// many pixels are.
func ink(p Pixels) (left, top, right, bottom, n int) {
	left, top = p.W, p.H
	for y := range p.H {
		row := p.Pix[y*p.Stride:]
		for x := range p.W {
			if row[x*p.Color.Bytes()] < 128 {
				left, right, top, bottom, n = min(left, x), max(right, x+1), min(top, y), max(bottom, y+1), n+1
			}
		}
	}
	return left, top, right, bottom, n
}

// render draws a page with this many pixels a point.
func render(tb testing.TB, p *Page, scale float32, c Color) Pixels {
	tb.Helper()
	w, h := p.Size()
	pix, err := p.Render(int(w*scale), int(h*scale), c)
	if err != nil {
		tb.Fatal(err)
	}
	return pix
}

// TestTextStandsOnItsPixels: on pages turned and cropped, where a character is
// said to be there is its ink, and all ink is in a character's box.
func TestTextStandsOnItsPixels(t *testing.T) {
	e := load(t, nil)
	for _, test := range []struct {
		name, box, more, content string
		angle                    float32
	}{
		{name: "plain", content: "BT /F1 30 Tf 20 40 Td (Hg) Tj ET"},
		{name: "turned 90", more: "/Rotate 90", content: "BT /F1 30 Tf 20 40 Td (Hg) Tj ET", angle: 1.5707964},
		{name: "turned 180", more: "/Rotate 180", content: "BT /F1 30 Tf 20 40 Td (Hg) Tj ET", angle: 3.1415927},
		{name: "turned 270", more: "/Rotate 270", content: "BT /F1 30 Tf 20 40 Td (Hg) Tj ET", angle: 4.712389},
		{name: "turned back", more: "/Rotate 90", content: "BT 0 1 -1 0 90 20 Tm /F1 30 Tf (Hg) Tj ET"},
		{name: "text runs up", content: "BT 0 1 -1 0 90 10 Tm /F1 30 Tf (Hg) Tj ET", angle: 4.712389},
		{name: "cropped", more: "/CropBox[10 30 150 90]", content: "BT /F1 30 Tf 20 40 Td (Hg) Tj ET"},
		{name: "cropped and turned", more: "/CropBox[10 30 150 90]/Rotate 270", content: "BT /F1 30 Tf 20 40 Td (Hg) Tj ET", angle: 4.712389},
		{name: "origin elsewhere", box: "-100 -50 100 50", content: "BT /F1 30 Tf -80 -10 Td (Hg) Tj ET"},
		{name: "user unit", more: "/UserUnit 2", content: "BT /F1 30 Tf 20 40 Td (Hg) Tj ET"},
		{name: "scaled matrix", content: "q 3 0 0 3 0 0 cm BT /F1 10 Tf 5 15 Td (Hg) Tj ET Q"},
		{name: "font not embedded", content: "BT /F2 30 Tf 20 40 Td <82a082a2> Tj ET"},
	} {
		t.Run(test.name, func(t *testing.T) {
			const scale = 4
			p := first(t, opened(t, e, document("", nil, sheet{box: test.box, more: test.more, content: test.content})))
			text, err := p.Text(10)
			if err != nil || len(text.Chars) != 2 {
				t.Fatalf("%+v, %v", text, err)
			}
			all := text.Chars[0].Ink
			for _, c := range text.Chars {
				if c.Size < 29.9 || c.Size > 60.1 || c.Angle < test.angle-0.01 || c.Angle > test.angle+0.01 || c.Hidden || c.Generated || c.Object != 1 {
					t.Errorf("%+v", c)
				}
				all = Rect{min(all.Left, c.Ink.Left), min(all.Top, c.Ink.Top), max(all.Right, c.Ink.Right), max(all.Bottom, c.Ink.Bottom)}
				if c.Box.Left > c.Ink.Left+0.5 || c.Box.Right < c.Ink.Right-0.5 || c.Box.Top > c.Ink.Top+0.5 || c.Box.Bottom < c.Ink.Bottom-0.5 {
					t.Errorf("ink outside of its box: %+v", c)
				}
			}
			left, top, right, bottom, n := ink(render(t, p, scale, Gray))
			const slack = 1.5 * scale
			for _, side := range [][2]float32{{float32(left), all.Left}, {float32(top), all.Top}, {float32(right), all.Right}, {float32(bottom), all.Bottom}} {
				if d := side[0] - side[1]*scale; n == 0 || d > slack || d < -slack {
					t.Fatalf("%d pixels of ink in %d,%d,%d,%d; text says %+v", n, left, top, right, bottom, all)
				}
			}
		})
	}
}

// TestMissingFontsLoseText is why the tree must not be empty: without it,
// Japanese text in fonts that are not embedded is not drawn, and no error says
// so.
func TestMissingFontsLoseText(t *testing.T) {
	data := document("", nil, sheet{content: "BT /F2 30 Tf 20 40 Td <82a082a2> Tj ET"})
	for _, test := range []struct {
		name  string
		fonts []string
		files int
		drawn bool
	}{{"IPA", DefaultFonts(), 4, true}, {"none", nil, 0, false}, {"missing", []string{"/nowhere"}, 0, false}} {
		t.Run(test.name, func(t *testing.T) {
			e := load(t, func(c *Config) { c.Fonts = test.fonts })
			p := first(t, opened(t, e, data))
			text, err := p.Text(10)
			if err != nil || len(text.Fonts) != 1 || text.Fonts[0] != (Font{"Ryumin-Light", false}) || text.Chars[0].Rune != 'あ' || text.Chars[1].Rune != 'い' {
				t.Fatalf("%+v, %v", text, err)
			}
			if _, _, _, _, n := ink(render(t, p, 2, Gray)); (n > 0) != test.drawn || e.Fonts() != test.files {
				t.Fatalf("%d pixels with %d fonts", n, e.Fonts())
			}
		})
	}
}

// TestRenderLayouts: one red, green and blue area in each layout.
func TestRenderLayouts(t *testing.T) {
	e := load(t, nil)
	p := first(t, opened(t, e, document("", nil, sheet{box: "0 0 30 10", content: "1 0 0 rg 0 0 10 10 re f 0 1 0 rg 10 0 10 10 re f 0 0 1 rg 20 0 10 10 re f"})))
	for _, c := range []Color{RGB, RGBX} {
		pix := render(t, p, 1, c)
		for i, want := range [][]byte{{255, 0, 0}, {0, 255, 0}, {0, 0, 255}} {
			if got := pix.Pix[5*pix.Stride+(5+10*i)*c.Bytes():][:3]; !bytes.Equal(got, want) {
				t.Errorf("layout %d, area %d: %v", c, i, got)
			}
		}
	}
	pix := render(t, p, 1, Gray)
	red, green, blue := pix.Pix[5*pix.Stride+5], pix.Pix[5*pix.Stride+15], pix.Pix[5*pix.Stride+25]
	if !(blue < red && red < green) || pix.Stride != 32 || len(pix.Pix) != 32*10 {
		t.Errorf("grey %d %d %d, stride %d", red, green, blue, pix.Stride)
	}
}

// TestAnnotationsAreDrawn: notes and the values of form fields, which PDFium
// leaves out unless it is told.
func TestAnnotationsAreDrawn(t *testing.T) {
	e := load(t, nil)
	black := stream("/Type/XObject/Subtype/Form/BBox[0 0 50 20]", "0 g 0 0 50 20 re f")
	for _, test := range []struct {
		name, catalog, page string
		extra               []string
	}{
		{"stamp", "", "/Annots[<</Type/Annot/Subtype/Stamp/F 4/Rect[10 10 60 30]/AP<</N 100 0 R>>>>]", []string{black}},
		{"field with an appearance", "/AcroForm<</Fields[101 0 R]>>", "/Annots[101 0 R]",
			[]string{black, "<</Type/Annot/Subtype/Widget/FT/Tx/F 4/T(f)/V(v)/Rect[10 10 60 30]/AP<</N 100 0 R>>>>"}},
		{"field with a value alone", "/AcroForm<</NeedAppearances true/DR<</Font<</Helv " + latin + ">>>>/DA(/Helv 18 Tf 0 g)/Fields[101 0 R]>>", "/Annots[101 0 R]",
			[]string{black, "<</Type/Annot/Subtype/Widget/FT/Tx/F 4/T(f)/V(Value)/DA(/Helv 18 Tf 0 g)/Rect[10 10 90 40]>>"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := first(t, opened(t, e, document(test.catalog, test.extra, sheet{more: test.page})))
			left, top, right, bottom, n := ink(render(t, p, 2, Gray))
			if n < 100 || left < 20 || top < 100 || right > 190 || bottom > 182 {
				t.Fatalf("%d pixels in %d,%d,%d,%d", n, left, top, right, bottom)
			}
		})
	}
}

// TestHiddenText: text that leaves no mark is told apart.
func TestHiddenText(t *testing.T) {
	e := load(t, nil)
	for _, test := range []struct {
		name, content string
		more          []string
		hidden        bool
		fill          uint32
	}{
		{name: "seen", content: "BT /F1 20 Tf 20 40 Td (a) Tj ET"},
		{name: "coloured", content: "1 0 0 rg BT /F1 20 Tf 20 40 Td (a) Tj ET", fill: 0xFF0000},
		{name: "outlined", content: "BT 1 Tr /F1 20 Tf 20 40 Td (a) Tj ET"},
		{name: "invisible", content: "BT 3 Tr /F1 20 Tf 20 40 Td (a) Tj ET", hidden: true},
		{name: "clip only", content: "BT 7 Tr /F1 20 Tf 20 40 Td (a) Tj ET", hidden: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			text, err := first(t, opened(t, e, document("", nil, sheet{content: test.content}))).Text(5)
			if err != nil || len(text.Chars) != 1 || text.Chars[0].Hidden != test.hidden || text.Chars[0].Fill != test.fill {
				t.Fatalf("%+v, %v", text, err)
			}
		})
	}
}

// TestTextInOrder reads two lines with a blank between words that the file
// does not say.
func TestTextInOrder(t *testing.T) {
	e := load(t, nil)
	p := first(t, opened(t, e, document("", nil, sheet{content: "BT /F1 12 Tf 20 70 Td (one) Tj 60 0 Td (two) Tj -60 -20 Td (three) Tj ET"})))
	text, err := p.Text(100)
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	generated := 0
	for _, c := range text.Chars {
		said.WriteRune(c.Rune)
		if c.Generated {
			generated++
		}
	}
	if got := said.String(); got != "one two\r\nthree" || generated != 3 {
		t.Fatalf("%q with %d generated", got, generated)
	}
	if _, err := p.Text(5); !errors.Is(err, ErrLimit) {
		t.Fatalf("over the limit: %v", err)
	}
}

// TestPages: pages that are not there, that have no area, that are too large.
func TestPages(t *testing.T) {
	e := load(t, nil)
	d := opened(t, e, document("", nil, sheet{}, sheet{more: "/Rotate 90"}))
	for _, i := range []int{-1, 2, 1 << 30} {
		if _, err := d.Page(i); !errors.Is(err, ErrPage) {
			t.Errorf("page %d: %v", i, err)
		}
	}
	p, err := d.Page(1)
	if err != nil {
		t.Fatal(err)
	}
	if w, h := p.Size(); w != 100 || h != 200 || p.Rotation() != 90 {
		t.Errorf("%g by %g, turned %d", w, h, p.Rotation())
	}
	for _, size := range [][2]int{{0, 10}, {10, -1}, {1 << 40, 1}, {200_000, 1}, {30_000, 30_000}} {
		if _, err := p.Render(size[0], size[1], RGBX); !errors.Is(err, ErrLimit) {
			t.Errorf("%v: %v", size, err)
		}
	}
	if _, err := p.Render(10, 10, 9); !errors.Is(err, ErrLimit) {
		t.Error("a layout that does not exist")
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// TestObjects counts content, in form XObjects too.
func TestObjects(t *testing.T) {
	e := load(t, nil)
	form := stream("/Type/XObject/Subtype/Form/BBox[0 0 50 20]/Resources<</Font<</F1 "+latin+">>>>", "0 0 5 5 re f BT /F1 9 Tf (x) Tj ET")
	p := first(t, opened(t, e, document("", []string{form}, sheet{content: "0 0 9 9 re f /X Do BT /F1 9 Tf 20 20 Td (a) Tj ET"})))
	o, err := p.Objects(10)
	if err != nil || o != (Objects{Text: 2, Path: 2, Form: 1}) {
		t.Fatalf("%+v, %v", o, err)
	}
	if _, err := p.Objects(4); !errors.Is(err, ErrLimit) {
		t.Fatalf("over the limit: %v", err)
	}
}

// BenchmarkRender draws a page of text.
func BenchmarkRender(b *testing.B) {
	e := load(b, nil)
	var lines strings.Builder
	for i := range 60 {
		fmt.Fprintf(&lines, "BT /F1 10 Tf 40 %d Td (The quick brown fox jumps over the lazy dog, and once more, line %d of many) Tj ET\n", 800-13*i, i)
	}
	p := first(b, opened(b, e, document("", nil, sheet{box: "0 0 595 842", content: lines.String()})))
	for name, c := range map[string]Color{"gray": Gray, "rgb": RGB, "rgbx": RGBX} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := p.Render(1240, 1754, c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("text", func(b *testing.B) {
		for b.Loop() {
			if _, err := p.Text(100_000); err != nil {
				b.Fatal(err)
			}
		}
	})
}
