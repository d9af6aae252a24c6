package sanitize

import (
	"bufio"
	"context"
	"errors"
	"io"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/memfile"
)

// source is a file of a kind whose values are built while they come (Stream):
// a document of 500 pages is 4 GB of pixels and never in memory as a whole.
type source struct {
	req   ir.Request
	taker *taker
	data  *memfile.File
	start *format.Budget // before it was first drawn
}

// maxStream bounds the frames of one streamed answer. Pages and their pixels
// are bounded by the budget as they come.
const maxStream = 1 << 40

// largeRaster is the size in bytes of a page above which documents are built
// one at a time: a builder takes some three times as much.
const largeRaster = 64 << 20

// errBuilder ends a box whose builder has given up; the builder says why.
var errBuilder = errors.New("sanitize: the builder has ended")

// stream parses the source in a box of its own and runs build on the values
// as they come. The parser's reason to stop is the sharper one.
func (s *session) stream(ctx context.Context, p *parsed, profile format.Profile, build func(*ir.Reader) error) error {
	src := p.source
	if src.start == nil {
		b := *src.taker.budget
		src.start = &b
	}
	*src.taker.budget = *src.start // what is drawn again counts once
	req := src.req
	r := profile.Render
	req.Method, req.DPI, req.Shade, req.Layer, req.Page = string(r.Method), r.DPI, string(r.Shade), r.Layer, r.Page
	req.Pages = src.start.Pages
	giveBack := func() {}
	defer func() { giveBack() }()
	src.taker.room = func(size int64) error {
		src.taker.room = nil
		var err error
		giveBack, err = s.takeRoom(ctx, size)
		return err
	}
	from, to := io.Pipe()
	built := make(chan error, 1)
	go func() {
		err := build(ir.NewReader(bufio.NewReaderSize(from, 256<<10), maxStream))
		from.CloseWithError(errBuilder) // whatever is still to come is not wanted
		built <- err
	}()
	w := bufio.NewWriterSize(to, 256<<10)
	src.taker.to = w
	s.drop(p.row.Class)
	err := s.pages(ctx, p, req)
	s.drop(p.row.Class)
	if err == nil {
		err = w.Flush()
	}
	to.CloseWithError(err) // nil is the end of the values
	if berr := <-built; berr != nil && (err == nil || errors.Is(err, errBuilder)) {
		return berr
	}
	return err
}

// pages has the values of a source come: those of a PDF's pages from two boxes
// where it is long.
func (s *session) pages(ctx context.Context, p *parsed, req ir.Request) error {
	t := p.source.taker
	if p.row.Kind != format.PDF {
		return s.ask(ctx, p.row.Class, req, p.source.data, maxStream, t.take)
	}
	t.gather = newGatherer()
	g := &pager{s: s, class: p.row.Class, req: req, data: p.source.data, take: t.take}
	err := g.run(ctx)
	p.notes = append(p.notes, t.gather.findings()...)
	return err
}
