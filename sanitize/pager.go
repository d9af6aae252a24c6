package sanitize

import (
	"context"
	"errors"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/memfile"
	"sekisho/sanitize/sandbox"
)

// pager has a PDF drawn: by one box, and a long one by two at once, each of
// which takes every other page. Nothing is stored between: pages are read from
// the two in turn, and a box whose turn it is not waits with a page in its pipe
// and the next one drawn. So the values, and the file that is built of them, are
// those of one box.
//
// The second box is a matter of luck. It is looked for when the first one has
// said that the document is long and of pages that do not depend on each other,
// and there is one only if the pool has a place free at that moment: who waits for a second place while it holds a first one
// can wait for ever. While it starts, the first box draws on, in runs that get
// longer.
type pager struct {
	s     *session
	class format.Class
	req   ir.Request
	data  *memfile.File
	take  func(ir.Value) error

	said   int64 // pages of the document, as a box says; 0 before
	next   int64 // the page that is wanted, from 0
	turned bool  // it is at its end
	shared bool  // its box will draw no more than it was asked for

	start  context.Context      // of the second box
	second chan *sandbox.Worker // which gives nil when there is none
}

const (
	// longDocument is how many pages are worth a second box.
	longDocument = 8
	// firstRun is how many of them the first box draws before it is looked whether
	// the second one is there. Each run opens the document anew, which takes as
	// long as half a page.
	firstRun = 4
)

// run has all pages drawn.
func (g *pager) run(ctx context.Context) error {
	if !g.s.engine.pairs || g.req.Page > 0 || g.req.Method != string(format.MethodImage) {
		return g.alone(ctx, format.Part{})
	}
	var cancel context.CancelFunc
	g.start, cancel = context.WithCancel(ctx)
	defer g.dismiss(cancel)
	part := format.Part{From: 1, To: firstRun, Whole: longDocument}
	for length := int64(firstRun); ; length *= 2 {
		before := g.next
		if err := g.alone(ctx, part); err != nil {
			return err
		}
		if !g.shared || g.next >= g.said || g.next == before {
			return nil // if pages are missing the builder sees it
		}
		part = format.Part{From: g.next + 1, To: g.next + 2*length}
		select {
		case w := <-g.second:
			g.second = nil
			if w != nil {
				return g.together(ctx, newBox(w))
			}
		default:
		}
		if g.second == nil {
			part.To = 0 // all the rest
		}
	}
}

// part is the request for some of the pages.
func (g *pager) part(p format.Part) ir.Request {
	req := g.req
	req.From, req.Step, req.To, req.Whole = p.From, p.Step, p.To, p.Whole
	return req
}

// alone has the first box draw some pages.
func (g *pager) alone(ctx context.Context, p format.Part) error {
	return g.s.ask(ctx, g.class, g.part(p), g.data, maxStream, g.value)
}

// together has all further pages drawn by the first box and another one, in
// turn. A death in either, or what they do not agree on, holds the document.
func (g *pager) together(ctx context.Context, other *box) error {
	defer other.worker.Close()
	first, err := g.s.box(ctx, g.class)
	if err != nil {
		return err
	}
	var answers [2]*reply
	for i, b := range [2]*box{first, other} {
		req := g.part(format.Part{From: g.next + 1 + int64(i), Step: 2})
		if answers[i], err = g.s.put(ctx, g.class, b, req, g.data, maxStream); err != nil {
			return err
		}
		defer answers[i].unwatch()
	}
	g.s.engine.log.Debug("two boxes draw", "class", g.class, "page", g.next+1, "pages", g.said)
	return g.turns(ctx, answers)
}

// turns reads the pages that are left from two boxes in turn.
func (g *pager) turns(ctx context.Context, from [2]*reply) error {
	for turn := 0; g.next < g.said; turn++ {
		if err := g.page(ctx, from[turn%2]); err != nil {
			return err
		}
	}
	for _, a := range from {
		if err := g.rest(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// page reads the wanted page from the box that draws it.
func (g *pager) page(ctx context.Context, from *reply) error {
	wanted := g.next
	for g.turned = false; !g.turned; {
		v, err := from.next(ctx)
		if err != nil {
			return err
		}
		if v == nil {
			return format.Hold(format.WorkerCrash, "a page is missing")
		}
		if err := g.value(v); err != nil {
			return err
		}
		if g.next > wanted+1 {
			return format.Hold(format.WorkerCrash, "a page too many")
		}
	}
	if g.next != wanted+1 {
		return format.Hold(format.WorkerCrash, "the end of no page")
	}
	return nil
}

// rest reads what a box says after its last page.
func (g *pager) rest(ctx context.Context, from *reply) error {
	for {
		v, err := from.next(ctx)
		if err != nil || v == nil {
			return err
		}
		if err := g.value(v); err != nil {
			return err
		}
	}
}

// value hands on what a box says. The number of pages is said once for each
// request, and has to be the same each time; pages come one after another.
func (g *pager) value(v ir.Value) error {
	switch v := v.(type) {
	case ir.Number:
		switch v.Name {
		case ir.NumberTurned:
			g.turned = true
			return nil
		case ir.NumberPages:
			if g.said > 0 {
				return g.agree(v.N)
			}
			g.said = v.N
		case ir.NumberShared:
			g.shared = true
			g.call()
			return nil
		}
	case ir.Sheet:
		if v.Page != g.next && g.req.Page == 0 || g.said > 0 && v.Page >= g.said {
			return format.Hold(format.WorkerCrash, "a page out of turn")
		}
		g.next = v.Page + 1
	}
	return g.take(v)
}

func (g *pager) agree(pages int64) error {
	if pages != g.said {
		return format.Hold(format.WorkerCrash, "the boxes do not agree on the number of pages")
	}
	return nil
}

// call looks for a second box if the document is long.
func (g *pager) call() {
	if g.start == nil || g.second != nil || g.said < longDocument || g.s.deaths >= maxDeaths {
		return
	}
	g.second = make(chan *sandbox.Worker, 1)
	go func() {
		w, err := g.s.engine.boxes.TryGet(g.start, string(g.class))
		if err != nil {
			w = nil
			if !errors.Is(err, sandbox.ErrBusy) && g.start.Err() == nil {
				g.s.engine.log.Warn("no second worker", "class", g.class, "error", err)
			}
		}
		g.second <- w
	}()
}

// dismiss ends a second box that was called and never came to work.
func (g *pager) dismiss(cancel context.CancelFunc) {
	cancel()
	if g.second == nil {
		return
	}
	if w := <-g.second; w != nil {
		w.Close()
	}
}
