package pdf

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/magic"
	"sekisho/sanitize/pdfium"
	"sekisho/sanitize/pdfium/enginetest"
	"sekisho/sanitize/pdfread"
	"sekisho/sanitize/sanitizetest"
)

var update = flag.Bool("update", false, "rewrite golden files")

// canary stands in every place of a PDF that a reader does not show.
const canary = "CANARY-9d41-gate"

// pdfFormat is the row of PDF with the real reader, drawn as by default.
func pdfFormat(t *testing.T) format.Format {
	t.Helper()
	e, err := pdfium.Load(t.Context(), pdfium.Config{Cache: enginetest.Cache(t), Fonts: enginetest.Fonts()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	f := format.Format{Kind: format.PDF, Names: []string{"pdf"}, Build: Build, Lint: Lint}
	for _, m := range magic.Rows() {
		if m.Kind == format.PDF {
			f.Match = m.Match
		}
	}
	f.Parse = func(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
		in.Render = format.Render{Method: format.MethodImage, DPI: 100, Shade: format.ShadeAuto, Layer: true}
		if in.Budget.Pages == 0 {
			in.Budget.Pages = 100
		}
		return pdfread.Parser{Engine: e}.Parse(ctx, in, out)
	}
	return f
}

// source writes a PDF of objects, the first of which is the catalog, with
// whatever is to stand in its trailer and behind its end.
func source(trailer, behind string, objects ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	var at []int
	for i, o := range objects {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	x := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, a := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", a)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n%s", len(objects)+1, trailer, x, behind)
	return b.Bytes()
}

func streamOf(dict, body string) string {
	return fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", dict, len(body), body)
}

// words is a document of one page that says something, with more in its
// catalog, its page and its trailer.
func wordsWith(catalog, page, trailer, behind string, more ...string) []byte {
	return source(trailer, behind, append([]string{
		"<</Type/Catalog/Pages 2 0 R" + catalog + ">>",
		"<</Type/Pages/Count 1/Kids[3 0 R]>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300.5 200]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>" + page + ">>",
		streamOf("", "BT /F 18 Tf 40 120 Td (Harmless words) Tj ET"),
		"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
	}, more...)...)
}

// shown is what a reader finds in a file: the size of its pages and its text.
func shown(data []byte) (string, error) {
	dir, err := os.MkdirTemp("", "shown")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "a.pdf")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		return "", err
	}
	info, err := exec.Command("pdfinfo", "-l", "-1", name).Output()
	if err != nil {
		return "", fmt.Errorf("pdfinfo: %w", err)
	}
	text, err := exec.Command("pdftotext", name, "-").Output()
	if err != nil {
		return "", fmt.Errorf("pdftotext: %w", err)
	}
	var sizes strings.Builder
	for line := range strings.Lines(string(info)) {
		if strings.Contains(line, "size:") && !strings.HasPrefix(line, "File") {
			sizes.WriteString(line)
		}
	}
	return sizes.String() + string(text), nil
}

