package ir

import (
	"errors"
	"fmt"
)

// Sheet begins a page of a document. Its size is that of the page as a reader
// shows it, after its own rotation.
type Sheet struct {
	Page int64 // from 0, without gaps
	W, H int64 // thousandths of a point (1/72 inch)
	// Marks counts what the source wants seen on the page: characters and
	// pictures that are not invisible. A page with marks whose raster has one
	// colour lost something.
	Marks int64
}

// MaxSheet bounds a page's side in thousandths of a point: 200 inches, the
// limit of ISO 32000-1 Annex C.
const MaxSheet = 14_400_000

// Samples says how the pixels of a Raster are stored: rows from the top, each
// padded to a whole byte, the first pixel in the high bits, 0 is black.
type Samples string

// The closed list of samples.
const (
	Gray1 Samples = "gray1"
	Gray4 Samples = "gray4"
	Gray8 Samples = "gray8"
	RGB8  Samples = "rgb8"
)

// Bits returns the bits of one pixel, 0 for what is not in the list.
func (s Samples) Bits() int64 {
	switch s {
	case Gray1:
		return 1
	case Gray4:
		return 4
	case Gray8:
		return 8
	case RGB8:
		return 24
	}
	return 0
}

// Raster announces the pixels of the sheet begun last: W × H, followed by
// Pixels frames with exactly H·Stride bytes in all.
type Raster struct {
	Samples Samples
	W, H    int64
}

// Stride returns the bytes of one row.
func (r Raster) Stride() int64 { return (r.W*r.Samples.Bits() + 7) / 8 }

// Run is a piece of text of the sheet begun last, in one direction and size.
// Its place is in thousandths of a point from the lower left corner of the
// page as shown.
type Run struct {
	X, Y   int64 // where its base line starts
	Length int64 // along its direction
	Size   int64 // height of its letters
	Angle  int64 // of its direction, degrees counter-clockwise, 0 to 359
	S      string
}

func (Sheet) tag() Tag  { return TagSheet }
func (Raster) tag() Tag { return TagRaster }
func (Run) tag() Tag    { return TagRun }

func (v Sheet) encode(e *encoder)  { e.nums(v.Page, v.W, v.H, v.Marks) }
func (v Raster) encode(e *encoder) { e.str(string(v.Samples)); e.nums(v.W, v.H) }
func (v Run) encode(e *encoder)    { e.nums(v.X, v.Y, v.Length, v.Size, v.Angle); e.str(v.S) }

func decodeSheet(d *decoder) Value  { return Sheet{d.num(), d.num(), d.num(), d.num()} }
func decodeRaster(d *decoder) Value { return Raster{Samples(d.str()), d.num(), d.num()} }
func decodeRun(d *decoder) Value {
	return Run{d.num(), d.num(), d.num(), d.num(), d.num(), d.str()}
}

func (v Sheet) check() error {
	if v.W < 1 || v.H < 1 || v.W > MaxSheet || v.H > MaxSheet {
		return errors.New("page size out of range")
	}
	return within(0, v.Page, v.Marks)
}

func (v Raster) check() error {
	if v.Samples.Bits() == 0 {
		return fmt.Errorf("%q is not in the closed list", string(v.Samples))
	}
	if v.W < 1 || v.H < 1 || v.W > MaxSide || v.H > MaxSide {
		return errors.New("raster size out of range")
	}
	return nil
}

func (v Run) check() error {
	for _, n := range []int64{v.X, v.Y, v.Length, v.Size} {
		if n < -MaxSheet || n > MaxSheet {
			return errors.New("place of text out of range")
		}
	}
	if v.Length < 0 || v.Size < 0 || v.Angle < 0 || v.Angle > 359 {
		return errors.New("shape of text out of range")
	}
	return line(v.S, MaxLine)
}
