package image

import (
	"context"
	"fmt"
	stdimage "image"
	"image/color"

	"sekisho/sanitize/image/tiff"
	"sekisho/sanitize/ir"
)

// defaultDensity is what a page of unknown resolution is taken for: the middle
// of what office scanners offer.
var defaultDensity = density{200_000, 200_000}

// manyPages emits pages[first:last] one after the other, holding one at a time. Findings
// that pages share are said once.
func manyPages(ctx context.Context, pages []*tiff.Page, first, last int, out *ir.Writer) error {
	said := map[string]bool{}
	lost := faxDamage{}
	for i := first; i < last; i++ {
		p := pages[i]
		got, err := p.Decode(ctx)
		if err == nil {
			err = lost.add(p, got)
		}
		if err != nil {
			return holdDecode(fmt.Errorf("page %d: %w", i+1, err))
		}
		s := surveyPage(p)
		v, notes := s.view(got.Image)
		if s.turn.turns() {
			notes = append(notes, ir.Note{Code: codeOrientation, Detail: fmt.Sprintf("page %d", i+1)})
		}
		for _, n := range notes {
			if said[n.Code] {
				continue
			}
			said[n.Code] = true
			if err := out.Write(n); err != nil {
				return fmt.Errorf("write finding: %w", err)
			}
		}
		if err := emitPage(ctx, int64(i), got.Image, v, out); err != nil {
			return err
		}
	}
	return lost.notes(out)
}

// sheet gives the size of a page of w × h pixels in thousandths of a point. A
// page larger than any is made to fit.
func (d density) sheet(w, h int) (int64, int64) {
	if d == (density{}) {
		d = defaultDensity
	}
	const point = 72 * 1000 * 1000 // thousandths of a point an inch, times those of a pixel
	sw, sh := (int64(w)*point+d.x/2)/d.x, (int64(h)*point+d.y/2)/d.y
	if most := max(sw, sh); most > ir.MaxSheet {
		sw, sh = sw*ir.MaxSheet/most, sh*ir.MaxSheet/most
	}
	return max(sw, 1), max(sh, 1)
}

// emitPage writes a page as it is shown: its sheet, and the fewest samples
// that hold its colours. What is transparent is paper.
func emitPage(ctx context.Context, page int64, img stdimage.Image, v view, out *ir.Writer) error {
	size := img.Bounds().Size()
	w, h := size.X, size.Y
	if v.turn.transposes() {
		w, h = h, w
	}
	sw, sh := v.res.turned(v.turn).sheet(w, h)
	if err := out.Write(ir.Sheet{Page: page, W: sw, H: sh}); err != nil {
		return fmt.Errorf("write sheet: %w", err)
	}
	if b, ok := img.(*tiff.Bilevel); ok && v.turn <= 1 {
		return emitBilevel(ctx, b, out)
	}
	at, crushed := v.shown(img)
	samples := ir.Gray1
	for y := 0; y < h && samples != ir.RGB8; y++ {
		if err := ctx.Err(); err != nil {
			return holdDecode(err)
		}
		for x := range w {
			samples = wider(samples, at(x, y))
		}
	}
	r := ir.Raster{Samples: samples, W: int64(w), H: int64(h)}
	if err := out.Write(r); err != nil {
		return fmt.Errorf("write raster: %w", err)
	}
	err := emitRows(ctx, int(r.Stride()), h, out, func(y int, row []byte) {
		for x := range w {
			put(row, samples, x, at(x, y))
		}
	})
	if err != nil {
		return err
	}
	return crushed()
}

// shown reads pixels of the page as it is shown, over white paper. The second
// function is that of watched.
func (v view) shown(img stdimage.Image) (func(x, y int) color.NRGBA, func() error) {
	b := img.Bounds()
	at, crushed := v.watched(img)
	return func(x, y int) color.NRGBA {
		sx, sy := v.turn.source(x, y, b.Dx(), b.Dy())
		c := at(b.Min.X+sx, b.Min.Y+sy)
		if c.A == 0xFF {
			return c
		}
		over := func(p uint8) uint8 { return uint8((int(p)*int(c.A) + 255*(255-int(c.A)) + 127) / 255) }
		return color.NRGBA{R: over(c.R), G: over(c.G), B: over(c.B), A: 0xFF}
	}, crushed
}

// wider returns samples that hold c as well.
func wider(s ir.Samples, c color.NRGBA) ir.Samples {
	switch {
	case c.R != c.G || c.G != c.B:
		return ir.RGB8
	case s == ir.Gray1 && c.R != 0 && c.R != 0xFF, s == ir.Gray4 && c.R%17 != 0:
		if c.R%17 == 0 {
			return ir.Gray4
		}
		return ir.Gray8
	}
	return s
}

// put stores pixel x of a row.
func put(row []byte, s ir.Samples, x int, c color.NRGBA) {
	switch s {
	case ir.Gray1:
		row[x/8] |= c.R & 0x80 >> (x % 8)
	case ir.Gray4:
		row[x/2] |= c.R >> 4 << (4 * (1 - x%2))
	case ir.Gray8:
		row[x] = c.R
	default:
		row[3*x], row[3*x+1], row[3*x+2] = c.R, c.G, c.B
	}
}

// emitBilevel writes rows of bits, of which 0 is black.
func emitBilevel(ctx context.Context, b *tiff.Bilevel, out *ir.Writer) error {
	w, h := b.Rect.Dx(), b.Rect.Dy()
	if err := out.Write(ir.Raster{Samples: ir.Gray1, W: int64(w), H: int64(h)}); err != nil {
		return fmt.Errorf("write raster: %w", err)
	}
	n := (w + 7) / 8
	return emitRows(ctx, n, h, out, func(y int, row []byte) {
		for i, v := range b.Pix[y*b.Stride:][:n] {
			row[i] = ^v
		}
		if w%8 != 0 {
			row[n-1] &= 0xFF << (8 - w%8)
		}
	})
}

// emitRows writes h rows of stride bytes, each filled by draw over zeros.
func emitRows(ctx context.Context, stride, h int, out *ir.Writer, draw func(y int, row []byte)) error {
	buf := make([]byte, 0, max(rowBytes, stride))
	for y := range h {
		if err := ctx.Err(); err != nil {
			return holdDecode(err)
		}
		row := buf[len(buf) : len(buf)+stride]
		clear(row)
		draw(y, row)
		buf = buf[:len(buf)+stride]
		if len(buf)+stride <= cap(buf) && y < h-1 {
			continue
		}
		if err := out.Write(ir.Pixels{B: buf}); err != nil {
			return fmt.Errorf("write pixels: %w", err)
		}
		buf = buf[:0]
	}
	return nil
}
