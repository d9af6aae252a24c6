package sqlite

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sekisho/gateway"
)

// BenchmarkAccept is one Accept with its record in each closure.
func BenchmarkAccept(b *testing.B) {
	for _, workers := range []int{1, 10, 50} {
		b.Run(fmt.Sprint(workers), func(b *testing.B) {
			l := openTest(b)
			todo := make(chan int)
			var wg sync.WaitGroup
			for range workers {
				wg.Go(func() {
					for n := range todo {
						accept(b, l, n)
					}
				})
			}
			n := 0
			for b.Loop() {
				n++
				todo <- n
			}
			close(todo)
			wg.Wait()
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "commits/s")
		})
	}
}

// BenchmarkLarge is what runs all the time, on 100,000 messages of which
// 50,000 wait.
func BenchmarkLarge(b *testing.B) {
	l := openTest(b)
	large(b, l, 100_000)
	now := begin.Add(time.Hour)
	b.Run("claim", func(b *testing.B) {
		for b.Loop() {
			err := l.Do(b.Context(), func(tx gateway.Tx) error {
				_, err := tx.ClaimMessage("flow", now, now.Add(time.Hour))
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("claim delivery", func(b *testing.B) {
		for b.Loop() {
			err := l.Do(b.Context(), func(tx gateway.Tx) error {
				_, err := tx.ClaimDelivery("deliver", now, now.Add(time.Hour))
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("counts", func(b *testing.B) {
		for b.Loop() {
			if _, err := l.Counts(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("pending", func(b *testing.B) {
		for b.Loop() {
			if rows, err := l.Pending(b.Context(), 1<<40, 256); err != nil || len(rows) != 0 {
				b.Fatal(len(rows), err)
			}
		}
	})
	b.Run("purgeable", func(b *testing.B) {
		for b.Loop() {
			if ms, err := l.Purgeable(b.Context(), now, 200); err != nil || len(ms) != 200 {
				b.Fatal(len(ms), err)
			}
		}
	})
	b.Run("deliveries", func(b *testing.B) {
		for b.Loop() {
			ds, err := l.Deliveries(b.Context(), gateway.DeliveryQuery{States: []gateway.DeliveryState{gateway.Ready, gateway.Relayed}, Limit: 50})
			if err != nil || len(ds) != 50 {
				b.Fatal(len(ds), err)
			}
		}
	})
}

// large fills a ledger: half of n messages wait, a quarter have a delivery that
// waits, a quarter one that was relayed.
func large(b *testing.B, l *Ledger, n int) {
	b.Helper()
	count := fmt.Sprintf(`WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %d) `, n)
	for _, script := range []string{
		`INSERT INTO messages SELECT i, printf('%032x', i * 7919), 'M-' || i, 'a@example.com', '["b@town.example"]', '', '', 0, 0, i, 1000,
			zeroblob(32), 'o' || i, '', '', iif(i % 2, 'accepted', 'settled'), '', 0, 0, 0, 0, 0, 0, i FROM c`,
		`INSERT INTO deliveries SELECT i, printf('%032x', i * 7907), printf('%032x', i * 7919), '', 'mail', NULL, '', '', iif(i % 4, 'ready', 'relayed'), '', '',
			0, 's' || i, 10, zeroblob(32), NULL, i, 0, 0, 0, '', 0, 0, 0, i FROM c WHERE i % 2 = 0`,
		`INSERT INTO delivery_recipients SELECT printf('%032x', i * 7907), 0, 'b@town.example', iif(i % 4, 'pending', 'taken'), 0, '', 0 FROM c WHERE i % 2 = 0`,
		`INSERT INTO audit_rows SELECT i, printf('%032x', i), i, 'message.received', NULL, '{}', i FROM c`,
	} {
		err := l.w.do(b.Context(), func(x *tx) error {
			return x.conn.run(x.ctx, strings.Replace(script, " SELECT ", " "+count+"SELECT ", 1))
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPages is what people look at in a ledger of a million mails to 300
// people: at most 300 ms at the 95th percentile is the aim.
func BenchmarkPages(b *testing.B) {
	l := openTest(b)
	ctx := b.Context()
	err := l.w.do(ctx, func(t *tx) error {
		_, err := t.exec(`WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < 1000000)
			INSERT INTO messages (id, receipt, reverse_path, forward_paths, client, helo, tls, utf8, received_at, size, sum, blob, subject, header_from, state, due_at, queue_at)
			SELECT printf('%032x', i), printf('M-%d', i), 's@example.com', json_array(printf('u%d@town.example', (i * 7919) % 300)), '', '', 0, 0, i * 1000000000,
				10, zeroblob(32), printf('b%d', i), '', '', 'accepted', 0, 0 FROM k`)
		t.noted = true
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	dept := make([]string, 30)
	for i := range dept {
		dept[i] = fmt.Sprintf("u%d@town.example", i)
	}
	for name, q := range map[string]gateway.PageQuery{
		"own":            {Addresses: dept[:1]},
		"own, far back":  {Addresses: dept[:1], Behind: 5000},
		"department":     {Addresses: dept},
		"all":            {All: true},
		"receipt number": {All: true, Receipt: "M-4711"},
		"nothing found":  {All: true, State: "settled"},
	} {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				if _, _, err := l.MessagePage(ctx, q); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
		})
	}
}
