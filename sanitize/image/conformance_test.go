package image

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	stdimage "image"
	"image/color"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/image/icc/icctest"
	"sekisho/sanitize/jpeglint"
	"sekisho/sanitize/sanitizetest"
)

var _ = flag.Bool("update", false, "rewrite golden files")

const mark = "CANARY-5b1c-関所"

func pngFormat() format.Format {
	return format.Format{Kind: format.PNG, Names: []string{"png"}, Match: MatchPNG, Parse: Parse, Build: BuildPNG, Lint: LintPNG}
}

func jpegFormat() format.Format {
	return format.Format{Kind: format.JPEG, Names: []string{"jpg"}, Match: MatchJPEG, Parse: Parse, Build: BuildJPEG, Lint: LintJPEG}
}

func gifFormat() format.Format {
	return format.Format{Kind: format.GIF, Names: []string{"gif"}, Match: MatchGIF, Parse: Parse, Build: BuildPNG, Lint: LintPNG}
}

// show names the size and some pixels of a picture, so that samples can say
// what a reader must see.
func show(out []byte) (string, error) {
	m, kind, err := stdimage.Decode(bytes.NewReader(out))
	if err != nil {
		return "", err
	}
	b := m.Bounds()
	s := fmt.Sprintf("%s %dx%d", kind, b.Dx(), b.Dy())
	for _, p := range []stdimage.Point{b.Min, {X: b.Max.X - 1, Y: b.Min.Y}, {X: b.Min.X, Y: b.Max.Y - 1}, b.Max.Sub(stdimage.Pt(1, 1))} {
		c := toNRGBA(m.At(p.X, p.Y))
		s += fmt.Sprintf(" %02x%02x%02x%02x", c.R, c.G, c.B, c.A)
	}
	if at := bytes.Index(out, []byte("\x00\x00\x00\x09pHYs")); at > 0 && kind == "png" {
		s += fmt.Sprintf(" %d,%d pixels a metre", binary.BigEndian.Uint32(out[at+8:]), binary.BigEndian.Uint32(out[at+12:]))
	}
	if kind == "jpeg" && string(out[6:11]) == "JFIF\x00" {
		s += fmt.Sprintf(" %d,%d dpi", binary.BigEndian.Uint16(out[14:]), binary.BigEndian.Uint16(out[16:]))
	}
	return s, nil
}

// phys makes the body of a pHYs chunk.
func phys(x, y uint32, unit byte) []byte {
	return append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, x), y), unit)
}

// jfif makes the body of a JFIF segment.
func jfif(unit byte, x, y uint16) []byte {
	b := append([]byte("JFIF\x00\x01\x01"), unit)
	return append(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, x), y), 0, 0)
}

func tiny(pixels int64) *format.Budget {
	b := sanitizetest.Budget()
	b.Pixels = pixels
	return &b
}

func late() *format.Budget {
	b := sanitizetest.Budget()
	b.Deadline = time.Unix(1, 0)
	return &b
}

