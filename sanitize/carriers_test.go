package sanitize

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"slices"
	"strings"
	"testing"
)

// planter makes marks and remembers which must be gone and which a reader
// must still see.
type planter struct {
	tag          string
	hidden, seen []string
}

// hide is a mark for a hidden carrier; show one for words that stay.
func (p *planter) hide() string {
	m := fmt.Sprintf("Canary%s%03dq", p.tag, len(p.hidden))
	p.hidden = append(p.hidden, m)
	return m
}

func (p *planter) show() string {
	m := fmt.Sprintf("Visible%s%03dq", p.tag, len(p.seen))
	p.seen = append(p.seen, m)
	return m
}

// fill puts a hidden mark in place of each § and a visible one for each ¶.
func (p *planter) fill(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch r {
		case '§':
			b.WriteString(p.hide())
		case '¶':
			b.WriteString(p.show())
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// invisible spells a mark in tag characters, which no font shows.
func invisible(s string) string {
	return strings.Map(func(r rune) rune { return r + 0xE0000 }, s)
}

func deflated(t testing.TB, b []byte) string {
	t.Helper()
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// carrierEXIF is a TIFF structure with an orientation, a maker and a
// thumbnail behind it.
func carrierEXIF(p *planter) string {
	maker, thumb := p.hide(), "\xFF\xD8\xFF\xFE\x00\x12"+p.hide()+"\xFF\xD9"
	b := []byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x0F\x00\x02")
	b = binary.BigEndian.AppendUint32(b, uint32(len(maker)))
	b = binary.BigEndian.AppendUint32(b, 26)
	return string(b) + "\x00\x00\x00\x00" + maker + thumb
}

// carrierPNG is a picture of w × 70 with marks in every chunk that is not
// pixels, behind the pixels and behind the end.
func carrierPNG(t testing.TB, p *planter) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 90, 70))
	for i := range m.Pix {
		m.Pix[i] = byte(i*7) | 1
	}
	under := p.hide() // colours of pixels that nobody sees
	for i := range len(under) {
		m.Pix[i/3*4+i%3], m.Pix[i/3*4+3] = under[i], 0
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	const header = 8 + 25
	end := b.Len() - 12
	return slices.Concat(b.Bytes()[:header],
		pngChunk("iCCP", "profile\x00\x00"+deflated(t, []byte(p.hide()))),
		pngChunk("tEXt", "Comment\x00"+p.hide()), pngChunk("zTXt", "Author\x00\x00"+deflated(t, []byte(p.hide()))),
		pngChunk("iTXt", "XML:com.adobe.xmp\x00\x00\x00\x00\x00<x>"+p.hide()+"</x>"),
		pngChunk("eXIf", carrierEXIF(p)), pngChunk("sPLT", p.hide()+"\x00\x08"), pngChunk("prVt", p.hide()),
		b.Bytes()[header:end], pngChunk("tEXt", "Software\x00"+p.hide()), b.Bytes()[end:], []byte(p.hide()+"PK\x03\x04"+p.hide()))
}

// carrierPalette is a PNG whose palette has colours that no pixel uses.
func carrierPalette(t testing.TB, p *planter) []byte {
	t.Helper()
	unused := p.hide()
	for len(unused)%3 != 0 {
		unused += "x"
	}
	palette := color.Palette{color.NRGBA{R: 9, G: 90, B: 200, A: 255}, color.NRGBA{R: 250, G: 240, B: 3, A: 255}}
	for i := 0; i < len(unused); i += 3 {
		palette = append(palette, color.NRGBA{R: unused[i], G: unused[i+1], B: unused[i+2], A: 255})
	}
	m := image.NewPaletted(image.Rect(0, 0, 66, 65), palette)
	for i := range m.Pix {
		m.Pix[i] = byte(i % 2)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// carrierDeep is an interlaced PNG of 16 bits a sample, whose low bytes, which
// no screen shows, spell a mark again and again.
func carrierDeep(t testing.TB, p *planter) []byte {
	t.Helper()
	const side = 72
	mark := p.hide()
	var rows []byte
	for _, a := range [][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}} {
		n := 0
		for y := a[1]; y < side; y += a[3] {
			rows = append(rows, 0)
			for x := a[0]; x < side; x += a[2] {
				for _, high := range []byte{byte(x * 3), byte(y * 3), byte(x ^ y)} {
					rows = append(rows, high, mark[n%len(mark)])
					n++
				}
			}
		}
	}
	head := binary.BigEndian.AppendUint32(nil, side)
	head = append(binary.BigEndian.AppendUint32(head, side), 16, 2, 0, 0, 1)
	return []byte("\x89PNG\r\n\x1a\n" + string(pngChunk("IHDR", string(head))) + string(pngChunk("tEXt", "a\x00"+p.hide())) +
		string(pngChunk("IDAT", deflated(t, rows))) + string(pngChunk("IEND", "")))
}

// carrierJPEG has marks in every segment that is not pixels, and behind the end.
func carrierJPEG(t testing.TB, p *planter) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 88, 72))
	for i := range m.Pix {
		m.Pix[i] = byte(i / 40)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	segment := func(kind byte, body string) []byte {
		return append(binary.BigEndian.AppendUint16([]byte{0xFF, kind}, uint16(len(body)+2)), body...)
	}
	table := (p.hide() + strings.Repeat("x", 64))[:64] // a quantization table that no component uses
	second := slices.Concat([]byte("\xFF\xD8"), segment(0xFE, p.hide()), b.Bytes()[2:])
	return slices.Concat(b.Bytes()[:2],
		segment(0xE0, "JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"), segment(0xE0, "JFXX\x00\x10"+p.hide()),
		segment(0xE1, "Exif\x00\x00"+carrierEXIF(p)), segment(0xE1, "http://ns.adobe.com/xap/1.0/\x00"+p.hide()),
		segment(0xE2, "ICC_PROFILE\x00\x01\x01"+p.hide()), segment(0xE2, "MPF\x00"+p.hide()),
		segment(0xED, "Photoshop 3.0\x008BIM"+p.hide()), segment(0xEF, p.hide()), segment(0xFE, p.hide()),
		segment(0xDB, "\x03"+table), b.Bytes()[2:], second, []byte(p.hide()))
}

