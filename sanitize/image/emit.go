package image

import (
	"context"
	"fmt"
	stdimage "image"
	"image/color"

	"sekisho/sanitize/image/tiff"
	"sekisho/sanitize/ir"
)

// rowBytes is how many bytes of pixels are gathered before they are written.
const rowBytes = 64 << 10

// opaquer is what every decoder's result is.
type opaquer interface{ Opaque() bool }

// emit writes img, as it is shown, as one Picture and its Pixels. It holds a
// few rows besides img and no second copy, and holds with fidelity_loss a
// picture that the conversion of its colours leaves in one (watched).
func emit(ctx context.Context, img stdimage.Image, v view, out *ir.Writer) error {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	turn := v.turn
	outW, outH := w, h
	if turn.transposes() {
		outW, outH = h, w
	}
	alpha := !isOpaque(img)
	res := v.res.turned(turn)
	if err := out.Write(ir.Picture{W: int64(outW), H: int64(outH), Alpha: alpha, XRes: res.x, YRes: res.y}); err != nil {
		return fmt.Errorf("write picture: %w", err)
	}
	at, crushed := v.watched(img)
	buf := make([]byte, 0, max(rowBytes, outW*4))
	for y := range outH {
		if err := ctx.Err(); err != nil {
			return holdDecode(err)
		}
		for x := range outW {
			sx, sy := turn.source(x, y, w, h)
			c := at(b.Min.X+sx, b.Min.Y+sy)
			buf = append(buf, c.R, c.G, c.B, c.A)
		}
		if len(buf)+outW*4 <= cap(buf) && y < outH-1 {
			continue
		}
		if err := out.Write(ir.Pixels{B: buf}); err != nil {
			return fmt.Errorf("write pixels: %w", err)
		}
		buf = buf[:0]
	}
	return crushed()
}

// sampler returns a function that reads one pixel as non-premultiplied RGBA
// of eight bits. The types are those that the standard decoders return; any
// other goes through the colour model.
func sampler(img stdimage.Image) func(x, y int) color.NRGBA {
	switch m := img.(type) {
	case *stdimage.YCbCr:
		return func(x, y int) color.NRGBA {
			yi, ci := m.YOffset(x, y), m.COffset(x, y)
			r, g, b := color.YCbCrToRGB(m.Y[yi], m.Cb[ci], m.Cr[ci])
			return color.NRGBA{R: r, G: g, B: b, A: 0xFF}
		}
	case *stdimage.Gray:
		return func(x, y int) color.NRGBA { return gray(m.Pix[m.PixOffset(x, y)]) }
	case *stdimage.Gray16:
		return func(x, y int) color.NRGBA { return gray(m.Pix[m.PixOffset(x, y)]) }
	case *stdimage.RGBA: // what a PNG without transparency decodes to
		return func(x, y int) color.NRGBA {
			p := m.Pix[m.PixOffset(x, y):]
			if p[3] == 0xFF {
				return color.NRGBA{R: p[0], G: p[1], B: p[2], A: 0xFF}
			}
			return toNRGBA(color.RGBA{R: p[0], G: p[1], B: p[2], A: p[3]})
		}
	case *stdimage.NRGBA:
		return func(x, y int) color.NRGBA { return m.NRGBAAt(x, y) }
	case *stdimage.NRGBA64:
		return func(x, y int) color.NRGBA {
			p := m.Pix[m.PixOffset(x, y):]
			return color.NRGBA{R: p[0], G: p[2], B: p[4], A: p[6]}
		}
	case *stdimage.CMYK:
		return func(x, y int) color.NRGBA {
			p := m.Pix[m.PixOffset(x, y):]
			r, g, b := color.CMYKToRGB(p[0], p[1], p[2], p[3])
			return color.NRGBA{R: r, G: g, B: b, A: 0xFF}
		}
	case *stdimage.Paletted:
		return paletteSampler(m)
	case *canvas:
		return m.pixel
	case *studio:
		return m.pixel
	case *stretched:
		return m.pixel
	case *tiff.Bilevel:
		return func(x, y int) color.NRGBA { return gray(m.Level(x, y)) }
	default:
		return func(x, y int) color.NRGBA { return toNRGBA(img.At(x, y)) }
	}
}

func gray(v uint8) color.NRGBA { return color.NRGBA{R: v, G: v, B: v, A: 0xFF} }

func toNRGBA(c color.Color) color.NRGBA {
	n, ok := color.NRGBAModel.Convert(c).(color.NRGBA)
	if !ok {
		return color.NRGBA{}
	}
	return n
}

// paletteSampler converts the palette once. An index outside of it reads as
// transparent.
func paletteSampler(m *stdimage.Paletted) func(x, y int) color.NRGBA {
	var table [256]color.NRGBA
	for i, c := range m.Palette[:min(len(m.Palette), len(table))] {
		table[i] = toNRGBA(c)
	}
	return func(x, y int) color.NRGBA { return table[m.Pix[m.PixOffset(x, y)]] }
}
