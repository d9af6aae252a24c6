package pdf

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"

	"github.com/klauspost/compress/zlib"

	"sekisho/sanitize/ir"
)

// flateLevel is the level of all compressed streams. Level 9 takes 15 times as
// long and saves 3 % (ADR 0015).
const flateLevel = 6

// Qualities of the profiles.
const (
	defaultQuality = 75
	// fineQuality is the quality from which no step of grey is given up.
	fineQuality = 85
)

// photographic is the number of compressed bytes for 100 pixels above which a
// page is no page of letters and JPEG is tried too.
const photographic = 17

// maxJPEGSide is the largest side that a JPEG can have (T.81 B.2.2).
const maxJPEGSide = 65535

// encoded is a picture as a stream: its dictionary from the colour space on,
// without the length, and its data, valid until the next call.
type encoded struct {
	dict string
	data []byte
	lone bool // its palette has one colour
}

// encoder encodes pictures; it keeps its memory from one to the next.
type encoder struct {
	quality int
	flate   *zlib.Writer
	packed  bytes.Buffer
	jpeg    bytes.Buffer
	index   []byte // of a palette's pixels, or greys
	rgba    []byte
	palette palette
	fax     fax
}

func newEncoder(quality int) encoder {
	if quality < 1 || quality > 100 {
		quality = defaultQuality
	}
	return encoder{quality: quality}
}

// deflate compresses p; the result is valid until the next call.
func (e *encoder) deflate(p []byte) ([]byte, error) {
	e.packed.Reset()
	if e.flate == nil {
		z, err := zlib.NewWriterLevel(&e.packed, flateLevel)
		if err != nil {
			return nil, fmt.Errorf("deflate: %w", err)
		}
		e.flate = z
	} else {
		e.flate.Reset(&e.packed)
	}
	if _, err := e.flate.Write(p); err != nil {
		return nil, fmt.Errorf("deflate: %w", err)
	}
	if err := e.flate.Close(); err != nil {
		return nil, fmt.Errorf("deflate: %w", err)
	}
	return e.packed.Bytes(), nil
}

// encode chooses how a picture is stored by what it holds. It may change pix.
func (e *encoder) encode(r ir.Raster, pix []byte) (encoded, error) {
	switch r.Samples {
	case ir.Gray1:
		return e.bilevel(r, pix)
	case ir.Gray4:
		if e.quality < fineQuality {
			coarsen(pix)
		}
		return e.plain(r, "/DeviceGray", 4, pix)
	case ir.Gray8:
		return e.grey(r, pix)
	}
	return e.colour(r, pix)
}

// grey stores a picture in shades of grey: as a page of letters when it is one
// and quality does not matter.
func (e *encoder) grey(r ir.Raster, pix []byte) (encoded, error) {
	if canJPEG(r) && busy(pix, int(r.W), 1) {
		return e.photo(r, pix)
	}
	if e.quality < fineQuality && !soft(pix, int(r.W), 1) {
		if bits := e.palette.indexGrey(e.indices(len(pix)), pix, int(r.W)); bits > 0 {
			return e.indexed(r, bits)
		}
	}
	g, err := e.plain(r, "/DeviceGray", 8, pix)
	if err != nil {
		return g, err
	}
	return e.orJPEG(r, pix, g)
}

// indexed stores what the palette has indexed.
func (e *encoder) indexed(r ir.Raster, bits int) (encoded, error) {
	p, err := e.plain(r, e.palette.space(), bits, e.index[:(int(r.W)*bits+7)/8*int(r.H)])
	p.lone = len(e.palette.colours) == 1
	return p, err
}

// indices returns a buffer of n bytes.
func (e *encoder) indices(n int) []byte {
	if cap(e.index) < n {
		e.index = make([]byte, n)
	}
	e.index = e.index[:n]
	return e.index
}

// plain stores samples as they are. PNG predictors make pages of letters
// larger, and a photograph is stored as a JPEG (ADR 0015).
func (e *encoder) plain(r ir.Raster, space string, bits int, pix []byte) (encoded, error) {
	data, err := e.deflate(pix)
	if err != nil {
		return encoded{}, err
	}
	return encoded{fmt.Sprintf("/ColorSpace%s/BitsPerComponent %d/Filter/FlateDecode", space, bits), data, false}, nil
}

