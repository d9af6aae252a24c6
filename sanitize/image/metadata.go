package image

import (
	"encoding/binary"
	"strings"
)

// metadata is the set of things that a picture carries besides pixels.
type metadata uint16

const (
	metaEXIF metadata = 1 << iota
	metaXMP
	metaIPTC
	metaICC
	metaComment
	metaText
	metaThumbnail
	metaTime
	metaOther
)

var metaNames = [...]string{"exif", "xmp", "iptc", "icc", "comment", "text", "thumbnail", "time", "other"}

// String lists the members, separated by commas.
func (m metadata) String() string {
	var names []string
	for i, n := range metaNames {
		if m&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return strings.Join(names, ",")
}

// orientation is EXIF tag 0x0112 (Exif 2.32, 4.6.4 A): 1 to 8; 0 is unknown
// and means upright.
type orientation uint8

func (o orientation) turns() bool { return o >= 2 && o <= 8 }

// transposes reports whether width and height change places.
func (o orientation) transposes() bool { return o >= 5 && o <= 8 }

// source gives the pixel of the stored w × h picture that is shown at (x, y).
func (o orientation) source(x, y, w, h int) (int, int) {
	switch o {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	case 8:
		return w - 1 - y, x
	default:
		return x, y
	}
}

// maxEntries bounds the entries of an image file directory that are looked at.
const maxEntries = 256

// exifFacts is what EXIF says that matters for showing the picture.
type exifFacts struct {
	turn orientation
	res  density
}

// readEXIF reads the first directory of the TIFF structure that EXIF is. It
// answers nothing for anything that is not as it should be.
// spec: exif#4.6.4
func readEXIF(tiff []byte) exifFacts {
	var f exifFacts
	if len(tiff) < 8 {
		return f
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return f
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return f
	}
	n := min(int(order.Uint16(tiff[at:])), maxEntries)
	unit := perInch // where nothing else is said
	var x, y [2]int64
	for p := tiff[at+2:]; n > 0 && len(p) >= 12; n, p = n-1, p[12:] {
		tag, kind, count := order.Uint16(p), order.Uint16(p[2:]), order.Uint32(p[4:])
		if count != 1 {
			continue
		}
		switch short := order.Uint16(p[8:]); {
		case tag == 0x0112 && kind == 3 && f.turn == 0 && short >= 1 && short <= 8:
			f.turn = orientation(short)
		case tag == 0x011A && kind == 5:
			x = rational(order, tiff, p[8:])
		case tag == 0x011B && kind == 5:
			y = rational(order, tiff, p[8:])
		case tag == 0x0128 && kind == 3:
			unit = exifUnit(short)
		}
	}
	f.res = newDensity(unit, x[0], y[0], x[1], y[1])
	return f
}

// exifUnit reads ResolutionUnit.
func exifUnit(v uint16) densityUnit {
	switch v {
	case 2:
		return perInch
	case 3:
		return perCentimetre
	}
	return perNothing
}

// rational reads the fraction that a directory entry points to.
func rational(order binary.ByteOrder, tiff, entry []byte) [2]int64 {
	off := int64(order.Uint32(entry))
	if off+8 > int64(len(tiff)) {
		return [2]int64{}
	}
	return [2]int64{int64(order.Uint32(tiff[off:])), int64(order.Uint32(tiff[off+4:]))}
}
