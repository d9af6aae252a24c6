package pdf

import "strings"

// attempt is a palette to try: how many bits of a channel count, how many
// colours there may be, and whether edges may be rough.
type attempt struct {
	bits, most int
	rough      bool
}

// A page of coloured letters on white has some 800 colours by the soft edges of
// its letters. With 32 steps a channel they are 140, nobody sees it, and the
// page takes half of the JPEG's bytes. Edges alone can do with nine steps, as
// grey letters do. Where quality matters, as many bits are kept as can be.
var (
	closely = [...]attempt{{8, 256, false}, {7, 256, false}, {6, 256, false}}
	roughly = [...]attempt{{8, 16, false}, {5, 256, true}, {8, 256, false}}
)

// A colour is one of surfaces when it fills a run somewhere that is longer than
// the strokes of letters, and else one of edges. More edges than a page of
// letters has are a photograph.
const (
	surfaceShare = 50 // a run is this part of the page's width, 4 mm of A4
	surfaceLeast = 4  // pixels
	edgeShare    = 20 // percent of the pixels
)

// busy reports whether so many pixels differ from their neighbour that a page
// can be no page of letters: a scan with its noise. It looks at each eighth row
// of pixels of some bytes each.
func busy(pix []byte, w, each int) bool {
	const rows, share = 8, 40 // percent
	stride := w * each
	differ, all := 0, 0
	for ; len(pix) >= stride; pix = pix[min(rows*stride, len(pix)):] {
		for i := each; i < stride; i += each {
			if pix[i] != pix[i-each] {
				differ++
			}
		}
		all += w
	}
	return differ*100 > all*share
}

// soft reports whether tones run into each other, as in a photograph or a
// gradient, where few steps would show as bands: most changes between
// neighbours, right or below, are by the smallest of steps, and they are many.
// White and black are left out, where scans have their noise.
func soft(pix []byte, w, each int) bool {
	const rows, smallest, share = 8, 3, 200 // share: one pixel in as many
	stride := w * each
	small, changes, all := 0, 0, 0
	note := func(a, b byte) {
		if a == b || min(a, b) < 24 || max(a, b) > 231 {
			return
		}
		changes++
		if max(a, b)-min(a, b) <= smallest {
			small++
		}
	}
	for ; len(pix) >= 2*stride; pix = pix[min(rows*stride, len(pix)):] {
		for i := each; i < stride; i += each {
			note(pix[i], pix[i-each])
			note(pix[i], pix[i+stride])
		}
		all += w
	}
	return small*share > all && 2*small > changes
}

// surface is how many pixels in a row make a surface.
func surface(w int) int { return max(w/surfaceShare, surfaceLeast) }

// steps are those of edges: eight evenly spaced ones, and before white the
// lightest of sixteen, so that a light word does not vanish.
const (
	steps      = 9
	lightest   = 238
	stillWhite = 247 // what may become white
)

// step is the step of edges that is nearest to v, and level is what it stands
// for.
func step(v byte) int {
	switch {
	case v >= stillWhite:
		return steps - 1
	case v >= 228: // nearer to the lightest than to the one below
		return steps - 2
	}
	return (int(v)*(steps-2) + 127) / 255
}

func level(s int) byte {
	switch s {
	case steps - 1:
		return 255
	case steps - 2:
		return lightest
	}
	return byte((s*255 + 3) / (steps - 2))
}

// palette finds the colours of a picture.
type palette struct {
	colours [][3]byte
	slot    []int16 // of a colour at 7 bits a channel or less: its index plus one
	solid   []bool  // of a colour at 5 bits a channel: it is one of surfaces
	exact   map[[3]byte]byte
}

// index writes the picture as indices into a palette, packed into as few bits
// as hold them, and returns how many, 0 when there are too many colours.
func (p *palette) index(to, pix []byte, w int, attempts [3]attempt) int {
	for _, a := range attempts {
		if !p.try(to, pix, w, a) {
			continue
		}
		return p.packed(to, w)
	}
	return 0
}

// packed packs the indices into as few bits as hold them and returns how many.
func (p *palette) packed(to []byte, w int) int {
	switch n := len(p.colours); {
	case n <= 2:
		pack(to, w, 1)
		return 1
	case n <= 4:
		pack(to, w, 2)
		return 2
	case n <= 16:
		pack(to, w, 4)
		return 4
	}
	return 8
}