// spec: g1 g9
func TestPNGConformance(t *testing.T) {
	hidden := stdimage.NewNRGBA(stdimage.Rect(0, 0, 8, 4))
	copy(hidden.Pix, strings.Repeat("XY\x01\x00", 32)) // colours under full transparency
	deep := stdimage.NewNRGBA64(stdimage.Rect(0, 0, 3, 3))
	deep.SetNRGBA64(0, 0, color.NRGBA64{R: 0x1234, G: 0x5678, B: 0x9ABC, A: 0xFFFF})
	plain := encodePNG(t, gradient(20, 10))
	carriers := withChunks(plain,
		pngChunk("tEXt", []byte("Comment\x00"+mark)),
		pngChunk("iTXt", []byte("XML:com.adobe.xmp\x00\x00\x00\x00\x00"+mark)),
		pngChunk("eXIf", exif(binary.BigEndian, 1, mark)),
		pngChunk("iCCP", append([]byte("p\x00\x00"), deflate(t, []byte(mark))...)),
		pngChunk("zTXt", append([]byte("k\x00\x00"), deflate(t, []byte(mark))...)),
		pngChunk("prVt", []byte(mark)))
	s := sanitizetest.Suite{Show: show, CutIsFault: true, Golden: "testdata/golden",
		Good: []sanitizetest.Sample{
			{Name: "rgb", Data: plain, Shows: []string{"png 20x10 000000ff"}},
			{Name: "carriers", Data: carriers, Findings: []string{codeMetadata, codeProfile}, Marks: []string{mark}},
			{Name: "polyglot", Data: append(bytes.Clone(plain), "PK\x03\x04<script>"+mark...), Findings: []string{codeTrailing}, Marks: []string{mark, "<script>"}},
			{Name: "padding is no finding", Data: append(bytes.Clone(plain), 0, 0, 0)},
			{Name: "grey", Data: encodePNG(t, noise(17, 5))},
			{Name: "black and white", Data: encodePNG(t, flat(9, 2, color.White)), Shows: []string{"ffffffff"}},
			{Name: "grey 16 bits", Data: encodePNG(t, &stdimage.Gray16{Pix: []byte{0x12, 0x34, 0xFF, 0xEE}, Stride: 4, Rect: stdimage.Rect(0, 0, 2, 1)}), Findings: []string{codeDepth}, Shows: []string{"2x1 121212ff ffffffff"}},
			{Name: "deep colour", Data: encodePNG(t, deep), Findings: []string{codeDepth}, Shows: []string{"3x3 12569aff 00000000"}},
			{Name: "half transparent", Data: encodePNG(t, flat(3, 3, color.NRGBA{R: 200, G: 10, B: 3, A: 7})), Shows: []string{"c80a0307"}},
			{Name: "colour under transparency", Data: encodePNG(t, hidden), Shows: []string{"8x4 00000000"}},
			{Name: "many colours with alpha", Data: encodePNG(t, fade(40, 30))},
			{Name: "turned", Data: withChunks(plain, pngChunk("eXIf", exif(binary.LittleEndian, 6, mark))), Findings: []string{codeMetadata, codeOrientation}, Marks: []string{mark}, Shows: []string{"png 10x20"}},
			{Name: "animated", Data: withChunks(plain, pngChunk("acTL", []byte{0, 0, 0, 2, 0, 0, 0, 0})), Findings: []string{codeAnimation}},
			{Name: "animated by one other frame", Data: withFrame(plain, true), Findings: []string{codeAnimation}},
			{Name: "animated by its default image", Data: withFrame(plain, false)},
			{Name: "scan", Data: withChunks(plain, pngChunk("pHYs", phys(11811, 11811, 1))), Shows: []string{"png 20x10", "11811,11811 pixels a metre"}},
			{Name: "fax", Data: withChunks(plain, pngChunk("pHYs", phys(8031, 3858, 1))), Shows: []string{"8031,3858 pixels a metre"}},
			{Name: "scan on its side", Data: withChunks(plain, pngChunk("pHYs", phys(8031, 3858, 1)), pngChunk("eXIf", exif(binary.BigEndian, 8, mark))), Findings: []string{codeMetadata, codeOrientation}, Shows: []string{"png 10x20", "3858,8031 pixels a metre"}},
			{Name: "resolution of EXIF", Data: withChunks(plain, pngChunk("eXIf", exifResolution(binary.BigEndian, 2, 300, 1, 300, 1))), Findings: []string{codeMetadata}, Shows: []string{"11811,11811 pixels a metre"}},
			{Name: "shape of pixels alone", Data: withChunks(plain, pngChunk("pHYs", phys(2, 1, 0))), Shows: []string{"png 20x10"}},
			{Name: "resolution that no printer has", Data: withChunks(plain, pngChunk("pHYs", phys(1<<31, 1, 1))), Shows: []string{"png 20x10"}},
			{Name: "colours of another space", Data: withChunks(encodePNG(t, flat(4, 4, color.NRGBA{R: 200, G: 100, B: 50, A: 255})), pngChunk("iCCP", append([]byte("p\x00\x00"), deflate(t, icctest.Profile("RGB ", icctest.Wide, icctest.Gamma(2.2)))...))), Findings: []string{codeConverted}, Shows: []string{"png 4x4 e3642aff"}},
			{Name: "grey of another gamma", Data: withChunks(encodePNG(t, noise(5, 5)), pngChunk("iCCP", append([]byte("p\x00\x00"), deflate(t, icctest.Profile("GRAY", nil, icctest.Gamma(1)))...))), Findings: []string{codeConverted}},
			{Name: "colour profile alone", Data: withChunks(plain, pngChunk("iCCP", append([]byte("p\x00\x00"), deflate(t, []byte(mark))...))), Findings: []string{codeProfile}, DeepMarks: []string{mark}},
			{Name: "broken text chunk", Data: withChunks(plain, append([]byte{0, 0, 0, 3}, "tEXtabcXXXX"...)), Findings: []string{codeMetadata}},
		},
		Refused: []sanitizetest.Refusal{
			{Name: "over the budget", Data: plain, Budget: tiny(199), Reason: format.LimitPixels},
			{Name: "zero budget", Data: plain, Budget: tiny(0), Reason: format.LimitPixels},
			{Name: "claims 60000 x 60000", Data: rawPNG(60000, 60000, 8, 6, 0, nil), Reason: format.LimitPixels},
			{Name: "claims 4294967295 pixels a side", Data: rawPNG(1<<32-1, 1<<32-1, 8, 6, 0, nil), Reason: format.LimitPixels},
			{Name: "no pixels", Data: rawPNG(0, 5, 8, 6, 0, nil), Reason: format.Malformed},
			{Name: "late", Data: plain, Budget: late(), Reason: format.LimitTime},
			{Name: "cut", Data: plain[:len(plain)-20], Reason: format.Truncated},
			{Name: "rows missing", Data: rawPNG(4, 4, 8, 0, 0, deflate(t, make([]byte, 10))), Reason: format.Malformed},
			{Name: "broken checksum", Data: flip(plain, len(plain)-20), Reason: format.Malformed},
			{Name: "not a picture", Data: []byte("hello"), Reason: format.Malformed},
			{Name: "unknown colour type", Data: rawPNG(4, 4, 8, 5, 0, deflate(t, make([]byte, 20))), Reason: format.KindUnsupported},
		},
		Bad: badPNG(t, plain), Rules: pngRules,
	}
	sanitizetest.Run(t, pngFormat(), s)
}

