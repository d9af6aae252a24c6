package hypertext

import (
	"strings"
	"unicode"
)

// claim is a host or mail address that a link's visible text names.
type claim struct {
	host string // as in target.host
	addr string // whole address if it is a mail address
}

const (
	maxClaimText = 4096 // bytes of visible text looked at
	maxClaims    = 16
)

// claims lists what the visible text pretends to lead to.
func claims(visible string) []claim {
	if !strings.ContainsAny(visible, ".．。｡") {
		return nil
	}
	text := foldDots(foldWidth(cleanRef(strings.Map(breakToSpace, cutBytes(visible, maxClaimText)))))
	var out []claim
	for _, field := range strings.FieldsFunc(text, claimBreak) {
		if len(out) == maxClaims {
			break
		}
		if c, ok := urlClaim(field); ok {
			out = append(out, c)
			continue
		}
		for _, word := range strings.FieldsFunc(field, wide) {
			if c, ok := wordClaim(strings.Trim(word, ".:-*_")); ok && len(out) < maxClaims {
				out = append(out, c)
			}
		}
	}
	return out
}

// foldDots reads the Japanese full stop between ASCII letters as the dot that
// browsers take it for.
func foldDots(s string) string {
	if !strings.ContainsAny(s, "。｡") {
		return s
	}
	rs := []rune(s)
	word := func(i int) bool { return i >= 0 && i < len(rs) && rs[i] < 0x80 && readable(rs[i]) }
	for i, r := range rs {
		if (r == '。' || r == '｡') && word(i-1) && word(i+1) {
			rs[i] = '.'
		}
	}
	return string(rs)
}

func breakToSpace(r rune) rune {
	if r == '\n' || r == '\t' || r == '\r' {
		return ' '
	}
	return r
}

func claimBreak(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("<>\"'()[]{},;|「」『』【】〔〕、", r)
}

// urlClaim reads the host of a field that holds "://".
func urlClaim(field string) (claim, bool) {
	i := strings.Index(field, "://")
	if i < 0 {
		return claim{}, false
	}
	authority := strings.TrimLeft(field[i+len("://"):], `/\`)
	if j := strings.IndexAny(authority, `/\?#`); j >= 0 {
		authority = authority[:j]
	}
	// "https://town.example.jpをご覧": the sentence goes on without a space.
	if j := strings.IndexFunc(authority, wide); j > 0 && hostLike(authority[:j]) {
		authority = authority[:j]
	}
	t := parseWeb("https", authority)
	return claim{host: t.host}, t.kind == kindWeb
}

// wordClaim reads a mail address or bare domain.
func wordClaim(w string) (claim, bool) {
	if at := strings.LastIndexByte(w, '@'); at > 0 {
		t := parseMail(strings.TrimPrefix(strings.ToLower(w), "mailto:"))
		return claim{host: t.host, addr: t.addr}, t.kind == kindMail && hostLike(t.host)
	}
	host, path := w, ""
	if i := strings.IndexAny(w, `/\?#:`); i >= 0 {
		host, path = w[:i], w[i:]
	}
	if !hostLike(host) {
		return claim{}, false
	}
	labels := strings.Split(strings.ToLower(host), ".")
	tld := labels[len(labels)-1]
	bold := labels[0] == "www" || isIP(host) || knownTLD(tld) ||
		maybeTLD(tld) && (len(labels) > 2 || strings.HasPrefix(path, "/"))
	if !bold {
		return claim{}, false
	}
	t := parseWeb("https", host)
	return claim{host: t.host}, t.kind == kindWeb
}

// hostLike tells whether s has the form of a host with at least two labels.
func hostLike(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if len(s) > maxHost || strings.Count(s, ".") == 0 {
		return false
	}
	if isIP(s) {
		return strings.Count(s, ".") == 3
	}
	labels := strings.Split(s, ".")
	for _, l := range labels {
		if l == "" || strings.ContainsFunc(l, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_'
		}) {
			return false
		}
	}
	tld := labels[len(labels)-1]
	return len(tld) >= 2 && !strings.ContainsFunc(tld, unicode.IsDigit) || strings.HasPrefix(tld, "xn--")
}

// knownTLD lists endings that mean a domain even without scheme or path. It
// leaves out those that are common file endings; maybeTLD has them.
func knownTLD(tld string) bool {
	switch tld {
	case "com", "net", "org", "info", "biz", "edu", "gov", "mil", "int", "name", "app", "dev", "xyz", "online", "site",
		"shop", "store", "top", "club", "tech", "cloud", "live", "link", "page", "blog", "news", "work", "world", "icu",
		"vip", "support", "email", "tokyo", "osaka", "kyoto", "nagoya", "yokohama", "okinawa", "example", "test":
		return true
	}
	if strings.HasPrefix(tld, "xn--") {
		return true
	}
	return len(tld) == 2 && strings.Contains(countryTLDs, " "+tld+" ") && !maybeTLD(tld)
}

// countryTLDs is the list of country codes in the root zone (IANA).
const countryTLDs = " ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz " +
	"ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr " +
	"ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp " +
	"ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu " +
	"mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw " +
	"sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz " +
	"ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw "

// maybeTLD lists endings that are domains as well as file names.
func maybeTLD(tld string) bool {
	switch tld {
	case "ai", "cc", "cs", "db", "gz", "js", "mm", "md", "pl", "ps", "py", "rs", "sh", "so", "ts", "vb", "xz", "zip", "mov":
		return true
	}
	return false
}
