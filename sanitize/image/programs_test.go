package image

import (
	"bytes"
	"fmt"
	stdimage "image"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/magic"
	"sekisho/sanitize/sanitizetest"
)

// rowFor is the row of a kind that magic recognizes.
func rowFor(kind format.Kind, parse func(format.Kind) format.Format) format.Format {
	f := parse(kind)
	for _, m := range magic.Rows() {
		if m.Kind == kind {
			f.Kind, f.Names, f.Match = kind, m.Names, m.Match
		}
	}
	return f
}

func bmpFormat() format.Format {
	return rowFor(format.BMP, func(format.Kind) format.Format {
		return format.Format{Parse: ParseBMP, Build: BuildPNG, Lint: LintPNG}
	})
}

func icoFormat() format.Format {
	return rowFor(format.ICO, func(format.Kind) format.Format {
		return format.Format{Parse: ParseICO, Build: BuildPNG, Lint: LintPNG}
	})
}

// webpFormat is for pictures of which a kind is known to come out.
func webpFormat(out format.Format) format.Format {
	return rowFor(format.WebP, func(format.Kind) format.Format {
		return format.Format{Parse: ParseWebP, Build: BuildNearest, Lint: out.Lint}
	})
}

// program runs a program that makes samples; `make tools` installs them.
func program(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// photo is a picture with soft colours, sharp letters and a clear edge.
func photo(w, h int, alpha bool) *stdimage.NRGBA {
	m := gradient(w, h)
	for y := range h {
		for x := range w {
			c := m.NRGBAAt(x, y)
			c.B = uint8(128 + 60*((x/16+y/16)%2))
			if x > w/2 && y%9 < 3 {
				c = color.NRGBA{A: 255}
			}
			if alpha && y > h/2 {
				c.A = uint8(255 * x / w)
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

// distance is the mean difference of two pictures in a channel; -1 when they
// differ in size.
func distance(a, b stdimage.Image) float64 {
	if a.Bounds().Size() != b.Bounds().Size() {
		return -1
	}
	sum, n := 0, 0
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			p := toNRGBA(a.At(a.Bounds().Min.X+x, a.Bounds().Min.Y+y))
			q := toNRGBA(b.At(b.Bounds().Min.X+x, b.Bounds().Min.Y+y))
			if p.A == 0 && q.A == 0 {
				n += 4
				continue
			}
			for _, d := range []int{int(p.R) - int(q.R), int(p.G) - int(q.G), int(p.B) - int(q.B), int(p.A) - int(q.A)} {
				sum += max(d, -d)
				n++
			}
		}
	}
	return float64(sum) / float64(n)
}

// TestPrograms rebuilds what real programs write, and compares it with the
// picture that they were given.
func TestPrograms(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	sources := map[string]stdimage.Image{"rgb": photo(75, 50, false), "rgba": photo(75, 50, true), "second": flat(75, 50, color.NRGBA{R: 9, G: 200, B: 30, A: 255})}
	for name, m := range sources {
		if err := os.WriteFile(at(name+".png"), encodePNG(t, m), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	plain, lossy := at("rgb.png"), jpegFormat()
	for _, c := range []struct {
		name, source string
		make         []string
		row          format.Format
		off          float64 // mean difference allowed
		findings     string
		shows        string
	}{
		{"24.bmp", "rgb", []string{"convert", plain, "-density", "300", "-units", "PixelsPerInch", "BMP3:"}, bmpFormat(), 0, "format_changed", "11811,11811 pixels a metre"},
		{"alpha.bmp", "rgba", []string{"convert", at("rgba.png"), "BMP:"}, bmpFormat(), 0, "format_changed", ""},
		{"256.bmp", "rgb", []string{"convert", plain, "-colors", "256", "-compress", "None", "BMP3:"}, bmpFormat(), 8, "format_changed", ""},
		{"rle.bmp", "second", []string{"convert", at("second.png"), "-type", "palette", "-compress", "RLE", "BMP3:"}, bmpFormat(), 0, "format_changed", ""},
		{"icon.ico", "rgba", []string{"convert", at("rgba.png"), "-background", "none", "-define", "icon:auto-resize=16,32", "ICO:"}, icoFormat(), -1, "format_changed icon_largest", "png 32x32"},
		{"one.ico", "rgba", []string{"convert", at("rgba.png"), "ICO:"}, icoFormat(), 0, "format_changed", ""},
		{"lossless.webp", "rgb", []string{"cwebp", "-quiet", "-lossless", "-exact", plain, "-o"}, webpFormat(pngFormat()), 0, "format_changed", "png 75x50"},
		{"lossless alpha.webp", "rgba", []string{"cwebp", "-quiet", "-lossless", at("rgba.png"), "-o"}, webpFormat(pngFormat()), 0, "format_changed", "png 75x50"},
		{"lossy.webp", "rgb", []string{"cwebp", "-quiet", "-q", "95", plain, "-o"}, webpFormat(lossy), 6, "format_changed", "jpeg 75x50"},
		{"lossy alpha.webp", "rgba", []string{"cwebp", "-quiet", "-q", "95", at("rgba.png"), "-o"}, webpFormat(pngFormat()), 5, "format_changed", "png 75x50"},
		{"moving.webp", "rgb", []string{"img2webp", "-lossless", plain, at("second.png"), "-o"}, webpFormat(pngFormat()), 0, "animation_first format_changed", "png 75x50"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := at(c.name)
			if last := c.make[len(c.make)-1]; strings.HasSuffix(last, ":") {
				program(t, append(slices.Clone(c.make[:len(c.make)-1]), last+out)...)
			} else {
				program(t, append(slices.Clone(c.make), out)...)
			}
			data, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			checkProgram(t, c.row, data, sources[c.source], c.off, c.findings, c.shows)
		})
	}
}

func checkProgram(t *testing.T, row format.Format, data []byte, source stdimage.Image, off float64, findings, shows string) {
	t.Helper()
	if row.Match(data) != format.Certain {
		t.Fatal("not recognized")
	}
	o, err := sanitizetest.Sanitize(t.Context(), row, format.Untrusted{Data: data, Budget: sanitizetest.Budget()}, format.Construction{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Faults) > 0 {
		t.Error(o.Faults)
	}
	got := slices.Sorted(slices.Values(o.Codes()))
	if fmt.Sprint(got) != fmt.Sprint(strings.Fields(findings)) {
		t.Errorf("findings %v, want %s", got, findings)
	}
	if s, err := show(o.Data); err != nil || !strings.Contains(s, shows) {
		t.Errorf("%s %v, want %q", s, err, shows)
	}
	m, _, err := stdimage.Decode(bytes.NewReader(o.Data))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("distance %.2f, %d bytes to %d", distance(m, source), len(data), len(o.Data))
	if d := distance(m, source); off >= 0 && (d < 0 || d > off) {
		t.Errorf("differs from its source by %.2f a channel", d)
	}
}

// TestInks: the inks of a JPEG are inverted, with Adobe's segment or without.
func TestInks(t *testing.T) {
	in, out := filepath.Join(t.TempDir(), "in.png"), filepath.Join(t.TempDir(), "out.jpg")
	red := color.NRGBA{R: 255, A: 255} // no cyan, all magenta and yellow
	if err := os.WriteFile(in, encodePNG(t, flat(16, 16, red)), 0o600); err != nil {
		t.Fatal(err)
	}
	program(t, "convert", in, "-colorspace", "CMYK", "-quality", "100", out)
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, []byte("\xFF\xEE\x00\x0EAdobe"))
	if at < 0 {
		t.Fatal("no segment of Adobe's")
	}
	checkProgram(t, jpegFormat(), data, flat(16, 16, red), 2, codeProfile, "jpeg 16x16")

	// Of an ink's half all ways to write it are the same: it stays what it is
	// without the segment, with no black over it.
	raw := filepath.Join(t.TempDir(), "in.cmyk")
	if err := os.WriteFile(raw, bytes.Repeat([]byte{127, 127, 127, 0}, 16*16), 0o600); err != nil {
		t.Fatal(err)
	}
	program(t, "convert", "-size", "16x16", "-depth", "8", raw, "-quality", "100", out)
	if data, err = os.ReadFile(out); err != nil {
		t.Fatal(err)
	}
	if at = bytes.Index(data, []byte("\xFF\xEE\x00\x0EAdobe")); at < 0 {
		t.Fatal("no segment of Adobe's")
	}
	half := flat(16, 16, color.NRGBA{R: 128, G: 128, B: 128, A: 255})
	checkProgram(t, jpegFormat(), slices.Concat(data[:at], data[at+16:]), half, 2, codeProfile, "jpeg 16x16")
}
