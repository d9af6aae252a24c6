package pdf

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"sekisho/sanitize/ir"
	"sekisho/sanitize/jpeglint"
	"sekisho/sanitize/sanitizetest"
)

// rules are all codes that the lint has.
var rules = []string{lintHeader, lintEnd, lintXref, lintObject, lintTree, lintPage, lintPicture, lintContent, lintText, lintFont, lintStream,
	lintOrphan, jpeglint.Marker}

// badFiles has at least one file against each rule.
func badFiles(t testing.TB) []sanitizetest.BadOutput {
	plainPage := text(ir.Gray4, 61, 40)
	good := mustBuild(t, written(), plainPage)
	many := make([]sheetOf, 70)
	for i := range many {
		many[i] = text(ir.Gray1, 24, 8)
	}
	coloured := mustBuild(t, logo(31, 20, 8))
	shot := mustBuild(t, photo(ir.RGB8, 64, 48))
	var all []sanitizetest.BadOutput
	bad := func(code, name string, data []byte) {
		all = append(all, sanitizetest.BadOutput{Name: name, Data: data, Code: code})
	}
	forge := func(code, name string, from []byte, f func(*forgery)) {
		x := takeApart(t, from)
		f(x)
		bad(code, name, x.put())
	}
	all = append(all, badEnds(t, good)...)
	for name, words := range map[string][3]string{
		"open action":             {"/Type/Catalog", "/Pages 2 0 R", "/Pages 2 0 R/OpenAction 3 0 R"},
		"JavaScript":              {"/Type/Catalog", "<</Type/Catalog", "<</Names<</JavaScript 3 0 R>>/Type/Catalog"},
		"annotations":             {"/Type/Page/", "/Contents", "/Annots[3 0 R]/Contents"},
		"rotated page":            {"/Type/Page/", "/Contents", "/Rotate 90/Contents"},
		"comment":                 {"/Type/Catalog", ">>", ">>%x"},
		"blank":                   {"/Type/Catalog", "/Pages 2", "/Pages  2"},
		"escaped name":            {"/Type/Catalog", "/Catalog", "/C#61talog"},
		"another filter":          {"/XObject", "/Filter/FlateDecode", "/Filter/ASCII85Decode"},
		"smoothed":                {"/XObject", "/Filter", "/Interpolate true/Filter"},
		"external stream":         {"/XObject", "/Filter", "/F(\\\\\\\\x\\\\y)/Filter"},
		"leading zero":            {"/XObject", "/Width 60", "/Width 060"},
		"zero at the end":         {"/Type/Page/", "841.89]", "841.890]"},
		"four digits":             {"/Type/Page/", "841.89]", "841.8901]"},
		"point and nothing":       {"/Type/Page/", "841.89]", "841.]"},
		"minus zero":              {"/Type/Page/", "595.276", "-0"},
		"embedded name of font":   {"FontDescriptor/", "/Flags 4", "/FontFamily(x)/Flags 4"},
		"lower-case hex":          {"/Indexed", "FFFFFF", "ffffff"},
		"palette cut":             {"/Indexed", "FFFFFF", "FFFF"},
		"palette of another size": {"/Indexed", "FFFFFF", ""},
		"no fonts in the list":    {"/Type/Page/", "/Font<<", "/Font<<>>/Font<<"},
	} {
		from := good
		if words[0] == "/Indexed" {
			from = coloured
		}
		forge(lintObject, name, from, func(f *forgery) { f.change(words[0], words[1], words[2]) })
	}
	forge(lintObject, "tree that is a page", good, func(f *forgery) { f.change("/Type/Catalog", "2 0 R", "4 0 R") })
	forge(lintObject, "picture that is a font", good, func(f *forgery) {
		f.change("/Type/Page/", fmt.Sprintf("/P %d ", f.named("/Type/Page/", "/P ")), fmt.Sprintf("/P %d ", f.find("Type0")))
	})
	forge(lintObject, "bytes between objects", good, func(f *forgery) { f.objects[1] += "\nendobj\n% hidden" })
	forge(lintObject, "no such object", good, func(f *forgery) { f.change("/Type/Catalog", "2 0 R", "900 0 R") })
	forge(lintObject, "content of two pages", good, func(f *forgery) {
		first := f.content()
		f.change("/Type/Page/", "/Type/Page/", "/Type/Page/ ") // hide it from the next search
		n := f.find("/Type/Page/Parent")
		f.objects[n] = strings.Replace(f.objects[n], fmt.Sprintf("/Contents %d", f.content2(n)), fmt.Sprintf("/Contents %d", first), 1)
		f.change("/Type/Page/ ", "/Type/Page/ ", "/Type/Page/")
	})
	forge(lintOrphan, "object that nothing names", good, func(f *forgery) { f.add("<</Type/Catalog/Pages 2 0 R>>") })
	forge(lintOrphan, "stream that nothing names", good, func(f *forgery) {
		f.body(f.add(""), "<</Filter/FlateDecode", packed("MZ"))
	})
	forge(lintTree, "count", good, func(f *forgery) { f.change("/Type/Pages", "/Count 2", "/Count 1") })
	forge(lintTree, "no page", good, func(f *forgery) { f.change("/Type/Pages", "/Count 2", "/Count 0") })
	forge(lintObject, "page twice", good, func(f *forgery) {
		n := f.find("/Type/Pages")
		kids := strings.Fields(strings.TrimSuffix(strings.SplitN(f.objects[n], "[", 2)[1], "]>>"))
		f.objects[n] = fmt.Sprintf("<</Type/Pages/Count 2/Kids[%s 0 R %s 0 R]>>", kids[0], kids[0])
	})
	forge(lintTree, "another parent", mustBuild(t, many...), func(f *forgery) { f.change("/Type/Page/", "Parent 3 ", "Parent 4 ") })
	forge(lintTree, "node too small", mustBuild(t, many...), func(f *forgery) {
		f.change("/Type/Pages/Parent", "/Count 64", "/Count 63")
	})
	forge(lintPage, "page without a height", good, func(f *forgery) {
		f.change("/Type/Page/", "841.89]", "0]").inflated(f.content(), func(s string) string { return strings.Replace(s, "841.886 ", "0 ", 1) })
	})
	forge(lintPage, "page of a mile", good, func(f *forgery) {
		f.change("/Type/Page/", "841.89]", "70000]").inflated(f.content(), func(s string) string { return strings.Replace(s, "841.886 ", "69999.996 ", 1) })
	})
	forge(lintPage, "font that is not used", good, func(f *forgery) {
		f.inflated(f.content(), func(s string) string { return s[:strings.Index(s, "BT")] })
	})
	forge(lintPage, "fonts out of order", good, func(f *forgery) {
		n := f.find("/Type/Page/")
		a, b := f.named("/Type/Page/", "/F0 "), f.named("/Type/Page/", "/F2 ")
		f.objects[n] = strings.Replace(f.objects[n], fmt.Sprintf("/F0 %d 0 R/F2 %d 0 R", a, b), fmt.Sprintf("/F2 %d 0 R/F0 %d 0 R", b, a), 1)
	})
	all = append(all, badPictures(t, good, coloured, shot)...)
	all = append(all, badText(t, good)...)
	return all
}

