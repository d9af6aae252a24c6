package pdfium

import (
	"bytes"
	"fmt"
	"strings"
)

// sheet is one page of a PDF that a test makes.
type sheet struct {
	box     string // of the media, "0 0 200 100" when empty
	more    string // further entries of the page
	content string
}

// font is the one that tests write with; what it is called decides whether the
// engine has it in itself or needs one of the tree.
const latin = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"

// mincho is a Japanese font that is not embedded, as old programs write it.
const mincho = "<</Type/Font/Subtype/Type0/BaseFont/Ryumin-Light/Encoding/90ms-RKSJ-H/DescendantFonts[<</Type/Font/Subtype/CIDFontType0/BaseFont/Ryumin-Light" +
	"/CIDSystemInfo<</Registry(Adobe)/Ordering(Japan1)/Supplement 2>>/DW 1000/FontDescriptor<</Type/FontDescriptor/FontName/Ryumin-Light/Flags 6/FontBBox[0 -120 1000 880]" +
	"/ItalicAngle 0/Ascent 880/Descent -120/CapHeight 700/StemV 80>>>>]>>"

// document makes a PDF of pages; catalog holds further entries of its root, and
// extra further objects, numbered from 100.
func document(catalog string, extra []string, pages ...sheet) []byte {
	objects := map[int]string{1: "<</Type/Catalog/Pages 2 0 R" + catalog + ">>"}
	var kids []string
	for i, p := range pages {
		if p.box == "" {
			p.box = "0 0 200 100"
		}
		n := 10 + 2*i
		kids = append(kids, fmt.Sprintf("%d 0 R", n))
		objects[n] = fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[%s]/Resources<</Font<</F1 %s/F2 %s>>/XObject<</X 100 0 R>>>>/Contents %d 0 R%s>>", p.box, latin, mincho, n+1, p.more)
		objects[n+1] = fmt.Sprintf("<</Length %d>>stream\n%s\nendstream", len(p.content), p.content)
	}
	objects[2] = fmt.Sprintf("<</Type/Pages/Kids[%s]/Count %d>>", strings.Join(kids, " "), len(pages))
	for i, o := range extra {
		objects[100+i] = o
	}
	return assemble(objects)
}

// assemble writes objects, a cross-reference table and a trailer.
func assemble(objects map[int]string) []byte {
	most := 0
	for n := range objects {
		most = max(most, n)
	}
	var out, table bytes.Buffer
	out.WriteString("%PDF-1.7\n")
	table.WriteString("0000000000 65535 f \n")
	for n := 1; n <= most; n++ {
		body, used := objects[n]
		if !used {
			table.WriteString("0000000000 00000 f \n")
			continue
		}
		fmt.Fprintf(&table, "%010d 00000 n \n", out.Len())
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", n, body)
	}
	at := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", most+1, table.String(), most+1, at)
	return out.Bytes()
}

// stream is an object with a stream.
func stream(dict, body string) string {
	return fmt.Sprintf("<<%s/Length %d>>stream\n%s\nendstream", dict, len(body), body)
}