// withFrame adds an animation of one frame (PNG 12.2): the picture itself, or
// another behind it.
func withFrame(p []byte, other bool) []byte {
	control := pngChunk("acTL", []byte{0, 0, 0, 1, 0, 0, 0, 0})
	frame := pngChunk("fcTL", append(make([]byte, 4), p[16:24]...))
	if !other {
		return withChunks(p, control, frame)
	}
	end := len(p) - 12
	return withChunks(slices.Concat(p[:end], frame, pngChunk("fdAT", []byte{0, 0, 0, 1, 0}), p[end:]), control)
}

// fade is a picture of many colours and alpha values.
func fade(w, h int) *stdimage.NRGBA {
	m := gradient(w, h)
	for i := 3; i < len(m.Pix); i += 4 {
		m.Pix[i] = uint8(i)
	}
	return m
}

func flip(p []byte, at int) []byte {
	q := bytes.Clone(p)
	q[at] ^= 0xFF
	return q
}

func badPNG(t *testing.T, plain []byte) []sanitizetest.BadOutput {
	rows := deflate(t, make([]byte, 4*5)) // 4 × 4, 8 bits
	end := len(plain) - 12
	return []sanitizetest.BadOutput{
		{Name: "no signature", Data: []byte("GIF89a"), Code: lintPNGSignature},
		{Name: "text chunk", Data: withChunks(plain, pngChunk("tEXt", []byte("a\x00b"))), Code: lintPNGChunk},
		{Name: "private chunk", Data: withChunks(plain, pngChunk("prVt", nil)), Code: lintPNGChunk},
		{Name: "cut", Data: plain[:len(plain)-3], Code: lintPNGChunk},
		{Name: "end with content", Data: slices.Concat(plain[:end], pngChunk("IEND", []byte("x"))), Code: lintPNGChunk},
		{Name: "checksum", Data: flip(plain, len(plain)-1), Code: lintPNGCRC},
		{Name: "no end", Data: plain[:end], Code: lintPNGOrder},
		{Name: "header twice", Data: withChunks(plain, plain[8:33]), Code: lintPNGOrder},
		{Name: "no header", Data: slices.Concat(plain[:8], plain[33:]), Code: lintPNGOrder},
		{Name: "palette behind the data", Data: slices.Concat(plain[:end], pngChunk("PLTE", []byte{1, 2, 3}), plain[end:]), Code: lintPNGOrder},
		{Name: "sixteen bits", Data: rawPNG(2, 2, 16, 0, 0, deflate(t, make([]byte, 10))), Code: lintPNGHeader},
		{Name: "interlaced", Data: rawPNG(4, 4, 8, 0, 1, rows), Code: lintPNGHeader},
		{Name: "too large", Data: rawPNG(1<<20, 1<<20, 8, 0, 0, rows), Code: lintPNGHeader},
		{Name: "no width", Data: rawPNG(0, 4, 8, 0, 0, rows), Code: lintPNGHeader},
		{Name: "resolution twice", Data: withChunks(plain, pngChunk("pHYs", phys(100, 100, 1)), pngChunk("pHYs", phys(100, 100, 1))), Code: lintPNGOrder},
		{Name: "resolution without a unit", Data: withChunks(plain, pngChunk("pHYs", phys(100, 100, 0))), Code: lintPNGSize},
		{Name: "resolution with more", Data: withChunks(plain, pngChunk("pHYs", append(phys(100, 100, 1), "hidden"...))), Code: lintPNGSize},
		{Name: "resolution out of range", Data: withChunks(plain, pngChunk("pHYs", phys(1<<31, 100, 1))), Code: lintPNGSize},
		{Name: "palette for grey", Data: rawPNG(4, 4, 8, 0, 0, rows, pngChunk("PLTE", []byte{1, 2, 3})), Code: lintPNGPalette},
		{Name: "index outside", Data: rawPNG(4, 4, 8, 3, 0, deflate(t, bytes.Repeat([]byte{0, 1, 1, 1, 1}, 4)), pngChunk("PLTE", []byte{1, 2, 3})), Code: lintPNGPalette},
		{Name: "index outside behind a filter", Data: rawPNG(4, 4, 8, 3, 0, deflate(t, bytes.Repeat([]byte{1, 1, 1, 1, 1}, 4)), pngChunk("PLTE", make([]byte, 9))), Code: lintPNGPalette},
		{Name: "more alpha than colours", Data: rawPNG(4, 4, 8, 3, 0, rows, pngChunk("PLTE", []byte{1, 2, 3}), pngChunk("tRNS", []byte{0, 0})), Code: lintPNGPalette},
		{Name: "rows missing", Data: rawPNG(4, 4, 8, 0, 0, deflate(t, make([]byte, 19))), Code: lintPNGData},
		{Name: "rows too many", Data: rawPNG(4, 4, 8, 0, 0, deflate(t, make([]byte, 21))), Code: lintPNGData},
		{Name: "data behind the stream", Data: rawPNG(4, 4, 8, 0, 0, append(bytes.Clone(rows), "hidden"...)), Code: lintPNGData},
		{Name: "not zlib", Data: rawPNG(4, 4, 8, 0, 0, []byte("hidden")), Code: lintPNGData},
		{Name: "filter type", Data: rawPNG(4, 4, 8, 0, 0, deflate(t, bytes.Repeat([]byte{9}, 20))), Code: lintPNGData},
		{Name: "trailing", Data: append(bytes.Clone(plain), 0), Code: lintPNGTrailing},
	}
}

