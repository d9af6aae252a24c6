package image

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	stdimage "image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"slices"
	"testing"
)

// gradient is a picture of many colours whose corners tell how it was turned.
func gradient(w, h int) *stdimage.NRGBA {
	m := stdimage.NewNRGBA(stdimage.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetNRGBA(x, y, color.NRGBA{R: uint8(x * 255 / w), G: uint8(y * 255 / h), B: uint8(x ^ y), A: 255})
		}
	}
	return m
}

func encodePNG(t testing.TB, m stdimage.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func encodeJPEG(t testing.TB, m stdimage.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func encodeGIF(t testing.TB, frames ...stdimage.Image) []byte {
	t.Helper()
	g := gif.GIF{}
	for _, f := range frames {
		p := stdimage.NewPaletted(f.Bounds(), color.Palette{color.Black, color.White, color.NRGBA{R: 255, A: 255}})
		for y := f.Bounds().Min.Y; y < f.Bounds().Max.Y; y++ {
			for x := f.Bounds().Min.X; x < f.Bounds().Max.X; x++ {
				p.Set(x, y, f.At(x, y))
			}
		}
		g.Image = append(g.Image, p)
		g.Delay = append(g.Delay, 10)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pngChunk makes a chunk with its checksum.
func pngChunk(name string, body []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	b = append(append(b, name...), body...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// withChunks puts chunks behind the header of a PNG.
func withChunks(p []byte, chunks ...[]byte) []byte {
	const header = 8 + 25
	return slices.Concat(p[:header], slices.Concat(chunks...), p[header:])
}

func deflate(t testing.TB, p []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	if _, err := z.Write(p); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// rawPNG makes a PNG from its header fields and the bytes of its IDAT.
func rawPNG(w, h uint32, depth, colour, interlace byte, idat []byte, more ...[]byte) []byte {
	head := binary.BigEndian.AppendUint32(nil, w)
	head = binary.BigEndian.AppendUint32(head, h)
	head = append(head, depth, colour, 0, 0, interlace)
	return slices.Concat([]byte(pngSignature), pngChunk("IHDR", head), slices.Concat(more...),
		pngChunk("IDAT", idat), pngChunk("IEND", nil))
}

// jpegSegment makes a marker segment.
func jpegSegment(mark byte, body []byte) []byte {
	b := []byte{0xFF, mark}
	return append(binary.BigEndian.AppendUint16(b, uint16(len(body)+2)), body...)
}

// withSegments puts segments behind the start of a JPEG.
func withSegments(p []byte, segs ...[]byte) []byte {
	return slices.Concat(p[:2], slices.Concat(segs...), p[2:])
}

// exif makes an EXIF structure with an orientation and a mark as its maker.
func exif(order binary.AppendByteOrder, orient uint16, mark string) []byte {
	b := []byte("MM\x00*")
	if order.String() == "LittleEndian" {
		b = []byte("II*\x00")
	}
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 2)
	b = order.AppendUint16(b, 0x010F)
	b = order.AppendUint16(b, 2)
	b = order.AppendUint32(b, uint32(len(mark)))
	b = order.AppendUint32(b, 38)
	b = order.AppendUint16(b, 0x0112)
	b = order.AppendUint16(b, 3)
	b = order.AppendUint32(b, 1)
	b = order.AppendUint16(b, orient)
	b = order.AppendUint16(b, 0)
	b = order.AppendUint32(b, 0)
	return append(b, mark...)
}

// exifResolution makes an EXIF structure with a resolution.
func exifResolution(order binary.AppendByteOrder, unit uint16, x, divX, y, divY uint32) []byte {
	b := []byte("MM\x00*")
	if order.String() == "LittleEndian" {
		b = []byte("II*\x00")
	}
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 3)
	const values = 8 + 2 + 3*12 + 4
	for i, tag := range []uint16{0x011A, 0x011B} {
		b = order.AppendUint16(b, tag)
		b = order.AppendUint16(b, 5)
		b = order.AppendUint32(b, 1)
		b = order.AppendUint32(b, uint32(values+8*i))
	}
	b = order.AppendUint16(b, 0x0128)
	b = order.AppendUint16(b, 3)
	b = order.AppendUint32(b, 1)
	b = order.AppendUint16(b, unit)
	b = order.AppendUint16(b, 0)
	b = order.AppendUint32(b, 0)
	for _, v := range []uint32{x, divX, y, divY} {
		b = order.AppendUint32(b, v)
	}
	return b
}

// noise is a grey picture that does not compress to nothing.
func noise(w, h int) *stdimage.Gray {
	m := stdimage.NewGray(stdimage.Rect(0, 0, w, h))
	x := uint32(1)
	for i := range m.Pix {
		x = x*1664525 + 1013904223
		m.Pix[i] = uint8(x >> 24)
	}
	return m
}

// flat is a picture of one colour.
func flat(w, h int, c color.Color) *stdimage.NRGBA {
	m := stdimage.NewNRGBA(stdimage.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.Set(x, y, c)
		}
	}
	return m
}
