package image

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	stdimage "image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/image/tiff/tifftest"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/sanitizetest"
)

func tiffFormat(out format.Format) format.Format {
	return rowFor(format.TIFF, func(format.Kind) format.Format {
		return format.Format{Parse: ParseTIFF, Build: BuildNearest, Lint: out.Lint}
	})
}

// letter is a page of black on white, as a fax has it.
func letter(w, h, seed int) *stdimage.Gray {
	m := stdimage.NewGray(stdimage.Rect(0, 0, w, h))
	for i := range m.Pix {
		x, y := i%w, i/w
		m.Pix[i] = 255
		if (x*7+y*y/3+seed)%61 < 9 && y%24 > 6 || x == 3 || y == h-1 || x*y*seed%997 == 5 {
			m.Pix[i] = 0
		}
	}
	return m
}

// tone is a grey photo.
func tone(w, h int) *stdimage.Gray {
	m := stdimage.NewGray(stdimage.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = uint8((i%w)*3 + (i/w)*2)
	}
	return m
}

// few is a picture of sixteen colours.
func few(w, h int) *stdimage.Paletted {
	p := make(color.Palette, 16)
	for i := range p {
		p[i] = color.NRGBA{R: uint8(i * 16), G: uint8(255 - i*9), B: uint8(i * i), A: 255}
	}
	m := stdimage.NewPaletted(stdimage.Rect(0, 0, w, h), p)
	for i := range m.Pix {
		m.Pix[i] = uint8((i%w/5 + i/w/3) % 16)
	}
	return m
}

