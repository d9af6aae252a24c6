package pdf

import "strings"

// attempt is a palette to try: how many bits of a channel count, and how many
// colours there may be.
type attempt struct{ bits, most int }

// A page of coloured letters on white has some 800 colours by the soft edges of
// its letters; with 32 steps a channel they are 140, nobody sees it, and the
// page takes less than half of the JPEG's bytes. Where quality matters, as many
// bits are kept as can be.
var (
	closely = [...]attempt{{8, 256}, {6, 256}, {5, 256}}
	roughly = [...]attempt{{8, 32}, {5, 256}, {8, 256}}
)

// palette finds the colours of a picture.
type palette struct {
	colours [][3]byte
	slot    []int16 // of a colour at 6 bits a channel or less: its index plus one
	exact   map[[3]byte]byte
}

// index writes the picture as indices into a palette, packed into as few bits
// as hold them, and returns how many, 0 when there are too many colours.
func (p *palette) index(to, pix []byte, w int, attempts [3]attempt) int {
	for _, a := range attempts {
		if !p.try(to, pix, a) {
			continue
		}
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
	return 0
}

// try indexes the picture and reports whether its colours fit.
func (p *palette) try(to, pix []byte, a attempt) bool {
	p.colours = p.colours[:0]
	if a.bits == 8 {
		return p.tryExact(to, pix, a.most)
	}
	bits := a.bits
	if p.slot == nil {
		p.slot = make([]int16, 1<<18)
	}
	clear(p.slot)
	down := 8 - bits
	for i := range to {
		c := pix[3*i : 3*i+3 : 3*i+3]
		key := int(c[0]>>down)<<(2*bits) | int(c[1]>>down)<<bits | int(c[2]>>down)
		at := p.slot[key]
		if at == 0 {
			if len(p.colours) == a.most {
				return false
			}
			p.colours = append(p.colours, [3]byte{spread(c[0]>>down, bits), spread(c[1]>>down, bits), spread(c[2]>>down, bits)})
			at = int16(len(p.colours))
			p.slot[key] = at
		}
		to[i] = byte(at - 1)
	}
	return true
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
