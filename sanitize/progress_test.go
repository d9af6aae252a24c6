package sanitize

import (
	"fmt"
	"io"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/policy"
)

// TestProgress: each page of each document is told of once, in its order; a
// document that is drawn again is not.
func TestProgress(t *testing.T) {
	e := drawEngine(t)
	var told []string
	in := Input{Kind: format.Mail, Rules: policy.Default(), Facts: testFacts(),
		Data:     memory(t, mailWith(map[string][]byte{"a.pdf": testPDF(3, "noise"), "b.pdf": testPDF(2, "noise")}, "a.pdf", "b.pdf")),
		Progress: func(p Progress) { told = append(told, fmt.Sprintf("%s %d/%d", p.Path, p.Page, p.Pages)) }}
	n := runWith(t, e, in)
	want := []string{"1 1/3", "1 2/3", "1 3/3", "2 1/2", "2 2/2"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	told, in.Rules.Limits.Output = nil, n.Body.Size()-1
	if n = runWith(t, e, in); !slices.Equal(told, want) || n.Verdict != format.Rebuilt && n.Verdict != format.Partly {
		t.Errorf("drawn again: told %q, %s", told, n.Verdict)
	}
	told = nil
	if n := runWith(t, e, Input{Name: "a.pdf", Data: memory(t, testPDF(4, "short")), Rules: policy.Default(), Progress: in.Progress}); n.Verdict != format.Held || !slices.Equal(told, []string{" 1/4", " 2/4", " 3/4"}) {
		t.Errorf("a page less than said: %s, told %q", n.Verdict, told)
	}
}

// TestProgressOfLiars: whatever a worker announces and sends, pages are told of
// in order, once, and not more than allowed.
func TestProgressOfLiars(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Int64Range(1, 20).Draw(t, "limit")
		rules := policy.Default()
		rules.Limits.Pages = limit
		var told []Progress
		budget := BudgetOf(rules)
		budget.Pages = 1 << 40 // which bounds the pages besides
		k := taker{p: &parsed{row: &format.Format{Kind: format.PDF}}, path: "2", budget: &budget, to: io.Discard,
			session: &session{in: Input{Rules: rules, Progress: func(p Progress) { told = append(told, p) }}}}
		for range rapid.IntRange(0, 100).Draw(t, "values") {
			var v ir.Value = ir.Sheet{Page: rapid.Int64().Draw(t, "page")}
			if rapid.IntRange(0, 9).Draw(t, "announce") == 0 {
				v = ir.Number{Name: ir.NumberPages, N: rapid.Int64().Draw(t, "pages")}
			}
			if err := k.take(v); err != nil {
				t.Fatal(err)
			}
		}
		for i, p := range told {
			if p.Path != "2" || p.Page != i+1 || p.Page > p.Pages || int64(p.Pages) > limit {
				t.Fatalf("told %+v as number %d of at most %d", p, i+1, limit)
			}
		}
	})
}
