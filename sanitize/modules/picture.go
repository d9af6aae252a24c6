package modules

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// Picture is what a module made of a file.
type Picture struct {
	Image image.Image
	Deep  bool // more than eight bits a sample, of which eight are kept
}

// wasi gives a module the calls that a C library asks for; there is nothing
// behind them.
func wasi(ctx context.Context, rt wazero.Runtime) error {
	_, err := wasi_snapshot_preview1.Instantiate(ctx, rt)
	return err
}

// HEIF decodes HEIC pictures (libheif and libde265).
type HEIF struct{ *engine }

// LoadHEIF loads the module "heif"; it must run before the box is shut.
func LoadHEIF(ctx context.Context, cfg Config) (*HEIF, error) {
	e, err := load(ctx, "heif", cfg, wasi)
	if err != nil {
		return nil, err
	}
	return &HEIF{e}, nil
}

// Values of libheif's heif_colorspace and heif_chroma.
const (
	heifYCbCr = 0
	heifRGB   = 1
	heifGray  = 2

	heif420 = 1
	heif422 = 2
	heif444 = 3
)

// aligned rounds up to sixteen, as libheif does with a row.
func aligned(n int) int { return (n + 15) &^ 15 }

// Decode decodes the primary picture, upright, if it has at most limit pixels.
// The errors are ErrRefused, ErrTrap and ErrTooBig.
func (h *HEIF) Decode(data []byte, limit int64) (Picture, error) {
	var p Picture
	err := h.run(func(in *instance) error {
		var err error
		p, err = heif(in, data, limit)
		return err
	})
	return p, err
}

func heif(in *instance, data []byte, limit int64) (Picture, error) {
	file, out := in.put(data), in.alloc(20)
	if in.call("decode", file, uint64(len(data)), 1, out, out+4, out+8, out+12, out+16, 0) == 0 {
		return Picture{}, errors.Join(in.err, ErrRefused)
	}
	w, ht := int(in.word(out)), int(in.word(out+4))
	space, chroma, premultiplied := in.word(out+8), in.word(out+12), in.word(out+16) == 1
	if in.err != nil {
		return Picture{}, in.err
	}
	if err := sized(w, ht, limit); err != nil {
		return Picture{}, err
	}
	planes, err := layout(w, ht, space, chroma)
	if err != nil {
		return Picture{}, err
	}
	pixels := in.alloc(planes.size)
	if in.call("decode", file, uint64(len(data)), 0, out, out+4, out+8, out+12, out+16, pixels) == 0 {
		return Picture{}, errors.Join(in.err, ErrRefused)
	}
	pix := in.get(pixels, planes.size)
	if in.err != nil {
		return Picture{}, in.err
	}
	return Picture{Image: planes.image(pix, premultiplied)}, nil
}

// sized checks the size that a module tells.
func sized(w, h int, limit int64) error {
	if w < 1 || h < 1 {
		return ErrRefused
	}
	if int64(w) > limit || int64(h) > limit/int64(w) {
		return fmt.Errorf("%w: %d x %d", ErrTooBig, w, h)
	}
	return nil
}

// planes is how libheif lays out the samples of a picture.
type planes struct {
	rect   image.Rectangle
	space  uint32
	ratio  image.YCbCrSubsampleRatio
	stride int
	chroma int // stride of the colour planes
	rows   int // of a colour plane
	size   int64
}

