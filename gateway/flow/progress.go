package flow

import (
	"context"
	"errors"
	"sync"
	"time"

	"sekisho/gateway"
	"sekisho/sanitize"
)

// What the row of a message says of a long document.
const (
	// longDocument is the number of pages from which on anybody would wonder how
	// far it is; shorter ones are done before they could look.
	longDocument = 10
	// progressEvery is the least time between two notes of one message: each is a
	// transaction.
	progressEvery = time.Second
)

// meter writes how far the work has come where people see it. Its caller waits
// for nothing; what comes between two notes is passed over.
type meter struct {
	ctx   context.Context // of run, which ends with it
	stop  func()
	write func(gateway.Progress) error
	wake  chan struct{}
	wg    sync.WaitGroup

	mu      sync.Mutex
	started bool // with the first page: most mails have no long document
	latest  gateway.Progress
}

// newMeter returns a meter; end stops it. An error of write ends it, too: a lease
// that was lost, or a ledger that has worse trouble than this.
func newMeter(ctx context.Context, write func(gateway.Progress) error) *meter {
	ctx, stop := context.WithCancel(ctx)
	return &meter{ctx: ctx, stop: stop, write: write, wake: make(chan struct{}, 1)}
}

// turned takes a page that is begun. It MUST NOT be called after end.
func (m *meter) turned(p sanitize.Progress) {
	if p.Pages < longDocument {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.latest = gateway.Progress{Part: p.Path, Page: p.Page, Pages: p.Pages}
	if !m.started {
		m.started = true
		m.wg.Go(m.run)
	}
	hint(m.wake)
}

func (m *meter) run() {
	for {
		select {
		case <-m.ctx.Done():
			return
		case <-m.wake:
		}
		m.mu.Lock()
		p := m.latest
		m.mu.Unlock()
		if m.write(p) != nil {
			return
		}
		t := time.NewTimer(progressEvery)
		select {
		case <-m.ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

func (m *meter) end() {
	m.stop()
	m.wg.Wait()
}

// meter notes the progress of a leased message in its row.
func (f *Flow) meter(ctx context.Context, m gateway.Message) *meter {
	return newMeter(ctx, func(p gateway.Progress) error {
		err := f.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.Progress(m, p) })
		if err != nil && !errors.Is(err, gateway.ErrLease) && ctx.Err() == nil {
			f.Log.Warn("the progress of a message was not noted", "message", m.Receipt, "error", err)
		}
		return err
	})
}
