package hypertext

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxDepth is the deepest nesting kept, the bound browsers use as well.
const maxDepth = 512

// tree is a parsed document.
type tree struct {
	root     *node
	title    string
	base     string
	css      []string
	fallback bool // has <noscript> or <noframes>
	mayHide  bool // has styles or attributes that could hide text
	find     *findings

	conditions []string // words of conditional comments
	condBytes  int      // bytes of these comments
}

// builder makes a tree from tokens. It follows the HTML standard where that
// changes what a reader sees (implied end tags, scopes, breakout of foreign
// content) and leaves out what only changes looks (reconstruction of
// formatting elements): that part is what makes full parsers quadratic.
type builder struct {
	t       *tree
	stack   []*node
	open    map[string]int    // open elements by name, so that most searches need no walk
	skipped map[string]int    // start tags flattened away, waiting for their end tags
	cut     map[atom.Atom]int // elements closed by the end of one around them
	nodes   int
}

// parse builds the tree of doc with at most maxNodes nodes.
func parse(doc string, maxNodes int) (*tree, error) {
	root := &node{tag: atom.Body, name: "body"}
	b := &builder{
		t:     &tree{root: root, find: newFindings()},
		stack: []*node{root}, open: map[string]int{}, skipped: map[string]int{}, cut: map[atom.Atom]int{},
	}
	z := html.NewTokenizer(strings.NewReader(doc))
	for b.nodes <= maxNodes {
		switch z.Next() {
		case html.ErrorToken:
			// The reader cannot fail, so this is the end. An unfinished tag
			// takes what follows it along, here as in a browser.
			if len(z.Raw()) > 0 {
				b.t.find.count(findBroken, "document", "")
			}
			b.finish()
			return b.t, nil
		case html.TextToken:
			b.text(string(z.Text()))
		case html.StartTagToken:
			b.start(z, z.Token(), false)
		case html.SelfClosingTagToken:
			b.start(z, z.Token(), true)
		case html.CommentToken:
			if c := z.Text(); len(c) > 3 && c[0] == '[' {
				b.t.conditional(string(c))
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			b.end(string(name), atom.Lookup(name))
		}
	}
	return nil, &LimitError{"nodes", maxNodes}
}

func (b *builder) top() *node { return b.stack[len(b.stack)-1] }

func (b *builder) text(s string) {
	if s == "" {
		return
	}
	b.nodes++
	b.top().add(&node{text: s})
}

func (b *builder) start(z *html.Tokenizer, tok html.Token, selfClosing bool) {
	tag := tok.DataAtom
	if tag == atom.Noscript || b.foreign() {
		z.NextIsNotRawText()
	}
	if b.foreign() && isBreakout(tag, tok.Attr) && !b.integration() {
		b.leaveForeign()
	}
	n := &node{tag: tag, name: tok.Data, attr: tok.Attr}
	inspect(b.t, n)
	if b.foreign() && !b.integration() && tag != atom.Svg && tag != atom.Math && tag != atom.Script && tag != atom.Style {
		n.tag, tag = 0, 0 // a name of SVG or MathML that only looks like HTML
	}
	switch tag {
	case atom.Html, atom.Head, atom.Body:
		b.t.root.attr = append(b.t.root.attr, tok.Attr...)
		return
	}
	if b.open["select"] > 0 && !b.inSelect(tag) {
		return
	}
	b.imply(tag)
	b.nodes++
	stray := isTablePart(tag) && tag != atom.Table && b.open["table"] == 0 // only breaks the line
	if stray || isVoid(tag) || selfClosing && (b.foreign() || strings.Contains(n.name, ":")) {
		b.top().add(n)
		return
	}
	if len(b.stack) >= maxDepth {
		b.t.find.count(findDeep, n.name, "")
		b.skipped[n.name]++
		return
	}
	b.push(n)
}

func (b *builder) push(n *node) {
	b.top().add(n)
	b.stack = append(b.stack, n)
	b.open[n.name]++
	switch n.tag {
	case atom.Table:
		for p := n.parent; p != nil && !p.hasTable; p = p.parent {
			p.hasTable = true
		}
	case atom.Noscript, atom.Noframes:
		b.t.fallback = true
	}
}

// popTo leaves i elements open.
func (b *builder) popTo(i int) {
	for j, n := range b.stack[i:] {
		b.open[n.name]--
		if j > 0 && n.tag != 0 {
			b.cut[n.tag]++
		}
	}
	b.stack = b.stack[:i]
}

// closeOpen closes the innermost open element that match accepts, unless stop
// accepts an element further in.
func (b *builder) closeOpen(match, stop func(atom.Atom) bool) {
	for i := len(b.stack) - 1; i > 0; i-- {
		switch t := b.stack[i].tag; {
		case match(t):
			b.popTo(i)
			return
		case stop(t):
			return
		}
	}
}

func oneOf(tags ...atom.Atom) func(atom.Atom) bool {
	return func(t atom.Atom) bool {
		for _, x := range tags {
			if x == t {
				return true
			}
		}
		return false
	}
}

// imply closes what the start tag closes without saying so.
func (b *builder) imply(tag atom.Atom) {
	switch {
	case tag == atom.Li && b.open["li"] > 0:
		b.closeOpen(oneOf(atom.Li), func(t atom.Atom) bool {
			return isScope(t) || t == atom.Ul || t == atom.Ol || t == atom.Menu || t == atom.Dir || t == atom.Blockquote
		})
	case tag == atom.Dt || tag == atom.Dd:
		if b.open["dt"]+b.open["dd"] > 0 {
			b.closeOpen(oneOf(atom.Dt, atom.Dd), func(t atom.Atom) bool {
				return isScope(t) || t == atom.Dl || t == atom.Blockquote
			})
		}
	case isTablePart(tag) && tag != atom.Table:
		b.implyTable(tag)
	case tag == atom.Option || tag == atom.Optgroup:
		b.closeOpen(oneOf(atom.Option), oneOf(atom.Select, atom.Datalist, atom.Optgroup))
		if tag == atom.Optgroup {
			b.closeOpen(oneOf(atom.Optgroup), oneOf(atom.Select))
		}
	case tag == atom.Rt || tag == atom.Rp || tag == atom.Rb || tag == atom.Rtc:
		b.closeOpen(oneOf(atom.Rt, atom.Rp, atom.Rb), func(t atom.Atom) bool { return isScope(t) || t == atom.Ruby })
	case tag == atom.A && b.open["a"] > 0:
		b.closeOpen(oneOf(atom.A), isScope)
	case tag == atom.Button && b.open["button"] > 0:
		b.closeOpen(oneOf(atom.Button), isScope)
	}
	if isHeading(tag) && isHeading(b.top().tag) {
		b.popTo(len(b.stack) - 1)
	}
	if b.open["p"] > 0 && isBlock(tag) && !(isTablePart(tag) && tag != atom.Table) {
		b.closeOpen(oneOf(atom.P), func(t atom.Atom) bool { return isScope(t) || t == atom.Button })
	}
}

// implyTable closes cells, rows and groups of the innermost table.
func (b *builder) implyTable(tag atom.Atom) {
	if b.open["table"] == 0 {
		return
	}
	keep := func(t atom.Atom) bool {
		switch t {
		case atom.Table, atom.Template:
			return true
		case atom.Tbody, atom.Thead, atom.Tfoot:
			return tag == atom.Tr || tag == atom.Td || tag == atom.Th
		case atom.Tr:
			return tag == atom.Td || tag == atom.Th
		}
		return false
	}
	for i := len(b.stack) - 1; i > 0; i-- {
		if keep(b.stack[i].tag) {
			b.popTo(i + 1)
			return
		}
	}
}

// inSelect tells whether the start tag counts inside a <select>; controls end it.
func (b *builder) inSelect(tag atom.Atom) bool {
	switch tag {
	case atom.Option, atom.Optgroup, atom.Script, atom.Template, atom.Style, atom.Title:
		return true
	case atom.Select, atom.Input, atom.Textarea, atom.Keygen, atom.Table, atom.Tr, atom.Td, atom.Th,
		atom.Tbody, atom.P, atom.Div, atom.H1, atom.H2, atom.H3:
		// Newer parsers end or nest here; ending it loses no text after a
		// <select> that was never closed.
		b.closeOpen(oneOf(atom.Select), oneOf())
		return tag != atom.Select
	}
	return false
}

func (b *builder) end(name string, tag atom.Atom) {
	if b.skipped[name] > 0 {
		b.skipped[name]--
		return
	}
	if (tag == atom.P || tag == atom.Br) && b.foreign() && !b.integration() {
		b.leaveForeign()
	}
	if b.open[name] == 0 {
		b.endUnopened(tag)
		return
	}
	for i := len(b.stack) - 1; i > 0; i-- {
		n := b.stack[i]
		if n.name == name {
			n.closed = true
			b.popTo(i)
			return
		}
		if tag == atom.Template {
			continue
		}
		if isTablePart(tag) {
			if n.tag == atom.Table {
				return
			}
			continue
		}
		if isScope(n.tag) || isBlock(n.tag) && !isBlock(tag) && !isFormatting(tag) && tag != 0 && !isScope(tag) &&
			!rawElement(tag) {
			return
		}
	}
}

// rawElement lists containers whose end tag closes whatever is open inside.
func rawElement(t atom.Atom) bool {
	switch t {
	case atom.Svg, atom.Math, atom.Select, atom.Button, atom.Noscript, atom.Audio, atom.Video, atom.Canvas,
		atom.Del, atom.Ins, atom.Ruby, atom.Iframe, atom.Map:
		return true
	}
	return false
}

// endUnopened handles end tags without a start tag that a browser shows.
func (b *builder) endUnopened(tag atom.Atom) {
	switch {
	case tag == atom.P || tag == atom.Br:
		b.nodes++
		b.top().add(&node{tag: tag, name: tag.String()})
	case isHeading(tag):
		b.closeOpen(isHeading, isScope)
	case isTablePart(tag):
		b.implyTable(tag) // of a group or row that was itself implied
	case b.cut[tag] > 0:
		b.cut[tag]--
		if b.foreign() && !b.integration() {
			b.leaveForeign()
		}
	}
}

func (b *builder) foreign() bool { return b.open["svg"]+b.open["math"] > 0 }

// integration tells whether HTML may stand here inside a drawing or formula
// (HTML standard, "HTML integration point").
func (b *builder) integration() bool {
	inSVG, inMath := false, false
	for i := len(b.stack) - 1; i > 0; i-- {
		switch b.stack[i].name {
		case "foreignobject", "desc", "title":
			inSVG = true
		case "mtext", "mi", "mo", "mn", "ms", "annotation-xml":
			inMath = true
		case "svg":
			return inSVG
		case "math":
			return inMath
		}
	}
	return false
}

func (b *builder) leaveForeign() {
	for i := 1; i < len(b.stack); i++ {
		if t := b.stack[i].tag; t == atom.Svg || t == atom.Math {
			b.popTo(i)
			return
		}
	}
}

// finish reads the elements that speak about the whole document.
func (b *builder) finish() {
	b.t.css = nil
	walk(b.t.root, func(n *node) bool {
		switch n.tag {
		case atom.Svg, atom.Math, atom.Template:
			return false
		case atom.Title:
			if b.t.title == "" {
				b.t.title = blunt(tame(oneLine(n.content(), maxLabel)))
			}
		case atom.Style:
			b.t.css = append(b.t.css, n.content())
			inspectSheet(b.t, n.content())
		}
		return true
	})
}

// content joins the direct text of n.
func (n *node) content() string {
	var s strings.Builder
	for k := n.first; k != nil; k = k.next {
		s.WriteString(k.text)
	}
	return s.String()
}

// walk visits n and below in document order; visit returns false to skip.
func walk(n *node, visit func(*node) bool) {
	if !visit(n) {
		return
	}
	for k := n.first; k != nil; k = k.next {
		walk(k, visit)
	}
}
