package flow

import (
	"strings"
	"testing"

	"sekisho/gateway"
)

// TestSmallMailOvertakes: while all places for large messages are taken, a
// large one goes back into the queue, costs nothing, and is done later.
func TestSmallMailOvertakes(t *testing.T) {
	w := newWorld(t)
	large := w.accept(plain+strings.Repeat("a long line of text\n", largeSize/20), "b@town.example.lg.jp")
	small := w.accept(plain, "c@town.example.lg.jp")
	for range cap(w.large) {
		w.large <- struct{}{}
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
	<-w.large
	w.now = w.now.Add(largeWait)
	w.step()
	if ds := w.deliveries(large); len(ds) != 1 || ds[0].State != gateway.Ready {
		t.Fatalf("%+v", ds)
	}
	if len(w.large) != cap(w.large)-1 {
		t.Error("the place was not given back")
	}
}
