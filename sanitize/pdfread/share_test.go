package pdfread

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"sekisho/sanitize/format"
)

// stranger is a simple font that is not in the file, resident one that is said to
// be, composite one that is set in characters of two bytes.
func stranger(name string) string {
	return fmt.Sprintf("<</Type/Font/Subtype/TrueType/BaseFont/%s/Encoding/WinAnsiEncoding/FirstChar 32/LastChar 126/Widths[%s]>>", name, strings.Repeat("500 ", 95))
}

func resident(name string) string {
	return fmt.Sprintf("<</Type/Font/Subtype/Type1/BaseFont/%s/FontDescriptor<</Type/FontDescriptor/FontFile3 99 0 R>>>>", name)
}

func composite(name string) string {
	return fmt.Sprintf("<</Type/Font/Subtype/Type0/BaseFont/%s/Encoding/90ms-RKSJ-H/DescendantFonts[<</Type/Font/Subtype/CIDFontType2/BaseFont/%s/CIDSystemInfo<</Registry(Adobe)/Ordering(Japan1)/Supplement 2>>/DW 1000>>]>>", name, name)
}

// inFonts is a document whose pages are set in fonts in turn, two on each page.
func inFonts(pages int, fonts ...string) []byte {
	var m made
	m.object("<</Type/Catalog/Pages 2 0 R>>")
	var kids, list strings.Builder
	for i := range pages {
		fmt.Fprintf(&kids, "%d 0 R ", 3+len(fonts)+2*i)
	}
	m.object("<</Type/Pages/Count %d/Kids[%s]>>", pages, kids.String())
	for i, f := range fonts {
		m.object("%s", f)
		fmt.Fprintf(&list, "/F%d %d 0 R", i, 3+i)
	}
	for i := range pages {
		m.object("<</Type/Page/Parent 2 0 R"+a5+"/Contents %d 0 R/Resources<</Font<<%s>>>>>>", 4+len(fonts)+2*i, list.String())
		words := func(font int) string {
			if strings.Contains(fonts[font], "RKSJ") {
				return "<8afa8ad6944e>"
			}
			return fmt.Sprintf("(page %d, fijl)", i)
		}
		a, b := i%len(fonts), (i*i+1)%len(fonts)
		m.stream("", fmt.Sprintf("BT /F%d 20 Tf 30 400 Td %s Tj ET BT /F%d 14 Tf 30 200 Td %s Tj ET", a, words(a), b, words(b)))
	}
	return m.bytes()
}

func TestShareable(t *testing.T) {
	for _, test := range []struct {
		name  string
		fonts []string
		want  bool
	}{
		{"fonts that every reader has", []string{"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>", "<</Type/Font/Subtype/TrueType/BaseFont/Arial,Bold>>"}, true},
		{"embedded", []string{resident("ABCDEF+One"), resident("ABCDEF+Two"), stranger("Three")}, true},
		{"one stranger twice", []string{stranger("Calibri"), stranger("Calibri")}, true},
		{"two strangers", []string{stranger("Calibri"), stranger("Georgia")}, false},
		{"a stranger written elsewhere", []string{stranger("Calibri"), "<</Resources[<</Font<</F " + stranger("Georgia") + ">>>>]>>"}, false},
		{"composite fonts", []string{composite("MS-Mincho"), composite("MS-Gothic"), stranger("Calibri")}, true},
		{"an object that cannot be read", []string{"]"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := inFonts(1, test.fonts...)
			for how, data := range map[string][]byte{"plain": data, "damaged": bytes.Replace(data, []byte("startxref\n"), []byte("startxref\n9"), 1)} {
				if got := shareable(data); got != test.want {
					t.Errorf("%s: %v", how, got)
				}
			}
		})
	}
	if shareable(sample(t, "qpdf-owner.pdf")) && bytes.Contains(sample(t, "qpdf-owner.pdf"), []byte("/ObjStm")) {
		t.Error("what is encrypted was seen")
	}
}

// TestParts: of a document that may be shared, a page of a part is the page of
// the whole; one that may not is drawn as a whole.
// spec: g9
func TestParts(t *testing.T) {
	for _, test := range []struct {
		name string
		data []byte
	}{
		{"many fonts", inFonts(12, composite("MS-Mincho"), "<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>", composite("MS-Gothic"), stranger("Calibri"))},
		{"pages of a program", sample(t, "reportlab-mixed.pdf")},
		{"fonts that are not embedded", sample(t, "reportlab-noembed.pdf")},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !shareable(test.data) {
				t.Fatal("it may not be shared")
			}
			whole := parse(t, dressed(t), asked(test.data))
			if whole.reason != "" {
				t.Fatal(whole.reason, whole.detail)
			}
			for _, part := range []format.Part{{From: 1, To: 2}, {From: 2, Step: 2}, {From: 3}, {From: 1, Step: 3}, {From: 1, To: 1, Whole: 100}, {From: 100}} {
				in := asked(test.data)
				in.Render.Part = part
				a := parse(t, dressed(t), in)
				first, end, step := part.Of(whole.pages)
				for _, d := range a.drawn {
					w := whole.drawn[d.Page]
					if d.Page != first || d.Sheet != w.Sheet || !bytes.Equal(d.pix, w.pix) || fmt.Sprint(d.runs) != fmt.Sprint(w.runs) {
						t.Errorf("%+v: page %d is another one", part, d.Page+1)
					}
					first += step
				}
				if first < end || a.pages != whole.pages || a.reason != "" {
					t.Errorf("%+v: pages to %d of %d, %q", part, first, end, a.reason)
				}
			}
		})
	}
	in := asked(inFonts(9, stranger("Calibri"), stranger("Georgia")))
	in.Render.Part = format.Part{From: 1, To: 4, Whole: 8}
	if a := parse(t, dressed(t), in); len(a.drawn) != 9 || a.shared {
		t.Errorf("%d pages of a document that may not be shared", len(a.drawn))
	}
}
