package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/gateway"
	"sekisho/sanitize"
	"sekisho/sanitize/format"
)

// TestMeter: however fast pages come, a note is written once a second at most,
// the last one seen; short documents are not noted at all.
func TestMeter(t *testing.T) {
	for _, c := range []struct {
		name  string
		step  time.Duration // between pages
		pages int
		want  []int // pages noted
	}{
		{"slow", 3 * time.Second, 10, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
		{"fast", 100 * time.Millisecond, 25, []int{1, 11, 21, 25}},
		{"short", time.Minute, 9, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var noted []int
				m := newMeter(t.Context(), func(p gateway.Progress) error {
					if p.Part != "2" || p.Pages != c.pages {
						t.Errorf("noted %+v", p)
					}
					noted = append(noted, p.Page)
					return nil
				})
				for i := range c.pages {
					m.turned(sanitize.Progress{Path: "2", Page: i + 1, Pages: c.pages})
					synctest.Wait()
					time.Sleep(c.step - time.Nanosecond) // of the bubble; never at the instant of the next note
				}
				time.Sleep(2 * progressEvery)
				m.end()
				if !slices.Equal(noted, c.want) {
					t.Errorf("noted %v, want %v", noted, c.want)
				}
			})
		})
	}
}

// TestMeterEnds: with the work, and with the first error.
func TestMeterEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		notes := 0
		m := newMeter(t.Context(), func(gateway.Progress) error { notes++; return errors.New("no ledger") })
		for i := range 50 {
			m.turned(sanitize.Progress{Page: i + 1, Pages: 50})
			time.Sleep(progressEvery)
		}
		m.end()
		if notes != 1 {
			t.Errorf("%d notes after an error", notes)
		}
		ctx, cancel := context.WithCancel(t.Context())
		m = newMeter(ctx, func(gateway.Progress) error { return nil })
		m.turned(sanitize.Progress{Page: 1, Pages: 50})
		cancel()
		m.end()
		newMeter(t.Context(), nil).end() // of a mail without documents
	})
}

// turner is an engine that turns the pages of a long document while somebody
// looks at the message's row.
type turner struct {
	Engine
	look func(page int)
}

func (e turner) Sanitize(ctx context.Context, in sanitize.Input, b format.Budget) (sanitize.Node, error) {
	for i := range 12 {
		in.Progress(sanitize.Progress{Path: "2", Page: i + 1, Pages: 12})
		if i == 0 || i == 11 {
			e.look(i + 1)
		}
	}
	return e.Engine.Sanitize(ctx, in, b)
}

// TestProgressOfMessage: whoever looks at the row of a message in hand sees how
// far it is; a settled one says nothing any more.
func TestProgressOfMessage(t *testing.T) {
	w := newWorld(t)
	m := w.accept("From: a@example.com\nSubject: x\n\nhello\n", "yamada@town.example.lg.jp")
	see := func() gateway.Message {
		t.Helper()
		got, err := w.ledger.Message(t.Context(), m.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	w.Engine = turner{w.Engine, func(page int) {
		deadline, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		again := time.NewTicker(time.Millisecond)
		defer again.Stop()
		for { // the row comes to say it, sooner or later
			got := see().Progress
			if got == (gateway.Progress{Part: "2", Page: page, Pages: 12}) {
				return
			}
			select {
			case <-again.C:
			case <-deadline.Done():
				panic(fmt.Sprintf("page %d: the row says %+v", page, got))
			}
		}
	}}
	w.step()
	if got := see(); got.State != gateway.Settled || got.Progress != (gateway.Progress{}) {
		t.Errorf("settled: %+v", got)
	}
}
