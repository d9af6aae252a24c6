package charset

import "bytes"

const sampleBytes = 256 << 10 // what detection looks at

// choose decides how b is read. The evidence is asked in the order of its strength: a byte order mark, escape sequences,
// zero bytes, and then the pattern of the bytes above 0x7F; the label decides what these leave open.
func choose(claimed codec, b []byte) codec {
	if c := byteOrderMark(claimed, b); c.name != "" {
		return c
	}
	sample := evidence(b)
	if c := chooseWide(claimed, sample); c.name != "" {
		return c
	}
	if isWide(claimed.name) {
		claimed = codec{} // labelled UTF-16 or UTF-32 and is not
	}
	if name, ok := hasDesignation(sample); ok {
		return codec{name: name}
	}
	if isASCII(sample) {
		return choose7(claimed, sample)
	}
	return choose8(claimed, sample)
}

// evidence is the part of b that tells: from shortly before the first byte that is not plain ASCII on.
func evidence(b []byte) []byte {
	if len(b) <= sampleBytes {
		return b
	}
	start := bytes.IndexFunc(b, func(r rune) bool { return r >= 0x80 || r == esc })
	start = max(0, start-sampleBytes/64) &^ 3 // code units stay whole
	return b[start:min(len(b), start+sampleBytes)]
}

// choose7 decides for text without 8-bit bytes and without escape sequences.
func choose7(claimed codec, b []byte) codec {
	switch claimed.name {
	case name2022JP:
		claimed.repair = escapesLost(b, true)
	case "", nameASCII:
		if escapesLost(b, false) {
			return codec{name: name2022JP, repair: true}
		}
		return codec{name: nameASCII}
	}
	return claimed
}

// choose8 decides for text with 8-bit bytes.
func choose8(claimed codec, b []byte) codec {
	u := tallyUTF8(b)
	switch claimed.name {
	case nameUTF8:
		return chooseUTF8(claimed, u, b)
	case nameShiftJIS, nameEUCJP:
		return chooseJapanese(claimed, u, b)
	case "", nameASCII, nameLatin, name2022JP, name2022KR, name2022CN, nameUTF7, nameHZ:
		return detect8(u, b)
	case "iso-8859-15", "macintosh", "iso-8859-14", "windows-1250", "iso-8859-2":
		if c := detect8(u, b); c.name != nameLatin {
			return c
		}
		return claimed
	case "gb18030", "big5", "euc-kr":
		return chooseCJK(claimed, u, b)
	}
	return chooseOther(claimed, u, b)
}

// chooseUTF8 overrules the label unless what is wrong looks like characters cut short and would read as rare kanji only.
func chooseUTF8(claimed codec, u utf8Tally, b []byte) codec {
	if u.mostly() || u.cut && u.bad == 1 {
		return claimed
	}
	c := detect8(u, b)
	if u.partial < u.bad {
		return c
	}
	if s, e := tallyShiftJIS(b), tallyEUC(b); c.name == nameShiftJIS && s.score < weightLevel1*s.chars ||
		c.name == nameEUCJP && e.score < weightLevel1*e.chars {
		return claimed
	}
	return c
}

// detect8 decides without a label.
func detect8(u utf8Tally, b []byte) codec {
	if u.mostly() && u.rare < u.chars {
		return codec{name: nameUTF8}
	}
	s, e := tallyShiftJIS(b), tallyEUC(b)
	if u.mostly() && !u.looksEUC(e) {
		return codec{name: nameUTF8}
	}
	name, best := nameShiftJIS, s
	if e.better(s) {
		name, best = nameEUCJP, e
	}
	if u.long > 0 && (u.score() > best.score || !best.convincing() && u.long >= u.bad) {
		return codec{name: nameUTF8}
	}
	if best.convincing() && best.score > latinScore(b) {
		return codec{name: name}
	}
	if c := guessWide(b); c.name != "" {
		return c
	}
	return foreign(nameLatin)
}

