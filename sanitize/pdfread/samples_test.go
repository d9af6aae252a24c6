package pdfread

import (
	"slices"
	"strings"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// sampleRow says what becomes of one file of testdata.
type sampleRow struct {
	name    string
	reason  format.Reason
	says    []string
	without []string
	found   []string
	not     []string // findings
	as      []ir.Samples
	angles  []int64
}

var sampleRows = []sampleRow{
	{name: "lo-writer.pdf", says: []string{"防災訓練の実施について（通知）", "髙橋・﨑山・①②③・㈱・～", "日時", "町民グラウンド"},
		found: []string{"document_metadata"}, not: []string{"pdf_action", "pdf_script", "font_substituted", "hidden_text"}, as: []ir.Samples{ir.Gray4}, angles: []int64{0}},
	{name: "lo-calc.pdf", says: []string{"科目\n予算額\n決算額\n差額\n", "1234567\n1240000\n"}, not: []string{"pdf_action", "hidden_text"}, as: []ir.Samples{ir.Gray4}},
	{name: "chromium-vertical.pdf", says: []string{"吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄\n暗い", "「鉤括弧」（丸括弧）", "English words 123."},
		not: []string{"hidden_text"}, as: []ir.Samples{ir.Gray4}, angles: []int64{270}},
	{name: "qpdf-turned.pdf", says: []string{"春の便り\n吾輩は猫である。", "English words 123."}, not: []string{"hidden_text"}, as: []ir.Samples{ir.Gray4}, angles: []int64{180}},
	{name: "chromium-latin.pdf", says: []string{"Will\nill-willed\nWilliam\nwillingly\nfill\nillicit\nmillet\nmills?", "light grey text which is still visible to a reader, 薄い文字", "five point small print, 小さな文字", "関所"}, not: []string{"hidden_text"}},
	{name: "chromium-logo.pdf", says: []string{"小さな色付きの印だけが右上にあります。"}, as: []ir.Samples{ir.RGB8}},
	{name: "chromium-color.pdf", says: []string{"赤い注意書き"}, as: []ir.Samples{ir.RGB8}},
	{name: "chromium-hidden.pdf", says: []string{"VISIBLE1 本文です。", "黒塗り\nの後", "VISIBLE2 白抜きの文字", "VISIBLE3 金額\n100円"},
		without: []string{"WHITE", "隠し", "BLACK", "秘密", "COVER", "覆", "OPAQUE", "TINY", "NEAR"}, found: []string{"hidden_text"}, as: []ir.Samples{ir.RGB8}},
	{name: "reportlab-form.pdf", says: []string{"Name:", "a link", "FILLED VALUE"}, found: []string{"pdf_form", "pdf_link"}, not: []string{"font_substituted"}, as: []ir.Samples{ir.RGB8}},
	{name: "qpdf-objstm.pdf", says: []string{"Name:"}, found: []string{"pdf_form", "pdf_link"}},
	{name: "reportlab-mixed.pdf", says: []string{"PAGE ONE A4 portrait", "PAGE FIVE turned 180"}, angles: []int64{0, 270, 180, 90}},
	{name: "reportlab-noembed.pdf", says: []string{"埋め込みのない明朝体の文書", "ゴシック体①②㈱", "斜めの文字列です", "縦に回した文字列", "逆さの文字列"},
		found: []string{"font_substituted"}, not: []string{"hidden_text"}, angles: []int64{0, 30, 90, 180}},
	{name: "reportlab-noembed-v.pdf", says: []string{"埋め込みのない縦書き、「括弧」\n二行目です。"}, found: []string{"font_substituted"}, angles: []int64{270}},
	{name: "reportlab-ocr.pdf", says: []string{"契約書\n甲と乙は、次のとおり契約を締結する。\nSCANNED LINE THREE"}, without: []string{"INVISIBLE", "見えない"}, found: []string{"hidden_text"}},
	{name: "cairo.pdf", says: []string{"濃淡の図 cairo"}, as: []ir.Samples{ir.Gray8}},
	{name: "tiff2pdf-fax.pdf", as: []ir.Samples{ir.Gray4}},
	{name: "tiff2pdf-blank.pdf", as: []ir.Samples{ir.Gray1}},
	{name: "qpdf-owner.pdf", says: []string{"甲と乙は"}, found: []string{"pdf_restrictions"}},
	{name: "qpdf-user.pdf", reason: format.EncryptedDocument},
}

func TestSamples(t *testing.T) {
	for _, row := range sampleRows {
		t.Run(row.name, func(t *testing.T) {
			a := parse(t, dressed(t), asked(sample(t, row.name)))
			if a.reason != row.reason {
				t.Fatalf("%q (%s), want %q", a.reason, a.detail, row.reason)
			}
			row.judge(t, a)
		})
	}
}

func (row sampleRow) judge(t *testing.T, a answer) {
	text := a.text()
	for _, s := range row.says {
		if !strings.Contains(text, s) {
			t.Errorf("%q is not in %q", s, text)
		}
	}
	for _, s := range row.without {
		if strings.Contains(text, s) {
			t.Errorf("%q is in %q", s, text)
		}
	}
	for _, code := range row.found {
		if !a.has(code) {
			t.Errorf("no finding %s in %v", code, a.notes)
		}
	}
	for _, code := range row.not {
		if a.has(code) {
			t.Errorf("finding %s in %v", code, a.notes)
		}
	}
	for i, as := range row.as {
		if got := a.drawn[i].raster.Samples; got != as {
			t.Errorf("page %d is kept as %s, not %s", i+1, got, as)
		}
	}
	if row.angles == nil {
		return
	}
	for _, d := range a.drawn {
		for _, r := range d.runs {
			if !slices.Contains(row.angles, r.Angle) {
				t.Errorf("%q runs at %d", r.S, r.Angle)
			}
		}
	}
}

// TestSheets: the size of each page as it is shown, and its pixels.
func TestSheets(t *testing.T) {
	a := parse(t, dressed(t), asked(sample(t, "reportlab-mixed.pdf")))
	want := [][2]int64{{595_000, 842_000}, {1191_000, 842_000}, {150_000, 100_000}, {595_000, 842_000}, {595_000, 842_000}, {595_000, 842_000}}
	if len(a.drawn) != len(want) {
		t.Fatalf("%d pages", len(a.drawn))
	}
	for i, w := range want {
		d := a.drawn[i]
		if d.Page != int64(i) || d.W != w[0] || d.H != w[1] || d.raster.W != side(w[0], 100) || d.raster.H != side(w[1], 100) {
			t.Errorf("page %d: %+v, %+v", i+1, d.Sheet, d.raster)
		}
	}
}

// TestMarks: what tells a blank page from one that lost its content.
func TestMarks(t *testing.T) {
	white := onePage("", a5, "BT 1 g /F 20 Tf 50 300 Td (white) Tj ET")
	for _, test := range []struct {
		name string
		data []byte
		want int64
	}{
		{"blank side of a scan", sample(t, "tiff2pdf-blank.pdf"), 0},
		{"picture that cannot be read", sample(t, "tiff2pdf-broken.pdf"), 1},
		{"fax", sample(t, "tiff2pdf-fax.pdf"), 1},
		{"no content", onePage("", a5, ""), 0},
		{"white on white", white, 0},
		{"letters", onePage("", a5, "BT /F 20 Tf 50 300 Td (a b c) Tj ET"), 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := parse(t, dressed(t), asked(test.data))
			if len(a.drawn) != 1 || a.drawn[0].Marks != test.want {
				t.Errorf("%+v %s, want %d marks", a.drawn, a.reason, test.want)
			}
		})
	}
}

