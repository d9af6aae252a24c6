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
	return m.png(w)
}

func (m *picture) png(w io.Writer) (format.Built, error) {
	enc := png.Encoder{CompressionLevel: png.DefaultCompression}
	if err := enc.Encode(&inserter{w: w, at: pngHeader, extra: physChunk(m.res)}, smallest(m.NRGBA)); err != nil {
		return format.Built{}, fmt.Errorf("encode PNG: %w", err)
	}
	return format.Built{Media: "image/png", Extension: "png", Output: format.PNG}, nil
}

// BuildNearest writes a JPEG of a picture that was coded with loss and is all
// opaque, and a PNG of any other.
func BuildNearest(in *ir.Reader, c format.Construction, w io.Writer) (format.Built, error) {
	m, err := readPicture(in)
	if err != nil {
		return format.Built{}, err
	}
	if m.lossy && m.Opaque() {
		return m.jpeg(c, w)
	}
	return m.png(w)
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
	return m.jpeg(c, w)
}

func (m *picture) jpeg(c format.Construction, w io.Writer) (format.Built, error) {
	quality := c.Profile.Quality
	if quality < 1 || quality > 100 {
		quality = defaultQuality
	}
	// All pixels are opaque, so premultiplied and plain RGBA are the same.
	var src stdimage.Image = &stdimage.RGBA{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect}
	if isGray(m.NRGBA) {
		src = toGray(m.NRGBA)
	}
	into := &inserter{w: w, at: jpegStart, extra: jfifSegment(m.res)}
	if err := jpeg.Encode(into, src, &jpeg.Options{Quality: quality}); err != nil {
		return format.Built{}, fmt.Errorf("encode JPEG: %w", err)
	}
	return format.Built{Media: "image/jpeg", Extension: "jpg", Output: format.JPEG}, nil
}

// picture is what the values of one picture say.
type picture struct {
	*stdimage.NRGBA
	res   density
	lossy bool // it was coded with loss, so that JPEG suits it
}

// readPicture reads exactly one picture. Everything is checked again: the
// worker that sent it may have been taken over.
func readPicture(in *ir.Reader) (*picture, error) {
	r := pictureReader{}
	for {
		v, err := in.Next()
		if _, end := v.(ir.End); end || errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read picture: %w", err)
		}
		if err := r.take(v); err != nil {
			return nil, err
		}
	}
	if r.NRGBA == nil || r.got != len(r.Pix) {
		return nil, errors.New("read picture: fewer pixels than announced")
	}
	if clearHidden(r.Pix) && !r.alpha {
		return nil, errors.New("read picture: unannounced transparency")
	}
	return &r.picture, nil
}

type pictureReader struct {
	picture
	alpha bool
	got   int // bytes of pixels
}

func (r *pictureReader) take(v ir.Value) error {
	switch v := v.(type) {
	case ir.Note:
		// Findings are the engine's business.
	case ir.Number:
		if v.Name == ir.NumberLossy {
			r.lossy = v.N == 1
		}
	case ir.Fail:
		return format.Failed(v)
	case ir.Picture:
		if r.NRGBA != nil || v.Page != 0 {
			return errors.New("read picture: more than one picture")
		}
		if v.W > MaxPixels || v.H > MaxPixels/v.W {
			return format.Hold(format.LimitPixels, fmt.Sprintf("%d x %d pixels", v.W, v.H))
		}
		// Large memory is zero pages of the system until pixels come.
		r.NRGBA, r.alpha = stdimage.NewNRGBA(stdimage.Rect(0, 0, int(v.W), int(v.H))), v.Alpha
		r.res = density{v.XRes, v.YRes}.believed()
	case ir.Pixels:
		if r.NRGBA == nil || r.got+len(v.B) > len(r.Pix) {
			return errors.New("read picture: more pixels than announced")
		}
		r.got += copy(r.Pix[r.got:], v.B)
	default:
		return fmt.Errorf("read picture: unexpected %T", v)
	}
	return nil
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
