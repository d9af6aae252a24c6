package image

import (
	"errors"
	"fmt"
	stdimage "image"
	"image/png"
	"io"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// Page says which page of a document a picture shows.
type Page struct {
	Page  int64 // from 0
	Pages int64 // of the document
	W, H  int64 // of the page as shown, thousandths of a point
}

// BuildPage writes a PNG of the one page that in carries (Render.Page), of its
// pixels as they are. Text that comes with the page is passed over.
func BuildPage(in *ir.Reader, w io.Writer) (Page, error) {
	b := pageBuilder{}
	for {
		v, err := in.Next()
		if _, end := v.(ir.End); end || errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Page{}, fmt.Errorf("read page: %w", err)
		}
		if err := b.take(v); err != nil {
			return Page{}, err
		}
	}
	if b.pix == nil || int64(len(b.pix)) != b.raster.Stride()*b.raster.H {
		return Page{}, errors.New("read page: fewer pixels than announced")
	}
	enc := png.Encoder{CompressionLevel: png.DefaultCompression}
	if err := enc.Encode(w, b.picture()); err != nil {
		return Page{}, fmt.Errorf("encode page: %w", err)
	}
	return b.Page, nil
}

type pageBuilder struct {
	Page
	begun  bool
	raster ir.Raster
	pix    []byte
}

func (b *pageBuilder) take(v ir.Value) error {
	switch v := v.(type) {
	case ir.Note, ir.Run:
	case ir.Fail:
		return format.Failed(v)
	case ir.Number:
		if v.Name == ir.NumberPages {
			b.Pages = v.N
		}
	case ir.Sheet:
		if b.begun || v.Page >= b.Pages {
			return errors.New("read page: not one page of the document")
		}
		b.begun, b.Page.Page, b.W, b.H = true, v.Page, v.W, v.H
	case ir.Raster:
		if !b.begun || b.pix != nil {
			return errors.New("read page: pixels of no page")
		}
		if v.W > MaxPixels/v.H {
			return format.Hold(format.LimitPixels, fmt.Sprintf("%d x %d pixels", v.W, v.H))
		}
		b.raster, b.pix = v, make([]byte, 0, v.Stride()*v.H)
	case ir.Pixels:
		if b.pix == nil || len(b.pix)+len(v.B) > cap(b.pix) {
			return errors.New("read page: more pixels than announced")
		}
		b.pix = append(b.pix, v.B...)
	default:
		return fmt.Errorf("read page: unexpected %T", v)
	}
	return nil
}

// picture gives the pixels in the smallest class of PNG that a reader takes
// for what they are: grey, or colours.
func (b *pageBuilder) picture() stdimage.Image {
	rect := stdimage.Rect(0, 0, int(b.raster.W), int(b.raster.H))
	stride := int(b.raster.Stride())
	if b.raster.Samples == ir.RGB8 {
		m := stdimage.NewNRGBA(rect)
		for i, o := 0, 0; i+2 < len(b.pix); i, o = i+3, o+4 {
			m.Pix[o], m.Pix[o+1], m.Pix[o+2], m.Pix[o+3] = b.pix[i], b.pix[i+1], b.pix[i+2], 0xFF
		}
		return smallest(m)
	}
	bits := int(b.raster.Samples.Bits())
	most := 1<<bits - 1
	m := stdimage.NewGray(rect)
	for y := range rect.Dy() {
		row := b.pix[y*stride:]
		for x := range rect.Dx() {
			at := x * bits
			v := int(row[at/8]) >> (8 - bits - at%8) & most
			m.Pix[y*m.Stride+x] = byte(v * 255 / most)
		}
	}
	return m
}
