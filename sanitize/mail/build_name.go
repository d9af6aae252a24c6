package mail

import (
	"fmt"
	"path"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

const (
	buildMailMedia    = "message/rfc822"
	buildUnknownMedia = "application/octet-stream"
	buildMaxFileName  = 120 // bytes, DECISIONS 5
)

// buildNames returns the file names of the present children in order. The
// engine has chosen them; here they are only made sure of.
func buildNames(kids []format.Child) []string {
	var names []string
	for _, k := range kids {
		if k.Present() {
			names = append(names, buildName(k.Name, len(names)+1))
		}
	}
	return names
}

// buildName returns a name that no file system or mail reader treats in a
// special way, for the n-th attachment.
func buildName(s string, n int) string {
	s = norm.NFC.String(strings.ToValidUTF8(s, "_"))
	s = strings.Map(func(r rune) rune {
		switch {
		case ir.Forbidden(r), unicode.Is(unicode.Cf, r):
			return -1
		case strings.ContainsRune(`/\:*?"<>|`, r):
			return '_'
		}
		return r
	}, s)
	s = strings.TrimRight(s, ". ")
	if rest := strings.TrimLeft(s, ". "); rest != s && !strings.Contains(rest, ".") && rest != "" {
		s = fmt.Sprintf("file-%d.%s", n, rest) // it was only an extension
	}
	s = strings.TrimLeft(s, ". ")
	if len(s) > buildMaxFileName {
		ext := path.Ext(s)
		if len(ext) > 16 {
			ext = ""
		}
		stem := strings.ToValidUTF8(s[:buildMaxFileName-len(ext)], "")
		s = strings.TrimRight(stem, ". ") + ext
	}
	if format.Device(s) {
		s = "_" + s
	}
	if s == "" {
		return fmt.Sprintf("file-%d", n)
	}
	return s
}

// buildMedia returns type/subtype of m in lower case, or the unknown type.
func buildMedia(m string) string {
	m, _, _ = strings.Cut(m, ";")
	m = strings.ToLower(strings.TrimSpace(m))
	major, minor, ok := strings.Cut(m, "/")
	if !ok || len(m) > 120 || !buildIsSubtype(major) || !buildIsSubtype(minor) {
		return buildUnknownMedia
	}
	return m
}

// spec: rfc6838#4.2
func buildIsSubtype(s string) bool {
	for _, c := range []byte(s) {
		if !buildAlnum(c) && !strings.ContainsRune(".-+_", rune(c)) {
			return false
		}
	}
	return s != ""
}

// buildCharset returns the charset parameter of a text type: one of those that
// our builders write, "" otherwise.
func buildCharset(m string) string {
	_, params, _ := strings.Cut(m, ";")
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(name), "charset") {
			switch strings.ToLower(strings.Trim(strings.TrimSpace(value), `"`)) {
			case "utf-8":
				return "utf-8"
			case "shift_jis", "cp932", "windows-31j":
				return "Shift_JIS"
			}
		}
	}
	return ""
}

// buildPartHeader writes the fields of an attachment and the blank line. The
// name stands three times, for Japanese mail readers disagree: RFC 2231 is the
// rule, older Outlook reads RFC 2047 words in quotes.
func buildPartHeader(k format.Child, name string) string {
	media := buildMedia(k.Media)
	encoding := "base64"
	if media == buildMailMedia {
		encoding = "7bit"
	}
	var b strings.Builder
	b.WriteString("Content-Type: " + media)
	if c := buildCharset(k.Media); c != "" && strings.HasPrefix(media, "text/") {
		b.WriteString("; charset=" + c)
	}
	b.WriteString(";\r\n name=" + buildNameWords(name) + "\r\n")
	b.WriteString("Content-Transfer-Encoding: " + encoding + "\r\n")
	b.WriteString("Content-Disposition: attachment;\r\n filename=" + buildNameWords(name))
	if !buildPlain(name) {
		for _, p := range buildExtended(name) {
			b.WriteString(";\r\n " + p)
		}
	}
	b.WriteString("\r\n\r\n")
	return b.String()
}

func buildNameWords(name string) string {
	if buildPlain(name) {
		return buildQuote(name)
	}
	return `"` + strings.Join(buildWords(name), "\r\n ") + `"`
}

// buildExtended writes filename* in pieces of at most one line, each of whole
// characters.
//
// spec: rfc2231#4.1
func buildExtended(name string) []string {
	const room = buildColumns - len(" filename*00*=utf-8'';")
	pieces := []string{""}
	for _, r := range name {
		s := buildPercent(r)
		if len(pieces[len(pieces)-1])+len(s) > room {
			pieces = append(pieces, "")
		}
		pieces[len(pieces)-1] += s
	}
	if len(pieces) == 1 {
		return []string{"filename*=utf-8''" + pieces[0]}
	}
	for i, p := range pieces {
		if i == 0 {
			p = "utf-8''" + p
		}
		pieces[i] = fmt.Sprintf("filename*%d*=%s", i, p)
	}
	return pieces
}

// buildPercent writes one character of an extended value.
func buildPercent(r rune) string {
	if r < 0x80 && (buildAlnum(byte(r)) || strings.ContainsRune("-._", r)) {
		return string(r)
	}
	var b strings.Builder
	for _, c := range []byte(string(r)) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}
