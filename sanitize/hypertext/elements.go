package hypertext

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/atom"
)

const ruleLine = "----------"

// special writes the elements that read in a way of their own and reports
// whether n was one.
func (r *renderer) special(n *node, st style) bool {
	switch n.tag {
	case atom.Br:
		r.f.br()
	case atom.Hr:
		r.f.brk(1)
		r.f.mark(ruleLine)
		r.f.brk(1)
	case atom.Img, atom.Image:
		r.image(n, st)
	case atom.A, atom.Area:
		r.link(n, st)
	case atom.Table:
		r.table(n, st)
	case atom.Ul, atom.Ol, atom.Menu, atom.Dir:
		r.list(n, st)
	case atom.Li: // outside of any list
		r.item(n, st, "・")
	case atom.Dd:
		r.indent(n, st, prefix{first: "  ", rest: "  "})
	case atom.Blockquote:
		above, below := gaps(n, st)
		r.f.brk(above)
		r.indent(n, st, prefix{first: "> ", rest: "> ", quote: true})
		r.f.brk(below)
	case atom.Pre, atom.Xmp, atom.Listing, atom.Plaintext:
		r.f.brk(2)
		st.space = spacePre
		r.kids(n, st)
		r.f.brk(2)
	case atom.Q:
		r.quote(n, st)
	case atom.Sup:
		r.sup(n, st)
	case atom.Rt:
		r.wrap(n, st, "(", ")")
	case atom.Noframes:
		r.noframes(n, st)
	case atom.Svg:
		r.svg(n, st)
	case atom.Math:
		r.math(n, st)
	default:
		return r.control(n, st)
	}
	return true
}

func (r *renderer) wrap(n *node, st style, open, end string) {
	at := r.f.here()
	r.f.mark(open)
	r.kids(n, st)
	if s, same := r.f.since(at, 100); same && strings.TrimSpace(s) == open {
		r.f.replace(at, "")
		return
	}
	r.f.attach(end)
}

// quote uses Japanese quotation marks around Japanese and plain ones elsewhere.
func (r *renderer) quote(n *node, st style) {
	if strings.ContainsFunc(textBelow(n, 200), wide) {
		r.wrap(n, st, "「", "」")
	} else {
		r.wrap(n, st, `"`, `"`)
	}
}

// sup keeps powers readable: 10^6, never 106.
func (r *renderer) sup(n *node, st style) {
	s := strings.TrimSpace(textBelow(n, 40))
	number := s != "" && strings.Trim(s, "0123456789+-−,.") == ""
	letter := utf8.RuneCountInString(s) == 1 && !strings.ContainsFunc(s, wide) && s[0] < 0x80
	switch {
	case number || letter:
		r.f.mark("^")
	case strings.ContainsAny(s, "+-") && !strings.ContainsAny(s, "[(※*"):
		r.wrap(n, st, "^(", ")")
		return
	}
	r.kids(n, st)
}

// textBelow is the text under n, at most limit bytes.
func textBelow(n *node, limit int) string {
	var b strings.Builder
	budget := 1000
	n.gather(&b, limit, &budget)
	return cutBytes(b.String(), limit)
}

func (n *node) gather(b *strings.Builder, limit int, budget *int) {
	for k := n.first; k != nil && b.Len() < limit && *budget > 0; k = k.next {
		*budget--
		b.WriteString(k.text)
		k.gather(b, limit, budget)
	}
}

func (r *renderer) indent(n *node, st style, p prefix) {
	r.f.brk(1)
	r.f.push(p)
	r.kids(n, st)
	r.f.brk(1)
	r.f.pop()
}

// list writes items with their marks, nested lists further in.
func (r *renderer) list(n *node, st style) {
	gap := 2
	if r.lists > 0 {
		gap = 1
	}
	r.f.brk(gap)
	r.lists++
	no, step := 1, 1
	if v, err := strconv.Atoi(strings.TrimSpace(n.val("start"))); err == nil && v > -1e6 && v < 1e6 {
		no = v
	}
	if n.has("reversed") {
		step = -1
	}
	for k := n.first; k != nil && !r.f.full; k = k.next {
		switch {
		case k.name == "":
			r.text(k.text, st)
		case k.tag != atom.Li:
			r.element(k, st)
		default:
			if v, err := strconv.Atoi(strings.TrimSpace(k.val("value"))); err == nil && v > -1e6 && v < 1e6 {
				no = v
			}
			r.listItem(k, st, n, no)
			no += step
		}
	}
	r.lists--
	r.f.brk(gap)
}

