package pdfread

import (
	"fmt"
	"slices"
	"strings"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/pdfium"
)

// notes gathers the findings of a document, so that a thousand pages with a
// link each are one finding and not a thousand.
type notes struct {
	order []string
	by    map[string]*gathered
}

// gathered is one finding with what belongs to it.
type gathered struct {
	pages   []int
	details []string // without repetition
	more    int      // details that were left out
}

const (
	maxDetails = 12 // of one finding
	maxName    = 64 // bytes of a detail
)

func newNotes() *notes { return &notes{by: map[string]*gathered{}} }

func (n *notes) get(code string) *gathered {
	g, ok := n.by[code]
	if !ok {
		g = &gathered{}
		n.by[code] = g
		n.order = append(n.order, code)
	}
	return g
}

// add notes something of the whole document.
func (n *notes) add(code, detail string) { n.name(code, detail) }

// name notes something with a name from the document.
func (n *notes) name(code, name string) {
	g := n.get(code)
	name = printable(name)
	switch {
	case name == "" || slices.Contains(g.details, name):
	case len(g.details) >= maxDetails:
		g.more++
	default:
		g.details = append(g.details, name)
	}
}

// page notes something of one page, counted from 0.
func (n *notes) page(code string, page int, detail string) {
	g := n.get(code)
	if len(g.pages) == 0 || g.pages[len(g.pages)-1] != page {
		g.pages = append(g.pages, page)
	}
	n.name(code, detail)
}

// annotations notes those of one page.
func (n *notes) annotations(page int, a pdfium.Annotations) {
	if a.Links > 0 {
		n.page("pdf_link", page, "")
	}
	if a.Files > 0 {
		n.page("pdf_attachment", page, "annotation")
	}
	if a.Media > 0 {
		n.page("pdf_media", page, "")
	}
	if a.All > a.Links+a.Widgets+a.Files+a.Media {
		n.page("pdf_annotation", page, "")
	}
}

// write emits each finding once and forgets them.
func (n *notes) write(out *ir.Writer) error {
	for _, code := range n.order {
		g := n.by[code]
		detail := strings.Join(g.details, ", ")
		if g.more > 0 {
			detail += fmt.Sprintf(", and %d more", g.more)
		}
		note := format.Finding{Code: code, Where: ir.Cut(pages(g.pages), ir.MaxDetail), Detail: ir.Cut(detail, ir.MaxDetail)}
		if err := out.Write(note); err != nil {
			return err
		}
	}
	*n = *newNotes()
	return nil
}

// pages writes page numbers, counted from 1, with ranges: "1-3, 7".
func pages(from0 []int) string {
	var b strings.Builder
	for i := 0; i < len(from0); {
		j := i
		for j+1 < len(from0) && from0[j+1] == from0[j]+1 {
			j++
		}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%d", from0[i]+1)
		if j > i {
			fmt.Fprintf(&b, "-%d", from0[j]+1)
		}
		i = j + 1
	}
	if b.Len() == 0 {
		return ""
	}
	return "page " + b.String()
}

// printable makes a name from a document fit for a finding.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r == 0xFFFD || ir.Forbidden(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return ir.Cut(s, maxName)
}
