package charset

import (
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// The ISO-2022 decoder reads every profile of the family with one state machine: RFC 1468, 1554, 2237 (Japanese), CP50220
// to CP50222, ISO-2022-JP-3/-2004, RFC 1557 (Korean), RFC 1922 (Chinese, as far as there are tables). It is lenient in the
// ways real mail needs:
//   - a line end returns to ASCII, unless the next line is plainly the continuation of two-byte text;
//   - ESC ( J is ASCII, as in CP50220: the senders' ~ and \ were typed as such;
//   - 8-bit bytes are read by their own evidence (half-width kana, Shift_JIS, EUC-JP, UTF-8);
//   - lead bytes 0x7F–0x98 are the CP932 rows behind the grid (外字, IBM's extension);
//   - an escape sequence between the two halves of a pair, or a missing half, costs one U+FFFD and nothing else.

const (
	esc = 0x1b
	so  = 0x0e
	si  = 0x0f
)

// set is a coded character set that an escape sequence can designate.
type set uint8

const (
	setNone set = iota
	setASCII
	setKana    // JIS X 0201 katakana
	setJIS0208 // all editions
	setJIS0212
	setJIS0213  // plane 1
	setJIS0213b // plane 2
	setGB2312
	setKS1001
	setOther // two bytes a character, no table here
	setLatin // ISO 8859-1, right half
	setGreek // ISO 8859-7, right half
)

func (s set) twoByte() bool { return s >= setJIS0208 && s <= setOther }

// designation is a parsed escape sequence.
type designation struct {
	size int // bytes, 0 if this is not an ISO-2022 sequence
	slot int // 0–2: G0–G2; -1: nothing is designated
	set  set
}

// iso2022 is the decoder's state.
type iso2022 struct {
	w       *writer
	t       *jisTables
	g       [3]set
	shifted bool // G1 is in use
	single  bool // the next byte is from G2
	gb, ks  *encoding.Decoder
	scratch [8]byte
}

func decodeISO2022(w *writer, b []byte) {
	d := iso2022{w: w, t: tables(), g: [3]set{setASCII, setKana, setNone}}
	for len(b) > 0 {
		b = b[d.step(b):]
	}
}

// step reads one unit at the start of b and returns its size, at least 1.
func (d *iso2022) step(b []byte) int {
	switch c := b[0]; {
	case c == esc:
		return d.escape(b)
	case c == '\r' || c == '\n':
		return d.lineEnd(b)
	case c == so || c == si:
		d.shifted = c == so
		return 1
	case d.single:
		d.single = false
		d.w.rune(d.rightHalf(c))
		return 1
	case c <= 0x20:
		d.w.ascii(c)
		return 1
	case d.active().twoByte():
		return d.pair(b)
	case c >= 0x80:
		return d.eightBit(b)
	case d.active() == setKana && c <= 0x5f:
		d.w.rune(halfKana + rune(c-0x21))
		return 1
	default:
		d.w.ascii(c)
		return 1
	}
}

func (d *iso2022) active() set {
	if d.shifted {
		return d.g[1]
	}
	return d.g[0]
}

func (d *iso2022) escape(b []byte) int {
	if len(b) > 1 && b[1] == 'N' && d.g[2] != setNone { // single shift two
		d.single = true
		return 2
	}
	e := parseEscape(b)
	if e.size == 0 {
		d.w.ascii(esc)
		return 1
	}
	if e.slot >= 0 {
		d.g[e.slot] = e.set
		d.shifted = d.shifted && e.slot == 1
	}
	return e.size
}

// parseEscape reads an escape sequence of ECMA-35 §13: ESC, intermediate bytes 0x20–0x2F, final byte 0x30–0x7E. Sequences
// without intermediates (terminal control) are not ours. One that is cut off is swallowed: it holds no text.
func parseEscape(b []byte) designation {
	n := 1
	for n < len(b) && n < 4 && b[n] >= 0x20 && b[n] <= 0x2f {
		n++
	}
	middle := string(b[1:n])
	if middle == "" {
		return designation{}
	}
	if n == len(b) || b[n] < 0x30 || b[n] > 0x7e {
		if middle == "$" || middle == "(" || middle == "$(" {
			return designation{size: n, slot: -1}
		}
		return designation{}
	}
	e := designate(middle, b[n])
	if e.set != setNone || e.slot < 0 {
		e.size = n + 1
	}
	return e
}

func designate(middle string, final byte) designation {
	switch middle {
	case "&": // ESC & @ announces a revision of the designation that follows
		return designation{slot: -1}
	case "(":
		return designation{slot: 0, set: oneByteSet(final)}
	case ")":
		return designation{slot: 1, set: oneByteSet(final)}
	case "$":
		if final == '@' || final == 'A' || final == 'B' {
			return designation{slot: 0, set: twoByteSet(final)}
		}
	case "$(":
		return designation{slot: 0, set: twoByteSet(final)}
	case "$)":
		return designation{slot: 1, set: twoByteSet(final)}
	case "$*":
		return designation{slot: -1}
	case ".":
		return designation{slot: 2, set: rightHalfSet(final)}
	}
	return designation{}
}

func oneByteSet(final byte) set {
	switch final {
	case 'I':
		return setKana
	case 'B', 'J', 'H', '@', 'A', 'G':
		return setASCII // H is an old mistake for J; the national variants differ in signs nobody uses
	}
	return setNone
}

func twoByteSet(final byte) set {
	switch final {
	case '@', 'B':
		return setJIS0208
	case 'A':
		return setGB2312
	case 'C':
		return setKS1001
	case 'D':
		return setJIS0212
	case 'O', 'Q':
		return setJIS0213
	case 'P':
		return setJIS0213b // plane 2
	case 'E', 'G', 'H', 'I', 'J', 'K', 'L', 'M':
		return setOther
	}
	return setNone
}

func rightHalfSet(final byte) set {
	switch final {
	case 'A':
		return setLatin
	case 'F':
		return setGreek
	}
	return setNone
}

func (d *iso2022) rightHalf(c byte) rune {
	c |= 0x80
	if d.g[2] == setGreek {
		return known(charmap.ISO8859_7.DecodeByte(c))
	}
	return rune(c)
}

// lineEnd returns to ASCII (RFC 1468: "the text must end in ASCII"; many senders forget it), except before a line that can
// only be read as two-byte text.
func (d *iso2022) lineEnd(b []byte) int {
	n := 1
	d.w.ascii(b[0])
	if b[0] == '\r' && len(b) > 1 && b[1] == '\n' {
		d.w.ascii('\n')
		n = 2
	}
	d.single = false
	if d.shifted || d.g[0] != setJIS0208 || !continuesJIS(d.t, b[n:]) {
		d.g[0] = setASCII
		d.shifted = false
	}
	return n
}

// pair reads one character of a two-byte set.
func (d *iso2022) pair(b []byte) int {
	lead := b[0]
	if lead > 0x98 {
		return d.eightBit(b)
	}
	if len(b) < 2 || b[1] < 0x21 || b[1] > 0x7e {
		if lead >= 0x80 {
			return d.eightBit(b)
		}
		d.w.bad()
		return 1
	}
	if s := d.active(); s == setJIS0213 || s == setJIS0213b {
		r, mark := d.t.jis0213Rune(int(s-setJIS0213)+1, int(lead)-0x20, int(b[1])-0x20)
		if d.w.rune(r); mark != 0 {
			d.w.rune(mark)
		}
		return 2
	}
	d.w.rune(d.twoByteRune(lead, b[1]))
	return 2
}

func (d *iso2022) twoByteRune(lead, trail byte) rune {
	row, cell := int(lead)-0x20, int(trail)-0x20
	switch d.active() {
	case setJIS0208:
		return d.t.jisWithGaiji(row, cell)
	case setJIS0212:
		return d.t.jis0212(row, cell)
	case setGB2312:
		if d.gb == nil {
			d.gb = simplifiedchinese.GBK.NewDecoder()
		}
		return d.foreign(d.gb, lead, trail)
	case setKS1001:
		if d.ks == nil {
			d.ks = korean.EUCKR.NewDecoder()
		}
		return d.foreign(d.ks, lead, trail)
	}
	return 0
}

// foreign reads a pair through the 8-bit form of its set.
func (d *iso2022) foreign(dec *encoding.Decoder, lead, trail byte) rune {
	n, _, err := dec.Transform(d.scratch[:], []byte{lead | 0x80, trail | 0x80}, true)
	if err != nil || n == 0 {
		return 0
	}
	r, size := utf8Char(d.scratch[:n])
	if size != n {
		return 0
	}
	return known(r)
}

// eightBit reads bytes that a 7-bit encoding cannot have: in two-byte or kana mode just the run of them, else the rest of
// the line, because trail bytes of Shift_JIS are ASCII.
func (d *iso2022) eightBit(b []byte) int {
	n := 0
	if d.active() == setASCII {
		for n < len(b) && b[n] != esc && b[n] != '\r' && b[n] != '\n' && b[n] != so && b[n] != si {
			n++
		}
	} else {
		for n < len(b) && b[n] >= 0x80 {
			n++
		}
	}
	codec{name: eightBitName(b[:n])}.decode(d.w, b[:n])
	return n
}

// eightBitName is the charset of 8-bit bytes found in ISO-2022 text. CP50221's half-width kana come first: there is no
// other reason for bytes of which every one is kana, while EUC-JP and UTF-8 text soon shows others.
func eightBitName(b []byte) string {
	high, kana := 0, 0
	for _, c := range b {
		if c >= 0x80 {
			high++
		}
		if c >= 0xa1 && c <= 0xdf {
			kana++
		}
	}
	if high == kana {
		return nameShiftJIS
	}
	if c := choose8(codec{}, b); c.enc == nil {
		return c.name
	}
	return nameShiftJIS // Western letters in Japanese mail are less likely than damaged Japanese
}

func known(r rune) rune {
	if r == '\uFFFD' {
		return 0
	}
	return r
}

// hasDesignation says whether b holds an ISO-2022 escape sequence, and names the profile.
func hasDesignation(b []byte) (string, bool) {
	name := ""
	for i := 0; i < len(b); i++ {
		if b[i] != esc {
			continue
		}
		switch e := parseEscape(b[i:]); {
		case e.size == 0 || e.slot < 0 || e.slot == 2:
		case e.slot == 1 && e.set == setKS1001:
			name = name2022KR
		case e.slot == 1 && (e.set == setGB2312 || e.set == setOther):
			name = name2022CN
		default:
			return name2022JP, true
		}
	}
	return name, name != ""
}
