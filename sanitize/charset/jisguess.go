package charset

import "bytes"

// jisLook sums up a run of 7-bit bytes read as pairs of JIS X 0208.
type jisLook struct {
	pairs, kana, plain int // plain: kana, signs, full-width letters and kanji of level 1
	whole              bool
	letters            bool // nothing but ASCII letters and digits
}

// lookJIS reads b as pairs; whole is false if that does not come out even or meets a cell without character.
func lookJIS(t *jisTables, b []byte) jisLook {
	look := jisLook{whole: len(b) > 0 && len(b)%2 == 0, letters: true}
	for _, c := range b {
		if c < 0x21 || c > 0x7e {
			look.whole = false
			return look
		}
		if c < '0' || c > '9' && c < 'A' || c > 'Z' && c < 'a' || c > 'z' {
			look.letters = false
		}
	}
	for i := 0; look.whole && i+1 < len(b); i += 2 {
		row, cell := int(b[i])-0x20, int(b[i+1])-0x20
		if row > 84 && row < 89 || row > 92 || t.jis0208(row, cell) == 0 {
			look.whole = false
		}
		look.pairs++
		if row == 4 || row == 5 {
			look.kana++
		}
		if row <= 47 {
			look.plain++
		}
	}
	return look
}

// continuesJIS decides whether the line at the start of b goes on with two-byte text although the line before ended: all of
// it up to the escape or line end reads as Japanese with a fair share of kana, which in ASCII would be a soup of $ and %.
func continuesJIS(t *jisTables, b []byte) bool {
	end := bytes.IndexAny(b, "\x1b\r\n")
	if end < 0 {
		end = len(b)
	}
	look := lookJIS(t, b[:end])
	return look.whole && look.pairs >= 2 && look.kana*4 >= look.pairs
}

// readsAsJIS decides the same for an encoded word that follows one cut in shifted state; odd is the half pair carried over.
// An escape back to ASCII, or a half pair that is made whole, would make no sense if the word were ASCII.
func readsAsJIS(t *jisTables, odd, b []byte) bool {
	if len(b) == 0 || b[0] == esc {
		return true // joining changes nothing
	}
	end, closed := bytes.IndexByte(b, esc), false
	if end >= 0 {
		e := parseEscape(b[end:])
		closed = e.slot == 0 && e.set == setASCII
	} else {
		end = len(b)
		if (len(odd)+end)%2 == 1 {
			end-- // the next word may hold the other half
		}
	}
	if end == 0 {
		return false // one byte
	}
	look := lookJIS(t, append(bytes.Clone(odd), b[:end]...))
	if closed || len(odd) > 0 {
		return look.whole
	}
	return look.whole && look.plain*10 >= look.pairs*7 && (look.kana > 0 || !look.letters)
}

// Lost escapes. Some gateways delete the ESC bytes and leave "$B2q5D(B" behind. That is repaired only when every such run
// of the whole text reads as Japanese, and, unless the label promises ISO-2022-JP, when there are kana too: a text that
// explains the encoding, or a price list in $, must come through as it is.

// escapesLost decides whether b is ISO-2022-JP without its ESC bytes.
func escapesLost(b []byte, labelled bool) bool {
	if bytes.IndexByte(b, esc) >= 0 || bytes.IndexByte(b, '$') < 0 {
		return false
	}
	t := tables()
	runs, pairs, kana := 0, 0, 0
	for len(b) > 0 {
		_, body, rest, found := nextBareRun(b)
		if !found {
			break
		}
		look := lookJIS(t, body)
		if !look.whole || look.plain*10 < look.pairs*7 {
			return false
		}
		runs, pairs, kana = runs+1, pairs+look.pairs, kana+look.kana
		b = rest
	}
	if labelled {
		return runs > 0 && pairs >= 2
	}
	return runs > 0 && kana >= 2 && kana*4 >= pairs
}

// nextBareRun finds "$B" or "$@", the bytes up to "(B" or "(J" on the same line, and what follows. The end is looked for
// at even distances only, because "(B" may be part of a pair or two. Without an end there is no run on that line.
func nextBareRun(b []byte) (before, body, rest []byte, found bool) {
	from := 0
	for {
		at := bytes.IndexByte(b[from:], '$')
		if at < 0 {
			return b, nil, nil, false
		}
		at += from
		if at+1 < len(b) && (b[at+1] == 'B' || b[at+1] == '@') {
			start := at + 2
			end := bareEnd(b[start:])
			if end > 0 {
				return b[:at], b[start : start+end], b[start+end+2:], true
			}
			from = start - end // -end bytes hold no end, from here or from any later point
			continue
		}
		from = at + 1
	}
}

// bareEnd returns the even offset of the "(B" or "(J" that ends a run, or minus the number of bytes searched in vain.
func bareEnd(b []byte) int {
	i := 0
	for ; i+1 < len(b) && b[i] > 0x20 && b[i+1] > 0x20; i += 2 {
		if b[i] == '(' && (b[i+1] == 'B' || b[i+1] == 'J') {
			if i > 0 {
				return i
			}
		}
	}
	return -i
}

// restoreEscapes puts the ESC bytes back; escapesLost has agreed.
func restoreEscapes(b []byte) []byte {
	out := make([]byte, 0, len(b)+len(b)/8)
	for {
		before, body, rest, found := nextBareRun(b)
		out = append(out, before...)
		if !found {
			return out
		}
		out = append(out, esc, '$', 'B')
		out = append(out, body...)
		out = append(out, esc, '(', 'B')
		b = rest
	}
}
