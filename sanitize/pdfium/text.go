package pdfium

import (
	"fmt"
	"math"
	"unicode/utf16"
	"unicode/utf8"
)

// Text is what a page says.
type Text struct {
	Chars []Char
	Fonts []Font // those that its characters are set in, in order of appearance
}

// maxFonts bounds the fonts told of one page.
const maxFonts = 200

// Text returns the characters of the page's content, in form XObjects too, but
// not those of annotations and form fields. A page with more than most
// characters is ErrLimit.
func (p *Page) Text(most int) (Text, error) {
	in := p.d.in
	handle, err := in.call("FPDFText_LoadPage", p.page)
	if err != nil {
		return Text{}, err
	}
	if uint32(handle) == 0 {
		return Text{}, fmt.Errorf("%w: its text", ErrPage)
	}
	r := &reader{in: in, page: p, text: uint64(uint32(handle)), objects: map[uint32]object{}, fonts: map[uint32]bool{}}
	t, err := r.read(most)
	if in.broken {
		return t, err
	}
	if _, closed := in.call("FPDFText_ClosePage", r.text); err == nil {
		err = closed
	}
	return t, err
}

// reader reads the text of one page.
type reader struct {
	in      *instance
	page    *Page
	text    uint64
	objects map[uint32]object // by handle
	fonts   map[uint32]bool   // by handle
	ask     asked
	out     Text
}

// asked are the functions that are called for each character: finding them by
// name took a fifth of the time.
type asked struct{ unicode, loose, tight, object function }

// find finds the functions.
func (r *reader) find() error {
	for _, f := range []struct {
		name string
		to   *function
	}{
		{"FPDFText_GetUnicode", &r.ask.unicode},
		{"FPDFText_GetLooseCharBox", &r.ask.loose},
		{"FPDFText_GetCharBox", &r.ask.tight},
		{"FPDFText_GetTextObject", &r.ask.object},
	} {
		var err error
		if *f.to, err = r.in.function(f.name); err != nil {
			return err
		}
	}
	return nil
}

// object is what all characters of one text object share.
type object struct {
	number int
	angle  float32
	size   float32
	hidden bool
	fill   uint32
}

func (r *reader) read(most int) (Text, error) {
	n, err := r.in.number("FPDFText_CountChars", r.text)
	if err != nil {
		return Text{}, err
	}
	if n > most {
		return Text{}, fmt.Errorf("%w: %d characters", ErrLimit, n)
	}
	if err := r.find(); err != nil {
		return Text{}, err
	}
	r.out.Chars = make([]Char, 0, max(0, n))
	for i := range max(0, n) {
		if err := r.char(uint64(i)); err != nil {
			return Text{}, err
		}
	}
	return r.out, nil
}

// char reads the character with this number.
func (r *reader) char(i uint64) error {
	in := r.in
	v, err := in.invoke(r.ask.unicode, "FPDFText_GetUnicode", r.text, i)
	if err != nil {
		return err
	}
	code, c := int(int32(uint32(v))), Char{Rune: utf8.RuneError}
	switch {
	case utf16.IsSurrogate(rune(code)):
		// A character above U+FFFF is two of PDFium's, one half each.
		low, err := in.number("FPDFText_GetUnicode", r.text, i+1)
		if err != nil {
			return err
		}
		if c.Rune = utf16.DecodeRune(rune(code), rune(low)); c.Rune == utf8.RuneError {
			if high, err := in.number("FPDFText_GetUnicode", r.text, i-1); err != nil || i > 0 && utf16.DecodeRune(rune(high), rune(code)) != utf8.RuneError {
				return err // told with its first half
			}
		}
	case utf8.ValidRune(rune(code)) && code >= 0:
		c.Rune = rune(code)
	}
	if c.Box, err = r.loose(i); err != nil {
		return err
	}
	if c.Ink, err = r.tight(i); err != nil {
		return err
	}
	handle, err := in.invoke(r.ask.object, "FPDFText_GetTextObject", r.text, i)
	if err != nil {
		return err
	}
	if uint32(handle) == 0 { // those of an object are the document's own
		generated, err := in.number("FPDFText_IsGenerated", r.text, i)
		if err != nil {
			return err
		}
		c.Generated = generated == 1
	} else {
		o, err := r.object(uint32(handle), i)
		if err != nil {
			return err
		}
		c.Object, c.Angle, c.Size, c.Hidden, c.Fill = o.number, o.angle, o.size, o.hidden, o.fill
	}
	r.out.Chars = append(r.out.Chars, c)
	return nil
}

