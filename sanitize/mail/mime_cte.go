package mail

import (
	"bytes"
	"iter"
	"strings"
)

// mimeCTE is how a body is transfer-encoded.
type mimeCTE uint8

// The encodings. Unknown ones cannot be decoded.
const (
	cteIdentity mimeCTE = iota
	cteBase64
	cteQuoted
	cteUU
	cteYenc
	cteBinHex
	cteUnknown
)

// mimeEncoding reads Content-Transfer-Encoding (RFC 2045 section 6) with the
// misspellings that are met.
// spec: rfc2045#6.1
func mimeEncoding(p *mimePart) mimeCTE {
	raw := p.hdr.first("content-transfer-encoding")
	if raw == nil {
		return cteIdentity
	}
	switch t := strings.Trim(hdrToken(raw), ".:"); t {
	case "", "7bit", "8bit", "binary", "7-bit", "8-bit", "7bits", "8bits", "none", "plain", "us-ascii", "utf-8":
		return cteIdentity
	case "base64", "base-64", "base64bit", "b", "x-base64":
		return cteBase64
	case "quoted-printable", "quoted", "quotedprintable", "quoted_printable", "qp", "q":
		return cteQuoted
	case "uuencode", "x-uuencode", "x-uue", "uue", "x-uuencoded", "uuencoded":
		return cteUU
	case "x-yenc", "yenc", "x-yencode":
		return cteYenc
	case "mac-binhex40", "x-binhex40", "binhex", "x-mac-binhex40", "binhex40":
		return cteBinHex
	default:
		return cteUnknown
	}
}

// mimeDecode decodes a body; clean is false when it did not follow the
// encoding and was read as well as could be. The result is never longer than
// the body.
func mimeDecode(cte mimeCTE, body []byte) (data []byte, clean bool) {
	switch cte {
	case cteBase64:
		return mimeBase64(body)
	case cteQuoted:
		return mimeQuoted(body)
	case cteUU:
		f, ok := uuFind(body)
		if !ok {
			return body, false
		}
		return f.data, f.whole
	default:
		return body, true
	}
}

// base64Alphabet is that of RFC 2045 section 6.8.
const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// base64None marks what is not a letter of the alphabet.
const base64None = 0xFF

// base64Values maps letters to values; it is never written to.
var base64Values = func() [256]byte {
	var t [256]byte
	for i := range t {
		t[i] = base64None
	}
	for i := range len(base64Alphabet) {
		t[base64Alphabet[i]] = byte(i)
	}
	return t
}()

// base64State collects sextets.
type base64State struct {
	out   []byte
	acc   uint32
	n     int // sextets in acc
	clean bool
}

func (s *base64State) add(v byte) {
	s.acc = s.acc<<6 | uint32(v)
	if s.n++; s.n == 4 {
		s.out = append(s.out, byte(s.acc>>16), byte(s.acc>>8), byte(s.acc))
		s.acc, s.n = 0, 0
	}
}

// flush ends a group: at padding, or at the end of the data.
func (s *base64State) flush() {
	switch s.n {
	case 1: // 4n+1 letters: the last one holds no byte
		s.clean = false
	case 2:
		s.out = append(s.out, byte(s.acc>>4))
	case 3:
		s.out = append(s.out, byte(s.acc>>10), byte(s.acc>>2))
	}
	s.acc, s.n = 0, 0
}

// mimeBase64 decodes base64 and takes what can be had: letters outside the
// alphabet are skipped, padding may be missing, superfluous or in the middle,
// and a last lone letter is dropped. Padding before a line with other letters
// is the end, as the standard allows and other readers do.
// spec: rfc2045#6.8
func mimeBase64(body []byte) ([]byte, bool) {
	s := base64State{out: make([]byte, 0, len(body)/4*3+3), clean: true}
	padded := false
	for line := range base64Lines(body) {
		junk := base64Junk(line)
		s.clean = s.clean && !junk
		if junk && padded {
			break
		}
		padded = s.line(line) || padded
	}
	s.clean = s.clean && (s.n == 0)
	s.flush()
	return s.out, s.clean
}

// mimeBase64Lines decodes up to the end that shows: a line shorter than the
// first one with other letters behind it, where a footer may begin. It reports
// whether there is such a place.
func mimeBase64Lines(body []byte) ([]byte, bool) {
	s := base64State{}
	first, prev := 0, 0
	for line := range base64Lines(body) {
		if base64Junk(line) && prev > 0 && prev < first {
			s.flush()
			return s.out, true
		}
		if first == 0 {
			first = len(line)
		}
		prev = len(line)
		if s.line(line) {
			return nil, false
		}
	}
	return nil, false
}

// base64Lines gives the lines of body that are not blank, without blanks around.
func base64Lines(body []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for line := range bytes.Lines(body) {
			if line = bytes.TrimSpace(line); len(line) > 0 && !yield(line) {
				return
			}
		}
	}
}

// line takes in one line and reports whether it has padding.
func (s *base64State) line(line []byte) bool {
	padded := false
	for _, c := range line {
		if v := base64Values[c]; v != base64None {
			s.add(v)
		} else if c == '=' {
			s.flush()
			padded = true
		}
	}
	return padded
}

func base64Junk(line []byte) bool {
	for _, c := range line {
		if base64Values[c] == base64None && c != '=' && c != '\r' {
			return true
		}
	}
	return false
}

// base64Looks reports whether most of the first lines of body could be base64.
// Senders that write plain words under that name are not rare.
func base64Looks(body []byte) bool {
	good, bad := 0, 0
	for len(body) > 0 && good+bad < 50 {
		line := body
		if i := bytes.IndexByte(body, '\n'); i >= 0 {
			line, body = body[:i], body[i+1:]
		} else {
			body = nil
		}
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
		case base64Junk(line):
			bad++
		default:
			good++
		}
	}
	return good > bad || good+bad == 0
}

// mimeQuoted decodes quoted-printable (RFC 2045 section 6.7): soft breaks may
// carry blanks, blanks at the end of a line are dropped, hexadecimal digits
// may be lower case, and a wrong sequence stays as it stands.
// spec: rfc2045#6.7
func mimeQuoted(body []byte) ([]byte, bool) {
	out := make([]byte, 0, len(body))
	clean := true
	for len(body) > 0 {
		line, end := body, []byte(nil)
		if i := bytes.IndexByte(body, '\n'); i >= 0 {
			j := i
			for j > 0 && body[j-1] == '\r' {
				j--
			}
			line, end, body = body[:j], body[j:i+1], body[i+1:]
		} else {
			body = nil
		}
		line = bytes.TrimRight(line, " \t")
		if n := len(line); n > 0 && line[n-1] == '=' {
			line, end = line[:n-1], nil
		}
		for i := 0; i < len(line); i++ {
			if line[i] == '=' {
				if v, ok := quotedHex(line[i+1:]); ok {
					out = append(out, v)
					i += 2
					continue
				}
				clean = false
			}
			out = append(out, line[i])
		}
		out = append(out, end...)
	}
	return out, clean
}

func quotedHex(s []byte) (byte, bool) {
	if len(s) < 2 {
		return 0, false
	}
	hi, ok1 := hexDigit(s[0])
	lo, ok2 := hexDigit(s[1])
	return hi<<4 | lo, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}
