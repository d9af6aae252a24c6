package charset

import (
	"strings"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// lookup turns a label as found in mail into a codec; the name is empty when the label says nothing usable.
func lookup(label string) codec {
	label = strings.ToLower(trimLabel(label))
	if len(label) > maxLabelBytes {
		return codec{}
	}
	if c := alias(squash(label)); c.name != "" {
		return c
	}
	if cut := strings.IndexAny(label, " \t\r\n;,\"'"); cut > 0 {
		label = label[:cut] // "iso-2022-jp; format=flowed", "utf-8 (unknown)"
		if c := alias(squash(label)); c.name != "" {
			return c
		}
	}
	return foreign(label)
}

// trimLabel takes off what surrounds labels in the wild: quotes, spaces, "charset=", the language of RFC 2231 §5.
// spec: rfc2231#5
func trimLabel(label string) string {
	label = strings.Trim(label, " \t\r\n\"'`=;,<>()")
	if len(label) > 8 && strings.EqualFold(label[:8], "charset=") {
		label = strings.Trim(label[8:], " \t\r\n\"'`=;,<>()")
	}
	if star := strings.IndexByte(label, '*'); star >= 0 {
		label = label[:star]
	}
	return label
}

// squash leaves letters and digits: Shift-JIS, shift_jis and "Shift JIS" are one name.
func squash(label string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, label)
}

// alias knows the names of the charsets decoded in this package, which the WHATWG and IANA lists know only in part.
func alias(key string) codec {
	switch key {
	case "shiftjis", "sjis", "xsjis", "cp932", "ms932", "win932", "windows932", "windows31j", "cswindows31j", "mskanji",
		"csshiftjis", "shiftjisms", "sjiswin", "sjisms", "xmscp932", "cp943", "ibm943", "ibm932", "xmacjapanese",
		"macjapanese", "shiftjis2004", "shiftjisx0213", "shiftx0213", "csmskanji", "shiftjisdocomo", "xsjiscp932", "932":
		return codec{name: nameShiftJIS}
	case "eucjp", "xeucjp", "xeuc", "euc", "cp51932", "windows51932", "eucjpms", "eucjpwin", "eucjpopen", "eucjis2004",
		"eucjisx0213", "eucjp2004", "cseucpkdfmtjapanese", "extendedunixcodepackedformatforjapanese", "ujis", "cp20932",
		"51932", "20932":
		return codec{name: nameEUCJP}
	case "iso2022jp", "iso2022jp1", "iso2022jp2", "iso2022jp3", "iso2022jp2004", "iso2022jpms", "iso2022jpext",
		"csiso2022jp", "csiso2022jp2", "cp50220", "cp50221", "cp50222", "windows50220", "windows50221", "jis", "jis7",
		"jis8", "xjis", "isojp", "jisms", "50220", "50221", "50222":
		return codec{name: name2022JP}
	case "iso2022kr", "csiso2022kr", "cp50225":
		return codec{name: name2022KR}
	case "iso2022cn", "iso2022cnext", "csiso2022cn", "cp50227":
		return codec{name: name2022CN}
	}
	return unicodeAlias(key)
}

func unicodeAlias(key string) codec {
	switch key {
	case "utf8", "unicode11utf8", "unicode20utf8", "xunicode20utf8", "utf8mb4", "utf8n", "utf8bom", "utf8mac", "cp65001",
		"65001", "cesu8", "8utf":
		return codec{name: nameUTF8}
	case "utf7", "unicode11utf7", "csunicode11utf7", "unicode20utf7", "xunicode20utf7", "cp65000", "65000":
		return codec{name: nameUTF7}
	case "utf16", "ucs2", "iso10646ucs2", "csunicode", "unicode", "csutf16":
		return codec{name: nameUTF16}
	case "utf16le", "unicodelittle", "ucs2le", "cp1200", "csutf16le":
		return codec{name: nameUTF16LE}
	case "utf16be", "unicodefffe", "unicodebig", "ucs2be", "cp1201", "csutf16be":
		return codec{name: nameUTF16BE}
	case "utf32", "ucs4", "iso10646ucs4", "csucs4":
		return codec{name: nameUTF32}
	case "utf32le", "ucs4le", "cp12000":
		return codec{name: nameUTF32LE}
	case "utf32be", "ucs4be", "cp12001":
		return codec{name: nameUTF32BE}
	case "usascii", "ascii", "ansix341968", "ansix341986", "iso646us", "iso646irv1991", "csascii", "us", "cp367", "ibm367",
		"646", "7bit":
		return codec{name: nameASCII}
	case "hzgb2312", "hz", "hzgb":
		return codec{name: nameHZ, enc: simplifiedchinese.HZGB2312}
	case "cp936", "ms936", "windows936", "xgbk", "gbk", "gb2312", "gb18030", "xcp20936":
		return codec{name: "gb18030", enc: simplifiedchinese.GB18030} // a superset of the others
	}
	return codec{}
}

// foreign asks the WHATWG list and then what IANA knows beyond it.
func foreign(label string) codec {
	key := squash(label)
	if name := whatwgName(key); name != "" {
		label = name
	}
	if enc, err := htmlindex.Get(label); err == nil {
		name, err := htmlindex.Name(enc)
		if err != nil || name == "replacement" || name == "x-user-defined" {
			return codec{}
		}
		if name == "gbk" || name == "gb18030" {
			return unicodeAlias("gb18030")
		}
		return codec{name: name, enc: enc}
	}
	return dosPage(key)
}

// printableLabel makes a claimed label fit for a report.
func printableLabel(label string) string {
	label = strings.Trim(label, " \t\r\n\"")
	if len(label) > maxLabelBytes {
		label = label[:maxLabelBytes]
	}
	out := []byte(label)
	for i, c := range out {
		if c < 0x20 || c > 0x7e {
			out[i] = '?'
		}
	}
	return string(out)
}
