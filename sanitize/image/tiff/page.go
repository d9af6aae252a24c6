package tiff

import (
	"fmt"
)

// Tags that are used (TIFF 6.0, appendix A; TIFF technical note 2; ICC.1:2022
// B.3; Adobe DNG).
const (
	tagSubfile     = 254
	tagOldSubfile  = 255
	tagWidth       = 256
	tagLength      = 257
	tagBits        = 258
	tagCompression = 259
	tagPhotometric = 262
	tagFillOrder   = 266
	tagStrips      = 273
	tagOrientation = 274
	tagSamples     = 277
	tagRows        = 278
	tagStripCounts = 279
	tagXRes        = 282
	tagYRes        = 283
	tagPlanar      = 284
	tagT4          = 292
	tagT6          = 293
	tagUnit        = 296
	tagPredictor   = 317
	tagColorMap    = 320
	tagTileWidth   = 322
	tagTileLength  = 323
	tagTiles       = 324
	tagTileCounts  = 325
	tagInkSet      = 332
	tagExtra       = 338
	tagFormat      = 339
	tagTables      = 347
	tagICC         = 34675
	tagDNG         = 50706
)

// Compression values.
const (
	compNone     = 1
	compRuns     = 2
	compGroup3   = 3
	compGroup4   = 4
	compLZW      = 5
	compJPEG     = 7
	compDeflate  = 8
	compDeflate2 = 32946
	compPackBits = 32773
)

// Photometric interpretations.
const (
	photoWhite   = 0 // zero is white
	photoBlack   = 1 // zero is black
	photoRGB     = 2
	photoPalette = 3
	photoMask    = 4
	photoCMYK    = 5
	photoYCbCr   = 6
)

// Page is one page of a TIFF.
type Page struct {
	W, H int // pixels as stored; the caller bounds them before Decode
	// Orientation is that of EXIF, 0 or 1 for upright.
	Orientation int
	// XRes and YRes are fractions of pixels a Unit: 2 an inch, 3 a centimetre,
	// 1 nothing.
	XRes, YRes [2]int64
	Unit       int
	// Profile is the colour profile, nil for none.
	Profile []byte
	// JPEG says that the pixels were coded with loss.
	JPEG bool
	// Deep says that samples have sixteen bits, of which eight are kept.
	Deep bool

	file        *File
	tags        map[uint16]value
	bits        int // of one sample
	samples     int // of one pixel
	compression int
	photometric int
	predictor   int
	planar      bool // one plane after the other
	alpha       int  // 0 none, 1 multiplied, 2 plain
	colours     []int64
	tables      []byte
	pieces      pieces
}

// pieces is how the pixels are cut: into strips of the page's width, or tiles.
type pieces struct {
	w, h            int
	across, down    int
	offsets, counts []int64
}

// reader reads tags one after the other; after the first error it gives zeros.
type reader struct {
	p   *Page
	err error
}

// all returns the numbers of a tag, nil when it is missing.
func (r *reader) all(tag uint16) []int64 {
	v, ok := r.p.tags[tag]
	if !ok || r.err != nil {
		return nil
	}
	n, err := r.p.file.numbers(v)
	if err != nil {
		r.err = fmt.Errorf("tag %d: %w", tag, err)
	}
	return n
}

// one returns the number of a tag, or a default.
func (r *reader) one(tag uint16, missing int64) int64 {
	if n := r.all(tag); len(n) > 0 {
		return n[0]
	}
	return missing
}

// fraction returns a rational, zero when it is missing or no such thing.
func (r *reader) fraction(tag uint16) [2]int64 {
	v, ok := r.p.tags[tag]
	if !ok || v.kind != 5 || v.count < 1 {
		return [2]int64{}
	}
	b, err := r.p.file.bytes(v)
	if err != nil {
		return [2]int64{}
	}
	return [2]int64{int64(r.p.file.order.Uint32(b)), int64(r.p.file.order.Uint32(b[4:]))}
}

// blob returns the bytes of a tag, nil when it is missing or outside.
func (r *reader) blob(tag uint16) []byte {
	v, ok := r.p.tags[tag]
	if !ok {
		return nil
	}
	b, err := r.p.file.bytes(v)
	if err != nil {
		return nil
	}
	return b
}

// read takes what the tags say, and reports whether the page is to be shown:
// thumbnails and masks are not.
// spec: tiff#8
func (p *Page) read() (bool, error) {
	r := &reader{p: p}
	if r.one(tagSubfile, 0)&(1|4) != 0 || r.one(tagOldSubfile, 0) == 2 {
		return false, r.err
	}
	w, h := r.one(tagWidth, 0), r.one(tagLength, 0)
	if r.err == nil && (w < 1 || h < 1 || w > maxSide || h > maxSide) {
		return false, fmt.Errorf("%w: %d x %d pixels", ErrMalformed, w, h)
	}
	p.W, p.H = int(w), int(h)
	p.compression, p.samples = int(r.one(tagCompression, compNone)), int(r.one(tagSamples, 1))
	p.photometric = int(r.one(tagPhotometric, p.usual()))
	p.predictor, p.planar = int(r.one(tagPredictor, 1)), r.one(tagPlanar, 1) == 2 && p.samples > 1
	p.Orientation, p.Unit = int(r.one(tagOrientation, 1)), int(r.one(tagUnit, 2))
	p.XRes, p.YRes = r.fraction(tagXRes), r.fraction(tagYRes)
	p.Profile, p.tables = r.blob(tagICC), r.blob(tagTables)
	p.colours = r.all(tagColorMap)
	p.JPEG = p.compression == compJPEG
	bits := r.all(tagBits)
	if len(bits) == 0 {
		bits = []int64{1}
	}
	for _, b := range bits {
		if b != bits[0] {
			return false, fmt.Errorf("%w: samples of %v bits", ErrUnsupported, bits)
		}
	}
	p.bits = int(bits[0])
	p.Deep = p.bits == 16
	p.extra(r.all(tagExtra))
	if f := r.one(tagFormat, 1); f != 1 && f != 4 && r.err == nil {
		return false, fmt.Errorf("%w: sample format %d", ErrUnsupported, f)
	}
	if r.one(tagInkSet, 1) != 1 && p.photometric == photoCMYK {
		return false, fmt.Errorf("%w: inks", ErrUnsupported)
	}
	p.cut(r)
	if r.err != nil {
		return false, r.err
	}
	return true, p.supported()
}

