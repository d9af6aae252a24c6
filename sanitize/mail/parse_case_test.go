package mail

import (
	"strings"
	"testing"

	"sekisho/sanitize/format"
)

// parseCase is one mail and what its transcript must and must not hold.
type parseCase struct {
	name   string
	in     string // LF line ends
	want   []string
	absent []string
	hold   format.Reason
	// exact: the case is about bytes that other line ends would change.
	exact bool
}

// run parses the case with LF, CRLF and bare CR, which must all read the same.
func (c parseCase) run(t *testing.T) {
	forms := map[string]string{"LF": c.in}
	if !c.exact {
		forms["CRLF"] = strings.ReplaceAll(c.in, "\n", "\r\n")
		forms["CR"] = strings.ReplaceAll(c.in, "\n", "\r")
	}
	for form, data := range forms {
		got, err := parseTranscript(t.Context(), parseGiven(data))
		if reason := parseReason(err); reason != c.hold {
			t.Errorf("%s: reason %q, want %q (%v)", form, reason, c.hold, err)
			continue
		}
		if c.hold == "" && err != nil {
			t.Errorf("%s: %v", form, err)
		}
		if form == "CRLF" {
			got = strings.ReplaceAll(got, `\r\n`, `\n`)
		}
		for _, w := range c.want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: no %q in\n%s", form, w, got)
			}
		}
		for _, a := range c.absent {
			if strings.Contains(got, a) {
				t.Errorf("%s: %q must not be in\n%s", form, a, got)
			}
		}
	}
}

func parseRunCases(t *testing.T, cases []parseCase) {
	t.Helper()
	seen := map[string]bool{}
	for _, c := range cases {
		if seen[c.name] {
			t.Errorf("two cases are called %q", c.name)
		}
		seen[c.name] = true
		if c.hold == "" && len(c.want) == 0 {
			t.Errorf("%s asserts nothing", c.name)
		}
		t.Run(c.name, c.run)
	}
}

// parseMixed is a multipart/mixed with boundary b and the given parts.
func parseMixed(parts ...string) string {
	return "From: a@example.jp\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b\"\n\n--b\n" +
		strings.Join(parts, "\n--b\n") + "\n--b--\n"
}

// parsePlain is a mail of one part with these header lines.
func parsePlain(header, body string) string { return "From: a@example.jp\n" + header + "\n\n" + body }

const (
	partText = "Content-Type: text/plain\n\nhello"
	partPDF  = "Content-Type: application/pdf; name=x.pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0xLjQ="
)
