package pdfium

import (
	"fmt"
	"slices"
)

// Flags of annotations (ISO 32000-2, table 167).
const (
	flagHidden = 1 << 1
	flagNoView = 1 << 5
)

// markings are the subtypes (fpdf_annot.h) of annotations that stand on a page
// for themselves, to be seen.
var markings = map[int]string{
	1: "Text", 3: "FreeText", 4: "Line", 5: "Square", 6: "Circle", 7: "Polygon", 8: "PolyLine", 9: "Highlight", 10: "Underline",
	11: "Squiggly", 12: "StrikeOut", 13: "Stamp", 14: "Caret", 15: "Ink", 24: "Watermark",
}

// annotation is what is asked of one.
type annotation struct {
	kind  int // 0 if there is none
	has   bool
	flags int
}

// annotation asks for the i-th annotation, and whether it has a key.
func (p *Page) annotation(i int, key string) (annotation, error) {
	var a annotation
	err := p.at(i, func(handle uint64) error {
		in := p.d.in
		var err error
		if a.kind, err = in.number("FPDFAnnot_GetSubtype", handle); err != nil {
			return err
		}
		if a.flags, err = in.number("FPDFAnnot_GetFlags", handle); err != nil {
			return err
		}
		if !in.mem.Write(in.space, append([]byte(key), 0)) {
			return in.lied()
		}
		has, err := in.number("FPDFAnnot_HasKey", handle, in.at(0))
		a.has = has == 1
		return err
	})
	return a, err
}

// at opens the i-th annotation for a while, if there is one.
func (p *Page) at(i int, do func(handle uint64) error) error {
	in := p.d.in
	handle, err := in.call("FPDFPage_GetAnnot", p.page, uint64(i))
	if err != nil || uint32(handle) == 0 {
		return err
	}
	if err := do(uint64(uint32(handle))); err != nil {
		return err
	}
	_, err = in.call("FPDFPage_CloseAnnot", uint64(uint32(handle)))
	return err
}

// Layered reports whether the i-th annotation, from 0, names a layer (/OC).
// Render does not ask whether it is on; what is off, the caller hides.
func (p *Page) Layered(i int) (bool, error) {
	a, err := p.annotation(i, "OC")
	return a.has, err
}

// Hide keeps the i-th annotation, from 0, from being drawn.
func (p *Page) Hide(i int) error {
	return p.at(i, func(handle uint64) error {
		ok, err := p.d.in.number("FPDFAnnot_SetFlags", handle, flagHidden)
		if err == nil && ok == 0 {
			err = fmt.Errorf("%w: annotation %d cannot be hidden", ErrPage, i)
		}
		return err
	})
}

// Undrawn tells of the annotations that Render, which is called before, did not
// draw. A page with more than most annotations is ErrLimit.
func (p *Page) Undrawn(most int) (Undrawn, error) {
	var u Undrawn
	n, err := p.d.in.number("FPDFPage_GetAnnotCount", p.page)
	if err != nil {
		return u, err
	}
	if n > most {
		return u, fmt.Errorf("%w: %d annotations", ErrLimit, n)
	}
	for i := range max(0, n) {
		// Render gives those that it has a picture for an appearance.
		a, err := p.annotation(i, "AP")
		if err != nil {
			return u, err
		}
		kind, marking := markings[a.kind]
		if !marking || a.has || a.flags&(flagHidden|flagNoView) != 0 {
			continue
		}
		u.N++
		if !slices.Contains(u.Kinds, kind) {
			u.Kinds = append(u.Kinds, kind)
		}
	}
	return u, nil
}
