package flow

import (
	"testing"
	"time"

	"sekisho/gateway"
	"sekisho/quarantine"
)

// TestHeldMailEnds: a wholly held mail ends with the last of its items, by time, by
// a person or by a release, and its texts can be erased then.
func TestHeldMailEnds(t *testing.T) {
	const fragment = "From: a@example.com\nTo: b@town.example.lg.jp\nSubject: himitsu\nMIME-Version: 1.0\n" +
		"Content-Type: message/partial; id=x; number=1; total=2\n\nfragment\n"
	var j *Janitor
	later := func(w *world) {
		w.now = w.now.AddDate(0, 3, 0)
		if err := j.Tidy(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
	discard := func(w *world, i quarantine.Item) {
		i, err := i.Discard("clerk", w.now)
		if err != nil {
			w.t.Fatal(err)
		}
		if err := w.ledger.Do(w.t.Context(), func(tx gateway.Tx) error { return tx.MoveItem(i, w.note()) }); err != nil {
			w.t.Fatal(err)
		}
	}
	release := func(w *world, i quarantine.Item) {
		w.Exceptions = true
		w.ask(i, quarantine.Original, "", w.exception(), head, admin)
		w.job()
	}
	for _, c := range []struct {
		name string
		end  func(w *world, b, c quarantine.Item)
		want gateway.DeliveryState
	}{
		{"by time", func(w *world, _, _ quarantine.Item) { later(w) }, gateway.Discarded},
		{"by a person", func(w *world, b, c quarantine.Item) { discard(w, b); discard(w, c) }, gateway.Discarded},
		{"one of two", func(w *world, b, _ quarantine.Item) { discard(w, b) }, gateway.Held},
		{"one by a person, one by time", func(w *world, b, _ quarantine.Item) { discard(w, b); later(w) }, gateway.Discarded},
		{"by a release, the other by time", func(w *world, b, _ quarantine.Item) { release(w, b); later(w) }, gateway.Released},
		{"the other by a release", func(w *world, b, c quarantine.Item) { discard(w, c); release(w, b) }, gateway.Released},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			j = &Janitor{Ledger: w.ledger, Originals: w.Originals, Outbox: w.Outbox, Scribe: w.Scribe, Retain: func() time.Duration { return 30 * 24 * time.Hour }}
			m := w.accept(fragment, "b@town.example.lg.jp", "c@town.example.lg.jp")
			w.step()
			finish(t, w, m)
			items := w.items(m)
			if len(items) != 2 || w.held(m) != gateway.Held {
				t.Fatalf("%d items, %s", len(items), w.held(m))
			}
			if items[0].Recipient != "b@town.example.lg.jp" {
				items[0], items[1] = items[1], items[0]
			}
			w.texts(m, 0)
			c.end(w, items[0], items[1])
			finish(t, w, m)
			if got := w.held(m); got != c.want {
				t.Errorf("it is %s, want %s", got, c.want)
			}
			if c.want == gateway.Held {
				w.texts(m, 0)
				return
			}
			w.texts(m, 1)
		})
	}
}

// held is the state of the delivery that a mail was settled into.
func (w *world) held(m gateway.Message) gateway.DeliveryState {
	for _, d := range w.deliveries(m) {
		if d.Kind == gateway.KindMail {
			return d.State
		}
	}
	return ""
}

// texts checks of how many mails the texts can be erased, which is not so while
// one is at work.
func (w *world) texts(m gateway.Message, want int) {
	w.t.Helper()
	busy, err := w.ledger.AtWork(w.t.Context(), m.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	list, _, err := w.ledger.TextsBefore(w.t.Context(), w.now.Add(time.Hour), 0, 100)
	if err != nil || busy != (want == 0) || len(list) != want {
		w.t.Errorf("at work: %v, %d to erase, %v", busy, len(list), err)
	}
}
