package image

import (
	"bytes"
	"encoding/binary"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/image/icc/icctest"
	"sekisho/sanitize/image/tiff/tifftest"
	"sekisho/sanitize/sanitizetest"
)

var pngRules = []string{lintPNGSignature, lintPNGChunk, lintPNGCRC, lintPNGOrder, lintPNGHeader, lintPNGSize, lintPNGPalette, lintPNGData, lintPNGTrailing}

// bitmap makes a bitmap of 24 bits a pixel with a header of the size given,
// which may hold a mark behind the fields that count.
func bitmap(header int, w, h int32, field func(h []byte), gap, trailer string) []byte {
	stride := (int(w)*24 + 31) / 32 * 4
	b := []byte("BM\x00\x00\x00\x00")
	b = append(b, gap[:min(4, len(gap))]...) // the reserved bytes
	b = append(b, make([]byte, 10-len(b))...)
	b = binary.LittleEndian.AppendUint32(b, uint32(14+header+len(gap)))
	head := make([]byte, header)
	binary.LittleEndian.PutUint32(head, uint32(header))
	binary.LittleEndian.PutUint32(head[4:], uint32(w))
	binary.LittleEndian.PutUint32(head[8:], uint32(h))
	binary.LittleEndian.PutUint32(head[12:], 1|24<<16)
	field(head)
	b = append(append(b, head...), gap...)
	for y := range h {
		row := make([]byte, stride)
		for x := range int(w) {
			copy(row[3*x:], []byte{byte(x * 11), byte(y * 17), 200})
		}
		copy(row[3*w:], trailer) // the padding of a row is a hiding place too
		b = append(b, row...)
	}
	return append(b, trailer...)
}

func nothing([]byte) {}

// spec: g1 g9
func TestBMPConformance(t *testing.T) {
	good := bitmap(40, 7, 5, nothing, "", "")
	profile := icctest.Profile("RGB ", icctest.P3, icctest.Gamma(2.2))
	profiled := bitmap(124, 8, 5, func(h []byte) {
		copy(h[56:], "DEBM")
		binary.LittleEndian.PutUint32(h[112:], uint32(124+8*3*5))
		binary.LittleEndian.PutUint32(h[116:], uint32(len(profile)))
	}, "", string(profile))
	sanitizetest.Run(t, bmpFormat(), sanitizetest.Suite{Show: show, Again: formatOf(pngFormat()), CutIsFault: true, Golden: "testdata/golden",
		Good: []sanitizetest.Sample{
			{Name: "bitmap", Data: good, Findings: []string{codeChanged}, Shows: []string{"png 7x5 c84400ff"}},
			{Name: "bitmap for print", Data: bitmap(40, 7, 5, func(h []byte) {
				binary.LittleEndian.PutUint32(h[24:], 7874)
				binary.LittleEndian.PutUint32(h[28:], 3937)
			}, "", ""), Findings: []string{codeChanged}, Shows: []string{"7874,3937 pixels a metre"}},
			{Name: "bitmap with a gap", Data: bitmap(40, 7, 5, nothing, mark, ""), Findings: []string{codeChanged, codeMetadata}, Marks: []string{mark}},
			{Name: "bitmap with more", Data: bitmap(108, 7, 5, func(h []byte) { copy(h[56:], mark) }, "", mark), Findings: []string{codeChanged, codeTrailing}, Marks: []string{mark}},
			{Name: "bitmap of wide colours", Data: profiled, Findings: []string{codeChanged, codeConverted}, Marks: []string{"acsp"}},
			{Name: "bitmap with a linked profile", Data: bitmap(124, 7, 5, func(h []byte) { copy(h[56:], "KNIL") }, "", ""), Findings: []string{codeChanged, codeMetadata}},
		},
		Refused: []sanitizetest.Refusal{
			{Name: "over the budget", Data: good, Budget: tiny(34), Reason: format.LimitPixels},
			{Name: "claims 2147483647 a side", Data: bitmap(40, 7, 5, func(h []byte) { copy(h[4:], "\xFF\xFF\xFF\x7F\xFF\xFF\xFF\x7F") }, "", ""), Reason: format.LimitPixels},
			{Name: "no pixels", Data: bitmap(40, 7, 5, func(h []byte) { h[4] = 0 }, "", ""), Reason: format.Malformed},
			{Name: "cut", Data: good[:len(good)-30], Reason: format.Truncated},
			{Name: "JPEG inside", Data: bitmap(40, 7, 5, func(h []byte) { h[16] = 4 }, "", ""), Reason: format.KindUnsupported},
			{Name: "late", Data: good, Budget: late(), Reason: format.LimitTime},
		},
		Bad: badPNG(t, encodePNG(t, gradient(20, 10))), Rules: pngRules,
	})
}