// loose reads where a character stands.
func (r *reader) loose(i uint64) (Rect, error) {
	ok, err := r.in.invoke(r.ask.loose, "FPDFText_GetLooseCharBox", r.text, i, r.in.at(0))
	if err != nil || uint32(ok) == 0 {
		return Rect{}, err
	}
	in := r.in // FS_RECTF: left, top, right, bottom
	return r.page.shown(float64(in.float(0)), float64(in.float(1)), float64(in.float(2)), float64(in.float(3))), nil
}

// tight reads the box of a glyph.
func (r *reader) tight(i uint64) (Rect, error) {
	in := r.in
	ok, err := in.invoke(r.ask.tight, "FPDFText_GetCharBox", r.text, i, in.at(0), in.at(8), in.at(16), in.at(24))
	if err != nil || uint32(ok) == 0 {
		return Rect{}, err
	}
	left, right, bottom, top := in.double(0), in.double(1), in.double(2), in.double(3)
	return r.page.shown(left, top, right, bottom), nil
}

// shown maps a rectangle of the content to the displayed page.
func (p *Page) shown(x0, y0, x1, y1 float64) Rect {
	ax, ay := p.toShown.apply(x0, y0)
	bx, by := p.toShown.apply(x1, y1)
	return Rect{bounded(math.Min(ax, bx)), bounded(math.Min(ay, by)), bounded(math.Max(ax, bx)), bounded(math.Max(ay, by))}
}

// farthest is beyond every page, in points.
const farthest = 1e7

// bounded is v as a finite number.
func bounded(v float64) float32 {
	if v != v {
		return 0
	}
	return float32(math.Max(-farthest, math.Min(farthest, v)))
}

// object returns what is known of a text object, reading it once, at its
// first character.
func (r *reader) object(handle uint32, first uint64) (object, error) {
	if o, known := r.objects[handle]; known {
		return o, nil
	}
	o := object{number: len(r.objects) + 1}
	in := r.in
	mode, err := in.number("FPDFTextObj_GetTextRenderMode", uint64(handle))
	if err != nil {
		return o, err
	}
	if err := r.paint(&o, first); err != nil {
		return o, err
	}
	const invisible, clip = 3, 7
	o.hidden = o.hidden || mode == invisible || mode == clip
	if err := r.shape(&o, first); err != nil {
		return o, err
	}
	if err := r.font(handle); err != nil {
		return o, err
	}
	r.objects[handle] = o
	return o, nil
}

// paint reads the color.
func (r *reader) paint(o *object, i uint64) error {
	in := r.in
	ok, err := in.number("FPDFText_GetFillColor", r.text, i, in.at(0), in.at(4), in.at(8), in.at(12))
	if err != nil || ok == 0 {
		return err
	}
	o.fill = in.word(0)&0xFF<<16 | in.word(1)&0xFF<<8 | in.word(2)&0xFF
	o.hidden = in.word(3) == 0
	return nil
}

// shape reads the size and the direction.
func (r *reader) shape(o *object, i uint64) error {
	in := r.in
	size, err := in.call("FPDFText_GetFontSize", r.text, i)
	if err != nil {
		return err
	}
	ok, err := in.number("FPDFText_GetMatrix", r.text, i, in.at(0))
	if err != nil || ok == 0 {
		return err
	}
	a, b, c, d := float64(in.float(0)), float64(in.float(1)), float64(in.float(2)), float64(in.float(3))
	o.size = bounded(math.Abs(math.Float64frombits(size)) * math.Hypot(c, d))
	m := r.page.toShown
	angle := math.Atan2(m.b*a+m.d*b, m.a*a+m.c*b)
	if angle < 0 {
		angle += 2 * math.Pi
	}
	o.angle = bounded(angle)
	if o.angle >= 2*math.Pi {
		o.angle = 0
	}
	return nil
}

// font notes the font of a text object.
func (r *reader) font(object uint32) error {
	in := r.in
	handle, err := in.call("FPDFTextObj_GetFont", uint64(object))
	if err != nil || uint32(handle) == 0 || r.fonts[uint32(handle)] || len(r.out.Fonts) >= maxFonts {
		return err
	}
	r.fonts[uint32(handle)] = true
	const most = 128 // with the NUL at the end
	n, err := in.number("FPDFFont_GetBaseFontName", uint64(uint32(handle)), in.at(0), most)
	if err != nil {
		return err
	}
	name, err := in.view(in.space, min(max(n-1, 0), most-1))
	if err != nil {
		return err
	}
	f := Font{Name: string(name)}
	if n > most {
		f.Name = "" // too long to be copied
	}
	embedded, err := in.number("FPDFFont_GetIsEmbedded", uint64(uint32(handle)))
	f.Embedded = embedded == 1
	r.out.Fonts = append(r.out.Fonts, f)
	return err
}
