package mail

import (
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// Addresses that stand for one that cannot be written. The top-level domain
// "invalid" never resolves (RFC 6761 section 6.4), so a reply goes nowhere.
const (
	buildUnknownAddr = "unknown@invalid.invalid"
	buildInvalidAddr = "invalid@invalid.invalid"
	buildNobody      = "undisclosed-recipients" // the usual name of an empty group
	buildUnknownName = "差出人の表示なし"
	buildNameMax     = 200 // characters of a display name
	buildQuotedMax   = 60  // characters of the sender's words inside our own
)

// buildMailbox is one address ready to be written.
type buildMailbox struct {
	name, addr string
	group      bool // an empty group: "name:;"
	imitates   bool // the sender's name showed another address
}

// buildBox judges one address. What cannot be written as an address is shown
// in the name, so that nothing is lost and nothing is sent there.
func buildBox(a ir.Address, own []string) buildMailbox {
	name := strings.TrimSpace(buildCut(a.Name, buildNameMax))
	if a.Addr == "" && (a.Role == ir.RoleTo || a.Role == ir.RoleCc) {
		return buildMailbox{name: name, group: true}
	}
	addr, ok := buildSpec(a.Addr)
	if !ok {
		return buildMailbox{name: buildUnwritable(name, a.Addr), addr: buildInvalidAddr}
	}
	if addr == buildUnknownAddr || addr == buildInvalidAddr || !buildImitates(name, addr, own) {
		return buildMailbox{name: name, addr: addr}
	}
	shown := "「" + buildCut(name, buildQuotedMax) + "」"
	if a.Role == ir.RoleTo || a.Role == ir.RoleCc {
		return buildMailbox{name: buildOnce(name, shown, "（実際は "+addr+"）"), addr: addr}
	}
	return buildMailbox{name: buildOnce(name, shown, "と名乗る "+addr), addr: addr, imitates: true}
}

// buildOnce returns shown+suffix, or name when it says so already: our own
// outputs may be sanitized again.
func buildOnce(name, shown, suffix string) string {
	if strings.HasPrefix(name, "「") && strings.HasSuffix(name, "」"+suffix) {
		return name
	}
	return shown + suffix
}

func buildUnwritable(name, addr string) string {
	if addr == "" {
		return name + "（アドレスの表示なし）"
	}
	return name + "（返信できないアドレス：" + buildCut(addr, buildQuotedMax) + "）"
}

// tokens writes the mailbox, ending in a comma unless it is the last.
func (m buildMailbox) tokens(last bool) []string {
	comma := ","
	if last {
		comma = ""
	}
	if m.group {
		t := buildPhrase(m.name)
		if len(t) == 0 || m.name == buildNobody {
			t = []string{buildNobody}
		}
		t[len(t)-1] += ":;" + comma
		return t
	}
	if m.name == "" {
		return []string{m.addr + comma}
	}
	return append(buildPhrase(m.name), "<"+m.addr+">"+comma)
}

func buildBoxTokens(boxes []buildMailbox) []string {
	var t []string
	for i, m := range boxes {
		t = append(t, m.tokens(i == len(boxes)-1)...)
	}
	return t
}

// buildSpec returns the strictly valid form of an address. A local part that
// is only wrong in its dots, as old mobile phone addresses are ("a..b.@…"), is
// quoted; a domain outside ASCII is written in its A-label form.
//
// spec: rfc5322#3.4.1
func buildSpec(s string) (string, bool) {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 || len(s) > 254 {
		return "", false
	}
	local, ok := buildLocal(s[:at])
	if !ok {
		return "", false
	}
	domain, ok := buildDomain(s[at+1:])
	if !ok {
		return "", false
	}
	return local + "@" + domain, true
}

func buildLocal(s string) (string, bool) {
	if len(s) > 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	if len(s) == 0 || len(s) > 62 {
		return "", false
	}
	for _, c := range []byte(s) {
		if !buildAlnum(c) && !strings.ContainsRune(".!#$%&'*+-/=?^_`{|}~", rune(c)) {
			return "", false
		}
	}
	if strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") || strings.Contains(s, "..") {
		return `"` + s + `"`, true
	}
	return s, true
}

// buildDomain returns the A-label form of a host name and whether it has one.
func buildDomain(s string) (string, bool) {
	for _, r := range s {
		if r > unicode.MaxASCII {
			a, err := idna.Lookup.ToASCII(s)
			if err != nil {
				return "", false
			}
			s = a
			break
		}
	}
	if len(s) > 190 {
		return "", false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return "", false
		}
		for _, c := range []byte(label) {
			if !buildAlnum(c) && c != '-' {
				return "", false
			}
		}
	}
	return s, true
}

// buildImitates reports whether a display name shows an address other than
// addr, or one of the office's own domains that addr is not in. Readers see
// the name and not the address (the usual trick of a forged 「町長」 mail).
// 「佐藤＠総務課」 is no address: a domain has a dot.
func buildImitates(name, addr string, own []string) bool {
	seen := buildFoldName(name)
	addr = strings.ToLower(strings.ReplaceAll(addr, `"`, ""))
	for i, c := range seen {
		if c != '@' {
			continue
		}
		local := strings.TrimRight(seen[:i], " ")
		local = local[buildLastDelimiter(local):]
		domain := strings.TrimLeft(seen[i+1:], " ")
		domain = strings.Trim(domain[:buildDomainEnd(domain)], ".-")
		if local == "" || !strings.Contains(domain, ".") {
			continue
		}
		if local+"@"+domain != addr {
			return true
		}
	}
	for _, d := range own {
		if strings.Contains(seen, d) && !format.Within(addr, d) {
			return true
		}
	}
	return false
}

// buildFoldName folds the forms in which a character can be disguised.
func buildFoldName(s string) string {
	s = strings.ToLower(norm.NFKC.String(s))
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Mn, r):
			return -1
		case r == '。', r == '｡':
			return '.'
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, s)
}

// buildLastDelimiter returns where the last word of s begins.
func buildLastDelimiter(s string) int {
	start := 0
	for i, r := range s {
		if strings.ContainsRune(" <>()[]{}\"',;:「」『』【】〈〉《》、。・/|@", r) {
			start = i + len(string(r))
		}
	}
	return start
}

// buildDomainEnd returns where the host name at the start of s ends.
func buildDomainEnd(s string) int {
	for i, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' && r != '-' {
			return i
		}
	}
	return len(s)
}

// buildOwnDomain reports whether one of the boxes claims an own address.
func buildOwnDomain(boxes []buildMailbox, p format.Profile) (string, bool) {
	for _, b := range boxes {
		for _, d := range p.OwnDomains {
			if format.Within(b.addr, d) {
				return b.addr, true
			}
		}
	}
	return "", false
}
