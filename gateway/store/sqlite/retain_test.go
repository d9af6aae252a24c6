package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
)

// place gives all rows their numbers, from first on, as the sequencer does.
func place(t testing.TB, l *Ledger, first int64) {
	t.Helper()
	rows, err := l.Pending(t.Context(), 1<<40, 10000)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		rows[i].Seq = first + int64(i)
	}
	if err := l.MarkSequenced(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
}

// numbers returns which numbers the rows have.
func numbers(t testing.TB, l *Ledger) []int64 {
	t.Helper()
	rows, err := l.Pending(t.Context(), -1, 10000)
	if err != nil {
		t.Fatal(err)
	}
	var list []int64
	for _, r := range rows {
		list = append(list, r.Seq)
	}
	return list
}

// Rows of closed months leave the ledger; those with texts stay until these are
// erased, and what has no place in the log stays always.
func TestForgetRows(t *testing.T) {
	l := openTest(t)
	named := mail(3)
	s := gateway.Scribe{Clock: func() time.Time { return begin }, Version: "test"}
	for n := 1; n <= 6; n++ {
		m, r := mail(n), record(t)
		if n == 3 {
			m = named
			if err := s.Commit(&r, "件名", "名前.xlsx"); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Do(t.Context(), func(tx gateway.Tx) error { return tx.Accept(m, r) }); err != nil {
			t.Fatal(err)
		}
		if n == 5 {
			place(t, l, 10)
		}
	}
	at := begin.Add(48 * time.Hour)
	if n, err := l.ForgetRows(t.Context(), 14, at); err != nil || n != 3 {
		t.Errorf("%d rows gone: %v", n, err)
	}
	if got := numbers(t, l); !slices.Equal(got, []int64{12, 14, -1}) {
		t.Errorf("rows %v", got)
	}
	consistent(t, l)
	for before, want := range map[int64]int64{13: 14, 14: 14} { // not twice, and not back
		if n, err := l.ForgetRows(t.Context(), before, at); err != nil || n != 0 {
			t.Errorf("%d: %d rows gone: %v", before, n, err)
		}
		if since, err := l.RowsSince(t.Context()); err != nil || since != want {
			t.Errorf("rows since %d: %v", since, err)
		}
	}
	place(t, l, 20)
	if err := l.Do(t.Context(), func(tx gateway.Tx) error { return tx.Erase(named.ID, record(t)) }); err != nil {
		t.Fatal(err)
	}
	if n, err := l.ForgetRows(t.Context(), 15, at); err != nil || n != 2 {
		t.Errorf("after the erasure %d rows gone: %v", n, err)
	}
	if got := numbers(t, l); !slices.Equal(got, []int64{20, -1}) {
		t.Errorf("rows %v", got)
	}
	consistent(t, l)
}

// Old texts are found, oldest first, and not those of mail that is still at work;
// an erasure leaves no word of the sender's.
func TestOldTexts(t *testing.T) {
	l := openTest(t)
	accept(t, l, 1)
	ready, _ := settled(t, l)
	scribe := func(n int) gateway.Scribe {
		return gateway.Scribe{Clock: func() time.Time { return begin.Add(time.Duration(n) * time.Hour) }, Version: "test"}
	}
	note := func(id gateway.ID, n int) string {
		t.Helper()
		r, err := scribe(n).System("message.sanitized", audit.Success, nil)
		if err == nil {
			err = scribe(n).Commit(&r, fmt.Sprint("件名", n), fmt.Sprint("名前", n))
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := l.w.do(t.Context(), func(x *tx) error {
			return x.change("note", func() error { return x.record(string(id), []gateway.Record{r}) })
		}); err != nil {
			t.Fatal(err)
		}
		return r.Event.Commit.Subject
	}
	done := []gateway.Message{}
	for n := 100; n < 103; n++ {
		accept(t, l, n)
		m := mail(n)
		done = append(done, m)
		note(m.ID, n)
	}
	note(ready.Message, 200)
	find := func(hours, n int) []gateway.ID {
		t.Helper()
		list, _, err := l.TextsBefore(t.Context(), begin.Add(time.Duration(hours)*time.Hour), 0, n)
		if err != nil {
			t.Fatal(err)
		}
		var ids []gateway.ID
		for _, m := range list {
			ids = append(ids, m.ID)
		}
		return ids
	}
	if got := find(1000, 9); len(got) != 0 {
		t.Errorf("texts of mail at work: %v", got)
	}
	sabotage(t, l, `UPDATE messages SET state = 'settled', subject = 'S', header_from = 'F', blob = 'x' WHERE state <> 'settled'`)
	for _, c := range []struct {
		hours, n int
		want     []gateway.ID
	}{
		{1000, 9, []gateway.ID{done[0].ID, done[1].ID, done[2].ID}}, {1000, 2, []gateway.ID{done[0].ID, done[1].ID}},
		{102, 9, []gateway.ID{done[0].ID, done[1].ID}}, {50, 9, nil},
	} {
		if got := find(c.hours, c.n); !slices.Equal(got, c.want) {
			t.Errorf("before %d hours, at most %d: %v", c.hours, c.n, got)
		}
	}
	first, next, err := l.TextsBefore(t.Context(), begin.Add(1000*time.Hour), 0, 1)
	if err != nil || len(first) != 1 || next == 0 {
		t.Fatalf("%v, go on from %d, %v", first, next, err)
	}
	rest, next, err := l.TextsBefore(t.Context(), begin.Add(1000*time.Hour), next, 9)
	if err != nil || len(rest) != 2 || rest[0].ID != done[1].ID || next != 0 {
		t.Errorf("the rest: %v, go on from %d, %v", rest, next, err)
	}
	digest := note(done[1].ID, 300)
	if has, err := l.HasTexts(t.Context(), done[1].ID); err != nil || !has {
		t.Errorf("texts: %v %v", has, err)
	}
	if err := l.Do(t.Context(), func(tx gateway.Tx) error { return tx.Erase(done[1].ID, record(t)) }); err != nil {
		t.Fatal(err)
	}
	if has, err := l.HasTexts(t.Context(), done[1].ID); err != nil || has {
		t.Errorf("texts after the erasure: %v %v", has, err)
	}
	if m, err := l.Message(t.Context(), done[1].ID); err != nil || m.Subject != "" {
		t.Errorf("words after the erasure: %q %v", m.Subject, err)
	}
	if _, err := l.Opening(t.Context(), digest); !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("opening after the erasure: %v", err)
	}
	if has, err := l.HasTexts(t.Context(), done[2].ID); err != nil || !has {
		t.Errorf("texts of another message: %v %v", has, err)
	}
}

// BenchmarkForgetBesideIntake measures what a purge of a million rows costs those
// who accept mail meanwhile: the times of an Accept before and during it.
func BenchmarkForgetBesideIntake(b *testing.B) {
	l := openTest(b)
	large(b, l, 1_000_000)
	n := 2_000_000
	one := func() time.Duration {
		n++
		at := time.Now()
		accept(b, l, n)
		return time.Since(at)
	}
	p95 := func(took []time.Duration) float64 {
		slices.Sort(took)
		return float64(took[len(took)*95/100].Microseconds()) / 1000
	}
	var before, during []time.Duration
	for range 300 {
		before = append(before, one())
	}
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	var purge sync.WaitGroup
	var gone int64
	purge.Go(func() {
		var err error
		if gone, err = l.ForgetRows(ctx, 900_000, begin); err != nil {
			b.Error(err)
		}
		stop()
	})
	began := time.Now()
	for ctx.Err() == nil {
		during = append(during, one())
	}
	purge.Wait()
	rate := float64(gone) / time.Since(began).Seconds()
	for b.Loop() {
		one()
	}
	b.ReportMetric(p95(before), "quiet-p95-ms")
	b.ReportMetric(p95(during), "purge-p95-ms")
	b.ReportMetric(float64(during[len(during)-1].Microseconds())/1000, "purge-max-ms")
	b.ReportMetric(rate, "rows/s")
}
