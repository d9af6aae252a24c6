package mail

import (
	"bytes"
	"strings"

	"sekisho/sanitize/ir"
)

// hdrAuth is what the believed Authentication-Results fields say, reduced to
// the worst result of each method.
type hdrAuth struct {
	seen  bool
	dmarc string
	dkim  string // "pass" only when a passing signature is aligned
	spf   string // "pass" only when the passing domain is aligned
}

// hdrAuthResult reads the Authentication-Results fields (RFC 8601) whose
// authserv-id is ours to believe and returns "pass", "fail:…" with what each
// method said, or "" when there is no such field (DECISIONS 15). Several
// fields that disagree count as the worse one, so that a forged field that the
// upstream forgot to remove cannot overrule a real failure.
// spec: rfc8601#2.7 rfc8601#5
func hdrAuthResult(h *hdrBlock, authserv string, from []ir.Address) string {
	if authserv == "" {
		return ""
	}
	domain := ""
	if len(from) == 1 {
		domain = hdrDomain(from[0].Addr)
	}
	var a hdrAuth
	for _, raw := range h.all("authentication-results") {
		a.field(hdrUncomment(hdrString(raw)), authserv, domain)
	}
	switch {
	case !a.seen:
		return ""
	case domain == "": // no From, or several: nothing can be aligned with it
	case a.dmarc == "pass", a.dmarc == "" && (a.dkim == "pass" || a.spf == "pass"):
		return "pass"
	case a.dmarc == "none" && (a.dkim == "pass" || a.spf == "pass"):
		return "pass"
	}
	var parts []string
	for _, m := range []struct{ name, result string }{{"dmarc", a.dmarc}, {"spf", a.spf}, {"dkim", a.dkim}} {
		if m.result != "" {
			parts = append(parts, m.name+"_"+m.result)
		}
	}
	if len(parts) == 0 {
		return "fail:none"
	}
	return "fail:" + strings.Join(parts, "_")
}

// field takes one field's results in.
func (a *hdrAuth) field(s, authserv, domain string) {
	pieces := strings.Split(s, ";")
	id, _, _ := strings.Cut(strings.TrimSpace(pieces[0]), " ")
	if !strings.EqualFold(strings.Trim(id, "\""), authserv) {
		return
	}
	a.seen = true
	for _, p := range pieces[1:] {
		words := strings.Fields(strings.ReplaceAll(p, " = ", "="))
		if len(words) == 0 {
			continue
		}
		method, result, ok := strings.Cut(strings.ToLower(words[0]), "=")
		method, _, _ = strings.Cut(method, "/")
		if !ok {
			continue
		}
		a.method(method, hdrAuthWord(result), words[1:], domain)
	}
}

func (a *hdrAuth) method(method, result string, props []string, domain string) {
	switch method {
	case "dmarc":
		// The upstream may have read another From than we do: its pass is for that one.
		if of := hdrProp(props, "header.from"); result == "pass" && of != "" && !hdrAligned(of, domain) {
			result = "unaligned"
		}
		a.dmarc = hdrWorse(a.dmarc, result)
	case "dkim":
		// Several signatures are normal: one that passes and is aligned is enough.
		if result == "pass" && !hdrAligned(hdrProp(props, "header.d", "header.i"), domain) {
			result = "unaligned"
		}
		if a.dkim == "" || result == "pass" {
			a.dkim = result
		}
	case "spf":
		if result == "pass" && !hdrAligned(hdrProp(props, "smtp.mailfrom", "smtp.helo"), domain) {
			result = "unaligned"
		}
		a.spf = hdrWorse(a.spf, result)
	}
}

// hdrWorse keeps the first result unless a later one is no pass.
func hdrWorse(old, now string) string {
	if old == "" || now != "pass" {
		return now
	}
	return old
}

// hdrAuthWord reduces a result to the letters of a code.
func hdrAuthWord(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if (c >= 'a' && c <= 'z' || c >= '0' && c <= '9') && b.Len() < 16 {
			b.WriteByte(c)
		}
	}
	if b.Len() == 0 {
		return "none"
	}
	return b.String()
}

// hdrProp returns the domain of the first of the named properties.
func hdrProp(props []string, names ...string) string {
	for _, n := range names {
		for _, p := range props {
			if k, v, ok := strings.Cut(p, "="); ok && strings.EqualFold(k, n) {
				v = strings.Trim(v, "\"<>")
				if at := strings.LastIndexByte(v, '@'); at >= 0 {
					v = v[at+1:]
				}
				return strings.ToLower(strings.TrimSuffix(v, "."))
			}
		}
	}
	return ""
}

func hdrDomain(addr string) string {
	at := strings.LastIndexByte(addr, '@')
	if at < 0 {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(addr[at+1:], "."))
}

// hdrAligned is relaxed alignment without a public suffix list: the same
// domain, or one of at least two labels below the other. Sister domains do not count.
func hdrAligned(a, b string) bool {
	if a == "" || b == "" || !strings.Contains(a, ".") || !strings.Contains(b, ".") {
		return false
	}
	return a == b || strings.HasSuffix(a, "."+b) || strings.HasSuffix(b, "."+a)
}

// hdrOwnResult is the field that our builder writes into every mail.
const hdrOwnResult = "x-sekisho-result"

// hdrMaxReceived is how many hops a mail may have made (DECISIONS 14).
const hdrMaxReceived = 30

// hdrTrace counts the hops of a mail, those of Received fields and those that
// an earlier gateway of our kind counted, and tells whether our own instance
// has seen the mail before.
// spec: rfc5321#6.3
func hdrTrace(h *hdrBlock, self string) (received int64, own bool) {
	received = int64(h.count("received"))
	var carried int64
	for _, raw := range h.all(hdrOwnResult) {
		v := hdrParse("x;" + hdrString(raw))
		if self != "" && strings.EqualFold(v.get("id"), self) {
			own = true
		}
		carried = max(carried, hdrSmallInt(v.get("hops")))
	}
	if self == "" {
		return received + carried, own
	}
	for _, raw := range h.all("received") {
		words := bytes.FieldsFunc(raw, func(r rune) bool { return strings.ContainsRune(" \t\r\n;()", r) })
		for i, w := range words {
			if i > 0 && strings.EqualFold(string(words[i-1]), "id") && strings.EqualFold(string(w), self) {
				own = true
			}
		}
	}
	return received + carried, own
}

// hdrSmallInt reads a number of at most three digits.
func hdrSmallInt(s string) int64 {
	var n int64
	if len(s) == 0 || len(s) > 3 {
		return 0
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0
		}
		n = n*10 + int64(c-'0')
	}
	return n
}
