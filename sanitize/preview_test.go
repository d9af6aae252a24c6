package sanitize

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"image/png"
	"io"
	"testing"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/policy"
)

// preview asks for a page of a part of a mail.
func preview(t *testing.T, e *Engine, mail []byte, path string, page int64) (Preview, error) {
	t.Helper()
	in := Input{Kind: format.Mail, Data: memory(t, mail), Rules: policy.Default()}
	in.Rules.Kinds[format.PDF] = policy.Quarantine // what is held is what people want to look at
	b := BudgetOf(in.Rules)
	b.Deadline = time.Now().Add(time.Minute)
	p, err := e.Preview(t.Context(), in, path, page, b)
	t.Cleanup(p.Close)
	return p, err
}

// spec: g1 g5
func TestPreview(t *testing.T) {
	e := drawEngine(t)
	mail := mailWith(map[string][]byte{"a.pdf": testPDF(3, "noise"), "b.png": wordPicture(t, "x"), "c.txt": []byte("text")}, "a.pdf", "b.png", "c.txt")
	first := pagePNG(t, e, mail, "1", 1, 3)
	third := pagePNG(t, e, mail, "1", 3, 3)
	if bytes.Equal(first, third) {
		t.Error("two pages look the same")
	}
	if !bytes.Equal(third, pagePNG(t, e, mail, "1", 3, 3)) {
		t.Error("drawn twice, two pictures")
	}
	pagePNG(t, e, mail, "2", 1, 1)
	for _, c := range []struct {
		path   string
		page   int64
		reason format.Reason
	}{
		{"1", 0, format.LimitPages}, {"1", 4, format.LimitPages}, {"2", 2, format.LimitPages}, {"3", 1, format.KindUnsupported},
		{"", 1, format.KindUnsupported}, {"9", 1, format.Internal}, {"x", 1, format.Internal},
	} {
		_, err := preview(t, e, mail, c.path, c.page)
		var fe *format.Error
		if !errors.As(err, &fe) || fe.Reason != c.reason {
			t.Errorf("page %d of %q: %v, want %s", c.page, c.path, err, c.reason)
		}
	}
}

// TestPreviewWithinLimits: a preview is bounded like what is delivered.
func TestPreviewWithinLimits(t *testing.T) {
	e := drawEngine(t)
	mail := mailWith(map[string][]byte{"a.pdf": testPDF(1, "huge")}, "a.pdf")
	_, err := preview(t, e, mail, "1", 1)
	var fe *format.Error
	if !errors.As(err, &fe) || fe.Reason != format.LimitPixels {
		t.Errorf("a huge page: %v", err)
	}
}

// TestPreviewsAreKept: a page is drawn once, the oldest one goes first, and a
// part that is not the expected one is not shown.
func TestPreviewsAreKept(t *testing.T) {
	e := drawEngine(t)
	original := testPDF(3, "noise")
	mail := mailWith(map[string][]byte{"a.pdf": original}, "a.pdf")
	sum := sha256.Sum256(original)
	keep := NewPreviews(e, 250_000) // two pages of 300 x 150 noisy pixels and more, not all three
	in := Input{Kind: format.Mail, Data: memory(t, mail), Rules: policy.Default()}
	page := func(n int64, sum [32]byte) ([]byte, error) {
		b := BudgetOf(in.Rules)
		b.Deadline = time.Now().Add(time.Minute)
		png, pages, err := keep.Page(t.Context(), in, "1", sum, n, b)
		if err == nil && pages != 3 {
			t.Errorf("%d pages", pages)
		}
		return png, err
	}
	first, err := page(1, sum)
	if err != nil {
		t.Fatal(err)
	}
	keep.max = int64(5 * len(first) / 2) // room for two
	again, err := page(1, sum)
	if err != nil || &first[0] != &again[0] {
		t.Errorf("drawn anew: %v", err)
	}
	for n := int64(2); n <= 3; n++ {
		if _, err := page(n, sum); err != nil {
			t.Fatal(err)
		}
	}
	if len(keep.pages) != 2 || keep.order.Len() != 2 || keep.bytes > keep.max {
		t.Errorf("%d pages of %d bytes are kept", len(keep.pages), keep.bytes)
	}
	anew, err := page(1, sum)
	if err != nil || &first[0] == &anew[0] || !bytes.Equal(first, anew) {
		t.Errorf("the oldest page was still there, or came out otherwise: %v", err)
	}
	if _, err := page(1, [32]byte{1}); err == nil {
		t.Error("another part than the expected one was shown")
	}
}

func pagePNG(t *testing.T, e *Engine, mail []byte, path string, page, pages int64) []byte {
	t.Helper()
	p, err := preview(t, e, mail, path, page)
	if err != nil {
		t.Fatal(err)
	}
	if p.Page != page || p.Pages != pages || !p.OK() {
		t.Errorf("page %d of %d, want %d of %d", p.Page, p.Pages, page, pages)
	}
	b, err := io.ReadAll(p.Reader())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(bytes.NewReader(b)); err != nil {
		t.Errorf("no PNG: %v", err)
	}
	if notes, err := e.Lint(t.Context(), "a.png", memory(t, b)); err != nil || len(notes) > 0 {
		t.Errorf("lint: %v %v", notes, err)
	}
	return b
}
