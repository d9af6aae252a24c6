package bmp

import (
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"io"
	"math/bits"
)

// Decode reads the pixels: an *image.Paletted of a bitmap with a palette, else
// an *image.NRGBA. Callers MUST have bounded W × H. The errors are those of
// Parse and of ctx.
func (f *File) Decode(ctx context.Context) (image.Image, error) {
	switch {
	case f.method == rle8 || f.method == rle4:
		return f.runs(ctx)
	case f.bits <= 8:
		return f.indexed(ctx)
	}
	return f.direct(ctx)
}

// rows calls each with the stored bytes of every row and its place. The
// padding of the last row may be missing.
func (f *File) rows(ctx context.Context, each func(y int, row []byte)) error {
	stride, need := f.stride(), (int64(f.W)*int64(f.bits)+7)/8
	if int64(len(f.pixels)) < stride*int64(f.H-1)+need {
		return io.ErrUnexpectedEOF
	}
	for i := range f.H {
		if err := ctx.Err(); err != nil {
			return err
		}
		row := f.pixels[int64(i)*stride:]
		each(f.row(i), row[:need])
	}
	return nil
}

// row gives the place of the i-th stored row.
func (f *File) row(i int) int {
	if f.topDown {
		return i
	}
	return f.H - 1 - i
}

func (f *File) newPaletted() *image.Paletted {
	p := make(color.Palette, len(f.palette))
	for i, c := range f.palette {
		p[i] = c
	}
	return image.NewPaletted(image.Rect(0, 0, f.W, f.H), p)
}

func (f *File) indexed(ctx context.Context) (image.Image, error) {
	m := f.newPaletted()
	per, mask := 8/f.bits, byte(1<<f.bits-1)
	err := f.rows(ctx, func(y int, row []byte) {
		out := m.Pix[y*m.Stride:]
		for x := range f.W {
			shift := 8 - f.bits*(x%per+1)
			out[x] = row[x/per] >> shift & mask
		}
	})
	if err != nil || !f.icon {
		return m, err
	}
	return f.covered(func(x, y int) color.NRGBA { return f.palette[m.Pix[y*m.Stride+x]] }), nil
}

// direct reads 16, 24 and 32 bits a pixel.
func (f *File) direct(ctx context.Context) (image.Image, error) {
	m := image.NewNRGBA(image.Rect(0, 0, f.W, f.H))
	alpha := false
	var channels [4]channel
	for i, mask := range f.masks {
		channels[i] = newChannel(mask)
	}
	step := f.bits / 8
	err := f.rows(ctx, func(y int, row []byte) {
		out := m.Pix[y*m.Stride:]
		for range f.W {
			c := color.NRGBA{A: 0xFF}
			switch step {
			case 3:
				c.B, c.G, c.R = row[0], row[1], row[2]
			default:
				v := uint32(binary.LittleEndian.Uint16(row))
				if step == 4 {
					v = binary.LittleEndian.Uint32(row)
				}
				c.R, c.G, c.B = channels[0].of(v), channels[1].of(v), channels[2].of(v)
				if f.masks[3] != 0 {
					c.A = channels[3].of(v)
					alpha = alpha || c.A != 0
				}
			}
			out[0], out[1], out[2], out[3] = c.R, c.G, c.B, c.A
			out, row = out[4:], row[step:]
		}
	})
	switch {
	case err != nil:
		return nil, err
	case f.masks[3] != 0 && !alpha:
		opaque(m) // many programs leave the byte zero and mean nothing by it
	}
	if f.icon && !alpha {
		return f.covered(m.NRGBAAt), nil
	}
	return m, nil
}

func opaque(m *image.NRGBA) {
	for i := 3; i < len(m.Pix); i += 4 {
		m.Pix[i] = 0xFF
	}
}

// covered takes out the pixels of an icon that its mask covers.
func (f *File) covered(at func(x, y int) color.NRGBA) image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, f.W, f.H))
	stride := (f.W + 31) / 32 * 4
	for i := range f.H {
		y := f.row(i)
		for x := range f.W {
			c := at(x, y)
			if p := i*stride + x/8; p < len(f.cover) && f.cover[p]>>(7-x%8)&1 == 1 {
				c = color.NRGBA{}
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

// channel scales the bits of a mask to eight.
type channel struct {
	mask  uint32
	shift int
	max   uint32
}

func newChannel(mask uint32) channel {
	shift := bits.TrailingZeros32(mask) & 31
	return channel{mask, shift, max(mask>>shift, 1)}
}

func (c channel) of(v uint32) byte {
	n := uint64(v&c.mask) >> c.shift
	return byte((n*255 + uint64(c.max)/2) / uint64(c.max))
}

// runs reads run-length codes ([MS-WMF] 3.1.6): a count and a value; or zero
// and the end of a row, the end of the picture, a jump, or a literal stretch,
// which ends on two bytes. What is jumped over has the first colour.
func (f *File) runs(ctx context.Context) (image.Image, error) {
	r := runReader{f: f, m: f.newPaletted(), p: f.pixels}
	if size := f.W * f.H; len(r.p) > 4*size+4096 {
		r.p = r.p[:4*size+4096] // more codes than pixels and rows draw nothing new
	}
	for n := 0; !r.ended; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if len(r.p) < 2 {
			if r.y >= f.H-1 && r.x >= f.W || r.y >= f.H {
				break // only the end code is missing
			}
			return nil, io.ErrUnexpectedEOF
		}
		if err := r.code(); err != nil {
			return nil, err
		}
	}
	return r.m, nil
}

type runReader struct {
	f     *File
	m     *image.Paletted
	p     []byte
	x, y  int // y counts stored rows
	ended bool
}

func (r *runReader) code() error {
	n, v := int(r.p[0]), r.p[1]
	r.p = r.p[2:]
	if n > 0 {
		for i := range n {
			r.set(r.value(v, i))
		}
		return nil
	}
	switch v {
	case 0:
		r.x, r.y = 0, r.y+1
	case 1:
		r.ended = true
	case 2:
		if len(r.p) < 2 {
			return io.ErrUnexpectedEOF
		}
		r.x, r.y = r.x+int(r.p[0]), r.y+int(r.p[1])
		r.p = r.p[2:]
	default:
		return r.literal(int(v))
	}
	if r.y > r.f.H || r.x > r.f.W+255 {
		return fmt.Errorf("%w: jump out of the picture", ErrMalformed)
	}
	return nil
}

// value gives the i-th pixel of a run: with four bits two colours take turns.
func (r *runReader) value(v byte, i int) byte {
	switch {
	case r.f.method == rle8:
		return v
	case i%2 == 0:
		return v >> 4
	}
	return v & 15
}

func (r *runReader) literal(n int) error {
	size := n
	if r.f.method == rle4 {
		size = (n + 1) / 2
	}
	if len(r.p) < size {
		return io.ErrUnexpectedEOF
	}
	for i := range n {
		r.set(r.value(r.p[i*size/n], i))
	}
	r.p = r.p[min(size+size%2, len(r.p)):]
	return nil
}

// set draws a pixel; what lies outside is dropped.
func (r *runReader) set(v byte) {
	if r.x < r.f.W && r.y < r.f.H {
		r.m.Pix[r.f.row(r.y)*r.m.Stride+r.x] = v
	}
	r.x++
}
