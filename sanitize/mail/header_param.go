package mail

import (
	"strings"

	"sekisho/sanitize/charset"
)

// hdrParam is one parameter of Content-Type or Content-Disposition: its name
// in lower case (with the stars of RFC 2231) and its value as received, folds
// and all. Of a quoted value it holds the bytes between the quotes with their
// backslashes: in raw Shift_JIS and ISO-2022-JP a backslash or a quote may be
// half a character, and only charset can tell.
type hdrParam struct {
	name, value string
	quoted      bool
}

// hdrValue is a value with parameters.
type hdrValue struct {
	main   string // lower case: "text/plain", "attachment"
	params []hdrParam
}

// hdrMaxParams bounds the parameters of one field.
const hdrMaxParams = 1000

// hdrKnownParam are the names that end an unquoted file name when the
// semicolon between two parameters is missing.
var hdrKnownParam = map[string]bool{
	"name": true, "filename": true, "charset": true, "boundary": true, "format": true, "delsp": true,
	"type": true, "protocol": true, "micalg": true, "size": true, "start": true, "method": true,
	"creation-date": true, "modification-date": true, "read-date": true, "report-type": true,
	"smime-type": true, "server": true, "site": true, "access-type": true, "x-unix-mode": true,
}

// get returns the value of the parameter of that name, decoded.
func (v *hdrValue) get(name string) string { return parseParam(v.params, name) }

// hdrParse reads `main; name=value; …` (RFC 2045 section 5.1) the tolerant
// way: semicolons may be missing or doubled, values may lack quotes although
// they hold spaces or kanji, quotes may be unbalanced, comments may stand
// anywhere. A parameter's name is only what stands before its own equals sign,
// so `dummy="filename=x"` names no file. s may be raw: folded and in any charset.
// spec: rfc2045#5.1
func hdrParse(s string) hdrValue {
	var v hdrValue
	i := 0
	v.main, i = hdrMain(s)
	for i < len(s) && len(v.params) < hdrMaxParams {
		i = hdrSkip(s, i)
		start := i
		for i < len(s) && !strings.ContainsRune("=; \t\r\n(", rune(s[i])) {
			i++
		}
		name := strings.ToLower(strings.Trim(s[start:i], "\"'"))
		j := hdrBlanks(s, i)
		if j >= len(s) || s[j] != '=' {
			i = max(j, start+1)
			continue
		}
		j = hdrBlanks(s, j+1)
		p := hdrParam{name: name}
		if j < len(s) && s[j] == '"' {
			p.value, p.quoted, i = hdrQuoted(s, j)
		} else {
			p.value, i = hdrBare(s, j, name)
		}
		if name != "" {
			v.params = append(v.params, p)
		}
	}
	return v
}

// hdrMain reads the part before the parameters and returns where they start.
func hdrMain(s string) (string, int) {
	i := hdrSkip(s, 0)
	var main strings.Builder
	for i < len(s) {
		start := i
		for i < len(s) && !strings.ContainsRune("; \t\r\n(,", rune(s[i])) {
			i++
		}
		word := strings.Trim(s[start:i], "\"'")
		if strings.Contains(word, "=") {
			if main.Len() == 0 {
				return "", start
			}
			return strings.ToLower(main.String()), start
		}
		main.WriteString(word)
		// `multipart / mixed` is one word.
		j := hdrSkipComments(s, i)
		if j < len(s) && (s[j] == '/' || strings.HasSuffix(main.String(), "/")) && s[j] != ';' && j > start {
			i = j
			continue
		}
		return strings.ToLower(main.String()), i
	}
	return strings.ToLower(main.String()), i
}

// hdrBlank reports whether c is a blank or part of a fold.
func hdrBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func hdrBlanks(s string, i int) int {
	for i < len(s) && hdrBlank(s[i]) {
		i++
	}
	return i
}

