package image

import (
	"bytes"
	"html"
	"regexp"
	"strings"
)

// What resvg reads of style sheets is a small part of what browsers read, and a
// rule that one of them overlooks can turn a drawing around: words appear that
// nobody was to see, or others than the reader's browser shows. strange looks
// for anything outside of the part that both read alike.

// strange names the first thing in a drawing, in lower case, by which it may
// look otherwise in a browser, "" for none. It takes one pass over the text.
func strange(low []byte) string {
	for i, e := range entity.FindAllSubmatch(low, maxEntries+1) {
		if i == maxEntries || !address.Match(e[1]) {
			return "entity" // its text may stand in a style
		}
	}
	for p := low; ; {
		at := bytes.IndexByte(p, '<')
		if at < 0 || at+1 >= len(p) {
			return ""
		}
		p = p[at:]
		switch {
		case bytes.HasPrefix(p, []byte("<?xml-stylesheet")):
			return "xml-stylesheet"
		case bytes.HasPrefix(p, []byte("<!--")):
			p = behind(p, "-->")
		case bytes.HasPrefix(p, []byte("<![cdata[")):
			p = behind(p, "]]>")
		case p[1] == '/', p[1] == '!', p[1] == '?':
			p = p[2:]
		default:
			tag, rest := cutTag(p)
			p = rest
			name, what := oddTag(tag)
			if name == "style" && !bytes.HasSuffix(tag, []byte("/>")) {
				sheet, rest := cutSheet(rest)
				p, what = rest, oddSheet(sheet)
			}
			if what != "" {
				return what
			}
		}
	}
}

var (
	entity    = regexp.MustCompile(`<!entity\s+(?:%\s+)?[^\s>]+\s+["']?([^"'>]*)`)
	address   = regexp.MustCompile(`^https?://[^\s;:{}()!&]*$`)
	tagName   = regexp.MustCompile(`^<(?:[^\s/>:]*:)?([^\s/>]*)`)
	attribute = regexp.MustCompile(`([^\s="'<>/]+)\s*=\s*("[^"]*"|'[^']*')`)
	function  = regexp.MustCompile(`([a-z0-9_-]*)\(`)
	selector  = regexp.MustCompile(`^[a-z0-9_\-.#*>,\s\x80-\x{10FFFF}]*$`)
	comment   = regexp.MustCompile(`(?s)/\*.*?\*/`)
)

// behind gives what follows the first end in p.
func behind(p []byte, end string) []byte {
	_, rest, _ := bytes.Cut(p, []byte(end))
	return rest
}

// cutTag cuts a tag off p. A > inside of quotes does not end it.
func cutTag(p []byte) ([]byte, []byte) {
	var quote byte
	for i, c := range p {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"', c == '\'':
			quote = c
		case c == '>':
			return p[:i+1], p[i+1:]
		}
	}
	return p, nil
}

// cutSheet cuts the text of a style element off p, up to the next closing tag.
func cutSheet(p []byte) ([]byte, []byte) {
	at := bytes.Index(p, []byte("</"))
	if at < 0 {
		return p, nil
	}
	return p[:at], p[at:]
}

// oddTag gives the name of a tag, and what is odd in it.
func oddTag(tag []byte) (string, string) {
	m := tagName.FindSubmatch(tag)
	if m == nil {
		return "", ""
	}
	name := string(m[1])
	switch {
	case name == "set":
		return name, "set" // at once, as a rule: the first moment is another
	case strings.HasPrefix(name, "fe") && !primitives[name]:
		return name, name
	}
	for _, a := range attribute.FindAllSubmatch(tag, -1) {
		key, value := string(a[1]), html.UnescapeString(string(a[2][1:len(a[2])-1]))
		what := ""
		switch {
		case key == "style":
			what = oddDeclarations(value)
		case key == "systemlanguage", idle[key] != "" && strings.TrimSpace(value) != idle[key]:
			what = key
		case properties[key] || key == "transform":
			what = oddValue(value)
		}
		if what != "" {
			return name, what
		}
	}
	return name, ""
}

