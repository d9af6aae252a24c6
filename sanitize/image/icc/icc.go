// Package icc turns the colours of a picture into sRGB, as the colour profile
// inside the picture asks.
//
// A profile (ICC.1:2022) describes how a device's numbers stand for colours
// that are seen. Two kinds are understood here: RGB profiles of three curves
// and a matrix, which cameras, screens and editors write (Adobe RGB, Display
// P3), and grey profiles of one curve. New reads such a profile into tables
// and forgets it; a Transform maps 8-bit numbers to 8-bit sRGB numbers, and
// what sRGB cannot show is clipped. Profiles of large tables (scanners, CMYK
// presses) are ErrUnsupported: their pictures are shown as they are.
//
// Everything here reads hostile bytes, takes no memory that a profile asks for
// and time that does not depend on it.
package icc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// ErrUnsupported means a profile of a kind that is not read.
var ErrUnsupported = errors.New("icc: profile of another kind")

// ErrMalformed means bytes that are no whole profile.
var ErrMalformed = errors.New("icc: malformed profile")

const (
	headerSize = 128 // ICC.1:2022 7.2
	maxTags    = 100 // real profiles have about 20
)

// Space is what the numbers of a picture are.
type Space uint8

// The spaces.
const (
	RGB Space = iota + 1
	Gray
	CMYK
	Other
)

// SpaceOf returns the data colour space of a profile (7.2.6), 0 when p is none
// or has a header that others refuse.
// spec: icc#7.2
func SpaceOf(p []byte) Space {
	if !sound(p) {
		return 0
	}
	switch string(p[16:20]) {
	case "RGB ":
		return RGB
	case "GRAY":
		return Gray
	case "CMYK":
		return CMYK
	}
	return Other
}

// sound checks what browsers check of a header: the signature, the version (2
// to 4), the size, the class (input, display, output or colour space), the
// space that it connects to, and that the white of that is D50. A profile that
// they take no notice of must not colour our picture either.
func sound(p []byte) bool {
	if len(p) < headerSize+4 || string(p[36:40]) != "acsp" || p[8] < 2 || p[8] > 4 {
		return false
	}
	if size := binary.BigEndian.Uint32(p); size < headerSize+4 || int64(size) > int64(len(p)) {
		return false
	}
	switch string(p[12:16]) {
	case "scnr", "mntr", "prtr", "spac":
	default:
		return false
	}
	if pcs := string(p[20:24]); pcs != "XYZ " && pcs != "Lab " {
		return false
	}
	for i, want := range white50 {
		if math.Abs(fixed(p[68+4*i:])-want) > 0.01 {
			return false
		}
	}
	return true
}

// Transform maps numbers of one profile to sRGB. The zero Transform is not
// usable; New makes one.
type Transform struct {
	space   Space
	tables  bool
	curve   [3][256]float32
	matrix  [3][3]float32 // from the profile's linear light to that of sRGB
	encoded table
}

// Bradford-adapted XYZ under D50, the profile connection space, to linear
// light of the sRGB primaries (IEC 61966-2-1), rows R, G, B.
var toSRGB = square{
	{3.1338561, -1.6168667, -0.4906146},
	{-0.9787684, 1.9161415, 0.0334540},
	{0.0719453, -0.2289914, 1.4052427},
}

// New reads a profile. The error is ErrMalformed or ErrUnsupported.
func New(p []byte) (*Transform, error) {
	space := SpaceOf(p)
	switch {
	case space == 0:
		return nil, ErrMalformed
	case string(p[20:24]) != "XYZ ":
		return nil, ErrUnsupported // connected through Lab: tables
	}
	tags, err := readTags(p)
	if err != nil {
		return nil, err
	}
	t := &Transform{space: space, tables: tags["A2B0"] != nil || tags["A2B1"] != nil}
	switch space {
	case Gray:
		err = t.curveOf(0, tags["kTRC"])
	case RGB:
		err = t.rgb(tags)
	default:
		err = ErrUnsupported
	}
	if err != nil {
		return nil, err
	}
	t.encoded.fill()
	return t, nil
}

