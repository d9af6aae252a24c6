package pdfread

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/pdfium"
)

// Limits of one page. A page above them is held: no honest one comes near.
const (
	maxChars   = 400_000
	maxObjects = 1_000_000
)

// Parser reads PDF with a loaded engine. The zero Parser holds everything.
type Parser struct {
	Engine *pdfium.Engine
}

// Parse emits what in shows: the number of its pages, what is known of the
// file as Notes, then for each page
//
//	method image: Sheet, Raster with its Pixels, Runs if Render.Layer is set,
//	              and NumberTurned at its end
//	method text:  Text with RoleContent, its Seq the page from 0
//
// with the Notes of the page, whose Where is its number, as "page 7", and more
// Notes at the end. With Render.Page or Part set only those pages come, as the
// Sheets of their own numbers, while NumberPages still tells of the whole
// document; what is known of the file comes with the first page.
//
// The reasons to hold are encrypted_document, malformed, truncated,
// limit_pages, limit_pixels, limit_count, limit_time, limit_memory and
// fidelity_loss.
func (p Parser) Parse(ctx context.Context, in format.Untrusted, out *ir.Writer) error {
	if p.Engine == nil {
		return format.Hold(format.Internal, "no engine")
	}
	if !in.Budget.Deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, in.Budget.Deadline)
		defer cancel()
	}
	o, err := p.open(in.Data)
	if err != nil {
		return err
	}
	in.Data = o.data
	r := &reading{ctx: ctx, in: in, out: out, doc: o.doc, mended: o.mended, fonts: p.Engine.Fonts() > 0, notes: newNotes()}
	return errors.Join(r.document(), closed(o.doc))
}

func closed(doc *pdfium.Document) error {
	if err := doc.Close(); err != nil {
		return fmt.Errorf("close the document: %w", err)
	}
	return nil
}

// reading is one document on its way through.
type reading struct {
	ctx   context.Context
	in    format.Untrusted
	out   *ir.Writer
	doc   *pdfium.Document
	fonts bool // the engine has fonts of its own
	notes *notes

	mended bool // opened without its table of objects

	engine sync.Mutex // of the document: one call at a time
	tree   *tree      // goes with engine

	page    int    // the one in hand, from 0
	plane   []byte // its greys
	letters census // that a reader sees
	all     census // that the engine told of, hidden ones too
	told    int    // pages turned into text
	mute    int    // of these, without a word and not empty
}

func (r *reading) document() error {
	first, last, step := 0, r.doc.Pages(), 1
	if cut(r.in.Data) {
		return format.Hold(format.Truncated, "no end of file")
	}
	if last < 1 {
		return format.Hold(format.Malformed, "no page")
	}
	if want := r.in.Render.Page; want > 0 {
		if want > int64(last) {
			return format.Hold(format.LimitPages, fmt.Sprintf("page %d of %d", want, last))
		}
		first, last = int(want)-1, int(want)
	}
	if int64(last-first) > r.in.Budget.Pages {
		return format.Hold(format.LimitPages, fmt.Sprintf("%d pages", last-first))
	}
	found, fault := treeOf(r.in.Data, r.doc.Pages())
	if fault != "" {
		return format.Hold(format.Malformed, fault)
	}
	r.tree = found
	if err := r.out.Write(ir.Number{Name: ir.NumberPages, N: int64(r.doc.Pages())}); err != nil {
		return err
	}
	if want := r.in.Render; want.Page == 0 && want.Method != format.MethodText {
		var err error
		if first, last, step, err = r.part(last); err != nil {
			return err
		}
	}
	if first == 0 || r.in.Render.Page > 0 {
		if err := r.carried(); err != nil {
			return err
		}
	}
	if err := r.pages(first, last, step); err != nil {
		return err
	}
	if r.in.Render.Method == format.MethodText {
		if err := r.silent(); err != nil {
			return err
		}
		r.compare()
	}
	return r.notes.write(r.out)
}

// part returns which pages of so many are to be drawn: each step-th from first to
// before last. It says so if others may be drawn elsewhere, else all are wanted.
// The part that begins with the first page is the first that is asked for.
func (r *reading) part(pages int) (first, last, step int, err error) {
	f, l, s := r.in.Render.Part.Of(int64(pages))
	if f == 0 && (l < int64(pages) || s > 1) {
		if !shareable(r.in.Data) {
			return 0, pages, 1, nil
		}
		err = r.out.Write(ir.Number{Name: ir.NumberShared, N: 1})
	}
	return int(f), int(l), int(s), err
}

// pages reads each step-th page from first to before last.
func (r *reading) pages(first, last, step int) error {
	read := r.single
	if r.in.Render.Method != format.MethodText && last-first > step {
		ahead := r.drawAhead(first, last, step)
		defer ahead.stop()
		read = func(int) error { return r.take(ahead) }
	}
	for n := first; n < last; n += step {
		if err := r.ctx.Err(); err != nil {
			return format.Hold(format.LimitTime, fmt.Sprintf("at page %d", n+1))
		}
		if err := read(n); err != nil {
			return holdPage(n, err)
		}
	}
	return nil
}

// single reads one page and nothing beside it.
func (r *reading) single(n int) error {
	if r.in.Render.Method != format.MethodText {
		d, err := r.prepare(n, false)
		if err != nil {
			return err
		}
		return r.finish(d)
	}
	r.page = n
	page, err := r.doc.Page(n)
	if err != nil {
		return err
	}
	return errors.Join(r.tell(page), page.Close(), r.notes.write(r.out))
}

// holdOpen turns the engine's refusal to open a document into a reason.
func holdOpen(err error, data []byte) error {
	switch {
	case errors.Is(err, pdfium.ErrFormat) && cut(data):
		return format.Hold(format.Truncated, err.Error())
	case errors.Is(err, pdfium.ErrPassword), errors.Is(err, pdfium.ErrSecurity):
		return format.Hold(format.EncryptedDocument, err.Error())
	case errors.Is(err, pdfium.ErrMemory):
		return format.Hold(format.LimitMemory, err.Error())
	case errors.Is(err, pdfium.ErrFormat), errors.Is(err, pdfium.ErrPage), errors.Is(err, pdfium.ErrTrap):
		return format.Hold(format.Malformed, err.Error())
	}
	return fmt.Errorf("open the document: %w", err)
}

// holdPage turns what went wrong with a page into a reason.
func holdPage(page int, err error) error {
	var hold *format.Error
	where := fmt.Sprintf("page %d", page+1)
	switch {
	case errors.As(err, &hold):
		return err
	case errors.Is(err, pdfium.ErrLimit):
		return format.Hold(format.LimitCount, where+": "+err.Error())
	case errors.Is(err, pdfium.ErrMemory):
		return format.Hold(format.LimitMemory, where+": "+err.Error())
	case errors.Is(err, pdfium.ErrPage), errors.Is(err, pdfium.ErrTrap):
		return format.Hold(format.Malformed, where+": "+err.Error())
	}
	return fmt.Errorf("%s: %w", where, err)
}
