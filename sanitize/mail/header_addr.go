package mail

import (
	"strings"

	"sekisho/sanitize/ir"
)

// Limits of addresses.
const (
	hdrMaxAddresses = 500  // of all roles of one mail
	hdrMaxAddrBytes = 320  // of one addr-spec: 64 + 1 + 255
	hdrMaxNameBytes = 1000 // of one display name
)

// hdrAddressFields are the fields with addresses that cross the wall.
var hdrAddressFields = []struct {
	field string
	role  ir.Role
}{
	{"from", ir.RoleFrom}, {"sender", ir.RoleSender}, {"reply-to", ir.RoleReplyTo}, {"to", ir.RoleTo}, {"cc", ir.RoleCc},
}

// hdrAddr is one mailbox before cleaning: a display name that may still hold
// encoded words, and an address.
type hdrAddr struct{ name, addr string }

// hdrAddresses reads an address list (RFC 5322 section 3.4) the tolerant way.
// Groups are flattened; an empty group gives one entry without an address.
// Commas and semicolons both separate. At most limit entries are returned;
// more tells that there are others.
// spec: rfc5322#3.4
func hdrAddresses(raw []byte, limit int) (list []hdrAddr, more bool) {
	s := hdrString(raw)
	for len(s) > 0 {
		item, sep, rest := hdrAddrItem(s)
		s = rest
		item = strings.TrimSpace(item)
		if sep == ':' { // a group starts
			inner := strings.TrimLeft(s, " \t")
			if (inner == "" || inner[0] == ';') && len(list) < limit {
				list = append(list, hdrAddr{name: hdrUnquote(item)})
				s = strings.TrimPrefix(inner, ";")
			}
			continue
		}
		if item == "" {
			continue
		}
		if len(list) >= limit {
			return list, true
		}
		list = append(list, hdrAddrOne(item))
	}
	return list, false
}

// hdrAddrItem cuts the first element off an address list and returns the
// separator that ended it: ',', ';', ':' for the start of a group, 0 at the end.
func hdrAddrItem(s string) (string, byte, string) {
	quoted, angle := false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case c == '"':
			// A quote that never closes is a character of the name.
			quoted = !quoted && strings.IndexByte(s[i+1:min(len(s), i+1+hdrMaxNameBytes)], '"') >= 0
		case quoted:
		case c == '(':
			if n := hdrComment(s[i:]); n > 0 {
				i += n - 1
			}
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case angle && c != ',' && c != ';':
		case c == ',' || c == ';':
			if angle && strings.IndexByte(s[i:min(len(s), i+hdrMaxAddrBytes)], '>') >= 0 {
				continue // an old source route: <@a,@b:c@d>
			}
			return s[:i], c, s[i+1:]
		case c == ':':
			return s[:i], c, s[i+1:]
		}
	}
	return s, 0, ""
}

// hdrAddrOne splits one element into display name and address.
func hdrAddrOne(item string) hdrAddr {
	lt := hdrLastOutsideQuotes(item, '<')
	if lt >= 0 {
		addr := item[lt+1:]
		after := ""
		if gt := strings.IndexByte(addr, '>'); gt >= 0 {
			addr, after = addr[:gt], addr[gt+1:]
		}
		name := hdrUnquote(hdrUncomment(item[:lt]))
		if name == "" {
			name = hdrCommentText(item[:lt] + after)
		}
		return hdrAddr{name, hdrAddrSpec(addr)}
	}
	bare := strings.TrimSpace(hdrUncomment(item))
	if strings.Contains(bare, "@") {
		// Name and address without brackets: the last word with an at sign is the address.
		words := strings.Fields(bare)
		for i := len(words) - 1; i >= 0; i-- {
			if strings.Contains(words[i], "@") && !strings.Contains(words[i], "\"") {
				rest := append(append([]string(nil), words[:i]...), words[i+1:]...)
				name := hdrUnquote(strings.Join(rest, " "))
				if name == "" {
					name = hdrCommentText(item)
				}
				return hdrAddr{name, hdrAddrSpec(words[i])}
			}
		}
		return hdrAddr{"", hdrAddrSpec(bare)}
	}
	return hdrAddr{name: hdrUnquote(bare)}
}

// hdrAddrSpec removes comments, blanks and an old source route from an address.
func hdrAddrSpec(s string) string {
	s = strings.TrimSpace(hdrUncomment(s))
	if strings.HasPrefix(s, "@") {
		if i := strings.IndexByte(s, ':'); i >= 0 {
			s = s[i+1:]
		}
	}
	if len(s) >= 7 && strings.EqualFold(s[:7], "mailto:") {
		s = s[7:]
	}
	if strings.Contains(s, "\"") {
		return s
	}
	return strings.Join(strings.Fields(s), "")
}

// hdrUnquote removes the quotes and escapes of a phrase.
// spec: rfc5322#3.2.4
func hdrUnquote(s string) string {
	s = strings.TrimSpace(s)
	if !strings.Contains(s, "\"") {
		return strings.Join(strings.Fields(s), " ")
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] < 0x80:
			i++
			b.WriteByte(s[i])
		case s[i] != '"':
			b.WriteByte(s[i])
		}
	}
	return strings.TrimSpace(b.String())
}

// hdrCommentText returns the words of the first comment: `a@b (Taro)`.
func hdrCommentText(s string) string {
	i := strings.IndexByte(s, '(')
	if i < 0 {
		return ""
	}
	n := hdrComment(s[i:])
	if n < 3 {
		return ""
	}
	return hdrUnquote(s[i+1 : i+n-1])
}

// hdrLastOutsideQuotes returns the last index of c outside quoted strings, so
// that `<a@b> <c@d>` is read like most mail readers do.
func hdrLastOutsideQuotes(s string, c byte) int {
	quoted, last := false, -1
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == c && !quoted:
			last = i
		}
	}
	if last < 0 && quoted { // unbalanced: quotes mean nothing
		return strings.LastIndexByte(s, c)
	}
	return last
}

// hdrMailbox decodes and cleans a mailbox for the wall. A name that was
// encoded together with its address is taken apart.
func hdrMailbox(a hdrAddr, role ir.Role, c *parseCleaner) ir.Address {
	name := c.header([]byte(a.name))
	if a.addr == "" && strings.Contains(name, "@") && strings.Contains(a.name, "=?") {
		b := hdrAddrOne(name)
		name, a.addr = b.name, b.addr
	}
	out := ir.Address{Role: role, Name: parseCut(name, hdrMaxNameBytes), Addr: parseCut(c.header([]byte(a.addr)), hdrMaxAddrBytes)}
	return out
}
