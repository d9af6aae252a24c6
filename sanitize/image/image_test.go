package image

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math"
	"path"
	"strings"
	"testing"

	stdimage "image"
	"image/color"

	"pgregory.net/rapid"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/sanitizetest"
)

func TestOrientationSource(t *testing.T) {
	// The stored picture is 3 × 2:  a b c / d e f
	stored := []string{"abc", "def"}
	shown := map[orientation][]string{
		0: {"abc", "def"}, 1: {"abc", "def"}, 9: {"abc", "def"},
		2: {"cba", "fed"}, 3: {"fed", "cba"}, 4: {"def", "abc"},
		5: {"ad", "be", "cf"}, 6: {"da", "eb", "fc"}, 7: {"fc", "eb", "da"}, 8: {"cf", "be", "ad"},
	}
	for o, want := range shown {
		for y, row := range want {
			for x := range row {
				sx, sy := o.source(x, y, 3, 2)
				if got := stored[sy][sx]; got != row[x] {
					t.Errorf("orientation %d (%d,%d): %c, want %c", o, x, y, got, row[x])
				}
			}
		}
		if o.transposes() != (len(want) == 3) {
			t.Errorf("orientation %d: transposes %v", o, o.transposes())
		}
	}
}

func TestReadEXIF(t *testing.T) {
	good := exif(binary.LittleEndian, 8, "x")
	cases := map[string]struct {
		tiff []byte
		want exifFacts
	}{
		"little endian": {good, exifFacts{turn: 8}},
		"big endian":    {exif(binary.BigEndian, 2, "x"), exifFacts{turn: 2}},
		"resolution":    {exifResolution(binary.BigEndian, 2, 3000000, 10000, 150, 1), exifFacts{res: density{300000, 150000}}},
		"centimetres":   {exifResolution(binary.LittleEndian, 3, 100, 1, 50, 1), exifFacts{res: density{254000, 127000}}},
		"no unit":       {exifResolution(binary.LittleEndian, 1, 100, 1, 50, 1), exifFacts{}},
		"zero divisor":  {exifResolution(binary.LittleEndian, 2, 100, 0, 50, 1), exifFacts{}},
		"no size":       {exifResolution(binary.LittleEndian, 2, 1, 1<<31, 50, 1), exifFacts{}},
		"too fine":      {exifResolution(binary.LittleEndian, 2, 1<<32-1, 1, 50, 1), exifFacts{}},
		"empty":         {nil, exifFacts{}},
		"no TIFF":       {[]byte("XX*\x00\x08\x00\x00\x00"), exifFacts{}},
		"out of range":  {exif(binary.BigEndian, 9, "x"), exifFacts{}},
		"zero":          {exif(binary.BigEndian, 0, "x"), exifFacts{}},
		"offset behind": {[]byte("II*\x00\xFF\xFF\xFF\xFF"), exifFacts{}},
		"entries cut":   {good[:20], exifFacts{}},
		"wrong type":    {bytes.Replace(good, []byte{0x12, 0x01, 3, 0}, []byte{0x12, 0x01, 4, 0}, 1), exifFacts{}},
	}
	for name, c := range cases {
		if got := readEXIF(c.tiff); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// parsePixels runs Parse and collects the picture.
func parsePixels(t testing.TB, data []byte) (ir.Picture, []byte) {
	t.Helper()
	return parsePixelsWith(t, Parse, data)
}

func parsePixelsWith(t testing.TB, parse func(context.Context, format.Untrusted, *ir.Writer) error, data []byte) (ir.Picture, []byte) {
	t.Helper()
	var buf bytes.Buffer
	in := format.Untrusted{Data: data, Budget: sanitizetest.Budget()}
	if err := parse(context.Background(), in, ir.NewWriter(&buf)); err != nil {
		t.Fatal(err)
	}
	var p ir.Picture
	var pix []byte
	r := ir.NewReader(&buf, math.MaxInt64)
	for {
		v, err := r.Next()
		if err == io.EOF {
			return p, pix
		}
		if err != nil {
			t.Fatal(err)
		}
		switch v := v.(type) {
		case ir.Picture:
			p = v
		case ir.Pixels:
			pix = append(pix, v.B...)
		}
	}
}

// A lossless picture keeps each visible pixel, whatever class of PNG is chosen.
func TestPNGKeepsPixels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 40).Draw(t, "w"), rapid.IntRange(1, 40).Draw(t, "h")
		colours := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) color.NRGBA {
			u := rapid.Uint32().Draw(t, "colour")
			if rapid.Bool().Draw(t, "opaque") {
				u |= 0xFF
			}
			return color.NRGBA{R: uint8(u >> 24), G: uint8(u >> 16), B: uint8(u >> 8), A: uint8(u)}
		}), 1, 400).Draw(t, "palette")
		m := stdimage.NewNRGBA(stdimage.Rect(0, 0, w, h))
		for i := range w * h {
			m.SetNRGBA(i%w, i/w, colours[i*7%len(colours)])
		}
		var frames, out bytes.Buffer
		fw := ir.NewWriter(&frames)
		if err := emit(context.Background(), m, view{}, fw); err != nil {
			t.Fatal(err)
		}
		if _, err := BuildPNG(ir.NewReader(&frames, math.MaxInt64), format.Construction{}, &out); err != nil {
			t.Fatal(err)
		}
		if faults, err := sanitizetest.Lint(pngFormat(), out.Bytes(), nil); err != nil || len(faults) > 0 {
			t.Fatal(faults, err)
		}
		got, _, err := stdimage.Decode(&out)
		if err != nil {
			t.Fatal(err)
		}
		for i := range w * h {
			want := m.NRGBAAt(i%w, i/w)
			if want.A == 0 {
				want = color.NRGBA{}
			}
			if c := toNRGBA(got.At(i%w, i/w)); c != want {
				t.Fatalf("pixel %d: %v, want %v", i, c, want)
			}
		}
	})
}

