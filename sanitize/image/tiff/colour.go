package tiff

import (
	"image"
	"image/color"
)

// image makes a picture of the samples.
func (p *Page) image(s *store) image.Image {
	rect := image.Rect(0, 0, p.W, p.H)
	switch {
	case p.photometric == photoPalette:
		return p.paletted(s, rect)
	case p.photometric <= photoBlack && p.bits == 1:
		b := &Bilevel{Pix: s.planes[0], Stride: s.stride, Rect: rect}
		if p.photometric == photoBlack {
			for i := range b.Pix {
				b.Pix[i] = ^b.Pix[i]
			}
		}
		return b
	case p.photometric <= photoBlack && p.alpha == 0:
		m := image.NewGray(rect)
		at := p.sampler(s)
		for y := range p.H {
			for x := range p.W {
				m.Pix[y*m.Stride+x] = p.light(at(x, y, 0))
			}
		}
		return m
	case p.photometric == photoCMYK:
		return p.cmyk(s, rect)
	}
	return p.colour(s, rect)
}

// light turns a grey sample of eight bits the right way round.
func (p *Page) light(v byte) byte {
	if p.photometric == photoWhite {
		return ^v
	}
	return v
}

// sampler reads one sample of a pixel, scaled to eight bits; of sixteen the
// high eight.
func (p *Page) sampler(s *store) func(x, y, sample int) byte {
	high := 0 // where the high byte of sixteen bits lies
	if p.file.order.Uint16([]byte{0, 1}) != 1 {
		high = 1
	}
	return func(x, y, sample int) byte {
		row, i := s.planes[0], x*p.samples+sample
		if p.planar {
			row, i = s.planes[sample], x
		}
		row = row[y*s.stride:]
		switch p.bits {
		case 16:
			return row[2*i+high]
		case 8:
			return row[i]
		}
		per := 8 / p.bits
		v := row[i/per] >> (8 - p.bits*(i%per+1)) & (1<<p.bits - 1)
		return v * (255 / (1<<p.bits - 1))
	}
}

func (p *Page) paletted(s *store, rect image.Rectangle) image.Image {
	n := 1 << p.bits
	m := image.NewPaletted(rect, make(color.Palette, n))
	shift := 8
	for i := range n { // old writers use eight bits of the sixteen
		if p.colours[i] > 0xFF || p.colours[n+i] > 0xFF || p.colours[2*n+i] > 0xFF {
			shift = 0
		}
	}
	for i := range n {
		c := func(plane int) uint8 { return uint8(p.colours[plane*n+i] << shift >> 8) }
		m.Palette[i] = color.NRGBA{R: c(0), G: c(1), B: c(2), A: 0xFF}
	}
	at := p.sampler(s)
	scale := byte(255 / (n - 1))
	for y := range p.H {
		for x := range p.W {
			m.Pix[y*m.Stride+x] = at(x, y, 0) / scale
		}
	}
	return m
}

// colour makes RGB, and grey with transparency.
func (p *Page) colour(s *store, rect image.Rectangle) image.Image {
	m := image.NewNRGBA(rect)
	at := p.sampler(s)
	for y := range p.H {
		for x := range p.W {
			c := color.NRGBA{A: 0xFF}
			if p.photometric == photoRGB {
				c.R, c.G, c.B = at(x, y, 0), at(x, y, 1), at(x, y, 2)
			} else {
				c.R = p.light(at(x, y, 0))
				c.G, c.B = c.R, c.R
			}
			if p.alpha != 0 {
				c = straight(c, at(x, y, p.inks()), p.alpha == 1)
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

// straight gives a colour its alpha, undoing a multiplication with it.
func straight(c color.NRGBA, alpha byte, multiplied bool) color.NRGBA {
	c.A = alpha
	if !multiplied || alpha == 0 {
		return c
	}
	undo := func(v byte) byte { return byte(min((int(v)*255+int(alpha)/2)/int(alpha), 255)) }
	c.R, c.G, c.B = undo(c.R), undo(c.G), undo(c.B)
	return c
}

func (p *Page) cmyk(s *store, rect image.Rectangle) image.Image {
	m := image.NewCMYK(rect)
	at := p.sampler(s)
	for y := range p.H {
		for x := range p.W {
			m.SetCMYK(x, y, color.CMYK{C: at(x, y, 0), M: at(x, y, 1), Y: at(x, y, 2), K: at(x, y, 3)})
		}
	}
	return m
}
