package sanitize

import (
	"fmt"
	"slices"
	"strings"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
)

// gatherer makes the findings of a document of those of its pages, so that a
// thousand pages with a link each are one finding and not a thousand. It works
// on this side of the wall: what comes of the same pages is the same whether one
// worker drew them or two. Its memory is bounded whatever a worker says.
type gatherer struct {
	order []string
	by    map[string]*gathered
}

// gathered is one finding with what belongs to it.
type gathered struct {
	pages   [][2]int64 // from and to, from 1
	details []string   // without repetition
	more    int        // details that were left out
}

const (
	maxDetails   = 12  // of one finding
	maxPageRuns  = 512 // of one finding; fewer are shown
	maxPageCount = 1 << 20
)

func newGatherer() *gatherer { return &gatherer{by: map[string]*gathered{}} }

// add takes a finding of the document, or of a page: these come in the order of
// the pages, each with its number as Where.
func (g *gatherer) add(n ir.Note) error {
	page := int64(0)
	if n.Where != "" {
		if _, err := fmt.Sscanf(n.Where, "page %d", &page); err != nil || page < 1 || page > maxPageCount || n.Where != fmt.Sprintf("page %d", page) {
			return format.Hold(format.WorkerCrash, "a finding of no page")
		}
	}
	of := g.by[n.Code]
	if of == nil {
		if len(g.order) >= maxNotes {
			return nil
		}
		of = &gathered{}
		g.by[n.Code] = of
		g.order = append(g.order, n.Code)
	}
	of.detail(n.Detail)
	if page > 0 {
		return of.page(page)
	}
	return nil
}

func (of *gathered) detail(s string) {
	switch {
	case s == "" || slices.Contains(of.details, s):
	case len(of.details) >= maxDetails:
		of.more++
	default:
		of.details = append(of.details, s)
	}
}

func (of *gathered) page(n int64) error {
	if len(of.pages) == 0 {
		of.pages = append(of.pages, [2]int64{n, n})
		return nil
	}
	switch last := &of.pages[len(of.pages)-1]; {
	case n < last[1]:
		return format.Hold(format.WorkerCrash, "pages out of order")
	case n == last[1]:
	case n == last[1]+1:
		last[1] = n
	case len(of.pages) < maxPageRuns:
		of.pages = append(of.pages, [2]int64{n, n})
	}
	return nil
}

// findings returns each finding once, in the order in which they were first
// told.
func (g *gatherer) findings() []format.Finding {
	var all []format.Finding
	for _, code := range g.order {
		of := g.by[code]
		detail := strings.Join(of.details, ", ")
		if of.more > 0 {
			detail += fmt.Sprintf(", and %d more", of.more)
		}
		all = append(all, format.Finding{Code: code, Where: ir.Cut(of.where(), ir.MaxDetail), Detail: ir.Cut(detail, ir.MaxDetail)})
	}
	return all
}

// where writes page numbers with ranges: "page 1-3, 7".
func (of *gathered) where() string {
	var all []string
	for _, run := range of.pages {
		if run[0] == run[1] {
			all = append(all, fmt.Sprint(run[0]))
		} else {
			all = append(all, fmt.Sprintf("%d-%d", run[0], run[1]))
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "page " + strings.Join(all, ", ")
}
