package hypertext

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// setHost cleans and checks an untrusted host name. It reports false if no
// browser would open it.
func (t *target) setHost(untrusted string) bool {
	h := strings.ToLower(foldWidth(pctDecode(untrusted)))
	h = strings.Map(func(r rune) rune {
		switch {
		case r == '。' || r == '．' || r == '｡':
			return '.'
		case dropped(r):
			return -1
		}
		return r
	}, h)
	h = strings.TrimSuffix(h, ".")
	if h == "" || len(h) > 4*maxHost {
		return false
	}
	if strings.HasPrefix(h, "[") {
		t.host, t.numeric = h, true
		return validIPv6(h)
	}
	if v4, ok := parseIPv4(h); ok {
		t.numeric = v4 != h
		t.host = v4
		return true
	}
	var ascii, uni []string
	for _, label := range strings.Split(h, ".") {
		a, ok := toPuny(label)
		if !ok || !validLabel(a) {
			return false
		}
		u, _ := fromPuny(a)
		ascii, uni = append(ascii, a), append(uni, u)
		t.mixed = t.mixed || lookalike(u)
	}
	t.host = strings.Join(ascii, ".")
	if u := strings.Join(uni, "."); u != t.host {
		t.unicode = oneLine(u, maxHost)
	}
	return len(t.host) <= maxHost
}

func validLabel(s string) bool {
	if s == "" || len(s) > 63 {
		return false
	}
	for _, c := range []byte(s) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

func validIPv6(s string) bool {
	if len(s) < 4 || len(s) > 48 || s[len(s)-1] != ']' {
		return false
	}
	for _, c := range []byte(s[1 : len(s)-1]) {
		if _, ok := hexValue(c); !ok && c != ':' && c != '.' {
			return false
		}
	}
	return true
}

// parseIPv4 reads every spelling browsers accept (URL standard, "IPv4 parser"):
// fewer than four parts, octal and hexadecimal.
func parseIPv4(h string) (string, bool) {
	parts := strings.Split(h, ".")
	if len(parts) > 4 {
		return "", false
	}
	var v uint64
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 0, 64)
		if err != nil || p == "" || strings.ContainsAny(p, "_+ob") && !strings.HasPrefix(p, "0x") {
			return "", false
		}
		room := uint64(1) << 8
		if i == len(parts)-1 {
			room = 1 << (8 * (5 - len(parts)))
		}
		if n >= room {
			return "", false
		}
		if i == len(parts)-1 {
			v = v<<(8*(5-len(parts))) | n
		} else {
			v = v<<8 | n
		}
	}
	return fmt.Sprintf("%d.%d.%d.%d", v>>24&255, v>>16&255, v>>8&255, v&255), true
}

// latinLike holds Cyrillic and Greek letters that pass for Latin ones, in
// lower case (from Unicode UTS 39 confusables).
const latinLike = "аеорсухіјѕԁԛԝһӏӕкнмвтгпʟɡѡνοραυικτηωγ"

// lookalike tells whether a label mixes Latin with Cyrillic, Greek or similar
// letters, or consists of letters that pass for Latin.
func lookalike(label string) bool {
	var latin, other, passes, letters int
	for _, r := range label {
		switch {
		case r < 0x80:
			if r >= 'a' && r <= 'z' {
				latin++
				letters++
			}
		case unicode.In(r, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee, unicode.Coptic):
			other++
			letters++
			if strings.ContainsRune(latinLike, r) {
				passes++
			}
		case unicode.IsLetter(r):
			letters++
		}
	}
	return other > 0 && (latin > 0 || passes == letters)
}

// kin tells whether who runs host a also runs b: the same name, or one above
// the other. Neither may be a bare top-level name.
func kin(a, b string, site func(string) string) bool {
	a, b = strings.TrimPrefix(a, "www."), strings.TrimPrefix(b, "www.")
	if a == b {
		return true
	}
	if !strings.Contains(a, ".") || !strings.Contains(b, ".") {
		return false
	}
	if strings.HasSuffix(a, "."+b) || strings.HasSuffix(b, "."+a) {
		return !isIP(a) && !isIP(b)
	}
	if site == nil {
		return false
	}
	sa, sb := site(a), site(b)
	return sa != "" && sa == sb
}

func isIP(h string) bool {
	_, ok := parseIPv4(h)
	return ok || strings.HasPrefix(h, "[")
}

// foldWidth maps full-width ASCII forms to ASCII, as browsers do in hosts.
func foldWidth(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			return r - '！' + '!'
		}
		return r
	}, s)
}
