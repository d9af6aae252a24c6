package sanitize

import (
	"container/list"
	"context"
	"fmt"
	"io"
	"sync"

	"sekisho/sanitize/format"
	"sekisho/sanitize/policy"
)

// Previews draws pages and keeps the last ones, by the SHA-256 of the original
// and how it is drawn, so that turning back a page starts no box. It is safe
// for concurrent use. What it keeps are lines of pixels, never an original.
type Previews struct {
	engine *Engine
	max    int64

	mu    sync.Mutex
	bytes int64
	order *list.List // of *kept, the last used first
	pages map[look]*list.Element
}

// look is what a drawn page depends on.
type look struct {
	sum   [32]byte
	page  int64
	rules policy.PageRules
}

type kept struct {
	look
	png   []byte
	pages int64
}

// NewPreviews returns Previews that keep at most max bytes of PNG.
func NewPreviews(e *Engine, max int64) *Previews {
	return &Previews{engine: e, max: max, order: list.New(), pages: map[look]*list.Element{}}
}

// Page returns the PNG of a page, from 1, and how many pages there are. Sum is
// the SHA-256 of the part at path as the ledger has it: when the mail's part is
// another, that is an error, and nothing is drawn for the wrong one. Errors are
// those of Engine.Preview.
func (p *Previews) Page(ctx context.Context, in Input, path string, sum [32]byte, page int64, budget format.Budget) ([]byte, int64, error) {
	l := look{sum, page, in.Rules.Pages}
	if k := p.get(l); k != nil {
		return k.png, k.pages, nil
	}
	drawn, err := p.engine.Preview(ctx, in, path, page, budget)
	if err != nil {
		return nil, 0, err
	}
	defer drawn.Close()
	if drawn.Original != sum {
		return nil, 0, format.Hold(format.Internal, "the part is not the one that was held")
	}
	png, err := io.ReadAll(drawn.Reader())
	if err != nil {
		return nil, 0, fmt.Errorf("read page: %w", err)
	}
	p.put(&kept{l, png, drawn.Pages})
	return png, drawn.Pages, nil
}

func (p *Previews) get(l look) *kept {
	p.mu.Lock()
	defer p.mu.Unlock()
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
	if p.pages[k.look] != nil || int64(len(k.png)) > p.max {
		return
	}
	p.pages[k.look] = p.order.PushFront(k)
	for p.bytes += int64(len(k.png)); p.bytes > p.max; {
		last := p.order.Back()
		old := p.order.Remove(last).(*kept)
		delete(p.pages, old.look)
		p.bytes -= int64(len(old.png))
	}
}
