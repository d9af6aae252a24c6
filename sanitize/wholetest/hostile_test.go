package wholetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sekisho/sanitize"
	"sekisho/sanitize/format"
	"sekisho/sanitize/memfile"
	"sekisho/sanitize/policy"
)

// TestBomb: a document whose page would be drawn for years is ended with its
// worker and held, and the next one is drawn.
//
// spec: g2 g8
func TestBomb(t *testing.T) {
	e := engine(t)
	var b writer
	b.object("<</Type/Catalog/Pages 2 0 R>>")
	b.object("<</Type/Pages/Count 1/Kids[3 0 R]>>")
	b.object("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</XObject<</X 5 0 R>>>>>>")
	b.object("<</Length 5>>\nstream\n/X Do\nendstream")
	const levels, calls = 14, 10
	for i := range levels {
		content := strings.Repeat("/X Do ", calls)
		b.object(fmt.Sprintf("<</Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources<</XObject<</X %d 0 R>>>>/Length %d>>\nstream\n%s\nendstream", 6+i, len(content), content))
	}
	b.object("<</Type/XObject/Subtype/Form/BBox[0 0 595 842]/Length 15>>\nstream\n0 0 9 9 re f    \nendstream")
	data := b.end()

	f := memfile.New(int64(len(data)))
	t.Cleanup(func() { f.Close() })
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
	r := policy.Default()
	budget := sanitize.BudgetOf(r)
	start := time.Now()
	budget.Deadline = start.Add(4 * time.Second)
	n, err := e.Sanitize(t.Context(), sanitize.Input{Name: "bomb.pdf", Data: f, Rules: r}, budget)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	if n.Verdict != format.Held || n.Reason != format.LimitTime && n.Reason != format.LimitCount && n.Reason != format.LimitMemory {
		t.Errorf("%s %s %s", n.Verdict, n.Reason, n.Detail)
	}
	if spent := time.Since(start); spent > 30*time.Second {
		t.Errorf("it took %v", spent)
	}
	t.Logf("%s %s after %v", n.Reason, n.Detail, time.Since(start))
	if next := run(t, e, "a.pdf", document(1), policy.Default()); next.Verdict != format.Rebuilt {
		t.Errorf("the next one: %s %s %s", next.Verdict, next.Reason, next.Detail)
	}
}
