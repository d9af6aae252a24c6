package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

func reasonOf(err error) format.Reason {
	var fe *format.Error
	errors.As(err, &fe)
	if fe == nil {
		return ""
	}
	return fe.Reason
}

// TestBuildRefuses: everything that a worker says is checked again.
// spec: g2
func TestBuildRefuses(t *testing.T) {
	p := text(ir.Gray4, 20, 10)
	good := values(p, p)
	number, sheet, raster, pixels := good[0], good[1], good[2], good[3]
	run := ir.Run{X: 1, Y: 1, Length: 1, Size: 1, S: "x"}
	blank := p
	blank.pix = bytes.Repeat([]byte{0xFF}, len(p.pix))
	for name, c := range map[string]struct {
		values []ir.Value
		reason format.Reason // "" for any other error
	}{
		"nothing":              {nil, ""},
		"no number":            {good[1:], ""},
		"number twice":         {slices.Concat([]ir.Value{number}, good), ""},
		"no pages":             {[]ir.Value{ir.Number{Name: ir.NumberPages, N: 0}}, format.Malformed},
		"too many pages":       {[]ir.Value{ir.Number{Name: ir.NumberPages, N: MaxPages + 1}}, format.LimitPages},
		"page missing":         {good[:4], ""},
		"page more":            {slices.Concat(good, []ir.Value{ir.Sheet{Page: 2, W: 1, H: 1}}), ""},
		"gap":                  {[]ir.Value{number, ir.Sheet{Page: 1, W: 1, H: 1}}, ""},
		"page twice":           {slices.Concat(good[:4], good[1:4]), ""},
		"no pixels":            {[]ir.Value{number, sheet, raster, good[4]}, ""},
		"no raster":            {[]ir.Value{number, sheet, pixels}, ""},
		"raster of no page":    {[]ir.Value{number, raster}, ""},
		"two rasters":          {[]ir.Value{number, sheet, raster, pixels, raster}, ""},
		"pixel missing":        {[]ir.Value{number, sheet, raster, ir.Pixels{B: p.pix[1:]}, good[4]}, ""},
		"pixel more":           {[]ir.Value{number, sheet, raster, pixels, ir.Pixels{B: []byte{0}}}, ""},
		"gigapixels":           {[]ir.Value{number, sheet, ir.Raster{Samples: ir.Gray1, W: 1 << 20, H: 65}}, format.LimitPixels},
		"text before pixels":   {[]ir.Value{number, sheet, raster, run, pixels}, ""},
		"text of no page":      {[]ir.Value{number, run}, ""},
		"a table":              {[]ir.Value{number, ir.Row{Cells: []string{"x"}}}, ""},
		"a child":              {[]ir.Value{number, ir.Child{Role: ir.RoleMember}}, ""},
		"fails":                {slices.Concat(good, []ir.Value{ir.Fail{Reason: "limit_time"}}), format.LimitTime},
		"fails without reason": {[]ir.Value{ir.Fail{Reason: "because"}}, format.Internal},
		"blank with marks":     {values(blank), format.FidelityLoss},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := build(t, c.values, profile())
			if err == nil || reasonOf(err) != c.reason {
				t.Fatalf("%v, want %q", err, c.reason)
			}
		})
	}
	if _, _, err := build(t, values(sheetOf{w: 1, h: 1, r: blank.r, pix: blank.pix}), profile()); err != nil {
		t.Errorf("a page without marks may be blank: %v", err)
	}
}

// TestLone: a page of one colour, in each kind of samples, with padding.
func TestLone(t *testing.T) {
	for _, s := range []ir.Samples{ir.Gray1, ir.Gray4, ir.Gray8, ir.RGB8} {
		for _, w := range []int64{1, 7, 8, 9, 31} {
			r := ir.Raster{Samples: s, W: w, H: 3}
			for _, fill := range []byte{0, 0xFF} {
				pix := bytes.Repeat([]byte{fill}, int(r.Stride()*3))
				clearPadding(r, pix)
				if !lone(r, pix) {
					t.Errorf("%s %d wide, all %02X: not one colour", s, w, fill)
				}
				for _, at := range []int{0, len(pix) - 1} {
					other := bytes.Clone(pix)
					other[at] ^= 0x80
					if w*3 > 1 && lone(r, other) {
						t.Errorf("%s %d wide, all %02X but byte %d: one colour", s, w, fill, at)
					}
				}
			}
		}
	}
}

// TestBuildStopsEarly: a file is given up when it gets too large, not when it
// is done.
func TestBuildStopsEarly(t *testing.T) {
	pages := make([]sheetOf, 20)
	for i := range pages {
		pages[i] = photo(ir.Gray8, 100, 60)
		pages[i].pix[0] = byte(i)
	}
	whole := mustBuild(t, pages...)
	var out bytes.Buffer
	p := profile()
	p.MaxBytes = int64(len(whole)) - 1
	_, err := buildFrom(bytes.NewReader(frames(t, values(pages...))), p, &out)
	if reasonOf(err) != format.TooLargeAfter {
		t.Fatal(err)
	}
	p.MaxBytes = 5000
	out.Reset()
	_, err = buildFrom(bytes.NewReader(frames(t, values(pages...))), p, &out)
	if reasonOf(err) != format.TooLargeAfter || out.Len() > 5000 {
		t.Fatalf("%v after %d bytes", err, out.Len())
	}
	p.MaxBytes = int64(len(whole))
	if again, _, err := build(t, values(pages...), p); err != nil || !bytes.Equal(whole, again) {
		t.Fatalf("%v: just as large as allowed", err)
	}
}

