package gateway

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of RFC 5321 §4.5.3.1, in bytes.
const (
	maxLocalPart = 64
	maxDomain    = 255
	maxLabel     = 63
)

// CheckAddress reports why s is not an address that may stand in an envelope:
// only Dot-string "@" Domain of RFC 5321 §4.1.2, with UTF-8 (RFC 6531) when
// utf8OK is set, but no characters that people cannot see: they would turn or
// hide the address in lists and logs. Quoted local parts, source routes, address literals and
// anything that a peer could read as more than one path or as a parameter are
// refused: some clients write them back without their quotes.
// spec: rfc5321#4.1.2 rfc5321#4.5.3.1.1 rfc5321#4.5.3.1.2 rfc6531#3.3
func CheckAddress(s string, utf8OK bool) error {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 {
		return errors.New("an address is local-part@domain")
	}
	local, domain := s[:at], s[at+1:]
	if len(local) > maxLocalPart || len(domain) > maxDomain {
		return errors.New("the address is too long")
	}
	if !utf8.ValidString(s) {
		return errors.New("the address is not UTF-8")
	}
	if !dotted(local, func(r rune) bool { return atext(r, utf8OK) }) {
		return errors.New("the local part is not a dot-string")
	}
	if !dotted(domain, func(r rune) bool { return label(r, utf8OK) }) {
		return errors.New("the domain is malformed")
	}
	for l := range strings.SplitSeq(domain, ".") {
		if len(l) > maxLabel || l[0] == '-' || l[len(l)-1] == '-' {
			return errors.New("the domain is malformed")
		}
	}
	return nil
}

// dotted reports whether s is one or more runs of good characters with single
// dots between them.
func dotted(s string, good func(rune) bool) bool {
	last := '.'
	for _, r := range s {
		if r == '.' && last == '.' || r != '.' && !good(r) {
			return false
		}
		last = r
	}
	return last != '.'
}

func alnum(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

func atext(r rune, utf8OK bool) bool {
	return alnum(r) || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r) || utf8OK && visible(r)
}

func label(r rune, utf8OK bool) bool {
	return alnum(r) || r == '-' || r == '_' || utf8OK && visible(r)
}

// visible reports whether r is a letter, mark, number, punctuation or symbol
// beyond ASCII: no control, format, separator or unassigned character.
func visible(r rune) bool { return r >= 0xA0 && unicode.IsPrint(r) }

// ASCII reports whether s needs no SMTPUTF8.
func ASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}
