package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"sekisho/sanitize/ir"
)

// text checks the text part: decodable, clean UTF-8 in CRLF lines, and our own
// marks only where we put them.
func (l *linter) text(body []byte, encoding, where string) {
	switch encoding {
	case "7bit":
	case "base64":
		var ok bool
		if body, ok = lintBase64(body); !ok {
			l.report("lint_base64", where, "")
			return
		}
	default:
		l.report("lint_encoding", where, encoding)
		return
	}
	l.parts = append(l.parts, lintPart{media: "text/plain", sum: sha256.Sum256(body)})
	text := strings.ReplaceAll(string(body), "\r\n", "\n")
	if bytes.Count(body, []byte{'\n'}) != len(body)-len(text) {
		l.report("lint_text_lines", where, "")
	}
	if err := ir.Clean(text, true); err != nil {
		l.report("lint_text", where, err.Error())
		return
	}
	if !strings.HasSuffix(text, "\n") {
		l.report("lint_text_lines", where, "no final line end")
	}
	l.marks(text, where)
}

// marks checks that the lines by which readers know our words stand at most
// once, and the top line only on top; and that no line opens a file, as mail
// programs read uuencode and yEnc in a text.
func (l *linter) marks(text, where string) {
	count := map[string]int{}
	first := true
	for line := range strings.SplitSeq(text, "\n") {
		if (&lintScan{line}).opensFile() {
			l.report("lint_text_file", where, line)
		}
		for _, mark := range []string{"【無害化済み】", "-- 無害化のお知らせ", "-- 添付されていたメールの処理"} {
			if !strings.HasPrefix(line, mark) {
				continue
			}
			if count[mark]++; count[mark] > 1 || mark == "【無害化済み】" && !first {
				l.report("lint_mark", where, line)
			}
		}
		first = false
	}
}

// lintBase64 decodes strict base64: lines of 76 columns, the last one shorter
// or equal, each ended by CRLF, padding only at the end and without stray bits.
//
// spec: rfc2045#6.8
func lintBase64(body []byte) ([]byte, bool) {
	out := make([]byte, 0, len(body)/78*57+57)
	strict := base64.StdEncoding.Strict()
	var buf [57]byte
	for len(body) > 0 {
		line, rest, ok := bytes.Cut(body, []byte("\r\n"))
		if !ok || len(line) == 0 || len(line) > 76 || len(line) < 76 && len(rest) > 0 {
			return nil, false
		}
		if len(rest) > 0 && line[len(line)-1] == '=' || bytes.ContainsAny(line, "\r\n") {
			return nil, false
		}
		n, err := strict.Decode(buf[:], line)
		if err != nil {
			return nil, false
		}
		out = append(out, buf[:n]...)
		body = rest
	}
	return out, true
}

// lintDecodeWords decodes encoded words separated by single spaces. Every word
// must be of UTF-8 in B form, at most 75 columns, and of whole characters.
//
// spec: rfc2047#2 rfc2047#6.2
func lintDecodeWords(s string) (string, bool) {
	var b strings.Builder
	for word := range strings.SplitSeq(s, " ") {
		inner, ok := strings.CutPrefix(word, "=?utf-8?B?")
		if !ok || len(word) > 75 {
			return "", false
		}
		if inner, ok = strings.CutSuffix(inner, "?="); !ok {
			return "", false
		}
		raw, err := base64.StdEncoding.Strict().DecodeString(inner)
		if err != nil || strings.ToValidUTF8(string(raw), "") != string(raw) {
			return "", false
		}
		b.Write(raw)
	}
	return b.String(), true
}

// lintUnquote reads a quoted string, and encoded words inside it.
func lintUnquote(s string) (string, bool) {
	if len(s) < 2 {
		return "", false
	}
	s = s[1 : len(s)-1]
	if strings.Contains(s, "=?") {
		return lintDecodeWords(s)
	}
	var b strings.Builder
	escaped := false
	for _, c := range []byte(s) {
		if c == '\\' && !escaped {
			escaped = true
			continue
		}
		escaped = false
		b.WriteByte(c)
	}
	return b.String(), !escaped
}

// lintPercent decodes %XX, with capital digits only.
func lintPercent(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\'':
			return "", false
		case s[i] != '%':
			b.WriteByte(s[i])
		case i+2 >= len(s) || strings.ToUpper(s[i:i+3]) != s[i:i+3]:
			return "", false
		default:
			raw, err := hex.DecodeString(s[i+1 : i+3])
			if err != nil {
				return "", false
			}
			b.WriteByte(raw[0])
			i += 2
		}
	}
	return b.String(), true
}