// spec: g1
func TestGIFConformance(t *testing.T) {
	one := encodeGIF(t, flat(6, 4, color.White))
	two := encodeGIF(t, flat(6, 4, color.White), flat(6, 4, color.Black))
	comment := []byte("\x21\xFE\x10" + mark[:16] + "\x00")
	end := len(one) - 1
	s := sanitizetest.Suite{Show: show, Again: formatOf(pngFormat()), CutIsFault: true, Golden: "testdata/golden",
		Good: []sanitizetest.Sample{
			{Name: "still", Data: one, Findings: []string{codeChanged}, Shows: []string{"png 6x4 ffffffff"}},
			{Name: "moving", Data: two, Findings: []string{codeChanged, codeAnimation}, Shows: []string{"png 6x4 ffffffff"}},
			{Name: "comment", Data: slices.Concat(one[:end], comment, one[end:]), Findings: []string{codeChanged, codeMetadata}, Marks: []string{mark[:16]}},
			{Name: "script behind", Data: append(bytes.Clone(one), "*/=1;alert('"+mark+"')"...), Findings: []string{codeChanged, codeTrailing}, Marks: []string{mark}},
			{Name: "no trailer", Data: one[:end], Findings: []string{codeChanged}},
			{Name: "frame over the edge", Data: overEdge(one), Findings: []string{codeChanged}, Shows: []string{"png 9x4 00000000 ffffffff"}},
		},
		Refused: []sanitizetest.Refusal{
			{Name: "over the budget", Data: one, Budget: tiny(23), Reason: format.LimitPixels},
			{Name: "frame over the budget", Data: overEdge(one), Budget: tiny(30), Reason: format.LimitPixels},
			{Name: "cut in the frame", Data: one[:end-3], Reason: format.Truncated},
			{Name: "no frame", Data: slices.Concat(one[:13], []byte{0x3B}), Reason: format.Truncated},
			{Name: "late", Data: one, Budget: late(), Reason: format.LimitTime},
			{Name: "no colour table", Data: slices.Concat([]byte("GIF89a\x02\x00\x02\x00\x00\x00\x00"), []byte("\x2C\x00\x00\x00\x00\x02\x00\x02\x00\x00\x02\x02\x84\x51\x00\x3B")), Reason: format.Malformed},
		},
		Bad: badPNG(t, encodePNG(t, gradient(20, 10))), Rules: pngRules,
	}
	sanitizetest.Run(t, gifFormat(), s)
}

