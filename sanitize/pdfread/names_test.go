package pdfread

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

func packed(s string) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		panic(err) // a buffer takes everything
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

func TestNames(t *testing.T) {
	for _, test := range []struct{ name, data, want string }{
		{"nothing", "1 0 obj<</Type/Catalog>>endobj", ""},
		{"script", "<</S/JavaScript/JS(x)>>", "pdf_script"},
		{"script in disguise", "<</S/Jav#61Script/#4a#53 (x)>>", "pdf_script"},
		{"longer name", "<</JSX 1/JavaScripts 2>>", ""},
		{"first page as a destination", "<</OpenAction[3 0 R/XYZ null null 0]>>", ""},
		{"first page as an action", "\n5 0 obj<</S/GoTo/D[1 0 R/Fit]>>endobj <</OpenAction 5 0 R>>", ""},
		{"first page, then something", "\n5 0 obj<</S/GoTo/D[1 0 R/Fit]/Next 6 0 R>>endobj <</OpenAction 5 0 R>>", "pdf_action"},
		{"action elsewhere", "\n5 0 obj<</S/GoToR/F(x)>>endobj <</OpenAction 5 0 R>>", "pdf_action"},
		{"action out of sight", "<</OpenAction 5 0 R>>", ""},
		{"action out of sight, with a script", "<</OpenAction 5 0 R>><</Type/ObjStm>>stream\n" + packed("5 0 <</S/JavaScript>>") + "\nendstream", "pdf_action pdf_script"},
		{"action out of sight, printing", "<</OpenAction 5 0 R>><</S/Named/N/Print>>", "pdf_action"},
		{"action out of sight, encrypted", "<</OpenAction 5 0 R>>trailer<</Encrypt 9 0 R>>", "pdf_action"},
		{"action on the spot", "<</OpenAction<</S/URI/URI(x)>>>>", "pdf_action"},
		{"launch and files", "<</S/Launch>><</EmbeddedFiles 1 0 R>>", "pdf_attachment pdf_launch"},
		{"in page content", "<</Length 9>>stream\n/JS /URI\nendstream", ""},
		{"after page content", "<</Length 9>>stream\nx\nendstream <</XFA 1>>", "pdf_xfa"},
		{"in an object stream", "<</Type/ObjStm/N 1>>stream\r\n" + packed("1 0 <</AcroForm 1/ByteRange[0]>>") + "\r\nendstream", "pdf_form signature_stripped"},
		{"in a packed stream of another kind", "<</Filter/FlateDecode>>stream\n" + packed("/JavaScript") + "\nendstream", ""},
		{"in a broken object stream", "<</Type/ObjStm>>stream\n" + packed("/Launch " + strings.Repeat("x y z", 99))[:20] + "\nendstream", "pdf_launch"},
		{"in a stream without an end", "<</Type/ObjStm>>stream\n" + packed("/Launch"), "pdf_launch"},
		{"the word without a stream", "<</Title(a stream of words)/XFA 1>>", "pdf_xfa"},
		{"cut", "<</J#5", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			found := names([]byte(test.data))
			got := slices.Sorted(maps.Keys(found))
			if strings.Join(got, " ") != test.want {
				t.Errorf("%v, want %q", got, test.want)
			}
		})
	}
}

// TestNamesAreBounded: an object stream that unpacks without end.
func TestNamesAreBounded(t *testing.T) {
	bomb := "<</Type/ObjStm>>stream\n" + packed(strings.Repeat("/A ", 1<<20)+"/JS") + "\nendstream"
	found := names([]byte(strings.Repeat(bomb, 3) + "/XFA"))
	if !found["pdf_xfa"] || len(inflate([]byte(packed(strings.Repeat("x", 1000))), 100)) != 100 {
		t.Errorf("%v", found)
	}
}

func FuzzNames(f *testing.F) {
	f.Add([]byte("<</Type/ObjStm>>stream\n" + packed("/JS") + "\nendstream/OpenAction 1 0 R"))
	f.Add([]byte("stream\nendstream stream\r/J#53#"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for code := range names(data) {
			if !slices.Contains(slices.Collect(maps.Values(telling)), code) {
				t.Fatal(fmt.Sprintf("%q is no finding", code))
			}
		}
	})
}

func TestStandardFonts(t *testing.T) {
	for name, want := range map[string]bool{
		"Helvetica": true, "Helvetica-BoldOblique": true, "Times-Roman": true, "ArialMT": true, "Arial-BoldMT": true, "Arial,Bold": true,
		"TimesNewRomanPSMT": true, "TimesNewRomanPS-BoldItalicMT": true, "CourierNew": true, "Courier New": true, "Symbol": true, "ABCDEF+Helvetica": true,
		"MS-Gothic": false, "Arial-Black": false, "ArialUnicodeMS": false, "Times-Ten": false, "": false, "MS-Mincho,Bold": false,
	} {
		if standard(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}
