package bmp_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image/color"
	"io"
	"slices"
	"testing"

	"sekisho/sanitize/image/bmp"
)

// sample describes a bitmap to be made.
type sample struct {
	header  int // bytes of the information header
	w, h    int32
	bits    uint16
	method  uint32
	size    uint32
	extra   []byte // rest of the header behind biYPelsPerMeter
	behind  []byte // masks and palette
	pixels  []byte
	gap     []byte
	trailer []byte
}

func (s sample) dib() []byte {
	h := binary.LittleEndian.AppendUint32(nil, uint32(s.header))
	if s.header == 12 {
		for _, v := range []uint16{uint16(s.w), uint16(s.h), 1, s.bits} {
			h = binary.LittleEndian.AppendUint16(h, v)
		}
	} else {
		h = binary.LittleEndian.AppendUint32(h, uint32(s.w))
		h = binary.LittleEndian.AppendUint32(h, uint32(s.h))
		h = binary.LittleEndian.AppendUint16(h, 1)
		h = binary.LittleEndian.AppendUint16(h, s.bits)
		for _, v := range []uint32{s.method, s.size, 11811, 5906} {
			h = binary.LittleEndian.AppendUint32(h, v)
		}
		h = append(h, s.extra...)
	}
	h = append(h, make([]byte, max(0, s.header-len(h)))...)[:s.header]
	return slices.Concat(h, s.behind, s.gap, s.pixels)
}

func (s sample) file() []byte {
	d := s.dib()
	b := []byte("BM")
	b = binary.LittleEndian.AppendUint32(b, uint32(14+len(d)))
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(14+len(d)-len(s.pixels)))
	return slices.Concat(b, d, s.trailer)
}

// pal is black, red, green, blue.
var (
	pal  = []byte{0, 0, 0, 0, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0}
	pal3 = []byte{0, 0, 0, 0, 0, 255, 0, 255, 0, 255, 0, 0}
)

func colours(n uint32) []byte {
	return binary.LittleEndian.AppendUint32(nil, n)
}

