package pdfium

import (
	"fmt"
	"math"
)

// Page is one page that was loaded. Callers close it before the next one.
type Page struct {
	d       *Document
	number  int    // from 0
	page    uint64 // 0 when it is closed
	w, h    float32
	turned  int
	toShown matrix
}

// matrix maps the coordinates of a page's content to those of [Rect].
type matrix struct{ a, b, c, d, e, f float64 }

func (m matrix) apply(x, y float64) (float64, float64) {
	return m.a*x + m.c*y + m.e, m.b*x + m.d*y + m.f
}

// MaxPageSide bounds a page's width and height in points: 14,400 is the
// largest that ISO 32000-2 knows, times the largest user unit in use.
const MaxPageSide = 14_400 * 100

// Page loads page i, counted from 0. A page that is missing, or without an
// area, is ErrPage.
func (d *Document) Page(i int) (*Page, error) {
	if i < 0 || i >= d.pages {
		return nil, fmt.Errorf("%w: number %d of %d", ErrPage, i, d.pages)
	}
	p := &Page{d: d, number: i}
	if err := p.load(); err != nil {
		return nil, err
	}
	return p, nil
}

// load loads the page, and closes it again when it is of no use.
func (p *Page) load() error {
	d, i := p.d, p.number
	handle, err := d.in.call("FPDF_LoadPage", d.doc, uint64(uint32(i)))
	if err != nil {
		return err
	}
	if uint32(handle) == 0 {
		return fmt.Errorf("%w: number %d", ErrPage, i)
	}
	p.page = uint64(uint32(handle))
	if d.form != 0 {
		// Makes what a field without an appearance of its own looks like.
		if _, err := d.in.call("FORM_OnAfterLoadPage", p.page, d.form); err != nil {
			return err
		}
	}
	if err := p.measure(); err != nil {
		_ = p.Close() // the first error says more
		return err
	}
	return nil
}

// Flatten makes what annotations and form fields look like a part of the
// page's content, so that Text tells of it too. It changes the document in
// memory; draw the page before.
func (p *Page) Flatten() error {
	const forDisplay = 0
	if _, err := p.d.in.call("FPDFPage_Flatten", p.page, forDisplay); err != nil {
		return err
	}
	if err := p.Close(); err != nil {
		return err
	}
	return p.load()
}

// measure reads the page's size and where its content comes to stand.
func (p *Page) measure() error {
	var err error
	if p.w, err = p.d.in.real("FPDF_GetPageWidthF", p.page); err != nil {
		return err
	}
	if p.h, err = p.d.in.real("FPDF_GetPageHeightF", p.page); err != nil {
		return err
	}
	if !(p.w > 0 && p.h > 0 && p.w <= MaxPageSide && p.h <= MaxPageSide) {
		return fmt.Errorf("%w: %g by %g points", ErrPage, p.w, p.h)
	}
	turned, err := p.d.in.number("FPDFPage_GetRotation", p.page)
	if err != nil {
		return err
	}
	p.turned = turned & 3 * 90
	return p.map3()
}

// map3 asks where three points of the content are shown and takes the matrix
// from that. The device is fine enough for a hundredth of a point.
func (p *Page) map3() error {
	const far = 1000.0
	scale := math.Min(1000, 1e8/math.Max(float64(p.w), float64(p.h)))
	var at [3][2]float64
	for i, from := range [3][2]float64{{0, 0}, {far, 0}, {0, far}} {
		in := p.d.in
		_, err := in.call("FPDF_PageToDevice", p.page, 0, 0, device(p.w, scale), device(p.h, scale), 0,
			math.Float64bits(from[0]), math.Float64bits(from[1]), in.at(0), in.at(4))
		if err != nil {
			return err
		}
		at[i] = [2]float64{float64(int32(in.word(0))) / scale, float64(int32(in.word(1))) / scale}
	}
	p.toShown = matrix{
		a: (at[1][0] - at[0][0]) / far, b: (at[1][1] - at[0][1]) / far,
		c: (at[2][0] - at[0][0]) / far, d: (at[2][1] - at[0][1]) / far,
		e: at[0][0], f: at[0][1],
	}
	return nil
}

// device is a length of the page on a fine device.
func device(points float32, scale float64) uint64 {
	return uint64(uint32(int32(math.Round(float64(points) * scale))))
}

// Size returns the width and height of the page as displayed, in points, each
// above 0 and at most MaxPageSide.
func (p *Page) Size() (w, h float32) { return p.w, p.h }

// Rotation returns by how much the page's content is turned clockwise for
// display: 0, 90, 180 or 270. Size, pixels and text are given as displayed.
func (p *Page) Rotation() int { return p.turned }

// Close gives back what the page holds.
func (p *Page) Close() error {
	if p.d.in.broken || p.page == 0 {
		return nil
	}
	if p.d.form != 0 {
		if _, err := p.d.in.call("FORM_OnBeforeClosePage", p.page, p.d.form); err != nil {
			return err
		}
	}
	_, err := p.d.in.call("FPDF_ClosePage", p.page)
	p.page = 0
	return err
}

