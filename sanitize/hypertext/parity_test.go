package hypertext

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"pgregory.net/rapid"
)

// TestNoWordIsLost compares with a complete HTML parser: each word that the
// standard's tree has where readers see it must be in the text.
// spec: html#parsing
func TestNoWordIsLost(t *testing.T) {
	names := strings.Fields(`a p p div div span b font s table table tr tr td td th tbody thead caption ul ol li li dl dt dd
		blockquote pre br hr select option textarea button form h1 h2 svg path math mi mrow foreignObject sup details
		summary center object video template q ruby rt del body html head`)
	rapid.Check(t, func(rt *rapid.T) {
		var b strings.Builder
		for i := range rapid.IntRange(1, 40).Draw(rt, "n") {
			name := rapid.SampledFrom(names).Draw(rt, "name")
			switch rapid.IntRange(0, 4).Draw(rt, "kind") {
			case 0, 1:
				b.WriteString("</" + name + ">")
			case 2:
				fmt.Fprintf(&b, "w%dw ", i)
			default:
				b.WriteString("<" + name + ">")
			}
		}
		doc := b.String()
		root, err := html.ParseWithOptions(strings.NewReader(doc), html.ParseOptionEnableScripting(false))
		if err != nil {
			rt.Fatal(err)
		}
		res, err := Convert(doc, Options{})
		if err != nil {
			rt.Fatal(err)
		}
		for _, w := range strings.Fields(seen(root)) {
			if strings.HasPrefix(w, "w") && !strings.Contains(res.Text, w) {
				rt.Fatalf("%q is lost\n%s\nread as %q", w, doc, res.Text)
			}
		}
	})
}

// seen is the text below n that a browser shows.
func seen(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	switch n.DataAtom {
	case atom.Select, atom.Template, atom.Svg, atom.Title:
		return ""
	}
	var b strings.Builder
	for k := n.FirstChild; k != nil; k = k.NextSibling {
		b.WriteString(seen(k))
	}
	return b.String()
}
