package image

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	stdimage "image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/image/tiff"
	"sekisho/sanitize/image/tiff/tifftest"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/sanitizetest"
)

// pagesFormat is a TIFF that stays one.
func pagesFormat() format.Format {
	f := tiffFormat(pngFormat())
	f.Parse = func(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
		in.Render.Method = format.MethodReconstruct
		return ParseTIFF(ctx, in, out)
	}
	f.Build, f.Lint = BuildTIFF, LintTIFF
	return f
}

// showPages names the pages of a TIFF, with the first pixel of each.
func showPages(out []byte) (string, error) {
	f, err := tiff.Open(out)
	if err != nil {
		return "", err
	}
	s := fmt.Sprintf("%d pages", len(f.Pages))
	for _, p := range f.Pages {
		got, err := p.Decode(context.Background())
		if err != nil {
			return "", err
		}
		c := toNRGBA(got.Image.At(0, 0))
		s += fmt.Sprintf("; %dx%d at %d/%d,%d/%d %02x%02x%02x", p.W, p.H, p.XRes[0], p.XRes[1], p.YRes[0], p.YRes[1], c.R, c.G, c.B)
	}
	return s, nil
}

func tiffRules() []string {
	return []string{lintTIFFHeader, lintTIFFTags, lintTIFFValue, lintTIFFChain, lintTIFFData}
}

// badTIFF are changes of a file of ours of two pages.
func badTIFF(good []byte) []sanitizetest.BadOutput {
	poke := func(at int, v ...byte) []byte {
		q := bytes.Clone(good)
		copy(q[at:], v)
		return q
	}
	const dir = 8
	tag := func(n int) int { return dir + 2 + 12*n }
	second := int(binary.LittleEndian.Uint32(good[dir+tiffDir-4:]))
	size := int(binary.LittleEndian.Uint32(good[tag(8)+8:]))
	data := dir + tiffDir + tiffBehind
	return []sanitizetest.BadOutput{
		{Name: "big endian", Data: append([]byte("MM\x00*\x00\x00\x00\x08"), good[8:]...), Code: lintTIFFHeader},
		{Name: "first directory elsewhere", Data: poke(4, 9), Code: lintTIFFHeader},
		{Name: "a tag more", Data: poke(dir, tiffTags+1), Code: lintTIFFTags},
		{Name: "another tag", Data: poke(tag(12), 0x3C, 0xEA), Code: lintTIFFTags},
		{Name: "another kind", Data: poke(tag(0)+2, 3), Code: lintTIFFTags},
		{Name: "two widths", Data: poke(tag(0)+4, 2), Code: lintTIFFTags},
		{Name: "cut", Data: good[:40], Code: lintTIFFTags},
		{Name: "no width", Data: poke(tag(0)+8, 0, 0, 0, 0), Code: lintTIFFValue},
		{Name: "other compression", Data: poke(tag(3)+8, 1), Code: lintTIFFValue},
		{Name: "white is zero", Data: poke(tag(4)+8, 0), Code: lintTIFFValue},
		{Name: "pixels elsewhere", Data: poke(tag(5)+8, 8), Code: lintTIFFValue},
		{Name: "strips", Data: poke(tag(7)+8, 1), Code: lintTIFFValue},
		{Name: "resolution elsewhere", Data: poke(tag(9)+8, 8), Code: lintTIFFValue},
		{Name: "centimetres", Data: poke(tag(11)+8, 3), Code: lintTIFFValue},
		{Name: "no predictor", Data: poke(tag(12)+8, 1), Code: lintTIFFValue},
		{Name: "hidden bits", Data: poke(dir+tiffDir, 7), Code: lintTIFFValue},
		{Name: "no resolution", Data: poke(dir+tiffDir+8, 0, 0, 0, 0), Code: lintTIFFValue},
		{Name: "another fraction", Data: poke(dir+tiffDir+12, 1), Code: lintTIFFValue},
		{Name: "bits of three in one", Data: poke(second+2+12*2+8, 8), Code: lintTIFFValue},
		{Name: "circle", Data: poke(dir+tiffDir-4, 8, 0, 0, 0), Code: lintTIFFChain},
		{Name: "ends early", Data: poke(dir+tiffDir-4, 0, 0, 0, 0), Code: lintTIFFChain},
		{Name: "one page only", Data: good[:second], Code: lintTIFFChain},
		{Name: "more behind", Data: append(bytes.Clone(good), 'x', 'y'), Code: lintTIFFChain},
		{Name: "data cut", Data: good[:len(good)-6], Code: lintTIFFData},
		{Name: "no zlib", Data: poke(data, 0), Code: lintTIFFData},
		{Name: "checksum", Data: poke(data+size-1, good[data+size-1]^1), Code: lintTIFFData},
		{Name: "fewer rows", Data: poke(tag(1)+8, 200), Code: lintTIFFValue},
		{Name: "wider", Data: poke(tag(0)+8, 200), Code: lintTIFFData},
	}
}