// icon makes an icon of pictures, each with a side for its entry.
func icon(kind byte, pictures ...[]byte) []byte {
	b := []byte{0, 0, kind, 0, byte(len(pictures)), 0}
	at := 6 + 16*len(pictures)
	for _, p := range pictures {
		side := byte(16)
		if MatchPNG(p) == format.Certain {
			side = p[19]
		} else if len(p) > 4 {
			side = p[4]
		}
		b = append(b, side, side, 0, 0, 1, 0, 32, 0)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(p)))
		b = binary.LittleEndian.AppendUint32(b, uint32(at))
		at += len(p)
	}
	return append(b, slices.Concat(pictures...)...)
}

// spec: g1
func TestICOConformance(t *testing.T) {
	dib := func(side int32) []byte {
		p := bitmap(40, side, side, func(h []byte) { binary.LittleEndian.PutUint32(h[8:], uint32(2*side)) }, "", "")[14:]
		return append(p, bytes.Repeat([]byte{0x80, 0, 0, 0}, int(side))...) // the left edge is transparent
	}
	inner := withChunks(encodePNG(t, fade(20, 20)), pngChunk("tEXt", []byte("Comment\x00"+mark)))
	sanitizetest.Run(t, icoFormat(), sanitizetest.Suite{Show: show, Again: formatOf(pngFormat()), CutIsFault: true, Golden: "testdata/golden",
		Good: []sanitizetest.Sample{
			{Name: "icon", Data: icon(1, dib(16)), Findings: []string{codeChanged}, Shows: []string{"png 16x16 00000000 c8ffa5ff"}},
			{Name: "icon of two", Data: icon(1, dib(8), inner), Findings: []string{codeChanged, codeLargest, codeMetadata}, Marks: []string{mark}, Shows: []string{"png 20x20"}},
			{Name: "cursor", Data: icon(2, dib(8)), Findings: []string{codeChanged}, Shows: []string{"png 8x8"}},
			{Name: "icon with more", Data: append(icon(1, dib(8)), mark...), Findings: []string{codeChanged}, Marks: []string{mark}},
		},
		Refused: []sanitizetest.Refusal{
			{Name: "over the budget", Data: icon(1, dib(16)), Budget: tiny(255), Reason: format.LimitPixels},
			{Name: "PNG over the budget", Data: icon(1, rawPNG(60000, 60000, 8, 6, 0, nil)), Reason: format.LimitPixels},
			{Name: "directory cut", Data: icon(1, dib(8))[:10], Reason: format.Truncated},
			{Name: "picture cut", Data: icon(1, dib(8))[:60], Reason: format.Truncated},
			{Name: "no pictures", Data: []byte("\x00\x00\x01\x00\x00\x00"), Reason: format.Malformed},
			{Name: "empty picture", Data: icon(1, nil), Reason: format.Truncated},
			{Name: "late", Data: icon(1, dib(8)), Budget: late(), Reason: format.LimitTime},
		},
		Bad: badPNG(t, encodePNG(t, gradient(20, 10))), Rules: pngRules,
	})
}

