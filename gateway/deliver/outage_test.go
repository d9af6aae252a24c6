package deliver

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"sekisho/gateway"
)

// The next hop is down for an hour: mail waits, is tried at growing intervals,
// nobody is told, and all of it arrives once when the hop is back.
func TestDownForAnHour(t *testing.T) {
	h := newHop(t)
	w := newWorld(t, h)
	up := w.conn.hop.Dial
	w.conn.hop.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no route to host") }
	var ids []gateway.ID
	for range 5 {
		ids = append(ids, w.add(order{}))
	}
	begin := w.now()
	for w.now().Sub(begin) < time.Hour {
		worked, err := w.Deliver.step(t.Context(), w.conn)
		if err != nil {
			t.Fatal(err)
		}
		if !worked {
			w.pass(30 * time.Second)
		}
	}
	tries := 0
	for _, id := range ids {
		d := w.row(id)
		if d.State != gateway.Ready || d.Recipients[0].State != gateway.Pending || len(w.drafts(id)) != 0 {
			t.Fatalf("after an hour: %s, %+v, drafts %+v", d.State, d.Recipients, w.drafts(id))
		}
		tries += d.Attempts
	}
	// At 0 s, 30 s, 2.5, 7.5, 22.5 and 52.5 minutes.
	if tries != 6*len(ids) {
		t.Errorf("%d tries in an hour, want 6 for each of %d mails", tries, len(ids))
	}
	w.conn.hop.Dial = up
	w.pass(time.Hour)
	for range ids {
		w.step()
	}
	w.idle()
	for _, id := range ids {
		if d, n := w.row(id), w.verbs(id); d.State != gateway.Relayed || n["relay.relayed"] != 1 || n["relay.failed"] != 0 {
			t.Errorf("%s, records %v", d.State, n)
		}
	}
}
