package pdfread

import (
	"testing"

	"sekisho/sanitize/format"
)

// inKorean is a page in a font of Korea that is not embedded: the fonts of a
// Japanese office have no glyph for it.
func inKorean(content string) []byte {
	return manyPages("", []string{"/MediaBox[0 0 420 595]/Resources<</Font<</F 3 0 R/K 6 0 R>>>>"}, content,
		"<</Type/Font/Subtype/Type0/BaseFont/HYSMyeongJo-Medium/Encoding/KSCms-UHC-H/DescendantFonts[<</Type/Font/Subtype/CIDFontType0/BaseFont/HYSMyeongJo-Medium"+
			"/CIDSystemInfo<</Registry(Adobe)/Ordering(Korea1)/Supplement 1>>/DW 1000/FontDescriptor<</Type/FontDescriptor/FontName/HYSMyeongJo-Medium/Flags 6/FontBBox[0 -120 1000 880]"+
			"/ItalicAngle 0/Ascent 880/Descent -120/CapHeight 700/StemV 80>>>>]>>")
}

// TestMissingGlyphs: characters that no font has are never lost without a word.
func TestMissingGlyphs(t *testing.T) {
	const latin = "BT /F 20 Tf 40 400 Td (Plenty of other text is on this page as well) Tj ET "
	const hangul = "BT /K 20 Tf 40 300 Td <B0A1B3AA> Tj ET"
	if a := parse(t, dressed(t), asked(inKorean(hangul))); a.reason != format.FidelityLoss {
		t.Errorf("all of it: %q, %v, %q", a.reason, a.notes, a.text())
	}
	if a := parse(t, dressed(t), asked(inKorean(latin+hangul))); a.reason != "" || !a.has("glyph_missing") {
		t.Errorf("a little of it: %q, %v, %q", a.reason, a.notes, a.text())
	}
	if a := parse(t, bare(t), asked(inKorean(latin+hangul))); a.reason != format.FidelityLoss {
		t.Errorf("without fonts: %q, %v", a.reason, a.notes)
	}
	if a := parse(t, bare(t), asked(inKorean(latin))); a.reason != "" || a.has("glyph_missing") {
		t.Errorf("none of it: %q, %v", a.reason, a.notes)
	}
}