// TestForm: values of fields are pixels.
func TestForm(t *testing.T) {
	a := parse(t, dressed(t), asked(sample(t, "reportlab-form.pdf")))
	d := a.drawn[0]
	dark := 0
	for y := int64(55); y < 80; y++ { // the field, from 100,240 with 200 by 24 points, at 100 dpi of a page 300 points high
		for x := int64(145); x < 260; x++ {
			if d.pix[y*d.raster.Stride()+3*x] < 80 {
				dark++
			}
		}
	}
	if dark < 100 {
		t.Errorf("%d dark pixels in the field", dark)
	}
}

// TestWithoutFonts: text is never lost without a word.
//
// spec: g2
func TestWithoutFonts(t *testing.T) {
	for _, test := range []struct {
		name string
		want format.Reason
	}{
		{"reportlab-noembed.pdf", format.FidelityLoss},
		{"reportlab-noembed-v.pdf", format.FidelityLoss},
		{"lo-writer.pdf", ""},
		{"chromium-hidden.pdf", ""},
		{"reportlab-mixed.pdf", ""}, // Helvetica is the engine's own
		{"reportlab-ocr.pdf", ""},   // the text is invisible anyway
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, in := range []format.Untrusted{asked(sample(t, test.name)), asText(sample(t, test.name))} {
				if a := parse(t, bare(t), in); a.reason != test.want {
					t.Errorf("%s: %q (%s), want %q", in.Render.Method, a.reason, a.detail, test.want)
				}
			}
		})
	}
}