// usual is how samples are meant when a page does not say, as some fax servers
// leave it out.
func (p *Page) usual() int64 {
	switch {
	case p.compression == compRuns || p.compression == compGroup3 || p.compression == compGroup4:
		return photoWhite
	case p.samples >= 3:
		return photoRGB
	}
	return photoBlack
}

// maxSide bounds a side in pixels, so that products of sides have room.
const maxSide = 1 << 24

// extra finds out what samples beyond the colours are.
func (p *Page) extra(kinds []int64) {
	if len(kinds) > 0 && p.samples > p.inks() && (kinds[0] == 1 || kinds[0] == 2) {
		p.alpha = int(kinds[0])
	}
}

// inks is how many samples a colour needs.
func (p *Page) inks() int {
	switch p.photometric {
	case photoRGB, photoYCbCr:
		return 3
	case photoCMYK:
		return 4
	}
	return 1
}

// supported refuses forms that Decode does not read.
func (p *Page) supported() error {
	fits := p.samples >= p.inks() && p.samples <= p.inks()+4
	switch p.photometric {
	case photoWhite, photoBlack:
		fits = fits && (p.bits == 1 || p.bits == 2 || p.bits == 4 || p.bits == 8 || p.bits == 16) && (p.bits >= 8 || p.samples == 1)
	case photoPalette:
		fits = fits && p.samples == 1 && (p.bits == 1 || p.bits == 2 || p.bits == 4 || p.bits == 8) && len(p.colours) >= 3<<p.bits
	case photoRGB:
		fits = fits && (p.bits == 8 || p.bits == 16)
	case photoCMYK:
		fits = fits && (p.bits == 8 || p.bits == 16)
	case photoYCbCr:
		fits = fits && p.JPEG && p.bits == 8
	default:
		fits = false
	}
	switch p.compression {
	case compNone, compLZW, compDeflate, compDeflate2, compPackBits:
		fits = fits && (p.predictor == 1 || p.predictor == 2 && p.bits >= 8)
	case compRuns, compGroup3, compGroup4:
		fits = fits && p.bits == 1 && p.samples == 1 && p.photometric <= photoBlack
	case compJPEG:
		fits = fits && p.bits == 8 && !p.planar && (p.samples == 1 || p.samples == 3 || p.samples == 4) && p.samples == p.inks()
	default:
		fits = false
	}
	if !fits {
		return fmt.Errorf("%w: compression %d, photometric %d, %d samples of %d bits", ErrUnsupported, p.compression, p.photometric, p.samples, p.bits)
	}
	return nil
}

// cut reads where strips or tiles lie.
// spec: tiff#3 tiff#15
func (p *Page) cut(r *reader) {
	c := &p.pieces
	if _, tiled := p.tags[tagTiles]; tiled {
		c.w, c.h = int(r.one(tagTileWidth, 0)), int(r.one(tagTileLength, 0))
		c.offsets, c.counts = r.all(tagTiles), r.all(tagTileCounts)
		if r.err == nil && (c.w < 16 || c.h < 16 || c.w > maxTile || c.h > maxTile || c.w%16 != 0) {
			r.err = fmt.Errorf("%w: tiles of %d x %d", ErrMalformed, c.w, c.h)
		}
	} else {
		c.w, c.h = p.W, int(min(r.one(tagRows, int64(p.H)), int64(p.H)))
		c.offsets, c.counts = r.all(tagStrips), r.all(tagStripCounts)
		if r.err == nil && c.h < 1 {
			r.err = fmt.Errorf("%w: strips of no row", ErrMalformed)
		}
	}
	if r.err != nil {
		return
	}
	c.across, c.down = (p.W+c.w-1)/c.w, (p.H+c.h-1)/c.h
	need := c.across * c.down
	if p.planar {
		need *= p.samples
	}
	if len(c.counts) == 0 && len(c.offsets) == 1 { // some writers leave it out
		c.counts = []int64{max(int64(len(p.file.data))-c.offsets[0], 0)}
	}
	if len(c.offsets) < need || len(c.counts) < need {
		r.err = fmt.Errorf("%w: %d pieces, of which %d are needed", ErrMalformed, min(len(c.offsets), len(c.counts)), need)
	}
}

// maxTile bounds the side of a tile.
const maxTile = 1 << 14
