package tiff_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"io"
	"slices"
	"strings"
	"testing"

	"sekisho/sanitize/image/tiff"
	"sekisho/sanitize/image/tiff/tifftest"
)

var (
	little = tifftest.Maker{Order: binary.LittleEndian}
	big    = tifftest.Maker{Order: binary.BigEndian}
)

// shades shows pixels as two hexadecimal digits for grey, more for colours.
func shades(m image.Image) string {
	var rows []string
	b := m.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		row := ""
		for x := b.Min.X; x < b.Max.X; x++ {
			c, _ := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
			const hex = "0123456789abcdef"
			d := func(v uint8) string { return string([]byte{hex[v>>4], hex[v&15]}) }
			switch {
			case c.A != 255:
				row += d(c.R) + d(c.G) + d(c.B) + d(c.A) + " "
			case c.R == c.G && c.G == c.B:
				row += d(c.R) + " "
			default:
				row += d(c.R) + d(c.G) + d(c.B) + " "
			}
		}
		rows = append(rows, strings.TrimSpace(row))
	}
	return strings.Join(rows, "/")
}

func TestDecode(t *testing.T) {
	l := little
	for name, c := range map[string]struct {
		page tifftest.Page
		want string
	}{
		"grey":             {l.Grey(2, 2, []byte{1, 2, 3, 4}), "01 02/03 04"},
		"white is zero":    {l.Grey(2, 1, []byte{0, 0xF0}, l.Short(262, 0)), "ff 0f"},
		"two bits":         {l.Grey(4, 1, []byte{0b00011011}, l.Short(258, 2)), "00 55 aa ff"},
		"four bits":        {l.Grey(3, 1, []byte{0x1F, 0x80}, l.Short(258, 4)), "11 ff 88"},
		"one bit":          {l.Grey(3, 1, []byte{0b01000000}, l.Short(258, 1)), "00 ff 00"},
		"fax, not said":    {tifftest.Page{Tags: []tifftest.Tag{l.Short(256, 8), l.Short(257, 1), l.Short(259, 4), l.Long(273, 0), l.Long(279, 3)}, Data: []byte{0x80, 0x08, 0x00}}, "ff ff ff ff ff ff ff ff"},
		"colour, not said": {tifftest.Page{Tags: []tifftest.Tag{l.Short(256, 1), l.Short(257, 1), l.Short(258, 8, 8, 8), l.Long(273, 0), l.Short(277, 3), l.Long(279, 3)}, Data: []byte{1, 2, 3}}, "010203"},
		"no depth":         {tifftest.Page{Tags: []tifftest.Tag{l.Short(256, 3), l.Short(257, 1), l.Short(262, 1), l.Long(273, 0), l.Long(279, 1)}, Data: []byte{0b01000000}}, "00 ff 00"},
		"sixteen bits":     {l.Grey(2, 1, []byte{0x34, 0x12, 0xFF, 0xEE}, l.Short(258, 16)), "12 ee"},
		"sixteen, sum":     {l.Grey(2, 1, []byte{0xFF, 0x12, 1, 1}, l.Short(258, 16), l.Short(317, 2)), "12 14"},
		"grey and alpha":   {l.Grey(2, 1, []byte{9, 128, 7, 255}, l.Short(258, 8, 8), l.Short(277, 2), l.Short(338, 2)), "09090980 07"},
		"multiplied":       {l.Grey(1, 1, []byte{50, 60, 100, 128}, l.Short(258, 8, 8, 8, 8), l.Short(262, 2), l.Short(277, 4), l.Short(338, 1)), "6478c780"},
		"alpha of 0":       {l.Grey(1, 1, []byte{50, 60, 100, 0}, l.Short(258, 8, 8, 8, 8), l.Short(262, 2), l.Short(277, 4), l.Short(338, 1)), "323c6400"},
		"unknown extra":    {l.Grey(1, 1, []byte{50, 60, 100, 0}, l.Short(258, 8, 8, 8, 8), l.Short(262, 2), l.Short(277, 4), l.Short(338, 0)), "323c64"},
		"palette":          {l.Grey(2, 1, []byte{0x40}, l.Short(258, 1), l.Short(262, 3), l.Short(320, 0x1100, 0xFF00, 0x2200, 0, 0x3300, 0)), "112233 ff0000"},
		"old palette":      {l.Grey(2, 1, []byte{0x80}, l.Short(258, 1), l.Short(262, 3), l.Short(320, 0x11, 0xFF, 0x22, 0, 0x33, 0)), "ff0000 112233"},
		"inks":             {l.Grey(1, 1, []byte{255, 0, 0, 0}, l.Short(258, 8, 8, 8, 8), l.Short(262, 5), l.Short(277, 4)), "00ffff"},
		"packbits":         {l.Grey(5, 1, []byte{0xFD, 7, 0x80, 0, 9}, l.Short(259, 32773)), "07 07 07 07 09"},
		"low bit first":    {l.Grey(3, 1, []byte{0b00000010}, l.Short(258, 1), l.Short(266, 2)), "00 ff 00"},
		"rows of a strip":  {l.Grey(1, 2, []byte{5, 6}, l.Long(278, 0xFFFFFFFF)), "05/06"},
		"no counts":        {tifftest.Page{Tags: []tifftest.Tag{l.Short(256, 1), l.Short(257, 1), l.Short(258, 8), l.Short(262, 1), l.Long(273, 0)}, Data: []byte{5}}, "05"},
	} {
		f, err := tiff.Open(l.File(c.page))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := f.Pages[0].Decode(t.Context())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if s := shades(got.Image); s != c.want {
			t.Errorf("%s: %s, want %s", name, s, c.want)
		}
	}
}

