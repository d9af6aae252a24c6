package pdfread

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// TestMarksOfEvil: what is hidden in a document has no word in the answer.
//
// spec: g1
func TestMarksOfEvil(t *testing.T) {
	const mark = "marker_7731"
	content := "BT /F 20 Tf 50 300 Td (visible) Tj ET"
	stream := "<</Type/EmbeddedFile/Length 11>>\nstream\n" + mark + "\nendstream"
	for _, test := range []struct{ name, catalog, page, more, code string }{
		{"document script", "/Names<</JavaScript<</Names[(a)<</S/JavaScript/JS(" + mark + ")>>]>>>>", "", "", "pdf_script"},
		{"open action", "/OpenAction<</S/JavaScript/JS(" + mark + ")>>", "", "", "pdf_action"},
		{"page action", "", "/AA<</O<</S/Launch/F(" + mark + ")>>>>", "", "pdf_launch"},
		{"embedded file", "/Names<</EmbeddedFiles<</Names[(" + mark + ")<</Type/Filespec/F(" + mark + ")/EF<</F 6 0 R>>>>]>>>>", "", stream, "pdf_attachment"},
		{"file attachment", "", "/Annots[<</Type/Annot/Subtype/FileAttachment/Rect[0 0 9 9]/Contents(" + mark + ")/FS<</F(" + mark + ")/EF<</F 6 0 R>>>>>>]", stream, "pdf_attachment"},
		{"metadata", "/Metadata 6 0 R", "", "<</Type/Metadata/Subtype/XML/Length 11>>\nstream\n" + mark + "\nendstream", "document_metadata"},
		{"link", "", "/Annots[<</Type/Annot/Subtype/Link/Rect[0 0 99 99]/A<</S/URI/URI(http://" + mark + "/)>>>>]", "", "pdf_link"},
		{"field without a place", "/AcroForm<</Fields[<</FT/Tx/T(a)/V(" + mark + ")>>]>>", "", "", "pdf_form"},
		{"note that is not drawn", "", "/Annots[<</Type/Annot/Subtype/Text/F 2/Rect[0 0 9 9]/Contents(" + mark + ")>>]", "", "pdf_annotation"},
		{"orphan", "", "", "(" + mark + ")", ""},
		{"portfolio", "/Collection<</View/D/Schema<</" + mark + "<</Subtype/F>>>>>>", "", "", "pdf_portfolio"},
		{"hidden layer", "/OCProperties<</OCGs[6 0 R]/D<</OFF[6 0 R]>>>>", "", "<</Type/OCG/Name(" + mark + ")>>", "pdf_layers"},
		{"outline", "/Outlines 6 0 R", "", "<</Title(" + mark + ")>>", "pdf_outline"},
		{"behind the end", "", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := append(onePage(test.catalog, a5+test.page, content, test.more), "\n"+mark...)
			for _, in := range []format.Untrusted{asked(data), asText(data)} {
				var b bytes.Buffer
				if err := (Parser{dressed(t)}).Parse(t.Context(), in, ir.NewWriter(&b)); err != nil {
					t.Fatal(err)
				}
				if bytes.Contains(b.Bytes(), []byte(mark)) {
					t.Error("the mark came through")
				}
				a := collect(t, &b)
				if !strings.Contains(a.text(), "visible") || test.code != "" && !a.has(test.code) {
					t.Errorf("%q, %v", a.text(), a.notes)
				}
			}
		})
	}
}

// TestMutations: whatever is done to a document, the parser gives an answer or
// a reason. SEKISHO_SOAK makes it a hundred times as many.
//
// spec: g2 g8
func TestMutations(t *testing.T) {
	n := 200
	if soak, err := strconv.Atoi(os.Getenv("SEKISHO_SOAK")); err == nil && soak > 0 {
		n = 20_000
	}
	files, err := filepath.Glob("testdata/*.pdf")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	if root := os.Getenv("SEKISHO_CORPUS"); root != "" {
		more, err := filepath.Glob(filepath.Join(root, "pdf", "*.pdf"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	whole, held := 0, map[format.Reason]int{}
	for i := range n {
		random := rand.New(rand.NewPCG(7, uint64(i)))
		data, err := os.ReadFile(files[i%len(files)])
		if err != nil {
			t.Fatal(err)
		}
		in := asked(mutate(random, data))
		in.Render.DPI, in.Budget.Pixels, in.Budget.Pages = 36, 4_000_000, 40
		if i%3 == 0 {
			in.Render.Method = format.MethodText
		}
		a := parse(t, dressed(t), in)
		if a.reason == format.Internal {
			t.Errorf("mutation %d of %s: %s", i, files[i%len(files)], a.detail)
		}
		if a.reason == "" {
			whole++
		} else {
			held[a.reason]++
		}
	}
	if whole == 0 || len(held) == 0 {
		t.Errorf("%d whole, held %v: the mutations show nothing", whole, held)
	}
	t.Logf("%d whole, held %v", whole, held)
}

// mutate damages a file in one of the ways in which files are damaged.
func mutate(r *rand.Rand, data []byte) []byte {
	data = bytes.Clone(data)
	for range 1 + r.IntN(3) {
		at, long := r.IntN(len(data)), 1+r.IntN(64)
		end := min(len(data), at+long)
		switch r.IntN(6) {
		case 0:
			data = data[:max(1, at)]
		case 1:
			data[at] ^= 1 << r.IntN(8)
		case 2:
			data = append(data[:at:at], data[end:]...)
		case 3:
			data = append(append(bytes.Clone(data[:end]), data[at:end]...), data[end:]...)
		case 4:
			for i := at; i < end; i++ {
				data[i] = uint8(r.Uint32())
			}
		case 5: // a number becomes another one
			for i := at; i < len(data); i++ {
				if data[i] >= '0' && data[i] <= '9' {
					data[i] = '0' + uint8(r.IntN(10))
					break
				}
			}
		}
		if len(data) == 0 {
			data = []byte("%")
		}
	}
	return data
}

// TestManyPages: a long document takes the memory of one page.
//
// spec: g8
func TestManyPages(t *testing.T) {
	const n = 500
	data := manyPages("", slicesOf(a5, n), "0.5 g 20 20 300 300 re f BT 0 g /F 12 Tf 50 400 Td (page of many) Tj ET")
	var before, most runtime.MemStats
	e := dressed(t)
	runtime.GC()
	runtime.ReadMemStats(&before)
	in := asked(data)
	in.Render.DPI = 50
	sheets, high := 0, uint64(0)
	from, to := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := Parser{e}.Parse(context.Background(), in, ir.NewWriter(to))
		to.CloseWithError(err)
		done <- err
	}()
	r := ir.NewReader(from, 1<<34)
	for {
		v, err := r.Next()
		if err != nil {
			break
		}
		if s, ok := v.(ir.Sheet); ok {
			if s.Page != int64(sheets) {
				t.Fatalf("page %d after %d", s.Page, sheets)
			}
			if sheets++; sheets%100 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&most)
				high = max(high, most.HeapAlloc)
			}
		}
	}
	if err := <-done; err != nil || sheets != n {
		t.Fatalf("%d pages: %v", sheets, err)
	}
	if grown := int64(high) - int64(before.HeapAlloc); grown > 16<<20 {
		t.Errorf("%d bytes more are in use", grown)
	}
}

