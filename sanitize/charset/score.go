package charset

// Weights of the detection score. A character counts by how often Japanese text has its kind; a code without character
// outweighs several good ones. They were set by hand on short subjects, names and file names (see the test tables).
const (
	weightHiragana  = 6
	weightKatakana  = 5
	weightSign      = 4 // rows 1 and 3: 、。「」ー and full-width letters
	weightCommon    = 6 // a kanji of commonKanji
	weightLevel1    = 3
	weightLevel2    = 1
	weightVendor    = 2
	weightOdd       = 1 // Greek, Cyrillic, box drawing, IBM's extension
	weightGaiji     = -4
	weightError     = -15
	weightControl   = -6
	weightHalf      = 2
	weightHalfSign  = -1
	weightHalfWrong = -6
	weightLoneInAa  = -8 // one kanji between small letters: "don’t" and "Müller" read as Shift_JIS
)

// tally is the evidence for one Japanese charset.
type tally struct {
	t              *jisTables
	chars, errors  int
	kana           int // full-width
	half           int // half-width kana of Shift_JIS
	low            int // Shift_JIS characters with lead byte 0x81–0x9F
	score          int
	run            int  // Japanese characters since the last ASCII byte
	before         byte // the ASCII byte in front of the run
	lastHalf       byte
	lastTrail      byte // the second byte of the last full-width character
	halfSinceASCII bool
}

// convincing says whether the text may be that charset at all.
func (t *tally) convincing() bool {
	return t.chars > 0 && t.score > 0 && t.errors*20 <= t.chars
}

// unmistakable asks for the hiragana and katakana that other charsets' bytes do not turn into.
func (t *tally) unmistakable() bool {
	return t.convincing() && t.kana >= 2 && t.kana*5 >= t.chars && t.score >= 3*t.chars
}

func (t *tally) better(than tally) bool {
	if t.errors*20 <= t.chars && than.errors*20 > than.chars {
		return t.score > 0
	}
	return t.score > than.score
}

func (t *tally) ascii(c byte) {
	if t.run == 1 && !t.halfSinceASCII {
		before, after := isLower(t.before), isLower(c)
		if before && after || isLetter(t.lastTrail) && (before || after) {
			t.score += weightLoneInAa
		}
	}
	t.run, t.lastHalf, t.halfSinceASCII = 0, 0, false
	t.before = c
	if isOddControl(c) {
		t.score += weightControl
	}
}

func (t *tally) bad() {
	t.errors++
	t.score += weightError
	t.lastHalf = 0
}

func (t *tally) add(weight int) {
	t.chars++
	t.run++
	t.score += weight
	t.lastHalf = 0
}

// cell scores a character of the JIS grid with 120 rows.
func (t *tally) cell(row, cell int) {
	switch {
	case row >= firstGaiji && row <= lastGaiji, row >= 85 && row <= 88, row == 93, row == 94:
		t.add(weightGaiji)
		return
	case t.t.jis0208(row, cell) == 0:
		t.bad()
		return
	}
	switch {
	case row == 4:
		t.kana++
		t.add(weightHiragana)
	case row == 5:
		t.kana++
		t.add(weightKatakana)
	case row == 1 || row == 3:
		t.add(weightSign)
	case row == 2 || row == 13:
		t.add(weightVendor)
	case row < 16:
		t.add(weightOdd)
	case row <= 47:
		if _, ok := t.t.common()[t.t.jis0208(row, cell)]; ok {
			t.add(weightCommon)
		} else {
			t.add(weightLevel1)
		}
	case row > 84:
		t.add(weightOdd)
	default:
		t.add(weightLevel2)
	}
}

// halfKana scores a half-width kana. EUC-JP read as Shift_JIS is full of them, but with marks where no mark can be.
func (t *tally) halfKana(c byte) {
	weight := weightHalf
	switch {
	case c <= 0xa5:
		weight = weightHalfSign
	case c == 0xde && !voiced(t.lastHalf), c == 0xdf && (t.lastHalf < 0xca || t.lastHalf > 0xce):
		weight = weightHalfWrong
	case c <= 0xb0 && t.run == 0: // a word does not begin with a small kana or ー
		weight = weightHalfSign
	}
	t.add(weight)
	t.half++
	t.lastHalf, t.halfSinceASCII = c, true
}

// voiced says whether ﾞ may follow: ｳ, ｶ–ﾄ, ﾊ–ﾎ.
func voiced(c byte) bool {
	return c == 0xb3 || c >= 0xb6 && c <= 0xc4 || c >= 0xca && c <= 0xce
}

// isOddControl says that c is a control character that text files do not have. They have form feeds, and Ctrl-Z at the end.
func isOddControl(c byte) bool {
	return c < 0x20 && c != esc && c != 0x1a && (c < '\t' || c > '\r')
}

