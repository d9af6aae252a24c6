package realtest

import (
	"context"
	"testing"
	"time"

	"sekisho/gateway/peertest"
)

// TestKilledUnderLoad kills the program again and again, at any moment: while it
// starts, takes over, accepts, sanitizes, seals, relays, writes its log.
// spec: g3 g9
func TestKilledUnderLoad(t *testing.T) {
	kills := rounds(t, 20, 1)
	chance := chance(t)
	host := peertest.Loopback()
	s := newSink(t, host)
	s.Answer(refusedPrefix, "550 5.1.1 no such mailbox")
	g := install(t, host, s.Address)
	l := newLoad(t, g, s)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	clients := l.run(ctx, 6, chance)
	for n := range kills {
		// Most strike in the midst of work, some while the program starts.
		moment := time.Duration(chance.Int64N(int64(1200 * time.Millisecond)))
		g.launch()
		select {
		case <-g.ended:
			t.Fatalf("kill %d: sekisho serve ended by itself: %v", n, g.err)
		case <-time.After(moment):
		}
		g.kill()
		if (n+1)%50 == 0 {
			g.verify()
			t.Logf("%d kills: %v", n+1, l)
		}
		if t.Failed() {
			break
		}
	}
	g.start()
	cancel()
	clients.Wait()
	g.drained()
	g.stop()
	g.verify()
	l.account(g)
	if len(l.promised) < kills || l.broken < kills/4 {
		t.Errorf("too little happened: %v", l)
	}
}
