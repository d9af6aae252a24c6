// Package metafile finds the picture in Windows metafiles that are nothing else:
// an EMF or WMF whose one mark on the paper is a whole bitmap, as office
// programs make of a picture that is pasted.
//
// A metafile is a list of calls of a drawing library ([MS-EMF], [MS-WMF]). We
// know the calls that leave no mark by name and take one that draws a bitmap;
// any other call, a second bitmap, a part of one or one that is mixed with what
// lies below it, is a drawing, which this package does not read. So nothing that
// a reader would see is ever missing from what comes out.
//
// The bitmap is handed on as bytes: sanitize/image/bmp reads it. It all runs in
// the box.
package metafile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The errors, wrapped; io.ErrUnexpectedEOF is a file that is cut off.
var (
	ErrUnsupported = errors.New("metafile: a drawing, not one picture")
	ErrMalformed   = errors.New("metafile: malformed")
)

// maxRecords bounds the calls that are looked at: a picture needs some ten.
const maxRecords = 4096

// Picture is the bitmap of a metafile.
type Picture struct {
	DIB  []byte // information header, colours and pixels
	Off  int64  // of the pixels in DIB, -1 for right behind the colours
	W, H int    // of the bitmap, as the call says
	// FrameW and FrameH are the size on paper, of which PerInch make an inch; 0
	// when the file does not say.
	FrameW, FrameH, PerInch int64
	Comments                bool   // there are some
	Rest                    []byte // behind the last record
}

// take keeps the picture that a call draws.
func (p *Picture) take(dib []byte, off int64, c call) error {
	switch {
	case p.DIB != nil:
		return fmt.Errorf("%w: a second bitmap", ErrUnsupported)
	case c.rop != copySource:
		return fmt.Errorf("%w: raster operation %#x", ErrUnsupported, c.rop)
	case c.usage != 0:
		return fmt.Errorf("%w: colours of a palette elsewhere", ErrUnsupported)
	case c.x != 0 || c.y != 0 || c.w <= 0 || c.h <= 0:
		return fmt.Errorf("%w: a part of a bitmap", ErrUnsupported)
	case c.toW <= 0 || c.toH <= 0:
		return fmt.Errorf("%w: a bitmap that is turned over", ErrUnsupported)
	}
	p.DIB, p.Off, p.W, p.H = dib, off, int(c.w), int(c.h)
	return nil
}

// call is what a call that draws a bitmap says: source, size on paper, how.
type call struct {
	x, y, w, h int32
	toW, toH   int32
	rop        uint32
	usage      uint32
}

// copySource is the raster operation SRCCOPY: what lies below does not count.
const copySource = 0x00CC0020

// The records of [MS-EMF] 2.3 that matter.
const (
	emfHeader     = 1
	emfEOF        = 14
	emfComment    = 70
	emfClip       = 75
	emfStretchDIB = 81
)

// emfQuiet are the records that leave no mark: the state of the pen and brush,
// which a bitmap does not use, and where on the paper it comes to lie.
var emfQuiet = map[uint32]bool{
	9: true, 10: true, 11: true, 12: true, // window and viewport
	13: true, 16: true, 17: true, 18: true, 19: true, 20: true, 21: true, 22: true, 24: true, 25: true, // brush origin to background
	33: true, 34: true, // save and restore
	37: true, 38: true, 39: true, 40: true, 82: true, 95: true, // pens, brushes, fonts
	58: true, 98: true, 115: true, // mitre limit, colour management, layout
}

// EMF finds the picture of an enhanced metafile.
func EMF(data []byte) (Picture, error) {
	var p Picture
	at := 0
	for n := range maxRecords {
		if len(data)-at < 8 {
			return p, io.ErrUnexpectedEOF
		}
		kind, size := u32(data, at), u32(data, at+4)
		switch {
		case size < 8 || size%4 != 0:
			return p, fmt.Errorf("%w: record of %d bytes", ErrMalformed, size)
		case int64(size) > int64(len(data)-at):
			return p, io.ErrUnexpectedEOF
		case (n == 0) != (kind == emfHeader):
			return p, fmt.Errorf("%w: header in the wrong place", ErrMalformed)
		}
		r := data[at : at+int(size)]
		at += int(size)
		if kind == emfEOF {
			p.Rest = data[at:]
			return p.done()
		}
		if err := p.emf(kind, r); err != nil {
			return p, err
		}
	}
	return p, fmt.Errorf("%w: more than %d records", ErrUnsupported, maxRecords)
}

func (p *Picture) emf(kind uint32, r []byte) error {
	switch {
	case kind == emfHeader:
		if len(r) < 88 || string(r[40:44]) != " EMF" {
			return fmt.Errorf("%w: header of %d bytes", ErrMalformed, len(r))
		}
		p.FrameW, p.FrameH = int64(i32(r, 32))-int64(i32(r, 24)), int64(i32(r, 36))-int64(i32(r, 28))
		p.PerInch = 2540 // of hundredths of a millimetre
	case kind == emfComment:
		p.Comments = true
		if len(r) >= 16 && string(r[12:16]) == "EMF+" { // a drawing in another language, which programs show instead
			return fmt.Errorf("%w: EMF+", ErrUnsupported)
		}
	case kind == emfClip: // RGN_COPY without a region takes the clipping away
		if len(r) != 16 || u32(r, 8) != 0 || u32(r, 12) != 5 {
			return fmt.Errorf("%w: clipped", ErrUnsupported)
		}
	case kind == emfStretchDIB:
		return p.stretch(r)
	case !emfQuiet[kind]:
		return fmt.Errorf("%w: record %d", ErrUnsupported, kind)
	}
	return nil
}

// stretch reads EMR_STRETCHDIBITS ([MS-EMF] 2.3.1.7).
func (p *Picture) stretch(r []byte) error {
	if len(r) < 80 {
		return fmt.Errorf("%w: bitmap record of %d bytes", ErrMalformed, len(r))
	}
	info, bits := part(r, 48), part(r, 56)
	if info == nil || bits == nil {
		return fmt.Errorf("%w: a bitmap outside of its record", ErrMalformed)
	}
	dib := append(append(make([]byte, 0, len(info)+len(bits)), info...), bits...)
	return p.take(dib, int64(len(info)), call{x: i32(r, 32), y: i32(r, 36), w: i32(r, 40), h: i32(r, 44),
		toW: i32(r, 72), toH: i32(r, 76), rop: u32(r, 68), usage: u32(r, 64)})
}

// part returns the bytes that an offset and a size at r[at:] point to, nil when
// they are none or not in r.
func part(r []byte, at int) []byte {
	off, size := int64(u32(r, at)), int64(u32(r, at+4))
	if size == 0 || off < 80 || off+size > int64(len(r)) {
		return nil
	}
	return r[off : off+size]
}

func (p *Picture) done() (Picture, error) {
	if p.DIB == nil {
		return *p, fmt.Errorf("%w: no bitmap", ErrUnsupported)
	}
	if p.FrameW <= 0 || p.FrameH <= 0 || p.PerInch <= 0 {
		p.FrameW, p.FrameH, p.PerInch = 0, 0, 0
	}
	return *p, nil
}

// u32 and i32 read at a place that the caller knows to be there.
func u32(b []byte, at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
func i32(b []byte, at int) int32  { return int32(u32(b, at)) }
func u16(b []byte, at int) uint16 { return binary.LittleEndian.Uint16(b[at:]) }
func i16(b []byte, at int) int32  { return int32(int16(u16(b, at))) }