// webpOf puts chunks around those of a simple WebP.
func webpOf(simple []byte, before, behind []byte) []byte {
	return appendChunk(nil, "RIFF", slices.Concat([]byte("WEBP"), before, simple[12:], behind))
}

// spec: g1
func TestWebPConformance(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte, args ...string) []byte {
		out := filepath.Join(dir, name)
		if err := os.WriteFile(out+".png", data, 0o600); err != nil {
			t.Fatal(err)
		}
		program(t, append(args, out+".png", "-o", out)...)
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	lossless := write("a", encodePNG(t, photo(30, 20, false)), "cwebp", "-quiet", "-lossless")
	lossy := write("b", encodePNG(t, photo(30, 20, false)), "cwebp", "-quiet")
	vp8x := appendChunk(nil, "VP8X", []byte{0x2C, 0, 0, 0, 29, 0, 0, 19, 0, 0})
	profile := appendChunk(nil, "ICCP", icctest.Profile("RGB ", icctest.Wide, icctest.Gamma(2.2)))
	behind := slices.Concat(appendChunk(nil, "EXIF", exif(binary.LittleEndian, 6, mark)), appendChunk(nil, "XMP ", []byte(mark)), appendChunk(nil, "prVt", []byte(mark)))
	frame := func(x, y byte, p []byte) []byte {
		return appendChunk(nil, "ANMF", slices.Concat([]byte{x, 0, 0, y, 0, 0, 29, 0, 0, 19, 0, 0, 100, 0, 0, 0}, p[12:]))
	}
	moving := appendChunk(nil, "RIFF", slices.Concat([]byte("WEBP"), appendChunk(nil, "VP8X", []byte{2, 0, 0, 0, 39, 0, 0, 29, 0, 0}),
		appendChunk(nil, "ANIM", []byte{1, 2, 3, 4, 0, 0}), frame(2, 3, lossless), frame(0, 0, lossy)))
	chunks := bytes.Repeat(appendChunk(nil, "prVt", nil), maxChunks+1)
	refused := []sanitizetest.Refusal{
		{Name: "over the budget", Data: lossless, Budget: tiny(599), Reason: format.LimitPixels},
		{Name: "canvas over the budget", Data: moving, Budget: tiny(1199), Reason: format.LimitPixels},
		{Name: "claims 16384 x 16384", Data: replaced(lossless, lossless[20:25], []byte{0x2F, 0xFF, 0xFF, 0xFF, 0x0F}), Reason: format.LimitPixels},
		{Name: "cut", Data: lossless[:len(lossless)-10], Reason: format.Truncated},
		{Name: "no picture", Data: appendChunk(nil, "RIFF", []byte("WEBP")), Reason: format.Truncated},
		{Name: "chunk bomb", Data: webpOf(lossless, chunks, nil), Reason: format.LimitCount},
		{Name: "broken", Data: webpOf(lossless[:12], nil, appendChunk(nil, "VP8L", slices.Concat(lossless[20:25], bytes.Repeat([]byte{0xA5}, 90)))), Reason: format.Malformed},
		{Name: "late", Data: lossless, Budget: late(), Reason: format.LimitTime},
	}
	sanitizetest.Run(t, webpFormat(pngFormat()), sanitizetest.Suite{Show: show, Again: formatOf(pngFormat()), CutIsFault: true, Truncate: 256,
		Good: []sanitizetest.Sample{
			{Name: "lossless", Data: lossless, Findings: []string{codeChanged}, Shows: []string{"png 30x20"}},
			{Name: "carriers", Data: webpOf(lossless, slices.Concat(vp8x, profile), behind), Findings: []string{codeChanged, codeMetadata, codeConverted, codeOrientation}, Marks: []string{mark}, Shows: []string{"png 20x30"}},
			{Name: "trailing", Data: append(bytes.Clone(lossless), mark...), Findings: []string{codeChanged, codeTrailing}, Marks: []string{mark}},
			{Name: "moving", Data: moving, Findings: []string{codeChanged, codeAnimation}, Shows: []string{"png 40x30 00000000"}},
		},
		Refused: refused, Bad: badPNG(t, encodePNG(t, gradient(20, 10))), Rules: pngRules,
	})
	out := jpegFormat()
	s := sanitizetest.Suite{Show: show, Same: near, Again: &out, CutIsFault: true, Truncate: 256,
		Good: []sanitizetest.Sample{
			{Name: "lossy", Data: lossy, Findings: []string{codeChanged}, Shows: []string{"jpeg 30x20"}},
			{Name: "lossy with carriers", Data: webpOf(lossy, nil, behind), Findings: []string{codeChanged, codeMetadata, codeOrientation}, Marks: []string{mark}, Shows: []string{"jpeg 20x30"}},
		},
		Refused: []sanitizetest.Refusal{{Name: "cut", Data: lossy[:len(lossy)-10], Reason: format.Truncated}},
	}
	s.Bad, s.Rules = badJPEG(encodeJPEG(t, gradient(24, 16)), encodeJPEG(t, noise(10, 10))), jpegRules
	sanitizetest.Run(t, webpFormat(out), s)
}

