package mail

import (
	"fmt"
	"strings"

	"sekisho/sanitize/format"
	"sekisho/sanitize/hypertext"
	"sekisho/sanitize/ir"
)

// text returns a body part as text, and the files that were uuencoded in it.
func (w *bodyWalker) text(p *mimePart) ([]bodyItem, error) {
	b, err := w.bytes(p)
	if err != nil {
		return nil, err
	}
	if b.why == format.KindUnsupported {
		return w.file(p)
	}
	label := parseParam(p.ctype.params, "charset")
	if bodyIsHTML(p, b.data) {
		return w.html(p, label, b.data)
	}
	var items []bodyItem
	rest := b.data
	for range mimeMaxParts {
		f, ok := uuFind(rest)
		if !ok {
			break
		}
		if err := w.part(); err != nil {
			return nil, err
		}
		w.notes.add("uuencode_decoded", p.where(), "")
		items = append(items, w.plain(p, label, rest[:f.start])...)
		items = append(items, bodyItem{child: w.uuChild(f)})
		rest = rest[f.end:]
	}
	return append(items, w.plain(p, label, rest)...), nil
}

// part counts a part that was found inside another one.
func (w *bodyWalker) part() error {
	if w.count.parts++; w.count.parts > mimeMaxParts {
		return format.Hold(format.LimitCount, "MIME parts")
	}
	return nil
}

func (w *bodyWalker) uuChild(f uuFile) *bodyChild {
	c := &bodyChild{data: f.data}
	c.Role = ir.RoleAttachment
	c.Name = parseName(parseDecode("", f.name).text, w.clean)
	return c
}

// bodyIsHTML reports whether the part is HTML: by its type, or, without a
// readable type, by how it starts.
func bodyIsHTML(p *mimePart, data []byte) bool {
	if p.media == "text/html" || p.media == "application/xhtml+xml" {
		return true
	}
	if p.typed {
		return false
	}
	head := strings.ToLower(strings.TrimSpace(string(data[:min(len(data), 512)])))
	return strings.HasPrefix(head, "<html") || strings.HasPrefix(head, "<!doctype html")
}

// plain makes the item of plain or enriched text; nothing when it is blank.
// What is no text goes on as a file.
func (w *bodyWalker) plain(p *mimePart, label string, data []byte) []bodyItem {
	if mimeBlank(data) {
		return nil
	}
	it := bodyItem{role: ir.RoleBody}
	d := parseDecode(label, data)
	if !parseIsText(d.text) {
		return w.unshown(p, data)
	}
	it.decoded(d)
	text := it.clean.text(d.text)
	switch {
	case p.media == "text/enriched", p.media == "text/richtext":
		it.kind = bodyRich
		text = bodyEnriched(text)
	case strings.EqualFold(p.ctype.get("format"), "flowed"):
		text = bodyFlowed(text, strings.EqualFold(p.ctype.get("delsp"), "yes"))
	}
	it.text = w.links(&it, text)
	if strings.TrimSpace(it.text) == "" {
		return nil
	}
	return []bodyItem{it}
}

// decoded counts what decoding had to guess.
func (it *bodyItem) decoded(d parseDecoded) {
	it.clean.replaced += d.replaced
	if d.guessed {
		it.clean.guessed++
	}
}

// unshown hands a body that cannot be shown on as a file.
func (w *bodyWalker) unshown(p *mimePart, data []byte) []bodyItem {
	w.unreadable = true
	c := w.child(p, data)
	c.instead = true
	return []bodyItem{{child: c}}
}

// html makes the item of an HTML text. A document beyond the limits of the
// converter goes on as a file, which the HTML format will judge.
func (w *bodyWalker) html(p *mimePart, label string, data []byte) ([]bodyItem, error) {
	if mimeBlank(data) {
		return nil, nil
	}
	if label == "" {
		label = hypertext.MetaCharset(data)
	}
	d := parseDecode(label, data)
	if !parseIsText(d.text) {
		return w.unshown(p, data), nil
	}
	res, err := hypertext.Convert(d.text, hypertext.Options{Defang: w.in.Defang, Site: hypertext.RegistrableDomain})
	if err != nil {
		items := w.unshown(p, data)
		if items[0].child.Name == "" {
			items[0].child.Name = "body.html"
		}
		return items, nil
	}
	for _, img := range res.Images {
		if img.CID != "" {
			w.cids[parseLine(img.CID, 500)] = true
		}
	}
	it := bodyItem{role: ir.RoleBody, kind: bodyHTML}
	it.decoded(d)
	for _, f := range res.Findings {
		where := p.where()
		if f.Where != "" {
			where += ", " + f.Where
		}
		it.notes = append(it.notes, ir.Note{Code: f.Code, Where: where, Detail: f.Detail})
	}
	it.text = it.clean.text(res.Text)
	if res.Stub || strings.TrimSpace(it.text) == "" {
		it.text = ""
	}
	return []bodyItem{it}, nil
}

