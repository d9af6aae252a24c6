// Package bmp reads Windows and OS/2 bitmaps, and the pictures inside icons.
//
// Parse reads the headers alone: size, resolution, where palette and pixels
// lie, so that the caller can refuse a picture before memory is taken. Decode
// then reads the pixels. One to 32 bits a pixel, run-length codes and bit
// fields are read ([MS-WMF] 2.2.2, "DeviceIndependentBitmap"); bitmaps that
// wrap a JPEG, PNG or fax are ErrUnsupported.
//
// What is not pixels (gaps, bytes behind the end, an embedded colour profile)
// is only counted or pointed to. All of it is hostile: offsets are checked, and
// every loop ends with the input or the picture.
package bmp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image/color"
	"io"
)

// ErrUnsupported means a bitmap of a form that is not read.
var ErrUnsupported = errors.New("bmp: form that is not read")

// ErrMalformed means headers that contradict themselves.
var ErrMalformed = errors.New("bmp: malformed")

// The values of biCompression.
const (
	plain      = 0
	rle8       = 1
	rle4       = 2
	bitFields  = 3
	alphaField = 6
)

// fileHeader is the size of BITMAPFILEHEADER in bytes.
const fileHeader = 14

// File is a bitmap whose headers were read.
type File struct {
	W, H int // pixels; H is positive
	// XMetre and YMetre are pixels a metre, 0 when not said.
	XMetre, YMetre int64
	// Profile is an embedded colour profile, nil when there is none.
	Profile []byte
	// Gap says that bytes which are not zero lie between the headers and the
	// pixels. A profile on another computer counts too.
	Gap bool
	// Rest are the bytes behind everything that the headers point to.
	Rest []byte

	topDown bool
	bits    int
	method  uint32
	masks   [4]uint32 // red, green, blue, alpha
	palette []color.NRGBA
	pixels  []byte
	icon    bool   // alpha counts in 32 bits, and a mask follows the pixels
	cover   []byte // an icon's mask: a set bit is transparent
}

// Parse reads the headers of a bitmap file. The errors are ErrMalformed,
// ErrUnsupported and io.ErrUnexpectedEOF.
func Parse(data []byte) (*File, error) {
	if len(data) < fileHeader+4 {
		return nil, io.ErrUnexpectedEOF
	}
	if string(data[:2]) != "BM" {
		return nil, fmt.Errorf("%w: no bitmap", ErrMalformed)
	}
	f := &File{}
	off := int64(binary.LittleEndian.Uint32(data[10:]))
	err := f.headers(data, fileHeader, off)
	return f, err
}

// ParseIcon reads the headers of a bitmap inside an icon: it has no file
// header, and its height counts a mask below the picture.
func ParseIcon(data []byte) (*File, error) {
	f := &File{icon: true}
	err := f.headers(data, 0, -1)
	return f, err
}

// ParseDIB reads the headers of a bitmap inside a metafile: it has no file
// header; off is where its pixels begin, -1 for right behind the colours.
func ParseDIB(data []byte, off int64) (*File, error) {
	f := &File{}
	err := f.headers(data, 0, off)
	return f, err
}

// headers reads the information header at data[start:], which says how the
// rest is laid out; off is where the pixels begin, -1 for right behind.
func (f *File) headers(data []byte, start, off int64) error {
	if start+4 > int64(len(data)) {
		return io.ErrUnexpectedEOF
	}
	size := int64(binary.LittleEndian.Uint32(data[start:]))
	if start+size > int64(len(data)) {
		return io.ErrUnexpectedEOF
	}
	h := data[start : start+size]
	used := 0
	switch size {
	case 12:
		f.core(h)
	case 16, 40, 52, 56, 64, 108, 124:
		used = f.info(h)
	default:
		return fmt.Errorf("%w: header of %d bytes", ErrUnsupported, size)
	}
	if err := f.shape(size); err != nil {
		return err
	}
	at := start + size + f.fields(h, data[start+size:])
	entry := int64(4)
	if size == 12 {
		entry = 3
	}
	if off >= 0 && off < at {
		off = at
	}
	at = f.colours(data, at, off, entry, used)
	return f.locate(data, h, at, off)
}

// core reads OS/2 1.x's BITMAPCOREHEADER.
func (f *File) core(h []byte) {
	f.W, f.H = int(binary.LittleEndian.Uint16(h[4:])), int(binary.LittleEndian.Uint16(h[6:]))
	f.bits = int(binary.LittleEndian.Uint16(h[10:]))
}

// info reads BITMAPINFOHEADER and its successors, of which OS/2 2.x may cut
// the end off, and returns the palette's size as it claims.
func (f *File) info(h []byte) int {
	f.W, f.H = int(int32(binary.LittleEndian.Uint32(h[4:]))), int(int32(binary.LittleEndian.Uint32(h[8:])))
	f.bits = int(binary.LittleEndian.Uint16(h[14:]))
	if f.H < 0 {
		f.H, f.topDown = -f.H, true
	}
	if len(h) < 40 {
		return 0
	}
	f.method = binary.LittleEndian.Uint32(h[16:])
	f.XMetre = int64(int32(binary.LittleEndian.Uint32(h[24:])))
	f.YMetre = int64(int32(binary.LittleEndian.Uint32(h[28:])))
	return int(min(binary.LittleEndian.Uint32(h[32:]), 1<<16))
}

