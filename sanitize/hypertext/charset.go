package hypertext

import "strings"

const metaWindow = 4096 // bytes looked at; browsers look at 1024

// MetaCharset returns the character encoding a document declares about itself
// in its first 4096 bytes, in lower case, or "". It reads <meta charset>,
// <meta http-equiv content-type> and the XML declaration. The answer is a
// claim of the document and MUST be treated as a hint.
func MetaCharset(b []byte) string {
	s := string(b[:min(len(b), metaWindow)])
	if head := strings.TrimLeft(s, " \t\r\n\xEF\xBB\xBF"); strings.HasPrefix(head, "<?xml") {
		decl, _, _ := strings.Cut(head, "?>")
		if v := charsetIn(decl, "encoding"); v != "" {
			return v
		}
	}
	for {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			return ""
		}
		s = s[i+1:]
		switch {
		case strings.HasPrefix(s, "!--"):
			_, after, found := strings.Cut(s, "-->")
			if !found {
				return ""
			}
			s = after
		case indexFold(s[:min(len(s), 5)], "meta") == 0 && len(s) > 4 && strings.IndexByte(" \t\r\n/\f", s[4]) >= 0:
			end := strings.IndexByte(s, '>')
			if end < 0 {
				end = len(s)
			}
			if v := charsetIn(s[:end], "charset"); v != "" {
				return v
			}
			s = s[end:]
		}
	}
}

// charsetIn finds key = value, quoted or not, in a tag. The same form serves
// charset="x" and content="text/html; charset=x".
func charsetIn(tag, key string) string {
	for budget := 16; budget > 0; budget-- {
		i := indexFold(tag, key)
		if i < 0 {
			return ""
		}
		tag = strings.TrimLeft(tag[i+len(key):], " \t\r\n\f")
		if !strings.HasPrefix(tag, "=") {
			continue
		}
		v := strings.TrimLeft(tag[1:], " \t\r\n\f\"'")
		end := 0
		for end < len(v) && charsetByte(v[end]) {
			end++
		}
		if end > 0 && end <= 40 {
			return strings.ToLower(v[:end])
		}
	}
	return ""
}

func charsetByte(c byte) bool {
	c = lowerByte(c)
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-_:.+", c) >= 0
}
