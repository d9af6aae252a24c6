package pdfread

import (
	"math"
	"slices"
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
	down   bool // upright letters below each other
	back   bool // PDFium gave the letters from the end
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
	for _, l := range all {
		l.forward()
	}
	columns(all)
	return all
}

// columns puts neighbouring lines that PDFium gave against the order of reading
// into it: it sorts all pages from the left, vertical lines are read from the
// right, and those of a turned page from its side. Level lines it sorts right.
func columns(all []*line) {
	for i := 0; i < len(all); {
		j := i + 1
		for j < len(all) && backwards(all[j-1], all[j]) {
			j++
		}
		slices.Reverse(all[i:j])
		i = j
	}
}

// backwards reports whether b, which is not level, is read before a: it stands
// on the side of a where lines begin, or before it in the same line, and not in
// a tier below.
func backwards(a, b *line) bool {
	if !sameDirection(a, b) || math.Abs(turn(a.angle)) < sameTurn || b.first.from >= a.last.to {
		return false
	}
	d := b.first.across - a.first.across
	return d < -0.5*a.size || d < 0.5*a.size && b.first.from < a.first.from
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
// letters run down. On a turned page PDFium takes columns for rows and gives
// some of them from the end: such a line is gathered against its direction.
func start(l letter, after *letter) *line {
	n := &line{angle: float64(l.Angle), size: float64(l.Size)}
	if after == nil || math.Abs(turn(float64(l.Angle-after.Angle))) > sameTurn {
		return n
	}
	if s := steps(l, *after); s != 0 {
		n.down, n.back = true, s < 0
		n.angle += downRight
	} else {
		p, q := along(l, n.angle), along(*after, n.angle)
		n.back = math.Abs(q.to-p.from) < 0.3*n.size && q.from < p.from && math.Abs(p.across-q.across) < sameLine*n.size && !rightToLeft(l.Rune)
	}
	if n.back {
		n.angle += math.Pi
	}
	n.angle = math.Mod(n.angle, 2*math.Pi)
	return n
}

// rightToLeft reports whether r is of a script that is written so.
func rightToLeft(r rune) bool {
	return r >= 0x590 && r <= 0x8FF || r >= 0xFB1D && r <= 0xFDFF || r >= 0xFE70 && r <= 0xFEFC || r >= 0x10800 && r <= 0x10FFF || r >= 0x1E800 && r <= 0x1EFFF
}

// steps tells where b stands in a vertical line of upright letters: 1 right
// under a, -1 right over it, both full width, else 0.
func steps(a, b letter) int {
	if !wide(a.Rune) || !wide(b.Rune) {
		return 0
	}
	p, q := along(a, float64(a.Angle)), along(b, float64(a.Angle))
	step := q.across - p.across
	size := float64(max(a.Size, b.Size))
	if math.Abs(p.from+p.to-q.from-q.to)/2 >= 0.3*size || math.Abs(step) <= 0.5*size || math.Abs(step) >= 1.3*size {
		return 0
	}
	if step < 0 {
		return -1
	}
	return 1
}

// forward turns a line that was gathered from its end.
func (l *line) forward() {
	if !l.back {
		return
	}
	text := []rune(l.b.String())
	slices.Reverse(text)
	l.b.Reset()
	l.b.WriteString(string(text))
	l.angle = math.Mod(l.angle+2*downRight, 2*math.Pi)
	l.first, l.last = l.last.mirrored(), l.first.mirrored()
	l.across = -l.across
	l.back = false
}

// mirrored is the span seen in the opposite direction.
func (s span) mirrored() span { return span{-s.to, -s.from, -s.across} }

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

// turn brings an angle into (-π, π].
func turn(a float64) float64 { return math.Remainder(a, 2*math.Pi) }

// takes reports whether a letter continues the line.
func (l *line) takes(c letter) bool {
	if math.Abs(turn(float64(l.prev.Angle-c.Angle))) > sameTurn {
		return false
	}
	if l.down {
		if s := steps(l.prev, c); s == 0 || s < 0 != l.back {
			return false
		}
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