// spec: g1 g9
func TestConformance(t *testing.T) {
	js := "<</S/JavaScript/JS(app.alert('" + canary + "'))>>"
	annot := func(rest string) []byte {
		return wordsWith("", "/Annots[<</Type/Annot/Rect[10 10 60 30]"+rest+">>]", "", "")
	}
	ours := photo(ir.Gray8, 300, 200) // ink below all letters
	ours.runs = []ir.Run{{X: 30_000, Y: 100_000, Length: 200_000, Size: 12_000, S: "Potato sanitize 123 検索できる文字"}}
	tiny := sanitizetest.Budget()
	tiny.Pixels = 10
	late := sanitizetest.Budget()
	late.Deadline = time.Unix(1, 0)
	few := sanitizetest.Budget()
	few.Pages = 1
	two := source("", "", "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Count 2/Kids[3 0 R 4 0 R]>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 90 90]>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 90 90]>>")
	sanitizetest.Run(t, pdfFormat(t), sanitizetest.Suite{
		Show: shown, Truncate: 64, CutIsFault: true, Rules: rules, Bad: badFiles(t),
		Same: func(first, second []byte) error {
			a, err := shown(first)
			if err != nil {
				return err
			}
			b, err := shown(second)
			if err == nil && a != b {
				err = fmt.Errorf("first shows %q, second %q", a, b)
			}
			return err
		},
		Good: []sanitizetest.Sample{
			{Name: "words", Data: wordsWith("", "", "", ""), Shows: []string{"Harmless words", "300.5 x 200 pts"}},
			{Name: "script", Findings: []string{"pdf_action", "pdf_script"}, Data: wordsWith("/OpenAction "+js, "", "", ""), Marks: []string{canary}},
			{Name: "named scripts", Findings: []string{"pdf_script"}, Data: wordsWith("/Names<</JavaScript<</Names[(a)"+js+"]>>>>", "", "", ""), Marks: []string{canary}},
			{Name: "page action", Findings: []string{"pdf_action", "pdf_script"}, Data: wordsWith("", "/AA<</O "+js+">>", "", ""), Marks: []string{canary}},
			{Name: "launch", Findings: []string{"pdf_launch", "pdf_link"}, Data: annot("/Subtype/Link/A<</S/Launch/F(" + canary + ".exe)>>"), Marks: []string{canary}},
			{Name: "link", Findings: []string{"pdf_link"}, Data: annot("/Subtype/Link/A<</S/URI/URI(http://" + canary + "/)>>"), Marks: []string{canary}},
			{Name: "note", Findings: []string{"pdf_annotation"}, Data: annot("/Subtype/Text/Contents(" + canary + ")"), Marks: []string{canary}},
			{Name: "embedded file", Findings: []string{"pdf_attachment"}, Data: wordsWith("/Names<</EmbeddedFiles<</Names[(a)6 0 R]>>>>", "", "", "", "<</Type/Filespec/F(a.exe)/EF<</F 7 0 R>>>>", streamOf("/Type/EmbeddedFile", canary)), Marks: []string{canary}},
			{Name: "metadata", Findings: []string{"document_metadata"}, Data: wordsWith("/Metadata 6 0 R", "", "/Info<</Author("+canary+")>>", "", streamOf("/Type/Metadata/Subtype/XML", "<x>"+canary+"</x>")), Marks: []string{canary}},
			{Name: "orphan", Data: wordsWith("", "", "", "", streamOf("", canary)), Marks: []string{canary}},
			{Name: "trailing", Data: wordsWith("", "", "", "PK\x03\x04"+canary), Marks: []string{canary}},
			{Name: "form", Findings: []string{"pdf_form", "pdf_xfa"}, Data: wordsWith("/AcroForm<</Fields[6 0 R]/XFA("+canary+")>>", "/Annots[6 0 R]", "", "", "<</Type/Annot/Subtype/Widget/FT/Tx/T("+canary+")/V(x)/Rect[10 10 60 30]>>"), Marks: []string{canary}},
			{Name: "hidden text", Findings: []string{"document_repaired", "hidden_text"}, Data: bytes.Replace(wordsWith("", "", "", ""), []byte("(Harmless words) Tj"), []byte("(Harmless) Tj 3 Tr("+canary[:5]+")Tj"), 1), Shows: []string{"Harmless"}},
			{Name: "outline", Findings: []string{"pdf_outline", "pdf_script"}, Data: wordsWith("/Outlines<</First 6 0 R/Last 6 0 R/Count 1>>", "", "", "", "<</Title("+canary+")/A "+js+">>"), Marks: []string{canary}},
			{Name: "ours", Data: mustBuild(t, ours), Shows: []string{"Potato sanitize 123 検索できる文字", "300 x 200.5 pts"}},
		},
		Refused: []sanitizetest.Refusal{
			{Name: "no PDF", Data: []byte("%PDF-1.7\nhello\n%%EOF"), Reason: format.Malformed},
			{Name: "no page", Data: source("", "", "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Count 0/Kids[]>>"), Reason: format.Malformed},
			{Name: "pixels", Data: wordsWith("", "", "", ""), Budget: &tiny, Reason: format.LimitPixels},
			{Name: "pages", Data: two, Budget: &few, Reason: format.LimitPages},
			{Name: "late", Data: wordsWith("", "", "", ""), Budget: &late, Reason: format.LimitTime},
		},
	})
}

// TestGolden: the same values give the same bytes, today and tomorrow.
// spec: g9
func TestGolden(t *testing.T) {
	data := mustBuild(t, written(), lines(60, 40), logo(21, 9, 3))
	name := filepath.Join("testdata", "golden", "pages.pdf")
	if *update {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, want) {
		t.Errorf("%d bytes differ from the %d of %s", len(data), len(want), name)
	}
}
