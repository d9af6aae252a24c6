package image

import (
	"errors"
	"fmt"
	stdimage "image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"slices"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// defaultQuality is the JPEG quality when the profile gives none.
const defaultQuality = 90

// BuildPNG writes a PNG of the picture that in carries. The smallest class of
// PNG that holds the pixels is chosen by a fixed rule, so that the same pixels
// always give the same bytes.
func BuildPNG(in *ir.Reader, _ format.Construction, w io.Writer) (format.Built, error) {
	m, err := readPicture(in)
	if err != nil {
		return format.Built{}, err
	}
	enc := png.Encoder{CompressionLevel: png.DefaultCompression}
	if err := enc.Encode(w, smallest(m)); err != nil {
		return format.Built{}, fmt.Errorf("encode PNG: %w", err)
	}
	return format.Built{Media: "image/png", Extension: "png"}, nil
}

// BuildJPEG writes a baseline JPEG of the picture that in carries, grey when
// every pixel is grey, with the profile's quality.
func BuildJPEG(in *ir.Reader, c format.Construction, w io.Writer) (format.Built, error) {
	m, err := readPicture(in)
	if err != nil {
		return format.Built{}, err
	}
	if !m.Opaque() {
		return format.Built{}, errors.New("build JPEG: a pixel is not opaque")
	}
	quality := c.Profile.Quality
	if quality < 1 || quality > 100 {
		quality = defaultQuality
	}
	// All pixels are opaque, so premultiplied and plain RGBA are the same.
	var src stdimage.Image = &stdimage.RGBA{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect}
	if isGray(m) {
		src = toGray(m)
	}
	if err := jpeg.Encode(w, src, &jpeg.Options{Quality: quality}); err != nil {
		return format.Built{}, fmt.Errorf("encode JPEG: %w", err)
	}
	return format.Built{Media: "image/jpeg", Extension: "jpg"}, nil
}

// readPicture reads exactly one picture. Everything is checked again: the
// worker that sent it may have been taken over.
func readPicture(in *ir.Reader) (*stdimage.NRGBA, error) {
	var m *stdimage.NRGBA
	var alpha bool
	got := 0
	for {
		v, err := in.Next()
		if _, end := v.(ir.End); end || errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read picture: %w", err)
		}
		switch v := v.(type) {
		case ir.Note, ir.Number:
			// Findings and counts are the engine's business.
		case ir.Fail:
			return nil, format.Failed(v)
		case ir.Picture:
			if m != nil || v.Page != 0 {
				return nil, errors.New("read picture: more than one picture")
			}
			if v.W > MaxPixels || v.H > MaxPixels/v.W {
				return nil, format.Hold(format.LimitPixels, fmt.Sprintf("%d x %d pixels", v.W, v.H))
			}
			// Large memory is zero pages of the system until pixels come.
			m, alpha = stdimage.NewNRGBA(stdimage.Rect(0, 0, int(v.W), int(v.H))), v.Alpha
		case ir.Pixels:
			if m == nil || got+len(v.B) > len(m.Pix) {
				return nil, errors.New("read picture: more pixels than announced")
			}
			got += copy(m.Pix[got:], v.B)
		default:
			return nil, fmt.Errorf("read picture: unexpected %T", v)
		}
	}
	if m == nil || got != len(m.Pix) {
		return nil, errors.New("read picture: fewer pixels than announced")
	}
	if clearHidden(m.Pix) && !alpha {
		return nil, errors.New("read picture: unannounced transparency")
	}
	return m, nil
}

// clearHidden takes the colour from fully transparent pixels, where a second
// picture could hide, and reports whether some pixel is not opaque.
func clearHidden(pix []byte) bool {
	found := false
	for p := pix; len(p) >= 4; p = p[4:] {
		if p[3] == 0xFF {
			continue
		}
		found = true
		if p[3] == 0 {
			p[0], p[1], p[2] = 0, 0, 0
		}
	}
	return found
}

// smallest chooses how a PNG stores m: at most 16 colours as a palette of 1, 2
// or 4 bits; grey; at most 256 colours as a palette; RGB; RGBA.
func smallest(m *stdimage.NRGBA) stdimage.Image {
	colours := count(m)
	switch {
	case len(colours) > 0 && len(colours) <= 16:
		return toPaletted(m, colours)
	case m.Opaque() && isGray(m):
		return toGray(m)
	case len(colours) > 0:
		return toPaletted(m, colours)
	default:
		return m // the encoder writes RGB when m is opaque
	}
}

// count returns the colours of m in a fixed order, nil when there are more
// than 256.
func count(m *stdimage.NRGBA) []color.NRGBA {
	seen := make(map[color.NRGBA]bool, 257)
	var last color.NRGBA
	for p := m.Pix; len(p) >= 4; p = p[4:] {
		c := color.NRGBA{R: p[0], G: p[1], B: p[2], A: p[3]}
		if c == last && len(seen) > 0 {
			continue
		}
		last = c
		if seen[c] = true; len(seen) > 256 {
			return nil
		}
	}
	all := make([]color.NRGBA, 0, len(seen))
	for c := range seen {
		all = append(all, c)
	}
	// Transparent colours first, so that the tRNS chunk is short.
	slices.SortFunc(all, func(a, b color.NRGBA) int { return int(packed(a)) - int(packed(b)) })
	return all
}

func packed(c color.NRGBA) uint32 {
	return uint32(c.A)<<24 | uint32(c.R)<<16 | uint32(c.G)<<8 | uint32(c.B)
}

func toPaletted(m *stdimage.NRGBA, colours []color.NRGBA) *stdimage.Paletted {
	index := make(map[color.NRGBA]uint8, len(colours))
	palette := make(color.Palette, len(colours))
	for i, c := range colours {
		index[c], palette[i] = uint8(i), c
	}
	out := stdimage.NewPaletted(m.Rect, palette)
	var last color.NRGBA
	at, known := uint8(0), false
	for i := range out.Pix {
		p := m.Pix[4*i:]
		c := color.NRGBA{R: p[0], G: p[1], B: p[2], A: p[3]}
		if c != last || !known {
			last, at, known = c, index[c], true
		}
		out.Pix[i] = at
	}
	return out
}

func isGray(m *stdimage.NRGBA) bool {
	for p := m.Pix; len(p) >= 4; p = p[4:] {
		if p[0] != p[1] || p[1] != p[2] {
			return false
		}
	}
	return true
}

func toGray(m *stdimage.NRGBA) *stdimage.Gray {
	out := stdimage.NewGray(m.Rect)
	for i := range out.Pix {
		out.Pix[i] = m.Pix[4*i]
	}
	return out
}
