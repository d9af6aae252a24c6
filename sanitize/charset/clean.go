package charset

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Keep says which layout characters CleanText leaves in place. The zero value keeps none.
type Keep uint8

const (
	KeepNothing Keep = iota // one line: line ends and tabs become single spaces (names, subjects, cells)
	KeepLines               // line feeds and tabs stay (bodies, text files)
)

// Cleaned counts the characters CleanText took out or replaced.
type Cleaned struct {
	Control   int // C0, C1, DEL and noncharacters
	Bidi      int // embeddings, overrides, isolates and marks of direction
	Invisible int // zero width, fillers, tags, joiners where nothing is joined, surplus variation selectors
}

// CleanText gives text the one visible treatment: what a reader cannot see is not there. Control and bidirectional
// characters and invisible ones (carriers of hidden words, and of names like "exe.pdf" turned around) are removed and
// counted; noncharacters become U+FFFD; CRLF, CR, NEL, U+2028 and U+2029 become LF, form feeds and vertical tabs too.
// Kept are private use characters (外字), one variation selector behind a character that has variants (異体字), eight combining marks on a base, and joiners
// between emoji or letters of scripts that need them. Invalid UTF-8 becomes U+FFFD. Nothing is normalized: NFC would
// exchange kanji. Cleaning twice changes nothing more. Time is linear; the result is at most 3 × len(s) bytes.
func CleanText(s string, keep Keep) (string, Cleaned) {
	if isPlain(s) {
		return s, Cleaned{}
	}
	c := cleaner{keep: keep}
	c.out.Grow(len(s))
	for i := 0; i < len(s); {
		if n := ordinary(s[i:]); n > 0 {
			c.out.WriteString(s[i : i+n])
			c.last, _ = utf8.DecodeLastRuneInString(s[i : i+n])
			c.cr, c.marks = false, 0
			i += n
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		c.rune(r, s[i:])
	}
	return c.out.String(), c.count
}

// isPlain is the fast path: printable ASCII.
func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// ordinary returns the length of the characters at the start of s that every
// text may have: printable ASCII, kana and kanji.
func ordinary(s string) int {
	for i, r := range s {
		if (r < 0x20 || r > 0x7E) && (r < 'ぁ' || r > 'ゖ') && (r < 'ァ' || r > 'ヺ') && (r < 0x4E00 || r > 0x9FFF) {
			return i
		}
	}
	return len(s)
}

type cleaner struct {
	out   strings.Builder
	keep  Keep
	count Cleaned
	marks int  // combining marks behind the last base
	last  rune // the last character written, 0 at the start
	cr    bool // the character before was CR
}

func (c *cleaner) rune(r rune, rest string) {
	afterCR := c.cr
	c.cr = r == '\r'
	switch {
	case r == '\n' && afterCR:
	case r == '\r' || r >= '\n' && r <= '\f' || r == 0x85 || r == 0x2028 || r == 0x2029:
		c.layout('\n')
	case r == '\t':
		c.layout('\t')
	case unicode.IsControl(r):
		c.count.Control++
	case r&0xfffe == 0xfffe || r >= 0xfdd0 && r <= 0xfdef:
		c.count.Control++
		c.write(utf8.RuneError)
	case isBidi(r):
		c.count.Bidi++
	case isInvisible(r), isVariation(r) && !c.carries(r), isJoiner(r) && !joins(c.last, rest):
		c.count.Invisible++
	case unicode.IsMark(r):
		if c.marks++; c.marks > maxMarks {
			c.count.Invisible++
			return
		}
		c.write(r)
	default:
		c.marks = 0
		c.write(r)
	}
}

// maxMarks is how many combining marks stay behind one character: more than any script needs, and too few to paint over the
// lines around.
const maxMarks = 8

func (c *cleaner) write(r rune) {
	c.out.WriteRune(r)
	c.last = r
}

// layout writes a line end or tab, or one space where these are not wanted.
func (c *cleaner) layout(r rune) {
	if c.keep == KeepLines {
		c.write(r)
		return
	}
	if c.last != ' ' && c.last != 0 {
		c.write(' ')
	}
}

// carries says whether the variation selector r may follow: only one, and only behind a character that has variants, or any
// letter could carry a byte that nobody sees. These are Han characters and signs (Unicode, StandardizedVariants.txt), and for
// the two that choose between text and picture all that are no letters but ℹ (emoji-variation-sequences.txt).
func (c *cleaner) carries(r rune) bool {
	switch {
	case c.last <= ' ', isVariation(c.last), unicode.IsSpace(c.last), isJoiner(c.last):
		return false
	case r == 0xfe0e || r == 0xfe0f:
		return !unicode.IsLetter(c.last) || c.last == 'ℹ' || unicode.Is(unicode.Han, c.last)
	case r >= 0xfe00 && r <= 0xfe0d:
		return unicode.In(c.last, unicode.Han, unicode.Sm, unicode.Myanmar)
	}
	return unicode.Is(unicode.Han, c.last)
}

func isBidi(r rune) bool {
	switch {
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0x061c:
		return true
	}
	return false
}

// isInvisible lists characters without a glyph of their own: Unicode's Default_Ignorable_Code_Point without the bidirectional
// ones, joiners and variation selectors, and with the annotation characters.
func isInvisible(r rune) bool {
	switch {
	case r == 0x00ad, r == 0x034f, r == 0x115f, r == 0x1160, r == 0x17b4, r == 0x17b5, r >= 0x180b && r <= 0x180f,
		r == 0x200b, r >= 0x2060 && r <= 0x2065, r >= 0x206a && r <= 0x206f, r == 0x3164, r == 0xfeff, r == 0xffa0,
		r >= 0xfff0 && r <= 0xfffb, r >= 0x1bca0 && r <= 0x1bca3, r >= 0x1d173 && r <= 0x1d17a,
		r >= 0xe0000 && r <= 0xe00ff, r >= 0xe01f0 && r <= 0xe0fff:
		return true
	}
	return false
}

func isJoiner(r rune) bool { return r == 0x200c || r == 0x200d }

// joins says whether a joiner between last and the start of rest has something to join.
func joins(last rune, rest string) bool {
	next, _ := utf8.DecodeRuneInString(rest)
	return (pictorial(last) || last == 0xfe0f) && pictorial(next) || cursive(last) && cursive(next)
}

// pictorial are emoji, with skin tones.
func pictorial(r rune) bool {
	return r >= 0x1f000 && r <= 0x1faff || r >= 0x2190 && r <= 0x2bff
}

// cursive are letters of the scripts in which joiners select forms: Arabic, Syriac, the scripts of India and Sri Lanka, Khmer,
// Mongolian.
func cursive(r rune) bool {
	if !unicode.IsLetter(r) && !unicode.IsMark(r) || isInvisible(r) {
		return false
	}
	return r >= 0x0600 && r <= 0x0dff || r >= 0x1780 && r <= 0x18af
}
