// Package icctest makes colour profiles for tests (ICC.1:2022).
package icctest

import (
	"encoding/binary"
	"math"
)

// Primaries of three spaces as a profile has them: XYZ of red, green and blue
// under D50.
var (
	SRGB = [][3]float64{{0.43607, 0.22249, 0.01392}, {0.38515, 0.71687, 0.09708}, {0.14307, 0.06061, 0.71410}}
	Wide = [][3]float64{{0.60974, 0.31111, 0.01947}, {0.20528, 0.62567, 0.06087}, {0.14919, 0.06322, 0.74457}} // Adobe RGB (1998)
	P3   = [][3]float64{{0.51512, 0.24120, -0.00105}, {0.29198, 0.69225, 0.04189}, {0.15710, 0.06657, 0.78407}}
)

func element(kind string, body ...byte) []byte {
	return append(append([]byte(kind), 0, 0, 0, 0), body...)
}

func fixed(b []byte, v float64) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(int32(math.Round(v*65536))))
}

// Gamma is a curve of one exponent.
func Gamma(g float64) []byte {
	return element("curv", binary.BigEndian.AppendUint16([]byte{0, 0, 0, 1}, uint16(math.Round(g*256)))...)
}

// Linear is the curve without entries.
func Linear() []byte { return element("curv", 0, 0, 0, 0) }

// Sampled is a curve of n entries.
func Sampled(n int, f func(float64) float64) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(n))
	for i := range n {
		b = binary.BigEndian.AppendUint16(b, uint16(math.Round(f(float64(i)/float64(n-1))*65535)))
	}
	return element("curv", b...)
}

// Parametric is a curve of a function type and its parameters.
func Parametric(kind uint16, parameters ...float64) []byte {
	b := binary.BigEndian.AppendUint16(nil, kind)
	b = append(b, 0, 0)
	for _, v := range parameters {
		b = fixed(b, v)
	}
	return element("para", b...)
}

// Profile makes a profile of a space ("RGB " or "GRAY") and one curve for all
// its channels.
func Profile(space string, primaries [][3]float64, curve []byte) []byte {
	type tag struct {
		name string
		body []byte
	}
	white := fixed(fixed(fixed(nil, 0.96420), 1), 0.82491)
	tags := []tag{{"wtpt", element("XYZ ", white...)}, {"desc", element("mluc", 0, 0, 0, 0, 0, 0, 0, 12)}, {"cprt", element("mluc", 0, 0, 0, 0, 0, 0, 0, 12)}}
	if space == "GRAY" {
		tags = append(tags, tag{"kTRC", curve})
	}
	for i, p := range primaries {
		name := string("rgb"[i])
		tags = append(tags, tag{name + "XYZ", element("XYZ ", fixed(fixed(fixed(nil, p[0]), p[1]), p[2])...)}, tag{name + "TRC", curve})
	}
	head := make([]byte, 128)
	copy(head[8:], "\x04\x30\x00\x00mntr"+space+"XYZ ")
	copy(head[36:], "acsp")
	copy(head[68:], white)
	table := binary.BigEndian.AppendUint32(nil, uint32(len(tags)))
	var data []byte
	start := 128 + 4 + 12*len(tags)
	for _, t := range tags {
		for len(data)%4 != 0 {
			data = append(data, 0)
		}
		table = append(table, t.name...)
		table = binary.BigEndian.AppendUint32(table, uint32(start+len(data)))
		table = binary.BigEndian.AppendUint32(table, uint32(len(t.body)))
		data = append(data, t.body...)
	}
	p := append(append(head, table...), data...)
	binary.BigEndian.PutUint32(p, uint32(len(p)))
	return p
}
