package sanitize

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"sekisho/sanitize/image/tiff/tifftest"
)

// carrierBMP has marks in the reserved bytes, the unused colours, the gap
// before the pixels, the padding of its rows and behind its end.
func carrierBMP(p *planter) []byte {
	const w, h = 66, 65
	unused, gap, padding := p.hide(), p.hide(), p.hide()
	palette := slices.Concat([]byte{0, 0, 0, 0, 200, 90, 9, 0}, []byte(unused + "xxxx")[:16])
	b := []byte("BM\x00\x00\x00\x00" + unused[:4])
	b = binary.LittleEndian.AppendUint32(b, uint32(14+40+len(palette)+len(gap)))
	for _, v := range []uint32{40, w, h, 1 | 8<<16, 0, 0, 3937, 3937, 6, 2} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	b = slices.Concat(b, palette, []byte(gap))
	for y := range h {
		for x := range w {
			b = append(b, byte((x+y)/7%2))
		}
		b = append(b, padding[y%8], padding[y%8+1])
	}
	return append(b, p.hide()...)
}

// carrierIcon holds a PNG with marks, and another picture that is not taken.
func carrierIcon(t testing.TB, p *planter) []byte {
	t.Helper()
	png, small := carrierPNG(t, p), []byte(p.hide())
	b := []byte("\x00\x00\x01\x00\x02\x00\x5A\x46\x00\x00\x01\x00\x20\x00")
	b = binary.LittleEndian.AppendUint32(b, uint32(len(png)))
	b = binary.LittleEndian.AppendUint32(b, 6+2*16)
	b = append(b, "\x10\x10\x00\x00\x01\x00\x20\x00"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(small)))
	b = binary.LittleEndian.AppendUint32(b, uint32(6+2*16+len(png)))
	return slices.Concat(b, png, small, []byte(p.hide()))
}

// carrierWebP has marks in every chunk that is not pixels, in its second
// frame, and behind its end.
func carrierWebP(t testing.TB, p *planter) []byte {
	t.Helper()
	dot, err := base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==") // a pixel
	if err != nil {
		t.Fatal(err)
	}
	chunk := func(name, body string) string {
		return name + string(binary.LittleEndian.AppendUint32(nil, uint32(len(body)))) + body + strings.Repeat("\x00", len(body)%2)
	}
	place := strings.Repeat("\x00", 16)
	body := "WEBP" + chunk("VP8X", "\x2E"+strings.Repeat("\x00", 9)) + chunk("ICCP", p.hide()) + chunk("ANIM", p.hide()[:6]) +
		chunk("ANMF", place+string(dot[12:])+chunk("prVt", p.hide())) + chunk("ANMF", place+chunk("VP8L", p.hide())) +
		chunk("EXIF", carrierEXIF(p)) + chunk("XMP ", p.hide()) + chunk("prVt", p.hide())
	return []byte(chunk("RIFF", body) + p.hide())
}

// carrierTIFF has marks in tags of all sorts, a thumbnail, between its parts
// and behind its end.
func carrierTIFF(p *planter) []byte {
	m := tifftest.Maker{Order: binary.BigEndian}
	pixels := make([]byte, 80*70)
	for i := range pixels {
		pixels[i] = byte(i / 9)
	}
	pixels = append(pixels, p.hide()...) // behind the strip
	f := m.File(
		m.Grey(80, 70, pixels, m.Long(279, 80*70), m.Text(270, p.hide()), m.Text(305, p.hide()), m.Text(306, p.hide()), m.Text(315, p.hide()), m.Text(33432, p.hide()),
			m.Bytes(700, []byte(p.hide())), m.Bytes(33723, []byte(p.hide())), m.Bytes(34377, []byte(p.hide())), m.Bytes(34675, []byte(p.hide())),
			m.Bytes(37724, []byte(p.hide())), m.Bytes(50341, []byte(p.hide())), m.Bytes(65000, []byte(p.hide()))),
		m.Grey(4, 4, []byte(p.hide()), m.Long(254, 1)))
	return append(f, p.hide()...)
}
