package image

import (
	"encoding/binary"

	"sekisho/sanitize/ir"
)

// density is how many thousandths of a pixel lie on an inch, across and down;
// zero when the file does not say. A fax has more across than down.
type density struct{ x, y int64 }

// Densities that are believed: a poster and a film scanner. Others are slips
// of the program that wrote them, and printers would take them at their word.
const (
	minDensity = 1_000
	maxDensity = 20_000_000
)

// densityUnit is the length that a file counts pixels on.
type densityUnit uint8

const (
	perNothing densityUnit = iota // only the shape of a pixel is meant
	perInch
	perCentimetre
	perMetre
)

// newDensity scales pixels a unit, given as a fraction of integers.
func newDensity(unit densityUnit, x, y, divX, divY int64) density {
	if divX < 1 || divY < 1 || x < 1 || y < 1 {
		return density{}
	}
	scale := func(n, div int64) int64 {
		if n > 1<<32 || div > 1<<32 {
			return 0
		}
		switch unit {
		case perInch:
			n *= 1000
		case perCentimetre:
			n *= 2540
		case perMetre:
			n, div = n*254, div*10
		default:
			return 0
		}
		return (n + div/2) / div
	}
	return density{scale(x, divX), scale(y, divY)}.believed()
}

// believed returns d, or the zero density when a side is out of range.
func (d density) believed() density {
	for _, v := range []int64{d.x, d.y} {
		if v < minDensity || v > maxDensity || v > ir.MaxRes {
			return density{}
		}
	}
	return d
}

// turned gives the density of a picture whose width and height change places.
func (d density) turned(o orientation) density {
	if o.transposes() {
		return density{d.y, d.x}
	}
	return d
}

// metres returns pixels a metre, as pHYs counts them.
func (d density) metres() (uint32, uint32) {
	scale := func(v int64) uint32 { return uint32((v*10 + 127) / 254) }
	return scale(d.x), scale(d.y)
}

// inches returns pixels an inch, as JFIF counts them; false when one has no
// place in its sixteen bits.
func (d density) inches() (uint16, uint16, bool) {
	x, y := (d.x+500)/1000, (d.y+500)/1000
	if x < 1 || y < 1 || x > 0xFFFF || y > 0xFFFF {
		return 0, 0, false
	}
	return uint16(x), uint16(y), true
}

// readPHYs reads the body of a pHYs chunk (PNG 11.3.4.3).
// spec: png#11.3.4.3
func readPHYs(body []byte) density {
	if len(body) != 9 || body[8] != 1 {
		return density{}
	}
	return newDensity(perMetre, int64(binary.BigEndian.Uint32(body)), int64(binary.BigEndian.Uint32(body[4:])), 1, 1)
}

// readJFIF reads the body of a JFIF segment (T.871: version, unit,
// densities).
// spec: jfif#10.1
func readJFIF(body []byte) density {
	if len(body) < 12 {
		return density{}
	}
	units := [...]densityUnit{perNothing, perInch, perCentimetre}
	unit := body[7]
	if int(unit) >= len(units) {
		return density{}
	}
	return newDensity(units[unit], int64(binary.BigEndian.Uint16(body[8:])), int64(binary.BigEndian.Uint16(body[10:])), 1, 1)
}
