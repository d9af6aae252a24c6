package image

import (
	stdimage "image"
	"image/color"
)

// canvas is a frame on a transparent screen.
type canvas struct {
	size      stdimage.Rectangle
	frame     stdimage.Image
	left, top int
	at        func(x, y int) color.NRGBA
}

func (c *canvas) ColorModel() color.Model    { return color.NRGBAModel }
func (c *canvas) Bounds() stdimage.Rectangle { return c.size }

// At implements image.Image.
func (c *canvas) At(x, y int) color.Color { return c.pixel(x, y) }

func (c *canvas) pixel(x, y int) color.NRGBA {
	p := stdimage.Pt(x-c.left, y-c.top)
	b := c.frame.Bounds()
	if p = p.Add(b.Min); !p.In(b) {
		return color.NRGBA{}
	}
	return c.at(p.X, p.Y)
}

// Opaque reports whether every pixel is opaque.
func (c *canvas) Opaque() bool { return c.frame.Bounds().Size() == c.size.Size() && isOpaque(c.frame) }

// isOpaque reports whether every pixel of img is opaque; unknown is no.
func isOpaque(img stdimage.Image) bool {
	o, ok := img.(opaquer)
	return ok && o.Opaque()
}
