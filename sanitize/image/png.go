package image

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	stdimage "image"
	"image/png"
	"io"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

const pngSignature = "\x89PNG\r\n\x1a\n"

// MatchPNG judges content by the PNG signature (PNG 3rd edition, 5.2).
func MatchPNG(data []byte) format.Match {
	if bytes.HasPrefix(data, []byte(pngSignature)) {
		return format.Certain
	}
	return format.NoMatch
}

// parsePNG emits the pixels of a PNG. It holds with limit_pixels, truncated,
// malformed, kind_unsupported or limit_time.
func parsePNG(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
	s, needed := surveyPNG(in.Data)
	if s.truncated {
		return format.Hold(format.Truncated, "PNG without its end chunk")
	}
	if err := allowed(s.w, s.h, in.Budget); err != nil {
		return err
	}
	decode := func() (stdimage.Image, error) {
		return png.Decode(ctxReader{ctx, io.MultiReader(needed...)})
	}
	return decodeAndEmit(ctx, s, in.Budget, decode, out)
}

// surveyPNG walks the chunks. It returns, besides the survey, readers of the
// chunks that make the picture: text, profiles and other extras never reach
// the decoder, nor do their checksums matter.
func surveyPNG(data []byte) (survey, []io.Reader) {
	var s survey
	var colours pngColour
	if len(data) < len(pngSignature) {
		s.truncated = true
		return s, nil
	}
	needed := []io.Reader{bytes.NewReader(data[:len(pngSignature)])}
	for p := data[len(pngSignature):]; ; {
		if len(p) < 12 {
			s.truncated = true
			return s, nil
		}
		n := int64(binary.BigEndian.Uint32(p))
		if n > int64(len(p))-12 {
			s.truncated = true
			return s, nil
		}
		name, body, whole := string(p[4:8]), p[8:8+n], p[:12+n]
		p = p[12+n:]
		colours.take(name, whole)
		if s.chunk(name, body) {
			needed = append(needed, bytes.NewReader(whole))
		}
		colours.late = colours.late || name == "PLTE" || name == "IDAT"
		if name == "IEND" {
			colours.grey = s.grey
			colours.resolve(&s)
			s.trailing = trailing(p)
			return s, needed
		}
	}
}

// chunk notes what a chunk says and reports whether the decoder needs it.
func (s *survey) chunk(name string, body []byte) bool {
	switch name {
	case "IHDR":
		if len(body) >= 8 && s.w == 0 {
			s.w = int64(binary.BigEndian.Uint32(body))
			s.h = int64(binary.BigEndian.Uint32(body[4:]))
			s.grey = len(body) > 9 && body[9]&2 == 0 // neither colours nor a palette
		}
		return true
	case "PLTE", "tRNS", "IEND":
		return true
	case "IDAT":
		s.pixels = true
		return true
	case "acTL":
		s.animated = s.animated || len(body) >= 4 && binary.BigEndian.Uint32(body) > 1
	case "fcTL":
		// A frame behind the default image is another picture, even if it is the
		// only one: programs that know animations show it and not the default.
		s.animated = s.animated || s.pixels
	case "pHYs":
		if d := readPHYs(body); d != (density{}) {
			s.res = d
		}
	case "fdAT", "gAMA", "cHRM", "sRGB", "cICP", "bKGD", "sBIT", "hIST", "sPLT":
		// How to show the pixels (pngColour); nothing about where they come from.
	case "iCCP":
		s.meta |= metaICC
	case "eXIf":
		s.meta |= metaEXIF
		s.exif(readEXIF(body))
	case "tIME":
		s.meta |= metaTime
	case "tEXt", "zTXt", "iTXt":
		s.meta |= textChunk(body)
	default:
		s.meta |= metaOther
	}
	return false
}

// textChunk tells what a text chunk carries by its keyword.
func textChunk(body []byte) metadata {
	keyword, _, _ := bytes.Cut(body[:min(len(body), 80)], []byte{0})
	switch string(keyword) {
	case "XML:com.adobe.xmp", "Raw profile type xmp":
		return metaXMP
	case "Raw profile type exif", "Raw profile type APP1":
		return metaEXIF
	case "Raw profile type iptc":
		return metaIPTC
	case "Raw profile type icc", "Raw profile type icm":
		return metaICC
	case "Comment":
		return metaComment
	}
	return metaText
}

// maxProfile bounds a colour profile in bytes; those that are read have a few
// hundred, or some thousand with sampled curves.
const maxProfile = 4 << 20

// inflateProfile reads the body of an iCCP chunk: a name, the method, and a
// zlib stream (PNG 11.3.2.3). It returns nil for what is not whole.
// spec: png#11.3.2.3
func inflateProfile(body []byte) []byte {
	_, rest, ok := bytes.Cut(body, []byte{0})
	if !ok || len(rest) < 1 || rest[0] != 0 {
		return nil
	}
	z, err := zlib.NewReader(bytes.NewReader(rest[1:]))
	if err != nil {
		return nil
	}
	p, err := io.ReadAll(io.LimitReader(z, maxProfile))
	if err != nil {
		return nil
	}
	return p
}
