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

// drawn is how a file was drawn, so that it can be drawn again while its
// parent is built.
type drawn struct {
	p     *parsed
	rules policy.Rules
	found []format.Finding // what was known before
}

// draw builds a file that is drawn page by page, with the next smaller profile
// while it comes out too large.
func (s *session) draw(ctx context.Context, n *Node, p *parsed, rules policy.Rules) error {
	for {
		s.keep(n, drawn{p, rules, slices.Clip(n.Findings)})
		err := s.build(ctx, n, p, rules.Choose(p.facts).Profile)
		smaller, ok := rules.Pages.Smaller()
		if !tooLarge(err) || !ok {
			return err
		}
		rules.Pages = smaller
	}
}

func (s *session) keep(n *Node, d drawn) {
	if s.drawn == nil {
		s.drawn = map[string]drawn{}
	}
	s.drawn[n.Path] = d
}

// coarser draws a kid again with the next smaller profile, and reports whether
// there was one. A kid that then cannot be drawn is held.
func (s *session) coarser(ctx context.Context, k *Node) bool {
	d, ok := s.drawn[k.Path]
	if !ok {
		return false
	}
	if d.rules.Pages, ok = d.rules.Pages.Smaller(); !ok {
		return false
	}
	k.Body.Close()
	k.Findings = d.found
	if err := s.draw(ctx, k, d.p, d.rules); err != nil {
		k.hold(err)
	}
	return true
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