// content2 is the content of the page with a number.
func (f *forgery) content2(page int) int {
	var n int
	_, rest, _ := strings.Cut(f.objects[page], "/Contents ")
	if _, err := fmt.Sscanf(rest, "%d", &n); err != nil {
		f.t.Fatal(err)
	}
	return n
}

func badEnds(t testing.TB, good []byte) []sanitizetest.BadOutput {
	replace := func(old, new string) []byte {
		if bytes.Count(good, []byte(old)) == 0 {
			t.Fatalf("no %q", old)
		}
		at := bytes.LastIndex(good, []byte(old))
		return append(append(bytes.Clone(good[:at]), new...), good[at+len(old):]...)
	}
	first := bytes.Index(good, []byte("\n1 0 obj")) + 1
	return []sanitizetest.BadOutput{
		{Name: "empty", Data: nil, Code: lintHeader},
		{Name: "another version", Data: bytes.Replace(good, []byte("1.7"), []byte("1.4"), 1), Code: lintHeader},
		{Name: "junk before", Data: append([]byte("x"), good...), Code: lintHeader},
		{Name: "header alone", Data: []byte(header), Code: lintEnd},
		{Name: "cut", Data: good[:len(good)-1], Code: lintEnd},
		{Name: "trailing byte", Data: append(bytes.Clone(good), '\n'), Code: lintEnd},
		{Name: "zip behind", Data: append(bytes.Clone(good), "PK\x05\x06"...), Code: lintEnd},
		{Name: "second trailer", Data: append(bytes.Clone(good), good[bytes.LastIndex(good, []byte("startxref")):]...), Code: lintEnd},
		{Name: "trailer with more", Data: replace("/Root 1 0 R", "/Root 1 0 R/Prev 9"), Code: lintEnd},
		{Name: "encrypted", Data: replace("/Root 1 0 R", "/Root 1 0 R/Encrypt 3 0 R"), Code: lintEnd},
		{Name: "no table", Data: replace("xref\n0 ", "xreg\n0 "), Code: lintXref},
		{Name: "free entry", Data: replace(" 00000 n \n", " 00000 f \n"), Code: lintXref},
		{Name: "another generation", Data: replace(" 00000 n \n", " 00001 n \n"), Code: lintXref},
		{Name: "size of a giant", Data: replace("xref\n0 ", "xref\n0 9"), Code: lintXref},
		{Name: "object elsewhere", Data: replace(fmt.Sprintf("%010d", first), fmt.Sprintf("%010d", first+1)), Code: lintXref},
		{Name: "object twice", Data: replaceOnce(good, "\n1 0 obj", "\n2 0 obj"), Code: lintXref},
	}
}

