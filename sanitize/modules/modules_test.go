package modules

import (
	"bytes"
	stdcontext "context"
	"errors"
	"fmt"
	stdimage "image"
	"image/color"
	_ "image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/image"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/magic"
	"sekisho/sanitize/sanitizetest"
)

// dir is where `make modules` puts the modules.
const dir = "../../bin/modules"

// fonts are those of Debian's fonts-ipafont-gothic.
var fonts = []string{"/usr/share/fonts/opentype/ipafont-gothic"}

// loaded loads each module once for all tests; compiling takes seconds.
var loaded = sync.OnceValues(func() (map[string]Parser, error) {
	all := map[string]Parser{}
	letters, err := ReadFonts(fonts)
	if err != nil {
		return nil, err
	}
	cache, err := prepared()
	if err != nil {
		return nil, err
	}
	for _, m := range Known() {
		p, err := Load(stdcontext.Background(), m.Name, Config{Dir: dir, Cache: cache, Fonts: letters})
		if err != nil {
			return nil, err
		}
		all[m.Name] = p
	}
	return all, nil
})

// cacheEnv tells TestMain to fill a cache and end.
const cacheEnv = "SEKISHO_TEST_MODULES"

// TestMain fills a cache when it is asked to: the tests run themselves for it,
// without the race detector, under which compiling takes half a minute.
func TestMain(m *testing.M) {
	at := os.Getenv(cacheEnv)
	if at == "" {
		os.Exit(m.Run())
	}
	for _, k := range Known() {
		if err := Compile(stdcontext.Background(), k.Name, Config{Dir: dir, Cache: at}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// prepared returns a cache of compiled code, made once for a machine.
var prepared = sync.OnceValues(func() (string, error) {
	at := filepath.Join(os.TempDir(), fmt.Sprintf("sekisho-modules-%d-%s", os.Geteuid(), runtime.Version()))
	build := exec.Command("go", "test", "-count=1", "-run", "^$", ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", cacheEnv+"="+at, "GOFLAGS=-buildvcs=false "+os.Getenv("GOFLAGS"))
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile the modules: %w: %s", err, text)
	}
	return at, nil
})

// row is the row of a module's kind; the lint is that of what was built.
func row(t testing.TB, name string) format.Format {
	t.Helper()
	all, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return rowOf(name, all[name])
}

func rowOf(name string, parse Parser) format.Format {
	f := format.Format{Kind: Kinds()[name], Parse: parse, Build: image.BuildNearest}
	f.Lint = func(data []byte, known map[[32]byte]bool, out *ir.Writer) error {
		if image.MatchJPEG(data) == format.Certain {
			return image.LintJPEG(data, known, out)
		}
		return image.LintPNG(data, known, out)
	}
	for _, m := range magic.Rows() {
		if m.Kind == f.Kind {
			f.Names, f.Match = m.Names, m.Match
		}
	}
	return f
}

func sanitize(t testing.TB, f format.Format, data []byte, pixels int64) (sanitizetest.Output, error) {
	t.Helper()
	if f.Match(data) == format.NoMatch {
		t.Fatal("not recognized")
	}
	b := sanitizetest.Budget()
	if pixels > 0 {
		b.Pixels = pixels
	}
	o, err := sanitizetest.Sanitize(t.Context(), f, format.Untrusted{Data: data, Budget: b}, format.Construction{}, nil)
	if len(o.Faults) > 0 {
		t.Fatal(o.Faults)
	}
	return o, err
}

func picture(t testing.TB, o sanitizetest.Output) stdimage.Image {
	t.Helper()
	m, _, err := stdimage.Decode(bytes.NewReader(o.Data))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// source is a picture of soft colours and a dark corner.
func source(w, h int) *stdimage.NRGBA {
	m := stdimage.NewNRGBA(stdimage.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.NRGBA{R: uint8(40 + x*180/w), G: uint8(60 + y*150/h), B: 110, A: 255}
			if x < w/4 && y < h/4 {
				c = color.NRGBA{A: 255}
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

func distance(a, b stdimage.Image) float64 {
	if a.Bounds().Size() != b.Bounds().Size() {
		return 1000
	}
	sum := 0.0
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			r, g, bl, _ := a.At(x, y).RGBA()
			r2, g2, bl2, _ := b.At(x, y).RGBA()
			for _, d := range []int{int(r) - int(r2), int(g) - int(g2), int(bl) - int(bl2)} {
				sum += float64(max(d, -d)) / 257
			}
		}
	}
	return sum / float64(3*a.Bounds().Dx()*a.Bounds().Dy())
}

// made lets libheif's own program write a picture.
func made(t testing.TB, m stdimage.Image, name string, options ...string) []byte {
	t.Helper()
	at := filepath.Join(t.TempDir(), "in.png")
	f, err := os.Create(at)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(f, m), f.Close()); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(filepath.Dir(at), name)
	if said, err := exec.Command("heif-enc", append(options, at, "-o", out)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestHEICAndAVIF(t *testing.T) {
	for _, c := range []struct {
		name, module, file string
		options            []string
		m                  *stdimage.NRGBA
		findings           string
	}{
		{"heic", "heif", "a.heic", []string{"-q", "90"}, source(120, 80), "[format_changed]"},
		{"heic of odd sides", "heif", "a.heic", []string{"-q", "90"}, source(121, 83), "[format_changed]"},
		{"heic lossless", "heif", "a.heic", []string{"-L", "-p", "chroma=444"}, source(64, 64), "[format_changed]"},
		{"avif", "avif", "a.avif", []string{"-A", "-q", "90"}, source(120, 80), "[format_changed]"},
		{"avif, small", "avif", "a.avif", []string{"-A", "-q", "90"}, source(33, 21), "[format_changed]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := made(t, c.m, c.file, c.options...)
			o, err := sanitize(t, row(t, c.module), data, 0)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(o.Codes()); got != c.findings {
				t.Errorf("findings %s", got)
			}
			if d := distance(picture(t, o), c.m); d > 5 {
				t.Errorf("differs by %.1f", d)
			}
			if again, err := sanitize(t, row(t, c.module), data, 0); err != nil || !bytes.Equal(again.Data, o.Data) {
				t.Errorf("twice differs: %v", err)
			}
			size := int64(c.m.Rect.Dx() * c.m.Rect.Dy())
			if _, err := sanitize(t, row(t, c.module), data, size-1); sanitizetest.ReasonOf(err) != format.LimitPixels {
				t.Errorf("over the budget: %v", err)
			}
			for n := 40; n < len(data); n += len(data)/25 + 1 {
				if _, err := sanitize(t, row(t, c.module), data[:n], 0); !sanitizetest.ReasonOf(err).Known() {
					t.Errorf("cut at %d of %d: %v", n, len(data), err)
				}
			}
		})
	}
}

// Bytes that no picture has end in a reason, and the next picture comes out.
func TestBrokenPictures(t *testing.T) {
	good := map[string][]byte{"heif": made(t, source(64, 48), "a.heic"), "avif": made(t, source(64, 48), "a.avif", "-A"),
		"svg": []byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0L9 9L0 9Z"/><use href="#a"/></svg>`)}
	for name, data := range good {
		f := row(t, name)
		for i := range 40 {
			bad := bytes.Clone(data)
			for k := range 3 {
				bad[12+(i*131+k*977)%(len(bad)-12)] ^= byte(1 << ((i + k) % 8))
			}
			if f.Match(bad) == format.NoMatch {
				continue
			}
			if _, err := sanitize(t, f, bad, 1<<20); err != nil && !sanitizetest.ReasonOf(err).Known() {
				t.Errorf("%s %d: %v", name, i, err)
			}
		}
		if _, err := sanitize(t, f, data, 0); err != nil {
			t.Errorf("%s afterwards: %v", name, err)
		}
	}
}

func TestFind(t *testing.T) {
	tmp := t.TempDir()
	for _, m := range Known() {
		if _, err := Find(dir, m.Name); err != nil {
			t.Error(err)
		}
		if _, err := Find(tmp, m.Name); !errors.Is(err, ErrMissing) {
			t.Errorf("%s: %v", m.Name, err)
		}
		data, err := os.ReadFile(filepath.Join(dir, m.File))
		if err != nil {
			t.Fatal(err)
		}
		at := filepath.Join(tmp, m.File)
		if err := os.WriteFile(at, append(slices.Clone(data), 0), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Find(tmp, m.Name); !errors.Is(err, ErrChanged) {
			t.Errorf("%s, a byte more: %v", m.Name, err)
		}
		if m.Licence == "" || m.Source == "" || Kinds()[m.Name] == "" {
			t.Errorf("%+v", m)
		}
	}
	if _, err := Find(dir, "other"); !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
}

// TestCache: code that was compiled before is loaded in a small part of the
// time, and is not needed.
func TestCache(t *testing.T) {
	cache := t.TempDir()
	if err := Compile(t.Context(), "avif", Config{Dir: dir, Cache: cache}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(cache)
	if err != nil || len(entries) == 0 {
		t.Fatalf("%v, %d entries", err, len(entries))
	}
	parse, err := Load(t.Context(), "avif", Config{Dir: dir, Cache: cache})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sanitize(t, rowOf("avif", parse), made(t, source(32, 32), "a.avif", "-A"), 0); err != nil {
		t.Error(err)
	}
	broken := filepath.Join(cache, "file")
	if err := os.WriteFile(broken, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(t.Context(), "avif", Config{Dir: dir, Cache: broken}); err != nil {
		t.Errorf("a cache that is none: %v", err)
	}
}

// The files of the shared corpus whose kinds need a module, when it is there.
func TestCorpus(t *testing.T) {
	root := os.Getenv("SEKISHO_CORPUS")
	for _, c := range []struct{ path, module, size, findings string }{
		{"image/tika-testHEIF.heic", "heif", "800x544", "[format_changed metadata_removed color_converted]"},
		{"svg/circl-Example.svg", "svg", "1200x1200", "[format_changed metadata_removed]"},
		{"svg/mini-svg.svg", "svg", "70x40", "[format_changed]"},
		{"svg/tika-testSVG_no_xml_header.svg", "svg", "76x76", "[format_changed]"},
	} {
		if root == "" {
			break
		}
		data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(c.path)))
		if err != nil {
			t.Fatal(err)
		}
		o, err := sanitize(t, row(t, c.module), data, 0)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		m := picture(t, o)
		if got := fmt.Sprintf("%dx%d", m.Bounds().Dx(), m.Bounds().Dy()); got != c.size || fmt.Sprint(o.Codes()) != c.findings {
			t.Errorf("%s: %s %v", c.path, got, o.Codes())
		}
		for _, mark := range []string{"script", "Exif", "http", "xml", "GIMP", "Canon"} {
			if bytes.Contains(o.Data, []byte(mark)) {
				t.Errorf("%s: %q came through", c.path, mark)
			}
		}
	}
}
