package hypertext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// LinkPolicy says how links are written. The zero value is the strict default.
type LinkPolicy struct {
	Defang bool                     // write every address inert
	Base   string                   // the document's base address, "" if none
	MaxURL int                      // see Options.MaxURL; 0 means no limit
	Site   func(host string) string // see Options.Site
}

// Link is a judged link, ready to be written as Visible followed by Suffix.
type Link struct {
	Visible string // the visible text; its addresses are inert if the link lies
	Suffix  string // the target or a remark, "" if Visible says it all
	Code    string // "", link_mismatch, link_deceptive or link_scheme
	Detail  string // for a finding; addresses in it are inert
	Host    string // the real host in ASCII, "" if there is none
}

// Judge compares what a link shows with where it leads. Only http, https,
// mailto and tel targets are ever written; a lying link is written inert with
// a remark, and of any other scheme only the name.
func Judge(visible, untrustedTarget string, p LinkPolicy) Link {
	visible = strings.TrimSpace(visible)
	t := parseTarget(untrustedTarget, p.Base).unwrapped()
	l := Link{Visible: visible, Host: t.host}
	switch t.kind {
	case kindText:
		return l
	case kindOther:
		l.Visible, l.Code, l.Detail = tame(visible), findScheme, t.scheme
		l.Suffix = "〔" + t.scheme + ": のリンク〕"
		return l
	}
	url := t.url(p.MaxURL)
	said, lies := t.mismatch(visible, p.Site)
	switch {
	case lies || t.deceptive():
		l.Visible, l.Suffix = Defang(visible), remark(t, url)
		l.Code, l.Detail = findDeceptive, t.inert()
		if lies {
			l.Code, l.Detail = findMismatch, strings.ReplaceAll(said, ".", "[.]")+" -> "+t.inert()
		}
		return l
	case t.sameAs(visible):
	case visible == "":
		l.Suffix = "<" + url + ">"
	default:
		l.Suffix = " <" + url + ">"
		if t.unicode != "" {
			l.Suffix += "（" + t.unicode + "）"
		}
	}
	if p.Defang {
		l.Visible, l.Suffix = Defang(l.Visible), Defang(l.Suffix)
	}
	return l
}

// remark says where a lying link really leads.
func remark(t target, url string) string {
	what := "行き先"
	switch t.kind {
	case kindMail:
		what, url = "宛先", strings.ReplaceAll(t.addr, "@", "[@]")
		url = strings.ReplaceAll(url, ".", "[.]")
	case kindTel:
		what, url = "電話番号", t.addr
	}
	s := "〔注意: 実際の" + what + "は " + Defang(url) + " "
	if t.unicode != "" {
		s += "（見かけの名前 " + strings.ReplaceAll(t.unicode, ".", "[.]") + "） "
	}
	return s + "〕"
}

func (t target) deceptive() bool { return t.user || t.numeric || t.mixed }

func (t target) inert() string {
	if t.kind == kindTel {
		return t.addr
	}
	return strings.ReplaceAll(t.host, ".", "[.]")
}

// mismatch finds a claim of the visible text that the target does not keep.
func (t target) mismatch(visible string, site func(string) string) (string, bool) {
	if t.kind == kindTel {
		return telMismatch(visible, t.addr)
	}
	cs := claims(visible)
	for _, c := range cs {
		if c.addr != "" && t.kind == kindMail {
			if !strings.EqualFold(c.addr, t.addr) {
				return c.host, true
			}
			continue
		}
		if !kin(c.host, t.host, site) {
			return c.host, true
		}
	}
	if len(cs) == 0 || t.kind != kindWeb || t.sameAs(visible) {
		return "", false
	}
	// An open redirect on the claimed host leads elsewhere.
	if next := t.inner(); next.kind == kindWeb && !kin(next.host, t.host, site) {
		return cs[0].host, true
	}
	return "", false
}

// inner is the address packed into the path or query of t, if there is one.
func (t target) inner() target {
	for part := range strings.SplitSeq(t.tail, "&") {
		if i := strings.IndexByte(part, '='); i >= 0 {
			part = part[i+1:]
		}
		part = pctDecode(part)
		if i, _ := nextURL(part); i >= 0 {
			return parseTarget(part[i:], "")
		}
	}
	return target{}
}

// unwrapped looks through the link checkers that rewrite every link of a mail
// they pass on. A reader knows and wants the address inside.
func (t target) unwrapped() target {
	if t.kind != kindWeb || !strings.HasSuffix(t.host, ".safelinks.protection.outlook.com") {
		return t
	}
	if next := t.inner(); next.kind == kindWeb {
		return next
	}
	return t
}

// telMismatch compares the last eight digits, which country and trunk prefixes
// do not touch.
func telMismatch(visible, number string) (string, bool) {
	digits := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, foldWidth(s))
	}
	said, real := digits(visible), digits(number)
	if len(said) < 9 || len(said) > 15 || len(real) < 8 {
		return "", false
	}
	return said, !strings.Contains(said, real[len(real)-8:])
}

// sameAs tells whether the visible text already is the address.
func (t target) sameAs(visible string) bool {
	visible = strings.TrimSpace(visible)
	switch t.kind {
	case kindMail:
		v := strings.ToLower(visible)
		return strings.TrimPrefix(v, "mailto:") == strings.ToLower(t.addr)
	case kindTel:
		said, ok := telMismatch(visible, t.addr)
		return said != "" && !ok
	}
	if strings.ContainsAny(visible, " \n…") {
		return false
	}
	v := parseTarget(visible, "")
	if v.kind == kindText && visible != "" {
		v = parseWeb(t.scheme, visible)
	}
	return v.kind == kindWeb && v.host == t.host && strings.TrimSuffix(v.tail, "/") == strings.TrimSuffix(t.tail, "/")
}