// carrierGIF has marks in its extensions, its second picture, its unused
// colours and behind its end.
func carrierGIF(t testing.TB, p *planter) []byte {
	t.Helper()
	unused := (p.hide() + "xxxxxx")[:18]
	palette := color.Palette{color.Black, color.White}
	for i := 0; i < len(unused); i += 3 {
		palette = append(palette, color.NRGBA{R: unused[i], G: unused[i+1], B: unused[i+2], A: 255})
	}
	g := gif.GIF{}
	for n := range 2 {
		m := image.NewPaletted(image.Rect(0, 0, 80, 68), palette)
		for i := range m.Pix {
			m.Pix[i] = byte(i % (2 + n))
		}
		g.Image, g.Delay = append(g.Image, m), append(g.Delay, 10)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &g); err != nil {
		t.Fatal(err)
	}
	block := func(s string) string { return string(rune(len(s))) + s }
	body, end := b.Bytes()[:b.Len()-1], b.Bytes()[b.Len()-1:]
	extra := "!\xFE" + block(p.hide()) + "\x00!\xFF\x0BXMP DataXMP" + block(p.hide()) + "\x00!\x01\x0C" + strings.Repeat("\x00", 12) + block(p.hide()) + "\x00"
	return slices.Concat(body, []byte(extra), end, []byte(p.hide()))
}

func carrierZip(t testing.TB, p *planter) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if err := z.SetComment(p.hide()); err != nil {
		t.Fatal(err)
	}
	w, err := z.CreateHeader(&zip.FileHeader{Name: p.hide() + ".txt", Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(p.hide())); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// attach writes a part for a file.
func attach(name string, content []byte) string {
	var b strings.Builder
	b.WriteString("Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n" +
		"Content-Disposition: attachment; filename=\"" + name + "\"\r\n\r\n")
	s := base64.StdEncoding.EncodeToString(content)
	for ; len(s) > 76; s = s[76:] {
		b.WriteString(s[:76] + "\r\n")
	}
	return b.String() + s + "\r\n"
}