// try indexes the picture and reports whether its colours fit.
func (p *palette) try(to, pix []byte, w int, a attempt) bool {
	p.colours = p.colours[:0]
	if a.bits == 8 {
		return p.tryExact(to, pix, a.most)
	}
	if p.slot == nil {
		p.slot, p.solid = make([]int16, 1<<21), make([]bool, 1<<15)
	}
	clear(p.slot[:1<<(3*a.bits)])
	if a.rough {
		p.surfaces(pix, surface(w))
	}
	var edges [256]bool
	var rough [steps * steps * steps]int16 // indices plus one of edges
	var count [256]int
	bits, down := a.bits, 8-a.bits
	for i := range to {
		c := pix[3*i : 3*i+3 : 3*i+3]
		key := int(c[0]>>down)<<(2*bits) | int(c[1]>>down)<<bits | int(c[2]>>down)
		at := p.slot[key]
		if at == 0 {
			slot, colour, edge := &p.slot[key], [3]byte{spread(c[0]>>down, bits), spread(c[1]>>down, bits), spread(c[2]>>down, bits)}, false
			if a.rough && !p.solid[key] {
				r, g, b := step(c[0]), step(c[1]), step(c[2])
				slot, colour, edge = &rough[(r*steps+g)*steps+b], [3]byte{level(r), level(g), level(b)}, true
			}
			if *slot == 0 {
				if len(p.colours) == a.most {
					return false
				}
				edges[len(p.colours)] = edge
				p.colours = append(p.colours, colour)
				*slot = int16(len(p.colours))
			}
			at = *slot
			p.slot[key] = at
		}
		to[i] = byte(at - 1)
		count[at-1]++
	}
	return few(edges, count, len(to))
}

// few reports whether the pixels of edges are no more than letters have.
func few(edges [256]bool, count [256]int, all int) bool {
	n := 0
	for i, e := range edges {
		if e {
			n += count[i]
		}
	}
	return n*100 <= all*edgeShare
}

// surfaces finds the colours that fill runs.
func (p *palette) surfaces(pix []byte, least int) {
	clear(p.solid)
	run := 0
	for i := 3; i+3 <= len(pix); i += 3 {
		if pix[i] != pix[i-3] || pix[i+1] != pix[i-2] || pix[i+2] != pix[i-1] {
			run = 0
			continue
		}
		if run++; run == least-1 {
			p.solid[int(pix[i]>>3)<<10|int(pix[i+1]>>3)<<5|int(pix[i+2]>>3)] = true
		}
	}
}

// indexGrey is index for shades of grey, roughly.
func (p *palette) indexGrey(to, pix []byte, w int) int {
	var count [256]int
	var solid, edges [256]bool
	run, least := 0, surface(w)
	last := -1
	for _, v := range pix {
		count[v]++
		if int(v) != last {
			run, last = 0, int(v)
			continue
		}
		if run++; run == least-1 {
			solid[v>>3] = true
		}
	}
	p.colours = p.colours[:0]
	var index [256]byte
	var known [256]int // of a grey as it is written: its index plus one
	var total [256]int
	for v, n := range count {
		if n == 0 {
			continue
		}
		grey, edge := spread(byte(v)>>3, 5), false
		if !solid[v>>3] {
			grey, edge = level(step(byte(v))), true
		}
		if known[grey] == 0 {
			p.colours = append(p.colours, [3]byte{grey, grey, grey})
			known[grey] = len(p.colours)
		}
		index[v] = byte(known[grey] - 1)
		edges[index[v]] = edge
		total[index[v]] += n
	}
	if !few(edges, total, len(pix)) {
		return 0
	}
	for i, v := range pix {
		to[i] = index[v]
	}
	return p.packed(to, w)
}

func (p *palette) tryExact(to, pix []byte, most int) bool {
	if p.exact == nil {
		p.exact = make(map[[3]byte]byte, 256)
	}
	clear(p.exact)
	var last [3]byte
	at, known := byte(0), false
	for i := range to {
		c := [3]byte(pix[3*i:])
		if c == last && known {
			to[i] = at
			continue
		}
		n, ok := p.exact[c]
		if !ok {
			if len(p.colours) == most {
				return false
			}
			n = byte(len(p.colours))
			p.colours = append(p.colours, c)
			p.exact[c] = n
		}
		last, at, known = c, n, true
		to[i] = n
	}
	return true
}

// spread widens v from a few bits to eight, so that black and white stay.
func spread(v byte, bits int) byte { return byte(int(v) * 255 / (1<<bits - 1)) }

// space writes the palette as a colour space (ISO 32000-1, 8.6.6.3).
// spec: pdf#8.6.6.3
func (p *palette) space() string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.WriteString("[/Indexed/DeviceRGB ")
	b.Write(decimal(nil, int64(len(p.colours)-1), 0))
	b.WriteByte('<')
	for _, c := range p.colours {
		for _, v := range c {
			b.WriteByte(hex[v>>4])
			b.WriteByte(hex[v&15])
		}
	}
	b.WriteString(">]")
	return b.String()
}

// pack packs one byte a pixel into bits, in place, each row to a whole byte.
func pack(p []byte, w, bits int) {
	each := 8 / bits
	out := 0
	for row := p; len(row) >= w; row = row[w:] {
		for x := 0; x < w; x += each {
			var b byte
			for k := range each {
				b <<= bits
				if x+k < w {
					b |= row[x+k]
				}
			}
			p[out] = b
			out++
		}
	}
}
