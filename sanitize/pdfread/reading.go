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
	for _, ch := range t.Chars {
		c, ok := clean(ch)
		if !ok {
			continue
		}
		if isBlank(c) {
			v.letters = append(v.letters, letter{ch, true})
			v.letters[len(v.letters)-1].Rune = c
			continue
		}
		ch.Rune = c
		v.total++
		r.all.add(c)
		s := on.look(ch)
		if !ch.Hidden && ch.Size >= leastSize && s != unseen {
			v.marks++
			v.fills = append(v.fills, ch.Fill)
		}
		switch s {
		case seen:
			v.letters = append(v.letters, letter{ch, false})
			r.letters.add(c)
		case lost:
			v.lost++
			v.hidden++
		default:
			v.hidden++
		}
	}
	if v.hidden > 0 {
		r.notes.page("hidden_text", r.page, fmt.Sprintf("%d characters", v.hidden))
	}
	return v
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
	if foreign == 0 || v.lost == 0 || r.fonts && v.lost*lostShare < v.total {
		return nil
	}
	return format.Hold(format.FidelityLoss, fmt.Sprintf("page %d: no font for %d characters", r.page+1, v.lost))
}

func isBlank(r rune) bool { return r == '\n' || unicode.IsSpace(r) || r == 0x200B }
