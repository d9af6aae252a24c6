package api

import (
	"strings"
	"testing"

	"sekisho/gateway/account"
	"sekisho/quarantine"
)

// TestProblems: each refusal of the rules has a sentence in both languages and
// a status of its own kind, and no code stands twice.
func TestProblems(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range problems {
		if seen[p.code] || p.ja == "" || p.en == "" || p.status < 400 || p.status > 599 {
			t.Errorf("%+v", p)
		}
		seen[p.code] = true
		for _, never := range []string{"安全です", "解放", "放出", "リリース", "検疫"} {
			if strings.Contains(p.ja, never) {
				t.Errorf("%s says %s", p.code, never)
			}
		}
	}
	for _, r := range account.Refusals() {
		if !seen[string(r)] {
			t.Errorf("%s has no row", r)
		}
	}
	for _, r := range quarantine.Refusals() {
		if p, known := explain(r, "ja"); !known || p.Code != string(r) || p.Title != r.Text().JA || p.Status < 400 || p.Status >= 500 {
			t.Errorf("%s: %+v", r, p)
		}
	}
}

func FuzzCursor(f *testing.F) {
	for _, s := range []string{"", "x", cursorOf("m", 1), cursorOf("m", 1<<62), cursorOf("i", 5), "bTotMQ", "bTow"} {
		f.Add(s, "m", `"v1"`, "ja,en;q=0.5")
	}
	f.Fuzz(func(t *testing.T, s, kind, tag, accept string) {
		if n, ok := readCursor(kind, s); ok && s != "" && (n <= 0 || cursorOf(kind, n) != s) {
			t.Errorf("%q of %q is %d", s, kind, n)
		}
		if v := version(tag); v > 0 && etag(v) != tag {
			t.Errorf("%q is %d", tag, v)
		}
		japanese(accept)
	})
}