// oddSheet tells what is odd in a style sheet.
func oddSheet(raw []byte) string {
	text := html.UnescapeString(string(raw))
	text = strings.NewReplacer("<![cdata[", " ", "]]>", " ", "<!--", " ", "-->", " ").Replace(text)
	text = comment.ReplaceAllString(text, " ")
	for {
		head, rest, ok := strings.Cut(text, "{")
		if !ok {
			if strings.TrimSpace(head) != "" {
				return "style sheet"
			}
			return ""
		}
		body, after, ok := strings.Cut(rest, "}")
		switch {
		case strings.Contains(head, "@"):
			return "@ rule"
		case !selector.MatchString(head):
			return "selector"
		case !ok || strings.Contains(body, "{"):
			return "nested rule"
		}
		if what := oddDeclarations(body); what != "" {
			return what
		}
		text = after
	}
}

// oddDeclarations tells what is odd in the declarations of a rule.
func oddDeclarations(text string) string {
	text = comment.ReplaceAllString(text, " ")
	for d := range strings.SplitSeq(text, ";") {
		key, value, ok := strings.Cut(d, ":")
		key = strings.TrimSpace(key)
		switch {
		case !ok && key == "", strings.HasPrefix(key, "-inkscape-"):
			continue
		case !ok || !properties[key] && idle[key] == "":
			return "declaration"
		case idle[key] != "":
			if strings.TrimSpace(value) != idle[key] {
				return key
			}
		}
		if what := oddValue(value); what != "" {
			return what
		}
	}
	return ""
}

// oddValue tells what is odd in the value of a property.
func oddValue(value string) string {
	for _, mark := range []string{"!", "\\", "/*", "initial", "unset", "revert"} {
		if strings.Contains(value, mark) {
			return "value " + mark
		}
	}
	if strings.HasPrefix(strings.TrimSpace(value), "url(") {
		_, value, _ = strings.Cut(value, ")") // an address has letters of its own
	}
	for _, f := range function.FindAllStringSubmatch(value, -1) {
		if !functions[f[1]] {
			return "value ()"
		}
	}
	return ""
}

// set makes a set of the words of a text.
func set(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

// idle properties have one value by which they do nothing; drawing programs
// write it.
var idle = map[string]string{"unicode-bidi": "normal", "text-transform": "none"}

// functions are those of values that resvg and browsers read alike.
var functions = set(`rgb rgba hsl hsla url matrix translate scale rotate skewx skewy icc-color
	blur brightness contrast drop-shadow grayscale hue-rotate invert opacity saturate sepia`)

// primitives are the filters that resvg draws as browsers do (Filter Effects,
// 9); noise comes out otherwise.
var primitives = set(`feblend fecolormatrix fecomponenttransfer fecomposite feconvolvematrix fediffuselighting
	fedisplacementmap fedistantlight fedropshadow feflood fefunca fefuncb fefuncg fefuncr fegaussianblur feimage
	femerge femergenode femorphology feoffset fepointlight fespecularlighting fespotlight fetile`)

// properties are those that a style may set: the presentation attributes of
// SVG 1.1 and of SVG 2 that resvg reads, and those that no drawing program's
// output looks otherwise by.
var properties = set(`alignment-baseline baseline-shift block-progression clip clip-path clip-rule color
	color-interpolation color-interpolation-filters color-profile color-rendering cursor direction display
	dominant-baseline enable-background fill fill-opacity fill-rule filter flood-color flood-opacity font
	font-family font-feature-settings font-kerning font-size font-size-adjust font-stretch font-style font-variant
	font-variant-alternates font-variant-caps font-variant-east-asian font-variant-ligatures font-variant-numeric
	font-variant-position font-variation-settings font-weight glyph-orientation-horizontal
	glyph-orientation-vertical image-rendering isolation kerning letter-spacing lighting-color line-height marker
	marker-end marker-mid marker-start mask mask-type mix-blend-mode opacity overflow paint-order pointer-events
	shape-padding shape-rendering solid-color solid-opacity stop-color stop-opacity stroke stroke-dasharray stroke-dashoffset
	stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity stroke-width text-align text-anchor
	text-decoration text-decoration-color text-decoration-line text-decoration-style text-indent text-orientation
	text-rendering vector-effect visibility white-space word-spacing writing-mode`)
