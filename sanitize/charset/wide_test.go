package charset

import "testing"

// TestStrayZeros: a zero byte among letters makes no UTF-16.
func TestStrayZeros(t *testing.T) {
	for name, c := range map[string]struct{ label, in, want string }{
		"labelled ASCII":  {"us-ascii", "Pay\x00ment", "Pay\x00ment"},
		"labelled UTF-8":  {"utf-8", "Pay\x00ment", "Pay\x00ment"},
		"no label":        {"", "Payment of\x00 100 yen\r\n", "Payment of\x00 100 yen\r\n"},
		"UTF-16 letters":  {"", "P\x00a\x00y\x00m\x00e\x00n\x00t\x00", "Payment"},
		"UTF-16 kana":     {"", "\x57\x30\x6f\x30\x89\x30\x44\x30\x0a\x00\x44\x30", "しはらい\nい"},
		"label of UTF-16": {"utf-16le", "P\x00a\x00y\x00", "Pay"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Decode(c.label, []byte(c.in)).Text; got != c.want {
				t.Errorf("read as %q, want %q", got, c.want)
			}
		})
	}
}
