package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sekisho/gateway"
)

// batch runs closures as one batch, in the stead of the idle writer, and
// returns their results.
func batch(l *Ledger, closures ...func(*tx) error) []error {
	requests := make([]*request, len(closures))
	for i, f := range closures {
		requests[i] = &request{f: f, done: make(chan struct{})}
	}
	answer(requests, l.w.run(requests))
	results := make([]error, len(closures))
	for i, r := range requests {
		<-r.done
		results[i] = r.err
	}
	return results
}

func TestBatch(t *testing.T) {
	boom := errors.New("boom")
	note := func(n int) func(*tx) error {
		return func(x *tx) error { return x.Accept(mail(n), record(t)) }
	}
	failing := func(n int) func(*tx) error {
		return func(x *tx) error { return errors.Join(x.Accept(mail(n), record(t)), boom) }
	}
	sql := func(script string) func(*tx) error {
		return func(x *tx) error { return x.conn.run(x.ctx, script) }
	}
	cases := []struct {
		name     string
		closures []func(*tx) error
		fail     string // which of them fail
		kept     string // which of their messages are kept
	}{
		{"all well", []func(*tx) error{note(1), note(2), note(3)}, "...", "123"},
		{"one fails alone", []func(*tx) error{note(1), failing(2), note(3)}, ".x.", "1.3"},
		{"all fail", []func(*tx) error{failing(1), failing(2)}, "xx", ".."},
		{"the transaction ends in the middle", []func(*tx) error{note(1), sql("ROLLBACK"), note(3)}, "xxx", "..."},
		{"the closure commits by itself", []func(*tx) error{note(1), failing(2), sql("COMMIT"), note(4)}, "xxxx", "1..."},
		{"the commit fails", []func(*tx) error{note(1), sql(`PRAGMA defer_foreign_keys = 1;
			INSERT INTO items SELECT 9, 'i', 'no', NULL, '', '', '', '', '', '', '', zeroblob(32), 0, 'held', 0, 0, 0, ''`), note(3)}, "xxx", "..."},
		{"the commit fails for the failed too", []func(*tx) error{failing(1), sql(`PRAGMA defer_foreign_keys = 1;
			INSERT INTO items SELECT 9, 'i', 'no', NULL, '', '', '', '', '', '', '', zeroblob(32), 0, 'held', 0, 0, 0, ''`)}, "xx", ".."},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := openTest(t)
			for i, err := range batch(l, c.closures...) {
				if (err != nil) != (c.fail[i] == 'x') {
					t.Errorf("closure %d: %v", i+1, err)
				}
			}
			for i := range c.closures {
				_, err := l.Message(t.Context(), mail(i+1).ID)
				if kept := err == nil; kept != (c.kept[i] != '.') {
					t.Errorf("message %d: %v", i+1, err)
				}
			}
			accept(t, l, 99) // the ledger goes on
			consistent(t, l)
		})
	}
}

// TestBatchRuns counts how often closures run: once, unless one of them failed
// and left changes.
func TestBatchRuns(t *testing.T) {
	for _, c := range []struct {
		name string
		fail func(*tx) error
		runs int
	}{
		{"a claim that finds nothing", func(x *tx) error {
			_, err := x.ClaimDelivery("d", begin, begin)
			return err
		}, 1},
		{"a change undone", func(x *tx) error { return errors.Join(x.Accept(mail(7), record(t)), errors.New("boom")) }, 2},
		{"a statement that fails", func(x *tx) error { _, err := x.exec("INSERT INTO receipts VALUES ('no', 1)"); return err }, 2},
	} {
		l := openTest(t)
		runs := 0
		results := batch(l, func(x *tx) error { runs++; return x.Accept(mail(1), record(t)) }, c.fail,
			func(x *tx) error { return x.Accept(mail(2), record(t)) })
		if results[0] != nil || results[1] == nil || results[2] != nil || runs != c.runs {
			t.Errorf("%s: %v, the first ran %d times", c.name, results, runs)
		}
		if _, err := l.Message(t.Context(), mail(7).ID); !errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("%s: what failed is there: %v", c.name, err)
		}
		consistent(t, l)
	}
}

