package tiff

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"math/bits"

	"golang.org/x/image/tiff/lzw"

	"sekisho/sanitize/image/fax"
)

// Picture is a decoded page. Image is a *Bilevel, or one of the types of the
// standard library.
type Picture struct {
	Image image.Image
	Lost  int // damaged lines of a fax, shown as the line above
	Short int // rows at the end that the sender left out, shown white
}

// Bilevel is a picture of two colours, a bit a pixel, each row on a new byte.
type Bilevel struct {
	Pix    []byte // 1 is black
	Stride int
	Rect   image.Rectangle
}

// ColorModel implements image.Image.
func (b *Bilevel) ColorModel() color.Model { return color.GrayModel }

// Bounds implements image.Image.
func (b *Bilevel) Bounds() image.Rectangle { return b.Rect }

// At implements image.Image.
func (b *Bilevel) At(x, y int) color.Color { return color.Gray{Y: b.Level(x, y)} }

// Opaque says that no pixel is transparent.
func (b *Bilevel) Opaque() bool { return true }

// Level returns 0 for a black pixel and 255 for a white one.
func (b *Bilevel) Level(x, y int) byte {
	return ^(0 - b.Pix[y*b.Stride+x/8]>>(7-x%8)&1)
}

// Decode reads the pixels of a page. Callers MUST have bounded W × H. The
// errors are ErrMalformed, ErrUnsupported, io.ErrUnexpectedEOF, those of the
// standard JPEG decoder, and that of ctx.
func (p *Page) Decode(ctx context.Context) (Picture, error) {
	if p.JPEG {
		img, err := p.jpegs(ctx)
		return Picture{Image: img}, err
	}
	s := &store{page: p, stride: (p.W*p.chunk()*p.bits + 7) / 8}
	planes := 1
	if p.planar {
		planes = p.samples
	}
	s.planes = make([][]byte, planes)
	for i := range s.planes {
		s.planes[i] = make([]byte, s.stride*p.H)
	}
	err := p.each(ctx, func(plane, x, y, rows int, data []byte) error {
		return s.piece(ctx, plane, x, y, rows, data)
	})
	if err != nil {
		return Picture{}, err
	}
	return Picture{Image: p.image(s), Lost: s.lost, Short: s.short}, nil
}

// chunk is how many samples of a pixel lie together.
func (p *Page) chunk() int {
	if p.planar {
		return 1
	}
	return p.samples
}

// each calls f for every strip or tile with its plane, its place, its rows that
// lie on the page, and its bytes.
func (p *Page) each(ctx context.Context, f func(plane, x, y, rows int, data []byte) error) error {
	c := p.pieces
	planes := 1
	if p.planar {
		planes = p.samples
	}
	for i := range c.across * c.down * planes {
		if err := ctx.Err(); err != nil {
			return err
		}
		from, n := c.offsets[i], c.counts[i]
		if from+n > int64(len(p.file.data)) {
			return io.ErrUnexpectedEOF
		}
		at := i % (c.across * c.down)
		x, y := at%c.across*c.w, at/c.across*c.h
		rows := min(c.h, p.H-y)
		if err := f(i/(c.across*c.down), x, y, rows, p.file.data[from:from+n]); err != nil {
			return err
		}
	}
	return nil
}

// store gathers the samples of a page.
type store struct {
	page        *Page
	stride      int
	planes      [][]byte
	lost, short int
}

// piece reads a strip or tile and puts it in its place.
func (s *store) piece(ctx context.Context, plane, x, y, rows int, data []byte) error {
	p := s.page
	c := p.pieces
	width := (c.w*p.chunk()*p.bits + 7) / 8
	raw, err := s.expand(ctx, data, width, rows)
	if err != nil {
		return err
	}
	if p.predictor == 2 {
		for r := range rows {
			p.predict(raw[r*width:][:width])
		}
	}
	left := x * p.chunk() * p.bits / 8 // tiles begin on a byte: their width is a multiple of 16
	n := min(width, s.stride-left)
	for r := range rows {
		copy(s.planes[plane][(y+r)*s.stride+left:][:n], raw[r*width:])
	}
	return nil
}