func TestJPEGOrientationTurnsPixels(t *testing.T) {
	m := flat(16, 8, color.White)
	for i := range 16 * 8 {
		if i%16 < 8 {
			m.Set(i%16, i/16, color.Black)
		}
	}
	data := withSegments(encodeJPEG(t, m), jpegSegment(0xE1, append([]byte("Exif\x00\x00"), exif(binary.BigEndian, 6, "m")...)))
	p, pix := parsePixels(t, data)
	if p.W != 8 || p.H != 16 {
		t.Fatalf("%d x %d", p.W, p.H)
	}
	if top, bottom := pix[0], pix[len(pix)-4]; top > 50 || bottom < 200 {
		t.Fatalf("left half must be on top: %d, %d", top, bottom)
	}
}

// frames writes values for a Build that must refuse them.
func frames(values ...ir.Value) *ir.Reader {
	var b []byte
	for _, v := range values {
		b = ir.Append(b, v)
	}
	return ir.NewReader(bytes.NewReader(b), math.MaxInt64)
}

func TestBuildRefuses(t *testing.T) {
	pic := ir.Picture{W: 2, H: 1}
	px := ir.Pixels{B: []byte{1, 2, 3, 255, 4, 5, 6, 255}}
	clear := ir.Pixels{B: []byte{1, 2, 3, 255, 4, 5, 6, 0}}
	cases := map[string]struct {
		in     []ir.Value
		reason format.Reason
	}{
		"nothing":                  {nil, ""},
		"no pixels":                {[]ir.Value{pic}, ""},
		"pixels first":             {[]ir.Value{px, pic}, ""},
		"too few":                  {[]ir.Value{pic, ir.Pixels{B: px.B[:7]}}, ""},
		"too many":                 {[]ir.Value{pic, px, ir.Pixels{B: []byte{0}}}, ""},
		"two pictures":             {[]ir.Value{pic, px, pic, px}, ""},
		"second page":              {[]ir.Value{ir.Picture{W: 2, H: 1, Page: 1}, px}, ""},
		"text":                     {[]ir.Value{pic, px, ir.Text{Role: ir.RoleBody, S: "x"}}, ""},
		"child":                    {[]ir.Value{pic, px, ir.Child{Role: ir.RoleMember}}, ""},
		"fail":                     {[]ir.Value{ir.Fail{Reason: "truncated"}}, format.Truncated},
		"fail of unknown reason":   {[]ir.Value{ir.Fail{Reason: "nonsense"}}, format.Internal},
		"unannounced transparency": {[]ir.Value{pic, clear}, ""},
		"huge":                     {[]ir.Value{ir.Picture{W: ir.MaxSide, H: ir.MaxSide}}, format.LimitPixels},
	}
	for name, c := range cases {
		for _, build := range []func(*ir.Reader, format.Construction, io.Writer) (format.Built, error){BuildPNG, BuildJPEG} {
			_, err := build(frames(c.in...), format.Construction{}, io.Discard)
			if err == nil || sanitizetest.ReasonOf(err) != c.reason {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if _, err := BuildJPEG(frames(ir.Picture{W: 2, H: 1, Alpha: true}, clear), format.Construction{}, io.Discard); err == nil {
		t.Error("a JPEG has no transparency")
	}
}

// What each picture of the corpus must come to: "" is rebuilt.
func TestCorpus(t *testing.T) {
	type want struct {
		reason   format.Reason
		findings string
	}
	wants := map[string]want{
		"go-invalid-trunc.png":                    {reason: format.Truncated},
		"go-video-001.cmyk.jpeg":                  {findings: codeProfile},
		"go-video-001.progressive.truncated.jpeg": {findings: codeCut},
		"imagers-exif-xmp-metadata.jpg":           {findings: codeMetadata},
		"imagers-iptc.png":                        {findings: codeMetadata},
		"imagers-oob.gif":                         {findings: codeChanged},
		"imagers-oss-fuzz-36829.jpeg":             {reason: format.Truncated},
		"tika-testJPEG_GEO.jpg":                   {findings: codeMetadata},
		"tika-testJPEG_MotionPhoto.jpg":           {findings: codeMetadata},
	}
	for name, data := range sanitizetest.Corpus(t, "image/*") {
		name = path.Base(name)
		w, ok := wants[name]
		var f format.Format
		switch format.Certain {
		case MatchPNG(data):
			f = pngFormat()
		case MatchJPEG(data):
			f = jpegFormat()
		case MatchGIF(data):
			f = gifFormat()
		default:
			if ok {
				t.Errorf("%s: not recognized", name)
			}
			continue
		}
		o, err := sanitizetest.Sanitize(t.Context(), f, format.Untrusted{Data: data, Budget: sanitizetest.Budget()}, format.Construction{}, nil)
		if got := sanitizetest.ReasonOf(err); got != w.reason || err != nil && got == "" {
			t.Errorf("%s: %v, want %q", name, err, w.reason)
			continue
		}
		if got := strings.Join(o.Codes(), ","); got != w.findings || len(o.Faults) > 0 {
			t.Errorf("%s: findings %s, want %s; faults %v", name, got, w.findings, o.Faults)
		}
		if err == nil {
			s, err := show(o.Data)
			t.Logf("%s: %s %v", name, s, err)
		}
	}
}

func FuzzLint(f *testing.F) {
	f.Add(encodePNG(f, gradient(9, 5)))
	f.Add(encodePNG(f, flat(3, 3, color.Black)))
	f.Add(encodeJPEG(f, gradient(9, 5)))
	f.Add(encodeJPEG(f, noise(9, 9)))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, row := range []format.Format{pngFormat(), jpegFormat()} {
			faults, err := sanitizetest.Lint(row, data, nil)
			if err != nil {
				t.Fatal(err)
			}
			// What the lint accepts is a picture that decoders read.
			if len(faults) == 0 {
				if _, _, err := stdimage.Decode(bytes.NewReader(data)); err != nil {
					t.Fatalf("lint accepts what does not decode: %v", err)
				}
			}
		}
	})
}

func BenchmarkJPEG(b *testing.B) { bench(b, jpegFormat(), encodeJPEG(b, gradient(1654, 2339))) }
func BenchmarkPNG(b *testing.B)  { bench(b, pngFormat(), encodePNG(b, gradient(1654, 2339))) }

func bench(b *testing.B, f format.Format, data []byte) {
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		in := format.Untrusted{Data: data, Budget: sanitizetest.Budget()}
		if _, err := sanitizetest.Sanitize(b.Context(), f, in, format.Construction{}, nil); err != nil {
			b.Fatal(err)
		}
	}
}
