package image

import (
	"bytes"
	"context"
	"encoding/binary"
	stdimage "image"
	"image/gif"
	"slices"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// MatchGIF judges content by the GIF signature.
func MatchGIF(data []byte) format.Match {
	if bytes.HasPrefix(data, []byte("GIF87a")) || bytes.HasPrefix(data, []byte("GIF89a")) {
		return format.Certain
	}
	return format.NoMatch
}

// parseGIF emits the first frame of a GIF on its logical screen. A frame that
// reaches over the edge makes the screen larger, as browsers do. It holds with
// limit_pixels, truncated, malformed or limit_time.
func parseGIF(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
	g := gifWalk{data: in.Data}
	if err := g.walk(); err != nil {
		return err
	}
	s := survey{meta: g.meta, animated: g.frames > 1, trailing: g.trailing, changed: "png"}
	s.w = max(g.screenW, g.left+g.width)
	s.h = max(g.screenH, g.top+g.height)
	if err := allowed(s.w, s.h, in.Budget); err != nil {
		return err
	}
	decode := func() (stdimage.Image, error) {
		img, err := gif.Decode(ctxReader{ctx, bytes.NewReader(g.first())})
		if err != nil {
			return nil, err
		}
		frame, ok := img.(*stdimage.Paletted)
		if !ok {
			return nil, format.Hold(format.Internal, "GIF frame without palette")
		}
		return &canvas{
			size:  stdimage.Rect(0, 0, int(s.w), int(s.h)),
			frame: frame, left: int(g.left), top: int(g.top), at: paletteSampler(frame),
		}, nil
	}
	return decodeAndEmit(ctx, s, in.Budget, decode, out)
}

// gifWalk walks the blocks of a GIF (GIF89a specification, appendix A).
type gifWalk struct {
	data []byte

	screenW, screenH         int64
	left, top, width, height int64 // of the first frame

	global  []byte // screen descriptor flags and global colour table
	control []byte // graphic control extension of the first frame
	image   []byte // first image from its flags to its last sub-block

	frames   int
	meta     metadata
	trailing int
}

var errGIFCut = format.Hold(format.Truncated, "GIF ends inside a block")

// walk reads all blocks. A missing trailer is accepted when the last block is
// whole; many programs forget it.
func (g *gifWalk) walk() error {
	if len(g.data) < 13 {
		return errGIFCut
	}
	g.screenW = int64(binary.LittleEndian.Uint16(g.data[6:]))
	g.screenH = int64(binary.LittleEndian.Uint16(g.data[8:]))
	table := tableSize(g.data[10])
	if len(g.data) < 13+table {
		return errGIFCut
	}
	g.global = g.data[10 : 13+table]
	p := g.data[13+table:]
	for len(p) > 0 {
		var err error
		switch p[0] {
		case 0x3B:
			g.trailing = trailing(p[1:])
			p = nil
		case 0x2C:
			p, err = g.frame(p)
		case 0x21:
			p, err = g.extension(p)
		default:
			// Padding or damage: browsers stop here and show what came before.
			g.trailing = trailing(p)
			p = nil
		}
		if err != nil {
			return err
		}
	}
	if g.frames == 0 {
		return format.Hold(format.Truncated, "GIF without a frame")
	}
	return nil
}

// tableSize gives the bytes of the colour table that flags announce.
func tableSize(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

func (g *gifWalk) frame(p []byte) ([]byte, error) {
	if len(p) < 10 {
		return nil, errGIFCut
	}
	head := 10 + tableSize(p[9])
	if len(p) < head+1 {
		return nil, errGIFCut
	}
	rest, _, err := subBlocks(p[head+1:])
	if err != nil {
		return nil, err
	}
	if g.frames == 0 {
		g.left = int64(binary.LittleEndian.Uint16(p[1:]))
		g.top = int64(binary.LittleEndian.Uint16(p[3:]))
		g.width = int64(binary.LittleEndian.Uint16(p[5:]))
		g.height = int64(binary.LittleEndian.Uint16(p[7:]))
		g.image = p[9 : len(p)-len(rest)]
	}
	g.frames++
	return rest, nil
}

func (g *gifWalk) extension(p []byte) ([]byte, error) {
	if len(p) < 3 {
		return nil, errGIFCut
	}
	rest, first, err := subBlocks(p[2:])
	if err != nil {
		return nil, err
	}
	switch p[1] {
	case 0xF9:
		if g.frames == 0 {
			g.control = p[:len(p)-len(rest)]
		}
	case 0xFE:
		g.meta |= metaComment
	case 0xFF:
		g.meta |= application(first)
	default:
		g.meta |= metaText
	}
	return rest, nil
}

// application tells what an application extension carries; the two that set
// the loop count carry nothing.
func application(first []byte) metadata {
	switch string(first) {
	case "NETSCAPE2.0", "ANIMEXTS1.0":
		return 0
	case "XMP DataXMP":
		return metaXMP
	case "ICCRGBG1012":
		return metaICC
	}
	return metaOther
}

// subBlocks skips a chain of sub-blocks and returns what follows it and its
// first block.
func subBlocks(p []byte) ([]byte, []byte, error) {
	var first []byte
	for {
		if len(p) == 0 {
			return nil, nil, errGIFCut
		}
		n := int(p[0])
		if n == 0 {
			return p[1:], first, nil
		}
		if len(p) < 1+n {
			return nil, nil, errGIFCut
		}
		if first == nil {
			first = p[1 : 1+n]
		}
		p = p[1+n:]
	}
}

// first writes a GIF of the first frame alone whose screen is that frame: the
// standard decoder refuses frames outside of their screen.
func (g *gifWalk) first() []byte {
	size := binary.LittleEndian.AppendUint16(nil, uint16(g.width))
	size = binary.LittleEndian.AppendUint16(size, uint16(g.height))
	return slices.Concat([]byte("GIF89a"), size, g.global, g.control,
		[]byte{0x2C, 0, 0, 0, 0}, size, g.image, []byte{0x3B})
}