// draw writes the picture as letters: k r g b w, . transparent, ? another.
func draw(t *testing.T, f *bmp.File) string {
	t.Helper()
	m, err := f.Decode(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for y := range f.H {
		if y > 0 {
			out = append(out, '/')
		}
		for x := range f.W {
			c, _ := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
			letter := byte('?')
			switch c {
			case color.NRGBA{A: 255}:
				letter = 'k'
			case color.NRGBA{R: 255, A: 255}:
				letter = 'r'
			case color.NRGBA{G: 255, A: 255}:
				letter = 'g'
			case color.NRGBA{B: 255, A: 255}:
				letter = 'b'
			case color.NRGBA{R: 255, G: 255, B: 255, A: 255}:
				letter = 'w'
			case color.NRGBA{}:
				letter = '.'
			}
			out = append(out, letter)
		}
	}
	return string(out)
}

func TestDecode(t *testing.T) {
	masks565 := slices.Concat(colours(0xF800), colours(0x7E0), colours(0x1F))
	v4 := func(r, g, b, a uint32) []byte {
		return slices.Concat(make([]byte, 8), colours(r), colours(g), colours(b), colours(a))
	}
	for name, c := range map[string]struct {
		s    sample
		want string
	}{
		"1 bit":             {sample{header: 40, w: 9, h: 2, bits: 1, behind: pal[:8], pixels: []byte{0b10000001, 0x80, 0, 0, 0b01000000, 0, 0, 0}}, "krkkkkkkk/rkkkkkkrr"},
		"1 bit OS/2":        {sample{header: 12, w: 3, h: 1, bits: 1, behind: pal3[:6], pixels: []byte{0b01000000, 0, 0, 0}}, "krk"},
		"2 bits":            {sample{header: 40, w: 4, h: 1, bits: 2, behind: pal, pixels: []byte{0b00011011, 0, 0, 0}}, "krgb"},
		"4 bits, 4 colours": {sample{header: 40, w: 3, h: 1, bits: 4, extra: colours(4), behind: pal, pixels: []byte{0x12, 0x30, 0, 0}}, "rgb"},
		"index outside":     {sample{header: 40, w: 3, h: 1, bits: 4, extra: colours(4), behind: pal, pixels: []byte{0x1F, 0x30, 0, 0}}, "rkb"},
		"8 bits OS/2":       {sample{header: 12, w: 4, h: 1, bits: 8, behind: pal3, pixels: []byte{3, 2, 1, 0}}, "bgrk"},
		"8 bits, top down":  {sample{header: 40, w: 1, h: -2, bits: 8, extra: colours(4), behind: pal, pixels: []byte{1, 0, 0, 0, 2, 0, 0, 0}}, "r/g"},
		"8 bits OS/2 2":     {sample{header: 64, w: 1, h: 2, bits: 8, extra: colours(4), behind: pal, pixels: []byte{1, 0, 0, 0, 2, 0, 0, 0}}, "g/r"},
		"OS/2 2 cut off":    {sample{header: 16, w: 1, h: 1, bits: 24, pixels: []byte{0, 0, 255, 0}}, "r"},
		"16 bits":           {sample{header: 40, w: 2, h: 1, bits: 16, pixels: []byte{0x00, 0x7C, 0xFF, 0x7F}}, "rw"},
		"16 bits 565":       {sample{header: 40, w: 2, h: 1, bits: 16, method: 3, behind: masks565, pixels: []byte{0xE0, 0x07, 0x1F, 0x00}}, "gb"},
		"24 bits":           {sample{header: 40, w: 2, h: 1, bits: 24, pixels: []byte{255, 0, 0, 0, 255, 0, 0, 0}}, "bg"},
		"24 bits, unpadded": {sample{header: 40, w: 1, h: 2, bits: 24, pixels: []byte{255, 0, 0, 0, 0, 255, 0}}, "g/b"},
		"32 bits":           {sample{header: 40, w: 2, h: 1, bits: 32, pixels: []byte{0, 0, 255, 0, 255, 0, 0, 7}}, "rb"},
		"32 bits, alpha":    {sample{header: 108, w: 2, h: 1, bits: 32, method: 3, extra: v4(0xFF0000, 0xFF00, 0xFF, 0xFF000000), pixels: []byte{0, 0, 255, 255, 0, 0, 0, 0}}, "r."},
		"32 bits, no alpha": {sample{header: 108, w: 2, h: 1, bits: 32, method: 3, extra: v4(0xFF0000, 0xFF00, 0xFF, 0xFF000000), pixels: []byte{0, 0, 255, 0, 0, 0, 0, 0}}, "rk"},
		"32 bits, 2 alpha":  {sample{header: 40, w: 1, h: 1, bits: 32, method: 6, behind: slices.Concat(colours(0xFF), colours(0xFF00), colours(0xFF0000), colours(0xFF000000)), pixels: []byte{255, 0, 0, 255}}, "r"},
		"zero masks":        {sample{header: 40, w: 1, h: 1, bits: 32, method: 3, behind: make([]byte, 12), pixels: []byte{255, 1, 2, 255}}, "k"},
		"8-bit runs":        {sample{header: 40, w: 4, h: 3, bits: 8, method: 1, extra: colours(4), behind: pal, pixels: []byte{4, 1, 0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0, 2, 1, 0, 2, 2, 0, 1}}, "kggk/rgbk/rrrr"},
		"4-bit runs":        {sample{header: 40, w: 5, h: 2, bits: 4, method: 2, extra: colours(4), behind: pal, pixels: []byte{5, 0x12, 0, 0, 0, 5, 0x12, 0x31, 0x20, 0, 0, 1}}, "rgbrg/rgrgr"},
		"runs too long":     {sample{header: 40, w: 2, h: 1, bits: 8, method: 1, extra: colours(4), behind: pal, pixels: []byte{255, 1, 0, 1}}, "rr"},
		"runs without end":  {sample{header: 40, w: 2, h: 1, bits: 8, method: 1, extra: colours(4), behind: pal, pixels: []byte{2, 1}}, "rr"},
	} {
		f, err := bmp.Parse(c.s.file())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := draw(t, f); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if c.s.header >= 40 && (f.XMetre != 11811 || f.YMetre != 5906) {
			t.Errorf("%s: %d, %d pixels a metre", name, f.XMetre, f.YMetre)
		}
		if len(f.Rest) > 0 || f.Gap || f.Profile != nil {
			t.Errorf("%s: rest %q, gap %v", name, f.Rest, f.Gap)
		}
	}
}

func TestIcon(t *testing.T) {
	for name, c := range map[string]struct {
		s    sample
		want string
	}{
		"mask":          {sample{header: 40, w: 2, h: 4, bits: 24, pixels: []byte{0, 0, 255, 0, 255, 0, 0, 0, 255, 0, 0, 0, 0, 255, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0}}, "br/r."},
		"palette":       {sample{header: 40, w: 2, h: 2, bits: 4, extra: colours(4), behind: pal, pixels: []byte{0x12, 0, 0, 0, 0x80, 0, 0, 0}}, ".g"},
		"alpha":         {sample{header: 40, w: 2, h: 2, bits: 32, pixels: []byte{0, 0, 255, 255, 0, 0, 0, 0, 0xFF, 0, 0, 0}}, "r."},
		"alpha of zero": {sample{header: 40, w: 2, h: 2, bits: 32, pixels: []byte{0, 0, 255, 0, 0, 255, 0, 0, 0x40, 0, 0, 0}}, "r."},
		"no mask":       {sample{header: 40, w: 1, h: 2, bits: 24, pixels: []byte{0, 0, 255, 0}}, "r"},
	} {
		f, err := bmp.ParseIcon(c.s.dib())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := draw(t, f); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestHiddenPlaces(t *testing.T) {
	base := sample{header: 40, w: 1, h: 1, bits: 24, pixels: []byte{0, 0, 255, 0}}
	v5 := sample{header: 124, w: 1, h: 1, bits: 24, pixels: []byte{0, 0, 255, 0}}
	v5.extra = append(make([]byte, 24), "DEBM"...)
	v5.extra = append(v5.extra, make([]byte, 52)...)
	v5.extra = append(v5.extra, colours(128)...)
	v5.extra = append(v5.extra, colours(7)...)
	v5.trailer = []byte("PROFILEmore")
	linked := v5
	linked.extra = bytes.Replace(v5.extra, []byte("DEBM"), []byte("KNIL"), 1)
	gap, rest := base, base
	gap.gap, rest.trailer = []byte("hidden"), []byte("hidden")
	for name, c := range map[string]struct {
		s             sample
		gap           bool
		profile, rest string
	}{
		"plain":   {base, false, "", ""},
		"gap":     {gap, true, "", ""},
		"behind":  {rest, false, "", "hidden"},
		"profile": {v5, false, "PROFILE", "more"},
		"linked":  {linked, true, "", "PROFILEmore"},
	} {
		f, err := bmp.Parse(c.s.file())
		if err != nil || f.Gap != c.gap || string(f.Profile) != c.profile || string(f.Rest) != c.rest {
			t.Errorf("%s: %v %+v", name, err, f)
		}
	}
}

func TestRefused(t *testing.T) {
	base := sample{header: 40, w: 2, h: 2, bits: 24, pixels: make([]byte, 16)}
	change := func(f func(s *sample)) []byte {
		s := base
		f(&s)
		return s.file()
	}
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"empty":             {nil, io.ErrUnexpectedEOF},
		"other":             {make([]byte, 60), bmp.ErrMalformed},
		"header cut":        {base.file()[:30], io.ErrUnexpectedEOF},
		"no width":          {change(func(s *sample) { s.w = 0 }), bmp.ErrMalformed},
		"negative width":    {change(func(s *sample) { s.w = -2 }), bmp.ErrMalformed},
		"smallest height":   {change(func(s *sample) { s.h = -1 << 31 }), io.ErrUnexpectedEOF},
		"5 bits":            {change(func(s *sample) { s.bits = 5 }), bmp.ErrUnsupported},
		"JPEG inside":       {change(func(s *sample) { s.bits, s.method = 0, 4 }), bmp.ErrUnsupported},
		"runs top down":     {change(func(s *sample) { s.bits, s.method, s.h = 8, 1, -2 }), bmp.ErrUnsupported},
		"OS/2 fax":          {change(func(s *sample) { s.header, s.bits, s.method = 64, 1, 3 }), bmp.ErrUnsupported},
		"header of 41":      {change(func(s *sample) { s.header = 41 }), bmp.ErrUnsupported},
		"pixels missing":    {change(func(s *sample) { s.pixels = s.pixels[:10] }), io.ErrUnexpectedEOF},
		"runs cut":          {change(func(s *sample) { s.bits, s.method, s.pixels = 8, 1, []byte{2, 1} }), io.ErrUnexpectedEOF},
		"literal cut":       {change(func(s *sample) { s.bits, s.method, s.pixels = 8, 1, []byte{0, 9, 1} }), io.ErrUnexpectedEOF},
		"jump cut":          {change(func(s *sample) { s.bits, s.method, s.pixels = 8, 1, []byte{0, 2, 1} }), io.ErrUnexpectedEOF},
		"jump out":          {change(func(s *sample) { s.bits, s.method, s.pixels = 8, 1, []byte{0, 2, 0, 200, 0, 1} }), bmp.ErrMalformed},
		"more rows":         {change(func(s *sample) { s.bits, s.method, s.pixels = 8, 1, make([]byte, 100) }), bmp.ErrMalformed},
		"pixels behind all": {change(func(s *sample) { s.pixels = nil })[:54], io.ErrUnexpectedEOF},
	} {
		f, err := bmp.Parse(c.data)
		if err == nil && f.H < 1<<20 {
			_, err = f.Decode(t.Context())
		} else if err == nil {
			err = io.ErrUnexpectedEOF // the caller refuses it by its size
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f, err := bmp.Parse(base.file())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Decode(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []sample{
		{header: 40, w: 4, h: 1, bits: 2, behind: pal, pixels: []byte{0b00011011, 0, 0, 0}},
		{header: 12, w: 4, h: 1, bits: 8, behind: pal3, pixels: []byte{3, 2, 1, 0}},
		{header: 108, w: 2, h: 1, bits: 32, method: 3, extra: make([]byte, 24), pixels: make([]byte, 8)},
		{header: 40, w: 4, h: 3, bits: 8, method: 1, extra: colours(4), behind: pal, pixels: []byte{4, 1, 0, 0, 0, 3, 1, 2, 3, 0, 0, 1}},
		{header: 40, w: 5, h: 2, bits: 4, method: 2, extra: colours(4), behind: pal, pixels: []byte{5, 0x12, 0, 0, 0, 5, 0x12, 0x31, 0x20, 0, 0, 1}},
	} {
		f.Add(s.file(), false)
		f.Add(s.dib(), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, icon bool) {
		parse := bmp.Parse
		if icon {
			parse = bmp.ParseIcon
		}
		file, err := parse(data)
		if err != nil || file.W > 1<<12 || file.H > 1<<12 || file.W*file.H > 1<<16 {
			return
		}
		m, err := file.Decode(t.Context())
		if err == nil && (m.Bounds().Dx() != file.W || m.Bounds().Dy() != file.H) {
			t.Fatal(m.Bounds())
		}
	})
}
