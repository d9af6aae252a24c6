package pdf

import (
	"fmt"
	"strings"
)

// Object numbers that are the same in each file. Numbers are given before the
// objects are written, since a page names its parent.
const (
	catalogNumber = 1
	rootNumber    = 2
)

// fanOut is how many pages a node of the page tree has. A file of at most so
// many has them right below the root.
const fanOut = 64

// tree is the page tree of a file with a known number of pages.
type tree struct {
	pages int
	kids  []int // object numbers of the pages, in order
}

// reserve takes the numbers of the catalog, the root and the nodes.
func (t *tree) reserve(f *file) {
	f.reserve(2 + t.nodes())
}

// nodes is how many nodes stand between the root and the pages.
func (t *tree) nodes() int {
	if t.pages <= fanOut {
		return 0
	}
	return (t.pages + fanOut - 1) / fanOut
}

// parent returns the object number of the parent of page i, from 0.
func (t *tree) parent(i int) int {
	if t.nodes() == 0 {
		return rootNumber
	}
	return rootNumber + 1 + i/fanOut
}

// write writes the nodes, the root and the catalog.
// spec: pdf#7.7.3.2
func (t *tree) write(f *file) error {
	top := t.kids
	if n := t.nodes(); n > 0 {
		top = nil
		for i := range n {
			kids := t.kids[i*fanOut : min((i+1)*fanOut, len(t.kids))]
			number := rootNumber + 1 + i
			dict := fmt.Sprintf("<</Type/Pages/Parent %d 0 R/Count %d/Kids[%s]>>", rootNumber, len(kids), references(kids))
			if err := f.object(number, dict); err != nil {
				return err
			}
			top = append(top, number)
		}
	}
	if err := f.object(rootNumber, fmt.Sprintf("<</Type/Pages/Count %d/Kids[%s]>>", t.pages, references(top))); err != nil {
		return err
	}
	return f.object(catalogNumber, fmt.Sprintf("<</Type/Catalog/Pages %d 0 R>>", rootNumber))
}

func references(numbers []int) string {
	var b strings.Builder
	for i, n := range numbers {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%d 0 R", n)
	}
	return b.String()
}
