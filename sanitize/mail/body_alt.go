package mail

import (
	"fmt"
	"slices"
	"strings"

	"sekisho/sanitize/ir"
)

// bodyChoice is one alternative of a multipart/alternative, rendered.
type bodyChoice struct {
	items   []bodyItem
	kind    bodyKind
	visible int // characters that can be seen
}

// alternative shows the best of several forms of the same text (RFC 2046
// section 5.1.4): the plain one unless it is only a stub for the HTML, which
// many senders write. A form that says something else than the plain one is
// shown after it, for no reader may miss what other mail programs would show.
// Files of the forms not shown still go on; only files that stood in for a
// form are dropped with it.
// spec: rfc2046#5.1.4
func (w *bodyWalker) alternative(p *mimePart, at bodyPlace) ([]bodyItem, error) {
	var all []bodyChoice
	unreadable := w.unreadable
	for _, k := range p.kids {
		items, err := w.walk(k, bodyPlace{related: at.related})
		if err != nil {
			return nil, err
		}
		all = append(all, bodyRender(items))
	}
	best := bodyBest(all)
	if best < 0 { // nothing can be shown: keep everything
		var out []bodyItem
		for _, c := range all {
			out = append(out, c.items...)
		}
		return out, nil
	}
	w.unreadable = unreadable
	out := all[best].items
	shown := bodyShownForms(all, best)
	for i, c := range all {
		if i == best {
			continue
		}
		if shown[i] >= formShown {
			out = append(out, c.items...)
			continue
		}
		for _, it := range c.items {
			switch {
			case it.child == nil && it.role == ir.RoleBody:
			case it.child != nil && it.child.instead:
			case it.child != nil && bodyIsForm(it.child.Media) && it.child.Name == "":
			default:
				out = append(out, it)
			}
		}
	}
	dropped := slices.Contains(shown, formDropped) || slices.Contains(shown, formMore)
	if dropped {
		w.notes.add("alternative_dropped", p.where(), bodyDropped(all, best, shown))
	}
	if slices.Contains(shown, formAgainst) {
		w.notes.add("alternative_differs", p.where(), "other numbers or addresses")
	} else if slices.Contains(shown, formMore) {
		w.notes.add("alternative_more", p.where(), "")
	}
	return out, nil
}

// bodyIsForm lists further forms of a text that nobody misses when a better
// one is shown.
func bodyIsForm(media string) bool {
	return media == "text/x-amp-html" || media == "text/watch-html" || media == "text/rtf" || media == "application/rtf"
}

func bodyRender(items []bodyItem) bodyChoice {
	c := bodyChoice{items: items}
	for _, it := range items {
		if it.child == nil && it.role == ir.RoleBody {
			c.visible += bodyVisible(it.text)
			c.kind = max(c.kind, it.kind)
		}
	}
	return c
}

// bodyBest returns the index of the form to show, -1 when there is none.
func bodyBest(all []bodyChoice) int {
	plain, html, rich := -1, -1, -1
	for i, c := range all {
		switch {
		case c.visible == 0:
		case c.kind == bodyHTML:
			html = i // the last one is the richest
		case c.kind == bodyRich:
			rich = i
		case plain < 0:
			plain = i
		}
	}
	switch {
	case plain >= 0 && (html < 0 || !bodyStub(all[plain], all[html].visible)):
		return plain
	case html >= 0:
		return html
	}
	return rich
}

// bodyStub reports whether a plain text only says that there is HTML.
func bodyStub(c bodyChoice, html int) bool {
	if c.visible*10 < html {
		return true
	}
	if c.visible > 200 || html <= c.visible {
		return false
	}
	text := strings.ToLower(bodyJoin(c))
	for _, w := range []string{"html", "ブラウザ", "browser"} {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

func bodyJoin(c bodyChoice) string {
	var b strings.Builder
	for _, it := range c.items {
		if it.child == nil && it.role == ir.RoleBody {
			b.WriteString(it.text)
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// bodyDropped says what the forms not shown had that the best one lacks.
func bodyDropped(all []bodyChoice, best int, forms []bodyForm) string {
	shown := bodyJoin(all[best])
	shown = shown[:min(len(shown), bodyMaxCompared)]
	chars, links, compared := 0, 0, 0
	for i, c := range all {
		if forms[i] >= formShown {
			continue
		}
		chars += c.visible
		if compared >= bodyMaxLinks {
			continue
		}
		for _, u := range bodyLinks(bodyJoin(c)) {
			compared++
			if !strings.Contains(shown, u) {
				links++
			}
		}
	}
	return fmt.Sprintf("%d characters, %d links not in the shown text", chars, links)
}

// Limits of comparing alternatives.
const (
	bodyMaxLinks    = 50        // links looked up
	bodyMaxCompared = 256 << 10 // bytes they are looked up in
)

// bodyLinks returns the first web addresses in a text, up to a blank or bracket.
func bodyLinks(s string) []string {
	var out []string
	for len(out) < bodyMaxLinks {
		i := strings.Index(s, "://")
		if i < 0 {
			break
		}
		end := strings.IndexAny(s[i:], " \n\t<>〕」)\"")
		if end < 0 {
			end = len(s) - i
		}
		out = append(out, s[i:i+end])
		s = s[i+end:]
	}
	return out
}
