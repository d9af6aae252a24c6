package intake

import (
	"strings"
	"testing"
)

// FuzzStrict compares the check, of a stream cut in two, with the plain rule.
func FuzzStrict(f *testing.F) {
	for _, s := range []string{"", "a\r\nb\r\n", "\r", "\n", "\r\r\n", "a\x00", "\r\n\r\n", "\n\r", "a\r\nb\n"} {
		for cut := range 4 {
			f.Add([]byte(s), cut)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		cut = min(max(cut, 0), len(b))
		var s strict
		got := s.check(b[:cut]) && s.check(b[cut:]) && !s.cr
		if want := !strings.ContainsAny(strings.ReplaceAll(string(b), "\r\n", ""), "\r\n\x00"); got != want {
			t.Errorf("%q cut at %d: %v", b, cut, got)
		}
	})
}

// FuzzCommand reads arguments. What MAIL and RCPT accept is, written anew, read
// the same again, and has no byte that could end a path or a line.
func FuzzCommand(f *testing.F) {
	for _, s := range []string{"FROM:<a@b.test> SIZE=1", "to: <a@b.test>", "TO:<Postmaster>", "FROM:<> SMTPUTF8 BODY=7BIT",
		`TO:<"a>b"@c.test>`, "FROM:<佐@b.test> SMTPUTF8", "TO:<@a:b@c.test>", "5 LAST", "99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		if m, refused := parseMail(arg); refused == nil {
			again, refused := parseMail("FROM:<" + m.from + "> SMTPUTF8")
			if refused != nil || again.from != m.from || strings.ContainsAny(m.from, "<>\" \r\n\x00,") {
				t.Errorf("%q gave %+v, then %+v %v", arg, m, again, refused)
			}
		}
		if to, refused := parseRcpt(arg, true); refused == nil {
			again, refused := parseRcpt("TO:<"+to+">", true)
			if refused != nil || again != to || to == "" || strings.ContainsAny(to, "<>\" \r\n\x00,") {
				t.Errorf("%q gave %q, then %q %v", arg, to, again, refused)
			}
		}
		if size, _, ok := parseBdat(arg); ok && (size < 0 || size >= 1e18) {
			t.Errorf("%q gave a chunk of %d", arg, size)
		}
	})
}