func replaceOnce(data []byte, old, new string) []byte {
	return bytes.Replace(data, []byte(old), []byte(new), 1)
}

func badPictures(t testing.TB, good, coloured, shot []byte) []sanitizetest.BadOutput {
	var all []sanitizetest.BadOutput
	forge := func(code, name string, from []byte, change func(f *forgery, n int)) {
		f := takeApart(t, from)
		change(f, f.find("/XObject/Subtype"))
		all = append(all, sanitizetest.BadOutput{Name: name, Data: f.put(), Code: code})
	}
	forge(lintPicture, "no width", good, func(f *forgery, _ int) { f.change("/Subtype/Image", "/Width 60", "/Width 0") })
	forge(lintPicture, "gigapixels", good, func(f *forgery, _ int) { f.change("/Subtype/Image", "/Width 60", "/Width 9000000") })
	forge(lintPicture, "two bits of grey", good, func(f *forgery, _ int) { f.change("/Subtype/Image", "Component 4", "Component 2") })
	forge(lintPicture, "sixteen bits", good, func(f *forgery, _ int) { f.change("/Subtype/Image", "Component 4", "Component 16") })
	forge(lintPicture, "colours of four bits", good, func(f *forgery, _ int) { f.change("/Subtype/Image", "/DeviceGray", "/DeviceRGB") })
	forge(lintStream, "a row less", good, func(f *forgery, n int) { f.inflated(n, func(s string) string { return s[30:] }) })
	forge(lintStream, "a byte more", good, func(f *forgery, n int) { f.inflated(n, func(s string) string { return s + "x" }) })
	forge(lintStream, "bytes behind the stream", good, func(f *forgery, n int) { f.raw(n, func(s string) string { return s + "x" }) })
	forge(lintStream, "checksum", good, func(f *forgery, n int) {
		f.raw(n, func(s string) string { return s[:len(s)-1] + string(s[len(s)-1]^1) })
	})
	forge(lintStream, "another level", good, func(f *forgery, n int) { f.raw(n, func(s string) string { return "\x78\xDA" + s[2:] }) })
	forge(lintStream, "empty", good, func(f *forgery, n int) { f.raw(n, func(string) string { return "" }) })
	forge(lintPicture, "index outside of the palette", coloured, func(f *forgery, n int) {
		f.inflated(n, func(s string) string { return "\xFF" + s[1:] })
	})
	forge(lintPicture, "bits behind the last pixel", coloured, func(f *forgery, n int) {
		f.inflated(n, func(s string) string { return s[:15] + string(s[15]|1) + s[16:] })
	})
	forge(lintPicture, "JPEG of another size", shot, func(f *forgery, _ int) { f.change("/Subtype/Image", "/Width 64", "/Width 63") })
	forge(lintPicture, "JPEG of another colour", shot, func(f *forgery, _ int) { f.change("/Subtype/Image", "/DeviceRGB", "/DeviceGray") })
	faxed := mustBuild(t, lines(100, 60))
	for name, change := range map[string]func(string) string{
		"fax with a bit behind": func(s string) string { return s[:len(s)-1] + string(s[len(s)-1]|1) }, "fax with a byte behind": func(s string) string { return s + "x" },
		"fax cut": func(s string) string { return s[:len(s)-3] }, "fax without its end": func(s string) string { return s[:len(s)-4] + "\xFF\xFF\xFF\xFF" },
		"fax of a row more": func(s string) string { return "\x80" + s }, "fax of wrong codes": func(s string) string { return "\x00" + s[1:] },
	} {
		forge(lintPicture, name, faxed, func(f *forgery, n int) { f.raw(n, change) })
	}
	forge(lintObject, "fax of another width", faxed, func(f *forgery, _ int) { f.change("/Subtype/Image", "/Columns 100", "/Columns 101") })
	forge(lintPicture, "fax of a row less", faxed, func(f *forgery, n int) {
		f.objects[n] = strings.NewReplacer("/Height 60", "/Height 59", "/Rows 60", "/Rows 59").Replace(f.objects[n])
	})
	forge(lintPicture, "fax in colour", faxed, func(f *forgery, _ int) { f.change("/Subtype/Image", "/DeviceGray", "/DeviceRGB") })
	forge(jpeglint.Marker, "JPEG with a comment", shot, func(f *forgery, n int) {
		f.raw(n, func(s string) string { return s[:2] + "\xFF\xFE\x00\x04ab" + s[2:] })
	})
	return all
}

