package mail

import "strings"

// lintScan reads a string from its front by a closed grammar. Each method
// takes what it is named after and reports whether it stood there; after a
// false, what is left is of no use. One character decides at every place, so
// reading takes linear time and hardly allocates, and there is nothing to
// compile when a worker starts. It has its own words for everything: Build's
// would hide Build's faults.
//
// spec: rfc5322#3.2 rfc2047#2 rfc5321#4.1.2
type lintScan struct{ rest string }

// Sets of characters.
const (
	lintDigits   = "0123456789"
	lintSmall    = "abcdefghijklmnopqrstuvwxyz"
	lintAlnum    = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + lintSmall + lintDigits
	lintAtext    = lintAlnum + "!#$%&'*+-/=?^_`{|}~"
	lintIDText   = lintAtext + ".[]:"
	lintToken    = lintAlnum + "._-"
	lintType     = lintSmall + lintDigits + ".+-"
	lintListID   = lintAlnum + "_+=-"
	lintFind     = lintSmall + lintDigits + "_"
	lintExtValue = lintAlnum + "%'._-" // of extended parameters
	lintMany     = 1 << 30
)

// end reports whether all is read.
func (s *lintScan) end() bool { return s.rest == "" }

// lit takes exactly word.
func (s *lintScan) lit(word string) bool {
	var ok bool
	s.rest, ok = strings.CutPrefix(s.rest, word)
	return ok
}

// any takes the first of words that stands here; none may begin another.
func (s *lintScan) any(words ...string) bool {
	for _, w := range words {
		if s.lit(w) {
			return true
		}
	}
	return false
}

// run takes all characters of set; there must be least to most.
func (s *lintScan) run(set string, least, most int) bool {
	n := 0
	for n < len(s.rest) && strings.IndexByte(set, s.rest[n]) >= 0 {
		n++
	}
	s.rest = s.rest[n:]
	return n >= least && n <= most
}

// one takes one character of set.
func (s *lintScan) one(set string) bool {
	if s.rest == "" || strings.IndexByte(set, s.rest[0]) < 0 {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// each takes one item, and more of them behind between, at most most in all.
func (s *lintScan) each(between string, most int, item func(*lintScan) bool) bool {
	for n := 1; n <= most; n++ {
		if !item(s) {
			return false
		}
		if !s.lit(between) {
			return true
		}
	}
	return false
}

// peek reports whether item stands here, and takes it only then.
func (s *lintScan) peek(item func(*lintScan) bool) bool {
	before := s.rest
	if item(s) {
		return true
	}
	s.rest = before
	return false
}

// visible takes printing characters with single spaces between them.
func (s *lintScan) visible() bool {
	return s.each(" ", lintMany, func(s *lintScan) bool {
		n := 0
		for n < len(s.rest) && s.rest[n] > ' ' && s.rest[n] < 0x7F {
			n++
		}
		s.rest = s.rest[n:]
		return n > 0
	})
}

func (s *lintScan) atom() bool    { return s.run(lintAtext, 1, lintMany) }
func (s *lintScan) dotAtom() bool { return s.each(".", lintMany, (*lintScan).atom) }

// label takes letters, digits and hyphens, no hyphen first or last.
func (s *lintScan) label() bool {
	all := s.rest
	if !s.run(lintAlnum+"-", 1, lintMany) {
		return false
	}
	all = all[:len(all)-len(s.rest)]
	return all[0] != '-' && all[len(all)-1] != '-'
}

func (s *lintScan) host() bool { return s.each(".", lintMany, (*lintScan).label) }

// address takes a local part, quoted when its dots stand where they may not,
// and a host.
func (s *lintScan) address() bool {
	if s.lit(`"`) {
		return s.run(lintAtext+".", 1, lintMany) && s.lit(`"@`) && s.host()
	}
	return s.dotAtom() && s.lit("@") && s.host()
}

// encodedWord takes one encoded word of UTF-8 in B form.
func (s *lintScan) encodedWord() bool {
	if !s.lit("=?utf-8?B?") || !s.run(lintAlnum+"+/", 1, lintMany) {
		return false
	}
	return s.run("=", 0, 2) && s.lit("?=")
}

// quotedString takes ASCII in quotes, with quotes and backslashes escaped.
func (s *lintScan) quotedString() bool {
	if !s.lit(`"`) {
		return false
	}
	for i := 0; i < len(s.rest); i++ {
		switch c := s.rest[i]; {
		case c == '"':
			s.rest = s.rest[i+1:]
			return true
		case c < ' ' || c > '~':
			return false
		case c == '\\':
			i++
			if i == len(s.rest) || s.rest[i] != '"' && s.rest[i] != '\\' {
				return false
			}
		}
	}
	return false
}

// phrase takes a quoted string or encoded words.
func (s *lintScan) phrase() bool {
	if strings.HasPrefix(s.rest, `"`) {
		return s.quotedString()
	}
	for {
		if !s.encodedWord() {
			return false
		}
		if !strings.HasPrefix(s.rest, " =") {
			return true
		}
		s.rest = s.rest[1:]
	}
}

// box takes a mailbox or an empty group and returns its phrase and its
// address; "" is none. An address is tried first: an encoded word without a
// space behind it may be a local part.
func (s *lintScan) box() (phrase, addr string, ok bool) {
	all := s.rest
	if s.peek((*lintScan).address) {
		return "", all[:len(all)-len(s.rest)], true
	}
	if !s.lit("undisclosed-recipients") && !s.phrase() {
		return "", "", false
	}
	phrase = all[:len(all)-len(s.rest)]
	if s.lit(":;") {
		return phrase, "", true
	}
	if phrase == "undisclosed-recipients" || !s.lit(" <") {
		return "", "", false
	}
	all = s.rest
	if !s.address() {
		return "", "", false
	}
	return phrase, all[:len(all)-len(s.rest)], s.lit(">")
}

func (s *lintScan) mailbox() bool   { _, addr, ok := s.box(); return ok && addr != "" }
func (s *lintScan) mailboxes() bool { return s.each(", ", lintMany, (*lintScan).mailbox) }

func (s *lintScan) boxOrGroup() bool { _, _, ok := s.box(); return ok }
func (s *lintScan) boxes() bool      { return s.each(", ", lintMany, (*lintScan).boxOrGroup) }
