package mail

import (
	"strings"
	"testing"

	"sekisho/sanitize/format"
	"sekisho/sanitize/sanitizetest"
)

// Mail programs decode uuencode and yEnc wherever it stands in a text. What
// opens a file only after markup, character set or invisible characters are
// gone must not open one in the mail that we write.
// spec: g1
func TestTextOpensNoFile(t *testing.T) {
	const file = "begin 644 evil.exe\n#35J0\n`\nend\n"
	wide := "From: a@example.jp\nContent-Type: text/plain; charset=utf-16be\n\n"
	for _, r := range file {
		wide += "\x00" + string(r)
	}
	for name, in := range map[string]string{
		"html":               parsePlain("Content-Type: text/html", "<p>x</p><pre>\n"+file+"</pre>"),
		"html breaks":        parsePlain("Content-Type: text/html", "x<br>begin 644 evil.exe<br>#35J0<br>`<br>end"),
		"utf-16":             wide,
		"zero width":         parsePlain("X: y", strings.Replace(file, "begin", "be\u200bgin", 1)),
		"flowed":             parsePlain("Content-Type: text/plain; format=flowed", " "+file),
		"enriched":           parsePlain("Content-Type: text/enriched", "<x>\n\n</x>begin 644 evil.exe\n\n#35J0\n\nend"),
		"report":             parsePlain("Content-Type: message/delivery-status", file),
		"no data":            parsePlain("X: y", "begin 644 evil.exe\n\n#35J0\nend\n"),
		"yEnc":               parsePlain("X: y", "=ybegin line=128 size=3 name=evil.exe\nw\x84:\n=yend size=3\n"),
		"two blanks":         parsePlain("X: y", "begin  evil\n"),
		"base64 of uuencode": parsePlain("X: y", "begin-base64 644 evil.exe\nTVqQ\n====\n"),
	} {
		t.Run(name, func(t *testing.T) {
			given := format.Untrusted{Data: []byte(in), Budget: sanitizetest.Budget()}
			o, err := sanitizetest.Sanitize(t.Context(), conformFormat(), given, format.Construction{Facts: buildFacts()}, nil)
			if err != nil || len(o.Faults) > 0 {
				t.Fatal(err, o.Faults)
			}
			text, err := conformShow(o.Data)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(text, "\n> begin") && !strings.Contains(text, "\n> =ybegin") {
				t.Errorf("the line is not quoted in\n%s", text)
			}
		})
	}
	for line, opens := range map[string]bool{"begin 644 a": true, "begin 0755 a": true, "begin\t644\ta": true, "begin": false, "begin 644": false,
		"begin to read": false, "beginning  of": false, "begin 64 a": false, "begin 849 a": false, " begin 644 a": false, "> begin 644 a": false, "Begin 644 a": false} {
		if buildOpensFile(line) != opens {
			t.Errorf("%q: %v", line, !opens)
		}
	}
}