// links applies the rule for addresses in plain text (DECISIONS 16), after the
// sender's text has lost what reads like our remarks on them.
func (w *bodyWalker) links(it *bodyItem, text string) string {
	text, links := hypertext.PlainLinks(hypertext.Unmark(text), hypertext.LinkPolicy{Defang: w.in.Defang, Site: hypertext.RegistrableDomain})
	for _, l := range links {
		if l.Code != "" && len(it.notes) < 50 {
			it.notes = append(it.notes, ir.Note{Code: l.Code, Where: fmt.Sprintf("link %d", len(it.notes)+1), Detail: l.Detail})
		}
	}
	return text
}

// bodyFlowed joins the lines of format=flowed (RFC 3676): a line that ends
// with a blank goes on in the next one of the same quoting depth. With delsp
// that blank was put in for the line break alone, as Japanese needs it.
// spec: rfc3676#4.1 rfc3676#4.3 rfc3676#4.4 rfc3676#4.5
func bodyFlowed(s string, delsp bool) string {
	var out strings.Builder
	out.Grow(len(s))
	open, depth := false, 0
	trailing := strings.HasSuffix(s, "\n")
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	for i, line := range lines {
		rest := strings.TrimLeft(line, ">")
		d := len(line) - len(rest)
		rest = strings.TrimPrefix(rest, " ") // space-stuffing
		signature := rest == "-- "
		if !open || d != depth || signature {
			if i > 0 {
				out.WriteByte('\n')
			}
			out.WriteString(strings.Repeat(">", d))
			if d > 0 && rest != "" {
				out.WriteByte(' ')
			}
		}
		open, depth = !signature && strings.HasSuffix(rest, " "), d
		if open && delsp {
			rest = rest[:len(rest)-1]
		}
		out.WriteString(rest)
	}
	if trailing {
		out.WriteByte('\n')
	}
	return out.String()
}

// bodyEnriched removes the commands of text/enriched (RFC 1896): <x> and </x>
// go, << is a less-than sign, <param> and what it holds go, and one line break
// is a blank while two or more are one less. A <param> that nothing closes is
// passed over, or all that follows would be lost.
// spec: rfc1896
func bodyEnriched(s string) string {
	var out strings.Builder
	skip := false
	closing := bodyLastParam(s)
	for whole := len(s); len(s) > 0; {
		i := strings.IndexAny(s, "<\n")
		if i < 0 {
			i = len(s)
		}
		if !skip {
			out.WriteString(s[:i])
		}
		s = s[i:]
		switch {
		case s == "":
		case s[0] == '\n':
			n := len(s) - len(strings.TrimLeft(s, "\n"))
			if !skip {
				out.WriteString(bodyEnrichedBreak(n))
			}
			s = s[n:]
		case strings.HasPrefix(s, "<<"):
			if !skip {
				out.WriteByte('<')
			}
			s = s[2:]
		default:
			end := strings.IndexByte(s[:min(len(s), 62)], '>')
			if end < 0 {
				out.WriteByte('<')
				s = s[1:]
				continue
			}
			switch strings.ToLower(s[1:end]) {
			case "param":
				skip = whole-len(s) < closing
			case "/param":
				skip = false
			case "nl", "paragraph", "/paragraph":
				out.WriteByte('\n')
			}
			s = s[end+1:]
		}
	}
	return out.String()
}

// bodyLastParam finds the last </param>, -1 if there is none.
func bodyLastParam(s string) int {
	const end = "</param>"
	i := len(s) - len(end)
	for i >= 0 && !(s[i] == '<' && strings.EqualFold(s[i:i+len(end)], end)) {
		i--
	}
	return max(i, -1)
}

func bodyEnrichedBreak(n int) string {
	if n == 1 {
		return " "
	}
	return strings.Repeat("\n", n-1)
}

// bodyVisible counts the characters of a text that can be seen.
func bodyVisible(s string) int {
	n := 0
	for _, r := range s {
		if r > ' ' && r != '　' {
			n++
		}
	}
	return n
}
