package image

import (
	"bytes"
	"context"
	"encoding/binary"
	stdimage "image"

	"golang.org/x/image/webp"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// ParseWebP emits the pixels of a WebP picture, of an animation those of its
// first frame on its canvas. It holds with limit_pixels, limit_count,
// truncated, malformed, kind_unsupported or limit_time.
func ParseWebP(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
	ctx, cancel := withDeadline(ctx, in.Budget)
	defer cancel()
	k := webpWalk{}
	if err := k.walk(in.Data); err != nil {
		return err
	}
	w, h, err := k.frame.size()
	if err != nil {
		return err
	}
	s := k.survey
	if s.w < k.left+w || s.h < k.top+h || k.frames == 0 {
		s.w, s.h = k.left+w, k.top+h
	}
	s.changed, s.lossy = "png", k.frame.lossy()
	s.animated = k.frames > 1
	if err := allowed(s.w, s.h, in.Budget); err != nil {
		return err
	}
	decode := func() (stdimage.Image, error) {
		img, err := webp.Decode(ctxReader{ctx, bytes.NewReader(k.frame.alone(w, h))})
		if err != nil {
			return nil, err
		}
		img = newStudio(img)
		if size := img.Bounds().Size(); k.frames == 0 || int64(size.X) == s.w && int64(size.Y) == s.h {
			return img, nil
		}
		return &canvas{size: stdimage.Rect(0, 0, int(s.w), int(s.h)), frame: img,
			left: int(k.left), top: int(k.top), at: sampler(img)}, nil
	}
	return decodeAndEmit(ctx, s, in.Budget, decode, out)
}

// maxChunks bounds the chunks of a WebP; an animation has one for each frame.
const maxChunks = 100_000

// webpWalk reads the chunks of a WebP (WebP container specification, RFC 9649,
// section 2).
type webpWalk struct {
	survey
	frame     webpFrame // the picture, or the first frame
	left, top int64     // of the first frame
	frames    int       // of an animation; 0 for a still picture
	chunks    int
}

// webpFrame is what one picture is made of.
type webpFrame struct{ alpha, vp8, vp8l []byte }

var errWebPCut = format.Hold(format.Truncated, "WebP ends inside a chunk")

// spec: rfc9649#2
func (k *webpWalk) walk(data []byte) error {
	if len(data) < 12 {
		return errWebPCut
	}
	size := int64(binary.LittleEndian.Uint32(data[4:])) + 8
	if size > int64(len(data)) {
		return errWebPCut
	}
	k.trailing = trailing(data[size:])
	return k.each(data[12:max(size, 12)], k.chunk)
}

// each calls f with the name and the body of every chunk in p, until f says
// that it has seen enough.
func (k *webpWalk) each(p []byte, f func(name string, body []byte) error) error {
	for len(p) > 0 {
		if k.chunks++; k.chunks > maxChunks {
			return format.Hold(format.LimitCount, "chunks of a WebP")
		}
		if len(p) < 8 {
			return errWebPCut
		}
		n := int64(binary.LittleEndian.Uint32(p[4:]))
		if n > int64(len(p))-8 {
			return errWebPCut
		}
		if err := f(string(p[:4]), p[8:8+n]); err != nil {
			return err
		}
		p = p[min(8+n+n&1, int64(len(p))):]
	}
	return nil
}

func (k *webpWalk) chunk(name string, body []byte) error {
	switch name {
	case "VP8X":
		if len(body) < 10 {
			return errWebPCut
		}
		k.w, k.h = int64(uint24(body[4:]))+1, int64(uint24(body[7:]))+1
	case "ANIM":
		// Background and loop count: neither is kept.
	case "ANMF":
		return k.animationFrame(body)
	case "ICCP":
		k.meta |= metaICC
		k.profile = body
	case "EXIF":
		k.meta |= metaEXIF
		k.exif(readEXIF(bytes.TrimPrefix(body, []byte("Exif\x00\x00"))))
	case "XMP ":
		k.meta |= metaXMP
	default:
		if !k.frame.take(name, body) {
			k.meta |= metaOther
		}
	}
	return nil
}

// animationFrame reads a frame: place and size, duration, flags, and chunks.
func (k *webpWalk) animationFrame(body []byte) error {
	k.frames++
	if k.frames > 1 {
		return nil
	}
	if len(body) < 16 {
		return errWebPCut
	}
	k.left, k.top = 2*int64(uint24(body)), 2*int64(uint24(body[3:]))
	return k.each(body[16:], func(name string, body []byte) error {
		k.frame.take(name, body)
		return nil
	})
}

// take keeps a chunk of pixels, the first of each kind, and reports whether it
// was one.
func (f *webpFrame) take(name string, body []byte) bool {
	into := map[string]*[]byte{"ALPH": &f.alpha, "VP8 ": &f.vp8, "VP8L": &f.vp8l}[name]
	if into == nil || *into != nil {
		return false
	}
	*into = body
	return true
}

func (f *webpFrame) lossy() bool { return f.vp8 != nil }

// size reads width and height out of the coded picture (RFC 6386 9.1, RFC 9649
// 3.4).
func (f *webpFrame) size() (int64, int64, error) {
	switch {
	case f.vp8 != nil:
		if len(f.vp8) < 10 {
			return 0, 0, errWebPCut
		}
		w, h := binary.LittleEndian.Uint16(f.vp8[6:]), binary.LittleEndian.Uint16(f.vp8[8:])
		return int64(w & 0x3FFF), int64(h & 0x3FFF), nil
	case f.vp8l != nil:
		if len(f.vp8l) < 5 {
			return 0, 0, errWebPCut
		}
		v := binary.LittleEndian.Uint32(f.vp8l[1:])
		return int64(v&0x3FFF) + 1, int64(v>>14&0x3FFF) + 1, nil
	}
	return 0, 0, format.Hold(format.Truncated, "WebP without a picture")
}

// alone writes a WebP of the picture alone: the decoder sees no other chunk.
func (f *webpFrame) alone(w, h int64) []byte {
	body := []byte("WEBP")
	switch {
	case f.vp8 != nil && f.alpha != nil:
		head := []byte{0x10, 0, 0, 0}
		head = append24(append24(head, uint32(w-1)), uint32(h-1))
		body = appendChunk(appendChunk(body, "VP8X", head), "ALPH", f.alpha)
		body = appendChunk(body, "VP8 ", f.vp8)
	case f.vp8 != nil:
		body = appendChunk(body, "VP8 ", f.vp8)
	default:
		body = appendChunk(body, "VP8L", f.vp8l)
	}
	return appendChunk(nil, "RIFF", body)
}

func appendChunk(b []byte, name string, body []byte) []byte {
	b = binary.LittleEndian.AppendUint32(append(b, name...), uint32(len(body)))
	b = append(b, body...)
	if len(body)%2 == 1 {
		b = append(b, 0)
	}
	return b
}

func uint24(p []byte) uint32 { return uint32(p[0]) | uint32(p[1])<<8 | uint32(p[2])<<16 }

func append24(b []byte, v uint32) []byte { return append(b, byte(v), byte(v>>8), byte(v>>16)) }