// TestCut: a document that ends too early is held, wherever it ends.
//
// spec: g2
func TestCut(t *testing.T) {
	data := sample(t, "lo-writer.pdf")
	update := "\n9 0 obj\n<</Type/Pages/Count 0"
	for name, in := range map[string][]byte{
		"in the middle": data[:len(data)/2], "before the table": data[:bytes.LastIndex(data, []byte("xref\n0"))-10], "in an update": append(bytes.Clone(data), update...),
	} {
		if a := parse(t, dressed(t), asked(in)); a.reason != format.Truncated {
			t.Errorf("%s: %q (%s)", name, a.reason, a.detail)
		}
	}
	for name, in := range map[string][]byte{
		"whole": data, "without the last line": bytes.TrimSuffix(bytes.TrimSpace(data), []byte("%%EOF")), "with a footer behind": append(bytes.Clone(data), "\n-- \nsent by a list about things\n"...),
	} {
		if a := parse(t, dressed(t), asked(in)); a.reason != "" {
			t.Errorf("%s: %q (%s)", name, a.reason, a.detail)
		}
	}
}

// TestMissingPicture: a picture that cannot be read on a page that shows other
// things is told of, a blank one and one that is seen are not.
func TestMissingPicture(t *testing.T) {
	for _, test := range []struct {
		name, picture string
		want          bool
	}{
		{"cannot be read", "<</Type/XObject/Subtype/Image/Width 64/Height 64/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode/Length 9>>\nstream\nno JPEG..\nendstream", true},
		{"blank", "<</Type/XObject/Subtype/Image/Width 2/Height 2/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/ASCIIHexDecode/Length 9>>\nstream\nFFFFFFFF>\nendstream", false},
		{"seen", "<</Type/XObject/Subtype/Image/Width 2/Height 2/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/ASCIIHexDecode/Length 9>>\nstream\n00FF8000>\nendstream", false},
	} {
		a := parse(t, dressed(t), asked(onePage("", a5, "BT /F 20 Tf 50 500 Td (text) Tj ET q 100 0 0 100 50 300 cm /X Do Q", test.picture)))
		if a.has("picture_missing") != test.want {
			t.Errorf("%s: %v %q", test.name, a.notes, a.reason)
		}
	}
}

// TestLoops: structures that refer to themselves end.
func TestLoops(t *testing.T) {
	for name, data := range map[string][]byte{
		"form in itself":   onePage("", a5, "/X Do", "<</Type/XObject/Subtype/Form/BBox[0 0 99 99]/Resources<</XObject<</X 6 0 R>>>>/Length 5>>\nstream\n/X Do\nendstream"),
		"page is its own":  []byte(strings.Replace(string(onePage("", a5, "")), "/Kids[6 0 R ]", "/Kids[2 0 R ]", 1)),
		"length of itself": onePage("", a5, "", "<</Length 6 0 R>>\nstream\nx\nendstream"),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			a := parse(t, dressed(t), asked(data))
			if a.reason != "" && a.reason != format.Malformed {
				t.Errorf("%q (%s)", a.reason, a.detail)
			}
			if spent := time.Since(start); spent > 30*time.Second {
				t.Errorf("%v", spent)
			}
		})
	}
}

// TestManyObjects: a page of more characters than any honest one is held.
func TestManyObjects(t *testing.T) {
	var b strings.Builder
	for i := range maxChars/1000 + 1 {
		fmt.Fprintf(&b, "BT /F 0.5 Tf 1 0 0 1 0 %d Tm (%s) Tj ET\n", i, strings.Repeat("ab", 500))
	}
	if a := parse(t, dressed(t), asked(onePage("", a5, b.String()))); a.reason != format.LimitCount {
		t.Errorf("%q (%s)", a.reason, a.detail)
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.pdf")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(onePage("/OpenAction<</S/JavaScript/JS(x)>>", a5, "BT /F 20 Tf 50 300 Td (x) Tj ET"))
	f.Fuzz(func(t *testing.T, data []byte) {
		in := asked(data)
		in.Render.DPI, in.Budget.Pixels, in.Budget.Pages = 36, 1_000_000, 4
		parse(t, dressed(t), in)
	})
}
