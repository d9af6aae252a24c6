// Package wholetest has only tests: documents that are drawn, on their whole
// way through real boxes with the real engine, as the relay has them.
package wholetest

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sekisho/sanitize"
	"sekisho/sanitize/format"
	"sekisho/sanitize/memfile"
	"sekisho/sanitize/pdfium"
	"sekisho/sanitize/pdfium/enginetest"
	"sekisho/sanitize/pdfread"
	"sekisho/sanitize/policy"
	"sekisho/sanitize/sandbox"
	"sekisho/sanitize/sandbox/boxtest"
)

// TestMain makes this binary a worker, or runs the tests with workers of a
// binary without cgo.
func TestMain(m *testing.M) {
	sandbox.Main(sanitize.Classes(heavy("/nowhere")))
	os.Exit(boxtest.Run(m))
}

// heavy is the class of workers that draw, with a compile cache.
func heavy(cache string) sanitize.Heavy {
	return sanitize.Heavy{Class: format.ClassPDF, Dirs: append([]string{cache}, enginetest.Fonts()...),
		Load: func(dirs []string) (map[format.Kind]sanitize.Parser, error) {
			e, err := pdfium.Load(context.Background(), pdfium.Config{Cache: dirs[0], Fonts: dirs[1:]})
			if err != nil {
				return nil, err
			}
			return map[format.Kind]sanitize.Parser{format.PDF: sly(pdfread.Parser{Engine: e}.Parse)}, nil
		}}
}

