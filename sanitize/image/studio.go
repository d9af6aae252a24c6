package image

import (
	stdimage "image"
	"image/color"
)

// studio is a picture in the numbers of video, as VP8 codes them: black is 16
// and white 235 (RFC 6386 9.2, ITU-R BT.601). The decoder hands them out as if
// they were those of JPEG, where black is 0; shown so, every picture is pale.
type studio struct {
	*stdimage.YCbCr
	alpha  []byte // nil when all is opaque
	stride int
}

// newStudio takes over what the WebP decoder returns of a lossy picture.
func newStudio(img stdimage.Image) stdimage.Image {
	switch m := img.(type) {
	case *stdimage.YCbCr:
		return &studio{YCbCr: m}
	case *stdimage.NYCbCrA:
		return &studio{YCbCr: &m.YCbCr, alpha: m.A, stride: m.AStride}
	}
	return img
}

// ColorModel implements image.Image.
func (s *studio) ColorModel() color.Model { return color.NRGBAModel }

// At implements image.Image.
func (s *studio) At(x, y int) color.Color { return s.pixel(x, y) }

// Opaque reports whether every pixel is opaque.
func (s *studio) Opaque() bool {
	b := s.Bounds()
	for y := 0; s.alpha != nil && y < b.Dy(); y++ {
		for _, a := range s.alpha[y*s.stride:][:b.Dx()] {
			if a != 0xFF {
				return false
			}
		}
	}
	return true
}

func (s *studio) pixel(x, y int) color.NRGBA {
	yi, ci := s.YOffset(x, y), s.COffset(x, y)
	// In 1/65536: 255/219 of the light, and 255/224 of what is left of the
	// colour differences of BT.601.
	l := (int32(s.Y[yi]) - 16) * 76309
	u, v := int32(s.Cb[ci])-128, int32(s.Cr[ci])-128
	c := color.NRGBA{R: level(l + 104597*v), G: level(l - 25674*u - 53279*v), B: level(l + 132201*u), A: 0xFF}
	if s.alpha != nil {
		c.A = s.alpha[(y-s.Rect.Min.Y)*s.stride+x-s.Rect.Min.X]
	}
	return c
}

// level rounds 1/65536 of a level and clips it.
func level(v int32) byte { return byte(min(max((v+1<<15)>>16, 0), 255)) }
