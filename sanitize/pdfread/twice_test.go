package pdfread

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/pdf"
)

// TestTwice: what our builder makes of a document reads as the document did:
// same pages, same text, nothing hidden (DECISIONS 4).
//
// spec: g9
func TestTwice(t *testing.T) {
	files := map[string][]byte{}
	for _, row := range sampleRows {
		if row.reason == "" {
			files[row.name] = sample(t, row.name)
		}
	}
	if root := os.Getenv("SEKISHO_CORPUS"); root != "" {
		for _, row := range corpusRows {
			data, err := os.ReadFile(filepath.Join(root, row.path))
			if err != nil {
				t.Fatal(err)
			}
			if row.reason == "" && row.pages < 5 {
				files[row.path] = data
			}
		}
	}
	for name, data := range files {
		t.Run(name, func(t *testing.T) {
			in := asked(data)
			var values, file bytes.Buffer
			if err := (Parser{dressed(t)}).Parse(t.Context(), in, ir.NewWriter(&values)); err != nil {
				t.Fatal(err)
			}
			first := collect(t, bytes.NewReader(values.Bytes()))
			c := format.Construction{Profile: format.Profile{Method: format.MethodImage, Quality: 75, Render: in.Render}}
			if _, err := pdf.Build(ir.NewReader(&values, 1<<34), c, &file); err != nil {
				t.Fatal(err)
			}
			in.Data = file.Bytes()
			second := parse(t, dressed(t), in)
			if second.reason != "" || len(second.notes) > 0 {
				t.Errorf("%q (%s), findings %v", second.reason, second.detail, second.notes)
			}
			if len(second.drawn) != len(first.drawn) {
				t.Fatalf("%d pages, then %d", len(first.drawn), len(second.drawn))
			}
			for i, d := range second.drawn {
				if f := first.drawn[i]; d.W != f.W || d.H != f.H || d.text() != f.text() {
					t.Errorf("page %d: %d x %d %q\nfirst %d x %d %q", i+1, d.W, d.H, d.text(), f.W, f.H, f.text())
				}
			}
		})
	}
}
