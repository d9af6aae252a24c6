package pdfread

import (
	"strings"
	"testing"
)

// TestAnnotationsTold: what a document gives no appearance is drawn, or told of,
// and never said to be kept.
func TestAnnotationsTold(t *testing.T) {
	annot := func(s string) string { return "<</Type/Annot/Rect[50 100 150 200]/F 4/C[1 0 0]" + s + ">>" }
	for _, test := range []struct {
		name   string
		annots string
		kept   bool
		lost   string // detail of annotation_missing
	}{
		{"square", annot("/Subtype/Square"), true, ""},
		{"highlight", annot("/Subtype/Highlight/QuadPoints[50 200 150 200 50 100 150 100]"), true, ""},
		{"line", annot("/Subtype/Line/L[50 100 150 200]"), false, "1: Line"},
		{"stamp", annot("/Subtype/Stamp/Name/NotApproved"), false, "1: Stamp"},
		{"stamp with an appearance", annot("/Subtype/Stamp/AP<</N 6 0 R>>"), true, ""},
		{"two lines, a polygon, a square", annot("/Subtype/Line/L[0 0 9 9]") + annot("/Subtype/Line/L[0 0 9 9]") +
			annot("/Subtype/Polygon/Vertices[0 0 9 9 9 0]") + annot("/Subtype/Square"), true, "3: Line Polygon"},
		{"hidden line", "<</Type/Annot/Subtype/Line/Rect[0 0 9 9]/L[0 0 9 9]/F 2>>", true, ""},
		{"link", annot("/Subtype/Link/A<</S/URI/URI(http://a.example)>>"), false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := onePage("", a5+"/Annots["+test.annots+"]", "BT /F 24 Tf 50 300 Td (TEXT) Tj ET",
				"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length 9>>\nstream\n0 0 9 9 re f\nendstream")
			a := parse(t, dressed(t), asked(data))
			lost := ""
			for _, n := range a.notes {
				if n.Code == "annotation_missing" {
					lost = n.Detail
				}
			}
			if a.reason != "" || lost != test.lost || a.has("pdf_annotation") != test.kept {
				t.Errorf("%s %s %v, want lost %q, kept %v", a.reason, a.detail, a.notes, test.lost, test.kept)
			}
		})
	}
}

// TestAnnotationsInLayers: those of a layer that is off are not drawn.
func TestAnnotationsInLayers(t *testing.T) {
	for _, test := range []struct {
		name   string
		config string // of OCProperties
		layer  string // object 8
		oc     string // of the annotation
		shown  bool
	}{
		{"on", "", "<</Type/OCG/Name(a)>>", "8 0 R", true},
		{"off", "/OFF[8 0 R]", "<</Type/OCG/Name(a)>>", "8 0 R", false},
		{"off by a list elsewhere", "/OFF 9 0 R", "<</Type/OCG/Name(a)>>", "8 0 R", false},
		{"all off", "/BaseState/OFF", "<</Type/OCG/Name(a)>>", "8 0 R", false},
		{"all off but this", "/BaseState/OFF/ON[8 0 R]", "<</Type/OCG/Name(a)>>", "8 0 R", true},
		{"off for viewing", "", "<</Type/OCG/Name(a)/Usage<</View<</ViewState/OFF>>>>>>", "8 0 R", false},
		{"member, any on", "/OFF[8 0 R]", "<</Type/OCG/Name(a)>>", "<</Type/OCMD/OCGs[8 0 R 10 0 R]>>", true},
		{"member, all on", "/OFF[8 0 R]", "<</Type/OCG/Name(a)>>", "<</Type/OCMD/OCGs[8 0 R 10 0 R]/P/AllOn>>", false},
		{"member, any off", "/OFF[8 0 R]", "<</Type/OCG/Name(a)>>", "<</Type/OCMD/OCGs[8 0 R 10 0 R]/P/AnyOff>>", true},
		{"member, all off", "/OFF[8 0 R]", "<</Type/OCG/Name(a)>>", "<</Type/OCMD/OCGs 8 0 R/P/AllOff>>", true},
		{"an expression", "", "<</Type/OCG/Name(a)>>", "<</Type/OCMD/OCGs 8 0 R/VE[/Not 8 0 R]>>", false},
		{"a layer that is not there", "", "null", "77 0 R", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			words := "BT /F 12 Tf 0 5 Td (STAMP) Tj ET"
			data := onePage("/OCProperties<</OCGs[8 0 R 10 0 R]/D<<"+test.config+">>>>", a5+"/Annots 7 0 R", "BT /F 24 Tf 50 300 Td (TEXT) Tj ET",
				"<</Type/XObject/Subtype/Form/BBox[0 0 100 30]/Resources<</Font<</F 3 0 R>>>>/Length 32>>\nstream\n"+words+"\nendstream",
				"[<</Type/Annot/Subtype/Stamp/Rect[50 100 150 130]/F 4/OC "+test.oc+"/AP<</N 6 0 R>>>>]", test.layer, "[8 0 R]", "<</Type/OCG/Name(b)>>")
			a := parse(t, dressed(t), asked(data))
			if a.reason != "" || strings.Contains(a.text(), "STAMP") != test.shown || a.has("pdf_annotation") != test.shown {
				t.Errorf("%q %s %s %v, want shown: %v", a.text(), a.reason, a.detail, a.notes, test.shown)
			}
		})
	}
}

// TestLayerUnknown: where the objects cannot be looked up, the layer is not on.
func TestLayerUnknown(t *testing.T) {
	data := onePage("", a5+"/Annots[<</OC 77 0 R>>]", "")
	whole, fault := treeOf(data, 1)
	if on, known := whole.shown(0, 0); fault != "" || on || !known {
		t.Errorf("a layer that is not there: on %v, known %v, %s", on, known, fault)
	}
	for _, at := range [][2]int{{0, 1}, {1, 0}} {
		if on, known := whole.shown(at[0], at[1]); on || known {
			t.Errorf("%v: on %v, known %v", at, on, known)
		}
	}
	if on, known := (&tree{}).shown(0, 0); on || known {
		t.Errorf("no tree: on %v, known %v", on, known)
	}
}
