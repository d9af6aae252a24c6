package pdfread

import (
	"math"
	"slices"

	"sekisho/sanitize/pdfium"
)

// A text layer must not let a reader copy what nobody could see, so each
// character is looked for in the pixels of its page. What is found there by
// what the source says of it:
//
//	drawn text       ink in its own colour, on another ground
//	invisible text   any ink: a scan with recognized text has it under each word
//
// Drawn text without ink is lost (a font without that glyph) or covered (a
// blackened line, a picture over it); which of the two, lost tells.
type sight uint8

const (
	unseen sight = iota // nothing on the page shows it
	lost                // it should have left a mark of another colour, and did not
	seen
)

const (
	leastSize  = 1.0  // points; below, no letter can be told from a speck
	leastInk   = 0.12 // of the way from the ground to the text's colour
	leastStep  = 30.0 // distance of two colours that eyes tell apart
	leastShare = 0.01 // of the glyph's box that has to be ink
	solidSide  = 0.4  // of the size: a box with smaller sides may be all ink
)

// canvas is a drawn page and its scale in pixels a point.
type canvas struct {
	pdfium.Pixels
	sx, sy float64
}

// area is a rectangle of pixels, x1 and y1 exclusive.
type area struct{ x0, y0, x1, y1 int }

// look says whether the page shows the character.
func (c canvas) look(ch pdfium.Char) sight {
	box := ch.Ink
	if box.Right <= box.Left || box.Bottom <= box.Top {
		box = ch.Box
	}
	in, whole := c.area(box)
	if ch.Size < leastSize || !whole {
		return unseen
	}
	grounds := c.grounds(in, ch.Size)
	if ch.Hidden {
		for _, g := range grounds {
			if c.ink(in, func(p rgb) bool { return p.far(g, leastStep) }) {
				return seen
			}
		}
		return unseen
	}
	fill, best := split(ch.Fill), unseen
	for _, g := range grounds {
		if !fill.far(g, leastStep) {
			continue
		}
		if c.ink(in, func(p rgb) bool { return p.far(g, leastStep) && p.toward(g, fill) >= leastInk }) {
			if c.blackened(in, ch, fill) {
				return unseen
			}
			return seen
		}
		best = lost
	}
	return best
}

// blackened reports whether a glyph's whole box has its colour: no letter is
// as solid as that. Blocks and bars are.
func (c canvas) blackened(in area, ch pdfium.Char, fill rgb) bool {
	least := solidSide * float64(ch.Size)
	if float64(in.x1-in.x0) < least*c.sx || float64(in.y1-in.y0) < least*c.sy || ch.Rune >= 0x2580 && ch.Rune <= 0x27BF {
		return false
	}
	return !c.ink(in, func(p rgb) bool { return p.far(fill, leastStep) })
}

// area returns the pixels of a rectangle of the page, at least one, and
// whether most of it lies on the page.
func (c canvas) area(r pdfium.Rect) (area, bool) {
	x0, y0 := pixel(r.Left, c.sx, c.W), pixel(r.Top, c.sy, c.H)
	x1, y1 := pixel(r.Right, c.sx, c.W)+1, pixel(r.Bottom, c.sy, c.H)+1
	whole := float64(r.Right-r.Left+r.Bottom-r.Top) * (c.sx + c.sy) / 2 // both sides, in pixels
	shown := area{max(x0, 0), max(y0, 0), min(x1, c.W), min(y1, c.H)}
	if shown.x0 >= shown.x1 || shown.y0 >= shown.y1 || math.IsNaN(whole) {
		return area{}, false
	}
	return shown, float64(shown.x1-shown.x0+shown.y1-shown.y0) >= whole/2
}

// pixel turns a place into a pixel; what lies far outside, or is no number,
// stays outside.
func pixel(at float32, scale float64, most int) int {
	v := math.Floor(float64(at) * scale)
	if math.IsNaN(v) {
		return -1
	}
	return int(min(max(v, -1), float64(most)))
}

// grounds are the colours on which a glyph may stand: the median of what is to
// its left and right, and of what is above and below. A marked word's band ends
// close to its letters on one pair of sides or the other.
func (c canvas) grounds(in area, size float32) [2]rgb {
	off := int(max(1, 0.05*float64(size)*c.sy))
	var around [2][2 * groundSteps]rgb
	for i := range groundSteps {
		x, y := in.x0+(in.x1-1-in.x0)*i/(groundSteps-1), in.y0+(in.y1-1-in.y0)*i/(groundSteps-1)
		around[0][2*i], around[0][2*i+1] = c.near(in.x0-off, y), c.near(in.x1-1+off, y)
		around[1][2*i], around[1][2*i+1] = c.near(x, in.y0-off), c.near(x, in.y1-1+off)
	}
	return [2]rgb{middle(around[0]), middle(around[1])}
}

// groundSteps is how many pixels are looked at on each side.
const groundSteps = 7

// near returns a pixel, or the one at the page's edge for one beyond it.
func (c canvas) near(x, y int) rgb {
	return c.pixel(min(max(x, 0), c.W-1), min(max(y, 0), c.H-1))
}

// middle is the median of colours, each part for itself. Mostly all are paper.
func middle(of [2 * groundSteps]rgb) rgb {
	m := of[0]
	if !slices.ContainsFunc(of[1:], func(p rgb) bool { return p != m }) {
		return m
	}
	var part [2 * groundSteps]int
	for i := range m {
		for j, p := range of {
			part[j] = p[i]
		}
		slices.Sort(part[:])
		m[i] = part[groundSteps]
	}
	return m
}

// ink reports whether enough of an area is ink.
func (c canvas) ink(in area, is func(rgb) bool) bool {
	need := max(1, int(leastShare*float64((in.x1-in.x0)*(in.y1-in.y0))))
	for y := in.y0; y < in.y1; y++ {
		for x := in.x0; x < in.x1; x++ {
			if is(c.pixel(x, y)) {
				if need--; need == 0 {
					return true
				}
			}
		}
	}
	return false
}

// plain reports whether an area has one colour.
func (c canvas) plain(in area) bool {
	first := at(c.Pixels, in.x0, in.y0)
	for y := in.y0; y < in.y1; y++ {
		for x := in.x0; x < in.x1; x++ {
			if at(c.Pixels, x, y) != first {
				return false
			}
		}
	}
	return true
}

// rgb is a colour, 0 to 255 each.
type rgb [3]int

func (c canvas) pixel(x, y int) rgb { return split(at(c.Pixels, x, y)) }

func split(v uint32) rgb { return rgb{int(v >> 16 & 255), int(v >> 8 & 255), int(v & 255)} }

// far reports whether two colours are at least step apart.
func (p rgb) far(q rgb, step float64) bool {
	d := 0
	for i := range p {
		d += (p[i] - q[i]) * (p[i] - q[i])
	}
	return float64(d) >= step*step
}

// toward says how far p lies on the way from one colour to another: 0 is from,
// 1 is to.
func (p rgb) toward(from, to rgb) float64 {
	way, length := 0, 0
	for i := range p {
		way += (p[i] - from[i]) * (to[i] - from[i])
		length += (to[i] - from[i]) * (to[i] - from[i])
	}
	if length == 0 {
		return 0
	}
	return float64(way) / float64(length)
}