func layout(w, h int, space, chroma uint32) (planes, error) {
	p := planes{rect: image.Rect(0, 0, w, h), space: space}
	switch space {
	case heifGray:
		p.stride = aligned(w)
	case heifRGB:
		p.stride = aligned(4 * w)
	case heifYCbCr:
		p.stride = aligned(w)
		switch chroma {
		case heif420:
			p.ratio, p.chroma, p.rows = image.YCbCrSubsampleRatio420, aligned((w+1)/2), (h+1)/2
		case heif422:
			p.ratio, p.chroma, p.rows = image.YCbCrSubsampleRatio422, aligned((w+1)/2), h
		case heif444:
			p.ratio, p.chroma, p.rows = image.YCbCrSubsampleRatio444, aligned(w), h
		default:
			return p, fmt.Errorf("%w: chroma %d", ErrRefused, chroma)
		}
	default:
		return p, fmt.Errorf("%w: colour space %d", ErrRefused, space)
	}
	p.size = int64(p.stride)*int64(h) + 2*int64(p.chroma)*int64(p.rows)
	return p, nil
}

func (p planes) image(pix []byte, premultiplied bool) image.Image {
	switch {
	case p.space == heifGray:
		return &image.Gray{Pix: pix, Stride: p.stride, Rect: p.rect}
	case p.space == heifRGB && premultiplied:
		return &image.RGBA{Pix: pix, Stride: p.stride, Rect: p.rect}
	case p.space == heifRGB:
		return &image.NRGBA{Pix: pix, Stride: p.stride, Rect: p.rect}
	}
	y, c := p.stride*p.rect.Dy(), p.chroma*p.rows
	return &image.YCbCr{Y: pix[:y:y], Cb: pix[y : y+c : y+c], Cr: pix[y+c : y+2*c], SubsampleRatio: p.ratio,
		YStride: p.stride, CStride: p.chroma, Rect: p.rect}
}

// AVIF decodes AVIF pictures (libavif and libaom), of a sequence the first.
type AVIF struct{ *engine }

// LoadAVIF loads the module "avif"; it must run before the box is shut.
func LoadAVIF(ctx context.Context, cfg Config) (*AVIF, error) {
	e, err := load(ctx, "avif", cfg, wasi)
	if err != nil {
		return nil, err
	}
	return &AVIF{e}, nil
}

// unset stands where the module writes the duration of a picture, after its
// pixels. No duration has these bytes.
var unset = [8]byte{0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0xFA, 0xF9, 0xFF}

// Decode decodes the first picture, as it is stored, if it has at most limit
// pixels. The errors are ErrRefused, ErrTrap and ErrTooBig.
func (a *AVIF) Decode(data []byte, limit int64) (Picture, error) {
	var p Picture
	err := a.run(func(in *instance) error {
		var err error
		p, err = avif(in, data, limit)
		return err
	})
	return p, err
}

func avif(in *instance, data []byte, limit int64) (Picture, error) {
	file, out := in.put(data), in.alloc(16)
	if in.call("decode", file, uint64(len(data)), 1, 0, out, out+4, out+8, out+12, 0, 0) == 0 {
		return Picture{}, errors.Join(in.err, ErrRefused)
	}
	w, h, depth := int(in.word(out)), int(in.word(out+4)), in.word(out+8)
	if in.err != nil {
		return Picture{}, in.err
	}
	if err := sized(w, h, limit); err != nil {
		return Picture{}, err
	}
	deep := depth > 8
	size := int64(w) * int64(h) * 4
	if deep {
		size *= 2
	}
	delay, pixels := in.put(unset[:]), in.alloc(size)
	if in.call("decode", file, uint64(len(data)), 0, 0, out, out+4, out+8, out+12, delay, pixels) == 0 {
		return Picture{}, errors.Join(in.err, ErrRefused)
	}
	pix, written := in.get(pixels, size), in.get(delay, int64(len(unset)))
	switch {
	case in.err != nil:
		return Picture{}, in.err
	case bytes.Equal(written, unset[:]): // it says that all is well when no picture came
		return Picture{}, ErrRefused
	}
	if deep { // little endian; the high byte is kept
		for i := range len(pix) / 2 {
			pix[i] = pix[2*i+1]
		}
		pix = pix[:len(pix)/2]
	}
	return Picture{Image: &image.RGBA{Pix: pix, Stride: 4 * w, Rect: image.Rect(0, 0, w, h)}, Deep: deep}, nil
}