// expand inflates a piece to rows of width bytes.
func (s *store) expand(ctx context.Context, data []byte, width, rows int) ([]byte, error) {
	p := s.page
	if p.fillOrder() == 2 {
		turned := make([]byte, len(data))
		for i, b := range data {
			turned[i] = bits.Reverse8(b)
		}
		data = turned
	}
	switch p.compression {
	case compNone:
		if len(data) < width*rows {
			return nil, io.ErrUnexpectedEOF
		}
		return bytes.Clone(data[:width*rows]), nil
	case compPackBits:
		return packBits(data, width*rows)
	case compLZW:
		if len(data) > 1 && data[0] == 0 && data[1]&1 == 1 {
			return nil, fmt.Errorf("%w: LZW of the old bit order", ErrUnsupported)
		}
		r := lzw.NewReader(bytes.NewReader(data), lzw.MSB, 8)
		defer r.Close()
		return exactly(r, width*rows)
	case compDeflate, compDeflate2:
		r, err := zlib.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		return exactly(r, width*rows)
	}
	return s.fax(ctx, data, rows)
}

// fillOrder is 2 when the first pixel lies in the low bit of a byte.
func (p *Page) fillOrder() int64 {
	r := &reader{p: p}
	return r.one(tagFillOrder, 1)
}

// exactly reads n bytes.
func exactly(r io.Reader, n int) ([]byte, error) {
	out := make([]byte, n)
	switch _, err := io.ReadFull(r, out); {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return nil, io.ErrUnexpectedEOF
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return out, nil
}

// packBits expands runs and literals (TIFF 6.0 section 9).
// spec: tiff#9
func packBits(data []byte, n int) ([]byte, error) {
	out := make([]byte, 0, n)
	for len(out) < n {
		if len(data) < 2 {
			return nil, io.ErrUnexpectedEOF
		}
		switch k := int(int8(data[0])); {
		case k >= 0:
			if len(data) < k+2 {
				return nil, io.ErrUnexpectedEOF
			}
			out = append(out, data[1:k+2]...)
			data = data[k+2:]
		case k == -128:
			data = data[1:]
		default:
			out = append(out, bytes.Repeat(data[1:2], 1-k)...)
			data = data[2:]
		}
	}
	return out[:n], nil
}

// fax reads a strip of fax codes.
// spec: tiff#11
func (s *store) fax(ctx context.Context, data []byte, rows int) ([]byte, error) {
	p := s.page
	if p.file.fax == nil {
		p.file.fax = fax.NewDecoder()
	}
	scheme := fax.Runs
	r := &reader{p: p}
	switch p.compression {
	case compGroup4:
		scheme = fax.Group4
	case compGroup3:
		scheme = fax.Group3
		if r.one(tagT4, 0)&1 != 0 {
			scheme = fax.Mixed3
		}
	}
	got, err := p.file.fax.Decode(ctx, data, scheme, p.pieces.w, rows)
	switch {
	case errors.Is(err, fax.ErrUnsupported):
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	case errors.Is(err, fax.ErrMalformed):
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	case err != nil:
		return nil, err
	}
	s.lost += got.Lost
	s.short += rows - got.Rows
	return got.Pix, nil
}

// predict adds to each sample the one to its left (TIFF 6.0 section 14).
// spec: tiff#14
func (p *Page) predict(row []byte) {
	n := p.chunk()
	if p.bits == 8 {
		for i := n; i < len(row); i++ {
			row[i] += row[i-n]
		}
		return
	}
	order := p.file.order
	for i := 2 * n; i+1 < len(row); i += 2 {
		order.PutUint16(row[i:], order.Uint16(row[i:])+order.Uint16(row[i-2*n:]))
	}
}
