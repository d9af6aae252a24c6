package realtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// load is mail from several connections at once, and what was said about it.
type load struct {
	t       *testing.T
	address string
	sink    *sink
	ahead   int // promised mails that may be under way

	mu       sync.Mutex
	next     int
	promised map[string]letter // by receipt number: answered with 250
	refused  map[string]letter // by Message-ID: a reply that was no consent
	unknown  map[string]letter // by Message-ID: no reply
	broken   int               // connections that ended
}

func newLoad(t *testing.T, g *gateway, s *sink) *load {
	return &load{t: t, address: g.smtp, sink: s, ahead: 40, promised: map[string]letter{}, refused: map[string]letter{}, unknown: map[string]letter{}}
}

// run sends over n connections until ctx ends.
func (l *load) run(ctx context.Context, n int, chance *rand.Rand) *sync.WaitGroup {
	var wg sync.WaitGroup
	for range n {
		mine := rand.New(rand.NewPCG(chance.Uint64(), 2))
		wg.Go(func() { l.connect(ctx, mine) })
	}
	return &wg
}

// connect sends mail after mail, over a new connection whenever one ended.
func (l *load) connect(ctx context.Context, chance *rand.Rand) {
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for ctx.Err() == nil {
		c, err := dial(ctx, l.address)
		for err == nil && ctx.Err() == nil {
			if l.full() {
				l.pause(ctx, again)
				continue
			}
			err = l.one(c, mixture[chance.IntN(len(mixture))])
		}
		if c != nil {
			c.close()
		}
		l.pause(ctx, again)
	}
}

func (l *load) pause(ctx context.Context, t *time.Ticker) {
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// full reports whether as much is under way as may be: a load that is ahead by
// thousands would only show how a long queue is worked off.
func (l *load) full() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.promised)-l.sink.ended() >= l.ahead
}

// one sends one mail and remembers what was said.
func (l *load) one(c *client, k kind) error {
	l.mu.Lock()
	l.next++
	m := newLetter(k, l.next)
	l.mu.Unlock()
	reply, dotted, err := c.send("kumin@example.com", m.to, m.body)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil && dotted:
		l.unknown[m.id] = m
	case err != nil || !dotted:
		l.refused[m.id] = m
	case strings.HasPrefix(reply, "250 2.0.0 M-"):
		receipt := strings.Fields(reply)[2]
		if was, twice := l.promised[receipt]; twice {
			l.t.Errorf("receipt %s was given to %s and %s", receipt, was.id, m.id)
		}
		l.promised[receipt] = m
	case reply[0] == '4':
		l.refused[m.id] = m
	default:
		l.t.Errorf("%s was answered with %q", m.id, reply)
	}
	if err != nil {
		l.broken++
	}
	if err == nil && strings.HasPrefix(reply, "421") {
		return fmt.Errorf("told to go: %s", reply)
	}
	return err
}

func (l *load) String() string {
	total, different := l.sink.have()
	return fmt.Sprintf("%d promised, %d refused, %d unknown, %d broken connections; the sink got %d mails, %d of them again",
		len(l.promised), len(l.refused), len(l.unknown), l.broken, total, total-different)
}

// account settles the load with the ledger and the sink, once all is drained:
// each promise was kept, nothing came that nobody sent, and what came twice
// came as the same bytes.
func (l *load) account(g *gateway) {
	l.t.Helper()
	l.t.Log(l)
	rows, held := map[string][]delivery{}, map[string][]item{}
	for _, d := range g.deliveries() {
		rows[d.Receipt] = append(rows[d.Receipt], d)
	}
	for _, i := range g.items() {
		held[i.Receipt] = append(held[i.Receipt], i)
	}
	for receipt, m := range l.promised {
		l.kept(receipt, m, rows[receipt], held[receipt])
	}
	sent := map[string]letter{}
	for _, m := range l.promised {
		sent[m.id] = m
	}
	for id, m := range l.unknown {
		sent[id] = m
	}
	for _, id := range l.sink.ids() {
		copies := l.sink.copies(id)
		m, ok := sent[id]
		if !ok && copies[0].from != "" {
			l.t.Errorf("%s came, and nobody got a 250 for it", id)
		}
		for _, c := range copies {
			if c.sum != copies[0].sum || c.from != copies[0].from || !slices.Equal(c.to, copies[0].to) {
				l.t.Errorf("%s came twice and was not the same: %v %v, %v %v", id, copies[0].to, copies[0].sum, c.to, c.sum)
			}
			if ok && !subset(c.to, m.to) {
				l.t.Errorf("%s was sent to %v and came for %v", id, m.to, c.to)
			}
		}
	}
}

// kept checks that a promised mail was relayed or is held.
func (l *load) kept(receipt string, m letter, rows []delivery, held []item) {
	covered := map[string]string{}
	for _, d := range rows {
		if d.Kind != "mail" {
			continue
		}
		for _, r := range d.Recipients {
			covered[r.Address] = d.State + " " + r.State
		}
		if d.State == "held" && len(held) != len(m.to) {
			l.t.Errorf("%s %s is held (%s) with %d items for %d recipients", receipt, m.id, d.Reason, len(held), len(m.to))
		}
	}
	for _, to := range m.to {
		refused := strings.HasPrefix(to, refusedPrefix)
		switch state := covered[to]; {
		case state == "held pending" && l.told(to, receipt):
		case state == "failed refused" && refused:
		case (state == "relayed taken" || state == "failed taken") && !refused && m.kind != piece && l.came(to, m.id):
		default:
			l.t.Errorf("%s %s for %s was promised and is %q", receipt, m.id, to, state)
		}
	}
	if m.kind == exe && covered[m.to[0]] == "relayed taken" && len(held) != 1 {
		l.t.Errorf("%s %s: %d items, want 1", receipt, m.id, len(held))
	}
}

// came reports whether the sink has a mail for an address.
func (l *load) came(to, id string) bool {
	return slices.ContainsFunc(l.sink.copies(id), func(r received) bool { return slices.Contains(r.to, to) })
}

// told reports whether the recipient of a held mail got the mail that says so.
func (l *load) told(to, receipt string) bool {
	if strings.HasPrefix(to, refusedPrefix) {
		return true // the next hop refuses that too
	}
	return slices.ContainsFunc(l.sink.own(to), func(r received) bool { return strings.Contains(r.result, "receipt="+receipt+";") })
}

func subset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(x string) bool { return !slices.Contains(b, x) })
}
