package flow

import (
	"context"
	"strings"
	"testing"
	"time"

	"sekisho/gateway"
	"sekisho/sanitize"
	"sekisho/sanitize/format"
)

// TestSmallMailOvertakes: while all places for large messages are taken, a
// large one goes back into the queue, costs nothing, and is done later.
func TestSmallMailOvertakes(t *testing.T) {
	w := newWorld(t)
	large := w.accept(plain+strings.Repeat("a long line of text\n", largeSize/20), "b@town.example.lg.jp")
	small := w.accept(plain, "c@town.example.lg.jp")
	for range cap(w.lanes.places) {
		w.lanes.places <- struct{}{}
	}
	w.step()
	w.step()
	if n := len(w.deliveries(large)); n != 0 {
		t.Fatalf("the large message has %d deliveries", n)
	}
	if n := len(w.deliveries(small)); n != 1 {
		t.Fatalf("the small message has %d deliveries", n)
	}
	got, err := w.ledger.Message(t.Context(), large.ID)
	if err != nil || got.State != gateway.Accepted || got.Crashes != 0 || got.Lost != 0 || !got.NextAt.Equal(w.now.Add(largeWait)) {
		t.Fatalf("%+v, %v", got, err)
	}
	<-w.lanes.places
	w.now = w.now.Add(largeWait)
	w.step()
	if ds := w.deliveries(large); len(ds) != 1 || ds[0].State != gateway.Ready {
		t.Fatalf("%+v", ds)
	}
	if len(w.lanes.places) != cap(w.lanes.places)-1 {
		t.Error("the place was not given back")
	}
}

// slowly is an engine whose work on a message takes until enough says so, or
// until it is called off.
type slowly struct {
	Engine
	enough func() bool
}

func (e slowly) Sanitize(ctx context.Context, in sanitize.Input, b format.Budget) (sanitize.Node, error) {
	for tick := time.NewTicker(time.Millisecond); !e.enough(); {
		select {
		case <-ctx.Done():
			tick.Stop()
			return sanitize.Node{}, context.Cause(ctx)
		case <-tick.C:
		}
	}
	return e.Engine.Sanitize(ctx, in, b)
}

// A small message that takes long and finds no place among the slow ones goes
// back, at no cost, and does not begin again before there is one: it would hold
// up the quick ones. With a place it goes on.
// spec: g8
func TestQuickMailOvertakesSlow(t *testing.T) {
	w := newWorld(t)
	w.lanes.after = 5 * time.Millisecond
	engine := w.Engine
	m := w.accept(plain, "b@town.example.lg.jp")
	waits := func(what string) {
		t.Helper()
		w.step()
		got, err := w.ledger.Message(t.Context(), m.ID)
		if err != nil || got.State != gateway.Accepted || got.Crashes != 0 || got.Lost != 0 || !got.NextAt.Equal(w.now.Add(largeWait)) {
			t.Fatalf("%s: %+v, %v", what, got, err)
		}
		w.now = w.now.Add(largeWait)
	}
	for range cap(w.lanes.places) {
		w.lanes.places <- struct{}{}
	}
	w.Engine = slowly{engine, func() bool { return false }}
	waits("called off")
	w.Engine = slowly{engine, func() bool { t.Error("it began without a place"); return true }}
	waits("known as slow")
	<-w.lanes.places
	w.Engine = engine
	w.step()
	if ds := w.deliveries(m); len(ds) != 1 || ds[0].State != gateway.Ready {
		t.Fatalf("%+v", ds)
	}
	if len(w.lanes.places) != cap(w.lanes.places)-1 || len(w.lanes.slow) != 0 {
		t.Error("the place was not given back")
	}

	// One that becomes slow while there is a place takes it and goes on.
	m = w.accept(plain, "c@town.example.lg.jp")
	w.Engine = slowly{engine, func() bool { return len(w.lanes.places) == cap(w.lanes.places) }}
	w.step()
	if ds := w.deliveries(m); len(ds) != 1 || ds[0].State != gateway.Ready {
		t.Fatalf("%+v", ds)
	}
	if len(w.lanes.places) != cap(w.lanes.places)-1 {
		t.Error("the place was not given back")
	}
}