// TestFull lets the file grow no more.
func TestFull(t *testing.T) {
	l := openTest(t)
	accept(t, l, 1)
	limit := func(pages string) {
		t.Helper()
		if err := l.w.do(t.Context(), func(x *tx) error { return x.conn.run(x.ctx, "PRAGMA max_page_count = "+pages) }); err != nil {
			t.Fatal(err)
		}
	}
	limit("1") // SQLite makes it the present number
	failed := 0
	for n := 2; n < 200; n++ {
		m := mail(n)
		m.Subject = strings.Repeat("x", 3000)
		err := l.Do(t.Context(), func(tx gateway.Tx) error { return tx.Accept(m, record(t)) })
		if err == nil {
			continue
		}
		if !errors.Is(err, gateway.ErrFull) {
			t.Fatalf("message %d: %v", n, err)
		}
		if _, err := l.Message(t.Context(), m.ID); !errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("message %d did not fit, yet: %v", n, err)
		}
		failed = n
		break
	}
	if failed == 0 {
		t.Fatal("the limit was never met")
	}
	consistent(t, l)
	limit("1000000") // room was made
	accept(t, l, failed)
	consistent(t, l)
}

// TestGroups checks that closures that wait share a commit: while the first
// is under way the others gather, and then none of them sees another's change
// committed.
func TestGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openTest(t)
		begun, goOn := make(chan struct{}), make(chan struct{})
		go l.Do(t.Context(), func(gateway.Tx) error { close(begun); <-goOn; return nil })
		<-begun
		committed := make(chan int, maxBatch+5)
		for i := range cap(committed) {
			go func() {
				err := l.Do(t.Context(), func(tx gateway.Tx) error {
					c, err := l.Counts(context.Background()) // what a reader sees meanwhile
					committed <- c.Accepted
					return errors.Join(err, tx.Accept(mail(i), record(t)))
				})
				if err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait() // all of them wait
		close(goOn)
		synctest.Wait() // all of them are done
		seen := map[int]int{}
		for range cap(committed) {
			seen[<-committed]++
		}
		if len(seen) != 2 || seen[0] != maxBatch || seen[maxBatch] != 5 {
			t.Errorf("commits after which closures ran: %v", seen)
		}
		consistent(t, l)
	})
}

// TestTwoHandles lets two handles, as two processes would, claim the same
// messages: each is claimed once.
func TestTwoHandles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ledger.db")
	handles := []*Ledger{openAt(t, file), openAt(t, file)}
	const n = 30
	for i := range n {
		accept(t, handles[i%2], i)
	}
	var mu sync.Mutex
	claimed := map[gateway.ID]int{}
	var wg sync.WaitGroup
	for _, l := range handles {
		for w := range 2 {
			wg.Go(func() {
				for {
					err := l.Do(t.Context(), func(tx gateway.Tx) error {
						m, err := tx.ClaimMessage(fmt.Sprint("flow ", w), begin, begin.Add(time.Minute))
						if err == nil {
							mu.Lock()
							claimed[m.ID]++
							mu.Unlock()
						}
						return err
					})
					if errors.Is(err, gateway.ErrNotFound) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	wg.Wait()
	if len(claimed) != n {
		t.Errorf("%d of %d claimed", len(claimed), n)
	}
	for id, times := range claimed {
		if times != 1 {
			t.Errorf("%s claimed %d times", id, times)
		}
	}
	consistent(t, handles[0])
}

// TestCrash copies the files of a ledger that is in use, as a killed process
// leaves them, and then cuts the write-ahead log as a power loss may. What was
// answered is there, whole or, once the log is cut, up to some commit.
func TestCrash(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "ledger.db")
	l := openAt(t, file)
	const n = 8
	for i := range n {
		accept(t, l, i)
		if i%3 == 2 {
			settled(t, l)
		}
	}
	db, wal := read(t, file), read(t, file+"-wal")
	if len(wal) < 10000 {
		t.Fatalf("the log has %d bytes", len(wal))
	}
	image := func(name string, wal []byte) int {
		t.Helper()
		copied := filepath.Join(dir, name)
		for suffix, b := range map[string][]byte{"": db, "-wal": wal} {
			if err := os.WriteFile(copied+suffix, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		l := openAt(t, copied)
		consistent(t, l)
		found := 0
		for i := range n {
			switch _, err := l.Message(t.Context(), mail(i).ID); {
			case err == nil && found == i:
				found++
			case err == nil:
				t.Errorf("%s: message %d is there, one before it is not", name, i)
			case !errors.Is(err, gateway.ErrNotFound):
				t.Errorf("%s: %v", name, err)
			}
		}
		accept(t, l, 1000)
		return found
	}
	if got := image("killed", wal); got != n {
		t.Errorf("%d of %d messages after a kill", got, n)
	}
	last := 0
	for i := range 12 {
		got := image(fmt.Sprint("cut", i), wal[:len(wal)*i/12])
		if got < last {
			t.Errorf("a longer log has fewer messages: %d, %d before", got, last)
		}
		last = got
	}
	torn := append([]byte(nil), wal...)
	for i := len(torn) / 2; i < len(torn)/2+512; i++ {
		torn[i] ^= 0x55 // a sector that was not written
	}
	image("torn", torn)
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