// readTags finds the elements that are used.
// spec: icc#7.3
func readTags(p []byte) (map[string][]byte, error) {
	n := binary.BigEndian.Uint32(p[headerSize:])
	if n > maxTags || len(p) < headerSize+4+12*int(n) {
		return nil, fmt.Errorf("%w: %d tags", ErrMalformed, n)
	}
	tags := map[string][]byte{}
	for i := range int(n) {
		e := p[headerSize+4+12*i:]
		off, size := int64(binary.BigEndian.Uint32(e[4:])), int64(binary.BigEndian.Uint32(e[8:]))
		if off+size > int64(len(p)) || size < 8 {
			continue // of use to nobody; a needed one is missed later
		}
		tags[string(e[:4])] = p[off : off+size]
	}
	return tags, nil
}

func (t *Transform) rgb(tags map[string][]byte) error {
	var columns [3][3]float64 // XYZ of each primary
	for i, c := range "rgb" {
		xyz := tags[string(c)+"XYZ"]
		if len(xyz) < 20 || string(xyz[:4]) != "XYZ " {
			return fmt.Errorf("%w: no primaries", ErrUnsupported)
		}
		for j := range 3 {
			columns[i][j] = fixed(xyz[8+4*j:])
		}
		if err := t.curveOf(i, tags[string(c)+"TRC"]); err != nil {
			return err
		}
	}
	for row := range 3 {
		for i := range 3 {
			sum := 0.0
			for j := range 3 {
				sum += toSRGB[row][j] * columns[i][j]
			}
			t.matrix[row][i] = float32(sum)
		}
	}
	return nil
}

// fixed reads an s15Fixed16Number.
func fixed(p []byte) float64 { return float64(int32(binary.BigEndian.Uint32(p))) / 65536 }

// curveOf fills the table of one channel.
func (t *Transform) curveOf(channel int, tag []byte) error {
	f, err := readCurve(tag)
	if err != nil {
		return err
	}
	for i := range t.curve[channel] {
		v := f(float64(i) / 255)
		if math.IsNaN(v) {
			v = 0
		}
		t.curve[channel][i] = float32(min(max(v, 0), 1))
	}
	return nil
}

// readCurve returns the function of a curveType or a parametricCurveType.
// spec: icc#10.6 icc#10.18
func readCurve(tag []byte) (func(float64) float64, error) {
	if len(tag) < 12 {
		return nil, fmt.Errorf("%w: no curve", ErrUnsupported)
	}
	switch string(tag[:4]) {
	case "curv":
		return sampled(tag)
	case "para":
		return parametric(tag)
	}
	return nil, fmt.Errorf("%w: curve %q", ErrUnsupported, tag[:4])
}

func sampled(tag []byte) (func(float64) float64, error) {
	n := int64(binary.BigEndian.Uint32(tag[8:]))
	table := tag[12:]
	switch {
	case n == 0:
		return func(x float64) float64 { return x }, nil
	case 2*n > int64(len(table)):
		return nil, fmt.Errorf("%w: curve cut short", ErrMalformed)
	case n == 1:
		gamma := float64(binary.BigEndian.Uint16(table)) / 256
		return func(x float64) float64 { return math.Pow(x, gamma) }, nil
	}
	at := func(i int64) float64 { return float64(binary.BigEndian.Uint16(table[2*i:])) / 65535 }
	return func(x float64) float64 {
		pos := x * float64(n-1)
		i := min(int64(pos), n-2)
		part := pos - float64(i)
		return at(i)*(1-part) + at(i+1)*part
	}, nil
}

func parametric(tag []byte) (func(float64) float64, error) {
	kind := binary.BigEndian.Uint16(tag[8:])
	counts := [...]int{1, 3, 4, 5, 7}
	if int(kind) >= len(counts) || len(tag) < 12+4*counts[kind] {
		return nil, fmt.Errorf("%w: parametric curve", ErrMalformed)
	}
	var v [7]float64 // g a b c d e f
	for i := range counts[kind] {
		v[i] = fixed(tag[12+4*i:])
	}
	g, a, b, c, d, e, f := v[0], v[1], v[2], v[3], v[4], v[5], v[6]
	power := func(x float64) float64 { return math.Pow(max(a*x+b, 0), g) }
	switch kind {
	case 0:
		return func(x float64) float64 { return math.Pow(x, g) }, nil
	case 1:
		return func(x float64) float64 { return power(x) }, nil // below -b/a it is 0, as power is
	case 2:
		return func(x float64) float64 { return power(x) + c }, nil
	}
	return func(x float64) float64 {
		if x >= d {
			return power(x) + e
		}
		return c*x + f
	}, nil
}