func (r *renderer) listItem(k *node, up style, list *node, no int) {
	st := compute(r.sheet, k, up)
	switch {
	case st.gone:
		r.hide(k)
	case st.plainList:
		r.f.brk(1)
		r.kids(k, st)
		r.f.brk(1)
	case list.tag == atom.Ol:
		r.item(k, st, ordinal(no, list.val("type"))+". ")
	default:
		r.item(k, st, "・")
	}
}

func (r *renderer) item(n *node, st style, mark string) {
	width := 0
	for _, c := range mark {
		width += 1 + btoi(wide(c))
	}
	r.indent(n, st, prefix{first: mark, rest: strings.Repeat(" ", width)})
}

// ordinal writes a list number in the style of the type attribute.
func ordinal(n int, kind string) string {
	switch {
	case (kind == "a" || kind == "A") && n >= 1 && n <= 26:
		return string(kind[0] + byte(n-1))
	case (kind == "i" || kind == "I") && n >= 1 && n <= 3999:
		s := roman(n)
		if kind == "i" {
			s = strings.ToLower(s)
		}
		return s
	}
	return strconv.Itoa(n)
}

func roman(n int) string {
	values := []int{1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1}
	words := []string{"M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"}
	var b strings.Builder
	for i, v := range values {
		for n >= v {
			b.WriteString(words[i])
			n -= v
		}
	}
	return b.String()
}

// noframes reads what a page of frames says to programs without frames. The
// tokenizer hands it over as one piece of text.
func (r *renderer) noframes(n *node, st style) {
	t, err := parse(n.content(), r.opt.MaxNodes)
	if err != nil {
		r.f.full = true
		return
	}
	r.plain = false // no <noframes> inside
	r.kids(t.root, st)
	r.plain = true
}

// svg keeps the name of a drawing, and the HTML inside a foreignObject.
func (r *renderer) svg(n *node, st style) {
	for k := n.first; k != nil; k = k.next {
		if k.name == "title" {
			if alt := oneLine(k.content(), maxLabel); alt != "" {
				r.f.mark("〔画像: " + alt + "〕")
				r.f.read = r.f.read || strings.ContainsFunc(alt, readable)
			}
			break
		}
	}
	walk(n, func(k *node) bool {
		if k.name == "foreignobject" {
			r.f.brk(1)
			r.kids(k, st)
			r.f.brk(1)
			return false
		}
		return true
	})
}

// math writes a formula in one line: a/b, x^2, √(y).
func (r *renderer) math(n *node, st style) {
	for k := n.first; k != nil && !r.f.full; k = k.next {
		if k.name == "" {
			r.text(k.text, st)
			continue
		}
		var sep []string
		switch k.name {
		case "annotation", "annotation-xml":
			continue
		case "mfrac":
			sep = []string{"/"}
		case "msup":
			sep = []string{"^"}
		case "msub", "munder":
			sep = []string{"_"}
		case "msubsup", "munderover":
			sep = []string{"_", "^"}
		case "msqrt", "mroot":
			r.f.mark("√(")
			r.math(k, st)
			r.f.attach(")")
			continue
		}
		switch {
		case sep != nil:
			r.mathParts(k, st, sep)
		case strings.HasPrefix(k.name, "m") || k.tag == 0 || k.name == "semantics":
			r.math(k, st)
		default:
			r.element(k, st)
		}
	}
}

// mathParts writes the children of k with signs between them; one with
// several parts of its own is put in parentheses.
func (r *renderer) mathParts(k *node, st style, sep []string) {
	i := 0
	for c := k.first; c != nil; c = c.next {
		if c.name == "" {
			continue
		}
		if i > 0 && i <= len(sep) {
			r.f.attach(sep[i-1])
		}
		i++
		holder := &node{tag: atom.Math, name: "math", first: &node{
			tag: c.tag, name: c.name, attr: c.attr, text: c.text, first: c.first, parent: k,
		}}
		if c.name == "mrow" && c.first != nil && c.first != c.last {
			r.f.mark("(")
			r.math(holder, st)
			r.f.attach(")")
		} else {
			r.math(holder, st)
		}
	}
}
