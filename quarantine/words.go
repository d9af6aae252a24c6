package quarantine

import (
	"strings"
	"unicode"
)

// words are what a person wrote, as it is kept and shown to whoever decides: without
// control characters but line ends and tabs, and without what turns the direction of
// writing or shows nothing (Unicode category Cf), by which a sentence can be made to
// read as another one.
func words(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point) || r == '\u2028' || r == '\u2029':
			return -1
		}
		return r
	}, s))
}
