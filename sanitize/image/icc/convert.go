package icc

import "math"

// steps is the fineness of the table from linear light to sRGB: the curve's
// steepest part rises by one level in 1/3300.
const steps = 1 << 14

type table [steps + 1]byte

// fill computes the curve of sRGB (IEC 61966-2-1).
func (t *table) fill() {
	for i := range t {
		v := float64(i) / steps
		if v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		t[i] = byte(v*255 + 0.5)
	}
}

// at turns linear light into an sRGB number; what is out of reach is clipped.
func (t *table) at(v float32) byte {
	switch {
	case !(v > 0): // NaN too
		return 0
	case v >= 1:
		return 255
	}
	return t[int(v*steps+0.5)]
}

// Space returns what the Transform's numbers are: RGB or Gray.
func (t *Transform) Space() Space { return t.space }

// Tables reports whether the profile has tables besides its curves, which
// other programs use instead of them.
func (t *Transform) Tables() bool { return t.tables }

// Convert maps one pixel. Of a grey profile only r counts, and the three
// results are equal.
func (t *Transform) Convert(r, g, b byte) (byte, byte, byte) {
	x := t.curve[0][r]
	if t.space == Gray {
		v := t.encoded.at(x)
		return v, v, v
	}
	y, z := t.curve[1][g], t.curve[2][b]
	m := &t.matrix
	return t.encoded.at(m[0][0]*x + m[0][1]*y + m[0][2]*z),
		t.encoded.at(m[1][0]*x + m[1][1]*y + m[1][2]*z),
		t.encoded.at(m[2][0]*x + m[2][1]*y + m[2][2]*z)
}

// tolerance is how far a profile may be from sRGB in one channel and still
// count as sRGB: makers round its matrix and curve differently.
const tolerance = 3

// Plain reports whether the profile is sRGB but for rounding, so that the
// numbers may stay as they are.
func (t *Transform) Plain() bool {
	const step = 15
	for r := 0; r < 256; r += step {
		if t.space == Gray {
			if v, _, _ := t.Convert(byte(r), 0, 0); far(v, r) {
				return false
			}
			continue
		}
		for g := 0; g < 256; g += step {
			for b := 0; b < 256; b += step {
				x, y, z := t.Convert(byte(r), byte(g), byte(b))
				if far(x, r) || far(y, g) || far(z, b) {
					return false
				}
			}
		}
	}
	return true
}

func far(got byte, want int) bool {
	d := int(got) - want
	return max(d, -d) > tolerance
}
