package sanitize

import (
	"container/list"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/memfile"
	"sekisho/sanitize/policy"
)

// Previews draws pages and keeps the last ones for a while, by the SHA-256 of
// the mail and how the page is drawn, so that turning back a page, or a second
// person who looks, starts no box. Whether somebody may still look is asked
// before. It is safe for concurrent use. What it keeps are PNGs of our own that
// passed their lint, never an original, and in memory only.
type Previews struct {
	engine *Engine
	max    int64
	life   time.Duration

	mu    sync.Mutex
	bytes int64
	order *list.List // of *kept, the last used first
	pages map[look]*list.Element
}

// look is what a drawn page depends on.
type look struct {
	mail  [32]byte
	path  string
	page  int64
	rules policy.PageRules
}

type kept struct {
	key   look
	page  Preview // without its file
	png   []byte
	until time.Time
}

// NewPreviews returns Previews that keep at most max bytes of PNG, each page for
// life at most.
func NewPreviews(e *Engine, max int64, life time.Duration) *Previews {
	return &Previews{engine: e, max: max, life: life, order: list.New(), pages: map[look]*list.Element{}}
}

// Preview is Engine.Preview, from memory where the page is there.
func (p *Previews) Preview(ctx context.Context, in Input, path string, page int64, budget format.Budget) (Preview, error) {
	h := newHash()
	if _, err := io.Copy(h, in.Data.Reader()); err != nil {
		return Preview{}, fmt.Errorf("read mail: %w", err)
	}
	l := look{path: path, page: page, rules: in.Rules.Pages}
	h.Sum(l.mail[:0])
	if k := p.get(l, time.Now()); k != nil {
		return k.copy()
	}
	drawn, err := p.engine.Preview(ctx, in, path, page, budget)
	if err != nil {
		return Preview{}, err
	}
	png, err := io.ReadAll(drawn.Reader())
	if err != nil {
		drawn.Close()
		return Preview{}, fmt.Errorf("read page: %w", err)
	}
	k := &kept{key: l, page: drawn, png: png, until: time.Now().Add(p.life)}
	k.page.file = nil
	p.put(k)
	return drawn, nil
}

// copy gives the caller a Preview of its own to close.
func (k *kept) copy() (Preview, error) {
	c := k.page
	c.file = memfile.New(int64(len(k.png)))
	if _, err := c.file.Write(k.png); err != nil {
		c.file.Close()
		return Preview{}, fmt.Errorf("copy page: %w", err)
	}
	return c, nil
}

func (p *Previews) get(l look, now time.Time) *kept {
	p.mu.Lock()
	defer p.mu.Unlock()
	for e := p.order.Back(); e != nil; {
		before := e.Prev()
		if !now.Before(e.Value.(*kept).until) {
			p.forget(e)
		}
		e = before
	}
	e := p.pages[l]
	if e == nil {
		return nil
	}
	p.order.MoveToFront(e)
	return e.Value.(*kept)
}

func (p *Previews) put(k *kept) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pages[k.key] != nil || int64(len(k.png)) > p.max {
		return
	}
	p.pages[k.key] = p.order.PushFront(k)
	for p.bytes += int64(len(k.png)); p.bytes > p.max; {
		p.forget(p.order.Back())
	}
}

// forget drops a page. The caller holds mu.
func (p *Previews) forget(e *list.Element) {
	old := p.order.Remove(e).(*kept)
	delete(p.pages, old.key)
	p.bytes -= int64(len(old.png))
}
