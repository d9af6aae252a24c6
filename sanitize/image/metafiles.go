package image

import (
	"context"
	stdimage "image"

	"sekisho/sanitize/format"
	"sekisho/sanitize/image/bmp"
	"sekisho/sanitize/image/metafile"
	"sekisho/sanitize/ir"
)

// ParseEMF emits the pixels of an enhanced metafile that is one picture. It
// holds as ParseBMP does; a drawing with kind_unsupported.
func ParseEMF(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
	p, err := metafile.EMF(in.Data)
	return parseMetafile(ctx, p, err, in.Budget, out)
}

// ParseWMF emits the pixels of a Windows metafile that is one picture. It holds
// as ParseEMF does.
func ParseWMF(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
	p, err := metafile.WMF(in.Data)
	return parseMetafile(ctx, p, err, in.Budget, out)
}

func parseMetafile(ctx context.Context, p metafile.Picture, err error, b format.Budget, out *ir.Writer) error {
	ctx, cancel := withDeadline(ctx, b)
	defer cancel()
	if err != nil {
		return holdDecode(err)
	}
	f, err := bmp.ParseDIB(p.DIB, p.Off)
	if err != nil {
		return holdDecode(err)
	}
	if f.W != p.W || f.H != p.H {
		return format.Hold(format.KindUnsupported, "a part of a bitmap")
	}
	s := survey{w: int64(f.W), h: int64(f.H), profile: f.Profile, trailing: trailing(p.Rest), changed: "png",
		res: newDensity(perInch, int64(f.W)*p.PerInch, int64(f.H)*p.PerInch, p.FrameW, p.FrameH)}
	if f.Profile != nil {
		s.meta |= metaICC
	}
	if p.Comments || f.Gap || trailing(f.Rest) > 0 {
		s.meta |= metaOther
	}
	if err := allowed(s.w, s.h, b); err != nil {
		return err
	}
	return decodeAndEmit(ctx, s, b, func() (stdimage.Image, error) { return f.Decode(ctx) }, out)
}