func engine(t testing.TB) *sanitize.Engine {
	t.Helper()
	exe := os.Getenv(boxtest.ExeEnv)
	pool, err := sandbox.NewPool(sandbox.Config{Classes: sanitize.Classes(heavy(enginetest.Cache(t))), Exe: exe, EngineExe: exe, MaxRunning: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return sanitize.New(pool, slog.New(slog.NewTextHandler(io.Discard, nil)))
}

// run sanitizes a file by rules.
func run(t testing.TB, e *sanitize.Engine, name string, data []byte, r policy.Rules) sanitize.Node {
	t.Helper()
	f := memfile.New(int64(len(data)))
	t.Cleanup(func() { f.Close() })
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
	in := sanitize.Input{Name: name, Data: f, Rules: r}
	if name == "" {
		in.Kind, in.Facts = format.Mail, &format.Facts{ReceiptNo: "M-260417-00042", ReceivedAt: time.Unix(1776384000, 0), Recipients: []string{"yamada@town.example.lg.jp"}, Host: "gw.example.lg.jp"}
	}
	b := sanitize.BudgetOf(r)
	b.Deadline = time.Now().Add(10 * time.Minute) // a machine of tests may be busy
	n, err := e.Sanitize(t.Context(), in, b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}

func output(t testing.TB, n sanitize.Node) []byte {
	t.Helper()
	b, err := io.ReadAll(n.Body.Reader())
	if err != nil {
		t.Fatalf("%s %s %s: %v", n.Verdict, n.Reason, n.Detail, err)
	}
	return b
}

func tool(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command(args[0], args[1:]...).Output()
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}

func saved(t testing.TB, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// document is a PDF of pages that each say their number and something more.
func document(pages int) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	var at []int
	object := func(s string) {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(at), s)
	}
	var kids strings.Builder
	for i := range pages {
		fmt.Fprintf(&kids, "%d 0 R ", 4+2*i)
	}
	object("<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>>>")
	object(fmt.Sprintf("<</Type/Pages/Count %d/Kids[%s]>>", pages, kids.String()))
	object("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
	for i := range pages {
		object(fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Rotate %d/Contents %d 0 R/Resources<</Font<</F 3 0 R>>>>>>", i%2*90, 5+2*i))
		var text strings.Builder
		fmt.Fprintf(&text, "BT /F 30 Tf 72 700 Td (Page number %d of the town) Tj ET ", i+1)
		for y := range 20 {
			fmt.Fprintf(&text, "BT /F 11 Tf 72 %d Td (Line %d of page %d: a gateway rebuilds what it hands on) Tj ET ", 640-25*y, y, i+1)
		}
		object(fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", text.Len(), text.String()))
	}
	x := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, a := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", a)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, x)
	return b.Bytes()
}

func mailWith(files map[string][]byte, order ...string) []byte {
	var b strings.Builder
	b.WriteString("From: a@example.com\r\nTo: b@town.example.lg.jp\r\nSubject: test\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/mixed; boundary=xyz\r\n\r\n--xyz\r\nContent-Type: text/plain\r\n\r\nthe body\r\n")
	for _, name := range order {
		b.WriteString("--xyz\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"" + name + "\"\r\n\r\n")
		for line := base64.StdEncoding.EncodeToString(files[name]); line != ""; line = line[min(76, len(line)):] {
			b.WriteString(line[:min(76, len(line))] + "\r\n")
		}
	}
	return []byte(b.String() + "--xyz--\r\n")
}

// spec: g1 g4 g9
func TestMailWithPDF(t *testing.T) {
	e := engine(t)
	n := run(t, e, "", mailWith(map[string][]byte{"報告.pdf": document(3)}, "報告.pdf"), policy.Default())
	if n.Verdict != format.Rebuilt || len(n.Kids) != 1 {
		t.Fatalf("%s %s %s", n.Verdict, n.Reason, n.Detail)
	}
	k := n.Kids[0]
	if k.Verdict != format.Rebuilt || k.Method != format.MethodImage {
		t.Fatalf("%s %s %s", k.Verdict, k.Reason, k.Detail)
	}
	first := output(t, k)
	name := saved(t, first)
	if out := tool(t, "qpdf", "--check", name); strings.Contains(out, "WARNING") {
		t.Error(out)
	}
	text := tool(t, "pdftotext", name, "-")
	for _, want := range []string{"Page number 1 of the town", "Page number 2 of the town", "Line 19 of page 3: a gateway"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
	if bytes.Contains(first, []byte("JavaScript")) || len(k.Findings) == 0 {
		t.Errorf("findings %v", k.Findings)
	}
	// Once more: the same pages, sizes and text, and nothing new to say.
	again := run(t, e, "報告.pdf", first, policy.Default())
	if again.Verdict != format.Rebuilt || len(again.Findings) > 0 {
		t.Fatalf("%s %s %s %v", again.Verdict, again.Reason, again.Detail, again.Findings)
	}
	second := saved(t, output(t, again))
	if b := tool(t, "pdftotext", second, "-"); b != text {
		t.Errorf("second pass says %q, first %q", b, text)
	}
	if a, b := sizes(t, name), sizes(t, second); a != b || !strings.Contains(a, "842 x 595") {
		t.Errorf("second pass has pages %q, first %q", b, a)
	}
}

func sizes(t *testing.T, name string) string {
	var b strings.Builder
	for line := range strings.Lines(tool(t, "pdfinfo", "-l", "-1", name)) {
		if strings.Contains(line, " size:") && !strings.HasPrefix(line, "File") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// TestSmallerWhenTooLarge: DECISIONS 19 with real pages.
func TestSmallerWhenTooLarge(t *testing.T) {
	e := engine(t)
	mail := mailWith(map[string][]byte{"a.pdf": document(6)}, "a.pdf")
	whole := run(t, e, "", mail, policy.Default())
	r := policy.Default()
	r.Limits.Output = whole.Body.Size() - 1
	n := run(t, e, "", mail, r)
	if n.Verdict != format.Rebuilt || n.Body.Size() >= whole.Body.Size() {
		t.Fatalf("%s %s %s: %d bytes of %d", n.Verdict, n.Reason, n.Detail, n.Body.Size(), whole.Body.Size())
	}
	if got := sizes(t, saved(t, output(t, n.Kids[0]))); got != sizes(t, saved(t, output(t, whole.Kids[0]))) {
		t.Errorf("pages of other sizes: %s", got)
	}
	r.Limits.Output = 9000
	if n = run(t, e, "", mail, r); n.Verdict != format.Partly || n.Kids[0].Reason != format.TooLargeAfter {
		t.Errorf("%s, %s %s", n.Verdict, n.Kids[0].Verdict, n.Kids[0].Reason)
	}
}
