package pdfread

import "errors"

// ahead draws pages while earlier ones are looked at: the engine takes one half
// of the work and our own code the other, and a worker has two processors. At
// most two drawn pages are in memory.
type ahead struct {
	pages chan result
	quit  chan struct{}
	ended chan struct{}
}

// result is a drawn page, or why there is none.
type result struct {
	page *drawnPage
	err  error
}

// drawAhead begins to draw each step-th page from first to before last, in
// order. The caller takes them and then stops the drawing.
func (r *reading) drawAhead(first, last, step int) *ahead {
	a := &ahead{pages: make(chan result), quit: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(a.ended)
		for n := first; n < last; n += step {
			d, err := r.prepare(n, true)
			select {
			case a.pages <- result{d, err}:
			case <-a.quit:
				if d != nil {
					_ = r.close(d.page) // why the reading ended says more
				}
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return a
}

// take waits for the next page and emits it.
func (r *reading) take(a *ahead) error {
	select {
	case got := <-a.pages:
		if got.err != nil {
			return got.err
		}
		return r.finish(got.page)
	case <-a.ended:
		return errors.New("no more pages are drawn")
	}
}

// stop ends the drawing and waits for its end: afterwards the document may be
// closed.
func (a *ahead) stop() {
	close(a.quit)
	<-a.ended
}