func isLower(c byte) bool { return c >= 'a' && c <= 'z' }

func isLetter(c byte) bool { return isLower(c | 0x20) }

func tallyShiftJIS(b []byte) tally {
	t := tally{t: tables()}
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c < 0x80:
			t.ascii(c)
		case c >= 0xa1 && c <= 0xdf:
			t.halfKana(c)
		case i+1 == len(b):
			t.cut(len(b))
		default:
			row, cell, ok := shiftJISCell(c, b[i+1])
			if !ok {
				t.bad()
				continue
			}
			t.cell(row, cell)
			i++
			t.lastTrail = b[i]
			if c < 0xa0 {
				t.low++
			}
		}
	}
	t.ascii('\n')
	return t
}

func tallyEUC(b []byte) tally {
	t := tally{t: tables()}
	inKana := false
	for i := 0; i < len(b); {
		c := b[i]
		if c < 0x80 {
			t.ascii(c)
			i++
			inKana = false
			continue
		}
		r, n := eucChar(t.t, b[i:])
		switch {
		case n == 1 && len(b)-i < 3 && len(b) == sampleBytes:
		case r == 0:
			t.bad()
		case c == 0x8e && inKana:
			t.add(weightHalf + weightKatakana) // one in two bytes being 0x8E is no accident
		case c == 0x8e:
			t.add(weightHalf + 1)
		case c == 0x8f:
			t.add(weightLevel2)
		default:
			t.cell(int(c-0xa0), int(b[i+1]-0xa0))
		}
		inKana = c == 0x8e && n == 2
		i += n
	}
	t.ascii('\n')
	return t
}

// cut is a lead byte at the very end: an error, unless the sample ends there and not the text.
func (t *tally) cut(size int) {
	if size != sampleBytes {
		t.bad()
	}
}

// latinScore is the evidence for Western text: letters with accents standing alone among letters, curved quotation marks.
func latinScore(b []byte) int {
	score := 0
	for i := 0; i < len(b); {
		if b[i] < 0x80 {
			i++
			continue
		}
		n := i
		for n < len(b) && b[n] >= 0x80 {
			n++
		}
		beside := i > 0 && isLetter(b[i-1]) || n < len(b) && isLetter(b[n])
		switch run := n - i; {
		case run == 1 && b[i] >= 0xe0 && n < len(b) && b[n] >= 'A' && b[n] <= 'Z': // a small letter before a capital
			score -= 2
		case run <= 2 && b[i] >= 0xc0 && b[n-1] >= 0xc0 && beside:
			score += 5
		case run == 1 && (b[i] >= 0x91 && b[i] <= 0x97 || b[i] == 0x85 || b[i] == 0x99 || b[i] >= 0xa0):
			score += 2
		case run == 1:
			score -= 4
		default:
			score -= 3 * run
		}
		i = n
	}
	return score
}

// utf8Tally counts the sequences outside ASCII.
type utf8Tally struct {
	chars, bad int
	partial    int  // of bad: those that begin like a character, of two bytes at least
	long       int  // sequences of three and four bytes
	cut        bool // the last bytes begin a sequence of three or four bytes
	rare       int  // sequences of two bytes for neither Western, Greek nor Cyrillic letters
}

func tallyUTF8(b []byte) utf8Tally {
	u := utf8Tally{}
	for i := 0; i < len(b); {
		if b[i] < 0x80 {
			i++
			continue
		}
		r, n := utf8Char(b[i:])
		u.cut = r == 0 && i+n == len(b) && n > 1
		switch {
		case r == 0 && i+n == len(b) && (u.long > 0 || len(b) == sampleBytes): // cut off, not wrong
		case r == 0:
			u.bad++
			if n > 1 {
				u.partial++
			}
		default:
			u.chars++
			if n > 2 {
				u.long++
			} else if r >= 0x100 && r < 0x370 || r >= 0x500 {
				u.rare++
			}
		}
		i += n
	}
	return u
}

// mostly says that the text is UTF-8, if need be with some damage.
func (u utf8Tally) mostly() bool {
	return u.chars > 0 && u.bad*10 <= u.chars || u.long >= 2 && u.bad*3 <= u.long
}

// looksEUC recognizes the kanji that happen to be valid UTF-8 (町 is Į, 表 is ɽ): all of them common, none a letter that
// Japanese text would have alone.
func (u utf8Tally) looksEUC(e tally) bool {
	return u.rare == u.chars && e.errors == 0 && e.score >= weightCommon*e.chars
}

// score is comparable with that of a tally; a valid sequence of three bytes hardly happens by accident.
func (u utf8Tally) score() int {
	return u.long*8 + (u.chars-u.long)*2 + u.bad*weightError
}
