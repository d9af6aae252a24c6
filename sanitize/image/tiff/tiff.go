// Package tiff reads TIFF files as office scanners, fax servers and editors
// write them: all pages, each as an image.
//
// A TIFF (revision 6.0) is a chain of directories; each lists the tags of one
// page, of which some say where its strips or tiles of pixels lie. Open walks
// the chain and reads tags alone, so that the caller can refuse a page before
// memory is taken for it; Page.Decode then reads the pixels: uncompressed,
// PackBits, LZW, Deflate, fax (Group 3 and 4) and JPEG, of 1 to 16 bits, grey,
// RGB, palette and CMYK. The old JPEG form (compression 6), which was never
// well defined, and raw camera files are ErrUnsupported.
//
// All of it is hostile: the chain may loop, counts and offsets may be any
// number, and strips may inflate without end. Directories, tags and values are
// counted, offsets checked, and a strip is inflated to what its page needs.
package tiff

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"sekisho/sanitize/image/fax"
)

// ErrMalformed means tags or pixels that contradict themselves.
var ErrMalformed = errors.New("tiff: malformed")

// ErrUnsupported means a form that is not read.
var ErrUnsupported = errors.New("tiff: form that is not read")

// ErrLimit means more directories, tags or values than honest files have.
var ErrLimit = errors.New("tiff: too many")

const (
	maxPages  = 10_000
	maxTags   = 1_000
	maxValues = 1 << 20 // strips of a page; a page of a pixel a strip is no page
)

// File is a TIFF whose directories were read.
type File struct {
	Pages []*Page // without thumbnails and masks
	// Extras names what the file carries besides pixels, in a fixed order.
	Extras []string

	data  []byte
	order binary.ByteOrder
	fax   *fax.Decoder
	found map[string]bool
}

// Open reads the directories of a TIFF. The errors are ErrMalformed,
// ErrUnsupported, ErrLimit and io.ErrUnexpectedEOF.
// spec: tiff#2
func Open(data []byte) (*File, error) {
	if len(data) < 8 {
		return nil, io.ErrUnexpectedEOF
	}
	f := &File{data: data, found: map[string]bool{}}
	switch string(data[:4]) {
	case "II*\x00":
		f.order = binary.LittleEndian
	case "MM\x00*":
		f.order = binary.BigEndian
	case "II+\x00", "MM\x00+":
		return nil, fmt.Errorf("%w: BigTIFF", ErrUnsupported)
	default:
		return nil, fmt.Errorf("%w: no TIFF", ErrMalformed)
	}
	seen := map[uint32]bool{}
	for at := f.order.Uint32(data[4:]); at != 0; {
		if seen[at] {
			return nil, fmt.Errorf("%w: directories in a circle", ErrMalformed)
		}
		if seen[at] = true; len(seen) > maxPages {
			return nil, fmt.Errorf("%w: directories", ErrLimit)
		}
		next, err := f.directory(at)
		if err != nil {
			return nil, err
		}
		at = next
	}
	if len(f.Pages) == 0 {
		return nil, fmt.Errorf("%w: no page", ErrUnsupported)
	}
	for _, e := range extras {
		if f.found[e.name] {
			f.Extras, f.found[e.name] = append(f.Extras, e.name), false
		}
	}
	return f, nil
}

