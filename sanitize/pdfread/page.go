package pdfread

import (
	"bytes"
	"errors"
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

// drawnPage is a page as the engine has drawn it, before it is looked at.
type drawnPage struct {
	number int // from 0
	page   *pdfium.Page
	w, h   float32 // points
	sheet  sheet
	content
	pix pdfium.Pixels
}

// prepare draws a page. It is the engine's part of the work: nothing of the
// reading changes. The pixels are lent until the next call of the engine; those
// that are wanted for longer, until the page after the next one is drawn.
func (r *reading) prepare(number int, longer bool) (*drawnPage, error) {
	r.engine.Lock()
	defer r.engine.Unlock()
	page, err := r.doc.Page(number)
	if err != nil {
		return nil, err
	}
	d := &drawnPage{number: number, page: page}
	d.w, d.h = page.Size()
	if d.sheet, err = measure(d.w, d.h, r.in.Render.DPI, r.in.Budget.Pixels); err == nil {
		d.content, d.pix, err = r.see(page, number, d.sheet)
	}
	if err != nil {
		return nil, errors.Join(err, page.Close())
	}
	if longer && !d.pix.Kept {
		d.pix.Pix = bytes.Clone(d.pix.Pix)
	}
	return d, nil
}

// finish looks at a drawn page and emits it, with its text if that is wanted.
func (r *reading) finish(d *drawnPage) error {
	r.page = d.number
	err := r.emit(d)
	return errors.Join(err, r.close(d.page))
}

func (r *reading) close(page *pdfium.Page) error {
	r.engine.Lock()
	defer r.engine.Unlock()
	return page.Close()
}

func (r *reading) emit(d *drawnPage) error {
	r.note(d)
	on := canvas{d.pix, float64(d.sheet.px) / float64(d.w), float64(d.sheet.py) / float64(d.h)}
	t, plane := count(d.pix, r.plane)
	r.plane = plane
	v := r.read(d.text, on)
	if err := r.vanished(v, d.content); err != nil {
		return err
	}
	missing := empty(d.pictures, on)
	marks := v.marks + int64(d.objects.Image)
	if t.uniform {
		// Whether the page lost something has to be known before its pixels go.
		shows, err := r.showing(d.page, d.pictures)
		if err != nil {
			return err
		}
		marks, missing = v.standOut(t.first)+int64(shows), nil
		d.pix = blank(d.pix, t.first) // the pixels were lent
	}
	if err := r.out.Write(ir.Sheet{Page: int64(d.number), W: d.sheet.w, H: d.sheet.h, Marks: marks}); err != nil {
		return err
	}
	if err := r.pixels(d.pix, d.sheet, t); err != nil {
		return err
	}
	if shows, err := r.showing(d.page, missing); err != nil {
		return err
	} else if shows > 0 {
		r.notes.page("picture_missing", r.page, "")
	}
	if err := r.layer(v, d.sheet); err != nil {
		return err
	}
	if err := r.notes.write(r.out); err != nil {
		return err
	}
	return r.out.Write(ir.Number{Name: ir.NumberTurned, N: int64(d.number)})
}

// note gathers what is told of a drawn page.
func (r *reading) note(d *drawnPage) {
	if d.sheet.dpi < r.in.Render.DPI {
		r.notes.page("page_scaled", r.page, fmt.Sprintf("%d dpi", d.sheet.dpi))
	}
	r.notes.content(r.page, d.content)
	r.substituted(d.text)
}

// substituted notes the fonts of a page that are not in the file.
func (r *reading) substituted(t pdfium.Text) {
	for _, f := range t.Fonts {
		if !f.Embedded && !standard(f.Name) {
			r.notes.add("font_substituted", f.Name)
		}
	}
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
func (r *reading) showing(page *pdfium.Page, all []pdfium.Picture) (int, error) {
	if len(all) == 0 {
		return 0, nil
	}
	r.engine.Lock()
	defer r.engine.Unlock()
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
	k := newPacker(pix, r.plane, to, t.photographic(s.px*s.py))
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
	reach    reach

	annotations pdfium.Annotations
	undrawn     pdfium.Undrawn
	off         int  // annotations in layers that are off, or unknown
	unknown     bool // there are some of those
}

// maxPictures is how many pictures of a page are looked for in its pixels.
const maxPictures = 32

// see draws a page and reads what it holds. The pixels are lent.
func (r *reading) see(page *pdfium.Page, number int, s sheet) (content, pdfium.Pixels, error) {
	var c content
	var pix pdfium.Pixels
	var err error
	if c.objects, err = page.Objects(maxObjects); err != nil {
		return c, pix, err
	}
	c.reach = r.tree.contents(number)
	if c.reach != toItsEnd && c.objects == (pdfium.Objects{}) {
		return c, pix, format.Hold(format.FidelityLoss, fmt.Sprintf("page %d: its content cannot be read", number+1))
	}
	if c.annotations, err = page.Annotations(maxObjects); err != nil {
		return c, pix, err
	}
	if c.annotations.All > c.annotations.Links {
		if err = r.switchOff(page, number, &c); err != nil {
			return c, pix, err
		}
		if pix, c.undrawn, err = written(page, s); err != nil {
			return c, pix, err
		}
	}
	if c.text, err = page.Text(maxChars); err != nil {
		return c, pix, err
	}
	if c.objects.Image > 0 {
		if c.pictures, err = page.Pictures(maxObjects, maxPictures); err != nil {
			return c, pix, err
		}
	}
	if pix.Pix == nil {
		pix, err = page.Render(int(s.px), int(s.py), pdfium.RGBX)
	}
	return c, pix, err
}

// switchOff keeps annotations from being drawn whose layers are not on, counts
// them, and tells of those whose layer is not known.
func (r *reading) switchOff(page *pdfium.Page, number int, c *content) error {
	for i := 0; i < c.annotations.All && c.annotations.Layered > 0; i++ {
		layered, err := page.Layered(i)
		if err != nil {
			return err
		}
		if !layered {
			continue
		}
		on, known := r.tree.shown(number, i)
		if on {
			continue
		}
		c.off++
		c.unknown = c.unknown || !known
		if err := page.Hide(i); err != nil {
			return err
		}
	}
	return nil
}

// written draws a page and then makes its annotations and form fields a part
// of its content, so that what is written there is text like any other. The
// pixels are of before: whether the two agree is looked for, letter by letter.
func written(page *pdfium.Page, s sheet) (pdfium.Pixels, pdfium.Undrawn, error) {
	var undrawn pdfium.Undrawn
	pix, err := page.Render(int(s.px), int(s.py), pdfium.RGBX)
	if err != nil {
		return pix, undrawn, err
	}
	if !pix.Kept {
		pix.Pix = bytes.Clone(pix.Pix)
	}
	if undrawn, err = page.Undrawn(maxObjects); err != nil {
		return pix, undrawn, err
	}
	w, h := page.Size()
	if err := page.Flatten(); err != nil {
		return pix, undrawn, err
	}
	if w2, h2 := page.Size(); w != w2 || h != h2 {
		return pix, undrawn, format.Hold(format.Malformed, "a page that changes its size")
	}
	return pix, undrawn, nil
}
