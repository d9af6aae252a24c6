package sanitize

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/memfile"
	"sekisho/sanitize/policy"
)

// file is one hostile file on its way through the engine.
type file struct {
	ir.Child
	kind format.Kind // known from outside, "" to identify
	path string
	data *memfile.File

	// How it was sanitized, so that it can be done again more coarsely while its
	// parent is built.
	budget format.Budget // before
	pages  policy.PageRules
}

// parsed is what a box said about a file.
type parsed struct {
	row    *format.Format
	tape   *memfile.File
	source *source // of a kind whose values go straight to the builder; no tape then
	kids   []file
	facts  policy.Facts
	kind   ir.Kind
	notes  []format.Finding
	claims struct { // of a mail
		subject, id string
		sent        *ir.Date
	}
}

func (p *parsed) close() {
	if p.tape != nil {
		p.tape.Close()
	}
	for _, k := range p.kids {
		k.data.Close()
	}
}

// node sanitizes one file. Every fault becomes a held node.
func (s *session) node(ctx context.Context, f file, budget *format.Budget) Node {
	n := Node{Path: f.path, Name: f.Name, Method: format.MethodNone, Kind: format.Unknown}
	if f.Note.Code != "" {
		n.hold(format.Hold(format.Reason(f.Note.Code), f.Note.Detail))
		return n
	}
	n.Size = f.data.Size()
	if err := n.sum(f.data); err != nil {
		n.hold(err)
		return n
	}
	inner, err := budget.Enter(n.Size)
	if err != nil {
		n.hold(err)
		return n
	}
	defer func() { budget.Settle(inner) }()
	p, err := s.parse(ctx, f, &inner)
	defer p.close()
	n.Kind, n.Claimed, n.Findings = format.Kind(p.kind.Content), format.Kind(p.kind.Claimed), p.notes
	n.Subject, n.ID, n.From, n.sent = p.claims.subject, p.claims.id, p.facts.From, p.claims.sent
	if err != nil {
		n.hold(err)
		return n
	}
	share := timeShare(ctx)
	for i := range p.kids {
		k := &p.kids[i]
		k.path, k.budget, k.pages = childPath(f.path, i), inner, s.in.Rules.Pages
		its, end := share(ctx)
		n.Kids = append(n.Kids, s.node(its, *k, &inner))
		end()
	}
	s.finish(ctx, &n, p, f)
	return n
}

// timeShare carves the time of a file as its other budgets are: a part may use
// three quarters of what is left, and an eighth of the whole stays for building
// and linting the file that the parts are in. So one part that never ends is
// held alone, and the body arrives.
func timeShare(ctx context.Context) func(context.Context) (context.Context, context.CancelFunc) {
	end, limited := ctx.Deadline()
	if !limited {
		return context.WithCancel
	}
	reserve := time.Until(end) / 8
	return func(ctx context.Context) (context.Context, context.CancelFunc) {
		left := time.Until(end) - reserve
		return context.WithDeadline(ctx, end.Add(-reserve-left/4))
	}
}

func childPath(parent string, i int) string {
	if parent == "" {
		return fmt.Sprint(i + 1)
	}
	return fmt.Sprintf("%s.%d", parent, i+1)
}

func (n *Node) sum(data *memfile.File) error {
	h := newHash()
	if _, err := io.Copy(h, data.Reader()); err != nil {
		return fmt.Errorf("read part: %w", err)
	}
	h.Sum(n.Sum[:0])
	return nil
}

// hold makes n held for err's reason; an error without one is internal.
func (n *Node) hold(err error) {
	n.Verdict, n.Reason, n.Detail = format.Held, format.Internal, err.Error()
	var fe *format.Error
	if errors.As(err, &fe) {
		n.Reason, n.Detail = fe.Reason.Listed(), fe.Detail
	}
}

// finish lets the policy choose, and builds and lints the new file.
func (s *session) finish(ctx context.Context, n *Node, p *parsed, f file) {
	p.facts.Kind, p.facts.Size = n.Kind, n.Size
	p.facts.Root = f.path == "" && s.in.Facts != nil
	p.facts.Inline = f.Role == ir.RoleInline
	p.facts.Drawn, p.facts.Part = p.source != nil, f.path != ""
	switch d := s.in.Rules.Choose(p.facts); d.Do {
	case policy.Build:
		if err := s.construct(ctx, n, p, d.Profile); err != nil {
			n.hold(err)
		}
	case policy.StripOut:
		n.Verdict, n.Reason = format.Stripped, d.Reason
		if d.Finding != "" {
			n.Findings = append(n.Findings, format.Finding{Code: d.Finding})
		}
	default:
		n.hold(format.Hold(d.Reason, ""))
	}
}
