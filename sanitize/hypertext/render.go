package hypertext

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/atom"
)

// renderer walks the tree once and writes the flow.
type renderer struct {
	t      *tree
	opt    Options
	find   *findings
	sheet  *sheet
	f      *flow
	policy LinkPolicy
	images []Image
	plain  bool // second reading: <noscript>, <noframes>, all hidden words
	lists  int  // nesting of lists
	unsaid int  // pictures left out because they have no words
}

func render(t *tree, opt Options, plain bool) (Result, error) {
	r := &renderer{t: t, opt: opt, find: t.find.clone(), sheet: newSheet(t.css), plain: plain}
	r.policy = LinkPolicy{Base: t.base, MaxURL: opt.MaxURL, Site: opt.Site}
	r.f = &flow{max: opt.MaxText, finalize: r.finalize, hiddenMax: maxLabel}
	if plain {
		r.f.hiddenMax = maxHidden
	}
	st := compute(r.sheet, t.root, rootStyle(r.sheet))
	st.invisible, st.fontPx, st.indentAway = false, 16, false
	r.kids(t.root, st)
	t.mayHide = r.find.by[findHidden] != nil
	lines := r.addConditional(dropRepeats(r.f.done()))
	if r.sheet.unread {
		r.find.count(findUnread, "style", "")
	}
	if r.sheet.unplaced {
		r.find.count(findWritten, "style", "")
	}
	if r.f.full {
		return Result{}, &LimitError{"text", opt.MaxText}
	}
	if r.f.odd > 0 {
		r.find.count(findInvisible, "text", "")
	}
	return Result{
		Text: joinLines(lines), Title: t.title, Images: r.images,
		Findings: r.find.list(), Stub: !r.f.read,
	}, nil
}

// finalize is the last rewrite of every line: nothing in it may open a tag,
// name a script or be an address built to be misread.
func (r *renderer) finalize(s string) string {
	p := r.policy
	p.Defang = r.opt.Defang
	s, lies := PlainLinks(tame(s), p)
	for _, l := range lies {
		r.find.count(l.Code, "text", l.Detail)
	}
	return blunt(s)
}

// blunt widens each "<" that could open a tag. An address in angle brackets
// stays as it is.
func blunt(s string) string {
	if strings.IndexByte(s, '<') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '<' && opensTag(s[i+1:]) {
			b.WriteString("＜")
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func opensTag(s string) bool {
	if s == "" {
		return false
	}
	c := lowerByte(s[0])
	if c == '/' || c == '!' || c == '?' {
		return true
	}
	if c < 'a' || c > 'z' {
		return false
	}
	head := cutBytes(s, 2000)
	end := strings.IndexAny(head, "<> \t\"'")
	if end < 0 || head[end] != '>' {
		return true
	}
	addr := strings.ToLower(head[:end])
	for _, p := range []string{"http://", "https://", "hxxp://", "hxxps://", "mailto:", "tel:"} {
		if strings.HasPrefix(addr, p) {
			return false
		}
	}
	return !strings.Contains(addr, "@") || strings.HasPrefix(addr, "script") || strings.Contains(addr, "/")
}

// dropRepeats leaves out hidden text that is also shown, as in mails that
// carry one version for wide and one for narrow screens. Short words stay: that
// they stand elsewhere too says nothing about this place.
func dropRepeats(lines []line) []line {
	const (
		budget    = 50
		minRepeat = 8 // characters
	)
	visible, checked := "", 0
	out := lines[:0]
	for i := range lines {
		l := lines[i]
		if utf8.RuneCountInString(l.hidden) >= minRepeat && checked < budget {
			if checked == 0 {
				visible = squeeze(joinVisible(lines))
			}
			checked++
			if strings.Contains(visible, l.hidden) {
				continue
			}
		}
		if l.blank && len(out) > 0 && out[len(out)-1].blank {
			continue
		}
		out = append(out, l)
	}
	return out
}

func joinVisible(lines []line) string {
	var b strings.Builder
	for _, l := range lines {
		if l.hidden == "" {
			b.WriteString(l.text)
		}
	}
	return b.String()
}

func joinLines(lines []line) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.text)
		b.WriteByte('\n')
	}
	return strings.Trim(b.String(), "\n")
}