// hdrSkipComments skips blanks and whole comments.
func hdrSkipComments(s string, i int) int {
	for {
		i = hdrBlanks(s, i)
		if i >= len(s) || s[i] != '(' {
			return i
		}
		n := hdrComment(s[i:])
		if n == 0 {
			return i + 1
		}
		i += n
	}
}

// hdrSkip skips blanks, separators and comments before a parameter.
func hdrSkip(s string, i int) int {
	for {
		j := hdrSkipComments(s, i)
		for j < len(s) && (s[j] == ';' || s[j] == ',') {
			j++
		}
		if j == i {
			return i
		}
		i = j
	}
}

// hdrMaxQuoted bounds a quoted string in bytes, so that many that never end
// cost a bounded look ahead each. No name is kept that long.
const hdrMaxQuoted = 32 << 10

// hdrQuoted reads the quoted string at s[i] and returns its value, whether it
// was one, and where the next parameter starts. Which quote ends it is for
// charset to say. A quote in the middle of a name is a character; several
// strings in a row are joined; a string that never ends is read as if it had
// no quotes.
func hdrQuoted(s string, i int) (string, bool, int) {
	var b strings.Builder
	raw := []byte(s[i+1 : min(len(s), i+1+hdrMaxQuoted)])
	for j := i + 1; ; {
		n := charset.QuotedEnd(raw[min(j-i-1, len(raw)):])
		if n < 0 {
			value, next := hdrBare(s, i+1, "name")
			return value, false, next
		}
		b.WriteString(s[j : j+n])
		end := j + n
		k := hdrBlanks(s, end+1)
		switch {
		case k < len(s) && s[k] == '"' && k > end+1:
			b.WriteByte(' ')
			j = k + 1
		case hdrEndsHere(s, k):
			return b.String(), true, k
		default:
			b.WriteString(`\"`)
			j = end + 1
		}
	}
}

// hdrEndsHere reports whether a quoted string may end before s[k:]: at the
// end, a separator, a comment or another parameter, or when no further quote
// comes before the next separator.
func hdrEndsHere(s string, k int) bool {
	if k >= len(s) || strings.IndexByte(";,(", s[k]) >= 0 {
		return true
	}
	if hdrStartsParam(s, k) {
		return true
	}
	for _, c := range []byte(s[k:]) {
		switch c {
		case ';':
			return true
		case '"':
			return false
		}
	}
	return true
}

// hdrStartsParam reports whether a well-known parameter starts at s[k].
func hdrStartsParam(s string, k int) bool {
	end := k
	for end < len(s) && end-k < 32 && s[end] != '=' && !hdrBlank(s[end]) && s[end] != ';' {
		end++
	}
	if end >= len(s) || s[end] != '=' {
		return false
	}
	name, _, _ := strings.Cut(strings.ToLower(s[k:end]), "*")
	return hdrKnownParam[name]
}

// hdrBare reads an unquoted value. File names may hold blanks and
// parentheses; other values end at a blank or a comment.
func hdrBare(s string, i int, name string) (string, int) {
	base, _, _ := strings.Cut(name, "*")
	isName := base == "name" || base == "filename"
	j := i
	for j < len(s) && s[j] != ';' {
		blank := hdrBlank(s[j])
		if blank && (!isName || hdrStartsParam(s, hdrBlanks(s, j))) {
			break
		}
		if !isName && (s[j] == '(' || s[j] == ',') {
			break
		}
		if blank { // look at each run of blanks once
			j = hdrBlanks(s, j)
			continue
		}
		j += hdrStep(s[j:])
	}
	return strings.TrimRight(s[i:min(j, len(s))], " \t\r\n\""), j
}

// hdrStep is the length of the character, or of the run of raw ISO-2022-JP,
// that s starts with: inside the run, bytes that look like separators are
// halves of characters (RFC 1468).
func hdrStep(s string) int {
	if !strings.HasPrefix(s, "\x1b$") {
		return 1
	}
	if n := strings.IndexAny(s[2:], "\x1b\r\n"); n >= 0 {
		return n + 2
	}
	return len(s)
}
