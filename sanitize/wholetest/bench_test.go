package wholetest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/policy"
)

// sheaf is a PDF of n pages of a kind: "text" is a page full of words, "scan" a
// JPEG of 200 dpi with the noise of paper, "mixed" words, tinted tables and a
// small photograph. No two pages are equal.
func sheaf(b *testing.B, kind string, n int) []byte {
	b.Helper()
	w := writer{}
	w.object("<</Type/Catalog/Pages 2 0 R>>")
	var kids strings.Builder
	for i := range n {
		fmt.Fprintf(&kids, "%d 0 R ", 4+3*i)
	}
	w.object(fmt.Sprintf("<</Type/Pages/Count %d/Kids[%s]>>", n, kids.String()))
	w.object("<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>")
	for i := range n {
		w.object(fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R/Resources<</Font<</F 3 0 R>>/XObject<</I %d 0 R>>>>>>", 5+3*i, 6+3*i))
		var c strings.Builder
		picture := "<<>>"
		switch kind {
		case "scan":
			c.WriteString("q 595 0 0 842 0 0 cm /I Do Q")
			picture = jpeg(b, i, 1654, 2339)
		case "mixed":
			fmt.Fprintf(&c, "0.85 0.89 0.95 rg 60 %d 475 180 re f 0.12 0.3 0.5 RG 60 300 475 200 re S q 120 0 0 90 400 60 cm /I Do Q 0.75 0 0 rg ", 300+i%20)
			picture = jpeg(b, i, 500, 375)
			fallthrough
		default:
			for y := range 52 {
				fmt.Fprintf(&c, "BT /F 11 Tf 60 %d Td (%d.%d A gateway between two zones of a town hands on only what it has rebuilt, and says what it took away) Tj ET 0 g ", 780-14*y, i+1, y)
			}
		}
		w.object(fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", c.Len(), c.String()))
		w.object(picture)
	}
	return w.end()
}

// writer puts objects in a row.
type writer struct {
	b  bytes.Buffer
	at []int
}

func (w *writer) object(s string) {
	if len(w.at) == 0 {
		w.b.WriteString("%PDF-1.4\n")
	}
	w.at = append(w.at, w.b.Len())
	fmt.Fprintf(&w.b, "%d 0 obj\n%s\nendobj\n", len(w.at), s)
}

func (w *writer) end() []byte {
	x := w.b.Len()
	fmt.Fprintf(&w.b, "xref\n0 %d\n0000000000 65535 f \n", len(w.at)+1)
	for _, a := range w.at {
		fmt.Fprintf(&w.b, "%010d 00000 n \n", a)
	}
	fmt.Fprintf(&w.b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(w.at)+1, x)
	return w.b.Bytes()
}

// jpeg is a picture object: letters on noisy paper, coloured a little.
func jpeg(b *testing.B, seed, width, height int) string {
	b.Helper()
	out := tool(b, "convert", "-seed", fmt.Sprint(seed+1), "-size", fmt.Sprintf("%dx%d", width, height), "xc:#F4F1E8", "-font", "/usr/share/fonts/opentype/ipafont-gothic/ipag.ttf", "-pointsize", fmt.Sprint(width/50),
		"-annotate", fmt.Sprintf("+%d+%d", width/12, height/12), strings.Repeat("a page that was printed, signed and scanned\n", 30),
		"-attenuate", "0.15", "+noise", "Gaussian", "-quality", "80", "jpg:-")
	return fmt.Sprintf("<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode/Length %d>>\nstream\n%s\nendstream", width, height, len(out), out)
}

// BenchmarkDocuments is the whole work on a document (identify, draw, text,
// build, lint) beside programs that only draw it and write JPEGs, in turns.
func BenchmarkDocuments(b *testing.B) {
	e := engine(b)
	for _, kind := range []string{"text", "mixed", "scan"} {
		for _, n := range []int{1, 10, 100} {
			b.Run(fmt.Sprintf("%s/%d", kind, n), func(b *testing.B) {
				data := sheaf(b, kind, n)
				dir := b.TempDir()
				name := filepath.Join(dir, "a.pdf")
				if err := os.WriteFile(name, data, 0o600); err != nil {
					b.Fatal(err)
				}
				var ours, poppler, mupdf time.Duration
				out := int64(0)
				for b.Loop() {
					start := time.Now()
					node := run(b, e, "a.pdf", data, policy.Default())
					ours += time.Since(start)
					if node.Verdict != format.Rebuilt {
						b.Fatal(node.Reason, node.Detail)
					}
					out = node.Body.Size()
					node.Close()
					poppler += timed(b, "pdftoppm", "-jpeg", "-r", "150", name, filepath.Join(dir, "p"))
					mupdf += timed(b, "mutool", "draw", "-q", "-r", "150", "-o", filepath.Join(dir, "m%d.png"), name)
				}
				pages := float64(n * b.N)
				b.ReportMetric(pages/ours.Seconds(), "pages/s")
				b.ReportMetric(float64(ours)/float64(poppler), "x-pdftoppm-jpeg")
				b.ReportMetric(float64(ours)/float64(mupdf), "x-mutool-png")
				b.ReportMetric(float64(len(data))/1024/float64(n), "KB/page-in")
				b.ReportMetric(float64(out)/1024/float64(n), "KB/page-out")
			})
		}
	}
}

func timed(b *testing.B, args ...string) time.Duration {
	b.Helper()
	start := time.Now()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		b.Fatalf("%s: %v %s", args[0], err, out)
	}
	return time.Since(start)
}