// PlainLinks applies the rule to addresses that stand in plain text: those
// built to be misread are written inert with a remark, and with p.Defang all
// are. Other text comes back as it was.
func PlainLinks(text string, p LinkPolicy) (string, []Link) {
	var out strings.Builder
	var found []Link
	for {
		start, end := nextURL(text)
		if start < 0 {
			break
		}
		raw := text[start:end]
		out.WriteString(text[:start])
		text = text[end:]
		t := parseTarget(raw, "")
		switch {
		case t.kind == kindWeb && t.deceptive():
			l := Judge(raw, raw, p)
			found = append(found, l)
			out.WriteString(l.Visible + l.Suffix)
		case p.Defang:
			out.WriteString(defangURL(raw))
		default:
			out.WriteString(raw)
		}
	}
	if out.Len() == 0 {
		return text, nil
	}
	out.WriteString(text)
	return out.String(), found
}

// Defang makes the web addresses in s inert: hxxps://host[.]example/path. It
// changes nothing else and may be applied twice.
func Defang(s string) string {
	var out strings.Builder
	for {
		start, end := nextURL(s)
		if start < 0 {
			break
		}
		out.WriteString(s[:start])
		out.WriteString(defangURL(s[start:end]))
		s = s[end:]
	}
	if out.Len() == 0 {
		return s
	}
	out.WriteString(s)
	return out.String()
}

// defangURL also disarms addresses packed inside the address.
func defangURL(u string) string {
	b := []byte(u)
	for i := range b {
		if schemePrefix(u[i:]) != "" {
			b[i+1] += 'x' - 't' // keeps the case
			b[i+2] += 'x' - 't'
		}
	}
	u = string(b)
	head, rest, ok := strings.Cut(u, "://")
	if ok {
		head += "://"
	} else {
		head, rest = "", u
	}
	end := len(rest)
	if i := strings.IndexAny(rest, `/\?#`); i >= 0 {
		end = i
	}
	return head + strings.ReplaceAll(rest[:end], ".", "[.]") + rest[end:]
}

// nextURL finds the first address a mail program would make clickable:
// http://, https:// or a word beginning with "www.". start is -1 if none.
func nextURL(s string) (start, end int) {
	for i := 0; i < len(s); i++ {
		n := 0
		switch lowerByte(s[i]) {
		case 'h':
			if n = len(schemePrefix(s[i:])); n == 0 {
				continue
			}
		case 'w':
			prev, _ := utf8.DecodeLastRuneInString(s[:i])
			if i+4 >= len(s) || !strings.EqualFold(s[i:i+4], "www.") ||
				i > 0 && prev < 0x80 && (unicode.IsLetter(prev) || unicode.IsDigit(prev) || prev == '.' || prev == '@' || prev == '-') {
				continue
			}
		default:
			continue
		}
		from := i + n
		if lit := strings.IndexByte(cutBytes(s[from:], 48), ']'); n > 0 && lit > 0 && s[from] == '[' {
			from += lit + 1 // IPv6 literal
		}
		end = from + indexBreak(s[from:])
		for end > i+n && strings.IndexByte(".,;:!?'*_~", s[end-1]) >= 0 {
			end--
		}
		if end > i+n {
			return i, end
		}
	}
	return -1, -1
}

func indexBreak(s string) int {
	if i := strings.IndexFunc(s, urlBreak); i >= 0 {
		return i
	}
	return len(s)
}

func schemePrefix(s string) string {
	for _, p := range []string{"https://", "http://"} {
		if len(s) > len(p) && strings.EqualFold(s[:len(p)], p) {
			return s[:len(p)]
		}
	}
	return ""
}

func urlBreak(r rune) bool {
	return unicode.IsSpace(r) || r < ' ' || wide(r) || r == '…' || strings.ContainsRune("<>\"()[]{}|^`", r)
}

// tame makes script and data addresses in visible text unusable by giving them
// a full-width colon. Our own marks, which name a bare scheme, stay.
func tame(s string) string {
	if strings.IndexByte(s, ':') < 0 {
		return s
	}
	var out strings.Builder
	rest := s
	for {
		i := strings.IndexByte(rest, ':')
		if i < 0 {
			break
		}
		word := strings.ToLower(rest[max(0, i-10):i])
		after := rest[i+1:]
		script := strings.HasSuffix(word, "javascript") || strings.HasSuffix(word, "vbscript")
		data := strings.HasSuffix(word, "data") && dataAddress(after)
		out.WriteString(rest[:i])
		if (script && !strings.HasPrefix(after, " のリンク〕")) || data {
			out.WriteString("：")
		} else {
			out.WriteByte(':')
		}
		rest = after
	}
	out.WriteString(rest)
	return out.String()
}

func dataAddress(s string) bool {
	head := cutBytes(s, 60)
	i := strings.IndexByte(head, '/')
	return strings.HasPrefix(strings.TrimLeft(head, " "), ",") || strings.HasPrefix(head, ";") ||
		i > 0 && !strings.ContainsAny(head[:i], " \t") && strings.IndexAny(head, ",;") > i
}
