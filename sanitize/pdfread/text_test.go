package pdfread

import (
	"context"
	"strings"
	"testing"
	"time"

	"sekisho/sanitize/format"
)

func TestAsText(t *testing.T) {
	for _, test := range []struct {
		name, want string
	}{
		{"lo-calc.pdf", "calc\n\nPage 1\n\n科目\t予算額\t決算額\t差額\n町税\t1234567 1240000\t5433\n地方交付税\t2000000 2000000\t0\n国庫支出金\t987654\t900000 -87654\n"},
		{"chromium-vertical.pdf", "春の便り\n吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。何でも薄\n暗いじめじめした所でニャーニャー泣いていた事だけは記憶している。\n二〇二六年、ＡＢＣ「鉤括弧」（丸括弧）、と。English words 123.\n"},
		{"reportlab-ocr.pdf", "契約書\n甲と乙は、次のとおり契約を締結する。\nSCANNED LINE THREE\n"},
		{"chromium-hidden.pdf", "VISIBLE1 本文です。\n黒塗り\tの後\nVISIBLE2 白抜きの文字\n\nVISIBLE3 金額\t100円\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := parse(t, dressed(t), asText(sample(t, test.name)))
			if a.reason != "" || len(a.texts) != 1 || a.texts[0] != test.want {
				t.Errorf("%q %q\nwant %q", a.reason, a.texts, test.want)
			}
			if a.has("text_differs") {
				t.Errorf("%v", a.notes)
			}
		})
	}
}

// TestPagesOfText: a page without text keeps its number; a document without
// any is held, since as text it would be empty.
func TestPagesOfText(t *testing.T) {
	a := parse(t, dressed(t), asText(sample(t, "reportlab-mixed.pdf")))
	if len(a.texts) != 6 || a.texts[3] != "PAGE FOUR turned 90\n" {
		t.Errorf("%q", a.texts)
	}
	if a := parse(t, dressed(t), asText(sample(t, "tiff2pdf-fax.pdf"))); a.reason != format.FidelityLoss {
		t.Errorf("a fax as text: %q", a.reason)
	}
	if a := parse(t, dressed(t), asText(onePage("", a5, ""))); a.reason != "" || len(a.texts) != 1 || a.texts[0] != "" {
		t.Errorf("an empty page as text: %q %q", a.reason, a.texts)
	}
}

// TestSecondReading: letters that only the second extractor reads are told of.
func TestSecondReading(t *testing.T) {
	words := strings.Repeat("The second reader sees another text here. ", 3)
	honest := onePage("", a5, "BT /F 4 Tf 10 300 Td ("+words+") Tj ET")
	if a := parse(t, dressed(t), asText(honest)); a.reason != "" || a.has("text_differs") {
		t.Errorf("%q %v", a.reason, a.notes)
	}
	r := &reading{ctx: t.Context(), in: asText(honest), notes: newNotes()}
	for _, c := range "something else altogether" {
		r.all.add(c)
	}
	r.compare()
	if len(r.notes.list) != 1 || r.notes.list[0].Code != "text_differs" {
		t.Error("no finding though the two have little in common")
	}
}

// TestSecondReadingIsHarmless: it panics, hangs and fails without a trace.
func TestSecondReadingIsHarmless(t *testing.T) {
	for name, data := range map[string][]byte{
		"nothing": nil, "no document": []byte("%PDF-1.7 nonsense"), "cut": sample(t, "lo-writer.pdf")[:3000], "encrypted": sample(t, "qpdf-user.pdf"),
	} {
		if c := readAgain(t.Context(), data); c.n != 0 {
			t.Errorf("%s: %d letters", name, c.n)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	start := time.Now()
	readAgain(ctx, sample(t, "lo-writer.pdf"))
	if time.Since(start) > 10*time.Second {
		t.Error("it was waited for")
	}
}

func TestCensus(t *testing.T) {
	count := func(s string) *census {
		var c census
		for _, r := range s {
			c.add(r)
		}
		return &c
	}
	for _, test := range []struct {
		a, b   string
		shared float64
		plain  float64
	}{
		{"", "abc", 1, 0}, {"abc", "cab", 1, 1}, {"abcd", "ab", 0.5, 1}, {"aaaa", "a", 0.25, 1}, {"日本 語!", "日本語", 1, 1}, {"éàüo", "o", 0.25, 0.25},
	} {
		if a := count(test.a); a.shared(count(test.b)) != test.shared || a.plain() != test.plain {
			t.Errorf("%q, %q: %g, %g", test.a, test.b, a.shared(count(test.b)), a.plain())
		}
	}
}
