package mail

import (
	"bytes"
	"strings"
)

// hdrField is one header field: its name in lower case and its raw value with
// the folding still in it.
type hdrField struct {
	name string
	raw  []byte
	at   int // where raw starts in the data of its parser
}

// hdrBlock is the header of one entity, in order.
type hdrBlock struct {
	fields []hdrField
	odd    bool // something had to be repaired or skipped
}

// first returns the raw value of the first field of that name, nil if there is
// none. The first of several wins everywhere, so that there is one reading.
func (h *hdrBlock) first(name string) []byte {
	for _, f := range h.fields {
		if f.name == name {
			return f.raw
		}
	}
	return nil
}

// all returns the raw values of every field of that name.
func (h *hdrBlock) all(name string) [][]byte {
	var out [][]byte
	for _, f := range h.fields {
		if f.name == name {
			out = append(out, f.raw)
		}
	}
	return out
}

func (h *hdrBlock) has(name string) bool {
	for _, f := range h.fields {
		if f.name == name {
			return true
		}
	}
	return false
}

// count returns how often the field occurs.
func (h *hdrBlock) count(name string) int {
	n := 0
	for _, f := range h.fields {
		if f.name == name {
			n++
		}
	}
	return n
}

// hdrMaxName bounds a field name in bytes; longer ones are no header line.
const hdrMaxName = 200

// hdrSplit splits a line into field name and value. The name is printable
// ASCII without spaces (RFC 5322 section 2.2); blanks before the colon and NUL
// bytes in the name are tolerated.
// spec: rfc5322#2.2
func hdrSplit(line []byte) (string, []byte, bool) {
	colon := bytes.IndexByte(line[:min(len(line), hdrMaxName)], ':')
	if colon <= 0 {
		return "", nil, false
	}
	name := bytes.TrimRight(line[:colon], " \t")
	if bytes.IndexByte(name, 0) >= 0 {
		name = bytes.ReplaceAll(name, []byte{0}, nil)
	}
	if len(name) == 0 {
		return "", nil, false
	}
	for _, c := range name {
		if c <= ' ' || c >= 0x7F {
			return "", nil, false
		}
	}
	return strings.ToLower(string(name)), line[colon+1:], true
}

// hdrTypical are the names that tell a mail header from other text with
// colons in it.
var hdrTypical = map[string]bool{
	"received": true, "return-path": true, "from": true, "to": true, "cc": true, "subject": true,
	"date": true, "message-id": true, "mime-version": true, "reply-to": true, "sender": true,
	"delivered-to": true, "in-reply-to": true, "references": true, "x-mailer": true,
	"dkim-signature": true, "resent-from": true, "resent-date": true, "bcc": true,
	"authentication-results": true, "x-original-to": true, "user-agent": true, "importance": true,
}

func hdrIsTypical(name string) bool {
	return hdrTypical[name] || strings.HasPrefix(name, "content-") || strings.HasPrefix(name, "x-")
}

// hdrIsMbox reports whether the line is the separator of a mailbox file, which
// sometimes stands before the first header line.
func hdrIsMbox(line []byte) bool {
	rest, ok := bytes.CutPrefix(bytes.TrimPrefix(line, []byte(">")), []byte("From "))
	return ok && !bytes.HasPrefix(bytes.TrimLeft(rest, " \t"), []byte(":"))
}

// hdrUnfold removes the line breaks of folding (RFC 5322 section 2.2.3) and
// NUL bytes, and trims.
// spec: rfc5322#2.2.3
func hdrUnfold(raw []byte) []byte {
	raw = bytes.TrimSpace(raw)
	if !bytes.ContainsAny(raw, "\r\n\x00") {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for _, c := range raw {
		if c != '\r' && c != '\n' && c != 0 {
			out = append(out, c)
		}
	}
	return bytes.TrimSpace(out)
}

// hdrFolded returns a value with its folding, trimmed and without NUL bytes,
// for package charset, which sees the folds inside encoded words.
func hdrFolded(raw []byte) []byte {
	return bytes.ReplaceAll(bytes.TrimSpace(raw), []byte{0}, nil)
}

// hdrString returns an unfolded value as UTF-8 without touching encoded words.
// Raw 8-bit bytes and raw ISO-2022-JP are decoded first: their bytes may look
// like quotes, commas or backslashes to a tokenizer.
func hdrString(raw []byte) string {
	raw = hdrUnfold(raw)
	for _, c := range raw {
		if c >= 0x80 || c == 0x1B {
			return parseDecode("", raw).text
		}
	}
	return string(raw)
}

// hdrUncomment removes the comments of a structured value (RFC 5322 section
// 3.2.2), leaving quoted strings alone. An unbalanced parenthesis stays.
// spec: rfc5322#3.2.2
func hdrUncomment(s string) string {
	if !strings.Contains(s, "(") {
		return s
	}
	var b strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			b.WriteString(s[i : i+2])
			i++
		case c == '"':
			quoted = !quoted
			b.WriteByte(c)
		case c == '(' && !quoted:
			n := hdrComment(s[i:])
			if n == 0 {
				return b.String() + s[i:]
			}
			b.WriteByte(' ')
			i += n - 1
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// hdrMaxComment bounds one comment in bytes, so that a run of parentheses that
// never close costs a bounded look ahead each.
const hdrMaxComment = 500

// hdrComment returns the length of the comment that s starts with, 0 if it
// does not end within hdrMaxComment bytes.
func hdrComment(s string) int {
	depth := 0
	for i := 0; i < min(len(s), hdrMaxComment); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// hdrToken returns the first token of a value in lower case, without comments
// and quotes: the reading of Content-Transfer-Encoding and of our one-word fields.
func hdrToken(raw []byte) string {
	s := strings.TrimSpace(hdrUncomment(hdrString(raw)))
	s = strings.TrimLeft(s, "\"' \t")
	if i := strings.IndexAny(s, " \t;,\"'()"); i >= 0 {
		s = s[:i]
	}
	return strings.ToLower(s)
}
