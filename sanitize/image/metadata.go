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

// readOrientation reads the orientation out of a TIFF structure, as EXIF
// wraps it. It answers 0 for anything that is not as it should be.
// spec: exif#4.6.4
func readOrientation(tiff []byte) orientation {
	if len(tiff) < 8 {
		return 0
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 0
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 0
	}
	n := min(int(order.Uint16(tiff[at:])), maxEntries)
	for p := tiff[at+2:]; n > 0 && len(p) >= 12; n, p = n-1, p[12:] {
		isShort := order.Uint16(p[2:]) == 3 && order.Uint32(p[4:]) == 1
		if order.Uint16(p) != 0x0112 || !isShort {
			continue
		}
		if o := order.Uint16(p[8:]); o >= 1 && o <= 8 {
			return orientation(o)
		}
		return 0
	}
	return 0
}
