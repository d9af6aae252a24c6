package image

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// BuildTIFF writes a TIFF of the pages that in carries, for offices whose
// programs take no PDF. Each page is one strip of Deflate (TIFF 6.0 with Adobe's
// compression 8), its directory before its pixels; nothing else is in the file.
// It holds with too_large_after when the profile bounds the size.
// spec: tiff#2
func BuildTIFF(in *ir.Reader, c format.Construction, w io.Writer) (format.Built, error) {
	b := tiffBuilder{w: w, max: c.Profile.MaxBytes}
	for {
		v, err := in.Next()
		if _, end := v.(ir.End); end || errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return format.Built{}, fmt.Errorf("read pages: %w", err)
		}
		if err := b.value(v); err != nil {
			return format.Built{}, err
		}
	}
	if err := b.flush(); err != nil {
		return format.Built{}, err
	}
	if b.pages == 0 || b.written != b.pages {
		return format.Built{}, errors.New("build TIFF: fewer pages than announced")
	}
	return format.Built{Media: "image/tiff", Extension: "tif", Output: format.TIFF}, nil
}

type tiffBuilder struct {
	w       io.Writer
	at, max int64
	pages   int64 // as announced
	written int64
	begun   int64
	sheet   ir.Sheet
	raster  *ir.Raster
	pix     []byte
}

func (b *tiffBuilder) value(v ir.Value) error {
	switch v := v.(type) {
	case ir.Note:
		// Findings are the engine's business.
	case ir.Fail:
		return format.Failed(v)
	case ir.Number:
		if v.Name == ir.NumberPages {
			b.pages = v.N
		}
	case ir.Sheet:
		if err := b.flush(); err != nil {
			return err
		}
		if v.Page != b.begun || b.begun >= b.pages {
			return fmt.Errorf("build TIFF: page %d of %d out of order", v.Page, b.pages)
		}
		b.sheet, b.raster, b.pix = v, nil, b.pix[:0]
		b.begun++
	case ir.Raster:
		if b.begun == 0 || b.raster != nil || v.H > MaxPixels/v.W {
			return errors.New("build TIFF: raster out of place or too large")
		}
		b.raster = &v
	case ir.Pixels:
		if b.raster == nil || int64(len(b.pix)+len(v.B)) > b.raster.Stride()*b.raster.H {
			return errors.New("build TIFF: more pixels than announced")
		}
		b.pix = append(b.pix, v.B...)
	default:
		return fmt.Errorf("build TIFF: unexpected %T", v)
	}
	return nil
}

// The tags of a page, in this order and of these kinds. Bits of more than one
// sample and the resolutions lie behind the directory.
const (
	tiffShort    = 3
	tiffLong     = 4
	tiffRational = 5
	tiffTags     = 13
	tiffDir      = 2 + 12*tiffTags + 4
	tiffBehind   = 8 + 16 // bits of three samples and padding, two fractions
)

// flush writes the page in hand.
func (b *tiffBuilder) flush() error {
	if b.begun == 0 {
		return nil
	}
	if b.raster == nil || int64(len(b.pix)) != b.raster.Stride()*b.raster.H {
		return errors.New("build TIFF: fewer pixels than announced")
	}
	packed, err := b.pack()
	if err != nil {
		return err
	}
	if b.at == 0 {
		if err := b.write([]byte("II*\x00\x08\x00\x00\x00")); err != nil {
			return err
		}
	}
	end := b.at + tiffDir + tiffBehind + int64(len(packed)+len(packed)%2)
	if end > 1<<32-1 {
		return format.Hold(format.TooLargeAfter, "a TIFF has no room for more")
	}
	if b.begun == b.pages {
		end = 0 // the last
	}
	if err := b.write(b.directory(uint32(b.at), uint32(len(packed)), uint32(end))); err != nil {
		return err
	}
	b.written++
	return b.write(append(packed, make([]byte, len(packed)%2)...))
}