// chooseJapanese weighs a label of one Japanese 8-bit charset against the other and against UTF-8. EUC-JP under the other
// label shows as nearly nothing but half-width kana, so that less of an advantage convinces.
func chooseJapanese(claimed codec, u utf8Tally, b []byte) codec {
	s, e := tallyShiftJIS(b), tallyEUC(b)
	own, other, otherName := s, e, nameEUCJP
	need := own.score + own.score/4
	if claimed.name == nameEUCJP {
		own, other, otherName = e, s, nameShiftJIS
		need = 2 * own.score
	}
	switch {
	case u.bad == 0 && (u.long > 0 || own.errors > 0):
		return codec{name: nameUTF8}
	case u.mostly() && own.errors > u.bad:
		return codec{name: nameUTF8}
	case own.errors == 0 && own.score > 0 && other.score <= need,
		s.errors == 0 && s.half == 0 && claimed.name == nameShiftJIS: // EUC-JP would show as half-width kana
		return claimed
	case own.kana > other.kana && own.kana*5 >= own.chars:
		return claimed // damaged, or with lines in another charset
	case other.convincing() && other.score > own.score && other.errors <= own.errors:
		return codec{name: otherName}
	}
	return claimed
}

// chooseCJK keeps a Chinese or Korean label unless the text is UTF-8 or unmistakably Japanese. Japanese that a Chinese
// program wrote in GB 2312 has its kana where EUC-JP has them, so that the label stands if its table has no gap.
func chooseCJK(claimed codec, u utf8Tally, b []byte) codec {
	if u.bad == 0 && u.long > 0 {
		return codec{name: nameUTF8}
	}
	s, e := tallyShiftJIS(b), tallyEUC(b)
	if s.unmistakable() && s.errors == 0 && !e.better(s) {
		return codec{name: nameShiftJIS}
	}
	if e.unmistakable() && e.errors == 0 && claimed.name != "gb18030" {
		return codec{name: nameEUCJP}
	}
	gaps := unreadable(claimed, b)
	switch {
	case gaps == 0:
		return claimed
	case u.mostly():
		return codec{name: nameUTF8}
	case s.convincing() && s.score >= 3*s.chars && s.errors < gaps && !e.better(s):
		return codec{name: nameShiftJIS}
	case e.convincing() && e.score >= 3*e.chars && e.errors < gaps:
		return codec{name: nameEUCJP}
	}
	return claimed
}

// chooseOther keeps the label of a one-byte charset unless the text is UTF-8 or Japanese. In these charsets 0x80–0x9F are
// rare letters, signs or nothing; in Shift_JIS they begin most characters.
func chooseOther(claimed codec, u utf8Tally, b []byte) codec {
	if u.bad == 0 && (u.long > 0 || u.chars > 2) {
		return codec{name: nameUTF8}
	}
	s, e := tallyShiftJIS(b), tallyEUC(b)
	switch {
	case s.convincing() && s.score >= 3*s.chars && s.errors == 0 && s.low*2 >= s.chars && !e.better(s):
		return codec{name: nameShiftJIS}
	case e.unmistakable():
		return codec{name: nameEUCJP}
	}
	return claimed
}

func byteOrderMark(claimed codec, b []byte) codec {
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		return codec{name: nameUTF8, skip: 3}
	case bytes.HasPrefix(b, []byte("\xff\xfe\x00\x00")) && len(b)%4 == 0:
		return codec{name: nameUTF32LE, skip: 4}
	case bytes.HasPrefix(b, []byte("\x00\x00\xfe\xff")):
		return codec{name: nameUTF32BE, skip: 4}
	case bytes.HasPrefix(b, []byte("\xff\xfe")):
		return codec{name: nameUTF16LE, skip: 2}
	case bytes.HasPrefix(b, []byte("\xfe\xff")):
		return codec{name: nameUTF16BE, skip: 2}
	case bytes.HasPrefix(b, []byte("\x84\x31\x95\x33")):
		c := alias("gb18030")
		c.skip = 4
		return c
	case bytes.HasPrefix(b, []byte("+/v8-")) && (claimed.name == "" || claimed.name == nameUTF7):
		return codec{name: nameUTF7, skip: 5}
	}
	return codec{}
}
