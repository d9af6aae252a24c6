package pdfread

import (
	"bytes"
	"fmt"
	"math"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/pdfium"
)

// leastDPI is how coarse a giant page may become before it is held: at 36
// pixels an inch the lettering of a poster can still be read.
const leastDPI = 36

// sheet is a page's size and the pixels that it is drawn in.
type sheet struct {
	w, h   int64 // thousandths of a point
	px, py int64
	dpi    int64
}

// measure fixes the pixels of a page of w × h points before any memory is
// taken. A page above most pixels gets a coarser resolution; one that would
// need less than leastDPI is held.
func measure(w, h float32, dpi, most int64) (sheet, error) {
	s := sheet{w: milli(w), h: milli(h), dpi: max(1, dpi)}
	if s.w > ir.MaxSheet || s.h > ir.MaxSheet {
		return s, format.Hold(format.LimitPixels, fmt.Sprintf("a page of %g by %g points", w, h))
	}
	for {
		s.px, s.py = side(s.w, s.dpi), side(s.h, s.dpi)
		over := float64(s.px) * float64(s.py) / float64(max(1, most))
		if over <= 1 && s.px <= ir.MaxSide && s.py <= ir.MaxSide {
			return s, nil
		}
		if s.dpi <= leastDPI {
			return s, format.Hold(format.LimitPixels, fmt.Sprintf("a page of %g by %g points", w, h))
		}
		s.dpi = max(leastDPI, min(s.dpi-1, int64(float64(s.dpi)/math.Sqrt(max(1, over)))))
	}
}

// milli turns points into thousandths, at least one.
func milli(points float32) int64 { return max(1, int64(math.Round(float64(points)*1000))) }

// side is how many pixels a length takes.
func side(milli, dpi int64) int64 { return max(1, (milli*dpi+36_000)/72_000) }

// draw emits a page as pixels, with its text if that is wanted.
func (r *reading) draw(page *pdfium.Page) error {
	w, h := page.Size()
	s, err := measure(w, h, r.in.Render.DPI, r.in.Budget.Pixels)
	if err != nil {
		return err
	}
	if s.dpi < r.in.Render.DPI {
		r.notes.page("page_scaled", r.page, fmt.Sprintf("%d dpi", s.dpi))
	}
	c, pix, err := r.see(page, s)
	if err != nil {
		return err
	}
	t := count(pix)
	v := r.read(c.text, canvas{pix, float64(s.px) / float64(w), float64(s.py) / float64(h)})
	if err := r.vanished(v, c); err != nil {
		return err
	}
	missing := empty(c.pictures, canvas{pix, float64(s.px) / float64(w), float64(s.py) / float64(h)})
	marks := v.marks + int64(c.objects.Image)
	if t.uniform {
		// Whether the page lost something has to be known before its pixels go.
		shows, err := showing(page, c.pictures)
		if err != nil {
			return err
		}
		marks, missing = v.standOut(t.first)+int64(shows), nil
		pix = blank(pix, t.first) // the pixels were lent
	}
	if err := r.out.Write(ir.Sheet{Page: int64(r.page), W: s.w, H: s.h, Marks: marks}); err != nil {
		return err
	}
	if err := r.pixels(pix, s, t); err != nil {
		return err
	}
	if shows, err := showing(page, missing); err != nil {
		return err
	} else if shows > 0 {
		r.notes.page("picture_missing", r.page, "")
	}
	return r.layer(v, s)
}

// empty returns the pictures in whose place the page has one colour.
func empty(all []pdfium.Picture, on canvas) []pdfium.Picture {
	var e []pdfium.Picture
	for _, p := range all {
		in, whole := on.area(p.Box)
		if p.Box == (pdfium.Rect{}) || !whole {
			continue
		}
		if on.plain(in) {
			e = append(e, p)
		}
	}
	return e
}

// showing counts the pictures that have something to show.
func showing(page *pdfium.Page, all []pdfium.Picture) (int, error) {
	n := 0
	for _, p := range all {
		shows, err := page.Shows(p)
		if err != nil {
			return n, err
		}
		if shows {
			n++
		}
	}
	return n, nil
}

// blank is a page of one colour.
func blank(like pdfium.Pixels, color uint32) pdfium.Pixels {
	row := bytes.Repeat([]byte{uint8(color >> 16), uint8(color >> 8), uint8(color), 0}, like.W)
	like.Stride, like.Pix = 0, row // each row is the same
	return like
}

// layer emits the text that lies over the pixels, if that is wanted.
func (r *reading) layer(v view, s sheet) error {
	if !r.in.Render.Layer {
		return nil
	}
	for _, run := range layOut(v.letters, s.h) {
		if err := r.out.Write(run); err != nil {
			return err
		}
	}
	return nil
}

// pixels emits the raster.
func (r *reading) pixels(pix pdfium.Pixels, s sheet, t tally) error {
	to := t.samples(s.px*s.py, s.dpi, r.in.Render.Shade)
	if err := r.out.Write(ir.Raster{Samples: to, W: s.px, H: s.py}); err != nil {
		return err
	}
	k := newPacker(pix, to, t.photographic(s.px*s.py))
	var rows []byte
	for y := range pix.H {
		rows = append(rows, k.pack(y)...)
		if len(rows) >= 64<<10 || y == pix.H-1 {
			if err := r.out.Write(ir.Pixels{B: rows}); err != nil {
				return err
			}
			rows = rows[:0]
		}
	}
	return nil
}

// content is what a page holds, as the engine says.
type content struct {
	text     pdfium.Text
	objects  pdfium.Objects
	pictures []pdfium.Picture // the first of them
}

// maxPictures is how many pictures of a page are looked for in its pixels.
const maxPictures = 32

// see draws a page and reads what it holds. The pixels are lent until the next
// call of the engine.
func (r *reading) see(page *pdfium.Page, s sheet) (content, pdfium.Pixels, error) {
	var c content
	var pix pdfium.Pixels
	var err error
	if c.objects, err = page.Objects(maxObjects); err != nil {
		return c, pix, err
	}
	a, err := page.Annotations(maxObjects)
	if err != nil {
		return c, pix, err
	}
	r.notes.annotations(r.page, a)
	if a.All > a.Links {
		pix, err = written(page, s)
	}
	if err != nil {
		return c, pix, err
	}
	if c.text, err = page.Text(maxChars); err != nil {
		return c, pix, err
	}
	if c.objects.Image > 0 {
		if c.pictures, err = page.Pictures(maxObjects, maxPictures); err != nil {
			return c, pix, err
		}
	}
	for _, f := range c.text.Fonts {
		if !f.Embedded && !standard(f.Name) {
			r.notes.name("font_substituted", f.Name)
		}
	}
	if pix.Pix == nil {
		pix, err = page.Render(int(s.px), int(s.py), pdfium.RGBX)
	}
	return c, pix, err
}

// written draws a page and then makes its annotations and form fields a part
// of its content, so that what is written there is text like any other. The
// pixels are of before, and our own copy: whether the two agree is looked for, letter
// by letter.
func written(page *pdfium.Page, s sheet) (pdfium.Pixels, error) {
	pix, err := page.Render(int(s.px), int(s.py), pdfium.RGBX)
	if err != nil {
		return pix, err
	}
	pix.Pix = bytes.Clone(pix.Pix)
	w, h := page.Size()
	if err := page.Flatten(); err != nil {
		return pix, err
	}
	if w2, h2 := page.Size(); w != w2 || h != h2 {
		return pix, format.Hold(format.Malformed, "a page that changes its size")
	}
	return pix, nil
}
