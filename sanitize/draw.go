package sanitize

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/policy"
)

// draw builds a file that is drawn page by page, with the next smaller profile
// while it comes out too large.
func (s *session) draw(ctx context.Context, n *Node, p *parsed, rules policy.Rules) error {
	for {
		err := s.build(ctx, n, p, rules.Choose(p.facts).Profile)
		smaller, ok := rules.Pages.Smaller()
		if !tooLarge(err) || !ok {
			return err
		}
		rules.Pages = smaller
	}
}

// coarser sanitizes a kid again, with the next smaller profile of what is drawn
// in it, and reports whether there was one and something to draw.
func (s *session) coarser(ctx context.Context, k *Node, f *file) bool {
	smaller, ok := f.pages.Smaller()
	if !ok || !k.drawn() {
		return false
	}
	before := s.in.Rules.Pages
	s.in.Rules.Pages, f.pages = smaller, smaller
	budget := f.budget // what it takes again counts once
	again := s.node(ctx, *f, &budget)
	s.in.Rules.Pages = before
	k.Close()
	*k = again
	return true
}

// drawn reports whether a rebuilt file, or one in it, has pages.
func (n *Node) drawn() bool {
	found := false
	n.Walk(func(m *Node) { found = found || m.Body.OK() && len(m.sheets) > 0 })
	return found
}

// Searchable reports whether the rebuilt file has pages with text in them.
func (n *Node) Searchable() bool {
	return slices.ContainsFunc(n.sheets, func(s ir.Sheet) bool { return s.Marks > 0 })
}

func tooLarge(err error) bool {
	var fe *format.Error
	return errors.As(err, &fe) && fe.Reason == format.TooLargeAfter
}

// samePages compares the pages that the lint found in a file with those that
// were written: how many, how large, and how many characters of text on each.
func samePages(found, written []ir.Sheet) error {
	if len(found) != len(written) {
		return format.Hold(format.FidelityLoss, fmt.Sprintf("%d pages found, %d written", len(found), len(written)))
	}
	for i, f := range found {
		if f != written[i] {
			return format.Hold(format.FidelityLoss, fmt.Sprintf("page %d: found %v, written %v", i+1, f, written[i]))
		}
	}
	return nil
}
