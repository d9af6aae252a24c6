package pdfread

import (
	"fmt"
	"unicode"

	"sekisho/sanitize/format"
	"sekisho/sanitize/pdfium"
)

// letter is a character that the page shows, cleaned.
type letter struct {
	pdfium.Char
	blank bool // a space: laid out, never looked for
}

// view is what the text of a page comes to when its pixels are asked.
type view struct {
	letters []letter
	marks   int64    // characters that the source wants seen
	fills   []uint32 // their colours
	hidden  int      // characters left out: nobody can see them
	lost    int      // drawn characters without a mark, in scripts that need a font
	total   int
}

// read looks for each character in the pixels.
func (r *reading) read(t pdfium.Text, on canvas) view {
	var v view
	sights := sightsOf(t.Chars, on)
	for i, ch := range t.Chars {
		c, ok := clean(ch)
		if !ok {
			continue
		}
		ch.Rune = c
		if isBlank(c) {
			v.letters = append(v.letters, letter{ch, true})
			continue
		}
		v.total++
		r.all.add(c)
		if !ch.Hidden && sights[i] != unseen {
			v.marks++
			v.fills = append(v.fills, ch.Fill)
		}
		if sights[i] == seen {
			v.letters = append(v.letters, letter{ch, false})
			r.letters.add(c)
			continue
		}
		v.hidden++
		if sights[i] == lost {
			v.lost++
		}
	}
	if v.hidden > 0 {
		r.notes.page("hidden_text", r.page, fmt.Sprintf("%d characters", v.hidden))
	}
	return v
}

// inkOfWords is the share of an invisible text object's characters that has to
// lie over ink for all of it to count: recognized words are fitted to a scan as
// wholes, and one of their letters may come to stand between two drawn ones.
const inkOfWords = 0.75

// sightsOf looks for all characters.
func sightsOf(chars []pdfium.Char, on canvas) []sight {
	all := make([]sight, len(chars))
	type words struct{ all, seen int }
	hidden := map[int]words{}
	for i, ch := range chars {
		c, ok := clean(ch)
		if !ok || isBlank(c) {
			continue
		}
		all[i] = on.look(ch)
		if ch.Hidden {
			w := hidden[ch.Object]
			w.all++
			if all[i] == seen {
				w.seen++
			}
			hidden[ch.Object] = w
		}
	}
	for i, ch := range chars {
		if w := hidden[ch.Object]; ch.Hidden && float64(w.seen) >= inkOfWords*float64(w.all) && w.seen > 0 {
			all[i] = seen
		}
	}
	return all
}

// standOut counts the marks of the view that would differ from a page of one
// colour: with any, the page lost something.
func (v view) standOut(of uint32) int64 {
	n := int64(0)
	for _, f := range v.fills {
		if split(f).far(split(of), leastStep) {
			n++
		}
	}
	return n
}

// lostShare is how much of a page's text may have no ink before it is taken
// for glyphs that no font had, when there are fonts: below, it is covered.
const lostShare = 5 // one in as many

// vanished holds a page whose text is drawn with fonts that neither the
// document nor this machine has: it would come out empty without a word.
func (r *reading) vanished(v view, c content) error {
	foreign := 0
	for _, f := range c.text.Fonts {
		if !f.Embedded && !standard(f.Name) {
			foreign++
		}
	}
	if foreign == 0 || v.lost == 0 {
		return nil
	}
	if r.fonts && v.lost*lostShare < v.total {
		r.notes.page("glyph_missing", r.page, fmt.Sprintf("%d characters", v.lost))
		return nil
	}
	return format.Hold(format.FidelityLoss, fmt.Sprintf("page %d: no font for %d characters", r.page+1, v.lost))
}

func isBlank(r rune) bool { return r == '\n' || unicode.IsSpace(r) || r == 0x200B }
