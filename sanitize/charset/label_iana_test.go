package charset

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/ianaindex"
)

// TestNamesOfTheRegistry compares with x/text's index of the IANA registry:
// every name that it knows for an encoding must lead to the same text.
func TestNamesOfTheRegistry(t *testing.T) {
	ebcdic := map[encoding.Encoding]bool{charmap.CodePage037: true, charmap.CodePage1047: true, charmap.CodePage1140: true}
	known := 0
	for _, label := range registryNames() {
		enc, err := ianaindex.MIME.Encoding(label)
		if err != nil || enc == nil {
			continue
		}
		known++
		got := lookup(label)
		if ebcdic[enc] {
			if got.name != "" {
				t.Errorf("%s: an EBCDIC page is decoded as %s", label, got.name)
			}
			continue
		}
		if got.name == "" {
			t.Errorf("%s: not known", label)
			continue
		}
		if got.enc == nil || got.enc == enc {
			continue // a decoder of our own, or the same one
		}
		for b := range 256 { // single bytes tell the code pages apart
			want, _ := enc.NewDecoder().Bytes([]byte{byte(b)})
			have, _ := got.enc.NewDecoder().Bytes([]byte{byte(b)})
			if _, page := enc.(*charmap.Charmap); page && string(want) != string(have) && !whatwgWidens(got.name) {
				t.Errorf("%s: byte %#x is %q, the registry's charset has %q", label, b, have, want)
			}
		}
	}
	if known < 200 {
		t.Errorf("only %d names were compared", known)
	}
}

// whatwgWidens: the WHATWG list reads these names as their supersets of
// Windows, as mail is written (https://encoding.spec.whatwg.org/#names-and-labels).
func whatwgWidens(name string) bool {
	return name == "windows-1252" || name == "windows-1254" || name == "windows-874"
}

// registryNames writes out the ways in which the registry builds its names.
func registryNames() []string {
	var all []string
	for _, n := range []string{"037", "437", "500", "850", "852", "855", "858", "00858", "860", "862", "863", "865", "866", "1047", "1140", "01140"} {
		for _, p := range []string{"", "cp", "CP", "ibm", "IBM", "csIBM", "ccsid", "CCSID", "csPC8CodePage", "csPCp"} {
			all = append(all, p+n)
		}
	}
	for n := 1; n <= 16; n++ {
		for _, f := range []string{"ISO-8859-%d", "ISO_8859-%d", "csISO8859%d", "latin%d", "l%d", "iso-ir-%[1]d", "ISO-8859-%d-E", "ISO-8859-%d-I", "ISO_8859-%d-E", "ISO_8859-%d-I"} {
			all = append(all, fmt.Sprintf(f, n))
		}
		for year := 1986; year < 2005; year++ {
			all = append(all, fmt.Sprintf("ISO_8859-%d:%d", n, year))
		}
	}
	for n := range 300 {
		all = append(all, fmt.Sprintf("iso-ir-%d", n), fmt.Sprintf("windows-%d", 1000+n), fmt.Sprintf("cswindows%d", 1000+n), fmt.Sprintf("cp%d", 1000+n))
	}
	all = append(all, strings.Fields(`csPC850Multilingual csPC862LatinHebrew PC-Multilingual-850+euro windows-874 cswindows874 iso-celtic Latin-9
		koi8-r csKOI8R koi8-u csKOI8U macintosh mac csMacintosh greek greek8 ECMA-118 ELOT_928 hebrew csISOLatinHebrew arabic ECMA-114 ASMO-708
		cyrillic csISOLatinCyrillic csISOLatinGreek csISOLatinArabic csISOLatin1 csISOLatin2 csISOLatin3 csISOLatin4 csISOLatin5 csISOLatin6
		csISO88596E csISO88596I csISO88598E csISO88598I GBK CP936 MS936 windows-936 csGBK GB18030 csGB18030 GB2312 csGB2312 HZ-GB-2312 Big5 csBig5
		EUC-KR csEUCKR KS_C_5601-1987 korean csKSC56011987 Shift_JIS MS_Kanji csShiftJIS EUC-JP csEUCPkdFmtJapanese ISO-2022-JP csISO2022JP
		UTF-8 csUTF8 UTF-16 UTF-16BE UTF-16LE US-ASCII ANSI_X3.4-1968 iso-ir-6 ISO646-US us IBM367 cp367 csASCII`)...)
	return all
}