func formatOf(f format.Format) *format.Format { return &f }

// overEdge moves the frame of a GIF three pixels to the right of its screen.
func overEdge(p []byte) []byte {
	q := bytes.Clone(p)
	at := bytes.IndexByte(q[13:], 0x2C) + 13
	q[at+1] = 3
	return q
}

// spec: g1
func TestJPEGConformance(t *testing.T) {
	colour := encodeJPEG(t, gradient(24, 16))
	grey := encodeJPEG(t, noise(10, 10))
	carriers := withSegments(colour,
		jpegSegment(0xE1, append([]byte("Exif\x00\x00"), exif(binary.BigEndian, 1, mark)...)),
		jpegSegment(0xE1, []byte("http://ns.adobe.com/xap/1.0/\x00"+mark)),
		jpegSegment(0xE2, []byte("ICC_PROFILE\x00\x01\x01"+mark)),
		jpegSegment(0xED, []byte("Photoshop 3.0\x00"+mark)),
		jpegSegment(0xE5, []byte(mark)),
		jpegSegment(markCOM, []byte(mark)))
	turned := func(o uint16) []byte {
		return withSegments(colour, jpegSegment(0xE1, append([]byte("Exif\x00\x00"), exif(binary.LittleEndian, o, mark)...)))
	}
	s := sanitizetest.Suite{Show: show, Same: near, CutIsFault: true, Truncate: 256, Golden: "testdata/golden",
		Good: []sanitizetest.Sample{
			{Name: "colour", Data: colour, Shows: []string{"jpeg 24x16"}},
			{Name: "grey", Data: grey, Shows: []string{"jpeg 10x10"}},
			{Name: "coarse", Data: colour, Profile: format.Profile{Quality: 30}, Shows: []string{"jpeg 24x16"}},
			{Name: "carriers", Data: carriers, Findings: []string{codeMetadata, codeProfile}, Marks: []string{mark}},
			{Name: "scan in colour", Data: withSegments(colour, jpegSegment(markAPP0, jfif(1, 300, 300))), Shows: []string{"300,300 dpi"}},
			{Name: "centimetres", Data: withSegments(colour, jpegSegment(markAPP0, jfif(2, 118, 59))), Shows: []string{"300,150 dpi"}},
			{Name: "camera", Data: withSegments(colour, jpegSegment(markAPP0, jfif(0, 1, 1)), jpegSegment(0xE1, append([]byte("Exif\x00\x00"), exifResolution(binary.BigEndian, 2, 350, 1, 350, 1)...))), Findings: []string{codeMetadata}, Shows: []string{"350,350 dpi"}},
			{Name: "wide colours", Data: withProfile(encodeJPEG(t, flat(8, 8, color.NRGBA{R: 200, G: 100, B: 50, A: 255})), icctest.Profile("RGB ", icctest.Wide, icctest.Gamma(2.2))), Findings: []string{codeConverted}},
			{Name: "profile that lacks a piece", Data: withSegments(colour, jpegSegment(0xE2, append([]byte("ICC_PROFILE\x00\x01\x02"), icctest.Profile("RGB ", icctest.Wide, icctest.Gamma(2.2))...))), Findings: []string{codeProfile}},
			{Name: "motion photo", Data: append(bytes.Clone(colour), "\x00\x00\x00\x18ftypmp42"+mark...), Findings: []string{codeTrailing}, Marks: []string{mark, "ftypmp42"}},
			{Name: "turned right", Data: turned(6), Findings: []string{codeMetadata, codeOrientation}, Shows: []string{"jpeg 16x24"}, Marks: []string{mark}},
			{Name: "upside down", Data: turned(3), Findings: []string{codeMetadata, codeOrientation}, Shows: []string{"jpeg 24x16"}},
		},
		Refused: []sanitizetest.Refusal{
			{Name: "over the budget", Data: colour, Budget: tiny(24*16 - 1), Reason: format.LimitPixels},
			{Name: "claims 65500 x 65500", Data: resized(colour, 65500, 65500), Reason: format.LimitPixels},
			{Name: "no end", Data: colour[:len(colour)-2], Reason: format.Truncated},
			{Name: "cut in the middle", Data: colour[:len(colour)-60], Reason: format.Truncated},
			{Name: "half a picture with an end", Data: slices.Concat(colour[:len(colour)-60], []byte{0xFF, markEOI}), Reason: format.Malformed},
			{Name: "late", Data: colour, Budget: late(), Reason: format.LimitTime},
			{Name: "scan bomb", Data: slices.Concat(colour[:len(colour)-2], bytes.Repeat(jpegSegment(markSOS, []byte{1, 1, 0, 0, 63, 0}), 300), []byte{0xFF, markEOI}), Reason: format.LimitCount},
			{Name: "component without a scan", Data: dropScan(colour), Reason: format.Truncated},
			{Name: "arithmetic coding", Data: replaced(colour, []byte{0xFF, 0xC0}, []byte{0xFF, 0xC9}), Reason: format.KindUnsupported},
		},
		Bad: badJPEG(colour, grey), Rules: jpegRules,
	}
	sanitizetest.Run(t, jpegFormat(), s)
}

