package pdfread

import (
	"fmt"
	"slices"
	"strings"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// notes are the findings of the document, or of the page in hand, each once.
// The other side of the wall gathers those of all pages.
type notes struct {
	list []format.Finding
}

const maxName = 64 // bytes of a detail

func newNotes() *notes { return &notes{} }

// add notes something of the whole document.
func (n *notes) add(code, detail string) { n.put(code, "", detail) }

// page notes something of one page, counted from 0.
func (n *notes) page(code string, page int, detail string) {
	n.put(code, fmt.Sprintf("page %d", page+1), detail)
}

// put notes a finding, with a name from the document perhaps. A page has some
// dozens at most.
func (n *notes) put(code, where, detail string) {
	note := format.Finding{Code: code, Where: where, Detail: printable(detail)}
	if !slices.Contains(n.list, note) {
		n.list = append(n.list, note)
	}
}

// content notes what one page holds and what of it is missing.
func (n *notes) content(page int, c content) {
	a := c.annotations
	if c.reach == cutShort {
		n.page("content_truncated", page, "")
	}
	if a.Links > 0 {
		n.page("pdf_link", page, "")
	}
	if a.Files > 0 {
		n.page("pdf_attachment", page, "annotation")
	}
	if a.Media > 0 {
		n.page("pdf_media", page, "")
	}
	if c.undrawn.N > 0 {
		n.page("annotation_missing", page, fmt.Sprintf("%d: %s", c.undrawn.N, strings.Join(c.undrawn.Kinds, " ")))
	}
	if c.unknown {
		n.page("annotation_missing", page, "in an unknown layer")
	}
	if a.All > a.Links+a.Widgets+a.Files+a.Media+c.undrawn.N+c.off {
		n.page("pdf_annotation", page, "")
	}
}

// write emits the findings and forgets them.
func (n *notes) write(out *ir.Writer) error {
	for _, note := range n.list {
		if err := out.Write(note); err != nil {
			return err
		}
	}
	n.list = n.list[:0]
	return nil
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
