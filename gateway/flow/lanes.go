package flow

import (
	"context"
	"errors"
	"sync"
	"time"

	"sekisho/gateway"
)

// errSlow calls off the work on a message that takes long while all places for
// such messages are taken.
var errSlow = errors.New("flow: slow messages have no place now")

// lanes keep slow messages from holding up quick ones. A mail of two kilobytes
// can hold a drawing that takes a minute, so size alone does not tell. Every
// message begins; one that is large, or takes longer than after, needs one of
// the places for slow ones, half of the workers. Where none is free it is called
// off, remembered, and begins anew when there is one. So mail that is quick
// waits for the others' first seconds, and never for all of their time.
type lanes struct {
	places chan struct{}
	after  time.Duration

	mu   sync.Mutex
	slow map[gateway.ID]struct{} // called off before
}

// maxSlow bounds what is remembered; what is forgotten costs another try.
const maxSlow = 10_000

func newLanes(workers int) *lanes {
	return &lanes{places: make(chan struct{}, max(1, workers/2)), after: slowAfter, slow: map[gateway.ID]struct{}{}}
}

// lane is what one message in hand has.
type lane struct {
	lanes *lanes
	id    gateway.ID

	mu    sync.Mutex // of what the timer and the worker both touch
	held  bool       // a place
	over  bool       // the long part of the work
	timer *time.Timer
}

// begin reports whether a message may begin. The caller calls leave then.
func (l *lanes) begin(m gateway.Message) (*lane, bool) {
	w := &lane{lanes: l, id: m.ID}
	l.mu.Lock()
	_, slow := l.slow[m.ID]
	l.mu.Unlock()
	if !slow && m.Size <= largeSize {
		return w, true
	}
	w.held = l.take()
	return w, w.held
}

func (l *lanes) take() bool {
	select {
	case l.places <- struct{}{}:
		return true
	default:
		return false
	}
}

// watch returns the context for the long part of the work, which may end with
// errSlow until finish.
func (w *lane) watch(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.held {
		w.timer = time.AfterFunc(w.lanes.after, func() { w.late(cancel) })
	}
	return ctx, func() { cancel(context.Canceled) }
}

// late is called when the work has taken long.
func (w *lane) late(cancel context.CancelCauseFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return
	}
	if w.held = w.lanes.take(); w.held {
		return
	}
	w.over = true
	w.lanes.remember(w.id)
	cancel(errSlow)
}

func (l *lanes) remember(id gateway.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.slow) >= maxSlow {
		clear(l.slow)
	}
	l.slow[id] = struct{}{}
}

// finish says that what is still to do is short.
func (w *lane) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	if w.timer != nil {
		w.timer.Stop()
	}
}

// leave gives the place back.
func (w *lane) leave() {
	w.finish()
	if !w.held {
		return
	}
	w.lanes.mu.Lock()
	delete(w.lanes.slow, w.id)
	w.lanes.mu.Unlock()
	<-w.lanes.places
}