// Formats of FPDFBitmap_CreateEx and flags of FPDF_RenderPageBitmap (fpdfview.h).
const (
	bitmapGray = 1 // of pictures
	bitmapBGR  = 2
	bitmapBGRx = 3

	bitmapBGRA    = 4
	bitmapBGRAPre = 5

	drawAnnotations  = 0x01
	drawRGB          = 0x10
	limitedImageRoom = 0x200
)

// layouts are PDFium's formats for each Color. Grey is drawn in colour and then
// reduced: PDFium stops at a fault when it lays colours on a grey bitmap.
var layouts = [...]uint64{Gray: bitmapBGRx, RGB: bitmapBGR, RGBX: bitmapBGRx}

// Render draws the whole page, w by h pixels, on white, with its annotations
// and the values of form fields as a reader shows them. It fails with ErrLimit
// when the pixels would take more than half of the instance's memory.
func (p *Page) Render(w, h int, c Color) (Pixels, error) {
	drawn := c
	if c == Gray {
		drawn = RGBX
	}
	stride := (w*drawn.Bytes() + 3) &^ 3
	if w <= 0 || h <= 0 || w > math.MaxInt16*4 || h > math.MaxInt16*4 || int(c) >= len(layouts) || int64(stride)*int64(h) > p.d.in.limit/2 {
		return Pixels{}, fmt.Errorf("%w: a picture of %d by %d", ErrLimit, w, h)
	}
	at, kept, err := p.d.makeRoom(stride * h)
	if err != nil {
		return Pixels{}, err
	}
	in := p.d.in
	bitmap, err := in.call("FPDFBitmap_CreateEx", uint64(w), uint64(h), layouts[c], uint64(at), uint64(stride))
	if err != nil {
		return Pixels{}, err
	}
	if uint32(bitmap) == 0 {
		return Pixels{}, fmt.Errorf("%w: a picture of %d by %d", ErrMemory, w, h)
	}
	if err := p.draw(uint64(uint32(bitmap)), w, h); err != nil {
		return Pixels{}, err
	}
	pix, err := in.view(at, stride*h)
	all := Pixels{W: w, H: h, Stride: stride, Color: c, Pix: pix, Kept: kept}
	if err != nil || c != Gray {
		return all, err
	}
	return toGray(all), nil
}

// toGray reduces RGBX pixels to their luminance (ITU-R BT.601), in place.
func toGray(p Pixels) Pixels {
	stride := (p.W + 3) &^ 3
	for y := range p.H {
		from, to := p.Pix[p.Stride*y:], p.Pix[stride*y:]
		for x := range p.W {
			r, g, b := uint(from[4*x]), uint(from[4*x+1]), uint(from[4*x+2])
			to[x] = uint8((77*r + 150*g + 29*b + 128) >> 8)
		}
	}
	p.Stride, p.Pix = stride, p.Pix[:stride*p.H]
	return p
}

// keptShare is the part of the instance's memory up to which a page's pixels are
// kept while the next one is drawn.
const keptShare = 16

// makeRoom returns where to draw size bytes of pixels, and whether they are
// kept. Small pages take turns on two canvases. A large one is drawn where the
// last page is not, and the room for it is given back after it: there is one
// large canvas at most. The memory itself never moves.
func (d *Document) makeRoom(size int) (uint32, bool, error) {
	c, small := &d.canvases[d.turn], int(d.in.limit/keptShare)
	kept := size <= small
	if size > c.size || kept && c.size > small {
		if c.at != 0 {
			if _, err := d.in.call("free", uint64(c.at)); err != nil {
				return 0, false, err
			}
			*c = canvas{}
		}
		at, err := d.in.alloc(size)
		if err != nil {
			return 0, false, err
		}
		*c = canvas{at, size}
	}
	if kept {
		d.turn = 1 - d.turn
	}
	return c.at, kept, nil
}

// draw fills the bitmap and forgets it; its pixels are the canvas's.
func (p *Page) draw(bitmap uint64, w, h int) error {
	in := p.d.in
	const white = 0xFFFFFFFF
	const flags = drawAnnotations | drawRGB | limitedImageRoom
	if _, err := in.call("FPDFBitmap_FillRect", bitmap, 0, 0, uint64(w), uint64(h), white); err != nil {
		return err
	}
	if _, err := in.call("FPDF_RenderPageBitmap", bitmap, p.page, 0, 0, uint64(w), uint64(h), 0, flags); err != nil {
		return err
	}
	if p.d.form != 0 {
		if _, err := in.call("FPDF_FFLDraw", p.d.form, bitmap, p.page, 0, 0, uint64(w), uint64(h), 0, flags); err != nil {
			return err
		}
	}
	_, err := in.call("FPDFBitmap_Destroy", bitmap)
	return err
}
