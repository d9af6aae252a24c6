package pdfread

import (
	"encoding/binary"
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
	leastInk   = 12   // percent of the way from the ground to the text's colour
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
		if c.inked(in, anyInk(grounds[0])) || grounds[1] != grounds[0] && c.inked(in, anyInk(grounds[1])) {
			return seen
		}
		return unseen
	}
	fill, best := split(ch.Fill), unseen
	for i, ground := range grounds {
		if i > 0 && ground == grounds[0] || !fill.far(split(ground), leastStep) {
			continue
		}
		if c.inked(in, inkToward(ground, ch.Fill)) {
			if c.blackened(in, ch) {
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
func (c canvas) blackened(in area, ch pdfium.Char) bool {
	least := solidSide * float64(ch.Size)
	if float64(in.x1-in.x0) < least*c.sx || float64(in.y1-in.y0) < least*c.sy || ch.Rune >= 0x2580 && ch.Rune <= 0x27BF {
		return false
	}
	return !c.inked(in, anyInk(ch.Fill))
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

// grounds are the colours on which a glyph may stand, as 0xRRGGBB: the median
// of what is to its left and right, and of what is above and below. A marked
// word's band ends close to its letters on one pair of sides or the other.
func (c canvas) grounds(in area, size float32) [2]uint32 {
	off := int(max(1, 0.05*float64(size)*c.sy))
	left, right := max(in.x0-off, 0), min(in.x1-1+off, c.W-1)
	top, bottom := max(in.y0-off, 0)*c.Stride, min(in.y1-1+off, c.H-1)*c.Stride
	var beside, above [2 * groundSteps]uint32
	first, differ := c.load(in.y0*c.Stride+4*left), uint32(0)
	for i := range groundSteps {
		x, y := 4*(in.x0+(in.x1-1-in.x0)*i/(groundSteps-1)), (in.y0+(in.y1-1-in.y0)*i/(groundSteps-1))*c.Stride
		a, b, d, e := c.load(y+4*left), c.load(y+4*right), c.load(top+x), c.load(bottom+x)
		beside[2*i], beside[2*i+1], above[2*i], above[2*i+1] = a, b, d, e
		differ |= (a ^ first) | (b ^ first) | (d ^ first) | (e ^ first)
	}
	if differ == 0 { // mostly all are paper
		return [2]uint32{color(first), color(first)}
	}
	return [2]uint32{color(middle(&beside)), color(middle(&above))}
}

// groundSteps is how many pixels are looked at on each side.
const groundSteps = 7

// middle is the median of colours, each part for itself. A colour that more
// than half of them have is the median of each.
func middle(of *[2 * groundSteps]uint32) uint32 {
	most, lead := of[0], 0
	for _, p := range of { // Boyer and Moore: only most can be the majority
		switch {
		case p == most:
			lead++
		case lead == 0:
			most, lead = p, 1
		default:
			lead--
		}
	}
	n := 0
	for _, p := range of {
		if p == most {
			n++
		}
	}
	if n > groundSteps {
		return most
	}
	var m uint32
	for shift := 0; shift < 24; shift += 8 {
		var part [2 * groundSteps]uint8
		for i, p := range of {
			part[i] = uint8(p >> shift)
		}
		slices.Sort(part[:])
		m |= uint32(part[groundSteps]) << shift
	}
	return m
}

// ink is what counts as ink on a ground: what differs enough from it and, where
// there is a way, lies far enough on the way to the colour of the text.
type ink struct {
	ground uint32 // as it is stored
	from   rgb    // the same
	way    rgb    // to the text's colour
	least  int    // the product with the way from which a pixel counts
}

// anyInk is whatever differs from a colour, 0xRRGGBB.
func anyInk(ground uint32) ink { return ink{ground: color(ground), from: split(ground)} }

// inkToward is ink of a colour on a ground, both 0xRRGGBB.
func inkToward(ground, fill uint32) ink {
	k := anyInk(ground)
	to, length := split(fill), 0
	for i := range k.way {
		k.way[i] = to[i] - k.from[i]
		length += k.way[i] * k.way[i]
	}
	k.least = (leastInk*length + 99) / 100
	return k
}

// is reports whether a pixel, as it is stored, is ink.
func (k ink) is(p uint32) bool {
	r, g, b := int(p&255)-k.from[0], int(p>>8&255)-k.from[1], int(p>>16&255)-k.from[2]
	return r*r+g*g+b*b >= leastStep*leastStep && r*k.way[0]+g*k.way[1]+b*k.way[2] >= k.least
}

// inked reports whether enough of an area is ink.
func (c canvas) inked(in area, k ink) bool {
	need := max(1, int(leastShare*float64((in.x1-in.x0)*(in.y1-in.y0))))
	for y := in.y0; y < in.y1; y++ {
		row := c.Pix[y*c.Stride+4*in.x0 : y*c.Stride+4*in.x1]
		for ; len(row) >= 4; row = row[4:] {
			p := binary.LittleEndian.Uint32(row) & colorBits
			if p == k.ground || !k.is(p) {
				continue
			}
			if need--; need == 0 {
				return true
			}
		}
	}
	return false
}

// plain reports whether an area has one colour.
func (c canvas) plain(in area) bool {
	first := c.load(in.y0*c.Stride + 4*in.x0)
	for y := in.y0; y < in.y1; y++ {
		for o := y*c.Stride + 4*in.x0; o < y*c.Stride+4*in.x1; o += 4 {
			if c.load(o) != first {
				return false
			}
		}
	}
	return true
}

// colorBits are those of a stored pixel that mean something.
const colorBits = 0xFFFFFF

// load returns the pixel at an offset as it is stored: red in the low bits.
func (c canvas) load(o int) uint32 { return binary.LittleEndian.Uint32(c.Pix[o:]) & colorBits }

// color turns a pixel as it is stored into 0xRRGGBB, and back.
func color(p uint32) uint32 { return p>>16&0xFF | p&0xFF00 | p&0xFF<<16 }

// rgb is a colour, 0 to 255 each.
type rgb [3]int

func split(v uint32) rgb { return rgb{int(v >> 16 & 255), int(v >> 8 & 255), int(v & 255)} }

// far reports whether two colours are at least step apart.
func (p rgb) far(q rgb, step float64) bool {
	d := 0
	for i := range p {
		d += (p[i] - q[i]) * (p[i] - q[i])
	}
	return float64(d) >= step*step
}
