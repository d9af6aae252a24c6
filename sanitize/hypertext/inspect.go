package hypertext

import (
	"strings"

	"golang.org/x/net/html/atom"
)

// inspect reports what the element n would have done in a browser. It looks at
// every start tag, also at those whose content is then left out.
func inspect(t *tree, n *node) {
	inspectAttrs(t, n)
	switch n.tag {
	case atom.Script:
		t.find.count(findScript, n.name, hostNote(t, n.val("src")))
	case atom.Iframe, atom.Frame:
		t.find.count(findFrame, n.name, hostNote(t, n.val("src")))
	case atom.Form:
		t.find.count(findForm, n.name, hostNote(t, n.val("action")))
	case atom.Object:
		t.find.count(findObject, n.name, hostNote(t, n.val("data")))
	case atom.Embed, atom.Applet:
		t.find.count(findObject, n.name, hostNote(t, n.val("src")))
	case atom.Audio, atom.Video, atom.Canvas:
		t.find.count(findMedia, n.name, hostNote(t, n.val("src")))
	case atom.Svg:
		t.find.count(findSVG, n.name, "")
	case atom.Template:
		t.find.count(findTemplate, n.name, "")
	case atom.Base:
		if href := n.val("href"); href != "" {
			t.find.count(findBase, n.name, hostNote(t, href))
			if t.base == "" && parseTarget(href, "").kind == kindWeb {
				t.base = href
			}
		}
	case atom.Link:
		rel := strings.ToLower(n.val("rel"))
		if note := hostNote(t, n.val("href")); note != "" && strings.Contains(rel, "stylesheet") {
			t.find.count(findStyle, n.name, note)
		}
	case atom.Meta:
		inspectMeta(t, n)
	case atom.Input:
		inspectInput(t, n)
	}
}

func inspectInput(t *tree, n *node) {
	switch strings.ToLower(n.val("type")) {
	case "password":
		t.find.count(findPassword, n.name, "")
	case "hidden":
		if len(n.val("value")) > 3 {
			t.find.count(findHidden, n.name, "")
		}
	}
}

func inspectMeta(t *tree, n *node) {
	if !strings.EqualFold(strings.TrimSpace(n.val("http-equiv")), "refresh") {
		return
	}
	content := n.val("content")
	if i := strings.Index(strings.ToLower(content), "url="); i >= 0 {
		content = strings.Trim(content[i+len("url="):], `"' `)
	}
	t.find.count(findRefresh, n.name, hostNote(t, content))
}

func inspectAttrs(t *tree, n *node) {
	for _, a := range n.attr {
		if len(a.Key) > 2 && strings.HasPrefix(a.Key, "on") {
			t.find.count(findEvent, n.name, "")
			continue
		}
		switch a.Key {
		case "background", "poster", "lowsrc", "srcset":
			first, _, _ := strings.Cut(strings.TrimSpace(a.Val), " ")
			if note := hostNote(t, first); note != "" {
				t.find.count(findRemote, n.name, note)
			}
		case "formaction":
			t.find.count(findForm, n.name, hostNote(t, a.Val))
		case "style":
			inspectCSS(t, n.name, a.Val)
			continue
		}
		switch schemeOf(a.Val) {
		case "javascript", "vbscript", "livescript":
			t.find.count(findScriptURI, n.name, "")
		case "data":
			t.find.count(findDataURI, n.name, "")
		}
	}
}

// inspectCSS reports what a style would have fetched.
func inspectCSS(t *tree, where, css string) {
	for budget := 1000; budget > 0; budget-- {
		i := indexFold(css, "url(")
		if i < 0 {
			return
		}
		css = css[i+len("url("):]
		end := strings.IndexByte(css, ')')
		if end < 0 {
			return
		}
		ref := strings.Trim(css[:end], "\"' \t\n")
		if schemeOf(ref) == "data" {
			t.find.count(findDataURI, where, "")
		} else if note := hostNote(t, ref); note != "" {
			t.find.count(findRemote, where, note)
		}
		css = css[end:]
	}
}

// inspectSheet reports what a style sheet fetches.
func inspectSheet(t *tree, css string) {
	css = cutBytes(css, maxCSS)
	if indexFold(css, "@import") >= 0 {
		t.find.count(findStyle, "style", "")
	}
	inspectCSS(t, "style", css)
}

// hostNote is the defanged host of a remote address, or "".
func hostNote(t *tree, ref string) string {
	if ref == "" {
		return ""
	}
	if tg := parseTarget(ref, t.base); tg.kind == kindWeb {
		return strings.ReplaceAll(tg.host, ".", "[.]")
	}
	return ""
}

// indexFold is strings.Index for an ASCII lower-case needle in any case.
func indexFold(s, needle string) int {
	for i := 0; i+len(needle) <= len(s); i++ {
		j := 0
		for j < len(needle) && lowerByte(s[i+j]) == needle[j] {
			j++
		}
		if j == len(needle) {
			return i
		}
	}
	return -1
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
