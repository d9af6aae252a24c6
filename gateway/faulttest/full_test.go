package faulttest

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
)

// TestDiskTakesNothing lets the disk be full, read-only or broken for a while:
// the sender is told to come again, what was promised waits, and when there is
// room all goes on by itself, without a restart.
// spec: g3 g6
func TestDiskTakesNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		answer string
	}{
		{"full", syscall.ENOSPC, "452 4.3.1"},
		{"over quota", syscall.EDQUOT, "452 4.3.1"},
		{"read-only", syscall.EROFS, "451 4.3.0"},
		{"broken", syscall.EIO, "451 4.3.0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o, s, p := newOffice(t), &sink{}, &promises{}
			d := newDisk(o.clock.now)
			w, err := o.open(d, o.empty, s)
			check(t, err)
			defer w.close()
			if a := w.send(p, 1, letters[0]); !strings.HasPrefix(a, "250") {
				t.Fatalf("before: %s", a)
			}
			check(t, w.tick())
			bad := fmt.Errorf("disk: %w", c.err)
			d.mu.Lock()
			d.err, d.plan = bad, takesNothing
			d.mu.Unlock()
			for n := range letters {
				if a := w.send(p, 10+n, letters[n]); !strings.HasPrefix(a, c.answer) {
					t.Errorf("answered %s, want %s", a, c.answer)
				}
			}
			for range 3 { // in which the message in hand is tried in vain
				w.work()
				if err := w.tick(); err == nil {
					t.Error("the log says that it works")
				}
				w.clock.pass(20 * time.Minute)
			}
			if n := len(s.all()); n > 0 {
				t.Errorf("%d mails came of a disk that takes nothing", n)
			}
			d.mu.Lock()
			d.plan = nil
			d.mu.Unlock()
			if a := w.send(p, 20, letters[2]); !strings.HasPrefix(a, "250") {
				t.Errorf("after: %s", a)
			}
			w.settle()
			if faults := w.broken(p.all()); len(faults) > 0 || len(p.all()) != 2 || len(s.all()) != 2 {
				t.Errorf("promised %d, came %d:\n%s", len(p.all()), len(s.all()), strings.Join(append(faults, w.said()...), "\n"))
			}
		})
	}
}

// takesNothing fails what needs room. Reading and deleting go on, and so does
// the ledger.
func takesNothing(_ int, op string) fault {
	switch verb, _, _ := strings.Cut(op, " "); verb {
	case "mkdir", "create", "append", "link", "write", "sync", "rename":
		return without
	}
	return none
}

// TestLedgerIsFull lets only the ledger be full: what SQLite says is 452.
func TestLedgerIsFull(t *testing.T) {
	o, s, p := newOffice(t), &sink{}, &promises{}
	d := newDisk(o.clock.now)
	w, err := o.open(d, o.empty, s)
	check(t, err)
	defer w.close()
	d.err = fmt.Errorf("ledger: %w", gateway.ErrFull)
	var full atomic.Bool
	full.Store(true)
	d.plan = func(_ int, op string) fault {
		if full.Load() && op == "ledger" {
			return without
		}
		return none
	}
	if a := w.send(p, 1, letters[0]); !strings.HasPrefix(a, "452 4.3.1") {
		t.Errorf("answered %s", a)
	}
	full.Store(false)
	if a := w.send(p, 1, letters[0]); !strings.HasPrefix(a, "250") {
		t.Errorf("after: %s", a)
	}
	w.settle()
	if faults := w.broken(p.all()); len(faults) > 0 {
		t.Error(strings.Join(faults, "\n"))
	}
}

// TestLogIsFull lets the log's disk be full and nothing else: the log says why
// it stopped, from its ballast; the sequencer says so to intake, which answers
// 451; and all goes on once there is room.
// spec: g6
func TestLogIsFull(t *testing.T) {
	o, s, p := newOffice(t), &sink{}, &promises{}
	d := newDisk(o.clock.now)
	w, err := o.open(d, o.empty, s)
	check(t, err)
	defer w.close()
	q := w.sequencer()
	q.Poll = time.Millisecond
	w.pressure = func(context.Context) error { return q.Healthy() }
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	eventually(t, "a healthy log", func() bool { return q.Healthy() == nil })
	if a := w.send(p, 1, letters[0]); !strings.HasPrefix(a, "250") {
		t.Fatalf("before: %s", a)
	}
	eventually(t, "the record in the log", func() bool { c, err := w.real.Counts(ctx); return err == nil && c.AuditPending == 0 })
	d.limit("audit") // the ballast is all the room that there is
	promised := 3
	switch a := w.send(p, 2, letters[0]); {
	case strings.HasPrefix(a, "250"): // its record may wait for a while
	case strings.HasPrefix(a, "451 4.3.2"): // the log had something else to write, and said so before
		promised = 2
	default:
		t.Fatalf("answered %s", a)
	}
	eventually(t, "the log to say that it is full", func() bool { return q.Healthy() != nil })
	if a := w.send(p, 3, letters[0]); !strings.HasPrefix(a, "451 4.3.2") {
		t.Errorf("answered %s with a full log", a)
	}
	if why := w.lastWords(); why != "disk_full" {
		t.Errorf("the last record says %q", why)
	}
	d.limit("")
	eventually(t, "the log to go on", func() bool { return q.Healthy() == nil })
	if a := w.send(p, 3, letters[0]); !strings.HasPrefix(a, "250") {
		t.Errorf("after: %s", a)
	}
	stop()
	check(t, <-ended)
	w.settle()
	if faults := w.broken(p.all()); len(faults) > 0 || len(p.all()) != promised {
		t.Errorf("promised %d: %s", len(p.all()), strings.Join(faults, "\n"))
	}
}

// lastWords returns why the log stopped, in its last record of that kind.
func (w *world) lastWords() string {
	why := ""
	err := audit.Select(w.t.Context(), w.trail, audit.Filter{}, func(_ []byte, e audit.Event) error {
		if e.Decision.ReasonCode != "" {
			why = e.Decision.ReasonCode
		}
		return nil
	})
	check(w.t, err)
	return why
}

// limit lets the files below a directory grow no more in sum; "" for no limit.
func (d *disk) limit(root string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = root
	d.room = d.used(root)
}

// used are the bytes of the files below a directory. d.mu is held.
func (d *disk) used(root string) int {
	sum := 0
	for p, n := range d.now {
		if strings.HasPrefix(p, root+"/") {
			sum += len(n.data)
		}
	}
	return sum
}

// fits are how many of n bytes fit into a file. d.mu is held.
func (d *disk) fits(p string, n int) int {
	if d.full == "" || !strings.HasPrefix(p, d.full+"/") {
		return n
	}
	return min(n, max(0, d.room-d.used(d.full)))
}

// eventually waits for what another goroutine does.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	end := time.NewTimer(time.Minute)
	defer end.Stop()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-again.C:
		case <-end.C:
			t.Fatalf("waited for %s", what)
		}
	}
}
