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

// TestPreviewsAreKept: a page is drawn once while it is kept, for whoever asks;
// the oldest one goes first, and all after their time.
func TestPreviewsAreKept(t *testing.T) {
	e := drawEngine(t)
	mail := mailWith(map[string][]byte{"a.pdf": testPDF(3, "noise")}, "a.pdf")
	keep := NewPreviews(e, 1<<20, time.Hour)
	in := Input{Kind: format.Mail, Data: memory(t, mail), Rules: policy.Default()}
	page := func(n int64) []byte {
		t.Helper()
		b := BudgetOf(in.Rules)
		b.Deadline = time.Now().Add(time.Minute)
		p, err := keep.Preview(t.Context(), in, "1", n, b)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		png, err := io.ReadAll(p.Reader())
		if err != nil || p.Pages != 3 || p.Page != n || p.Size() != int64(len(png)) || p.Sum() != sha256.Sum256(png) {
			t.Errorf("page %d of %d, %d of %d bytes, %v", p.Page, p.Pages, len(png), p.Size(), err)
		}
		return png
	}
	drawn := func() uint64 { return e.boxes.Stats().Started }
	first := page(1)
	keep.max = int64(5 * len(first) / 2) // room for two
	before := drawn()
	if again := page(1); !bytes.Equal(first, again) || drawn() != before {
		t.Errorf("another picture, or drawn anew by %d workers", drawn()-before)
	}
	page(2)
	page(3)
	if len(keep.pages) != 2 || keep.order.Len() != 2 || keep.bytes > keep.max {
		t.Errorf("%d pages of %d bytes are kept", len(keep.pages), keep.bytes)
	}
	before = drawn()
	if again := page(1); !bytes.Equal(first, again) || drawn() == before {
		t.Error("the oldest page was still there, or came out otherwise")
	}
	if k := keep.get(look{}, time.Now().Add(2*time.Hour)); k != nil || keep.bytes != 0 || len(keep.pages) != 0 {
		t.Errorf("%d bytes of %d pages after their time", keep.bytes, len(keep.pages))
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
