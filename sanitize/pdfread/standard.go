package pdfread

import (
	"slices"
	"strings"
)

// standardFonts are the 14 that every PDF reader brings along (ISO 32000-1,
// 9.6.2.2), as PDFium does, and the names by which Windows programs ask for the
// same shapes. A document need not embed them, and nothing of it changes.
var standardFonts = []string{
	"arial", "couriernew", "courier", "helvetica", "symbol", "times", "timesnewroman", "zapfdingbats",
}

// standard reports whether a base font name is one of the standard fonts, in
// any of its styles: "Helvetica-BoldOblique", "TimesNewRomanPS-BoldMT".
func standard(name string) bool {
	if i := strings.IndexByte(name, '+'); i == 6 { // the tag of a subset
		name = name[i+1:]
	}
	name, _, _ = strings.Cut(strings.ToLower(strings.ReplaceAll(name, " ", "")), ",")
	name, style, _ := strings.Cut(name, "-")
	for _, end := range []string{"mt", "ps"} {
		name = strings.TrimSuffix(name, end)
	}
	switch strings.TrimSuffix(style, "mt") {
	case "", "bold", "italic", "oblique", "roman", "bolditalic", "boldoblique":
		return slices.Contains(standardFonts, name)
	}
	return false
}