// TestTIFFPrograms rebuilds pages that ImageMagick and libtiff wrote in every
// form that is read.
func TestTIFFPrograms(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	sources := map[string]stdimage.Image{"fax": letter(203, 150, 1), "tone": tone(90, 61), "rgb": photo(90, 61, false), "rgba": photo(90, 61, true), "few": few(90, 61)}
	for name, m := range sources {
		if err := os.WriteFile(at(name+".png"), encodePNG(t, m), 0o600); err != nil {
			t.Fatal(err)
		}
		kind, packing := "TrueColor", "None"
		switch m.(type) {
		case *stdimage.Gray:
			kind = "Grayscale"
		}
		if name == "fax" {
			kind, packing = "Bilevel", "Group4"
		}
		program(t, "convert", at(name+".png"), "-type", kind, "-compress", packing, "-density", "200", "-units", "PixelsPerInch", "-define", "tiff:rows-per-strip=17", at(name+".tif"))
	}
	cp := func(source string, options ...string) []string {
		return slices.Concat([]string{"tiffcp"}, options, []string{at(source + ".tif")})
	}
	im := func(source string, options ...string) []string {
		return slices.Concat([]string{"convert", at(source + ".png"), "-density", "200", "-units", "PixelsPerInch"}, options)
	}
	png, jpg := tiffFormat(pngFormat()), tiffFormat(jpegFormat())
	for _, c := range []struct {
		name, source string
		make         []string
		row          format.Format
		off          float64
		findings     string
	}{
		{"plain", "rgb", cp("rgb", "-c", "none"), png, 0, ""},
		{"one strip", "rgb", cp("rgb", "-c", "none", "-r", "1000"), png, 0, ""},
		{"big endian", "rgb", cp("rgb", "-B", "-c", "none"), png, 0, ""},
		{"packbits", "rgb", cp("rgb", "-c", "packbits"), png, 0, ""},
		{"lzw", "rgb", cp("rgb", "-c", "lzw"), png, 0, ""},
		{"lzw predictor", "rgb", cp("rgb", "-c", "lzw:2"), png, 0, ""},
		{"zip predictor", "rgb", cp("rgb", "-c", "zip:2"), png, 0, ""},
		{"planes", "rgb", cp("rgb", "-p", "separate", "-c", "lzw:2"), png, 0, ""},
		{"tiles", "rgb", cp("rgb", "-t", "-w", "32", "-l", "16", "-c", "zip"), png, 0, ""},
		{"tiled planes", "rgb", cp("rgb", "-t", "-w", "32", "-l", "16", "-p", "separate"), png, 0, ""},
		{"jpeg", "rgb", cp("rgb", "-c", "jpeg:95", "-r", "16"), jpg, 9, ""},
		{"jpeg of rgb", "rgb", cp("rgb", "-c", "jpeg:r:95", "-r", "16"), jpg, 9, ""},
		{"jpeg tiles", "rgb", cp("rgb", "-t", "-w", "32", "-l", "32", "-c", "jpeg:95"), jpg, 9, ""},
		{"jpeg in one", "rgb", cp("rgb", "-c", "jpeg:95", "-r", "1000"), jpg, 9, ""},
		{"jpeg grey", "tone", cp("tone", "-c", "jpeg:95", "-r", "16"), jpg, 9, ""},
		{"grey", "tone", cp("tone", "-c", "lzw:2"), png, 0, ""},
		{"white is zero", "tone", []string{"tiffcrop", "-I", "both", at("tone.tif")}, png, 0, ""},
		{"sixteen bits", "tone", im("tone", "-depth", "16", "-compress", "Zip"), png, 0, "depth_reduced"},
		{"sixteen bits, big endian", "rgb", im("rgb", "-depth", "16", "-endian", "MSB", "-compress", "LZW", "-define", "tiff:predictor=2"), png, 0, "depth_reduced"},
		{"transparent", "rgba", im("rgba", "-compress", "LZW"), png, 0, ""},
		{"transparent, multiplied", "rgba", im("rgba", "-define", "tiff:alpha=associated", "-compress", "LZW"), png, 2, ""},
		{"palette", "few", im("few", "-type", "Palette", "-compress", "LZW"), png, 0, ""},
		{"ink", "rgb", im("rgb", "-colorspace", "CMYK", "-compress", "LZW"), png, 9, "color_profile"},
		{"ink in jpeg", "rgb", im("rgb", "-colorspace", "CMYK", "-compress", "JPEG", "-quality", "95"), jpg, 14, "color_profile"},
		{"group 3", "fax", cp("fax", "-c", "g3:1d"), png, 0, ""},
		{"group 3, 2-d", "fax", cp("fax", "-c", "g3:2d"), png, 0, ""},
		{"group 3, filled", "fax", cp("fax", "-c", "g3:2d:fill"), png, 0, ""},
		{"group 4", "fax", cp("fax", "-c", "g4"), png, 0, ""},
		{"group 4, low bit first", "fax", cp("fax", "-c", "g4", "-f", "lsb2msb"), png, 0, ""},
		{"bits, low bit first", "fax", cp("fax", "-c", "none", "-f", "lsb2msb"), png, 0, ""},
		{"runs", "fax", im("fax", "-type", "Bilevel", "-define", "tiff:rows-per-strip=40", "-compress", "RLE"), png, 0, ""},
		{"group 4, black is zero", "fax", im("fax", "-type", "Bilevel", "-compress", "Group4", "-define", "quantum:polarity=min-is-black"), png, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := at(c.name + ".out.tif")
			program(t, append(slices.Clone(c.make), out)...)
			data, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			findings := strings.Join(slices.Sorted(slices.Values(append(strings.Fields(c.findings), codeChanged))), " ")
			shows := "7874,7874 pixels a metre"
			if strings.HasPrefix(c.name, "jpeg") || c.name == "ink in jpeg" {
				shows = "200,200 dpi"
			}
			checkProgram(t, c.row, data, sources[c.source], c.off, findings, shows)
		})
	}
}

// rebuiltPage is what was emitted for a page of many.
type rebuiltPage struct {
	sheet  ir.Sheet
	raster ir.Raster
	pix    []byte
}

// parsePages runs ParseTIFF and gathers the pages, the number of them that was
// said first, and the findings.
func parsePages(t *testing.T, data []byte) ([]rebuiltPage, int64, []string, error) {
	t.Helper()
	return parsePagesOf(t, format.Untrusted{Data: data, Budget: sanitizetest.Budget()})
}

