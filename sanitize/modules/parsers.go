package modules

import (
	"context"
	"errors"
	"fmt"
	stdimage "image"

	"sekisho/sanitize/format"
	"sekisho/sanitize/image"
	"sekisho/sanitize/ir"
)

// Parser is the Parse of a row of sanitize/formats.go.
type Parser = func(ctx context.Context, in format.Untrusted, out *ir.Writer) error

// Kinds returns the kind of files that each module reads.
func Kinds() map[string]format.Kind {
	return map[string]format.Kind{"heif": format.HEIC, "avif": format.AVIF, "svg": format.SVG}
}

// Load loads a module and returns the parser of its kind. It must run before
// the box is shut, and works until the process ends.
func Load(ctx context.Context, name string, cfg Config) (Parser, error) {
	switch name {
	case "heif":
		h, err := LoadHEIF(ctx, cfg)
		if err != nil {
			return nil, err
		}
		return image.HEIC(decoder(h.Decode)), nil
	case "avif":
		a, err := LoadAVIF(ctx, cfg)
		if err != nil {
			return nil, err
		}
		return image.AVIF(decoder(a.Decode)), nil
	case "svg":
		s, err := LoadSVG(ctx, cfg)
		if err != nil {
			return nil, err
		}
		return image.SVG(s.drawer, s.Fonts() > 0), nil
	}
	return nil, fmt.Errorf("%w: %s", ErrMissing, name)
}

// Compile puts a module's code into a compile cache, so that a later Load takes
// hundredths of a second.
func Compile(ctx context.Context, name string, cfg Config) error {
	host := wasi
	if name == "svg" {
		host = glue
	}
	e, err := load(ctx, name, cfg, host)
	if err != nil {
		return err
	}
	return e.Close()
}

// held turns an error of a module into a reason to hold.
func held(err error) error {
	if errors.Is(err, ErrTooBig) {
		return format.Hold(format.LimitPixels, err.Error())
	}
	return format.Hold(format.Malformed, err.Error())
}

func decoder(decode func([]byte, int64) (Picture, error)) image.Decoder {
	return func(data []byte, limit int64) (stdimage.Image, bool, error) {
		p, err := decode(data, limit)
		if err != nil {
			return nil, false, held(err)
		}
		return p.Image, p.Deep, nil
	}
}

func (s *SVG) drawer(text []byte, zoom float64, limit int64) (stdimage.Image, float64, error) {
	p, used, err := s.Draw(text, zoom, limit)
	if err != nil {
		return nil, 0, held(err)
	}
	return p.Image, used, nil
}
