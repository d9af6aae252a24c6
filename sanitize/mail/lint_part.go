package mail

import (
	"bytes"
	"crypto/sha256"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"sekisho/sanitize/ir"
)

// multipart checks the parts between exact boundary lines: the first begins at
// once (no preamble), the last is closed by the last line (no epilogue).
//
// spec: rfc2046#5.1.1
func (l *linter) multipart(body []byte, boundary string) {
	delimiter := []byte("\r\n--" + boundary)
	rest, ok := bytes.CutPrefix(body, append(delimiter[2:len(delimiter):len(delimiter)], '\r', '\n'))
	if !ok {
		l.report("lint_preamble", "body", "")
		return
	}
	for n := 0; n <= lintMaxParts; n++ {
		part, after, ok := bytes.Cut(rest, delimiter)
		if !ok {
			l.report("lint_boundary_open", lintWhere(n), "")
			return
		}
		l.part(part, n)
		if end, closed := bytes.CutPrefix(after, []byte("--")); closed {
			if string(end) != "\r\n" {
				l.report("lint_epilogue", "body", "")
			}
			if n == 0 {
				l.report("lint_structure", "body", "multipart of one part")
			}
			return
		}
		if rest, ok = bytes.CutPrefix(after, []byte("\r\n")); !ok {
			l.report("lint_boundary_line", lintWhere(n), "")
			return
		}
	}
	l.report("lint_parts", "body", "")
}

func lintWhere(n int) string { return "part " + strconv.Itoa(n+1) }

// part checks one part; the first is the text.
func (l *linter) part(part []byte, n int) {
	where := lintWhere(n)
	head, body, ok := lintCut(part)
	if !ok {
		l.report("lint_header_end", where, "")
		return
	}
	fields := l.fields(head, where)
	want := []string{"Content-Type", "Content-Transfer-Encoding", "Content-Disposition"}
	if n == 0 {
		want = want[:2]
	}
	names := make([]string, 0, len(fields))
	for _, f := range fields {
		names = append(names, f.name)
	}
	if !slices.Equal(names, want) {
		l.report("lint_part_fields", where, strings.Join(names, " "))
		return
	}
	if n > 0 {
		l.attachment(fields, body, where)
		return
	}
	if fields[0].value != lintTextMedia {
		l.report("lint_structure", where, fields[0].value)
		return
	}
	l.text(body, fields[1].value, where)
}

// attachment checks the fields, the name and the encoding of an attachment,
// then whether its content was linted.
func (l *linter) attachment(fields []lintField, body []byte, where string) {
	media, charset, quoted, ok := (&lintScan{fields[0].value}).partType()
	if !ok {
		l.report("lint_part_type", where, fields[0].value)
		return
	}
	extensions, known := lintMedia[media]
	switch {
	case !known:
		l.report("lint_media", where, media)
	case charset != "" && !strings.HasPrefix(media, "text/"):
		l.report("lint_part_type", where, fields[0].value)
	}
	filename, pieces, ok := (&lintScan{fields[2].value}).disposition()
	if !ok {
		l.report("lint_disposition", where, fields[2].value)
		return
	}
	name := l.fileName(quoted, filename, pieces, where)
	if known && !slices.Contains(extensions, strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))) {
		l.report("lint_name_type", where, name+" "+media)
	}
	encoding := fields[1].value
	if (media == "message/rfc822") != (encoding == "7bit") || encoding != "7bit" && encoding != "base64" {
		l.report("lint_encoding", where, media+" "+encoding)
		return
	}
	l.content(ir.Child{Role: ir.RoleAttachment, Name: name, Media: media}, body, encoding, charset, where)
}

func (l *linter) content(c ir.Child, body []byte, encoding, charset, where string) {
	if encoding == "base64" {
		var ok bool
		if body, ok = lintBase64(body); !ok {
			l.report("lint_base64", where, "")
			return
		}
	} else {
		c.Role = ir.RoleMessage
	}
	sum := sha256.Sum256(body)
	l.parts = append(l.parts, lintPart{media: c.Media, name: c.Name, sum: sum, foreign: charset == "Shift_JIS"})
	if !l.known[sum] {
		l.emit(c, body)
	}
}

// fileName reads the three forms of a file name, which must agree: the name
// and filename parameters (ASCII or encoded words), and filename* when they
// are encoded.
func (l *linter) fileName(name, filename, pieces, where string) string {
	plain, ok1 := lintUnquote(name)
	again, ok2 := lintUnquote(filename)
	if !ok1 || !ok2 {
		l.report("lint_word", where, name+" "+filename)
		return ""
	}
	if plain != again {
		l.report("lint_name_differs", where, plain+" / "+again)
		return ""
	}
	if encoded := strings.Contains(name, "=?"); encoded != (pieces != "") {
		l.report("lint_name_form", where, name)
		return ""
	} else if encoded {
		ext, ok := l.extendedName(pieces)
		if !ok || ext != plain {
			l.report("lint_name_differs", where, plain+" / "+ext)
			return ""
		}
	}
	if why := lintUnsafeName(plain); why != "" {
		l.report("lint_name_unsafe", where, why+" "+plain)
		return ""
	}
	return plain
}

// extendedName decodes the pieces of filename*.
//
// spec: rfc2231#3 rfc2231#4
func (l *linter) extendedName(pieces string) (string, bool) {
	var all strings.Builder
	s := lintScan{pieces}
	for i := 0; !s.end(); i++ {
		number, value, ok := s.extended()
		alone := number == "" && i == 0 && s.end()
		if !ok || !alone && number != strconv.Itoa(i) {
			return "", false
		}
		all.WriteString(value)
	}
	value, ok := strings.CutPrefix(all.String(), "utf-8''")
	if !ok {
		return "", false
	}
	return lintPercent(value)
}

// lintReserved are names of devices in Windows.
var lintReserved = strings.Fields("con prn aux nul clock$ conin$ conout$ com0 com1 com2 com3 com4 com5 com6 com7 com8 com9 com¹ com² com³ " +
	"lpt0 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9 lpt¹ lpt² lpt³")

// lintUnsafeName says why a file name is unsafe, "" if it is not.
func lintUnsafeName(s string) string {
	stem, _, _ := strings.Cut(strings.ToLower(s), ".")
	switch {
	case s == "":
		return "empty"
	case len(s) > 160:
		return "long"
	case ir.Clean(s, false) != nil:
		return "characters"
	case strings.ContainsAny(s, `/\:*?"<>|`):
		return "special characters"
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Cf, r) }):
		return "invisible characters"
	case strings.Trim(s, " .") != s:
		return "outer dots or spaces"
	case slices.Contains(lintReserved, strings.TrimSpace(stem)):
		return "reserved"
	}
	return ""
}
