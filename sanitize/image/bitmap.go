package image

import (
	"context"
	"encoding/binary"
	"fmt"
	stdimage "image"

	"sekisho/sanitize/format"
	"sekisho/sanitize/image/bmp"
	"sekisho/sanitize/ir"
)

// ParseBMP emits the pixels of a bitmap. It holds with limit_pixels,
// truncated, malformed, kind_unsupported or limit_time.
func ParseBMP(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
	ctx, cancel := withDeadline(ctx, in.Budget)
	defer cancel()
	f, err := bmp.Parse(in.Data)
	if err != nil {
		return holdDecode(err)
	}
	return parseBitmap(ctx, f, in.Budget, out)
}

func parseBitmap(ctx context.Context, f *bmp.File, b format.Budget, out *ir.Writer) error {
	s := survey{w: int64(f.W), h: int64(f.H), profile: f.Profile, trailing: trailing(f.Rest), changed: "png"}
	s.res = newDensity(perMetre, f.XMetre, f.YMetre, 1, 1)
	if f.Profile != nil {
		s.meta |= metaICC
	}
	if f.Gap {
		s.meta |= metaOther
	}
	if err := allowed(s.w, s.h, b); err != nil {
		return err
	}
	return decodeAndEmit(ctx, s, b, func() (stdimage.Image, error) { return f.Decode(ctx) }, out)
}

// maxIcons bounds the entries of an icon's directory that are looked at.
const maxIcons = 256

// ParseICO emits the pixels of the largest picture of an icon or cursor. It
// holds as ParseBMP does.
func ParseICO(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
	ctx, cancel := withDeadline(ctx, in.Budget)
	defer cancel()
	p, count, err := largestIcon(in.Data)
	if err != nil {
		return err
	}
	if count > 1 {
		if err := out.Write(ir.Note{Code: codeLargest, Detail: fmt.Sprintf("1 of %d", count)}); err != nil {
			return fmt.Errorf("write finding: %w", err)
		}
	}
	if MatchPNG(p) == format.Certain {
		if err := out.Write(ir.Note{Code: codeChanged, Detail: "png"}); err != nil {
			return fmt.Errorf("write finding: %w", err)
		}
		in.Data = p
		return parsePNG(ctx, in, out)
	}
	f, err := bmp.ParseIcon(p)
	if err != nil {
		return holdDecode(err)
	}
	return parseBitmap(ctx, f, in.Budget, out)
}

// largestIcon returns the bytes of the picture of most pixels, and of most
// bits a pixel among those, and how many pictures there are.
func largestIcon(data []byte) ([]byte, int, error) {
	if len(data) < 6 {
		return nil, 0, format.Hold(format.Truncated, "icon without a directory")
	}
	n := int(binary.LittleEndian.Uint16(data[4:]))
	if n < 1 || n > maxIcons {
		return nil, 0, format.Hold(format.Malformed, fmt.Sprintf("icon of %d pictures", n))
	}
	var best []byte
	most := int64(-1)
	for i := range n {
		if len(data) < 6+16*(i+1) {
			return nil, 0, format.Hold(format.Truncated, "icon's directory cut short")
		}
		e := data[6+16*i:]
		size, off := int64(binary.LittleEndian.Uint32(e[8:])), int64(binary.LittleEndian.Uint32(e[12:]))
		if off+size > int64(len(data)) {
			return nil, 0, format.Hold(format.Truncated, "icon's picture cut short")
		}
		w, h := (int64(e[0])+255)&255+1, (int64(e[1])+255)&255+1 // 0 is 256
		bits := int64(binary.LittleEndian.Uint16(e[6:]))         // a cursor has its hot spot there
		if binary.LittleEndian.Uint16(data[2:]) == 2 {
			bits = 0
		}
		if weight := w*h<<16 | bits; weight > most {
			best, most = data[off:off+size], weight
		}
	}
	return best, n, nil
}
