package image

import (
	stdimage "image"
	"image/color"
)

// stretched is a picture whose columns and rows are repeated.
type stretched struct {
	stdimage.Image
	fx, fy int
	at     func(x, y int) color.NRGBA
}

// Bounds implements image.Image.
func (s *stretched) Bounds() stdimage.Rectangle {
	size := s.Image.Bounds().Size()
	return stdimage.Rect(0, 0, size.X*s.fx, size.Y*s.fy)
}

// At implements image.Image.
func (s *stretched) At(x, y int) color.Color { return s.pixel(x, y) }

func (s *stretched) pixel(x, y int) color.NRGBA {
	b := s.Image.Bounds()
	return s.at(b.Min.X+x/s.fx, b.Min.Y+y/s.fy)
}

// Opaque reports whether every pixel is opaque.
func (s *stretched) Opaque() bool { return isOpaque(s.Image) }
