package pdf

import (
	"fmt"
	"io"
	"slices"

	"sekisho/sanitize/ir"
	"sekisho/sanitize/jpeglint"
)

// picture checks that the data of a picture is exactly its pixels.
func (l *lint) picture(o *object, where string) {
	if o.w < 1 || o.h < 1 || o.w > ir.MaxSide || o.h > MaxPixels/o.w {
		l.fail(lintPicture, where, fmt.Sprintf("%d x %d pixels", o.w, o.h))
		return
	}
	if !o.space.written() {
		l.fail(lintPicture, where, "depth or colours that are not written")
		return
	}
	switch o.space.filter {
	case "DCTDecode":
		l.jpeg(o, where)
	case "CCITTFaxDecode":
		l.fax(o, where)
	default:
		l.inflate(o.body, where, func(r io.Reader) error { return l.rows(r, o, where) })
	}
}

// written reports whether we write pictures of this depth and these colours.
func (s space) written() bool {
	switch {
	case s.rgb:
		return s.bits == 8 && s.filter != "CCITTFaxDecode"
	case s.filter == "DCTDecode":
		return s.bits == 8 && s.colours == 0
	case s.filter == "CCITTFaxDecode":
		return s.bits == 1 && s.colours == 0
	case s.colours > 0:
		return slices.Contains([]int64{1, 2, 4, 8}, s.bits) && s.colours <= 1<<s.bits
	}
	return slices.Contains([]int64{1, 4, 8}, s.bits)
}

func (l *lint) jpeg(o *object, where string) {
	f := jpeglint.Check(o.body, func(code, at, detail string) { l.fail(code, where+" at "+at, detail) })
	components := 1
	if o.space.rgb {
		components = 3
	}
	if int64(f.W) != o.w || int64(f.H) != o.h || f.Components != components {
		l.fail(lintPicture, where, "the JPEG is of another size or colour")
	}
}

// rows reads the rows of a picture: whole, without bits behind the last pixel,
// and each index one of the palette's.
func (l *lint) rows(r io.Reader, o *object, where string) error {
	bits := o.w * o.space.bits
	if o.space.rgb {
		bits *= 3
	}
	row := make([]byte, (bits+7)/8)
	rest := byte(0xFF) >> (bits % 8)
	if bits%8 == 0 {
		rest = 0
	}
	for y := range o.h {
		if _, err := io.ReadFull(r, row); err != nil {
			return fmt.Errorf("row %d: %w", y, err)
		}
		if row[len(row)-1]&rest != 0 {
			l.fail(lintPicture, where, fmt.Sprintf("row %d: bits behind the last pixel", y))
			return errForm
		}
		if o.space.colours > 0 && !indices(row, o.space, o.w) {
			l.fail(lintPicture, where, fmt.Sprintf("row %d: index outside of the palette", y))
			return errForm
		}
	}
	return nil
}

func indices(row []byte, s space, w int64) bool {
	if s.colours == 1<<s.bits {
		return true
	}
	if s.bits == 8 {
		for _, v := range row {
			if int(v) >= s.colours {
				return false
			}
		}
		return true
	}
	for x := range w {
		at := x * s.bits
		v := row[at/8] >> (8 - s.bits - at%8) & (1<<s.bits - 1)
		if int(v) >= s.colours {
			return false
		}
	}
	return true
}
