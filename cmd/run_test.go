package cmd

import (
	"os"
	"os/exec"
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
			if err != nil || strings.Count(string(out), "届きました") != 5 {
				t.Fatalf("%v: %s", err, out)
			}
		})
	}
}