// A picture of video numbers is neither pale nor dark.
func TestStudioRange(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]color.NRGBA{"black": {A: 255}, "white": {R: 255, G: 255, B: 255, A: 255}, "red": {R: 250, A: 255}, "blue": {B: 250, G: 30, A: 255}} {
		in, out := filepath.Join(dir, name+".png"), filepath.Join(dir, name+".webp")
		if err := os.WriteFile(in, encodePNG(t, flat(20, 20, c)), 0o600); err != nil {
			t.Fatal(err)
		}
		program(t, "cwebp", "-quiet", "-q", "100", in, "-o", out)
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		checkProgram(t, webpFormat(jpegFormat()), data, flat(20, 20, c), 2, codeChanged, "jpeg")
	}
}

// spec: g1 g9
func TestTIFFConformance(t *testing.T) {
	m := tifftest.Maker{Order: binary.BigEndian}
	pixels := make([]byte, 12*9)
	for i := range pixels {
		pixels[i] = byte(i * 2)
	}
	grey := func(more ...tifftest.Tag) []byte { return m.File(m.Grey(12, 9, pixels, more...)) }
	plain := grey()
	carriers := m.File(m.Grey(12, 9, append(bytes.Clone(pixels), mark...), m.Text(270, mark), m.Bytes(700, []byte(mark)), m.Bytes(34377, []byte(mark)), m.Bytes(60000, []byte(mark)), m.Text(315, mark)),
		m.Grey(4, 4, []byte(mark[:16]), m.Long(254, 1))) // a thumbnail
	wide := grey(m.Bytes(34675, icctest.Profile("GRAY", nil, icctest.Gamma(1))))
	sanitizetest.Run(t, tiffFormat(pngFormat()), sanitizetest.Suite{Show: show, Again: formatOf(pngFormat()), CutIsFault: true, Golden: "testdata/golden",
		Good: []sanitizetest.Sample{
			{Name: "page", Data: plain, Findings: []string{codeChanged}, Shows: []string{"png 12x9 000000ff 161616ff"}},
			{Name: "page with carriers", Data: append(carriers, mark...), Findings: []string{codeChanged, codeMetadata}, Marks: []string{mark, mark[:16]}},
			{Name: "page of a scanner", Data: grey(m.Ratio(282, 300, 1), m.Ratio(283, 300, 1)), Findings: []string{codeChanged}, Shows: []string{"11811,11811 pixels a metre"}},
			{Name: "page on its side", Data: grey(m.Short(274, 8), m.Ratio(282, 100, 1), m.Ratio(283, 120, 1), m.Short(296, 3)), Findings: []string{codeChanged, codeOrientation}, Shows: []string{"png 9x12", "12000,10000 pixels a metre"}},
			{Name: "page of half the rows", Data: grey(m.Ratio(282, 200, 1), m.Ratio(283, 100, 1)), Findings: []string{codeChanged}, Shows: []string{"png 12x18", "7874,7874 pixels a metre"}},
			{Name: "page of half the columns", Data: grey(m.Ratio(282, 100, 1), m.Ratio(283, 200, 1)), Findings: []string{codeChanged}, Shows: []string{"png 24x9"}},
			{Name: "page of another gamma", Data: wide, Findings: []string{codeChanged, codeConverted}},
			{Name: "page of sixteen bits", Data: m.File(m.Grey(6, 9, pixels, m.Short(258, 16))), Findings: []string{codeChanged, codeDepth}, Shows: []string{"png 6x9 000000ff 141414ff"}},
			{Name: "fax cut by its sender", Data: m.File(m.Grey(8, 4, []byte{0b11000000, 0b00000100, 0b00000000, 0b01000000}, m.Short(258, 1), m.Short(259, 4), m.Short(262, 0))), Findings: []string{codeChanged, codeCut}, Shows: []string{"png 8x4 ffffffff"}},
			{Name: "fax with a bad line", Data: m.File(m.Grey(16, 20, badFax(20, 5), m.Short(258, 1), m.Short(259, 3), m.Short(262, 0))), Findings: []string{codeChanged, codeLines}, Shows: []string{"png 16x20"}},
		},
		Refused: []sanitizetest.Refusal{
			{Name: "over the budget", Data: plain, Budget: tiny(107), Reason: format.LimitPixels},
			{Name: "over the budget when stretched", Data: grey(m.Ratio(282, 200, 1), m.Ratio(283, 100, 1)), Budget: tiny(215), Reason: format.LimitPixels},
			{Name: "claims 16777216 a side", Data: grey(m.Long(256, 1<<24), m.Long(257, 1<<24)), Reason: format.LimitPixels},
			{Name: "cut", Data: plain[:len(plain)-10], Reason: format.Truncated},
			{Name: "circle", Data: append(bytes.Clone(plain[:8+2+12*7]), append([]byte{0, 0, 0, 8}, plain[8+2+12*7+4:]...)...), Reason: format.Malformed},
			{Name: "old JPEG", Data: grey(m.Short(259, 6)), Reason: format.KindUnsupported},
			{Name: "many tags", Data: append([]byte("MM\x00*\x00\x00\x00\x08\xFF\xFF"), make([]byte, 100)...), Reason: format.LimitCount},
			{Name: "fax of bad lines", Data: m.File(m.Grey(16, 20, badFax(20, 1, 3, 5), m.Short(258, 1), m.Short(259, 3), m.Short(262, 0))), Reason: format.Malformed},
			{Name: "fax without a line", Data: m.File(m.Grey(8, 4, []byte{0, 16, 1}, m.Short(258, 1), m.Short(259, 4), m.Short(262, 0))), Reason: format.Truncated},
			{Name: "late", Data: plain, Budget: late(), Reason: format.LimitTime},
		},
		Bad: badPNG(t, encodePNG(t, gradient(20, 10))), Rules: pngRules,
	})
}

// badFax is a one-dimensional fax of rows of 16 white pixels, of which some are
// no code.
func badFax(rows int, bad ...int) []byte {
	bits := ""
	for y := range rows {
		bits += "000000000001" // the mark
		if slices.Contains(bad, y) {
			bits += "0000000011"
		} else {
			bits += "101010" // 16 white
		}
	}
	for range 6 {
		bits += "000000000001"
	}
	for len(bits)%8 != 0 {
		bits += "0"
	}
	b := make([]byte, len(bits)/8)
	for i, c := range bits {
		b[i/8] |= byte(c-'0') << (7 - i%8)
	}
	return b
}
