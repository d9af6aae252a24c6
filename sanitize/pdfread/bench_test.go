package pdfread

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"sekisho/sanitize/ir"
)

// BenchmarkParse is one page, from its bytes to the last value, at 150 dpi.
func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	for y := range 52 {
		fmt.Fprintf(&text, "BT /F 11 Tf 60 %d Td (A gateway between two zones of a town hands on only what it has rebuilt, and says) Tj ET ", 780-14*y)
	}
	for name, data := range map[string][]byte{
		"full of text": onePage("", "/MediaBox[0 0 595 842]", text.String()),
		"letter":       sample(b, "lo-writer.pdf"),
		"scan":         sample(b, "reportlab-ocr.pdf"),
	} {
		b.Run(name, func(b *testing.B) {
			in := asked(data)
			in.Render.DPI = 150
			e := dressed(b)
			for b.Loop() {
				if err := (Parser{e}).Parse(b.Context(), in, ir.NewWriter(io.Discard)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
