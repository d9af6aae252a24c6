package demo

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDocument: another reader finds two pages, their text, the file and the
// script in the sample, and no fault.
func TestDocument(t *testing.T) {
	b, err := document()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	say := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	if got := say("qpdf", "--check", file); strings.Contains(got, "WARNING") {
		t.Error(got)
	}
	text := say("pdftotext", file, "-")
	for _, want := range []string{across[0], across[4], "町道一号線の改修について", "駐車場は三十台分あります"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
	if got := say("pdfdetach", "-list", file); !strings.Contains(got, "setup.exe") {
		t.Error(got)
	}
	if got := say("pdfinfo", file); !strings.Contains(got, "JavaScript:      yes") || !strings.Contains(got, "Pages:           2\n") {
		t.Error(got)
	}
	if !bytes.Contains(b, []byte("This program is a harmless sample")) {
		t.Error("the file that it holds is not the harmless one")
	}
}