// withProfile puts a colour profile into a JPEG, in pieces as large ones come.
func withProfile(p, profile []byte) []byte {
	half := len(profile) / 2
	return withSegments(p, jpegSegment(0xE2, append([]byte("ICC_PROFILE\x00\x01\x02"), profile[:half]...)),
		jpegSegment(0xE2, append([]byte("ICC_PROFILE\x00\x02\x02"), profile[half:]...)))
}

var jpegRules = []string{jpeglint.Start, jpeglint.Marker, jpeglint.Order, jpeglint.Size, jpeglint.Table, jpeglint.Shape, jpeglint.Scan, jpeglint.Data, jpeglint.Trailing}

// near accepts the loss of one more JPEG coding.
func near(first, second []byte) error {
	a, _, err := stdimage.Decode(bytes.NewReader(first))
	if err != nil {
		return err
	}
	b, _, err := stdimage.Decode(bytes.NewReader(second))
	if err != nil {
		return err
	}
	if a.Bounds() != b.Bounds() {
		return fmt.Errorf("size %v became %v", a.Bounds(), b.Bounds())
	}
	sum, n := 0, 0
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			p, q := toNRGBA(a.At(x, y)), toNRGBA(b.At(x, y))
			for _, d := range []int{int(p.R) - int(q.R), int(p.G) - int(q.G), int(p.B) - int(q.B)} {
				sum += max(d, -d)
				n++
			}
		}
	}
	if sum > 3*n {
		return fmt.Errorf("mean difference %d/%d", sum, n)
	}
	return nil
}

func replaced(p, from, to []byte) []byte { return bytes.Replace(p, from, to, 1) }

func resized(p []byte, w, h uint16) []byte {
	q := bytes.Clone(p)
	at := bytes.Index(q, []byte{0xFF, 0xC0}) + 5
	binary.BigEndian.PutUint16(q[at:], h)
	binary.BigEndian.PutUint16(q[at+2:], w)
	return q
}

// dropScan makes the scan of a colour JPEG one of its first component only.
func dropScan(p []byte) []byte {
	at := bytes.Index(p, []byte{0xFF, markSOS})
	n := int(binary.BigEndian.Uint16(p[at+2:]))
	return slices.Concat(p[:at], jpegSegment(markSOS, []byte{1, 1, 0, 0, 63, 0}), p[at+2+n:])
}

