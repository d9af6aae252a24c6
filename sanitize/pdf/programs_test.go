package pdf

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"sekisho/sanitize/ir"
	"sekisho/sanitize/pdfium"
	"sekisho/sanitize/pdfium/enginetest"
)

// tool runs another reader of PDF; `make tools` installs them.
func tool(t testing.TB, args ...string) string {
	t.Helper()
	var out, faults bytes.Buffer
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &faults
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(args, " "), err, out.Bytes(), faults.Bytes())
	}
	return out.String()
}

func saved(t testing.TB, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// kinds are pages of each way in which a picture is stored.
func kinds() map[string]sheetOf {
	return map[string]sheetOf{
		"bilevel": text(ir.Gray1, 301, 200), "bilevel photo": photo(ir.Gray1, 77, 50), "bilevel of long runs": lines(9001, 40), "grey letters": text(ir.Gray4, 301, 200),
		"grey": text(ir.Gray8, 150, 100), "grey photo": photo(ir.Gray8, 301, 200), "two colours": logo(33, 20, 0), "colours": logo(201, 100, 12),
		"many colours": logo(201, 100, 200), "soft colours": logo(1201, 100, 1100), "photo": photo(ir.RGB8, 301, 200),
	}
}

// TestProgramsAcceptTheForm: qpdf finds no fault in a file with pages of all
// kinds, few or many.
func TestProgramsAcceptTheForm(t *testing.T) {
	var all []sheetOf
	for _, p := range kinds() {
		all = append(all, p)
	}
	for len(all) < 70 {
		all = append(all, written())
	}
	name := saved(t, mustBuild(t, all...))
	if out := tool(t, "qpdf", "--check", name); strings.Contains(out, "WARNING") {
		t.Error(out)
	}
	if out := tool(t, "pdfinfo", name); !strings.Contains(out, "Pages:           70") {
		t.Error(out)
	}
}

// TestProgramsShowThePixels: another reader draws each page as it was given,
// but for what the quality allows.
func TestProgramsShowThePixels(t *testing.T) {
	// The largest difference of a pixel; of JPEGs, the mean one.
	standard := map[string]float64{"photo": 12, "grey photo": 12, "grey letters": 18, "soft colours": 26, "many colours": 26, "grey": 26}
	fine := map[string]float64{"photo": 11, "grey photo": 9, "soft colours": 8}
	for quality, allowed := range map[int]map[string]float64{75: standard, 90: fine} {
		for name, p := range kinds() {
			t.Run(fmt.Sprint(name, " ", quality), func(t *testing.T) {
				most, mean := difference(t, p, quality)
				if strings.HasSuffix(name, "photo") && p.r.Samples != ir.Gray1 {
					most = mean
				}
				if most > allowed[name] {
					t.Errorf("difference %.1f, at most %.1f", most, allowed[name])
				}
			})
		}
	}
}

// difference has a page drawn and compares it with what was given.
func difference(t *testing.T, p sheetOf, quality int) (most, mean float64) {
	t.Helper()
	p.w, p.h = p.r.W*500, p.r.H*500 // two pixels a point
	given := p
	given.pix = bytes.Clone(p.pix)
	prof := profile()
	prof.Quality = quality
	data, _, err := build(t, values(given), prof)
	if err != nil {
		t.Fatal(err)
	}
	drawn := []byte(tool(t, "mutool", "draw", "-q", "-r", "144", "-c", "rgb", "-F", "ppm", "-o", "-", saved(t, data)))
	w, h, pix := readPPM(t, drawn)
	if w != p.r.W || h != p.r.H {
		t.Fatalf("%d x %d pixels, want %d x %d", w, h, p.r.W, p.r.H)
	}
	for i := range w * h {
		want := at(p.r, p.pix, i)
		for k := range 3 {
			d := math.Abs(float64(pix[3*i+int64(k)]) - float64(want[k]))
			mean += d
			most = max(most, d)
		}
	}
	return most, mean / float64(3*w*h)
}

// at is the colour of pixel i.
func at(r ir.Raster, pix []byte, i int64) [3]byte {
	if r.Samples == ir.RGB8 {
		return [3]byte(pix[3*i:])
	}
	bits := r.Samples.Bits()
	bit := i % r.W * bits
	v := pix[i/r.W*r.Stride()+bit/8] >> (8 - bits - bit%8) & (1<<bits - 1)
	g := byte(int(v) * 255 / (1<<bits - 1))
	return [3]byte{g, g, g}
}

func readPPM(t *testing.T, data []byte) (int64, int64, []byte) {
	t.Helper()
	r := bufio.NewReader(bytes.NewReader(data))
	var w, h, most int64
	if _, err := fmt.Fscanf(r, "P6\n%d %d\n%d\n", &w, &h, &most); err != nil {
		t.Fatal(err)
	}
	pix, err := io.ReadAll(r)
	if err != nil || int64(len(pix)) != 3*w*h {
		t.Fatalf("%d bytes of pixels %v", len(pix), err)
	}
	return w, h, pix
}

// letters leaves what all readers agree on: no blanks, which each sets by its
// own idea of distance.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

// TestProgramsFindTheText: search and copying work in readers of four makes,
// for turned and vertical text and characters of all planes.
func TestProgramsFindTheText(t *testing.T) {
	p := written()
	p.runs = append(p.runs, ir.Run{X: 300_000, Y: 300_000, Length: 120_000, Size: 11_000, Angle: 45, S: "斜めの文字"},
		ir.Run{X: 500_000, Y: 200_000, Length: 100_000, Size: 11_000, Angle: 180, S: "逆さまの文字"},
		ir.Run{X: 60_000, Y: 60_000, Length: 400_000, Size: 8_000, S: "①㈱髙～ёßé“”—"})
	data := mustBuild(t, written(), p)
	name := saved(t, data)
	for reader, got := range map[string]string{
		"poppler": tool(t, "pdftotext", "-f", "2", "-l", "2", "-raw", name, "-"),
		"mupdf":   tool(t, "mutool", "draw", "-q", "-F", "txt", name, "2"),
		"pdfium":  pdfiumText(t, data, 1),
	} {
		for _, r := range p.runs {
			if !strings.Contains(letters(got), letters(r.S)) {
				t.Errorf("%s does not find %q in %q", reader, r.S, got)
			}
		}
	}
}

func pdfiumText(t *testing.T, data []byte, page int) string {
	t.Helper()
	e, err := pdfium.Load(t.Context(), pdfium.Config{Cache: enginetest.Cache(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	d, err := e.Open(data, "")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	p, err := d.Page(page)
	if err != nil {
		t.Fatal(err)
	}
	all, err := p.Text(10_000)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, c := range all.Chars {
		b.WriteRune(c.Rune)
	}
	return b.String()
}
