package charset

import "bytes"

const maxWordCharset = 80 // bytes between =? and the second ?

// piece is a stretch of a header: raw text, or an encoded word (RFC 2047 §2).
type piece struct {
	bytes []byte // raw text, or the encoded text between the third ? and the closing ?=
	word  bool
	base  bool // encoding B, else Q
	label string
	codec codec
}

// splitHeader cuts a header into pieces and drops the white space between encoded words. "=?" inside raw ISO-2022-JP is
// part of a character and not looked at.
func splitHeader(raw []byte) []piece {
	var pieces []piece
	start, i := 0, 0
	for i < len(raw) {
		if raw[i] == esc {
			i += shiftedRun(raw[i:])
			continue
		}
		if raw[i] != '=' || i+1 == len(raw) || raw[i+1] != '?' {
			i++
			continue
		}
		p, n := parseWord(raw[i:])
		if n == 0 {
			i += 2
			continue
		}
		pieces = appendRaw(pieces, raw[start:i], true)
		pieces = append(pieces, p)
		i += n
		start = i
	}
	return appendRaw(pieces, raw[start:], false)
}

func appendRaw(pieces []piece, raw []byte, beforeWord bool) []piece {
	afterWord := len(pieces) > 0 && pieces[len(pieces)-1].word
	if len(raw) == 0 || beforeWord && afterWord && len(bytes.Trim(raw, " \t\r\n")) == 0 {
		return pieces
	}
	return append(pieces, piece{bytes: raw})
}

// shiftedRun is the length of raw two-byte or kana text from its escape sequence to the next one or the line end.
func shiftedRun(b []byte) int {
	e := parseEscape(b)
	if e.size == 0 || !e.set.twoByte() && e.set != setKana {
		return 1
	}
	if end := bytes.IndexAny(b[e.size:], "\x1b\r\n"); end >= 0 {
		return e.size + end
	}
	return len(b)
}

// parseWord reads the encoded word at the start of b and returns its length, 0 if there is none.
func parseWord(b []byte) (piece, int) {
	label, enc, start := wordHead(b)
	if start == 0 {
		return piece{}, 0
	}
	p := piece{word: true, base: enc == 'b', label: printableLabel(label), codec: lookup(label)}
	end, size := wordEnd(b[start:], p.base)
	if size == 0 {
		return unendedWord(p, b, start, end)
	}
	p.bytes = b[start : start+end]
	return p, start + end + size
}

// wordHead reads "=?charset?encoding?" and returns charset, encoding ('b' or 'q') and where the encoded text begins, 0 if
// this is no word. Folding may have gone through the middle of it.
func wordHead(b []byte) (string, byte, int) {
	i := 2
	for ; i < len(b) && i < maxWordCharset && b[i] != '?'; i++ {
		if c := b[i]; c == '=' || c >= 0x7f || c < 0x20 && !isWSP(c) {
			return "", 0, 0
		}
	}
	if i >= len(b) || b[i] != '?' {
		return "", 0, 0
	}
	label := string(bytes.Trim(unfold(b[2:i]), " \t"))
	i = skipWSP(b, i+1)
	if i >= len(b) {
		return "", 0, 0
	}
	enc := b[i] | 0x20
	i = skipWSP(b, i+1)
	if enc != 'b' && enc != 'q' || i >= len(b) || b[i] != '?' {
		return "", 0, 0
	}
	return label, enc, i + 1
}

// wordEnd finds the closing "?=". size is 2, or 0 if the next word or the end of b comes first; then end is where.
func wordEnd(b []byte, base bool) (end, size int) {
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '?' && i+1 < len(b) && b[i+1] == '=':
			if !base && questionInText(b[i+2:]) {
				continue
			}
			return i, 2
		case b[i] == '=' && i+1 < len(b) && b[i+1] == '?':
			if _, _, start := wordHead(b[i:]); start > 0 {
				return i, 0
			}
		}
	}
	return len(b), 0
}

// questionInText recognizes a raw question mark in front of an escaped byte ("really?=20yes?="): two hexadecimal digits
// follow, and the word ends later without white space in between.
func questionInText(b []byte) bool {
	if len(b) < 2 || hexValue(b[0]) < 0 || hexValue(b[1]) < 0 {
		return false
	}
	for i := 2; i+1 < len(b) && i < maxWordCharset && b[i] > ' '; i++ {
		if b[i] == '?' && b[i+1] == '=' {
			return true
		}
		if b[i] == '=' && b[i+1] == '?' {
			return false
		}
	}
	return false
}

// unendedWord accepts a word whose "?=" is missing, as headers cut at a length limit have, if nothing else can be meant.
func unendedWord(p piece, b []byte, start, end int) (piece, int) {
	body := bytes.TrimRight(b[start:start+end], " \t\r\n?")
	if p.codec.name == "" || len(body) == 0 {
		return piece{}, 0
	}
	for _, c := range body {
		if p.base && base64Value(c) < 0 && c != '=' && !isWSP(c) || c < 0x20 && !isWSP(c) || c == ' ' {
			return piece{}, 0
		}
	}
	if at := bytes.LastIndexByte(body, '='); !p.base && at >= 0 && at >= len(body)-2 {
		body = body[:at] // half an escaped byte
	}
	p.bytes = body
	return p, start + end
}

// payload decodes the word by itself; shifted says that the one before left off in two-byte mode.
func (p piece) payload(shifted bool) []byte {
	s := transferState{out: make([]byte, 0, len(p.bytes)), shifted: shifted}
	s.word(p)
	return s.out
}

// transferState undoes B and Q.
type transferState struct {
	out     []byte
	acc     uint32
	bits    int
	shifted bool // the bytes decoded so far leave off in ISO-2022 two-byte mode
}

func (s *transferState) word(p piece) {
	if p.base {
		s.base64(p.bytes)
		return
	}
	s.quoted(p.bytes)
}

// base64 ignores what is not in the alphabet and takes missing, extra and inner padding as it comes.
// spec: rfc2047#4.1
func (s *transferState) base64(b []byte) {
	for _, c := range b {
		if c == '=' {
			s.bits = 0
			continue
		}
		v := base64Value(c)
		if v < 0 {
			continue
		}
		s.acc = s.acc<<6 | uint32(v)
		if s.bits += 6; s.bits >= 8 {
			s.bits -= 8
			s.put(byte(s.acc >> s.bits))
		}
	}
}

// quoted reads Q (RFC 2047 §4.2). An underscore is a space, but not inside two-byte text, where senders that forgot to escape
// it meant 0x5F. A soft line end and folding inside the word vanish; '=' without digits stays.
// spec: rfc2047#4.2
func (s *transferState) quoted(b []byte) {
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c == '_' && !s.shifted:
			s.put(' ')
		case c == '=' && i+2 < len(b) && hexValue(b[i+1]) >= 0 && hexValue(b[i+2]) >= 0:
			s.put(byte(hexValue(b[i+1])<<4 | hexValue(b[i+2])))
			i += 2
		case c == '=' && foldAt(b[i+1:]) > 0:
		case c == '\r' || c == '\n':
			if n := foldAt(b[i:]); n > 0 {
				i += n // with one white space
			}
		default:
			s.put(c)
		}
	}
}

func (s *transferState) put(c byte) {
	if n := len(s.out); n > 0 && s.out[n-1] == esc {
		s.shifted = c == '$'
	}
	s.out = append(s.out, c)
}

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

func isWSP(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func skipWSP(b []byte, i int) int {
	for i < len(b) && isWSP(b[i]) {
		i++
	}
	return i
}