// directory reads one directory and returns where the next one is, 0 for none.
func (f *File) directory(at uint32) (uint32, error) {
	if int64(at)+2 > int64(len(f.data)) {
		return 0, io.ErrUnexpectedEOF
	}
	n := int64(f.order.Uint16(f.data[at:]))
	if n > maxTags {
		return 0, fmt.Errorf("%w: tags", ErrLimit)
	}
	end := int64(at) + 2 + 12*n
	if end > int64(len(f.data)) {
		return 0, io.ErrUnexpectedEOF
	}
	p := &Page{file: f, tags: map[uint16]value{}}
	for i := range n {
		e := f.data[int64(at)+2+12*i:][:12]
		tag := f.order.Uint16(e)
		if _, twice := p.tags[tag]; twice {
			continue
		}
		f.note(tag)
		p.tags[tag] = value{kind: f.order.Uint16(e[2:]), count: f.order.Uint32(e[4:]), inline: e[8:12]}
	}
	if _, raw := p.tags[tagDNG]; raw {
		return 0, fmt.Errorf("%w: raw picture of a camera", ErrUnsupported)
	}
	keep, err := p.read()
	if err != nil {
		return 0, fmt.Errorf("page %d: %w", len(f.Pages)+1, err)
	}
	if keep {
		f.Pages = append(f.Pages, p)
	}
	if end+4 > int64(len(f.data)) {
		return 0, nil // a last directory at the very end
	}
	return f.order.Uint32(f.data[end:]), nil
}

// extras are what is not pixels, by tag; a name may stand for several.
var extras = [...]struct {
	name string
	tags []uint16
}{
	{"exif", []uint16{34665, 34853, 40965}}, // and positions
	{"xmp", []uint16{700}},
	{"iptc", []uint16{33723, 34377}}, // and the blocks of an image editor
	{"text", []uint16{269, 270, 271, 272, 285, 315, 316, 33432, 37724, 50341}},
	{"other", nil},
}

// plainTags say how to show pixels, or which program wrote them when.
var plainTags = [...]uint16{
	254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284, 286, 287, 288, 289, 290, 291, 292, 293,
	296, 297, 301, 305, 306, 317, 318, 319, 320, 321, 322, 323, 324, 325, 326, 327, 328, 330, 332, 333, 334, 336, 337, 338, 339, 340, 341, 342, 347,
	512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, 559, 32997, 34016, 34675, 34908, 34909, 34910, 34911,
}

// note remembers what a tag carries.
func (f *File) note(tag uint16) {
	for _, e := range extras {
		for _, t := range e.tags {
			if t == tag {
				f.found[e.name] = true
				return
			}
		}
	}
	for _, t := range plainTags {
		if t == tag {
			return
		}
	}
	f.found["other"] = true
}

// value is a tag's value as it is stored.
type value struct {
	kind   uint16
	count  uint32
	inline []byte // the value itself when it has at most four bytes, or its place
}

// sizes are the bytes of one value of each kind (TIFF 6.0 section 2); 0 is
// unknown.
var sizes = [...]int64{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4}

// bytes returns the stored bytes of a value.
func (f *File) bytes(v value) ([]byte, error) {
	if int(v.kind) >= len(sizes) || sizes[v.kind] == 0 {
		return nil, fmt.Errorf("%w: value of kind %d", ErrMalformed, v.kind)
	}
	n := sizes[v.kind] * int64(v.count)
	if n <= 4 {
		return v.inline[:n], nil
	}
	at := int64(f.order.Uint32(v.inline))
	if at+n > int64(len(f.data)) {
		return nil, io.ErrUnexpectedEOF
	}
	return f.data[at : at+n], nil
}

// numbers returns the integers of a value.
func (f *File) numbers(v value) ([]int64, error) {
	if v.count > maxValues {
		return nil, fmt.Errorf("%w: values of a tag", ErrLimit)
	}
	b, err := f.bytes(v)
	if err != nil {
		return nil, err
	}
	all := make([]int64, 0, v.count)
	for len(b) > 0 {
		switch v.kind {
		case 1, 7:
			all, b = append(all, int64(b[0])), b[1:]
		case 3:
			all, b = append(all, int64(f.order.Uint16(b))), b[2:]
		case 4, 13:
			all, b = append(all, int64(f.order.Uint32(b))), b[4:]
		default:
			return nil, fmt.Errorf("%w: number of kind %d", ErrMalformed, v.kind)
		}
	}
	return all, nil
}
