package mail

import "strings"

// hdrParam is one parameter of Content-Type or Content-Disposition: its name
// in lower case (with the stars of RFC 2231) and its value without quotes.
type hdrParam struct{ name, value string }

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

// get returns the value of the first plain parameter of that name.
func (v *hdrValue) get(name string) string {
	for _, p := range v.params {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

// hdrParse reads `main; name=value; …` (RFC 2045 section 5.1) the tolerant
// way: semicolons may be missing or doubled, values may lack quotes although
// they hold spaces or kanji, quotes may be unbalanced, comments may stand
// anywhere. A parameter's name is only what stands before its own equals sign,
// so `dummy="filename=x"` names no file.
// spec: rfc2045#5.1
func hdrParse(s string) hdrValue {
	var v hdrValue
	i := 0
	v.main, i = hdrMain(s)
	for i < len(s) && len(v.params) < hdrMaxParams {
		i = hdrSkip(s, i)
		start := i
		for i < len(s) && !strings.ContainsRune("=; \t(", rune(s[i])) {
			i++
		}
		name := strings.ToLower(strings.Trim(s[start:i], "\"' \t"))
		j := hdrBlanks(s, i)
		if j >= len(s) || s[j] != '=' {
			i = max(j, start+1)
			continue
		}
		j = hdrBlanks(s, j+1)
		var value string
		if j < len(s) && s[j] == '"' {
			value, i = hdrQuoted(s, j)
		} else {
			value, i = hdrBare(s, j, name)
		}
		if name != "" {
			v.params = append(v.params, hdrParam{name, value})
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
		for i < len(s) && !strings.ContainsRune("; \t(,", rune(s[i])) {
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

func hdrBlanks(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
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

// hdrQuoted reads the quoted string at s[i] and returns its value and where
// the next parameter starts. Only \" and \\ are escapes: others are the
// backslashes of a Windows path. A quote in the middle of a name is a
// character; several strings in a row are joined; a string that never ends
// is read as if it had no quotes.
func hdrQuoted(s string, i int) (string, int) {
	var b strings.Builder
	for j := i + 1; j < len(s); j++ {
		switch c := s[j]; {
		case c == '\\' && j+1 < len(s) && (s[j+1] == '"' || s[j+1] == '\\'):
			j++
			b.WriteByte(s[j])
		case c != '"':
			b.WriteByte(c)
		default:
			k := hdrBlanks(s, j+1)
			if k < len(s) && s[k] == '"' && k > j+1 {
				b.WriteByte(' ')
				j = k
				continue
			}
			if !hdrEndsHere(s, k) {
				b.WriteByte(c)
				continue
			}
			return b.String(), k
		}
	}
	return hdrBare(s, i+1, "name")
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
	for end < len(s) && end-k < 32 && s[end] != '=' && s[end] != ' ' && s[end] != ';' {
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
		blank := s[j] == ' ' || s[j] == '\t'
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
		j++
	}
	return strings.TrimRight(s[i:min(j, len(s))], " \t\""), j
}