func TestTags(t *testing.T) {
	for _, m := range []tifftest.Maker{little, big} {
		page := m.Grey(1, 1, []byte{9}, m.Ratio(282, 204, 1), m.Ratio(283, 196, 2), m.Short(296, 3), m.Short(274, 6), m.Bytes(34675, []byte("profile")),
			m.Text(270, "described"), m.Text(305, "program"), m.Long(34665, 8), m.Bytes(700, []byte("<xmp>")), m.Long(33723, 1), m.Bytes(60000, []byte("private")))
		f, err := tiff.Open(m.File(page, m.Grey(2, 1, []byte{1, 2}, m.Long(254, 1)), m.Grey(3, 1, []byte{1, 2, 3}, m.Long(254, 2))))
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Pages) != 2 || f.Pages[1].W != 3 {
			t.Fatalf("%d pages; a thumbnail is none", len(f.Pages))
		}
		p := f.Pages[0]
		if p.XRes != [2]int64{204, 1} || p.YRes != [2]int64{196, 2} || p.Unit != 3 || p.Orientation != 6 || string(p.Profile) != "profile" || p.JPEG || p.Deep {
			t.Errorf("%+v", p)
		}
		if got := strings.Join(f.Extras, " "); got != "exif xmp iptc text other" {
			t.Errorf("extras %q", got)
		}
	}
}

