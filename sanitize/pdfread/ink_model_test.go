package pdfread

import (
	"slices"

	"sekisho/sanitize/pdfium"
)

// The model says plainly, pixel by pixel, what ink.go decides with fewer steps.
// Both have to agree on every page.

// modelCanvas is a drawn page and its scale in pixels a point.
type modelCanvas struct {
	pdfium.Pixels
	sx, sy float64
}

// look says whether the page shows the character.
func (c modelCanvas) look(ch pdfium.Char) sight {
	box := ch.Ink
	if box.Right <= box.Left || box.Bottom <= box.Top {
		box = ch.Box
	}
	in, whole := canvas(c).area(box)
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
		if c.ink(in, func(p rgb) bool { return p.far(g, leastStep) && p.toward(g, fill) >= 0.12 }) {
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
func (c modelCanvas) blackened(in area, ch pdfium.Char, fill rgb) bool {
	least := solidSide * float64(ch.Size)
	if float64(in.x1-in.x0) < least*c.sx || float64(in.y1-in.y0) < least*c.sy || ch.Rune >= 0x2580 && ch.Rune <= 0x27BF {
		return false
	}
	return !c.ink(in, func(p rgb) bool { return p.far(fill, leastStep) })
}

// grounds are the colours on which a glyph may stand: the median of what is to
// its left and right, and of what is above and below. A marked word's band ends
// close to its letters on one pair of sides or the other.
func (c modelCanvas) grounds(in area, size float32) [2]rgb {
	off := int(max(1, 0.05*float64(size)*c.sy))
	var around [2][2 * groundSteps]rgb
	for i := range groundSteps {
		x, y := in.x0+(in.x1-1-in.x0)*i/(groundSteps-1), in.y0+(in.y1-1-in.y0)*i/(groundSteps-1)
		around[0][2*i], around[0][2*i+1] = c.near(in.x0-off, y), c.near(in.x1-1+off, y)
		around[1][2*i], around[1][2*i+1] = c.near(x, in.y0-off), c.near(x, in.y1-1+off)
	}
	return [2]rgb{modelMiddle(around[0]), modelMiddle(around[1])}
}

// near returns a pixel, or the one at the page's edge for one beyond it.
func (c modelCanvas) near(x, y int) rgb {
	return c.pixel(min(max(x, 0), c.W-1), min(max(y, 0), c.H-1))
}

// modelMiddle is the median of colours, each part for itself. Mostly all are paper.
func modelMiddle(of [2 * groundSteps]rgb) rgb {
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
func (c modelCanvas) ink(in area, is func(rgb) bool) bool {
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

func (c modelCanvas) pixel(x, y int) rgb { return split(at(c.Pixels, x, y)) }

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
