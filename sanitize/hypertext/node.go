package hypertext

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// node is an element or a run of text. Text runs have no name.
type node struct {
	tag                       atom.Atom // 0 for text and unknown elements
	name                      string
	attr                      []html.Attribute
	text                      string
	parent, first, last, next *node
	hasTable                  bool // a table lies below
	closed                    bool // by its own end tag
}

func (n *node) add(kid *node) {
	kid.parent = n
	if n.last == nil {
		n.first = kid
	} else {
		n.last.next = kid
	}
	n.last = kid
}

// get returns the first value of the attribute and whether it is there;
// browsers ignore repeated attributes.
func (n *node) get(key string) (string, bool) {
	for _, a := range n.attr {
		if a.Key == key {
			return a.Val, true
		}
	}
	return "", false
}

func (n *node) val(key string) string {
	v, _ := n.get(key)
	return v
}

func (n *node) has(key string) bool {
	_, ok := n.get(key)
	return ok
}

// number reads a leading non-negative integer such as the 600 of "600px", and
// refuses a percentage.
func number(s string) (int, bool) {
	s = strings.TrimSpace(s)
	end := 0
	for end < len(s) && end < 7 && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	if end == 0 || strings.HasPrefix(s[end:], "%") {
		return 0, false
	}
	v, err := strconv.Atoi(s[:end])
	return v, err == nil
}

func isVoid(t atom.Atom) bool {
	switch t {
	case atom.Area, atom.Base, atom.Basefont, atom.Bgsound, atom.Br, atom.Col, atom.Embed, atom.Frame,
		atom.Hr, atom.Img, atom.Image, atom.Input, atom.Isindex, atom.Keygen, atom.Link, atom.Meta,
		atom.Param, atom.Source, atom.Track, atom.Wbr:
		return true
	}
	return false
}

// isBlock tells whether an element starts and ends a line of its own.
func isBlock(t atom.Atom) bool {
	switch t {
	case atom.Address, atom.Article, atom.Aside, atom.Blockquote, atom.Body, atom.Caption, atom.Center,
		atom.Dd, atom.Details, atom.Dialog, atom.Dir, atom.Div, atom.Dl, atom.Dt, atom.Fieldset,
		atom.Figcaption, atom.Figure, atom.Footer, atom.Form, atom.H1, atom.H2, atom.H3, atom.H4,
		atom.H5, atom.H6, atom.Header, atom.Hgroup, atom.Hr, atom.Legend, atom.Li, atom.Listing,
		atom.Main, atom.Menu, atom.Nav, atom.Ol, atom.Optgroup, atom.P, atom.Plaintext, atom.Pre, atom.Section,
		atom.Summary, atom.Table, atom.Tbody, atom.Td, atom.Tfoot, atom.Th, atom.Thead, atom.Tr,
		atom.Ul, atom.Xmp:
		return true
	}
	return false
}

func isHeading(t atom.Atom) bool {
	switch t {
	case atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6:
		return true
	}
	return false
}

// isScope tells where the search for an open element ends
// (HTML standard, 13.2.4.2 "has an element in scope").
func isScope(t atom.Atom) bool {
	switch t {
	case atom.Table, atom.Td, atom.Th, atom.Caption, atom.Object, atom.Applet, atom.Marquee, atom.Template:
		return true
	}
	return false
}

func isTablePart(t atom.Atom) bool {
	switch t {
	case atom.Table, atom.Caption, atom.Colgroup, atom.Tbody, atom.Thead, atom.Tfoot, atom.Tr, atom.Td, atom.Th:
		return true
	}
	return false
}

// isFormatting lists the elements whose end tag may cross a block
// (HTML standard, 13.2.4.3 "the list of active formatting elements").
func isFormatting(t atom.Atom) bool {
	switch t {
	case atom.A, atom.B, atom.Big, atom.Code, atom.Em, atom.Font, atom.I, atom.Nobr, atom.S, atom.Small,
		atom.Strike, atom.Strong, atom.Tt, atom.U:
		return true
	}
	return false
}

// isBreakout lists the start tags that end foreign content (13.2.6.5), so
// that an unclosed <svg> does not swallow the letter after it.
func isBreakout(t atom.Atom, attr []html.Attribute) bool {
	switch t {
	case atom.B, atom.Big, atom.Blockquote, atom.Body, atom.Br, atom.Center, atom.Code, atom.Dd, atom.Div,
		atom.Dl, atom.Dt, atom.Em, atom.Embed, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6,
		atom.Head, atom.Hr, atom.I, atom.Img, atom.Li, atom.Listing, atom.Menu, atom.Meta, atom.Nobr,
		atom.Ol, atom.P, atom.Pre, atom.Ruby, atom.S, atom.Small, atom.Span, atom.Strong, atom.Strike,
		atom.Sub, atom.Sup, atom.Table, atom.Tt, atom.U, atom.Ul, atom.Var:
		return true
	case atom.Font:
		for _, a := range attr {
			if a.Key == "color" || a.Key == "face" || a.Key == "size" {
				return true
			}
		}
	}
	return false
}