func parsePagesOf(t *testing.T, in format.Untrusted) ([]rebuiltPage, int64, []string, error) {
	t.Helper()
	var buf bytes.Buffer
	err := ParseTIFF(context.Background(), in, ir.NewWriter(&buf))
	var pages []rebuiltPage
	var codes []string
	said := int64(0)
	r := ir.NewReader(&buf, math.MaxInt64)
	for {
		v, readErr := r.Next()
		if readErr != nil {
			return pages, said, codes, err
		}
		switch v := v.(type) {
		case ir.Number:
			said = v.N
		case ir.Note:
			codes = append(codes, v.Code)
		case ir.Sheet:
			pages = append(pages, rebuiltPage{sheet: v})
		case ir.Raster:
			pages[len(pages)-1].raster = v
		case ir.Pixels:
			p := &pages[len(pages)-1]
			p.pix = append(p.pix, v.B...)
		default:
			t.Fatalf("unexpected %T", v)
		}
	}
}

// picture makes a picture of a raster.
func (p rebuiltPage) picture(t *testing.T) *stdimage.NRGBA {
	t.Helper()
	w, h := int(p.raster.W), int(p.raster.H)
	if want := int(p.raster.Stride()) * h; len(p.pix) != want {
		t.Fatalf("%d bytes of pixels, want %d", len(p.pix), want)
	}
	m := stdimage.NewNRGBA(stdimage.Rect(0, 0, w, h))
	for y := range h {
		row := p.pix[y*int(p.raster.Stride()):]
		for x := range w {
			var c color.NRGBA
			switch p.raster.Samples {
			case ir.Gray1:
				c = gray(row[x/8] >> (7 - x%8) & 1 * 255)
			case ir.Gray4:
				c = gray(row[x/2] >> (4 * (1 - x%2)) & 15 * 17)
			case ir.Gray8:
				c = gray(row[x])
			default:
				c = color.NRGBA{R: row[3*x], G: row[3*x+1], B: row[3*x+2], A: 255}
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

// TestPages: each page of a file in a form of its own, in order, of its size.
func TestPages(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	sixteen := tone(90, 61)
	for i, v := range sixteen.Pix {
		sixteen.Pix[i] = v / 17 * 17
	}
	sources := []struct {
		name    string
		picture stdimage.Image
		density string
		codec   []string
		samples ir.Samples
		w, h    int64
	}{
		{"a", letter(864, 573, 2), "204x98", []string{"-c", "g3:2d"}, ir.Gray1, 304941, 420980},
		{"b", photo(90, 61, false), "150", []string{"-c", "lzw"}, ir.RGB8, 43200, 29280},
		{"c", tone(90, 61), "300", []string{"-c", "zip"}, ir.Gray8, 21600, 14640},
		{"d", sixteen, "300", []string{"-c", "none"}, ir.Gray4, 21600, 14640},
		{"e", letter(827, 150, 5), "200", []string{"-c", "g4"}, ir.Gray1, 297720, 54000},
	}
	all := []string{"tiffcp"}
	for _, s := range sources {
		if err := os.WriteFile(at(s.name+".png"), encodePNG(t, s.picture), 0o600); err != nil {
			t.Fatal(err)
		}
		kind, packing := "TrueColor", "None"
		if s.samples != ir.RGB8 {
			kind = "Grayscale"
		}
		if s.samples == ir.Gray1 {
			kind, packing = "Bilevel", "Group4"
		}
		program(t, "convert", at(s.name+".png"), "-type", kind, "-compress", packing, "-density", s.density, "-units", "PixelsPerInch", at(s.name+".0.tif"))
		program(t, slices.Concat([]string{"tiffcp"}, s.codec, []string{at(s.name + ".0.tif"), at(s.name + ".tif")})...)
		all = append(all, at(s.name+".tif"))
	}
	program(t, append(all, at("all.tif"))...)
	data, err := os.ReadFile(at("all.tif"))
	if err != nil {
		t.Fatal(err)
	}
	pages, said, codes, err := parsePages(t, data)
	if err != nil || said != int64(len(sources)) || len(pages) != len(sources) || fmt.Sprint(codes) != "[format_changed]" {
		t.Fatalf("%v, %d said, %d pages, %v", err, said, len(pages), codes)
	}
	for i, s := range sources {
		p := pages[i]
		if p.sheet.Page != int64(i) || p.sheet.W != s.w || p.sheet.H != s.h || p.raster.Samples != s.samples {
			t.Errorf("page %s: %+v %+v", s.name, p.sheet, p.raster)
		}
		if d := distance(p.picture(t), s.picture); d != 0 {
			t.Errorf("page %s differs by %.2f", s.name, d)
		}
	}
	// A fax by itself comes out with rows repeated.
	one, err := os.ReadFile(at("a.tif"))
	if err != nil {
		t.Fatal(err)
	}
	pic, pix := parsePixelsWith(t, ParseTIFF, one)
	if pic.W != 864 || pic.H != 2*573 || pic.XRes != 204000 || pic.YRes != 196000 || !bytes.Equal(pix[:4*864], pix[4*864:8*864]) {
		t.Errorf("a fax of one page: %+v", pic)
	}
}

// TestDamagedPages: what was lost of the pages is said once, behind them, and
// the pages come out.
func TestDamagedPages(t *testing.T) {
	m := tifftest.Maker{Order: binary.LittleEndian}
	fax := func(bad ...int) tifftest.Page {
		return m.Grey(16, 20, badFax(20, bad...), m.Short(258, 1), m.Short(259, 3), m.Short(262, 0))
	}
	short := m.Grey(8, 4, []byte{0b11000000, 0b00000100, 0b00000000, 0b01000000}, m.Short(258, 1), m.Short(259, 4), m.Short(262, 0))
	in := format.Untrusted{Data: m.File(fax(3), fax(), fax(7), short), Budget: sanitizetest.Budget()}
	o, err := sanitizetest.Sanitize(t.Context(), eitherLint(tiffFormat(pngFormat())), in, format.Construction{}, nil)
	if err != nil || len(o.Faults) > 0 || !bytes.HasPrefix(o.Data, []byte("%PDF-")) || len(o.Built.Sheets) != 4 {
		t.Fatalf("%v %v %.20q", err, o.Faults, o.Data)
	}
	if got := fmt.Sprint(o.Codes()); got != "[format_changed fax_lines_lost picture_truncated]" {
		t.Error(got)
	}
	in.Data = m.File(fax(), fax(1, 2, 3))
	if _, err := sanitizetest.Sanitize(t.Context(), eitherLint(tiffFormat(pngFormat())), in, format.Construction{}, nil); sanitizetest.ReasonOf(err) != format.Malformed {
		t.Error(err)
	}
}

// TestPageOfTIFF: a preview gets the page that it asks for, and no other is read.
func TestPageOfTIFF(t *testing.T) {
	m := tifftest.Maker{Order: binary.BigEndian}
	broken := m.Grey(4, 4, []byte("x"), m.Long(279, 16)) // its pixels are missing
	data := m.File(m.Grey(2, 2, []byte{1, 2, 3, 4}), m.Grey(3, 1, []byte{255, 0, 255}), broken)
	for page, want := range map[int64]format.Reason{1: "", 2: "", 3: format.Truncated, 4: format.LimitPages} {
		in := format.Untrusted{Data: data, Budget: sanitizetest.Budget(), Render: format.Render{Page: page}}
		in.Budget.Pages = 1
		pages, said, _, err := parsePagesOf(t, in)
		if sanitizetest.ReasonOf(err) != want {
			t.Errorf("page %d: %v", page, err)
		}
		if want == "" && (said != 3 || len(pages) != 1 || pages[0].sheet.Page != page-1 || len(pages[0].pix) == 0) {
			t.Errorf("page %d: %d said, %+v", page, said, pages)
		}
	}
	in := format.Untrusted{Data: m.File(m.Grey(1, 1, []byte{1}), m.Grey(1, 1, []byte{1})), Budget: sanitizetest.Budget()}
	in.Budget.Pages = 1
	if _, _, _, err := parsePagesOf(t, in); sanitizetest.ReasonOf(err) != format.LimitPages {
		t.Error(err)
	}
}
