package cmd

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestFirstCommand runs the README's first command as a newcomer would, on a
// machine with a C compiler, where Go links with cgo, and on one without.
func TestFirstCommand(t *testing.T) {
	for _, cgo := range []string{"0", "1"} {
		t.Run("CGO_ENABLED="+cgo, func(t *testing.T) {
			c := exec.CommandContext(t.Context(), "go", "run", "./cmd/sekisho", "demo", "--once")
			c.Dir, c.Env = "..", append(os.Environ(), "CGO_ENABLED="+cgo)
			out, err := c.CombinedOutput()
			if err != nil || strings.Count(string(out), "届きました") != 6 {
				t.Fatalf("%v: %s", err, out)
			}
		})
	}
}

// TestFirstPDF draws a PDF the same way: its box has an engine, which is
// started otherwise than the light ones.
func TestFirstPDF(t *testing.T) {
	const page = "%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n" +
		"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]>>\nendobj\ntrailer\n<</Root 1 0 R/Size 4>>\n%%EOF\n"
	file := filepath.Join(t.TempDir(), "page.pdf")
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, cgo := range []string{"0", "1"} {
		t.Run("CGO_ENABLED="+cgo, func(t *testing.T) {
			c := exec.CommandContext(t.Context(), "go", "run", "./cmd/sekisho", "sanitize", "--json", file)
			c.Dir, c.Env = "..", append(os.Environ(), "CGO_ENABLED="+cgo)
			out, err := c.CombinedOutput()
			if err != nil || !strings.Contains(string(out), `"verdict":"rebuilt"`) {
				t.Fatalf("%v: %s", err, out)
			}
		})
	}
}
