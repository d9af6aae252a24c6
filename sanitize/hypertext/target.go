package hypertext

import (
	"strings"
	"unicode/utf8"
)

type targetKind uint8

const (
	kindText  targetKind = iota // no address of its own: empty, fragment, relative
	kindWeb                     // http, https
	kindMail                    // mailto
	kindTel                     // tel
	kindOther                   // named, never written
)

// target is a link address, read the way a browser reads it (URL standard,
// "basic URL parser"), because the lies live in what browsers forgive.
type target struct {
	kind    targetKind
	scheme  string
	host    string // ASCII, lower case, punycode
	unicode string // the host as a browser may show it, if that differs
	tail    string // port, path, query and fragment, percent-encoded
	addr    string // mail address or telephone number
	user    bool   // something stands before an "@"
	numeric bool   // an IPv4 address in disguise
	mixed   bool   // letters of look-alike scripts
}

const (
	maxHost   = 253
	maxTarget = 64 << 10
)

// parseTarget reads ref; base is the document's base address or "".
func parseTarget(ref, base string) target {
	if len(ref) > maxTarget {
		ref = cutBytes(ref, maxTarget)
	}
	s := cleanRef(ref)
	scheme, rest := splitScheme(s)
	switch scheme {
	case "http", "https":
		return parseWeb(scheme, rest)
	case "mailto":
		return parseMail(rest)
	case "tel":
		return parseTel(rest)
	case "":
		return parseRelative(s, base)
	}
	return target{kind: kindOther, scheme: scheme}
}

// cleanRef takes out what browsers ignore in addresses: controls, line breaks,
// and characters that show nothing.
func cleanRef(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || dropped(r) {
			return -1
		}
		return r
	}, s)
	return strings.TrimFunc(s, func(r rune) bool { return r == ' ' || r == '\u00A0' || r == '\u3000' })
}

// schemeOf is the lower-case scheme of an attribute value, or "".
func schemeOf(v string) string {
	if len(v) > 200 {
		v = cutBytes(v, 200)
	}
	if strings.IndexByte(v, ':') < 0 {
		return ""
	}
	scheme, _ := splitScheme(cleanRef(v))
	return scheme
}

func splitScheme(s string) (scheme, rest string) {
	i := strings.IndexByte(s, ':')
	if i <= 0 || i > 40 {
		return "", s
	}
	scheme = strings.ToLower(strings.TrimSpace(s[:i]))
	for j, c := range []byte(scheme) {
		letter := c >= 'a' && c <= 'z'
		if !letter && (j == 0 || !(c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.')) {
			return "", s
		}
	}
	rest = s[i+1:]
	if strings.IndexByte(scheme, '.') > 0 && rest != "" && rest[0] >= '0' && rest[0] <= '9' {
		return "", s // host:port
	}
	if len(scheme) == 1 {
		return "file", rest // a drive letter
	}
	return scheme, rest
}

func slash(c byte) bool { return c == '/' || c == '\\' }

func parseRelative(s, base string) target {
	switch {
	case len(s) > 1 && slash(s[0]) && slash(s[1]):
		scheme := "https"
		if b := parseTarget(base, ""); base != "" && b.kind == kindWeb {
			scheme = b.scheme
		}
		return parseWeb(scheme, s)
	case len(s) > 4 && strings.EqualFold(s[:4], "www."):
		return parseWeb("http", s)
	case s == "" || s[0] == '#' || base == "":
		return target{}
	}
	b := parseTarget(base, "")
	if b.kind != kindWeb {
		return target{}
	}
	port, path := "", b.tail
	if i := strings.IndexAny(path, "/?#"); i >= 0 {
		port, path = path[:i], path[i:]
	} else {
		port, path = path, ""
	}
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	switch {
	case slash(s[0]):
		path = ""
	case s[0] != '?':
		path = path[:strings.LastIndexByte(path, '/')+1]
		if path == "" {
			path = "/"
		}
	}
	b.tail = port + encodeTail(path+s)
	return b
}

func parseWeb(scheme, rest string) target {
	t := target{kind: kindWeb, scheme: scheme}
	rest = strings.TrimLeft(rest, `/\`)
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, `/\?#`); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		t.user = i > 0
		authority = authority[i+1:]
	}
	t.user = t.user || strings.HasPrefix(tail, `\`) && strings.IndexByte(tail, '@') > 0
	host, port := authority, ""
	if i := strings.LastIndexByte(host, ':'); i >= 0 && i > strings.LastIndexByte(host, ']') {
		host, port = host[:i], host[i:]
	}
	if !t.setHost(host) || !validPort(port) {
		return target{kind: kindOther, scheme: scheme}
	}
	if port == ":" {
		port = ""
	}
	t.tail = port + encodeTail(tail)
	return t
}

func validPort(p string) bool {
	if len(p) > 6 {
		return false
	}
	for _, c := range []byte(strings.TrimPrefix(p, ":")) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func parseMail(rest string) target {
	addr, _, _ := strings.Cut(rest, "?") // drops subject, body, cc, attach
	addr = strings.TrimSpace(pctDecode(strings.TrimLeft(addr, "/")))
	at := strings.LastIndexByte(addr, '@')
	if at <= 0 || len(addr) > 320 || strings.ContainsAny(addr, " <>\"\\") {
		return target{kind: kindOther, scheme: "mailto"}
	}
	t := target{kind: kindMail, scheme: "mailto"}
	if !t.setHost(addr[at+1:]) || strings.ContainsFunc(addr[:at], func(r rune) bool { return r < '!' || dropped(r) }) {
		return target{kind: kindOther, scheme: "mailto"}
	}
	t.addr = addr[:at] + "@" + t.host
	return t
}

func parseTel(rest string) target {
	num := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || strings.ContainsRune("+-*#,;() .", r) {
			return r
		}
		return -1
	}, pctDecode(foldWidth(rest)))
	if num = strings.TrimSpace(num); num == "" || len(num) > 40 {
		return target{kind: kindOther, scheme: "tel"}
	}
	return target{kind: kindTel, scheme: "tel", addr: num}
}

// url writes the address, cut after limit bytes but never within the host.
func (t target) url(limit int) string {
	switch t.kind {
	case kindMail, kindTel:
		return t.scheme + ":" + t.addr
	case kindWeb:
		head := t.scheme + "://" + t.host
		room := max(limit-len(head), 0)
		if limit > 0 && len(t.tail) > room {
			cut := t.tail[:room]
			if i := strings.LastIndexByte(cut, '%'); i >= 0 && i > len(cut)-3 {
				cut = cut[:i] // do not split a percent triplet
			}
			return head + cut + "…"
		}
		return head + t.tail
	}
	return ""
}

// encodeTail percent-encodes everything that could end or disguise an address
// in plain text.
func encodeTail(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	path := true
	for _, c := range []byte(s) {
		if c == '?' || c == '#' {
			path = false
		}
		switch {
		case c == '\\' && path:
			b.WriteByte('/')
		case c <= ' ' || c >= 0x7F || strings.IndexByte("\"<>`\\^{|}", c) >= 0:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// pctDecode decodes %XX once; invalid triplets stay, invalid UTF-8 is replaced.
func pctDecode(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, ok1 := hexValue(s[i+1])
			lo, ok2 := hexValue(s[i+2])
			if ok1 && ok2 {
				b.WriteByte(hi<<4 | lo)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return strings.ToValidUTF8(b.String(), "\uFFFD")
}

func hexValue(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// cutBytes cuts s to at most n bytes at a character boundary.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