func badJPEG(colour, grey []byte) []sanitizetest.BadOutput {
	at := func(mark byte) int { return bytes.Index(colour, []byte{0xFF, mark}) }
	poke := func(i int, v byte) []byte {
		q := bytes.Clone(colour)
		q[i] = v
		return q
	}
	end := len(colour) - 2
	return []sanitizetest.BadOutput{
		{Name: "not a JPEG", Data: []byte("\x89PNG"), Code: jpeglint.Start},
		{Name: "comment", Data: withSegments(colour, jpegSegment(markCOM, []byte("x"))), Code: jpeglint.Marker},
		{Name: "exif", Data: withSegments(colour, jpegSegment(0xE1, []byte("Exif\x00\x00"))), Code: jpeglint.Marker},
		{Name: "JFIF cut short", Data: withSegments(colour, jpegSegment(0xE0, []byte("JFIF\x00"))), Code: jpeglint.Size},
		{Name: "JFIF of another version", Data: withSegments(colour, jpegSegment(0xE0, jfif(1, 100, 100))), Code: jpeglint.Size},
		{Name: "thumbnail", Data: withSegments(colour, jpegSegment(0xE0, []byte("JFIF\x00\x01\x02\x01\x00\x64\x00\x64\x01\x01abc"))), Code: jpeglint.Size},
		{Name: "resolution zero", Data: withSegments(colour, jpegSegment(0xE0, []byte("JFIF\x00\x01\x02\x01\x00\x64\x00\x00\x00\x00"))), Code: jpeglint.Size},
		{Name: "resolution behind the tables", Data: slices.Concat(colour[:at(0xC0)], jfifSegment(density{100_000, 100_000}), colour[at(0xC0):]), Code: jpeglint.Order},
		{Name: "restart interval", Data: withSegments(colour, jpegSegment(0xDD, []byte{0, 4})), Code: jpeglint.Marker},
		{Name: "progressive", Data: poke(at(0xC0)+1, 0xC2), Code: jpeglint.Marker},
		{Name: "junk between segments", Data: withSegments(colour, []byte("junk")), Code: jpeglint.Marker},
		{Name: "cut", Data: colour[:30], Code: jpeglint.Marker},
		{Name: "frame twice", Data: slices.Concat(colour[:at(0xC4)], colour[at(0xC0):]), Code: jpeglint.Order},
		{Name: "no tables", Data: slices.Concat(colour[:2], colour[at(0xC0):]), Code: jpeglint.Order},
		{Name: "zero quantizer", Data: poke(at(0xDB)+6, 0), Code: jpeglint.Table},
		{Name: "quantization table of sixteen bits", Data: poke(at(0xDB)+4, 0x10), Code: jpeglint.Table},
		{Name: "Huffman table number", Data: poke(at(0xC4)+4, 0x05), Code: jpeglint.Table},
		{Name: "Huffman code overflows", Data: poke(at(0xC4)+5, 3), Code: jpeglint.Table},
		{Name: "twelve bits", Data: poke(at(0xC0)+4, 12), Code: jpeglint.Shape},
		{Name: "sampling", Data: poke(at(0xC0)+11, 0x44), Code: jpeglint.Shape},
		{Name: "no height", Data: resized(colour, 10, 0), Code: jpeglint.Shape},
		{Name: "missing table", Data: poke(at(0xC0)+12, 3), Code: jpeglint.Shape},
		{Name: "spectral selection", Data: poke(at(markSOS)+12, 5), Code: jpeglint.Scan},
		{Name: "one component", Data: dropScan(colour), Code: jpeglint.Scan},
		{Name: "scan of a missing table", Data: poke(at(markSOS)+6, 0x33), Code: jpeglint.Scan},
		{Name: "data between the picture and its end", Data: slices.Concat(colour[:end], []byte("hidden"), colour[end:]), Code: jpeglint.Data},
		{Name: "smaller than its data", Data: resized(colour, 8, 8), Code: jpeglint.Data},
		{Name: "larger than its data", Data: resized(colour, 240, 160), Code: jpeglint.Data},
		{Name: "no end", Data: grey[:len(grey)-2], Code: jpeglint.Data},
		{Name: "trailing", Data: append(bytes.Clone(colour), 'x'), Code: jpeglint.Trailing},
	}
}
