package sanitize

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"image/png"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/image/tiff/tifftest"
	"sekisho/sanitize/policy"
)

// TestModulesInBoxes: a picture comes out of a real box with its decoder; where the decoder is not
// installed, the picture is held as a kind that is not rebuilt.
func TestModulesInBoxes(t *testing.T) {
	all := testClasses()
	maps.Copy(all, moduleClasses(moduleCache(t)))
	with := New(testPool(t, all), slog.New(slog.DiscardHandler))
	dir := t.TempDir()
	source := image.NewNRGBA(image.Rect(0, 0, 90, 60))
	for i := range source.Pix {
		source.Pix[i] = []byte{200, 90, 30, 255}[i%4]
	}
	var b bytes.Buffer
	if err := png.Encode(&b, source); err != nil {
		t.Fatal(err)
	}
	in, out := filepath.Join(dir, "in.png"), filepath.Join(dir, "out.avif")
	if err := os.WriteFile(in, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command("heif-enc", "-A", "-q", "95", in, "-o", out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	n := run(t, with, "写真.avif", append(slices.Clone(data), "\x00\x00\x00\x1AuuidCanary-hidden-mark"...))
	if n.Verdict != format.Rebuilt || n.Body.Name() != "写真.jpg" || !hasFinding(&n, "format_changed") || !hasFinding(&n, "metadata_removed") {
		t.Fatalf("%s %v", describe(&n), n.Findings)
	}
	built := output(t, n)
	m, err := jpeg.Decode(bytes.NewReader(built))
	if err != nil || m.Bounds() != source.Rect || bytes.Contains(built, []byte("Canary")) {
		t.Fatalf("%v %v", err, m)
	}
	if r, g, bl, _ := m.At(40, 30).RGBA(); r>>8 < 190 || g>>8 < 80 || g>>8 > 100 || bl>>8 > 45 {
		t.Errorf("%d %d %d", r>>8, g>>8, bl>>8)
	}
	if n := run(t, with, "a.avif", data[:len(data)-20]); n.Reason != format.Truncated {
		t.Error(describe(&n))
	}
	if n := run(t, with, "b.avif", data); n.Verdict != format.Rebuilt {
		t.Error(describe(&n))
	}
	if n := run(t, testEngine(t), "a.avif", data); n.Reason != format.KindUnsupported {
		t.Errorf("without the decoder: %s", describe(&n))
	}
}

// scan is a TIFF of n pages of 1,000 × 1,400 grey pixels at 100 an inch, each
// of a shade of its own.
func scan(n int) []byte {
	m := tifftest.Maker{Order: binary.LittleEndian}
	var pages []tifftest.Page
	for i := range n {
		pages = append(pages, m.Grey(1000, 1400, bytes.Repeat([]byte{byte(10 + i)}, 1000*1400), m.Ratio(282, 100, 1), m.Ratio(283, 100, 1), m.Text(270, "Canary-hidden")))
	}
	return m.File(pages...)
}

// TestScanOfManyPages: a TIFF becomes a PDF of the same pages, out of a real
// box, with the budget of pages kept.
func TestScanOfManyPages(t *testing.T) {
	e := testEngine(t)
	n := run(t, e, "scan.tif", scan(3))
	if n.Verdict != format.Rebuilt || n.Kind != format.TIFF || n.Body.Name() != "scan.pdf" || n.Body.media != "application/pdf" || !hasFinding(&n, "format_changed") || !hasFinding(&n, "metadata_removed") {
		t.Fatalf("%s %s %v", describe(&n), n.Body.media, n.Findings)
	}
	out := output(t, n)
	if got := bytes.Count(out, []byte("/MediaBox [0 0 720 1008]")) + bytes.Count(out, []byte("/MediaBox[0 0 720 1008]")); got != 3 || bytes.Contains(out, []byte("Canary")) {
		t.Errorf("%d pages of their size in %.300q", got, out)
	}
	if n := run(t, e, "one.tif", scan(1)); n.Verdict != format.Rebuilt || n.Body.Name() != "one.png" {
		t.Error(describe(&n))
	}
	rules := policy.Default()
	rules.Kinds[format.TIFF] = policy.Reconstruct
	for _, pages := range []int{1, 3} {
		n := runWith(t, e, Input{Name: "scan.tif", Data: memory(t, scan(pages)), Rules: rules})
		if n.Verdict != format.Rebuilt || n.Body.Name() != "scan.tif" || n.Method != format.MethodReconstruct || n.Body.media != "image/tiff" {
			t.Error(describe(&n))
		}
		if out := output(t, n); !bytes.HasPrefix(out, []byte("II*\x00")) || bytes.Contains(out, []byte("Canary")) {
			t.Errorf("%.20q", out)
		}
	}
	rules = policy.Default()
	rules.Limits.Pages = 2
	if n := runWith(t, e, Input{Name: "scan.tif", Data: memory(t, scan(3)), Rules: rules}); n.Reason != format.LimitPages {
		t.Error(describe(&n))
	}
	rules = policy.Default()
	rules.Limits.Pixels = 1_000_000
	if n := runWith(t, e, Input{Name: "scan.tif", Data: memory(t, scan(3)), Rules: rules}); n.Reason != format.LimitPixels {
		t.Error(describe(&n))
	}
	cut := scan(3)
	if n := run(t, e, "scan.tif", cut[:len(cut)-1000]); n.Reason != format.Truncated {
		t.Error(describe(&n))
	}
}