// shape checks what the header says against the forms that are read.
func (f *File) shape(size int64) error {
	if f.icon {
		f.H /= 2
	}
	if f.W < 1 || f.H < 1 {
		return fmt.Errorf("%w: %d x %d pixels", ErrMalformed, f.W, f.H)
	}
	if size == 64 && f.method > rle4 {
		return fmt.Errorf("%w: OS/2 compression %d", ErrUnsupported, f.method)
	}
	var fits bool
	switch f.method {
	case plain:
		fits = f.bits == 1 || f.bits == 2 || f.bits == 4 || f.bits == 8 || f.bits == 16 || f.bits == 24 || f.bits == 32
	case rle8:
		fits = f.bits == 8 && !f.topDown
	case rle4:
		fits = f.bits == 4 && !f.topDown
	case bitFields, alphaField:
		fits = f.bits == 16 || f.bits == 32
	}
	if !fits {
		return fmt.Errorf("%w: %d bits, compression %d", ErrUnsupported, f.bits, f.method)
	}
	return nil
}

// fields reads the masks of the colours, which stand in newer headers or
// behind older ones, and returns how many bytes lie behind.
func (f *File) fields(h, behind []byte) int64 {
	switch {
	case f.bits == 16 && f.method == plain:
		f.masks = [4]uint32{0x7C00, 0x3E0, 0x1F, 0}
		return 0
	case f.bits == 32 && f.method == plain:
		f.masks = [4]uint32{0xFF0000, 0xFF00, 0xFF, 0}
		if f.icon {
			f.masks[3] = 0xFF000000
		}
		return 0
	case f.method != bitFields && f.method != alphaField:
		return 0
	}
	n, outside := 3, int64(0)
	src := h[min(len(h), 40):]
	if len(h) == 40 {
		src = behind
		if f.method == alphaField {
			n = 4
		}
		outside = int64(4 * n)
	} else if len(h) >= 56 {
		n = 4
	}
	for i := 0; i < n && len(src) >= 4; i++ {
		f.masks[i] = binary.LittleEndian.Uint32(src)
		src = src[4:]
	}
	return outside
}

// colours reads the palette at data[at:] and returns where it ends. It is cut
// at the pixels; entries that are missing are black.
func (f *File) colours(data []byte, at, off, entry int64, used int) int64 {
	if f.bits > 8 {
		if off < 0 {
			at += int64(used) * entry // a palette for displays of few colours
		}
		return at
	}
	n := 1 << f.bits
	f.palette = make([]color.NRGBA, n)
	for i := range f.palette {
		f.palette[i].A = 0xFF
	}
	if used > 0 && used < n {
		n = used
	}
	for i := range n {
		if at+entry > int64(len(data)) || off >= 0 && at+entry > off {
			break
		}
		f.palette[i] = color.NRGBA{R: data[at+2], G: data[at+1], B: data[at], A: 0xFF}
		at += entry
	}
	return at
}

// locate finds the pixels, the profile, and what is neither.
func (f *File) locate(data, h []byte, at, off int64) error {
	if off < 0 {
		off = at
	}
	if off > int64(len(data)) || at > int64(len(data)) {
		return io.ErrUnexpectedEOF
	}
	f.Gap = !zero(data[min(at, off):off])
	f.pixels = data[off:]
	if f.W > maxSide || f.H > maxSide {
		return nil // the caller refuses it
	}
	end := off
	if f.method != rle8 && f.method != rle4 {
		end += f.stride() * int64(f.H)
	} else if size := int64(binary.LittleEndian.Uint32(h[20:])); size > 0 {
		end += size
	} else {
		end = int64(len(data))
	}
	if f.icon && end < int64(len(data)) {
		f.cover = data[end:]
		end += int64((f.W+31)/32*4) * int64(f.H)
	}
	end = min(end, int64(len(data)))
	f.Rest = data[end:]
	f.profile(data, h, end)
	return nil
}

// maxSide bounds what is computed with a side before the caller has seen it.
const maxSide = 1 << 24

// profile finds the colour profile of a BITMAPV5HEADER: embedded behind the
// pixels, or the name of one on the maker's computer.
func (f *File) profile(data, h []byte, end int64) {
	if len(h) != 124 {
		return
	}
	off, size := fileHeader+int64(binary.LittleEndian.Uint32(h[112:])), int64(binary.LittleEndian.Uint32(h[116:]))
	switch string(h[56:60]) { // little endian of 'MBED', 'LINK'
	case "DEBM":
		if off < end || off+size > int64(len(data)) {
			f.Gap = true
			return
		}
		f.Profile, f.Rest = data[off:off+size], data[off+size:]
		f.Gap = f.Gap || !zero(data[end:off])
	case "KNIL":
		f.Gap = true
	}
}

func zero(p []byte) bool {
	for _, b := range p {
		if b != 0 {
			return false
		}
	}
	return true
}

// stride returns the bytes of a row, which ends on four bytes.
func (f *File) stride() int64 { return (int64(f.W)*int64(f.bits) + 31) / 32 * 4 }
