package tiff

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"io"
	"slices"
)

// jpegs reads a page whose pieces are JPEG pictures without the tables that
// they share (TIFF technical note 2).
func (p *Page) jpegs(ctx context.Context) (image.Image, error) {
	rect := image.Rect(0, 0, p.W, p.H)
	var out draw.Image
	switch p.samples {
	case 1:
		out = image.NewGray(rect)
	case 4:
		out = image.NewCMYK(rect)
	default:
		out = image.NewRGBA(rect)
	}
	c := p.pieces
	single := c.across*c.down == 1 && p.samples != 4
	var whole image.Image
	err := p.each(ctx, func(_, x, y, rows int, data []byte) error {
		piece, err := p.jpeg(ctx, data, rows)
		if err != nil {
			return err
		}
		if whole = piece; !single {
			place(out, image.Rect(x, y, min(x+c.w, p.W), y+rows), piece)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case single && whole.Bounds() == rect:
		return whole, nil
	case single: // a tile reaches over the edge
		place(out, rect, whole)
	}
	return out, nil
}

// jpeg decodes one piece.
func (p *Page) jpeg(ctx context.Context, data []byte, rows int) (image.Image, error) {
	whole, err := p.assemble(data)
	if err != nil {
		return nil, err
	}
	cfg, err := jpeg.DecodeConfig(bytes.NewReader(whole))
	if err != nil {
		return nil, err
	}
	if cfg.Width != p.pieces.w || cfg.Height < rows || cfg.Height > p.pieces.h {
		return nil, fmt.Errorf("%w: JPEG of %d x %d in a piece of %d x %d", ErrMalformed, cfg.Width, cfg.Height, p.pieces.w, p.pieces.h)
	}
	return jpeg.Decode(patient{ctx, bytes.NewReader(whole)})
}

// assemble makes a JPEG of a piece and the shared tables. The photometric
// interpretation says what its colours are, as an Adobe segment does in a file
// of its own.
func (p *Page) assemble(data []byte) ([]byte, error) {
	if len(data) < 4 || data[0] != 0xFF || data[1] != 0xD8 {
		return nil, fmt.Errorf("%w: piece is no JPEG", ErrMalformed)
	}
	transform := byte(0)
	if p.photometric == photoYCbCr {
		transform = 1
	}
	adobe := append([]byte{0xFF, 0xEE, 0, 14}, "Adobe\x00\x64\x00\x00\x00\x00"...)
	adobe = append(adobe, transform)
	var tables []byte
	if t := p.tables; len(t) > 4 && t[0] == 0xFF && t[1] == 0xD8 {
		tables = bytes.TrimSuffix(t[2:], []byte{0xFF, 0xD9})
	}
	return slices.Concat(data[:2], adobe, tables, data[2:]), nil
}

// place draws a piece. Inks of a JPEG are read as if they were inverted, as
// they are in files of their own; in a TIFF they are not.
func place(out draw.Image, where image.Rectangle, piece image.Image) {
	src, ok := piece.(*image.CMYK)
	dst, both := out.(*image.CMYK)
	if !ok || !both {
		draw.Draw(out, where, piece, piece.Bounds().Min, draw.Src)
		return
	}
	for y := where.Min.Y; y < where.Max.Y; y++ {
		for x := where.Min.X; x < where.Max.X; x++ {
			c := src.CMYKAt(x-where.Min.X, y-where.Min.Y)
			dst.SetCMYK(x, y, color.CMYK{C: ^c.C, M: ^c.M, Y: ^c.Y, K: ^c.K})
		}
	}
}

// patient lets the decoder stop when the time is up.
type patient struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (r patient) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p[:min(len(p), 4096)])
}
