package hypertext

import (
	"slices"
	"strings"
)

// A very small CSS reader. It exists to notice what a style hides, so it reads
// rules of simple selectors (tag, class, id, and descendants of these) and
// forgets the rest. What it does not understand never hides anything; if it
// could have, that is told (html_style_unread).

const (
	maxCSS       = 512 << 10 // bytes of style sheets
	maxRules     = 2000
	maxRuleParts = 8         // compounds of one selector
	maxMatches   = 4_000_000 // selector comparisons for a document
	maxDecls     = 64        // declarations of one block

	propUnread = "-unread" // stands for the declarations behind maxDecls
)

type decl struct {
	prop, value string
	important   bool
}

// compound is one step of a selector: tag.class.class#id.
type compound struct {
	tag, id string
	classes []string
	child   bool // must be the direct parent of the step after it
}

type rule struct {
	steps  []compound // the last one is the element itself
	weight int        // specificity, then order
	decls  []decl
}

// sheet is all style sheets of a document.
type sheet struct {
	rules  map[string][]*rule // by ".class", "#id", "tag" or "*" of the last step
	n      int
	budget int
	vague  bool // a rule we cannot place sets a background

	writers  []writer
	unplaced bool // a rule we cannot place writes words
	unread   bool // something that hides was not understood, or a bound was reached
}

func newSheet(css []string) *sheet {
	s := &sheet{rules: map[string][]*rule{}, budget: maxMatches}
	total := 0
	for _, text := range css {
		if total += len(text); total > maxCSS {
			s.vague, s.unread = true, true
			break
		}
		s.read(stripComments(text))
	}
	return s
}

// stripComments removes CSS comments and the comment marks of old HTML.
func stripComments(s string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, "/*")
		if i < 0 {
			break
		}
		b.WriteString(s[:i])
		end := strings.Index(s[i+2:], "*/")
		if end < 0 {
			s = ""
			break
		}
		s = s[i+2+end+2:]
	}
	b.WriteString(s)
	return strings.NewReplacer("<!--", " ", "-->", " ").Replace(b.String())
}

// read takes in the rules of one sheet.
func (s *sheet) read(css string) {
	for css != "" && s.room() {
		i := strings.IndexAny(css, "{};")
		if i < 0 {
			return
		}
		head := strings.TrimSpace(css[:i])
		if css[i] != '{' { // an @import or @charset, or a stray brace
			css = css[i+1:]
			continue
		}
		body, rest := block(css[i+1:])
		css = rest
		switch {
		case strings.HasPrefix(head, "@media"):
			if plainMedia(head) {
				s.readOnce(body)
			} else {
				s.vague = s.vague || strings.Contains(body, "background")
				if !onPaper(head) {
					s.written("@", body, false)
				}
			}
		case strings.HasPrefix(head, "@page"):
		case strings.HasPrefix(head, "@layer"), strings.HasPrefix(head, "@supports") && indexFold(head, "not") < 0:
			s.readOnce(body)
		case strings.HasPrefix(head, "@"):
			s.written("@", body, false)
		default:
			s.written(head, body, true)
			s.add(head, declarations(body))
		}
	}
}

// readOnce reads the inside of a plain @media block; blocks inside it are not
// followed further.
func (s *sheet) readOnce(css string) {
	for css != "" && s.room() {
		i := strings.IndexByte(css, '{')
		if i < 0 {
			return
		}
		head := strings.TrimSpace(css[:i])
		body, rest := block(css[i+1:])
		css = rest
		if !strings.HasPrefix(head, "@") {
			s.written(head, body, true)
			s.add(head, declarations(body))
		}
	}
}

// room tells whether one more rule may be read.
func (s *sheet) room() bool {
	s.unread = s.unread || s.n >= maxRules
	return s.n < maxRules
}

// block splits css after the brace that closes the block it starts in. Braces
// inside strings do not count; a string ends with its line (CSS Syntax 3, 4.3.5).
func block(css string) (body, rest string) {
	depth := 1
	for i := 0; i < len(css); i++ {
		switch css[i] {
		case '"', '\'':
			i += quoted(css[i:])
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return css[:i], css[i+1:]
			}
		}
	}
	return css, ""
}

// quoted is how far the end of the string at the start of s is from there.
func quoted(s string) int {
	i := 1
	for ; i < len(s) && s[i] != '\n' && s[i] != s[0]; i++ {
		if s[i] == '\\' {
			i++
		}
	}
	return i
}

func (s *sheet) add(selectors string, decls []decl) {
	if len(decls) == 0 {
		return
	}
	for sel := range strings.SplitSeq(selectors, ",") {
		if !s.room() {
			return
		}
		steps, weight, ok := parseSelector(sel)
		if !ok {
			s.vague = s.vague || slices.ContainsFunc(decls, func(d decl) bool {
				return strings.HasPrefix(d.prop, "background")
			})
			s.unread = s.unread || !passing(sel) && slices.ContainsFunc(decls, decl.hides)
			continue
		}
		s.n++
		r := &rule{steps: steps, weight: weight*maxRules + s.n, decls: decls}
		key, last := "*", steps[len(steps)-1]
		switch {
		case last.id != "":
			key = "#" + last.id
		case len(last.classes) > 0:
			key = "." + last.classes[0]
		case last.tag != "":
			key = last.tag
		}
		s.rules[key] = append(s.rules[key], r)
	}
}

