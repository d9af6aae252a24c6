package pdfread

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode"

	second "github.com/ledongthuc/pdf"
)

// A second extractor, which shares no code with PDFium, reads the text again
// when a document is turned into text: nobody sees the pixels then. What it
// reads and PDFium does not is a finding.
//
// Its blind spots decide how the two are compared. It does not visit form
// XObjects and annotations, so that it may read less: only what it read and
// PDFium did not counts. It knows no Japanese CMaps and gives their codes as
// Latin letters: pages with such fonts are passed over, and what it reads counts
// only when it looks like a plain text. It opens no AES-256. And it panics on
// one damaged file in five: it runs under recover, on small files, for a short
// time, after everything else is done.
const (
	secondBytes = 16 << 20
	secondTime  = 3 * time.Second
	secondPages = 100
	leastHeard  = 40  // letters; less says nothing
	leastAgreed = 0.8 // share of the second's letters that the first has too
	leastPlain  = 0.9 // share of the second's letters that look like a text
)

// census counts letters. It keeps no text.
type census struct {
	of map[rune]int
	n  int
}

func (c *census) add(r rune) {
	if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
		return
	}
	if c.of == nil {
		c.of = map[rune]int{}
	}
	c.of[r]++
	c.n++
}

// shared is the share of c's letters that d has too.
func (c *census) shared(d *census) float64 {
	if c.n == 0 {
		return 1
	}
	both := 0
	for r, n := range c.of {
		both += min(n, d.of[r])
	}
	return float64(both) / float64(c.n)
}

// plain is the share of letters that a Japanese or English text has: codes of
// a CMap that was not applied come out as Latin-1 and rare ideographs.
func (c *census) plain() float64 {
	if c.n == 0 {
		return 0
	}
	n := 0
	for r, k := range c.of {
		if r < 0x80 || r >= 0x3041 && r <= 0x30FF || r >= 0x4E00 && r <= 0x9FFF || r >= 0xFF00 && r <= 0xFFEF {
			n += k
		}
	}
	return float64(n) / float64(c.n)
}

// compare notes when the second extractor reads letters that the first did
// not.
func (r *reading) compare() {
	if r.in.Render.Page > 0 || len(r.in.Data) > secondBytes {
		return
	}
	ctx, cancel := context.WithTimeout(r.ctx, secondTime)
	defer cancel()
	other := readAgain(ctx, r.in.Data)
	if other.n < leastHeard || other.plain() < leastPlain {
		return
	}
	if share := other.shared(&r.all); share < leastAgreed {
		r.notes.add("text_differs", fmt.Sprintf("%.0f%% in common", 100*share))
	}
}

// readAgain returns what the second extractor reads, an empty census when it
// fails. Whatever it does after the time is over is done in vain: the worker
// ends with this document.
func readAgain(ctx context.Context, data []byte) census {
	done := make(chan census, 1)
	go func() {
		var c census
		defer func() {
			if recover() != nil { // a fault of the library, seen in one damaged file in five
				c = census{}
			}
			done <- c
		}()
		c = extract(ctx, data)
	}()
	select {
	case c := <-done:
		return c
	case <-ctx.Done():
		return census{}
	}
}

func extract(ctx context.Context, data []byte) census {
	var c census
	doc, err := second.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return c
	}
	fonts := map[string]*second.Font{}
	for i := 1; i <= min(doc.NumPage(), secondPages); i++ {
		if ctx.Err() != nil {
			return census{}
		}
		page := doc.Page(i)
		if !legible(page) {
			continue
		}
		text, err := page.GetPlainText(fonts)
		if err != nil {
			return census{}
		}
		for _, r := range text {
			c.add(r)
		}
	}
	return c
}

// legible reports whether the second extractor can read all fonts of a page: of
// fonts of many characters only those that say themselves what they mean.
func legible(page second.Page) bool {
	for _, name := range page.Fonts() {
		f := page.Font(name).V
		if f.Key("Subtype").Name() == "Type0" && f.Key("ToUnicode").Kind() != second.Stream {
			return false
		}
	}
	return true
}

// median returns the middle of some numbers, which it sorts; NaN of none.
func median(of []float64) float64 {
	if len(of) == 0 {
		return math.NaN()
	}
	slices.Sort(of)
	return of[len(of)/2]
}
