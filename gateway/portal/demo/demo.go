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
	"strings"
	"sync"
	"time"
)

// Limits of what the board keeps.
const (
	maxMails  = 200      // pairs
	maxSource = 64 << 10 // bytes of an incoming mail's source
	maxSides  = 20       // delivered mails for one receipt number
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
	order []string // receipt numbers, the pair that was begun first first
	mails map[int]Mail
	next  int // number of the next mail
	note  chan struct{}
}

// NewBoard returns an empty Board.
func NewBoard() *Board {
	return &Board{pairs: map[string]*Pair{}, mails: map[int]Mail{}, note: make(chan struct{}, 1)}
}

// Received puts a mail on the incoming side.
func (b *Board) Received(in Incoming) {
	b.mu.Lock()
	defer b.mu.Unlock()
	in.Source = strings.ToValidUTF8(in.Source[:min(len(in.Source), maxSource)], "\uFFFD")
	b.pair(in.Receipt).Incoming = in
}

// deliver puts a mail on the delivered side.
func (b *Board) deliver(m Mail) {
	b.mu.Lock()
	m.Number = b.next
	b.next++
	p := b.pair(m.Receipt)
	if len(p.Delivered) == maxSides {
		delete(b.mails, p.Delivered[0].Number)
		p.Delivered = slices.Clone(p.Delivered[1:]) // a page may still read the old one
	}
	p.Delivered = append(p.Delivered, m)
	b.mails[m.Number] = m
	b.mu.Unlock()
	select {
	case b.note <- struct{}{}:
	default:
	}
}

// Arrivals tells that mails were delivered; a hint, one for several.
func (b *Board) Arrivals() <-chan struct{} { return b.note }

func (b *Board) pair(receipt string) *Pair {
	if p := b.pairs[receipt]; p != nil {
		return p
	}
	if len(b.order) >= maxMails {
		b.forget()
	}
	p := &Pair{}
	p.Receipt = receipt
	b.pairs[receipt] = p
	b.order = append(b.order, receipt)
	return p
}

// forget drops the pair that was begun first and its mails.
func (b *Board) forget() {
	for _, m := range b.pairs[b.order[0]].Delivered {
		delete(b.mails, m.Number)
	}
	delete(b.pairs, b.order[0])
	b.order = b.order[1:]
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
	m, ok := b.mails[n]
	return m, ok
}
