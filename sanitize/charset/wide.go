package charset

import "bytes"

// wideTally counts what code units of two or four bytes would be.
type wideTally struct {
	units, good, ascii, kana int
}

func isWide(name string) bool {
	switch name {
	case nameUTF16, nameUTF16LE, nameUTF16BE, nameUTF32, nameUTF32LE, nameUTF32BE:
		return true
	}
	return false
}

// add classes one code unit; good are those a Japanese or Western text is made of.
func (t *wideTally) add(u uint32) {
	t.units++
	switch {
	case u >= 0x20 && u < 0x7f || u == '\t' || u == '\r' || u == '\n':
		t.ascii++
		t.good++
	case u >= 0x3041 && u <= 0x30ff:
		t.kana++
		t.good++
	case u >= 0xa0 && u < 0x600, u >= 0x2010 && u < 0x2700, u >= 0x3000 && u < 0x3400, u >= 0x4e00 && u < 0xa000,
		u >= 0xac00 && u < 0xd7a4, u >= 0xd800 && u < 0xe000, u >= 0xff01 && u < 0xffef, u >= 0x1f300 && u < 0x20000:
		t.good++
	}
}

// plausible asks for nearly only good units; that much two bytes of anything may reach.
func (t wideTally) plausible() bool { return t.units > 0 && t.good*10 >= t.units*9 }

// telling asks in addition for what random pairs do not have: zero bytes at one side only, or kana.
func (t wideTally) telling() bool {
	return t.plausible() && (t.ascii*4 >= t.units || t.kana*5 >= t.units)
}

func (t wideTally) weight() int { return t.good + t.ascii + t.kana }

func tally16(b []byte, big bool) wideTally {
	t := wideTally{}
	for ; len(b) >= 2; b = b[2:] {
		t.add(uint32(unit16(b, big)))
	}
	return t
}

func tally32(b []byte, big bool) wideTally {
	t := wideTally{}
	for ; len(b) >= 4; b = b[4:] {
		t.add(unit32(b, big))
	}
	return t
}

// chooseWide decides for UTF-32 and UTF-16: by label unless the bytes read better otherwise, without a label only when zero
// bytes show it.
func chooseWide(claimed codec, b []byte) codec {
	labelled := isWide(claimed.name)
	if labelled && readsNarrow(b) || !labelled && (bytes.IndexByte(b, 0) < 0 || len(b) < 4 || len(b)%2 == 1 && len(b) < 32) {
		return codec{}
	}
	if !labelled && strayZeros(b) {
		return codec{}
	}
	if len(b)%4 == 0 || claimed.name == nameUTF32 {
		if t := tally32(b, true); t.plausible() {
			return codec{name: nameUTF32BE}
		}
		if t := tally32(b, false); t.plausible() {
			return codec{name: nameUTF32LE}
		}
	}
	le, be := tally16(b, false), tally16(b, true)
	little := le.weight() > be.weight() || le.weight() == be.weight() && claimed.name == nameUTF16LE
	switch {
	case little && (le.telling() || labelled && le.plausible()):
		return codec{name: nameUTF16LE}
	case !little && (be.telling() || labelled && be.plausible()):
		return codec{name: nameUTF16BE}
	}
	return codec{}
}

// strayZeros says that b is ASCII with a few zero bytes in it, which would make rare kanji of every pair without one.
func strayZeros(b []byte) bool {
	return bytes.Count(b, []byte{0})*4 < len(b) && readsAsASCII(bytes.ReplaceAll(b, []byte{0}, nil))
}

// readsNarrow says that bytes labelled UTF-16 or UTF-32 are in a byte-oriented charset.
func readsNarrow(b []byte) bool {
	if bytes.ContainsFunc(b, func(r rune) bool { return r == 0x1a || r < 0x20 && isOddControl(byte(r)) }) {
		return false
	}
	if isASCII(b) {
		return readsAsASCII(b)
	}
	if u := tallyUTF8(b); u.bad == 0 && u.long > 0 {
		return true
	}
	if tally16(b, false).telling() || tally16(b, true).telling() {
		return false
	}
	s, e := tallyShiftJIS(b), tallyEUC(b)
	return s.convincing() && s.score >= 3*s.chars || e.convincing() && e.score >= 3*e.chars
}

// readsAsASCII says that b is printable ASCII, and not by the accident that hiragana in UTF-16BE begin with '0'.
func readsAsASCII(b []byte) bool {
	zeros := 0
	for _, c := range b {
		if c >= 0x7f || c < 0x20 && c != '\t' && c != '\r' && c != '\n' {
			return false
		}
		if c == '0' {
			zeros++
		}
	}
	return zeros*5 < len(b)
}

// guessWide recognizes UTF-16 without label and zero bytes: Japanese text without any ASCII. Nothing else fitted.
func guessWide(b []byte) codec {
	if len(b) < 8 || len(b)%2 != 0 {
		return codec{}
	}
	le, be := tally16(b, false), tally16(b, true)
	switch {
	case le.good == le.units && le.kana*5 >= le.units && le.kana > be.kana:
		return codec{name: nameUTF16LE}
	case be.good == be.units && be.kana*5 >= be.units && be.kana > le.kana:
		return codec{name: nameUTF16BE}
	}
	return codec{}
}