func badText(t testing.TB, good []byte) []sanitizetest.BadOutput {
	var all []sanitizetest.BadOutput
	forge := func(code, name string, change func(f *forgery)) {
		f := takeApart(t, good)
		change(f)
		all = append(all, sanitizetest.BadOutput{Name: name, Data: f.put(), Code: code})
	}
	content := func(code, name, old, new string) {
		forge(code, name, func(f *forgery) {
			f.inflated(f.content(), func(s string) string {
				if !strings.Contains(s, old) {
					t.Fatalf("%s: no %q in %q", name, old, s)
				}
				return strings.Replace(s, old, new, 1)
			})
		})
	}
	content(lintContent, "picture beside the page", "q 595.272 0 0 841.886 0.002 0.002 cm", "q 595.272 0 0 841.886 9 0.002 cm")
	content(lintContent, "picture too small", "q 595.272 ", "q 59.272 ")
	content(lintContent, "text that is seen", "3 Tr", "0 Tr")
	content(lintContent, "another operator", "BT\n", "BT\n1 w\n")
	content(lintContent, "inline image", "ET\n", "BI ID EI\nET\n")
	content(lintContent, "behind the text", "ET\n", "ET\nq\n")
	content(lintContent, "no end", "ET\n", "")
	content(lintContent, "no line end", "ET\n", "ET")
	content(lintContent, "shown by a string", "<0050", "(P)<0050")
	content(lintContent, "half a code", "<0050", "<50")
	content(lintContent, "no code", "<0BB7> Tj", "<> Tj")
	content(lintContent, "far too large", "/F0 12 Tf", "/F0 3000 Tf")
	content(lintContent, "outside of the page", "1 0 0 1 60 700 Tm", "1 0 0 1 60 900 Tm")
	content(lintContent, "sheared", "1 0 0 1 60 700 Tm", "1 0.5 0 1 60 700 Tm")
	content(lintContent, "enlarged", "1 0 0 1 60 700 Tm", "2 0 0 2 60 700 Tm")
	content(lintContent, "stretched to nothing", "173.16 Tz", "0.5 Tz")
	content(lintContent, "goes on in another size", "/F2 12 Tf", "/F2 11 Tf")
	content(lintContent, "plane that is not", "/F2 12 Tf", "/F17 12 Tf")
	content(lintText, "code zero", "<0050", "<0000")
	content(lintText, "bidi control", "<0050", "<202E")
	content(lintText, "half of a pair", "<0050", "<D800")
	content(lintText, "noncharacter", "<0050", "<FFFE")
	forge(lintContent, "text without characters", func(f *forgery) {
		f.inflated(f.content(), func(s string) string { return s[:strings.Index(s, "/F0")] + "ET\n" })
	})
	stream := func(name string, n func(f *forgery) int, change func(string) string) {
		forge(lintFont, name, func(f *forgery) { f.inflated(n(f), change) })
	}
	program := func(f *forgery) int { return f.find("/Length1") }
	glyphs := func(f *forgery) int { return f.named("CIDFontType2", "/CIDToGIDMap ") }
	meaning := func(f *forgery) int { return f.named("Type0", "/ToUnicode ") }
	stream("another font program", program, func(s string) string { return s[:len(s)-1] + "x" })
	stream("longer font program", program, func(s string) string { return s + "glyf" })
	stream("glyph that is none", glyphs, func(s string) string { return s[:99] + "\x00" + s[100:] })
	stream("wide letter", glyphs, func(s string) string { return s[:99] + "\x01" + s[100:] })
	stream("another meaning", meaning, func(s string) string { return strings.Replace(s, "<4E00> <4EFF> <4E00>", "<4E00> <4EFF> <4F00>", 1) })
	stream("a meaning more", meaning, func(s string) string {
		return strings.Replace(s, "endcmap", "1 beginbfchar\n<0041> <0042>\nendbfchar\nendcmap", 1)
	})
	stream("program in ToUnicode", meaning, func(s string) string { return s + "%\n" })
	forge(lintFont, "length of the font program", func(f *forgery) { f.change("/Length1", fmt.Sprint(programBytes), fmt.Sprint(programBytes+1)) })
	forge(lintFont, "fonts of two planes exchanged", func(f *forgery) {
		a, b := f.named("/Type/Page/", "/F0 "), f.named("/Type/Page/", "/F2 ")
		f.objects[a], f.objects[b] = f.objects[b], f.objects[a]
	})
	forge(lintFont, "descriptor of another plane", func(f *forgery) { f.change("/FontName/Sekisho0", "Sekisho0", "Sekisho7") })
	forge(lintObject, "other widths", func(f *forgery) { f.change("CIDFontType2", "/W[0 8191 500", "/W[0 8191 600") })
	return all
}

// spec: g5
func TestLintRules(t *testing.T) {
	hit := map[string]bool{}
	for _, b := range badFiles(t) {
		t.Run(b.Name, func(t *testing.T) {
			notes, _ := found(t, b.Data)
			for _, n := range notes {
				if strings.HasPrefix(n, b.Code+" ") {
					hit[b.Code] = true
					return
				}
			}
			t.Errorf("%v, want %s", notes, b.Code)
		})
	}
	for _, r := range rules {
		if !hit[r] {
			t.Errorf("rule %s has no bad sample", r)
		}
	}
}
