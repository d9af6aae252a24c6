package pdfread

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

func TestLimits(t *testing.T) {
	ten := manyPages("", slicesOf(a5, 10), "BT /F 20 Tf 50 300 Td (page) Tj ET")
	for _, test := range []struct {
		name   string
		data   []byte
		change func(*format.Untrusted)
		reason format.Reason
		pages  int
	}{
		{"all", ten, func(*format.Untrusted) {}, "", 10},
		{"as many pages as allowed", ten, func(in *format.Untrusted) { in.Budget.Pages = 10 }, "", 10},
		{"one too many", ten, func(in *format.Untrusted) { in.Budget.Pages = 9 }, format.LimitPages, 0},
		{"one page asked for", ten, func(in *format.Untrusted) { in.Budget.Pages = 1; in.Render.Page = 7 }, "", 1},
		{"a page that is not there", ten, func(in *format.Untrusted) { in.Render.Page = 11 }, format.LimitPages, 0},
		{"the time is over", ten, func(in *format.Untrusted) { in.Budget.Deadline = time.Now().Add(-time.Second) }, format.LimitTime, 0},
		{"giant page, coarser", onePage("", "/MediaBox[0 0 7200 1440]", ""), func(in *format.Untrusted) { in.Budget.Pixels = 2_600_000 }, "", 1},
		{"giant page, too coarse", onePage("", "/MediaBox[0 0 7200 1440]", ""), func(in *format.Untrusted) { in.Budget.Pixels = 2_500_000 }, format.LimitPixels, 0},
		{"beyond all pages", onePage("", "/MediaBox[0 0 99999 99999]", ""), func(in *format.Untrusted) { in.Budget.Pixels = math.MaxInt64 }, format.LimitPixels, 0},
		{"no page", []byte("%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF"), func(*format.Untrusted) {}, format.Malformed, 0},
		{"rubbish", []byte("%PDF-1.7\nrubbish\n%%EOF"), func(*format.Untrusted) {}, format.Malformed, 0},
		{"nothing", nil, func(*format.Untrusted) {}, format.Malformed, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := asked(test.data)
			test.change(&in)
			a := parse(t, dressed(t), in)
			if a.reason != test.reason || len(a.drawn) != test.pages {
				t.Fatalf("%d pages, %q (%s); want %d, %q", len(a.drawn), a.reason, a.detail, test.pages, test.reason)
			}
		})
	}
}

func slicesOf(s string, n int) []string { return strings.Split(strings.Repeat(s+"\n", n-1)+s, "\n") }

// TestOnePage: a preview is the one page, under its own number.
func TestOnePage(t *testing.T) {
	in := asked(sample(t, "reportlab-mixed.pdf"))
	in.Render.Page = 3
	a := parse(t, dressed(t), in)
	if a.pages != 6 || len(a.drawn) != 1 || a.drawn[0].Page != 2 || a.drawn[0].W != 150_000 || a.text() != "PAGE THREE small\n" {
		t.Errorf("%d pages, %+v", a.pages, a.drawn)
	}
}

// TestCoarser: a giant page says at which resolution it was drawn.
func TestCoarser(t *testing.T) {
	in := asked(onePage("", "/MediaBox[0 0 950 950]", "BT /F 400 Tf 50 300 Td (big) Tj ET"))
	in.Render.DPI, in.Budget.Pixels = 300, 1_000_000
	a := parse(t, dressed(t), in)
	if len(a.drawn) != 1 || a.drawn[0].raster.W*a.drawn[0].raster.H > 1_000_000 || a.drawn[0].raster.W < 900 || !a.has("page_scaled") {
		t.Errorf("%+v %v", a.drawn[0].raster, a.notes)
	}
	for _, n := range a.notes {
		if n.Code == "page_scaled" && (n.Where != "page 1" || n.Detail != "75 dpi") {
			t.Errorf("%+v", n)
		}
	}
}

// TestNoEngine: the zero Parser holds.
func TestNoEngine(t *testing.T) {
	if a := parse(t, nil, asked(sample(t, "cairo.pdf"))); a.reason != format.Internal {
		t.Errorf("%q", a.reason)
	}
}

// TestCanceled: no page is begun after the caller has gone.
func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if a := parseContext(ctx, t, dressed(t), asked(sample(t, "cairo.pdf"))); a.reason != format.LimitTime || len(a.drawn) != 0 {
		t.Errorf("%q", a.reason)
	}
}

// TestMeasure: whatever a page claims, its pixels stay within the budget, or
// it is held.
func TestMeasure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.Float32Range(0.001, 20_000).Draw(t, "w"), rapid.Float32Range(0.001, 20_000).Draw(t, "h")
		dpi, most := rapid.Int64Range(1, 1200).Draw(t, "dpi"), rapid.Int64Range(1, 1<<28).Draw(t, "most")
		s, err := measure(w, h, dpi, most)
		if err != nil {
			return
		}
		if s.px < 1 || s.py < 1 || s.px*s.py > most || s.dpi > dpi || s.px > ir.MaxSide || s.py > ir.MaxSide || s.w < 1 || s.h < 1 || s.w > ir.MaxSheet {
			t.Fatalf("%+v for %g x %g at %d within %d", s, w, h, dpi, most)
		}
		if s.dpi < dpi && s.dpi < leastDPI {
			t.Fatalf("%d dpi is too coarse", s.dpi)
		}
	})
}