// colour stores a colour picture: with a palette when it has few colours or
// can have with a small loss, else as a JPEG.
func (e *encoder) colour(r ir.Raster, pix []byte) (encoded, error) {
	if canJPEG(r) && busy(pix, int(r.W), 3) {
		return e.photo(r, pix)
	}
	e.indices(int(r.W * r.H))
	attempts := roughly
	if e.quality >= fineQuality || soft(pix, int(r.W), 3) {
		attempts = closely
	}
	if bits := e.palette.index(e.index, pix, int(r.W), attempts); bits > 0 {
		p, err := e.indexed(r, bits)
		if err != nil {
			return p, err
		}
		return e.orJPEG(r, pix, p)
	}
	if !canJPEG(r) {
		return e.plain(r, "/DeviceRGB", 8, pix)
	}
	return e.photo(r, pix)
}

// orJPEG returns the smaller one of what is there and a JPEG, which is tried
// only where it has a chance.
func (e *encoder) orJPEG(r ir.Raster, pix []byte, other encoded) (encoded, error) {
	if int64(len(other.data))*100 <= r.W*r.H*photographic || !canJPEG(r) {
		return other, nil
	}
	j, err := e.photo(r, pix)
	if err != nil || len(j.data) >= len(other.data) {
		return other, err
	}
	return j, nil
}

func canJPEG(r ir.Raster) bool { return r.W <= maxJPEGSide && r.H <= maxJPEGSide }

// photo stores a picture as a baseline JPEG.
func (e *encoder) photo(r ir.Raster, pix []byte) (encoded, error) {
	e.jpeg.Reset()
	rect := image.Rect(0, 0, int(r.W), int(r.H))
	var m image.Image = &image.Gray{Pix: pix, Stride: int(r.W), Rect: rect}
	space := "/DeviceGray"
	if r.Samples == ir.RGB8 {
		m, space = e.fourBytes(pix, rect), "/DeviceRGB"
	}
	if err := jpeg.Encode(&e.jpeg, m, &jpeg.Options{Quality: e.quality}); err != nil {
		return encoded{}, fmt.Errorf("encode page: %w", err)
	}
	return encoded{fmt.Sprintf("/ColorSpace%s/BitsPerComponent 8/Filter/DCTDecode", space), e.jpeg.Bytes(), false}, nil
}

// fourBytes gives pixels the shape for which the JPEG encoder has a fast path.
func (e *encoder) fourBytes(pix []byte, rect image.Rectangle) image.Image {
	n := len(pix) / 3 * 4
	if cap(e.rgba) < n {
		e.rgba = make([]byte, n)
	}
	e.rgba = e.rgba[:n]
	for i, o := 0, e.rgba; i+3 <= len(pix) && len(o) >= 4; i, o = i+3, o[4:] {
		o[0], o[1], o[2], o[3] = pix[i], pix[i+1], pix[i+2], 0xFF
	}
	return &image.RGBA{Pix: e.rgba, Stride: 4 * rect.Dx(), Rect: rect}
}

// coarsen leaves nine of sixteen greys, which the eye does not miss in letters:
// a fifth less bytes.
func coarsen(pix []byte) {
	var table [256]byte
	for i := range table {
		table[i] = eighth(byte(i)>>4)<<4 | eighth(byte(i)&15)
	}
	for i, b := range pix {
		pix[i] = table[b]
	}
}

// eighth returns the nearest of eight evenly spaced greys; twice is as once. The
// lightest grey stays: a watermark or a shaded row must not become white.
func eighth(v byte) byte {
	if v == 14 {
		return v
	}
	return byte((int((int(v)*7+7)/15)*15 + 3) / 7)
}

// bilevel stores a picture in black and white. Group 4 is the smaller for
// letters, at 300 dpi by 40 %, Flate for halftones.
// spec: pdf#7.4.6
func (e *encoder) bilevel(r ir.Raster, pix []byte) (encoded, error) {
	p, err := e.plain(r, "/DeviceGray", 1, pix)
	if err != nil || r.W > maxFaxSide || r.H > maxFaxSide {
		return p, err
	}
	data := e.fax.encode(r, pix)
	if len(data) >= len(p.data) {
		return p, nil
	}
	return encoded{fmt.Sprintf("/ColorSpace/DeviceGray/BitsPerComponent 1/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns %d/Rows %d>>", r.W, r.H), data, false}, nil
}

// maxFaxSide keeps within what decoders of Group 4 take.
const maxFaxSide = 32000
