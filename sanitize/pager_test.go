package sanitize

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// said are the values of one box's answer, as they come over the wall.
func said(values ...ir.Value) *reply {
	var b bytes.Buffer
	for _, v := range append(values, ir.End{}) {
		b.Write(ir.Append(nil, v))
	}
	return &reply{r: ir.NewReader(&b, 1<<20), unwatch: func() bool { return true }}
}

func pagesOf(n int64) ir.Value { return ir.Number{Name: ir.NumberPages, N: n} }
func sheetOf(n int64) ir.Value { return ir.Sheet{Page: n, W: 1000, H: 1000} }
func endOf(n int64) ir.Value   { return ir.Number{Name: ir.NumberTurned, N: n} }

// TestTurns: pages of two boxes come in order, whatever does not is a hold.
// spec: g2 g4
func TestTurns(t *testing.T) {
	note := ir.Note{Code: "pdf_link", Where: "page 1"}
	for _, test := range []struct {
		name string
		a, b *reply
		want string // of the values that are handed on: a letter each
		hold string
	}{
		{"in turn", said(pagesOf(4), sheetOf(0), note, endOf(0), sheetOf(2), endOf(2)), said(pagesOf(4), sheetOf(1), endOf(1), sheetOf(3), endOf(3)), "sNsss", ""},
		{"shared, once more", said(pagesOf(2), ir.Number{Name: ir.NumberShared, N: 1}, sheetOf(0), endOf(0)), said(pagesOf(2), sheetOf(1), endOf(1)), "ss", ""},
		{"something after the last page", said(pagesOf(2), sheetOf(0), endOf(0), note), said(pagesOf(2), sheetOf(1), endOf(1)), "ssN", ""},
		{"another number of pages", said(pagesOf(2), sheetOf(0), endOf(0)), said(pagesOf(3), sheetOf(1), endOf(1)), "", "do not agree"},
		{"the page of the other", said(pagesOf(2), sheetOf(0), endOf(0)), said(pagesOf(2), sheetOf(0), endOf(0)), "", "out of turn"},
		{"a page before its turn", said(pagesOf(2), sheetOf(1), endOf(1)), said(pagesOf(2), sheetOf(1), endOf(1)), "", "out of turn"},
		{"two pages at once", said(pagesOf(4), sheetOf(0), sheetOf(1), endOf(1)), said(pagesOf(4)), "", "a page too many"},
		{"more pages than said", said(pagesOf(2), sheetOf(0), endOf(0), sheetOf(2)), said(pagesOf(2), sheetOf(1), endOf(1)), "", "out of turn"},
		{"an end too soon", said(pagesOf(2)), said(pagesOf(2), sheetOf(1), endOf(1)), "", "a page is missing"},
		{"the end of nothing", said(pagesOf(2), endOf(0)), said(pagesOf(2)), "", "the end of no page"},
		{"a reason to hold", said(pagesOf(2), sheetOf(0), endOf(0)), said(pagesOf(2), ir.Fail{Reason: string(format.Malformed), Detail: "page 2"}), "", "page 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got strings.Builder
			g := &pager{said: 2, take: func(v ir.Value) error {
				switch v.(type) {
				case ir.Sheet:
					got.WriteByte('s')
				case ir.Note:
					got.WriteByte('N')
				default:
					t.Errorf("%T is handed on", v)
				}
				return nil
			}}
			if strings.HasPrefix(test.name, "in turn") || strings.HasPrefix(test.name, "two pages") {
				g.said = 4
			}
			err := g.turns(context.Background(), [2]*reply{test.a, test.b})
			var hold *format.Error
			switch {
			case test.hold == "" && (err != nil || got.String() != test.want):
				t.Errorf("%q, %v; want %q", got.String(), err, test.want)
			case test.hold != "" && (!errors.As(err, &hold) || !strings.Contains(hold.Detail, test.hold)):
				t.Errorf("%v, want a hold that says %q", err, test.hold)
			}
		})
	}
}

// TestGather: findings of pages are those of the document, each once.
func TestGather(t *testing.T) {
	g := newGatherer()
	for _, n := range []ir.Note{
		{Code: "pdf_script"}, {Code: "font_substituted", Detail: "Ryumin"}, {Code: "font_substituted", Detail: "Ryumin"},
		{Code: "pdf_link", Where: "page 1"}, {Code: "pdf_link", Where: "page 2"}, {Code: "hidden_text", Where: "page 2", Detail: "3 characters"},
		{Code: "pdf_link", Where: "page 2"}, {Code: "pdf_link", Where: "page 3"}, {Code: "pdf_link", Where: "page 7"}, {Code: "font_substituted", Detail: "GothicBBB"},
	} {
		if err := g.add(n); err != nil {
			t.Fatal(n, err)
		}
	}
	want := []format.Finding{{Code: "pdf_script"}, {Code: "font_substituted", Detail: "Ryumin, GothicBBB"},
		{Code: "pdf_link", Where: "page 1-3, 7"}, {Code: "hidden_text", Where: "page 2", Detail: "3 characters"}}
	if got := g.findings(); !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, where := range []string{"page 6", "page 0", "page -1", "page 07", "page 8 ", "page 99999999", "the end"} {
		if err := g.add(ir.Note{Code: "pdf_link", Where: where}); err == nil {
			t.Errorf("%q is taken", where)
		}
	}
}

// TestGatherIsBounded: a worker says as much as it likes.
func TestGatherIsBounded(t *testing.T) {
	g := newGatherer()
	for i := range int64(5000) {
		n := ir.Note{Code: "pdf_link", Where: "page " + fmt.Sprint(2*i+1), Detail: "name " + fmt.Sprint(i)}
		if err := errors.Join(g.add(n), g.add(ir.Note{Code: "code_" + fmt.Sprint(i)})); err != nil {
			t.Fatal(err)
		}
	}
	all := g.findings()
	if len(all) != maxNotes || len(all[0].Where) > ir.MaxDetail || len(g.by["pdf_link"].pages) != maxPageRuns {
		t.Errorf("%d findings, %d bytes, %d runs", len(all), len(all[0].Where), len(g.by["pdf_link"].pages))
	}
	if !strings.HasSuffix(all[0].Detail, ", name 11, and 4988 more") {
		t.Error(all[0].Detail)
	}
}
