package hypertext

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

var scriptLeft = regexp.MustCompile(`(?i)(javascript|vbscript):\S|data:[a-z]+/[a-z]+[,;]|<(script|iframe|img|svg|object|[/!?])`)

// checkText holds every text to the promises of the package comment.
func checkText(t *testing.T, s string) {
	t.Helper()
	if !utf8.ValidString(s) {
		t.Errorf("not UTF-8: %q", s)
	}
	for _, r := range s {
		if dropped(r) {
			t.Errorf("character %U in %q", r, s)
		}
	}
	if m := scriptLeft.FindString(s); m != "" {
		t.Errorf("%q left in %q", m, s)
	}
	if strings.Contains(s, "\n\n\n") || strings.HasSuffix(s, "\n") || strings.HasPrefix(s, "\n") {
		t.Errorf("empty lines in %q", s)
	}
	for _, l := range strings.Split(s, "\n") {
		if strings.TrimRight(l, " \t\r") != l {
			t.Errorf("trailing space in %q", l)
		}
	}
}
