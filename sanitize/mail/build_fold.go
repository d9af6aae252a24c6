package mail

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// Header fields are written from tokens that a fold may stand between.
const (
	buildColumns = 76 // RFC 2047 section 2: a line with an encoded word
	buildWordMax = 36 // bytes of text in one encoded word: 60 columns
	buildAtomMax = 60 // a longer run without a space is encoded
)

// buildField writes "Name: token token CRLF", with a fold in place of a space
// wherever a line would exceed buildColumns. It writes nothing without tokens.
func buildField(b *strings.Builder, name string, tokens []string) {
	if len(tokens) == 0 {
		return
	}
	b.WriteString(name)
	b.WriteString(":")
	column := len(name) + 1
	for i, t := range tokens {
		if i > 0 && column+1+len(t) > buildColumns {
			b.WriteString("\r\n")
			column = 0
		}
		b.WriteString(" ")
		b.WriteString(t)
		column += 1 + len(t)
	}
	b.WriteString("\r\n")
}

// buildWords encodes s in B words of UTF-8, each of whole characters.
//
// spec: rfc2047#5
func buildWords(s string) []string {
	var words []string
	for s != "" {
		n := min(len(s), buildWordMax)
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n--
		}
		words = append(words, "=?utf-8?B?"+base64.StdEncoding.EncodeToString([]byte(s[:n]))+"?=")
		s = s[n:]
	}
	return words
}

// buildUnstructured gives the tokens of a text field such as Subject. ASCII
// stays as it is when folding at its spaces changes nothing.
func buildUnstructured(s string) []string {
	if s == "" {
		return nil
	}
	if buildPlain(s) && !strings.Contains(s, "  ") && strings.TrimSpace(s) == s {
		if tokens := strings.Split(s, " "); buildAllShort(tokens) {
			return tokens
		}
	}
	return buildWords(s)
}

// buildPhrase gives the tokens of a display name: one quoted string, or words.
func buildPhrase(s string) []string {
	if s == "" {
		return nil
	}
	if buildPlain(s) && len(s) <= buildAtomMax {
		return []string{buildQuote(s)}
	}
	return buildWords(s)
}

// buildQuote writes s, which is printable ASCII, as a quoted string.
func buildQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// buildPlain reports whether s is printable ASCII that no reader could take
// for an encoded word.
func buildPlain(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return !strings.Contains(s, "=?")
}

func buildAllShort(tokens []string) bool {
	for _, t := range tokens {
		if len(t) > buildAtomMax {
			return false
		}
	}
	return true
}
