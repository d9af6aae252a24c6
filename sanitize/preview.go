package sanitize

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"sekisho/sanitize/format"
	"sekisho/sanitize/image"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/memfile"
)

// Preview is one page of an original as a picture (画面転送): a PNG that we
// wrote from raw pixels and that passed its lint.
type Preview struct {
	Body        // the PNG; the caller closes it
	Page  int64 // from 1
	Pages int64 // of the document
	// Original is the SHA-256 of the part that was drawn.
	Original [32]byte
}

// Preview draws a page, from 1, of the part of a mail at path, in a box and
// within the budget like everything else; of a picture there is page 1. The
// policy is not asked: it decides what is delivered, and pixels on a screen are
// no delivery; who may look is the caller's business. An *format.Error says why
// there is no picture: kind_unsupported for kinds that are not drawn,
// limit_pages for a page that does not exist. Any other error is the machine's.
func (e *Engine) Preview(ctx context.Context, in Input, path string, page int64, budget format.Budget) (Preview, error) {
	var p Preview
	var id string
	var held error
	err := e.visit(ctx, in, path, budget, &id, func(ctx context.Context, s *session, f file, b *format.Budget) error {
		var err error
		p, err = s.preview(ctx, f, page, b)
		return err
	}, func(err error) { held = err })
	if err == nil {
		err = held
	}
	if err != nil {
		p.Close()
		return Preview{}, err
	}
	return p, nil
}

func (s *session) preview(ctx context.Context, f file, page int64, budget *format.Budget) (Preview, error) {
	if f.Note.Code != "" {
		return Preview{}, format.Hold(format.Reason(f.Note.Code), f.Note.Detail)
	}
	inner, err := budget.Enter(f.data.Size())
	if err != nil {
		return Preview{}, err
	}
	defer func() { budget.Settle(inner) }()
	if page < 1 {
		return Preview{}, format.Hold(format.LimitPages, fmt.Sprintf("page %d", page))
	}
	p, err := s.parse(ctx, f, &inner)
	defer p.close()
	switch {
	case err != nil:
		return Preview{}, err
	case p.row.Method != format.MethodImage:
		return Preview{}, format.Hold(format.KindUnsupported, "it is not drawn")
	case p.source == nil && page > 1:
		return Preview{}, format.Hold(format.LimitPages, fmt.Sprintf("page %d of a picture", page))
	}
	drawn, err := s.paint(ctx, p, page)
	if err != nil {
		return Preview{}, err
	}
	h := newHash()
	if _, err := io.Copy(h, f.data.Reader()); err != nil {
		drawn.Close()
		return Preview{}, fmt.Errorf("read part: %w", err)
	}
	h.Sum(drawn.Original[:0])
	return drawn, nil
}

// paint writes the PNG of a page and has it read again.
func (s *session) paint(ctx context.Context, p *parsed, page int64) (Preview, error) {
	out := memfile.New(maxOutput)
	h := newHash()
	at, err := s.drawPage(ctx, p, page, io.MultiWriter(out, h))
	if err == nil {
		err = s.lint(ctx, &Node{}, rowOf(s.engine.formats, format.PNG), out)
	}
	if err != nil {
		out.Close()
		return Preview{}, err
	}
	b := Body{name: fmt.Sprintf("page-%d.png", page), media: "image/png", file: out, ok: true}
	h.Sum(b.sum[:0])
	return Preview{Body: b, Page: page, Pages: at.Pages}, nil
}

func (s *session) drawPage(ctx context.Context, p *parsed, page int64, out io.Writer) (image.Page, error) {
	at := image.Page{Page: page - 1, Pages: 1}
	w := bufio.NewWriterSize(out, 64<<10)
	build := func(in *ir.Reader) error {
		return s.engine.guarded(func() error {
			var err error
			if p.source == nil {
				_, err = image.BuildPNG(in, format.Construction{}, w)
			} else {
				at, err = image.BuildPage(in, w)
			}
			if err != nil {
				return fmt.Errorf("draw page: %w", err)
			}
			return w.Flush()
		})
	}
	if p.source == nil {
		return at, build(ir.NewReader(p.tape.Reader(), p.tape.Size()))
	}
	profile := s.in.Rules.Pages.Drawn(format.MethodImage)
	profile.Render.Layer, profile.Render.Page = false, page
	if err := s.stream(ctx, p, profile, build); err != nil {
		return at, err
	}
	if at.Page != page-1 {
		return at, format.Hold(format.WorkerCrash, "another page was drawn")
	}
	return at, nil
}