// TestEqualPagesAreStoredOnce and the same values give the same bytes.
// spec: g9
func TestEqualPagesAreStoredOnce(t *testing.T) {
	p := photo(ir.RGB8, 120, 90)
	one, ten := mustBuild(t, p), mustBuild(t, p, p, p, p, p, p, p, p, p, p)
	if n := bytes.Count(ten, []byte("/Subtype/Image")); n != 1 {
		t.Errorf("%d pictures", n)
	}
	if len(ten)-len(one) > 9*600 {
		t.Errorf("nine pages more take %d bytes", len(ten)-len(one))
	}
	if !bytes.Equal(ten, mustBuild(t, p, p, p, p, p, p, p, p, p, p)) {
		t.Error("two builds differ")
	}
	turned := p // as many bytes, but another picture
	turned.r.W, turned.r.H = p.r.H, p.r.W
	if n := bytes.Count(mustBuild(t, p, turned), []byte("/Subtype/Image")); n != 2 {
		t.Errorf("%d pictures of two sizes", n)
	}
}

// TestTextOutside: text that is not on the page is left out, and said.
func TestTextOutside(t *testing.T) {
	p := text(ir.Gray1, 20, 10)
	p.runs = []ir.Run{{X: a4w + 20_000, Y: 0, Size: 10_000, Length: 9, S: "beside"}, {X: 0, Y: -20_000, Size: 10_000, S: "below"}, {X: 0, Y: 0, Size: 10_000, S: "in"}}
	_, built, err := build(t, values(p), profile())
	if err != nil || built.Sheets[0].Marks != 2 || len(built.Findings) != 1 || built.Findings[0].Code != codeHidden {
		t.Fatalf("%+v %v", built, err)
	}
}

func TestEighths(t *testing.T) {
	seen := map[byte]bool{}
	for v := range byte(16) {
		e := eighth(v)
		seen[e] = true
		if eighth(e) != e || e > v+1 || v > e+1 || (e == 15) != (v == 15) {
			t.Errorf("%d becomes %d", v, e)
		}
	}
	if len(seen) != 9 || !seen[0] || !seen[15] {
		t.Error(seen)
	}
}

func TestBuildText(t *testing.T) {
	pages := func(n int64, texts ...ir.Text) []ir.Value {
		all := []ir.Value{ir.Number{Name: ir.NumberPages, N: n}, ir.Note{Code: "metadata_removed"}}
		for _, x := range texts {
			x.Role = ir.RoleContent
			all = append(all, x)
		}
		return all
	}
	for name, c := range map[string]struct {
		values []ir.Value
		want   string // "" for an error
	}{
		"two pages":      {pages(2, ir.Text{Seq: 0, S: "一\n二\n"}, ir.Text{Seq: 1, S: "三"}), "--- 1 / 2 ページ ---\n一\n二\n\n--- 2 / 2 ページ ---\n三\n"},
		"in pieces":      {pages(1, ir.Text{Seq: 0, S: "a"}, ir.Text{Seq: 0, S: "b\n"}), "--- 1 / 1 ページ ---\nab\n"},
		"empty pages":    {pages(3, ir.Text{Seq: 1, S: "x"}), "--- 1 / 3 ページ ---\n\n--- 2 / 3 ページ ---\nx\n\n--- 3 / 3 ページ ---\n"},
		"false mark":     {pages(1, ir.Text{Seq: 0, S: "--- 9 / 9 ページ ---\nx"}), "--- 1 / 1 ページ ---\n> --- 9 / 9 ページ ---\nx\n"},
		"no number":      {pages(1, ir.Text{Seq: 0, S: "x"})[1:], ""},
		"number twice":   {append(pages(1), pages(1)...), ""},
		"page too far":   {pages(1, ir.Text{Seq: 1, S: "x"}), ""},
		"backwards":      {pages(2, ir.Text{Seq: 1, S: "x"}, ir.Text{Seq: 0, S: "x"}), ""},
		"fails":          {append(pages(1), ir.Fail{Reason: "malformed"}), ""},
		"not text":       {append(pages(1), ir.Row{}), ""},
		"too many pages": {pages(MaxPages + 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			built, err := BuildText(ir.NewReader(bytes.NewReader(frames(t, c.values)), math.MaxInt64), format.Construction{Profile: format.Profile{Charset: "utf-8"}}, &out)
			if c.want == "" {
				if err == nil {
					t.Fatalf("built %q", out.String())
				}
				return
			}
			if got := strings.ReplaceAll(out.String(), "\r\n", "\n"); err != nil || got != c.want {
				t.Fatalf("%q %v, want %q", got, err, c.want)
			}
			if built.Output != format.Text || built.Extension != "txt" {
				t.Errorf("%+v", built)
			}
		})
	}
}

// TestManyPages: the tree has nodes of 64 pages.
func TestManyPages(t *testing.T) {
	for _, n := range []int{1, 64, 65, 128, 129, 700} {
		pages := make([]sheetOf, n)
		for i := range pages {
			pages[i] = text(ir.Gray1, 24, 8)
			pages[i].w = int64(100_000 + i)
		}
		data, built, err := build(t, values(pages...), profile())
		if err != nil {
			t.Fatal(err)
		}
		notes, sheets := found(t, data)
		if len(notes) > 0 || fmt.Sprint(sheets) != fmt.Sprint(built.Sheets) || len(sheets) != n {
			t.Errorf("%d pages: %v, %d found", n, notes, len(sheets))
		}
	}
}
