package sanitize

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// maxName is the longest file name in bytes (DECISIONS 5).
const maxName = 120

// safeName makes a file name from a sender's one (DECISIONS 5): NFC, one
// component, no control, bidi or reserved characters, no reserved names, no
// leading or trailing dots and spaces, at most maxName bytes, ending in ext.
// An unusable name becomes fallback.
func safeName(name, fallback, ext string) string {
	name = norm.NFC.String(name)
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.Map(func(r rune) rune {
		switch {
		case ir.Forbidden(r), r == utf8.RuneError:
			return -1
		case strings.ContainsRune(`<>:"/\|?*`, r):
			return '_'
		}
		return r
	}, name)
	name = strings.Trim(name, ". \t　")
	if ext != "" {
		ext = "." + ext
		if len(name) >= len(ext) && strings.EqualFold(name[len(name)-len(ext):], ext) {
			name = name[:len(name)-len(ext)]
		}
	}
	name = strings.Trim(ir.Cut(name, maxName-len(ext)), ". \t　")
	if name == "" {
		name = fallback
	}
	if format.Device(name) {
		name = "_" + name
	}
	return name + ext
}

// builtName returns the name of a rebuilt file: the sender's, with the
// extension of the kind that was built. Pictures change their extension; text
// made from another kind keeps the old one before it (data.json.txt), so that
// people see what it was.
func builtName(original string, k format.Kind, ext string) string {
	switch old := extension(original); {
	case families[k] == picture, k == format.SVG, k == format.CSV:
		if old != "" && len(old) <= 5 && ascii(old) {
			original = strings.TrimRight(original, ". \t　")
			original = original[:len(original)-len(old)-1]
		}
	}
	return safeName(original, fallbackName[k], ext)
}

func ascii(s string) bool {
	for _, c := range []byte(s) {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// fallbackName is what a file without a usable name is called.
var fallbackName = map[format.Kind]string{
	format.Mail: "mail", format.Text: "text", format.CSV: "table", format.HTML: "page",
	format.PNG: "picture", format.JPEG: "picture", format.GIF: "picture", format.BMP: "picture", format.ICO: "icon",
	format.WebP: "picture", format.TIFF: "scan", format.HEIC: "photo", format.AVIF: "picture", format.SVG: "drawing",
}

// Distinct numbers name until it differs, without regard to case, from all
// names taken before, and takes it.
func Distinct(taken map[string]bool, name string) string {
	ext := path.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	for i := 2; taken[strings.ToLower(name)]; i++ {
		mark := fmt.Sprintf(" (%d)", i)
		name = ir.Cut(stem, maxName-len(ext)-len(mark)) + mark + ext
	}
	taken[strings.ToLower(name)] = true
	return name
}
