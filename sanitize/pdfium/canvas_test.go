package pdfium

import (
	"bytes"
	"testing"
)

// TestKeptPixels: kept pixels outlive one more drawn page, whatever its size,
// and pages of all sizes need one large canvas at most.
func TestKeptPixels(t *testing.T) {
	e := load(t, func(c *Config) { c.Memory = 128 << 20 })
	d := opened(t, e, document("", nil, sheet{content: "0 0 50 40 re f BT /F1 30 Tf 20 40 Td (Hg) Tj ET"}))
	p := first(t, d)
	small := int(d.in.limit / keptShare)
	sides := []int{100, 300, 2500, 100, 2600, 2700, 50, 60, 2000, 1000, 1100, 2500, 100, 100, 2500}
	var last Pixels
	var copied []byte
	for i, side := range sides {
		pix, err := p.Render(side, side, RGBX)
		if err != nil {
			t.Fatalf("page %d of %d pixels: %v", i, side, err)
		}
		if pix.Kept != (4*side*side <= small) {
			t.Errorf("page %d of %d pixels: kept %v", i, side, pix.Kept)
		}
		if _, err := p.Text(100); err != nil {
			t.Fatal(err)
		}
		if last.Kept && !bytes.Equal(last.Pix, copied) {
			t.Errorf("the pixels of page %d changed when page %d was drawn", i-1, i)
		}
		if d.canvases[0].size > small && d.canvases[1].size > small {
			t.Errorf("page %d: canvases of %d and %d bytes", i, d.canvases[0].size, d.canvases[1].size)
		}
		if bytes.Count(pix.Pix, []byte{0}) < side || pix.Pix[0] != 255 {
			t.Errorf("page %d is not drawn", i)
		}
		last, copied = pix, bytes.Clone(pix.Pix)
	}
}
