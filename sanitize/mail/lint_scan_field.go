package mail

import "strings"

// What the fields of a mail and of its parts have besides addresses.

func (s *lintScan) msgID() bool {
	return s.lit("<") && s.run(lintIDText, 1, lintMany) && s.lit("@") && s.run(lintIDText+"@", 1, lintMany) && s.lit(">")
}

func (s *lintScan) msgIDs() bool { return s.each(" ", lintMany, (*lintScan).msgID) }

// date takes the one form of a date that we write.
func (s *lintScan) date() bool {
	return s.any("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun") && s.lit(", ") && s.one("0123") && s.one(lintDigits) && s.lit(" ") &&
		s.any("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec") && s.lit(" ") &&
		s.one("12") && s.run(lintDigits, 3, 3) && s.lit(" ") &&
		s.one("012") && s.one(lintDigits) && s.lit(":") && s.sixty() && s.lit(":") && s.sixty() && s.lit(" ") &&
		s.one("+-") && s.one("01") && s.one(lintDigits) && s.sixty()
}

// sixty takes two digits of minutes or seconds.
func (s *lintScan) sixty() bool { return s.one("012345") && s.one(lintDigits) }

func (s *lintScan) token() bool  { return s.run(lintToken, 1, lintMany) }
func (s *lintScan) number() bool { return s.run(lintDigits, 1, lintMany) }

func (s *lintScan) received() bool {
	return s.lit("from unspecified by ") && s.host() && s.lit(" (sekisho) id ") && s.token() && s.lit("; ") && s.date()
}

// listID takes a name in dots and angle brackets; spec: rfc2919#3.
func (s *lintScan) listID() bool {
	name := func(s *lintScan) bool { return s.run(lintListID, 1, lintMany) }
	return s.lit("<") && s.each(".", lintMany, name) && s.lit(">")
}

// languages takes at most ten tags of languages.
func (s *lintScan) languages() bool {
	piece := func(s *lintScan) bool { return s.run(lintAlnum, 1, 8) }
	tag := func(s *lintScan) bool { return s.each("-", lintMany, piece) }
	return s.each(", ", 10, tag)
}

// result takes our own account of a mail.
func (s *lintScan) result() bool {
	finding := func(s *lintScan) bool { s.lit(" "); return s.run(lintFind, 1, lintMany) }
	return s.lit("v=1; verdict=") && s.any("rebuilt", "partly", "held") && s.lit("; receipt=") && s.token() && s.lit("; id=") && s.token() &&
		s.lit("; hops=") && s.number() && s.lit("; held=") && s.number() && s.lit("; stripped=") && s.number() &&
		s.lit("; findings=") && (s.end() || !strings.HasPrefix(s.rest, " ") && s.each(",", lintMany, finding))
}

// multipart takes the type of a mail with attachments and returns its boundary.
func (s *lintScan) multipart() (string, bool) {
	if !s.lit(`multipart/mixed; boundary="`) {
		return "", false
	}
	boundary, _ := strings.CutSuffix(s.rest, `"`)
	ok := s.lit("=_sekisho_") && s.run(lintDigits+"abcdef", 40, 40) && s.lit(`"`) && s.end()
	return boundary, ok
}

// partType takes the type of an attachment, its charset or none, and its name,
// still in quotes.
func (s *lintScan) partType() (media, charset, name string, ok bool) {
	media, _, _ = strings.Cut(s.rest, ";")
	if !s.run(lintType, 1, lintMany) || !s.lit("/") || !s.run(lintType, 1, lintMany) {
		return "", "", "", false
	}
	if s.lit("; charset=") {
		charset, _, _ = strings.Cut(s.rest, ";")
		if !s.any("utf-8", "Shift_JIS") {
			return "", "", "", false
		}
	}
	if !s.lit("; name=") {
		return "", "", "", false
	}
	name = s.rest
	ok = s.quotedString() && s.end()
	return media, charset, name, ok
}

// disposition takes the disposition of an attachment and returns its file
// name, still in quotes, and the pieces of the extended name.
func (s *lintScan) disposition() (name, pieces string, ok bool) {
	if !s.lit("attachment; filename=") {
		return "", "", false
	}
	name = s.rest
	if !s.quotedString() {
		return "", "", false
	}
	name, pieces = name[:len(name)-len(s.rest)], s.rest
	for !s.end() {
		if _, _, ok := s.extended(); !ok {
			return "", "", false
		}
	}
	return name, pieces, true
}

// extended takes a piece of an extended name; number is "" if it has none.
//
// spec: rfc2231#3 rfc2231#4
func (s *lintScan) extended() (number, value string, ok bool) {
	if !s.lit("; filename*") {
		return "", "", false
	}
	number, value, ok = strings.Cut(s.rest, "=")
	if number = strings.TrimSuffix(number, "*"); !ok || !s.lit("=") && !(s.run(lintDigits, 1, 2) && s.lit("*=")) {
		return "", "", false
	}
	ok = s.run(lintExtValue, 1, lintMany)
	return number, value[:len(value)-len(s.rest)], ok
}

// opensFile takes the start of a line of text from which mail programs decode
// a file.
func (s *lintScan) opensFile() bool {
	if s.lit("=ybegin ") {
		return true
	}
	if !s.lit("begin") {
		return false
	}
	s.lit("-base64") // or not
	if !s.one(" \t") {
		return false
	}
	return s.one(" \t") || s.run("01234567", 3, lintMany) && s.one(" \t")
}
