package charset

import (
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// The names below are those of the IANA registry of character sets that the
// WHATWG list lacks. They are written out because x/text's own index of the
// registry builds its tables at the start of every box, whether a mail needs
// them or not; the tests compare with it.

// whatwgName gives the WHATWG label for a squashed name that only other lists
// know, "" for none.
func whatwgName(key string) string {
	if page, ok := strings.CutPrefix(key, "cswindows"); ok && (page == "874" || len(page) == 4 && strings.HasPrefix(page, "125")) {
		return "windows-" + page
	}
	switch key {
	case "cp949", "ms949", "windows949", "uhc", "xwindows949":
		return "euc-kr"
	case "cp950", "ms950", "windows950":
		return "big5"
	case "csgbk", "csgb18030":
		return "gb18030"
	case "csutf8":
		return "utf-8"
	case "cskoi8u":
		return "koi8-u"
	case "isoir6":
		return "us-ascii"
	case "iso8859101992":
		return "iso-8859-10"
	case "csiso885913":
		return "iso-8859-13"
	case "csiso885914", "iso885914", "iso8859141998", "isoir199", "isoceltic", "latin8", "l8":
		return "iso-8859-14"
	case "csiso885915", "latin9":
		return "iso-8859-15"
	case "csiso885916", "iso885916", "iso8859162001", "isoir226", "latin10", "l10":
		return "iso-8859-16"
	case "iso88596e", "iso88596i":
		return "iso-8859-6"
	case "iso88598e":
		return "iso-8859-8"
	case "iso88598i":
		return "iso-8859-8-i"
	}
	return ""
}

// dosPage knows the code pages of MS-DOS by their number and what stands
// before it in names of theirs. The pages of EBCDIC are left out on purpose:
// they are not in mail, and as a label they would only hide ASCII text.
func dosPage(key string) codec {
	switch key {
	case "cspc8codepage437", "cspc850multilingual", "cspcp852", "cspc862latinhebrew":
		key = strings.Trim(key, "abcdefghijklmnopqrstuvwxyz")
		key = key[max(0, len(key)-3):]
	case "pcmultilingual850euro":
		key = "00858"
	}
	for _, p := range []string{"csibm", "ccsid", "ibm", "cp"} {
		key = strings.TrimPrefix(key, p)
	}
	switch key {
	case "437":
		return codec{name: "ibm437", enc: charmap.CodePage437}
	case "850":
		return codec{name: "ibm850", enc: charmap.CodePage850}
	case "852":
		return codec{name: "ibm852", enc: charmap.CodePage852}
	case "855":
		return codec{name: "ibm855", enc: charmap.CodePage855}
	case "858", "00858":
		return codec{name: "ibm00858", enc: charmap.CodePage858}
	case "860":
		return codec{name: "ibm860", enc: charmap.CodePage860}
	case "862":
		return codec{name: "ibm862", enc: charmap.CodePage862}
	case "863":
		return codec{name: "ibm863", enc: charmap.CodePage863}
	case "865":
		return codec{name: "ibm865", enc: charmap.CodePage865}
	}
	return codec{}
}
