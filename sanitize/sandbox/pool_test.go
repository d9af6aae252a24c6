package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// eventually waits until ok holds; what it waits for is done by the kernel or
// a keeper and has no other signal.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(15 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s did not happen", what)
		}
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// children counts processes, zombies too, whose parent is this one.
func children(t *testing.T) int {
	t.Helper()
	return len(childrenOf(t))
}

// childrenOf names the processes, zombies too, whose parent is this one.
func childrenOf(t *testing.T) []string {
	t.Helper()
	var pids []string
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		list, err := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		pids = append(pids, strings.Fields(string(list))...)
	}
	return pids
}

// TestNothingLeaks runs 300 workers, some of which die badly, and then counts.
func TestNothingLeaks(t *testing.T) {
	first := newTestPool(t, nil) // makes the runtime's own descriptors
	first.Close()
	files, routines, kids := openFiles(t), runtime.NumGoroutine(), children(t)

	p := newTestPool(t, func(c *Config) { c.Ahead = map[string]int{"plain": 3}; c.MaxRunning = 4 })
	commands := []string{"pid\nexit 1", "panic", "exit 0", "socket", "answer 3000000", "close 1\nexit 0"}
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 75 {
				w, err := p.Get(t.Context(), "plain")
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(w, commands[(worker+i)%len(commands)]+"\n") // some of them must fail,
				_, _ = io.Copy(io.Discard, onlyReader{w})                         // in one or the other
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	p.Close()
	if got := p.Stats(); got.Idle != 0 || got.Busy != 0 || got.Started < 300 {
		t.Errorf("stats after close: %+v", got)
	}
	if n := children(t); n != kids {
		t.Errorf("%d children before, %d after", kids, n)
	}
	eventually(t, "the return to the old number of goroutines and files", func() bool {
		return runtime.NumGoroutine() <= routines && openFiles(t) <= files
	})
}

func TestStartedAhead(t *testing.T) {
	p := newTestPool(t, func(c *Config) { c.Ahead = map[string]int{"plain": 2} })
	full := func() bool { return p.Stats().Idle == 2 }
	eventually(t, "two workers started ahead", full)
	started := p.Stats().Started
	seen := map[int]bool{}
	for range 5 {
		w := get(t, p, "plain")
		if pid := w.proc.Pid; seen[pid] {
			t.Fatalf("worker %d was handed out twice", pid)
		} else {
			seen[pid] = true
		}
		if _, err := tell(w, "pid"); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the replacement", full)
	}
	if n := p.Stats().Started - started; n != 5 {
		t.Fatalf("%d workers were started for 5 that were used", n)
	}
}

// TestIdleDeath kills a waiting worker: it is replaced, and Get never sees it.
func TestIdleDeath(t *testing.T) {
	p := newTestPool(t, func(c *Config) { c.Ahead = map[string]int{"plain": 1} })
	eventually(t, "the first worker", func() bool { return p.Stats().Idle == 1 })
	started := p.Stats().Started
	p.mu.Lock()
	victim := p.shelf["plain"].ready[0]
	p.mu.Unlock()
	if err := syscall.Kill(victim.proc.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the replacement", func() bool { s := p.Stats(); return s.Started == started+1 && s.Idle == 1 })
	w := get(t, p, "plain")
	if w == victim {
		t.Fatal("a dead worker was handed out")
	}
	if _, err := tell(w, "pid"); err != nil {
		t.Fatal(err)
	}
}

// TestBackOff has a class that cannot load: the pauses between starts double.
func TestBackOff(t *testing.T) {
	for _, class := range []string{"broken", "panics"} {
		t.Run(class, func(t *testing.T) {
			cfg := testConfig()
			cfg.Ahead = map[string]int{class: 4}
			p, err := newPool(cfg)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(p.Close)
			pauses := make(chan time.Duration)
			p.after = func(d time.Duration) <-chan time.Time {
				now := make(chan time.Time, 1)
				select {
				case pauses <- d:
					now <- time.Time{}
				case <-p.ctx.Done():
				}
				return now
			}
			if err := p.learn(t.Context(), shapes(os.Geteuid())); err != nil {
				t.Fatal(err)
			}
			p.run()
			for want := minPause; want <= 8*minPause; want *= 2 {
				if got := <-pauses; got != want {
					t.Fatalf("pause %v; want %v", got, want)
				}
			}
		})
	}
}

func TestPause(t *testing.T) {
	for fails, want := range map[int]time.Duration{0: 0, 1: minPause, 2: 2 * minPause, 9: 256 * minPause, 10: 25600 * time.Millisecond, 11: maxPause, 1 << 40: maxPause} {
		if got := pause(fails); got != want {
			t.Errorf("pause(%d) = %v; want %v", fails, got, want)
		}
	}
}

func TestDiesWhenItServes(t *testing.T) {
	p := newTestPool(t, nil)
	w := get(t, p, "dying")
	_, err := io.ReadAll(w)
	want(t, w, err, Crash)
	if got := p.Stats().Deaths(); !maps.Equal(got, map[string]uint64{"time": 0, "memory": 0, "output": 0, "crash": 1}) {
		t.Errorf("deaths %v", got)
	}
}

// TestMaxRunning waits for a free place and honours the caller's context.
func TestMaxRunning(t *testing.T) {
	p := newTestPool(t, func(c *Config) { c.MaxRunning = 1 })
	w := get(t, p, "plain")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.Get(ctx, "plain"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a second worker: %v", err)
	}
	got := make(chan error)
	go func() {
		second, err := p.Get(t.Context(), "plain")
		if err == nil {
			err = second.Close()
		}
		got <- err
	}()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Fatalf("after the first was closed: %v", err)
	}
}

// TestClosedPool kills what is handed out and gives nothing more.
func TestClosedPool(t *testing.T) {
	p := newTestPool(t, nil)
	w := get(t, p, "plain")
	p.Close()
	_, err := w.Read(make([]byte, 1))
	want(t, w, err, Closed)
	if _, err := p.Get(t.Context(), "plain"); !errors.Is(err, ErrClosed) {
		t.Fatalf("get after close: %v", err)
	}
	p.Close()
}

// TestStarterDies kills the starter process: a worker that lives is not
// touched, and a new starter starts the next ones behind the same walls.
func TestStarterDies(t *testing.T) {
	p := newTestPool(t, nil)
	w := get(t, p, "plain")
	for _, pid := range childrenOf(t) {
		name, err := os.ReadFile(fmt.Sprintf("/proc/%s/cmdline", pid))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(name, []byte(starterName+"\x00")) {
			continue
		}
		if err := syscall.Kill(number(pid), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Get(t.Context(), "plain"); err == nil {
		t.Fatal("a dead starter has started a worker")
	}
	again := get(t, p, "plain")
	for _, w := range []*Worker{w, again} {
		if _, err := tell(w, "pid"); err != nil {
			t.Error(err)
		}
		if w.walls != p.Walls() {
			t.Errorf("walls %+v", w.walls)
		}
	}
}

func TestStartFailures(t *testing.T) {
	p := newTestPool(t, func(c *Config) { c.ReadyTimeout = 3 * time.Second })
	for class, words := range map[string]string{
		"broken": "no engine", "panics": "no engine", "hangs": "not ready in time", "unknown": "is not known",
	} {
		_, err := p.Get(t.Context(), class)
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v; want %q", class, err, words)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Get(ctx, "plain"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	eventually(t, "the end of the failures", func() bool { return children(t) == 1 }) // the starter
}

func TestConfigIsChecked(t *testing.T) {
	good := probeLimits()
	load := func() (Serve, error) { return obey, nil }
	limits := func(change func(*Limits)) Config {
		l := good
		change(&l)
		return Config{Classes: map[string]Class{"x": {Load: load, Limits: l}}}
	}
	for name, cfg := range map[string]Config{
		"no memory":     limits(func(l *Limits) { l.Memory = 0 }),
		"little memory": limits(func(l *Limits) { l.Memory = minMemory - 1 }),
		"no CPU":        limits(func(l *Limits) { l.CPU = 0 }),
		"no wall":       limits(func(l *Limits) { l.Wall = -1 }),
		"no output":     limits(func(l *Limits) { l.Output = 0 }),
		"no files":      limits(func(l *Limits) { l.Files = -1 }),
		"reserved":      {Classes: map[string]Class{probeClass: {Load: load, Limits: good}}},
		"empty name":    {Classes: map[string]Class{"": {Load: load, Limits: good}}},
		"ahead unknown": {Ahead: map[string]int{"x": 1}},
		"no such file":  {Exe: "/nonexistent/sekisho"},
		"not a worker":  {Exe: "/bin/true"},
	} {
		t.Run(name, func(t *testing.T) {
			if p, err := NewPool(cfg); err == nil {
				p.Close()
				t.Fatal("accepted")
			}
		})
	}
}

// TestSlack: what the starter says about sleeps holds in its workers.
func TestSlack(t *testing.T) {
	answer, err := tell(get(t, newTestPool(t, nil), "slack"), "")
	if err != nil || answer != "10000000 <nil>" {
		t.Errorf("%q, %v", answer, err)
	}
}

// TestNothingInherited opens a descriptor without close-on-exec in the parent.
func TestNothingInherited(t *testing.T) {
	fd, err := syscall.Open("/etc/passwd", syscall.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	p := newTestPool(t, nil)
	w := get(t, p, "inherit")
	line, err := tell(w, "")
	if err != nil {
		t.Fatal(err)
	}
	// Anonymous files, the runtime's own, are of no kind at all.
	if !regexp.MustCompile(`^0=10000 1=10000 2=10000( \d+=0)*$`).MatchString(line) {
		t.Fatalf("the worker has descriptors besides its three pipes: %s", line)
	}
}

// TestTwoPools work side by side.
func TestTwoPools(t *testing.T) {
	a, b := newTestPool(t, nil), newTestPool(t, nil)
	wa, wb := get(t, a, "plain"), get(t, b, "plain")
	a.Close()
	if _, err := tell(wb, "pid"); err != nil {
		t.Fatal(err)
	}
	if wa.Exit() != Closed {
		t.Fatalf("exit %s; want closed", wa.Exit())
	}
}
