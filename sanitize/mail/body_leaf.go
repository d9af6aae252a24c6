package mail

import (
	"strings"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// bodyReports are the machine-written parts of reports that are shown as text
// (DECISIONS 7).
var bodyReports = map[string]bool{
	"message/delivery-status": true, "message/global-delivery-status": true,
	"message/disposition-notification": true, "message/global-disposition-notification": true,
	"message/feedback-report": true, "text/rfc822-headers": true, "message/global-headers": true,
}

// bodySignatures are detached signatures, which a rebuilt mail cannot keep.
var bodySignatures = map[string]bool{
	"application/pkcs7-signature": true, "application/x-pkcs7-signature": true, "application/pgp-signature": true,
}

// leaf returns the items of a part without parts.
func (w *bodyWalker) leaf(p *mimePart, at bodyPlace) ([]bodyItem, error) {
	switch m := p.media; {
	case m == "message/rfc822", m == "message/global", m == "message/news":
		return w.message(p)
	case m == "message/partial":
		return w.without(p, format.FragmentOfMail, "")
	case m == "message/external-body":
		w.notes.add("external_body", p.where(), parseParam(p.ctype.params, "access-type"))
		return w.without(p, format.ExternalBody, "")
	case bodyReports[m]:
		return w.report(p)
	case bodySignatures[m] && bodySignatureName(w.name(p)):
		w.notes.add("signature_stripped", p.where(), m)
		return nil, nil
	case m == "application/pkcs7-mime", m == "application/x-pkcs7-mime":
		return w.smime(p)
	case m == "application/mac-binhex40":
		return w.without(p, format.KindUnsupported, "BinHex")
	case m == "text/calendar", m == "application/ics":
		return w.calendar(p)
	case bodyShown(m) && !w.attached(p, at):
		return w.text(p)
	}
	return w.file(p)
}

// bodyShown lists the media types that are a body when they are no attachment.
func bodyShown(media string) bool {
	switch media {
	case "text/plain", "text/html", "application/xhtml+xml", "text/enriched", "text/richtext":
		return true
	}
	return false
}

// attached reports whether a text is a file: marked so, or named. The message
// itself stays a body although it has a name.
func (w *bodyWalker) attached(p *mimePart, at bodyPlace) bool {
	if p.disp.main == "attachment" {
		return true
	}
	if at.related && p.hdr.has("content-id") {
		return true
	}
	return !at.root && w.name(p) != ""
}

func bodySignatureName(name string) bool {
	name = strings.ToLower(name)
	if !strings.Contains(name, ".") {
		return true
	}
	for _, ext := range []string{".p7s", ".sig", ".asc", ".pgp"} {
		if strings.HasSuffix(name, ext) {
			return true
		}
	}
	return false
}

// file hands a leaf on as a child.
func (w *bodyWalker) file(p *mimePart) ([]bodyItem, error) {
	b, err := w.bytes(p)
	if err != nil {
		return nil, err
	}
	c := w.child(p, b.data)
	if c.Name == "" && b.name != nil {
		c.Name = parseName(parseDecode("", b.name).text, w.clean)
	}
	if b.why != "" {
		c.Note = ir.Note{Code: string(b.why), Where: p.where(), Detail: b.detail}
	}
	return []bodyItem{{child: c}}, nil
}

// without hands a leaf on as a child that cannot be sanitized, and says why.
func (w *bodyWalker) without(p *mimePart, why format.Reason, detail string) ([]bodyItem, error) {
	if err := w.take(len(p.body)); err != nil {
		return nil, err
	}
	c := w.child(p, p.body)
	c.Note = ir.Note{Code: string(why), Where: p.where(), Detail: detail}
	return []bodyItem{{child: c}}, nil
}

// message hands an attached mail on. It is named by its file name, or by its
// own subject.
func (w *bodyWalker) message(p *mimePart) ([]bodyItem, error) {
	items, err := w.file(p)
	if err != nil {
		return nil, err
	}
	c := items[0].child
	c.Role = ir.RoleMessage
	c.Media = "message/rfc822"
	if c.Name == "" {
		if s := w.subject(c.data); s != "" {
			c.Name = parseName(strings.NewReplacer("/", "／", `\`, "＼").Replace(parseCut(s, 200)), w.clean) + ".eml"
		}
	}
	return items, nil
}

// subject reads the subject of an attached mail.
func (w *bodyWalker) subject(data []byte) string {
	m := mimeParser{ctx: w.ctx, lines: mimeLines{b: mimeUnix(data)}, count: &mimeCount{}, notes: &parseNotes{}}
	var p mimePart
	if _, _, err := m.header(&p); err != nil {
		return ""
	}
	var c parseCleaner
	return c.header(p.hdr.first("subject"))
}

// report shows a machine-written part as text, with its encoded words decoded.
// spec: rfc3464 rfc8098
func (w *bodyWalker) report(p *mimePart) ([]bodyItem, error) {
	b, err := w.bytes(p)
	if err != nil {
		return nil, err
	}
	it := bodyItem{role: ir.RoleReport}
	d := parseDecode(parseParam(p.ctype.params, "charset"), b.data)
	if !parseIsText(d.text) {
		return w.file(p)
	}
	it.clean.replaced += d.replaced
	text := it.clean.text(d.text)
	if strings.Contains(text, "=?") {
		text = it.reportWords(text)
	}
	it.text = w.links(&it, text)
	if strings.TrimSpace(it.text) == "" {
		return nil, nil
	}
	return []bodyItem{it}, nil
}

// reportWords decodes the encoded words of header-like lines, each with its
// folded lines, as one value.
func (it *bodyItem) reportWords(text string) string {
	var out strings.Builder
	lines := strings.SplitAfter(text, "\n")
	for i := 0; i < len(lines); {
		j := i + 1
		for j < len(lines) && len(lines[j]) > 0 && (lines[j][0] == ' ' || lines[j][0] == '\t') && strings.TrimSpace(lines[j]) != "" {
			j++
		}
		field := strings.Join(lines[i:j], "")
		if strings.Contains(field, "=?") {
			field = it.clean.header([]byte(field)) + "\n"
		}
		out.WriteString(field)
		i = j
	}
	return out.String()
}
