package mail

import (
	"strings"
	"unicode/utf8"

	"sekisho/sanitize/format"
)

// base64 undoes base64 for a leaf. A file is read as RFC 2045 says, whatever
// stands between its letters. A text may have the plain footer of a mailing
// list behind it, so what follows its last line is taken as base64 only if it
// reads as the same kind of text; if it does not, the reader is told.
// spec: rfc2045#6.8
func (w *bodyWalker) base64(p *mimePart) bodyBytes {
	textual := strings.HasPrefix(p.media, "text/") || strings.HasPrefix(p.media, "message/")
	data, clean := mimeBase64(p.body)
	if !clean {
		w.notes.add("mime_defect", p.where(), "base64 repaired")
	}
	short, cut := mimeBase64Lines(p.body)
	cut = cut && textual && !base64OneText(parseParam(p.ctype.params, "charset"), short, data)
	if cut {
		data = short
	}
	looks := base64Looks(p.body)
	switch {
	case textual && !looks && !(len(data) > 0 && utf8.Valid(data) && parseIsText(string(data))):
		return bodyBytes{data: p.body} // plain words under a wrong name
	case len(data) == 0 && !mimeBlank(p.body), !textual && !looks && len(data) < len(p.body)/3:
		return bodyBytes{data: p.body, why: format.Malformed, detail: "no base64"}
	}
	if cut {
		w.notes.add("body_rest", p.where(), "words behind base64")
	}
	return bodyBytes{data: data}
}

// base64OneText reports whether all of data is text of the charset that its
// beginning is in. Words that are no base64 give bytes that no charset knows.
func base64OneText(label string, beginning, data []byte) bool {
	a, b := parseDecode(label, beginning), parseDecode(label, data)
	var before, after parseCleaner
	before.text(a.text)
	after.text(b.text)
	return b.replaced == 0 && b.charset == a.charset && before.control == after.control
}