// directory makes the directory of a page that begins at start, and what its
// tags point to.
func (b *tiffBuilder) directory(start, packed, next uint32) []byte {
	s := tiffShapes(b.raster.Samples)
	w, h := uint32(b.raster.W), uint32(b.raster.H)
	bits := [2]uint32{1, s.depth}
	if s.samples == 3 {
		bits = [2]uint32{3, start + tiffDir}
	}
	d := binary.LittleEndian.AppendUint16(nil, tiffTags)
	for _, t := range [tiffTags][4]uint32{
		{256, tiffLong, 1, w}, {257, tiffLong, 1, h}, {258, tiffShort, bits[0], bits[1]}, {259, tiffShort, 1, 8},
		{262, tiffShort, 1, s.photometric}, {273, tiffLong, 1, start + tiffDir + tiffBehind}, {277, tiffShort, 1, s.samples},
		{278, tiffLong, 1, h}, {279, tiffLong, 1, packed},
		{282, tiffRational, 1, start + tiffDir + 8}, {283, tiffRational, 1, start + tiffDir + 16},
		{296, tiffShort, 1, 2}, {317, tiffShort, 1, s.predictor},
	} {
		d = binary.LittleEndian.AppendUint16(d, uint16(t[0]))
		d = binary.LittleEndian.AppendUint16(d, uint16(t[1]))
		d = binary.LittleEndian.AppendUint32(d, t[2])
		d = binary.LittleEndian.AppendUint32(d, t[3])
	}
	d = binary.LittleEndian.AppendUint32(d, next)
	d = append(d, "\x08\x00\x08\x00\x08\x00\x00\x00"...)
	for _, v := range [2][2]int64{{b.raster.W, b.sheet.W}, {b.raster.H, b.sheet.H}} {
		d = binary.LittleEndian.AppendUint32(d, tiffResolution(v[0], v[1]))
		d = binary.LittleEndian.AppendUint32(d, 1000)
	}
	return d
}

// tiffResolution gives thousandths of a pixel an inch of a side of pixels and
// thousandths of a point.
func tiffResolution(pixels, points int64) uint32 {
	return uint32(min(max((pixels*72_000_000+points/2)/points, minDensity), maxDensity))
}

// tiffShape is how samples are stored.
type tiffShape struct{ depth, samples, photometric, predictor uint32 }

func tiffShapes(s ir.Samples) tiffShape {
	switch s {
	case ir.Gray1:
		return tiffShape{1, 1, 1, 1}
	case ir.Gray4:
		return tiffShape{4, 1, 1, 1}
	case ir.Gray8:
		return tiffShape{8, 1, 1, 2}
	}
	return tiffShape{8, 3, 2, 2}
}

// pack deflates the rows of the page, of eight bits as differences.
func (b *tiffBuilder) pack() ([]byte, error) {
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	s, stride := tiffShapes(b.raster.Samples), int(b.raster.Stride())
	unused := byte(0) // bits of the last byte of a row that are no pixels
	if used := b.raster.W * int64(s.depth) % 8; used != 0 {
		unused = 0xFF >> used
	}
	for y := range int(b.raster.H) {
		row := b.pix[y*stride:][:stride]
		row[stride-1] &^= unused
		if s.predictor == 2 {
			for i := stride - 1; i >= int(s.samples); i-- {
				row[i] -= row[i-int(s.samples)]
			}
		}
		if _, err := z.Write(row); err != nil {
			return nil, fmt.Errorf("deflate page: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("deflate page: %w", err)
	}
	return out.Bytes(), nil
}

func (b *tiffBuilder) write(p []byte) error {
	b.at += int64(len(p))
	if b.max > 0 && b.at > b.max {
		return format.Hold(format.TooLargeAfter, fmt.Sprintf("%d bytes of TIFF", b.at))
	}
	if _, err := b.w.Write(p); err != nil {
		return fmt.Errorf("write TIFF: %w", err)
	}
	return nil
}
