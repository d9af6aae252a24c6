package charset

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/unicode/norm"
)

// The way back to CP932, for CSV and text files whose policy says so. This file belongs to the trusted side: it reads
// strings, not hostile bytes.

const gaijiCount = (lastGaiji - firstGaiji + 1) * cellsPerRow

// geta is 〓, which Japanese printing puts where a character is missing.
const (
	getaLead, getaTrail = 0x81, 0xac
)

// EncodeCP932 writes s in CP932. Signs that Unicode has twice (〜 ～, − －, ‖ ∥, — ―, ¢ ￠ …) take CP932's twin; characters
// of the private use area U+E000–U+E757 become the user-defined characters F040–F9FC; kana followed by a combining ﾞ or ﾟ
// mark are composed. What CP932 does not have becomes 〓, or its older form where JIS has only that (鷗 → 鴎); lost counts
// both, and dropped variation selectors. It never fails. The results are the bytes, at most 2 × len(s), and lost.
func EncodeCP932(s string) ([]byte, int) {
	enc := cp932Encoder{enc: japanese.ShiftJIS.NewEncoder()}
	out, lost := make([]byte, 0, len(s)), 0
	for len(s) > 0 {
		r, n := composed(s)
		s = s[n:]
		b, exact := enc.code(r)
		out = append(out, b...)
		if !exact {
			lost++
		}
	}
	return out, lost
}

// cp932Encoder encodes one character at a time.
type cp932Encoder struct {
	enc *encoding.Encoder
	src [utf8.UTFMax]byte
	dst [8]byte
}

// code returns the bytes for r, valid until the next call, and whether they stand for r itself.
func (e *cp932Encoder) code(r rune) ([]byte, bool) {
	if r < utf8.RuneSelf {
		return append(e.dst[:0], byte(r)), true
	}
	if isVariation(r) {
		return nil, false
	}
	if i := int(r) - puaGaiji; i >= 0 && i < gaijiCount {
		lead, trail := shiftJISPair(firstGaiji+i/cellsPerRow, i%cellsPerRow+1)
		return append(e.dst[:0], lead, trail), true
	}
	if b := e.table(twin(r)); b != nil {
		return b, true
	}
	if b := e.table(olderForm(r)); b != nil {
		return b, false
	}
	return append(e.dst[:0], getaLead, getaTrail), false
}

// table asks x/text; nil if it has no code.
func (e *cp932Encoder) table(r rune) []byte {
	if r >= utf8.RuneSelf && r < 0xa0 {
		return nil // x/text passes U+0080, which is no character of CP932
	}
	n, _, err := e.enc.Transform(e.dst[:], e.src[:utf8.EncodeRune(e.src[:], r)], true)
	if err != nil {
		return nil
	}
	if n == 2 && (e.dst[0] == 0xed || e.dst[0] == 0xee) {
		e.dst[0], e.dst[1] = ibmPair(r)
	}
	return e.dst[:n]
}

// ibmPair is the code of a character in IBM's place (FA40–FC4B). Windows writes that one; NEC's copy, which x/text prefers,
// is for reading only.
func ibmPair(r rune) (lead, trail byte) {
	for i, u := range tables().cp932.from(ibmRow) {
		if rune(u) == r {
			return shiftJISPair(ibmRow+i/cellsPerRow, i%cellsPerRow+1)
		}
	}
	return getaLead, getaTrail
}

// composed reads the first character of s, together with a combining (semi-)voiced mark if both have one code.
func composed(s string) (rune, int) {
	r, n := utf8.DecodeRuneInString(s)
	if r < 0x3041 || r > 0x30ff {
		return r, n
	}
	mark, m := utf8.DecodeRuneInString(s[n:])
	if mark != 0x3099 && mark != 0x309a {
		return r, n
	}
	whole := []rune(norm.NFC.String(s[:n+m]))
	if len(whole) != 1 {
		return r, n
	}
	return whole[0], n + m
}

func isVariation(r rune) bool { return unicode.Is(unicode.Variation_Selector, r) }

// twin maps signs to the code CP932 uses for the same sign.
func twin(r rune) rune {
	switch r {
	case '〜':
		return '～'
	case '−':
		return '－'
	case '‖':
		return '∥'
	case '—':
		return '―'
	case '¢':
		return '￠'
	case '£':
		return '￡'
	case '¬':
		return '￢'
	case '¦':
		return '￤'
	case '¥':
		return '￥'
	case '‾':
		return '￣'
	case '\u00a0':
		return ' '
	case '\u2011':
		return '‐'
	case '·':
		return '・'
	}
	return r
}

// olderForm maps kanji of the 常用漢字 list of 2010 and of 表外漢字字体表 to the simplified form that is all JIS X 0208 has of
// them.
func olderForm(r rune) rune {
	const newer = "俠俱剝吞啞噓嚙囊塡姸屛幷搔摑攢潑瀆焰瘦禱簞繡繫蔣萊蟬蠟軀醬醱頰顚驒鷗鹼麴𠮟"
	const older = "侠倶剥呑唖嘘噛嚢填妍屏并掻掴攅溌涜焔痩祷箪繍繋蒋莱蝉蝋躯醤醗頬顛騨鴎鹸麹叱"
	from, to := []rune(newer), []rune(older)
	for i, n := range from {
		if n == r && i < len(to) {
			return to[i]
		}
	}
	return r
}
