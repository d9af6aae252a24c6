package sanitize

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/memfile"
)

// maxOutput bounds any single rebuilt file in bytes.
const maxOutput = 1 << 30

// maxLintFindings bounds how many lint findings are kept.
const maxLintFindings = 20

// construct builds the new file of n and lints it. When a mail comes out
// larger than the next hop takes, its largest attachment is drawn more
// coarsely if it can be, else held, and the mail built again (DECISIONS 19).
func (s *session) construct(ctx context.Context, n *Node, p *parsed, profile format.Profile) error {
	if p.source != nil {
		return s.draw(ctx, n, p, s.in.Rules)
	}
	for {
		nameKids(n.Kids)
		err := s.build(ctx, n, p, profile)
		if !tooLarge(err) {
			return err
		}
		i := largest(n.Kids)
		if i < 0 {
			return err
		}
		if k := &n.Kids[i]; !s.coarser(ctx, k, &p.kids[i]) {
			k.Body.Close()
			k.hold(format.Hold(format.TooLargeAfter, ""))
		}
	}
}

// largest returns which kid has the largest rebuilt file, -1 when none has one.
func largest(kids []Node) int {
	max := -1
	for i := range kids {
		if k := &kids[i]; k.Body.OK() && (max < 0 || k.Body.Size() > kids[max].Body.Size()) {
			max = i
		}
	}
	return max
}

func (s *session) build(ctx context.Context, n *Node, p *parsed, profile format.Profile) error {
	if err := s.stopped(ctx); err != nil {
		return err
	}
	c := format.Construction{Profile: profile}
	if n.Path == "" && !s.in.Attached {
		c.Facts = s.in.Facts
	}
	for i := range n.Kids {
		c.Kids = append(c.Kids, n.Kids[i].child())
	}
	way, ok := p.row.Way(profile.Method)
	if !ok {
		return format.Hold(format.ByPolicy, "no way to make "+string(profile.Method))
	}
	if p.source != nil {
		p.notes = nil // findings come with the values
	}
	out := memfile.New(maxOutput)
	h := newHash()
	built, err := s.write(ctx, p, way, c, io.MultiWriter(out, h))
	if err != nil {
		out.Close()
		return fmt.Errorf("build %s: %w", p.row.Kind, err)
	}
	row := rowOf(s.engine.formats, format.Kind(pick(string(built.Output), string(way.Output))))
	if row == nil || row.Lint == nil {
		out.Close()
		return format.Hold(format.LintFailed, "no lint for the new file")
	}
	b := Body{file: out, media: pick(built.Media, row.MediaType()), ok: true}
	h.Sum(b.sum[:0])
	n.sheets = built.Sheets
	if err := s.lint(ctx, n, row, out); err != nil {
		out.Close()
		return err
	}
	b.name = builtName(n.Name, n.Kind, pick(built.Extension, row.Extension()))
	n.Body, n.Method, n.Verdict = b, way.Method, format.Rebuilt
	if p.source != nil {
		n.Findings = append(n.Findings, p.notes...)
	}
	n.Findings = append(n.Findings, built.Findings...)
	if built.Partial {
		n.Verdict = format.Partly
	}
	return nil
}

// write runs the way's builder: on the tape, or on the values as they come.
func (s *session) write(ctx context.Context, p *parsed, way format.Way, c format.Construction, out io.Writer) (format.Built, error) {
	var built format.Built
	w := bufio.NewWriterSize(out, 64<<10)
	build := func(in *ir.Reader) error {
		return s.engine.guarded(func() error {
			var err error
			if built, err = way.Build(in, c, w); err != nil {
				return err
			}
			return w.Flush()
		})
	}
	if p.source != nil {
		err := s.stream(ctx, p, c.Profile, build)
		return built, err
	}
	giveBack, err := s.takeRoom(ctx, p.tape.Size())
	if err != nil {
		return built, err
	}
	defer giveBack()
	err = build(ir.NewReader(p.tape.Reader(), p.tape.Size()))
	return built, err
}

func pick(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// lint re-reads a rebuilt file in the lint worker. Children whose sums are
// those of bodies already linted need no second look.
func (s *session) lint(ctx context.Context, n *Node, row *format.Format, out *memfile.File) error {
	var known [][32]byte
	for i := range n.Kids {
		if k := &n.Kids[i]; k.Body.OK() {
			known = append(known, k.Body.sum)
		}
	}
	faults, err := s.faults(ctx, row, out, known)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		s.engine.log.Warn("a rebuilt file failed its lint", "kind", row.Kind, "code", faults[0].Code, "detail", faults[0].Detail)
		return format.Hold(format.LintFailed, faults[0].Code+" "+faults[0].Where)
	}
	return samePages(s.found, n.sheets)
}

// faults is what the lint worker finds in a file with attachments of known
// sums.
func (s *session) faults(ctx context.Context, row *format.Format, out *memfile.File, known [][32]byte) ([]format.Finding, error) {
	req := ir.Request{Op: ir.OpLint, Kind: string(row.Kind)}
	for _, sum := range known {
		req.Known = append(req.Known, sum[:]...)
	}
	var faults []format.Finding
	s.found = nil
	err := s.ask(ctx, format.ClassLint, req, out, slack, func(v ir.Value) error {
		switch v := v.(type) {
		case ir.Note:
			faults = append(faults, v)
		case ir.Child:
			faults = append(faults, format.Finding{Code: "lint_unknown_attachment", Detail: v.Name})
		case ir.Sheet:
			s.found = append(s.found, v) // not more than the answer may be long
		default:
			return format.Hold(format.LintFailed, "unexpected answer")
		}
		if len(faults) > maxLintFindings {
			return format.Hold(format.LintFailed, "too many findings")
		}
		return nil
	})
	return faults, err
}

// nameKids makes the names of rebuilt siblings distinct.
func nameKids(kids []Node) {
	taken := map[string]bool{}
	for i := range kids {
		if kids[i].Body.OK() {
			kids[i].Body.name = Distinct(taken, kids[i].Body.name)
		}
	}
}

// child shows a node to its parent's Build.
func (n *Node) child() format.Child {
	c := format.Child{Original: n.Name, Kind: n.Kind, Verdict: n.Verdict, Reason: n.Reason, Method: n.Method, Findings: n.Findings}
	if n.Body.OK() {
		c.Name, c.Media, c.Sum, c.Size, c.Open = n.Body.name, n.Body.media, n.Body.sum, n.Body.Size(), n.Body.Reader
	}
	c.Searchable = n.Searchable()
	for i := range n.Kids {
		c.Kids = append(c.Kids, n.Kids[i].child())
	}
	return c
}