// spec: g1 g9
func TestTIFFStaysConformance(t *testing.T) {
	m := tifftest.Maker{Order: binary.BigEndian}
	grey := func(w, h int, more ...tifftest.Tag) tifftest.Page {
		pixels := make([]byte, w*h)
		for i := range pixels {
			pixels[i] = byte(i * 3)
		}
		return m.Grey(w, h, pixels, more...)
	}
	colour := m.Grey(5, 3, []byte(strings.Repeat("\x10\x80\xF0\x22\x33\x44\x55\x66\x77\x01\x02\x03\x09\x08\x07", 3)), m.Short(258, 8, 8, 8), m.Short(262, 2), m.Short(277, 3))
	fax := m.Grey(16, 20, badFax(20), m.Short(258, 1), m.Short(259, 3), m.Short(262, 0), m.Ratio(282, 204, 1), m.Ratio(283, 98, 1))
	two := m.File(grey(13, 7, m.Ratio(282, 300, 1), m.Ratio(283, 300, 1)), colour)
	o, err := sanitizetest.Sanitize(t.Context(), pagesFormat(), format.Untrusted{Data: two, Budget: sanitizetest.Budget()}, format.Construction{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	sanitizetest.Run(t, pagesFormat(), sanitizetest.Suite{Show: showPages, CutIsFault: true, Golden: "testdata/golden",
		Good: []sanitizetest.Sample{
			{Name: "pages", Data: two, Shows: []string{"2 pages; 13x7 at 300000/1000,300000/1000 000000; 5x3 at 200000/1000,200000/1000 1080f0"}},
			{Name: "fax page", Data: m.File(fax), Shows: []string{"1 pages; 16x20 at 204002/1000,97999/1000 ffffff"}},
			{Name: "pages with carriers", Data: append(m.File(grey(4, 4, m.Text(270, mark), m.Bytes(700, []byte(mark))), grey(4, 4, m.Bytes(60000, []byte(mark)))), mark...), Findings: []string{codeMetadata}, Marks: []string{mark}, Shows: []string{"2 pages"}},
			{Name: "pages on their side", Data: m.File(grey(9, 4, m.Short(274, 6)), grey(9, 4)), Findings: []string{codeOrientation}, Shows: []string{"4x9", "9x4"}},
		},
		Refused: []sanitizetest.Refusal{
			{Name: "over the budget", Data: two, Budget: tiny(90), Reason: format.LimitPixels},
			{Name: "cut", Data: two[:len(two)-8], Reason: format.Truncated},
			{Name: "late", Data: two, Budget: late(), Reason: format.LimitTime},
		},
		Bad: badTIFF(o.Data), Rules: tiffRules(),
	})
}

// TestTIFFBuilderRefuses: values that no honest box sends.
func TestTIFFBuilderRefuses(t *testing.T) {
	n := ir.Number{Name: ir.NumberPages, N: 1}
	sheet, raster := ir.Sheet{W: 1000, H: 1000}, ir.Raster{Samples: ir.Gray8, W: 2, H: 1}
	px := ir.Pixels{B: []byte{1, 2}}
	for name, values := range map[string][]ir.Value{
		"nothing":            {},
		"no number":          {sheet, raster, px},
		"no raster":          {n, sheet},
		"raster first":       {n, raster},
		"two rasters":        {n, sheet, raster, raster},
		"pixels first":       {n, sheet, px},
		"too few":            {n, sheet, raster, ir.Pixels{B: []byte{1}}},
		"too many":           {n, sheet, raster, px, px},
		"more pages":         {n, sheet, raster, px, ir.Sheet{Page: 1, W: 1000, H: 1000}, raster, px},
		"fewer pages":        {ir.Number{Name: ir.NumberPages, N: 2}, sheet, raster, px},
		"another page first": {n, ir.Sheet{Page: 1, W: 1000, H: 1000}, raster, px},
		"text":               {n, sheet, raster, px, ir.Run{S: "x"}},
		"huge":               {n, sheet, ir.Raster{Samples: ir.Gray1, W: ir.MaxSide, H: ir.MaxSide}},
	} {
		if _, err := BuildTIFF(frames(values...), format.Construction{}, io.Discard); err == nil {
			t.Errorf("%s: built", name)
		}
	}
	c := format.Construction{Profile: format.Profile{MaxBytes: 100}}
	if _, err := BuildTIFF(frames(n, sheet, raster, px), c, io.Discard); sanitizetest.ReasonOf(err) != format.TooLargeAfter {
		t.Error(err)
	}
}

// TestTIFFReaders: libtiff and ImageMagick read every page as it was.
func TestTIFFReaders(t *testing.T) {
	dir := t.TempDir()
	all := []string{"convert"}
	sources := []stdimage.Image{letter(83, 40, 3), tone(50, 30), photo(60, 40, false)}
	for i, m := range sources {
		at := filepath.Join(dir, fmt.Sprint(i, ".png"))
		if err := os.WriteFile(at, encodePNG(t, m), 0o600); err != nil {
			t.Fatal(err)
		}
		all = append(all, at)
	}
	in := filepath.Join(dir, "in.tif")
	program(t, append(all, "-compress", "LZW", "-density", "204x98", "-units", "PixelsPerInch", in)...)
	data, err := os.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	o, err := sanitizetest.Sanitize(t.Context(), pagesFormat(), format.Untrusted{Data: data, Budget: sanitizetest.Budget()}, format.Construction{}, nil)
	if err != nil || len(o.Faults) > 0 {
		t.Fatal(err, o.Faults)
	}
	out := filepath.Join(dir, "out.tif")
	if err := os.WriteFile(out, o.Data, 0o600); err != nil {
		t.Fatal(err)
	}
	program(t, "tiffcp", "-c", "none", out, filepath.Join(dir, "plain.tif")) // libtiff reads it without a word
	program(t, "convert", out, filepath.Join(dir, "page-%d.png"))
	for i, want := range sources {
		f, err := os.Open(filepath.Join(dir, fmt.Sprintf("page-%d.png", i)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := png.Decode(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if d := distance(got, want); d != 0 {
			t.Errorf("page %d differs by %.2f", i, d)
		}
	}
}

func FuzzLintTIFF(f *testing.F) {
	m := tifftest.Maker{Order: binary.LittleEndian}
	o, err := sanitizetest.Sanitize(context.Background(), pagesFormat(), format.Untrusted{Data: m.File(m.Grey(3, 2, []byte("abcdef")), m.Grey(3, 2, []byte("abcdef"))), Budget: sanitizetest.Budget()}, format.Construction{}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(o.Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		faults, err := sanitizetest.Lint(pagesFormat(), data, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(faults) > 0 {
			return
		}
		// What the lint accepts is a TIFF that is read, and stays as it is.
		if _, err := showPages(data); err != nil {
			t.Fatalf("lint accepts what does not decode: %v", err)
		}
	})
}
