package sanitize

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/pdfium"
	"sekisho/sanitize/pdfium/enginetest"
	"sekisho/sanitize/pdfread"
)

// pdfClass is the class of boxes that draw PDF: the real engine, with its
// compile cache, or the tests' own drawer where there are no directories.
func pdfClass(cache string) Heavy {
	return Heavy{Class: format.ClassPDF, Dirs: append([]string{cache}, enginetest.Fonts()...),
		Load: func(dirs []string) (map[format.Kind]Parser, error) {
			if len(dirs) == 0 {
				return map[format.Kind]Parser{format.PDF: drawTest}, nil
			}
			e, err := pdfium.Load(context.Background(), pdfium.Config{Cache: dirs[0], Fonts: dirs[1:]})
			if err != nil {
				return nil, err
			}
			return map[format.Kind]Parser{format.PDF: pdfread.Parser{Engine: e}.Parse}, nil
		}}
}

// wholeEngine is an engine with every class that there is, as serve has it.
func wholeEngine(t *testing.T) *Engine {
	t.Helper()
	classes := testClasses()
	maps.Copy(classes, moduleClasses(moduleCache(t)))
	classes[string(format.ClassPDF)] = pdfClass(enginetest.Cache(t)).class()
	return New(testPool(t, classes), slog.New(slog.NewTextHandler(io.Discard, nil)))
}

// otherSays returns what another program prints of a file.
func otherSays(t *testing.T, b []byte, name string, args ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, bad bytes.Buffer
	c := exec.CommandContext(t.Context(), name, append(args, file, "-")...)
	c.Stdout, c.Stderr = &out, &bad
	if err := c.Run(); err != nil || bad.Len() > 0 {
		t.Errorf("%s: %v %s", name, err, bad.String())
	}
	return out.String()
}

// pdfText returns what another reader finds to search and copy in a PDF.
func pdfText(t *testing.T, b []byte) string {
	t.Helper()
	return otherSays(t, b, "pdftotext")
}

// never are names of what no PDF of ours has, wherever it stands (ISO 32000-1).
var never = regexp.MustCompile(`/(JavaScript|JS|OpenAction|AA|A|Names|EmbeddedFiles?|Filespec|AcroForm|XFA|Annots|URI|Launch|Outlines|Metadata|StructTreeRoot|RichMedia|Encrypt)\b`)

// streams are compressed: their bytes may be anything.
var streams = regexp.MustCompile(`(?s)\nstream\n.*?\nendstream`)

// checkPDF judges a rebuilt PDF as another program sees it: it finds no fault,
// the pages are there, and nothing active is.
func checkPDF(t *testing.T, row corpusRow, n *Node, b []byte) {
	t.Helper()
	if len(n.sheets) != row.pages || row.pages == 0 {
		t.Errorf("%d pages, want %d", len(n.sheets), row.pages)
	}
	plain := streams.ReplaceAllString(otherSays(t, b, "qpdf", "--qdf", "--object-streams=disable", "--stream-data=preserve"), "")
	if got := strings.Count(plain, "/Type /Page\n"); got != row.pages {
		t.Errorf("another program sees %d pages, want %d", got, row.pages)
	}
	if bad := never.FindString(plain); bad != "" {
		t.Errorf("it has %s", bad)
	}
	mustLack(t, []string{plain}, row.absent)
}
