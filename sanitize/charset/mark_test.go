package charset

import "testing"

// A byte order mark in front of a line that cannot be read once sliced the
// line beyond its end.
func TestMarkBeforeBrokenText(t *testing.T) {
	for in, want := range map[string]string{
		"\xEF\xBB\xBF\xE3":        "\uFFFD",
		"\xEF\xBB\xBF\xE3\x81":    "\uFFFD",
		"\xEF\xBB\xBFあ\n\xE3\x81": "あ\n\uFFFD",
		"\xEF\xBB\xBF":            "",
	} {
		if r := Decode("", []byte(in)); r.Text != want || r.Charset != "utf-8" {
			t.Errorf("%q: %q %s, want %q", in, r.Text, r.Charset, want)
		}
	}
}
