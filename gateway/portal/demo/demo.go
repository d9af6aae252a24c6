// Package demo is what `sekisho demo` shows: a mailbox in place of the LGWAN
// mail server, and a small web page with incoming and delivered mail side by
// side. It keeps everything in memory and listens on loopback only.
//
// It is not the portal: it has no users and shows mail to whoever opens the
// page on this machine. The incoming side is shown as escaped source and never
// parsed here; what is parsed for display is only what the gateway delivered.
package demo

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// Limits of what the board keeps.
const (
	maxMails  = 200
	maxSource = 64 << 10 // bytes of an incoming mail's source
)

// Incoming is a mail as it came to the gateway.
type Incoming struct {
	Receipt string
	At      time.Time
	From    string // envelope sender
	To      []string
	Size    int64
	Source  string // its beginning, as text
	Result  string // what the gateway says it did, one line a part
	Took    time.Duration
}

// Pair is one receipt number's two sides.
type Pair struct {
	Incoming
	Delivered []Mail
}

// Board holds what the page shows. It is safe for concurrent use.
type Board struct {
	mu    sync.Mutex
	pairs map[string]*Pair
	mails []Mail
	note  chan struct{}
}

// NewBoard returns an empty Board.
func NewBoard() *Board {
	return &Board{pairs: map[string]*Pair{}, note: make(chan struct{}, 1)}
}

// Received puts a mail on the incoming side.
func (b *Board) Received(in Incoming) {
	b.mu.Lock()
	defer b.mu.Unlock()
	in.Source = in.Source[:min(len(in.Source), maxSource)]
	b.pair(in.Receipt).Incoming = in
}

// deliver puts a mail on the delivered side.
func (b *Board) deliver(m Mail) {
	b.mu.Lock()
	m.Number = len(b.mails)
	b.mails = append(b.mails, m)
	p := b.pair(m.Receipt)
	p.Delivered = append(p.Delivered, m)
	b.mu.Unlock()
	select {
	case b.note <- struct{}{}:
	default:
	}
}

// Arrivals tells that mails were delivered; a hint, one for several.
func (b *Board) Arrivals() <-chan struct{} { return b.note }

// Delivered returns how many mails were delivered for a receipt number.
func (b *Board) Delivered(receipt string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.pairs[receipt]; p != nil {
		return len(p.Delivered)
	}
	return 0
}

func (b *Board) pair(receipt string) *Pair {
	p := b.pairs[receipt]
	if p == nil {
		if len(b.pairs) >= maxMails {
			b.forget()
		}
		p = &Pair{}
		p.Receipt = receipt
		b.pairs[receipt] = p
	}
	return p
}

// forget drops the oldest pair.
func (b *Board) forget() {
	oldest := slices.MinFunc(b.sorted(), func(x, y Pair) int { return x.At.Compare(y.At) })
	delete(b.pairs, oldest.Receipt)
}

// sorted returns the pairs, newest first.
func (b *Board) sorted() []Pair {
	var all []Pair
	for _, p := range b.pairs {
		all = append(all, *p)
	}
	slices.SortFunc(all, func(x, y Pair) int { return cmp.Compare(y.Receipt, x.Receipt) })
	return all
}

func (b *Board) snapshot() []Pair {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sorted()
}

func (b *Board) mail(n int) (Mail, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n < 0 || n >= len(b.mails) {
		return Mail{}, false
	}
	return b.mails[n], true
}
