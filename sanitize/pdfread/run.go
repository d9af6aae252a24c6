package pdfread

import (
	"math"
	"strings"

	"sekisho/sanitize/ir"
)

// Letters become runs: pieces of one direction and size whose letters follow
// each other. Everything is measured along the line (u) and across it (v),
// both in points on the page as displayed, y down; so horizontal, vertical and
// slanted text is laid out by the same rules.
const (
	sameTurn  = 0.05 // radians
	sameSize  = 1.25 // ratio
	sameLine  = 0.4  // of the size, across
	gapMost   = 1.2  // of the size, between letters of a run
	gapBlank  = 0.6  // the same where the source has no blank: the next cell of a table
	backMost  = 0.8  // of the size, by which a letter may start before the end of the last
	maxRun    = 1000 // characters
	ascent    = 0.38 // of the size: from the middle of a line down to its base line
	downRight = math.Pi / 2
)

// span is a letter's place along and across a direction.
type span struct{ from, to, across float64 }

// along measures a box in the direction of an angle, clockwise. Boxes are
// upright; the size tells how high a slanted one's letters are.
func along(l letter, angle float64) span {
	sin, cos := math.Sincos(angle)
	w, h := float64(l.Box.Right-l.Box.Left), float64(l.Box.Bottom-l.Box.Top)
	x, y := float64(l.Box.Left)+w/2, float64(l.Box.Top)+h/2
	half := (w*math.Abs(cos) + h*math.Abs(sin)) / 2
	if s, c := math.Abs(sin), math.Abs(cos); s > sameTurn && c > sameTurn {
		// A box around a slanted letter of width a and height b is a·c + b·s wide
		// and a·s + b·c high.
		half = float64(l.Size) / 4
		if math.Abs(c-s) > 0.2 {
			half = min(max((w*c-h*s)/(c*c-s*s)/2, float64(l.Size)/8), float64(l.Size))
		}
	}
	u := x*cos + y*sin
	return span{u - half, u + half, y*cos - x*sin}
}

// line is a run in the making.
type line struct {
	angle  float64
	size   float64
	first  span
	last   span
	across float64 // of all letters, to take the middle
	n      int
	b      strings.Builder
	gap    string // blanks seen since the last letter
	guess  bool   // that PDFium put in
	prev   letter
}

// layOut arranges the letters of a page of the given height, in thousandths of
// a point, into runs, in the order in which they came.
func layOut(letters []letter, high int64) []ir.Run {
	var runs []ir.Run
	for _, l := range lines(letters) {
		if r, ok := l.run(high); ok {
			runs = append(runs, r)
		}
	}
	return runs
}

// lines arranges letters into lines, in the order in which they came.
func lines(letters []letter) []*line {
	var all []*line
	var cur *line
	for i, l := range letters {
		if l.blank {
			if cur != nil && len(cur.gap) < 16 && l.Rune != '\n' {
				cur.gap += string(l.Rune)
				cur.guess = cur.guess || l.Generated
			}
			continue
		}
		if cur == nil || !cur.takes(l) {
			cur = start(l, next(letters[i+1:]))
			all = append(all, cur)
		}
		cur.add(l)
	}
	return all
}

// next returns the next letter that is not blank.
func next(letters []letter) *letter {
	for i := range letters {
		if !letters[i].blank {
			return &letters[i]
		}
	}
	return nil
}

// start begins a line with l; the letter after it shows whether upright
// letters run down.
func start(l letter, after *letter) *line {
	angle := float64(l.Angle)
	if after != nil && downwards(l, *after) {
		angle = math.Mod(angle+downRight, 2*math.Pi)
	}
	return &line{angle: angle, size: float64(l.Size)}
}

// downwards reports whether b stands below a in a vertical line of upright
// letters: right under it, less than a letter away, both full width.
func downwards(a, b letter) bool {
	if math.Abs(float64(a.Angle-b.Angle)) > sameTurn || !wide(a.Rune) || !wide(b.Rune) {
		return false
	}
	p, q := along(a, float64(a.Angle)), along(b, float64(a.Angle))
	step := q.across - p.across
	size := float64(max(a.Size, b.Size))
	return math.Abs(p.from+p.to-q.from-q.to)/2 < 0.3*size && step > 0.5*size && step < 1.3*size
}

// wide reports whether r is set in a full square in vertical writing.
func wide(r rune) bool {
	switch {
	case r >= 0x2E80 && r <= 0xA4CF, r >= 0xAC00 && r <= 0xD7A3, r >= 0xF900 && r <= 0xFAFF:
		return true
	case r >= 0xFE30 && r <= 0xFE4F, r >= 0xFF00 && r <= 0xFF60, r >= 0x20000 && r <= 0x3FFFD:
		return true
	case r >= 0x2010 && r <= 0x2027, r >= 0x2190 && r <= 0x27BF:
		return true
	}
	return false
}

// upright reports whether the line's letters stand upright while it runs down.
func (l *line) upright(c letter) bool { return math.Abs(turn(l.angle-float64(c.Angle))) > sameTurn }

// turn brings an angle into (-π, π].
func turn(a float64) float64 { return math.Remainder(a, 2*math.Pi) }

// takes reports whether a letter continues the line.
func (l *line) takes(c letter) bool {
	if l.upright(c) {
		if !downwards(l.prev, c) {
			return false
		}
	} else if l.upright(l.prev) {
		return false
	}
	size := float64(c.Size)
	s := along(c, l.angle)
	gap, most := s.from-l.last.to, gapMost
	if l.gap == "" || l.guess {
		most = gapBlank
	}
	return l.n < maxRun && size <= l.size*sameSize && l.size <= size*sameSize &&
		math.Abs(s.across-l.last.across) <= sameLine*l.size && gap <= most*l.size && gap >= -backMost*l.size
}

// add appends a letter that the line takes.
func (l *line) add(c letter) {
	s := along(c, l.angle)
	if l.n == 0 {
		l.first = s
	} else {
		l.b.WriteString(l.gap)
	}
	l.gap, l.guess = "", false
	l.b.WriteRune(c.Rune)
	l.last, l.prev = s, c
	l.across += s.across
	l.n++
}

// run puts the line into the language of the wall: from the lower left corner,
// angles counter-clockwise.
func (l *line) run(high int64) (ir.Run, bool) {
	v := l.across/float64(l.n) + ascent*l.size
	sin, cos := math.Sincos(l.angle)
	x, y := l.first.from*cos-v*sin, l.first.from*sin+v*cos
	r := ir.Run{
		X: thousandths(x), Y: high - thousandths(y),
		Length: max(1, thousandths(l.last.to-l.first.from)), Size: thousandths(l.size),
		Angle: (360 - int64(math.Round(l.angle*180/math.Pi))%360) % 360,
		S:     l.b.String(),
	}
	ok := r.Length <= ir.MaxSheet && r.Size > 0 && r.Size <= ir.MaxSheet && inSheet(r.X) && inSheet(r.Y) && ir.Clean(r.S, false) == nil
	return r, ok
}

func inSheet(n int64) bool { return n >= -ir.MaxSheet && n <= ir.MaxSheet }

func thousandths(points float64) int64 { return int64(math.Round(points * 1000)) }
