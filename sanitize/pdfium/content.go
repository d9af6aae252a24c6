package pdfium

import "fmt"

// Kinds of page objects (fpdf_edit.h).
const (
	objectText = iota + 1
	objectPath
	objectImage
	objectShading
	objectForm
)

// maxNesting bounds form XObjects in form XObjects; what is deeper is not
// counted.
const maxNesting = 16

// Objects counts what the page's content is made of. A page with more than
// most objects is ErrLimit.
func (p *Page) Objects(most int) (Objects, error) {
	var o Objects
	left := most
	err := p.walk(&left, func(kind int, _ uint64, _ int) error {
		switch kind {
		case objectText:
			o.Text++
		case objectPath:
			o.Path++
		case objectImage:
			o.Image++
		case objectShading:
			o.Shading++
		case objectForm:
			o.Form++
		}
		return nil
	})
	return o, err
}

// walk visits the objects of the page's content, in form XObjects too.
func (p *Page) walk(left *int, visit func(kind int, handle uint64, depth int) error) error {
	return p.walkIn(left, p.page, "FPDFPage_CountObjects", "FPDFPage_GetObject", 0, visit)
}

func (p *Page) walkIn(left *int, of uint64, count, get string, depth int, visit func(int, uint64, int) error) error {
	in := p.d.in
	n, err := in.number(count, of)
	if err != nil {
		return err
	}
	if n > *left {
		return fmt.Errorf("%w: %d objects", ErrLimit, n)
	}
	*left -= max(0, n)
	for i := range max(0, n) {
		handle, err := in.call(get, of, uint64(i))
		if err != nil {
			return err
		}
		if uint32(handle) == 0 {
			continue
		}
		object := uint64(uint32(handle))
		kind, err := in.number("FPDFPageObj_GetType", object)
		if err != nil {
			return err
		}
		if err := visit(kind, object, depth); err != nil {
			return err
		}
		if kind == objectForm && depth < maxNesting {
			if err := p.walkIn(left, object, "FPDFFormObj_CountObjects", "FPDFFormObj_GetObject", depth+1, visit); err != nil {
				return err
			}
		}
	}
	return nil
}

// Subtypes of annotations (fpdf_annot.h).
const (
	annotLink   = 2
	annotFile   = 17
	annotSound  = 18
	annotMovie  = 19
	annotWidget = 20
	annotScreen = 21
	annot3D     = 25
	annotRich   = 26
)

// Annotations counts the page's annotations. A page with more than most is
// ErrLimit.
func (p *Page) Annotations(most int) (Annotations, error) {
	in := p.d.in
	var a Annotations
	n, err := in.number("FPDFPage_GetAnnotCount", p.page)
	if err != nil {
		return a, err
	}
	if n > most {
		return a, fmt.Errorf("%w: %d annotations", ErrLimit, n)
	}
	a.All = max(0, n)
	for i := range a.All {
		v, err := p.annotation(i, "OC")
		if err != nil {
			return a, err
		}
		if v.has {
			a.Layered++
		}
		switch v.kind {
		case annotLink:
			a.Links++
		case annotWidget:
			a.Widgets++
		case annotFile:
			a.Files++
		case annotSound, annotMovie, annotScreen, annot3D, annotRich:
			a.Media++
		}
	}
	return a, nil
}
