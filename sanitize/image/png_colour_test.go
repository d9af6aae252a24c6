package image

import (
	"bytes"
	"encoding/binary"
	stdimage "image"
	"image/color"
	"slices"
	"strings"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/image/icc/icctest"
	"sekisho/sanitize/sanitizetest"
)

func gamma(v uint32) []byte { return pngChunk("gAMA", binary.BigEndian.AppendUint32(nil, v)) }

// primaries makes cHRM: white, red, green, blue.
func primaries(v ...uint32) []byte {
	var b []byte
	for _, n := range v {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return pngChunk("cHRM", b)
}

// The wanted numbers are those of the formulas of PNG 13.13 and sRGB.
//
// spec: png#4.3 png#11.3.2.1 png#11.3.2.2 png#11.3.2.6
func TestColoursOfPNG(t *testing.T) {
	grey := &stdimage.Gray{Pix: []byte{255, 250, 5, 0}, Stride: 4, Rect: stdimage.Rect(0, 0, 4, 1)}
	mixed := flat(4, 1, color.NRGBA{R: 200, G: 100, B: 50, A: 255})
	mixed.SetNRGBA(0, 0, color.NRGBA{R: 10, A: 255})
	srgb := []uint32{31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000}
	p3 := []uint32{31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000}
	wide := pngChunk("iCCP", append([]byte("p\x00\x00"), deflate(t, icctest.Profile("RGB ", icctest.Wide, icctest.Gamma(2.19921875)))...))
	tables := func(to string) []byte {
		p := bytes.Replace(icctest.Profile("RGB ", icctest.Wide, icctest.Gamma(2.19921875)), []byte("desc"), []byte("A2B0"), 1)
		copy(p[20:], to)
		return pngChunk("iCCP", append([]byte("p\x00\x00"), deflate(t, p)...))
	}
	tagged := pngChunk("sRGB", []byte{0})
	broken := slices.Clone(gamma(1000))
	broken[len(broken)-1] ^= 1
	late := encodePNG(t, grey)
	end := len(late) - 12
	late = slices.Concat(late[:end], gamma(1000), late[end:])
	for name, c := range map[string]struct {
		data     []byte
		findings string
		want     string // the channels of four pixels, without alpha
	}{
		"none":                        {encodePNG(t, grey), "", "ffffff fafafa 050505 000000"},
		"makes dark":                  {withChunks(encodePNG(t, grey), gamma(1000)), codeConverted, "ffffff 686868 000000 000000"},
		"makes bright":                {withChunks(encodePNG(t, grey), gamma(500000)), codeConverted, "ffffff ffffff b4b4b4 000000"},
		"of sRGB":                     {withChunks(encodePNG(t, grey), gamma(45455)), "", "ffffff fafafa 050505 000000"},
		"of sRGB, with primaries":     {withChunks(encodePNG(t, mixed), gamma(45455), primaries(srgb...)), "", "0a0000 c86432 c86432 c86432"},
		"Display P3":                  {withChunks(encodePNG(t, mixed), gamma(45455), primaries(p3...)), codeConverted, "0c0000 d75d1f d75d1f d75d1f"},
		"channels changed":            {withChunks(encodePNG(t, mixed), primaries(31270, 32900, 15000, 6000, 30000, 60000, 64000, 33000), gamma(45455)), codeConverted, "00000a 3264c8 3264c8 3264c8"},
		"grey, primaries":             {withChunks(encodePNG(t, grey), gamma(45455), primaries(p3...)), "", "ffffff fafafa 050505 000000"},
		"primaries alone":             {withChunks(encodePNG(t, mixed), primaries(p3...)), codeProfile, "0a0000 c86432 c86432 c86432"},
		"sRGB counts more":            {withChunks(encodePNG(t, grey), gamma(1000), tagged), "", "ffffff fafafa 050505 000000"},
		"profile counts more":         {withChunks(encodePNG(t, mixed), gamma(1000), tagged, wide), codeConverted, "040000 e3642a e3642a e3642a"},
		"first counts":                {withChunks(encodePNG(t, grey), gamma(45455), gamma(1000)), "", "ffffff fafafa 050505 000000"},
		"profile of another space":    {withChunks(encodePNG(t, grey), wide), codeProfile, "ffffff fafafa 050505 000000"},
		"false sum":                   {withChunks(encodePNG(t, grey), broken), "", "ffffff fafafa 050505 000000"},
		"behind the pixels":           {late, "", "ffffff fafafa 050505 000000"},
		"zero":                        {withChunks(encodePNG(t, grey), gamma(0)), codeProfile, "ffffff fafafa 050505 000000"},
		"short":                       {withChunks(encodePNG(t, grey), pngChunk("gAMA", []byte{1})), codeProfile, "ffffff fafafa 050505 000000"},
		"no white":                    {withChunks(encodePNG(t, mixed), gamma(45455), primaries(0, 0, 0, 0, 0, 0, 0, 0)), codeProfile, "0a0000 c86432 c86432 c86432"},
		"numbers of sRGB":             {withChunks(encodePNG(t, mixed), pngChunk("cICP", []byte{1, 13, 0, 1}), wide, gamma(1000)), "", "0a0000 c86432 c86432 c86432"},
		"numbers of P3":               {withChunks(encodePNG(t, mixed), pngChunk("cICP", []byte{12, 13, 0, 1})), codeConverted, "0c0000 d75d1f d75d1f d75d1f"},
		"numbers of bright film":      {withChunks(encodePNG(t, mixed), pngChunk("cICP", []byte{1, 16, 0, 1})), codeDiffers, "0a0000 c86432 c86432 c86432"},
		"numbers of film and profile": {withChunks(encodePNG(t, mixed), pngChunk("cICP", []byte{9, 16, 0, 1}), wide), codeDiffers + "," + codeConverted, "040000 e3642a e3642a e3642a"},
		"other numbers":               {withChunks(encodePNG(t, mixed), pngChunk("cICP", []byte{9, 13, 0, 1})), codeProfile, "0a0000 c86432 c86432 c86432"},
		"tables":                      {withChunks(encodePNG(t, mixed), tables("Lab ")), codeDiffers, "0a0000 c86432 c86432 c86432"},
		"tables besides curves":       {withChunks(encodePNG(t, mixed), tables("XYZ ")), codeDiffers, "040000 e3642a e3642a e3642a"},
		"narrow numbers":              {withChunks(encodePNG(t, mixed), pngChunk("cICP", []byte{1, 13, 0, 0})), codeProfile, "0a0000 c86432 c86432 c86432"},
	} {
		_, pix := parsePixels(t, c.data)
		if got := triples(pix); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		o, err := sanitizetest.Sanitize(t.Context(), pngFormat(), format.Untrusted{Data: c.data, Budget: sanitizetest.Budget()}, format.Construction{}, nil)
		if err != nil || len(o.Faults) > 0 || strings.Join(o.Codes(), ",") != c.findings {
			t.Errorf("%s: %v, findings %v, faults %v", name, err, o.Codes(), o.Faults)
		}
	}
}

// What shines through is not a colour, and keeps its number.
func TestGammaKeepsAlpha(t *testing.T) {
	veil := flat(2, 1, color.NRGBA{R: 10, G: 10, B: 10, A: 100})
	_, pix := parsePixels(t, withChunks(encodePNG(t, veil), gamma(100000)))
	if want := []byte{0x38, 0x38, 0x38, 100, 0x38, 0x38, 0x38, 100}; !slices.Equal(pix, want) {
		t.Errorf("% x, want % x", pix, want)
	}
}

func triples(pix []byte) string {
	const hex = "0123456789abcdef"
	var s []string
	for ; len(pix) >= 4; pix = pix[4:] {
		var b []byte
		for _, v := range pix[:3] {
			b = append(b, hex[v>>4], hex[v&15])
		}
		s = append(s, string(b))
	}
	return strings.Join(s, " ")
}
