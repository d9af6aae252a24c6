package pdfread

import (
	"fmt"
	"math"
	"strings"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/pdfium"
)

// textDPI is how finely a page is drawn whose text alone is wanted: fine enough
// to see what a reader sees.
const textDPI = 96

// tell emits a page as text: the same letters that would lie over its pixels.
func (r *reading) tell(page *pdfium.Page) error {
	w, h := page.Size()
	s, err := measure(w, h, textDPI, r.in.Budget.Pixels)
	if err != nil {
		return err
	}
	c, pix, err := r.see(page, r.page, s)
	if err != nil {
		return err
	}
	r.notes.content(r.page, c)
	r.substituted(c.text)
	v := r.read(c.text, canvas{pix, float64(s.px) / float64(w), float64(s.py) / float64(h)})
	if err := r.vanished(v, c); err != nil {
		return err
	}
	text := prose(lines(v.letters))
	if text == "" && c.objects.Image+c.objects.Path+c.objects.Shading > 0 {
		r.notes.page("text_missing", r.page, "")
		r.mute++
	}
	r.told++
	return r.out.Write(ir.Text{Role: ir.RoleContent, Seq: int64(r.page), S: text})
}

// silent holds a document that has something on its pages and no word of text,
// such as a scan: as text it would be empty.
func (r *reading) silent() error {
	if r.mute == 0 || r.mute < r.told || r.letters.n > 0 {
		return nil
	}
	return format.Hold(format.FidelityLoss, fmt.Sprintf("no text on %d pages of pictures", r.mute))
}

// Gaps within a row, in sizes of its letters.
const (
	gapSpace = 0.25 // a blank that the source did not write
	gapCell  = 1.0  // the next cell of a table
)

// paragraph is how many times the usual distance of rows begins a new one.
const paragraph = 1.5

// prose writes lines as a reader would copy them: the pieces of a row joined,
// cells with tabs between them, an empty line between paragraphs.
func prose(all []*line) string {
	var b strings.Builder
	usual := pitch(all)
	var last *line
	for _, l := range all {
		switch {
		case last == nil:
		case sameRow(last, l):
			gap := l.first.from - last.last.to
			switch {
			case gap > gapCell*l.size:
				b.WriteByte('\t')
			case gap > gapSpace*l.size || last.gap != "":
				b.WriteByte(' ')
			}
		default:
			b.WriteByte('\n')
			if d := distance(last, l); d > paragraph*usual || d < 0 || !sameDirection(last, l) {
				b.WriteByte('\n')
			}
		}
		b.WriteString(l.b.String())
		last = l
	}
	if last != nil {
		b.WriteByte('\n')
	}
	return b.String()
}

func sameDirection(a, b *line) bool { return math.Abs(turn(a.angle-b.angle)) < sameTurn }

// distance is how far b lies below a, in a's direction.
func distance(a, b *line) float64 { return b.first.across - a.first.across }

// sameRow reports whether b goes on where a ended.
func sameRow(a, b *line) bool {
	return sameDirection(a, b) && math.Abs(distance(a, b)) < 0.5*max(a.size, b.size) && b.first.from > a.last.to-0.5*a.size
}

// pitch is the usual distance of the rows of a page: the median.
func pitch(all []*line) float64 {
	var steps []float64
	for i := 1; i < len(all); i++ {
		if d := distance(all[i-1], all[i]); d > 0 && sameDirection(all[i-1], all[i]) && !sameRow(all[i-1], all[i]) {
			steps = append(steps, d)
		}
	}
	if len(steps) == 0 {
		return math.Inf(1)
	}
	return median(steps)
}