func (r *renderer) children(n *node, st style) {
	for k := n.first; k != nil && !r.f.full; k = k.next {
		if k.name == "" {
			r.text(k.text, st)
		} else {
			r.element(k, st)
		}
	}
}

func (r *renderer) text(s string, st style) {
	if !st.hides() {
		if st.reversed && strings.ContainsFunc(s, readable) {
			r.find.count(findReversed, "text", "")
			s = reversed(s)
		}
		r.f.text(s, st.space)
		return
	}
	if strings.ContainsFunc(s, readable) {
		r.find.count(findHidden, "text", "")
		r.f.hide(s)
	} else {
		r.f.text(strings.Map(onlySpace, s), st.space)
	}
}

func onlySpace(r rune) rune {
	if r == ' ' || r == '\n' || r == '\t' {
		return r
	}
	return -1
}

// hide takes a whole element out of the flow.
func (r *renderer) hide(n *node) {
	var b strings.Builder
	walk(n, func(k *node) bool {
		if k.name == "" && b.Len() < maxHidden {
			b.WriteString(k.text)
		}
		if isBlock(k.tag) || k.tag == atom.Br {
			b.WriteByte(' ')
		}
		if k != n && (k.tag == atom.Img || k.tag == atom.Image) {
			r.noteImage(k, true)
		}
		return !r.silent(k)
	})
	if s := b.String(); strings.ContainsFunc(s, readable) {
		r.find.count(findHidden, n.name, "")
		r.f.hide(s)
	}
}

// silent lists the elements whose content is never read.
func (r *renderer) silent(n *node) bool {
	switch n.tag {
	case atom.Script, atom.Style, atom.Title, atom.Template, atom.Iframe, atom.Noembed, atom.Datalist,
		atom.Meta, atom.Link, atom.Base, atom.Param, atom.Source, atom.Track, atom.Rp, atom.Colgroup, atom.Col,
		atom.Frame, atom.Embed, atom.Bgsound, atom.Basefont:
		return true
	case atom.Noscript: // "please allow scripts", unless it has more to say
		return !r.plain && n.closed && len(textBelow(n, 2*maxLabel)) < maxLabel
	case atom.Noframes:
		return !r.plain
	}
	return false
}

func (r *renderer) element(n *node, up style) {
	if r.silent(n) {
		return
	}
	st := compute(r.sheet, n, up)
	if n.tag == atom.Dialog && !n.has("open") {
		st.gone = true
	}
	if st.gone && n.tag != atom.Br {
		if n.tag == atom.Img || n.tag == atom.Image {
			r.noteImage(n, true)
		}
		r.hide(n)
		return
	}
	if r.special(n, st) {
		return
	}
	block := isBlock(n.tag) && st.display != displayInline || st.display == displayBlock
	if !block {
		r.struck(n, st)
		return
	}
	above, below := gaps(n, st)
	r.f.brk(above)
	if st.ruled && n.tag == atom.Div && (len(r.f.cur) > 0 || len(r.f.lines) > 0) {
		r.f.mark(ruleLine) // how Outlook parts an answer from the mail it answers
		r.f.brk(1)
	}
	r.struck(n, st)
	r.f.brk(below)
}

// struck writes the content of n and marks struck-through words, which must
// not read as valid.
func (r *renderer) struck(n *node, st style) {
	if n.tag != atom.Del && n.tag != atom.S && n.tag != atom.Strike && !st.strike {
		r.kids(n, st)
		return
	}
	at := r.f.here()
	r.f.mark("〔削除: ")
	r.kids(n, st)
	if s, same := r.f.since(at, 100); same && strings.TrimSpace(s) == "〔削除:" {
		r.f.replace(at, "")
		return
	}
	r.f.attach("〕")
}

// gaps tells how many line ends stand above and below a block.
func gaps(n *node, st style) (above, below int) {
	above, below = 1, 1
	switch n.tag {
	case atom.P, atom.Blockquote, atom.Pre, atom.Xmp, atom.Listing, atom.Plaintext, atom.Dl, atom.Fieldset,
		atom.Figure, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		above, below = 2, 2
	}
	set := func(g *int, m margin) {
		switch m {
		case marginNone:
			*g = 1
		case marginSome:
			*g = 2
		}
	}
	set(&above, st.above)
	set(&below, st.below)
	return above, below
}
