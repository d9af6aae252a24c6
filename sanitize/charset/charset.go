// Package charset turns the bytes of Japanese mail and files into text.
//
// A charset label is a claim by a stranger, and in Japanese mail it is wrong often enough that readers learned to
// expect 文字化け. The rule here is that bytes decide: a label is followed when the bytes agree with it and overruled
// when they plainly say something else (escape sequences under "utf-8", UTF-8 under "shift_jis", Shift_JIS under
// nothing at all). [Decode] therefore never fails, and what it returns is always valid UTF-8; what cannot be read
// becomes U+FFFD and is counted.
//
// [DecodeHeader] (RFC 2047) and [DecodeParam] (RFC 2231) put words and pieces together before converting, because
// senders cut them inside characters and shift states. [CleanText] is the one treatment of control, bidirectional and
// invisible characters. [EncodeCP932] is the way back for files that must be CP932; it runs outside the box.
//
// The package holds no state, knows nothing of mail or files, and every function is linear in its input. JIS code
// points are read as Microsoft's CP932 does (～ － ∥ and ①㈱髙), since that is what the senders had on their screens.
package charset

import (
	"unicode/utf8"

	"golang.org/x/text/encoding"
)

// Names of the charsets decoded in this package. All other names come from the WHATWG and IANA lists.
const (
	nameASCII     = "us-ascii"
	nameUTF8      = "utf-8"
	nameUTF7      = "utf-7"
	nameUTF16     = "utf-16" // only as a label: byte order not yet known
	nameUTF16LE   = "utf-16le"
	nameUTF16BE   = "utf-16be"
	nameUTF32     = "utf-32" // only as a label
	nameUTF32LE   = "utf-32le"
	nameUTF32BE   = "utf-32be"
	nameShiftJIS  = "shift_jis"
	nameEUCJP     = "euc-jp"
	name2022JP    = "iso-2022-jp"
	name2022KR    = "iso-2022-kr"
	name2022CN    = "iso-2022-cn"
	nameHZ        = "hz-gb-2312"
	nameLatin     = "windows-1252"
	maxLabelBytes = 64
)

// Result is decoded text and how it was come by.
type Result struct {
	Text     string // always valid UTF-8; may hold control characters (see CleanText), never a byte order mark in front
	Charset  string // the charset really used, in lower case; that of most lines if there were several
	Label    string // the charset claimed: printable ASCII, at most 64 bytes
	Guessed  bool   // the text is not plain ASCII and the label was missing, unknown or overruled
	Replaced int    // how many U+FFFD were put in for what could not be read
}

// codec is one way to read bytes: by name for those decoded here, by enc for those of x/text.
type codec struct {
	name   string            // "" means no usable label
	enc    encoding.Encoding // nil for the charsets of this package
	skip   int               // bytes of a byte order mark
	repair bool              // iso-2022-jp whose escape bytes were lost
}

// Decode reads b as text. label is the charset parameter as found, with any quotes or junk, or empty. It never fails:
// the text is valid UTF-8 of at most 4 × len(b) + 16 bytes, and time is linear in len(b). Callers MUST bound len(b).
func Decode(label string, b []byte) Result {
	claimed := lookup(label)
	used := choose(claimed, b)
	w := writer{out: make([]byte, 0, len(b)+len(b)/2+16)}
	rest := b[used.skip:]
	used.skip = 0 // the mark is behind us; lines have none of their own
	mixed := used.decodeLines(&w, rest)
	return Result{
		Text:     string(w.out),
		Charset:  used.name,
		Label:    printableLabel(label),
		Guessed:  mixed || guessed(claimed.name, used.name, b),
		Replaced: w.replaced,
	}
}

// Detect names the charset of b, as Decode would without a label: "us-ascii", "utf-8", "iso-2022-jp", "shift_jis",
// "euc-jp", "utf-16le" and so on; "windows-1252" when nothing else fits. It reads at most the first 256 KiB, and never
// guesses Chinese, Korean or Cyrillic charsets: short Japanese text is too easily mistaken for them.
func Detect(b []byte) string {
	return choose(codec{}, b[:min(len(b), sampleBytes)]).name
}

func guessed(claimed, used string, b []byte) bool {
	if claimed == used || used == nameASCII {
		return false
	}
	if isWide(claimed) && isWide(used) && claimed[:6] == used[:6] {
		return false // "utf-16" and "utf-16le" are the same claim
	}
	return claimed != "" || !isASCII(b)
}

func (c codec) decode(w *writer, b []byte) {
	switch c.name {
	case nameShiftJIS:
		decodeShiftJIS(w, b)
	case nameEUCJP:
		decodeEUCJP(w, b)
	case name2022JP, name2022KR, name2022CN:
		if c.repair {
			b = restoreEscapes(b)
		}
		decodeISO2022(w, b)
	case nameUTF7:
		decodeUTF7(w, b)
	case nameUTF16LE, nameUTF16BE:
		decodeUTF16(w, b, c.name == nameUTF16BE)
	case nameUTF32LE, nameUTF32BE:
		decodeUTF32(w, b, c.name == nameUTF32BE)
	default:
		if c.enc == nil {
			decodeUTF8(w, b) // us-ascii is its subset
			return
		}
		decodeXText(w, b, c.enc)
	}
}

// decodeXText reads b with a table of x/text. Its decoders put U+FFFD for what they cannot read, and so we count those.
func decodeXText(w *writer, b []byte, enc encoding.Encoding) {
	text, err := enc.NewDecoder().Bytes(b)
	if err != nil {
		decodeUTF8(w, b) // no decoder in use returns errors; if one ever does, the text is still valid and counted
		return
	}
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r == utf8.RuneError {
			w.bad()
		} else {
			w.out = append(w.out, text[:n]...)
		}
		text = text[n:]
	}
}

// writer collects text and counts replacements.
type writer struct {
	out      []byte
	replaced int
}

func (w *writer) ascii(c byte) { w.out = append(w.out, c) }

func (w *writer) bad() {
	w.out = utf8.AppendRune(w.out, utf8.RuneError)
	w.replaced++
}

// rune writes r; zero stands for "no such character" in the tables.
func (w *writer) rune(r rune) {
	if r == 0 {
		w.bad()
		return
	}
	w.out = utf8.AppendRune(w.out, r)
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
