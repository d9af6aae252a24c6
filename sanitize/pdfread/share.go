package pdfread

import "strings"

// Several workers may draw parts of one document if a page comes out the same
// whatever was drawn before it. In PDFium it does, but for one thing: simple
// fonts (ISO 32000-2, 9.6) that are neither embedded nor found are all drawn with
// the same one, whose weight and width are set for each of them; how large a
// glyph is said to be depends on which of them was asked for last. One such font
// does no harm, two do.

// shareable reports whether parts of a document may be drawn apart from each
// other. Where not all objects can be seen, they may not.
func shareable(data []byte) bool {
	if t := readTable(data); t != nil {
		if n, sees := t.strangers(); sees {
			return n < 2
		}
	}
	n, sees := repaired(data).strangers()
	return sees && n < 2
}

// strangers counts the simple fonts that are not embedded, by their names. It
// does not see when an object could not be read.
func (t *table) strangers() (int, bool) {
	found := map[name]bool{}
	for n := range t.places {
		v, ok := t.object(n)
		if !ok || t.left <= 0 {
			return 0, false
		}
		t.fonts(v, found)
	}
	return len(found), true
}

// fonts notes those in an object.
func (t *table) fonts(v any, found map[name]bool) {
	switch v := v.(type) {
	case []any:
		for _, inner := range v {
			t.fonts(inner, found)
		}
	case map[name]any:
		for _, inner := range v {
			t.fonts(inner, found)
		}
		if base, ok := v["BaseFont"].(name); ok && simple(v["Subtype"]) && !t.embedded(v["FontDescriptor"]) && !standard(string(base)) {
			found[base] = true
		}
	}
}

// simple reports whether a font of a subtype is a simple one.
func simple(subtype any) bool {
	return subtype == name("Type1") || subtype == name("MMType1") || subtype == name("TrueType")
}

// embedded reports whether a font descriptor has the font with it.
func (t *table) embedded(descriptor any) bool {
	if r, ok := descriptor.(ref); ok {
		descriptor, _ = t.object(int(r))
	}
	d, _ := descriptor.(map[name]any)
	for key := range d {
		if strings.HasPrefix(string(key), "FontFile") {
			return true
		}
	}
	return false
}