func TestRefused(t *testing.T) {
	l := little
	loop := l.File(l.Grey(1, 1, []byte{9}), l.Grey(1, 1, []byte{9}))
	second := binary.LittleEndian.Uint32(loop[8+2+12*7:])
	binary.LittleEndian.PutUint32(loop[second+2+12*7:], 8)
	grey := func(more ...tifftest.Tag) []byte { return l.File(l.Grey(2, 2, []byte{1, 2, 3, 4}, more...)) }
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"empty":                {nil, io.ErrUnexpectedEOF},
		"other":                {[]byte("GIF89a\x00\x00"), tiff.ErrMalformed},
		"BigTIFF":              {[]byte("II+\x00\x08\x00\x00\x00"), tiff.ErrUnsupported},
		"no directory":         {[]byte("II*\x00\x00\x00\x00\x00"), tiff.ErrUnsupported},
		"directory behind all": {[]byte("II*\x00\x00\xFF\x00\x00"), io.ErrUnexpectedEOF},
		"circle":               {loop, tiff.ErrMalformed},
		"many tags":            {append([]byte("II*\x00\x08\x00\x00\x00\xFF\xFF"), make([]byte, 100)...), tiff.ErrLimit},
		"only thumbnails":      {grey(l.Long(254, 1)), tiff.ErrUnsupported},
		"raw of a camera":      {grey(l.Bytes(50706, []byte{1, 4, 0, 0})), tiff.ErrUnsupported},
		"no width":             {grey(l.Long(256, 0)), tiff.ErrMalformed},
		"wide":                 {grey(l.Long(256, 1<<31)), tiff.ErrMalformed},
		"old JPEG":             {grey(l.Short(259, 6)), tiff.ErrUnsupported},
		"unknown compression":  {grey(l.Short(259, 50000)), tiff.ErrUnsupported},
		"three bits":           {grey(l.Short(258, 3)), tiff.ErrUnsupported},
		"mixed bits":           {grey(l.Short(258, 8, 16), l.Short(277, 2)), tiff.ErrUnsupported},
		"float":                {grey(l.Short(258, 16), l.Short(339, 3)), tiff.ErrUnsupported},
		"predictor":            {grey(l.Short(317, 3)), tiff.ErrUnsupported},
		"no palette":           {grey(l.Short(262, 3)), tiff.ErrUnsupported},
		"Lab":                  {grey(l.Short(262, 8)), tiff.ErrUnsupported},
		"other inks":           {grey(l.Short(262, 5), l.Short(277, 4), l.Short(332, 2)), tiff.ErrUnsupported},
		"no rows":              {grey(l.Long(278, 0)), tiff.ErrMalformed},
		"strips missing":       {grey(l.Long(278, 1)), tiff.ErrMalformed},
		"width of a text":      {grey(l.Text(256, "2")), tiff.ErrMalformed},
		"kind unknown":         {grey(tifftest.Tag{ID: 273, Kind: 99, Count: 1, Value: []byte{8, 0, 0, 0}}), tiff.ErrMalformed},
		"a million strips":     {grey(tifftest.Tag{ID: 273, Kind: 4, Count: 1 << 21, Value: []byte{8, 0, 0, 0}}), tiff.ErrLimit},
		"strips behind all":    {grey(tifftest.Tag{ID: 273, Kind: 4, Count: 9000, Value: []byte{8, 0, 0, 0}}), io.ErrUnexpectedEOF},
		"small tiles":          {grey(l.Long(322, 3), l.Long(323, 3), l.Long(324, 0), l.Long(325, 4)), tiff.ErrMalformed},
		"strip behind all":     {grey(l.Long(273, 1<<30)), io.ErrUnexpectedEOF},
		"strip short":          {grey(l.Long(279, 3)), io.ErrUnexpectedEOF},
		"packbits short":       {grey(l.Short(259, 32773)), io.ErrUnexpectedEOF},
		"no deflate":           {grey(l.Short(259, 8)), tiff.ErrMalformed},
		"no lzw":               {l.File(l.Grey(2, 2, []byte{0xFF, 0xFE, 3, 4}, l.Short(259, 5))), tiff.ErrMalformed},
		"old lzw":              {l.File(l.Grey(2, 2, []byte{0, 1, 3, 4}, l.Short(259, 5))), tiff.ErrUnsupported},
		"no jpeg":              {grey(l.Short(259, 7)), tiff.ErrMalformed},
		"fax of eight bits":    {grey(l.Short(259, 4)), tiff.ErrUnsupported},
		"no fax":               {grey(l.Short(259, 4), l.Short(258, 1)), tiff.ErrMalformed},
		"fax extension":        {l.File(l.Grey(2, 2, []byte{3, 0xC0, 0, 0, 0}, l.Short(259, 4), l.Short(258, 1))), tiff.ErrUnsupported},
	} {
		f, err := tiff.Open(c.data)
		if err == nil {
			_, err = f.Pages[0].Decode(t.Context())
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f, err := tiff.Open(grey())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Pages[0].Decode(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A chain of more directories than any honest file has is refused, whatever
// memory it would take.
func TestManyDirectories(t *testing.T) {
	const size = 2 + 12*7 + 4
	b := []byte("II*\x00\x08\x00\x00\x00")
	one := little.File(little.Grey(1, 1, []byte{9}))[8 : 8+size]
	for i := range 10_001 {
		d := slices.Clone(one)
		binary.LittleEndian.PutUint32(d[size-4:], uint32(8+size*(i+1)))
		b = append(b, d...)
	}
	if _, err := tiff.Open(append(b, 0, 0)); !errors.Is(err, tiff.ErrLimit) {
		t.Fatal(err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range []tifftest.Maker{little, big} {
		for _, p := range []tifftest.Page{
			m.Grey(2, 2, []byte{1, 2, 3, 4}), m.Grey(2, 1, []byte{0x34, 0x12, 0xFF, 0xEE}, m.Short(258, 16), m.Short(317, 2)),
			m.Grey(1, 1, []byte{50, 60, 100, 128}, m.Short(258, 8, 8, 8, 8), m.Short(262, 2), m.Short(277, 4), m.Short(338, 1)),
			m.Grey(2, 1, []byte{0x40}, m.Short(258, 1), m.Short(262, 3), m.Short(320, 0x1100, 0xFF00, 0x2200, 0, 0x3300, 0)),
			m.Grey(5, 1, []byte{0xFD, 7, 0x80, 0, 9}, m.Short(259, 32773)), m.Grey(8, 2, []byte{0xC0, 0x10, 0x01}, m.Short(258, 1), m.Short(259, 4)),
			m.Grey(20, 20, bytes.Repeat([]byte{7}, 1024), m.Short(322, 32), m.Short(323, 32), m.Long(324, 0), m.Long(325, 1024)),
			m.Grey(8, 2, []byte{0xFF, 0xD8, 0xFF, 0xD9}, m.Short(259, 7), m.Bytes(347, []byte{0xFF, 0xD8, 0xFF, 0xD9})),
		} {
			f.Add(m.File(p, p))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := tiff.Open(data)
		if err != nil {
			return
		}
		for _, p := range file.Pages[:min(len(file.Pages), 3)] {
			if p.W > 1<<10 || p.H > 1<<10 {
				continue
			}
			got, err := p.Decode(t.Context())
			if err == nil && (got.Image.Bounds().Dx() != p.W || got.Image.Bounds().Dy() != p.H) {
				t.Fatalf("%v for %d x %d", got.Image.Bounds(), p.W, p.H)
			}
		}
	})
}
