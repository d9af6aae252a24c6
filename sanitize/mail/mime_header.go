package mail

import (
	"bytes"
	"strings"

	"sekisho/sanitize/format"
)

// header reads the header of p. ended tells that a delimiter or the end of
// the data came first, so that there is no body.
func (m *mimeParser) header(p *mimePart) (d mimeDelim, ended bool, err error) {
	first := m.lines.pos
	for {
		line, start, d, isDelim, err := m.line()
		if err != nil {
			return mimeEnd, false, err
		}
		if isDelim {
			m.count.header += start - first
			return d, true, nil
		}
		if m.headerLine(p, line, start) {
			size := m.lines.pos - first
			if size > mimeMaxHeader || m.count.header+size > mimeMaxHeaderTotal {
				return mimeEnd, false, format.Hold(format.LimitSize, "header")
			}
			continue
		}
		m.count.header += start - first
		if p.hdr.odd {
			m.notes.add("mime_defect", p.where(), "header repaired")
		}
		return mimeEnd, false, nil
	}
}

// headerLine takes one line into the header of p; false means that the body
// starts after it, or with it when the blank line is missing.
func (m *mimeParser) headerLine(p *mimePart, line []byte, start int) bool {
	h := &p.hdr
	whole := len(line)
	folded := whole > 0 && (line[0] == ' ' || line[0] == '\t')
	atTop := len(h.fields) == 0 && p.path == ""
	switch {
	case whole == 0:
		return atTop && m.moreHeader(true) // blank lines before a message
	case folded && mimeBlank(line) && !m.moreHeader(false):
		return false
	case folded && len(h.fields) > 0:
		m.extend(h)
		return true
	case folded:
		h.odd = true
		line = bytes.TrimLeft(line, " \t")
	case atTop && hdrIsMbox(line):
		return true
	case atTop:
		line = bytes.TrimPrefix(line, []byte("\xEF\xBB\xBF"))
	}
	name, value, ok := hdrSplit(line)
	if ok && (len(h.fields) > 0 || hdrIsTypical(name) || m.plausibleStart(p)) {
		h.fields = append(h.fields, hdrField{name, value, start + whole - len(value)})
		m.open = true
		return true
	}
	h.odd = true
	m.open = false
	if !ok && m.moreHeader(false) {
		return true // a line that belongs to nothing
	}
	m.lines.pos = start // no blank line: the body starts here
	return false
}

// extend makes the folded line that was read last part of the last field,
// unless a stray line came between.
func (m *mimeParser) extend(h *hdrBlock) {
	if m.open {
		f := &h.fields[len(h.fields)-1]
		f.raw = m.lines.b[f.at:m.lines.pos]
	}
}

// plausibleStart reports whether a first line that is a field of an unknown
// name starts a header: another header line or a blank line must follow.
func (m *mimeParser) plausibleStart(p *mimePart) bool {
	if p.path == "" {
		return true
	}
	look := m.lines
	line, _, ok := look.next()
	if !ok || len(line) == 0 {
		return ok
	}
	_, _, isField := hdrSplit(line)
	return isField || line[0] == ' ' || line[0] == '\t'
}

// moreHeader reports whether one of the next few lines is a typical header
// line, so that the line before it was only a stray one. Blank lines are
// passed over when blanks is set.
func (m *mimeParser) moreHeader(blanks bool) bool {
	look := m.lines
	for range 3 {
		line, _, ok := look.next()
		if !ok || len(line) == 0 && !blanks {
			return false
		}
		if name, _, ok := hdrSplit(line); ok && hdrIsTypical(name) {
			return true
		}
	}
	return false
}

// classify reads Content-Type and Content-Disposition. The first of several
// fields counts, always.
func (m *mimeParser) classify(p *mimePart, standard string) {
	for _, name := range []string{"content-type", "content-transfer-encoding", "content-disposition"} {
		if p.hdr.count(name) > 1 {
			m.notes.add("mime_defect", p.where(), "several "+name+" fields")
		}
	}
	p.media = standard
	if raw := p.hdr.first("content-type"); raw != nil {
		p.ctype = hdrParse(string(hdrFolded(raw)))
		if media := mimeMedia(p.ctype.main); media != "" {
			p.media, p.typed = media, true
		} else {
			m.notes.add("mime_defect", p.where(), "unreadable content-type")
		}
	}
	if raw := p.hdr.first("content-disposition"); raw != nil {
		p.disp = hdrParse(string(hdrFolded(raw)))
	}
}

// mimeMedia checks a media type; "" means that it cannot be read. A lone type
// is completed, as old senders leave the subtype out.
func mimeMedia(s string) string {
	switch s {
	case "text", "plain":
		return "text/plain"
	case "html":
		return "text/html"
	case "multipart":
		return "multipart/mixed"
	}
	major, minor, ok := strings.Cut(s, "/")
	if !ok || major == "" || minor == "" || len(s) > 127 {
		return ""
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte("/!#$&-^_.+*'", c) < 0 {
			return ""
		}
	}
	return s
}

// boundary returns the boundary parameter, "" when there is none to use.
func (m *mimeParser) boundary(p *mimePart) string {
	b := strings.TrimRight(parseParam(p.ctype.params, "boundary"), " \t")
	if b == "" || len(b) > mimeMaxBoundary || strings.ContainsAny(b, "\r\n") {
		return ""
	}
	return b
}

// recover reads a multipart in whose body no part was found: when it is itself
// encoded (which RFC 2045 section 6.4 forbids), and when its boundary is
// missing or wrong and the body plainly shows another one. What cannot be
// recovered is shown as text.
// spec: rfc2045#6.4
func (m *mimeParser) recover(p *mimePart) error {
	if !p.multipart() || p.media == "multipart/encrypted" {
		return nil
	}
	sub := mimeParser{ctx: m.ctx, lines: mimeLines{b: p.body}, base: m.base + len(m.bounds),
		count: m.count, notes: m.notes, decoded: m.decoded}
	boundary := ""
	if cte := mimeEncoding(p); (cte == cteBase64 || cte == cteQuoted) && !m.decoded {
		data, _ := mimeDecode(cte, p.body)
		sub.lines, sub.decoded = mimeLines{b: data}, true
		if b := m.boundary(p); b != "" && bytes.Contains(data, []byte("--"+b)) {
			boundary = b
		}
	}
	if boundary == "" {
		boundary = mimeGuess(sub.lines)
	}
	m.notes.add("mime_defect", p.where(), "multipart without usable boundary")
	if boundary != "" {
		if _, _, err := sub.multipart(p, boundary); err != nil {
			return err
		}
	}
	if len(p.kids) == 0 {
		p.media, p.typed = "text/plain", false
	}
	return nil
}

// mimeGuess returns the boundary that the lines show: the first line that
// starts with two dashes and is followed by a Content field.
func mimeGuess(l mimeLines) string {
	candidate := ""
	for {
		line, _, ok := l.next()
		if !ok {
			return ""
		}
		if name, _, ok := hdrSplit(line); ok && candidate != "" && strings.HasPrefix(name, "content-") {
			return candidate
		}
		candidate = ""
		if bytes.HasPrefix(line, []byte("--")) && len(line) > 2 && len(line) <= mimeMaxBoundary {
			candidate = string(bytes.TrimRight(line[2:], " \t"))
		}
	}
}
