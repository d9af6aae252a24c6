package icc

import (
	"fmt"
	"math"
)

// Point is a colour without its brightness: x and y of CIE 1931.
type Point struct{ X, Y float64 }

// Primaries are the colours that the numbers of a device mix, and its white.
type Primaries struct{ White, Red, Green, Blue Point }

// white65 is the white of daylight that screens have.
var white65 = Point{0.3127, 0.3290}

// SRGBPrimaries returns the primaries of sRGB (ITU-T H.273, table 2, value 1).
func SRGBPrimaries() Primaries {
	return Primaries{white65, Point{0.64, 0.33}, Point{0.30, 0.60}, Point{0.15, 0.06}}
}

// P3Primaries returns the primaries of Display P3 (H.273, table 2, value 12).
func P3Primaries() Primaries {
	return Primaries{white65, Point{0.680, 0.320}, Point{0.265, 0.690}, Point{0.150, 0.060}}
}

// Described makes a Transform of a picture that comes without a profile but
// says its primaries and its curve: light is the number to the power of
// exponent, by which 0 stands for the curve of sRGB. Of a grey picture the
// primaries do not count. The error is ErrMalformed: an exponent below 0, or
// primaries that mix no white.
func Described(space Space, p Primaries, exponent float64) (*Transform, error) {
	if !(exponent >= 0) || math.IsInf(exponent, 0) {
		return nil, fmt.Errorf("%w: exponent %v", ErrMalformed, exponent)
	}
	t := &Transform{space: space}
	for i := range t.curve[0] {
		v := lightOf(float64(i)/255, exponent)
		for c := range t.curve {
			t.curve[c][i] = float32(v)
		}
	}
	if space == RGB {
		xyz, err := p.xyz()
		if err != nil {
			return nil, err
		}
		m := toSRGB.times(xyz)
		for row := range 3 {
			for i := range 3 {
				t.matrix[row][i] = float32(m[row][i])
			}
		}
	}
	t.encoded.fill()
	return t, nil
}

// lightOf is linear light of a number (IEC 61966-2-1 for exponent 0).
func lightOf(x, exponent float64) float64 {
	switch {
	case exponent > 0:
		return math.Pow(x, exponent)
	case x <= 0.04045:
		return x / 12.92
	}
	return math.Pow((x+0.055)/1.055, 2.4)
}

// square is a matrix of three rows.
type square [3][3]float64

func (a square) times(b square) square {
	var m square
	for i := range 3 {
		for j := range 3 {
			for k := range 3 {
				m[i][j] += a[i][k] * b[k][j]
			}
		}
	}
	return m
}

func (a square) apply(v [3]float64) [3]float64 {
	var w [3]float64
	for i := range 3 {
		for k := range 3 {
			w[i] += a[i][k] * v[k]
		}
	}
	return w
}

// inverse reports false for a matrix that has none, or nearly.
func (a square) inverse() (square, bool) {
	minor := func(i, j int) float64 {
		r, s, c, d := (i+1)%3, (i+2)%3, (j+1)%3, (j+2)%3
		return a[r][c]*a[s][d] - a[r][d]*a[s][c]
	}
	det := a[0][0]*minor(0, 0) + a[0][1]*minor(0, 1) + a[0][2]*minor(0, 2)
	if math.IsNaN(det) || math.Abs(det) < 1e-6 {
		return square{}, false
	}
	var m square
	for i := range 3 {
		for j := range 3 {
			m[j][i] = minor(i, j) / det
		}
	}
	return m, true
}

// bradford turns XYZ into the answers of the eye's three cones (ICC.1:2022, E).
var bradford = square{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}

// white50 is the white of the profile connection space (ICC.1:2022, 7.2.16).
var white50 = [3]float64{0.9642, 1, 0.8249}

// xyz gives the columns red, green and blue in XYZ under D50.
func (p Primaries) xyz() (square, error) {
	var columns square
	for i, c := range [3]Point{p.Red, p.Green, p.Blue} {
		columns[0][i], columns[1][i], columns[2][i] = c.X, c.Y, 1-c.X-c.Y
	}
	inverse, ok := columns.inverse()
	if !ok || !(p.White.Y > 1e-3) {
		return square{}, fmt.Errorf("%w: primaries", ErrMalformed)
	}
	white := [3]float64{p.White.X / p.White.Y, 1, (1 - p.White.X - p.White.Y) / p.White.Y}
	for i, share := range inverse.apply(white) {
		for row := range 3 {
			columns[row][i] *= share
		}
	}
	back, ok := bradford.inverse()
	have, want := bradford.apply(white), bradford.apply(white50)
	var scale square
	for i := range 3 {
		ok = ok && math.Abs(have[i]) > 1e-6
		scale[i][i] = want[i] / have[i]
	}
	if !ok {
		return square{}, fmt.Errorf("%w: white", ErrMalformed)
	}
	return back.times(scale).times(bradford).times(columns), nil
}