// parseSelector reads compounds joined by spaces or ">".
func parseSelector(sel string) ([]compound, int, bool) {
	fields := strings.Fields(strings.ReplaceAll(sel, ">", " > "))
	if len(fields) == 0 || len(fields) > 2*maxRuleParts {
		return nil, 0, false
	}
	var steps []compound
	weight := 0
	for _, f := range fields {
		if f == ">" {
			if len(steps) == 0 {
				return nil, 0, false
			}
			steps[len(steps)-1].child = true
			continue
		}
		c, w, ok := parseCompound(f)
		if !ok {
			return nil, 0, false
		}
		steps, weight = append(steps, c), weight+w
	}
	return steps, weight, len(steps) > 0 && !steps[len(steps)-1].child
}

func parseCompound(f string) (compound, int, bool) {
	var c compound
	weight := 0
	for f != "" {
		kind := byte(0)
		if f[0] == '.' || f[0] == '#' {
			kind, f = f[0], f[1:]
		}
		end := strings.IndexAny(f, ".#:[+~()*\\")
		if end < 0 {
			end = len(f)
		}
		name := f[:end]
		if f == "*" && kind == 0 {
			return c, weight, true
		}
		if name == "" || end < len(f) && f[end] != '.' && f[end] != '#' {
			return c, 0, false
		}
		f = f[end:]
		switch kind {
		case '.':
			c.classes, weight = append(c.classes, strings.ToLower(name)), weight+10
		case '#':
			c.id, weight = strings.ToLower(name), weight+100
		default:
			c.tag, weight = strings.ToLower(name), weight+1
		}
	}
	return c, weight, true
}

// declarations reads "prop: value; …" into lower case.
func declarations(body string) []decl {
	if strings.IndexByte(body, ':') < 0 {
		return nil
	}
	body = strings.ToLower(unescapeCSS(stripComments(body)))
	var out []decl
	for part := range strings.SplitSeq(body, ";") {
		prop, value, ok := strings.Cut(part, ":")
		if !ok {
			continue
		}
		if len(out) == maxDecls {
			return append(out, decl{prop: propUnread})
		}
		value, bang, important := strings.Cut(value, "!")
		d := decl{prop: strings.TrimSpace(prop), value: strings.TrimSpace(value)}
		d.important = important && strings.TrimSpace(bang) == "important"
		out = append(out, d)
	}
	return out
}

// unescapeCSS resolves "\64 isplay" spellings (CSS Syntax 3, 4.3.7).
func unescapeCSS(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		v, n := rune(0), 0
		for n < 6 && i+1+n < len(s) {
			h, ok := hexValue(s[i+1+n])
			if !ok {
				break
			}
			v = v<<4 | rune(h)
			n++
		}
		if n == 0 {
			continue // the next byte stands for itself
		}
		b.WriteRune(v)
		i += n
		if i+1 < len(s) && s[i+1] == ' ' {
			i++
		}
	}
	return b.String()
}

// match returns the declarations for n in the order they apply.
func (s *sheet) match(n *node) []decl {
	if s.budget <= 0 {
		s.unread = s.unread || s.n > 0
	}
	if s.n == 0 || s.budget <= 0 {
		return nil
	}
	classes := strings.Fields(strings.ToLower(n.val("class")))
	id := strings.ToLower(n.val("id"))
	var hits []*rule
	try := func(key string) {
		for _, r := range s.rules[key] {
			if s.budget--; s.budget <= 0 {
				return
			}
			if s.matches(r.steps, n, classes, id) {
				hits = append(hits, r)
			}
		}
	}
	try("*")
	try(n.name)
	if id != "" {
		try("#" + id)
	}
	for i, c := range classes {
		if i < 16 && !slices.Contains(classes[:i], c) {
			try("." + c)
		}
	}
	slices.SortFunc(hits, func(a, b *rule) int { return a.weight - b.weight })
	var out []decl
	for _, r := range hits {
		out = append(out, r.decls...)
	}
	return out
}

func (c compound) fits(n *node, classes []string, id string) bool {
	if c.tag != "" && c.tag != n.name || c.id != "" && c.id != id {
		return false
	}
	for _, want := range c.classes {
		if !slices.Contains(classes, want) {
			return false
		}
	}
	return true
}

// matches checks the last step on n and the others on its ancestors, nearest
// first without going back.
func (s *sheet) matches(steps []compound, n *node, classes []string, id string) bool {
	last := len(steps) - 1
	if !steps[last].fits(n, classes, id) {
		return false
	}
	i := last - 1
	for p := n.parent; p != nil && i >= 0; p = p.parent {
		if s.budget--; s.budget <= 0 {
			return false
		}
		if steps[i].fits(p, strings.Fields(strings.ToLower(p.val("class"))), strings.ToLower(p.val("id"))) {
			i--
		} else if steps[i].child {
			return false
		}
	}
	return i < 0
}
