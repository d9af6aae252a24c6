package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestJudge(t *testing.T) {
	l := Limits{Memory: 100 << 20, CPU: time.Second}
	for _, test := range []struct {
		name string
		end  ending
		want Cause
	}{
		{"served", ending{code: exitServed}, OK},
		{"served, closed too late", ending{ours: Closed, code: exitServed}, OK},
		{"exit 0", ending{}, Crash},
		{"exit 2", ending{code: 2}, Crash},
		{"exit 2 with the runtime's words", ending{code: 2, noRoom: true}, Memory},
		{"served with the runtime's words", ending{code: exitServed, noRoom: true}, OK},
		{"refused", ending{code: exitRefused}, Crash},
		{"serve failed", ending{code: exitServe}, Crash},
		{"closed", ending{ours: Closed, code: -1, signal: syscall.SIGKILL}, Closed},
		{"crashed, then closed", ending{ours: Closed, code: -1, signal: syscall.SIGSEGV}, Crash},
		{"panicked, then closed", ending{ours: Closed, code: 2}, Crash},
		{"time", ending{ours: Time, code: -1, signal: syscall.SIGKILL}, Time},
		{"time, while it ended well", ending{ours: Time, code: exitServed}, Time},
		{"output, while it ended well", ending{ours: Output, code: exitServed}, Output},
		{"memory, while it ended well", ending{ours: Memory, code: exitServed}, Memory},
		{"cpu signal", ending{code: -1, signal: syscall.SIGXCPU}, Time},
		{"killed after its cpu time", ending{code: -1, signal: syscall.SIGKILL, cpu: time.Second}, Time},
		{"killed by the kernel when large", ending{code: -1, signal: syscall.SIGKILL, maxRSS: 60 << 20}, Memory},
		{"killed by somebody", ending{code: -1, signal: syscall.SIGKILL}, Crash},
		{"forbidden call", ending{code: -1, signal: syscall.SIGSYS}, Crash},
	} {
		if got := test.end.judge(l); got != test.want {
			t.Errorf("%s: %s; want %s", test.name, got, test.want)
		}
	}
}

// TestJudgeOnlyServedIsOK: nothing but the one exit status is a success.
func TestJudgeOnlyServedIsOK(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := ending{
			ours: Cause(rapid.Uint8Range(0, uint8(Closed)).Draw(t, "ours")), code: rapid.IntRange(-1, 255).Draw(t, "code"),
			noRoom: rapid.Bool().Draw(t, "noRoom"), maxRSS: rapid.Int64Min(0).Draw(t, "rss"),
		}
		if e.code < 0 {
			e.signal = syscall.Signal(rapid.IntRange(1, 64).Draw(t, "signal"))
		}
		got := e.judge(Limits{Memory: 1 << 20, CPU: 1})
		if got == OK && e.code != exitServed || got == Running || got > Closed {
			t.Fatalf("%+v: %s", e, got)
		}
	})
}

func TestCauseNames(t *testing.T) {
	var names []string
	for c := Running; c <= Closed+1; c++ {
		names = append(names, c.String())
	}
	if diff := cmp.Diff([]string{"running", "ok", "time", "memory", "output", "crash", "closed", "unknown"}, names); diff != "" {
		t.Error(diff)
	}
}

// TestMurmur finds the runtime's words wherever the pieces are cut.
func TestMurmur(t *testing.T) {
	for _, words := range memoryWords() {
		text := slices.Concat(bytes.Repeat([]byte("x"), 100), words, bytes.Repeat([]byte("y"), 100))
		for cut := range text {
			var m murmur
			if m.add(text[:cut]) || m.add(text[cut:]) {
				t.Fatal("a few bytes are too many")
			}
			if !m.noRoom || m.total != int64(len(text)) || len(m.head) != len(text) {
				t.Fatalf("%q cut at %d: %+v", words, cut, m)
			}
		}
	}
	var m murmur
	piece := bytes.Repeat([]byte("out of memor "), 1000)
	for m.total+int64(len(piece)) <= maxStderr {
		if m.add(piece) {
			t.Fatalf("too much after %d", m.total)
		}
	}
	if !m.add(piece) || m.noRoom || len(m.head) > maxHead || len(m.tail) > 64 {
		t.Fatalf("flood: total %d, memory %t, head %d, tail %d", m.total, m.noRoom, len(m.head), len(m.tail))
	}
}

func TestOrdersRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := orders{
			class: rapid.String().Draw(t, "class"), memory: rapid.Int64Min(minMemory).Draw(t, "memory"),
			cpu: time.Duration(rapid.Int64Min(1).Draw(t, "cpu")), files: rapid.IntMin(minFiles).Draw(t, "files"),
			spaces: rapid.Bool().Draw(t, "spaces"), allowWeak: rapid.Bool().Draw(t, "weak"),
			space: footprint{rapid.Int64().Draw(t, "size"), rapid.Int64().Draw(t, "data")}, emptyRoot: rapid.Bool().Draw(t, "root"),
			dirs: rapid.SliceOfN(rapid.String(), 0, maxDirs).Draw(t, "dirs"),
		}
		f := fence{space: o.space, emptyRoot: o.emptyRoot, dirs: o.dirs}
		got, isWorker, err := readOrders(f.complete(o.args()))
		if err != nil || !isWorker || !cmp.Equal(got, o, cmp.AllowUnexported(orders{}, footprint{}), cmpopts.EquateEmpty()) {
			t.Fatalf("%+v, %t, %v; want %+v", got, isWorker, err, o)
		}
	})
}

func TestBadOrders(t *testing.T) {
	good := (&fence{}).complete(orders{class: "x", memory: minMemory, cpu: 1, files: minFiles}.args())
	for i, bad := range map[int]string{2: "1", 3: "0", 4: "-1", 5: "perhaps", 6: "", 7: "x", 8: "", 9: "2"} {
		args := slices.Clone(good)
		args[i] = bad
		if _, isWorker, err := readOrders(args); err == nil || !isWorker {
			t.Errorf("argument %d = %q: worker %t, error %v", i, bad, isWorker, err)
		}
	}
	for _, args := range [][]string{nil, {}, {"sekisho", "serve"}, {"/usr/bin/" + workerName}} {
		if _, isWorker, err := readOrders(args); isWorker || err != nil {
			t.Errorf("%q: worker %t, error %v", args, isWorker, err)
		}
	}
	if _, isWorker, err := readOrders(good[:6]); !isWorker || err == nil {
		t.Errorf("too few arguments: worker %t, error %v", isWorker, err)
	}
}

func TestReadyRoundTrip(t *testing.T) {
	for _, want := range []ready{
		{}, {Walls: Walls{Seccomp: true, Landlock: true, LandlockABI: 7}}, {Fault: "load class x: no engine", Weak: true},
	} {
		var b bytes.Buffer
		if err := want.send(&b); err != nil {
			t.Fatal(err)
		}
		b.WriteString("the answer")
		got, err := readReady(&b)
		if err != nil || got != want || b.String() != "the answer" {
			t.Errorf("%+v, %v, rest %q; want %+v", got, err, b.String(), want)
		}
	}
	var b bytes.Buffer
	if err := (ready{Fault: strings.Repeat("\x00", 1<<20)}).send(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := readReady(&b); err != nil {
		t.Errorf("a long fault: %v", err)
	}
}

// FuzzReady reads what a confused worker might send first.
func FuzzReady(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x02{}"))
	f.Add([]byte("\x00\x00\x00\x1b{\"walls\":{\"seccomp\":true}}"))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Add([]byte("PASS\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		msg, err := readReady(bytes.NewReader(data))
		if err != nil && msg != (ready{}) {
			t.Fatalf("an error and a message: %+v", msg)
		}
	})
}

func TestParseUsage(t *testing.T) {
	line := "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 5 0 999 1000000 300 18446744073709551615 1 1"
	got, err := parseUsage([]byte(line), 4096)
	want := usage{cpu: 3 * time.Second, threads: 5, rss: 300 * 4096}
	if err != nil || got != want {
		t.Fatalf("%+v, %v; want %+v", got, err, want)
	}
	for _, bad := range []string{"", "7", "7 (x)", "7 (x) S 1 2", strings.Replace(line, " 250 ", " x ", 1), strings.Replace(line, " 300 ", " -1 ", 1)} {
		if got, err := parseUsage([]byte(bad), 4096); err == nil || got != (usage{}) {
			t.Errorf("%q: %+v, %v", bad, got, err)
		}
	}
	self, err := readUsage("/proc/self/stat")
	if err != nil || self.rss < 1<<20 || self.threads < 1 {
		t.Fatalf("self: %+v, %v", self, err)
	}
	if _, err := readUsage("/proc/self/nothing"); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("no process: %v", err)
	}
}

func TestParseFootprint(t *testing.T) {
	got, err := parseFootprint([]byte("100 20 10 5 0 30 0\n"), 4096)
	if want := (footprint{size: 409600, data: 122880}); err != nil || got != want {
		t.Fatalf("%+v, %v; want %+v", got, err, want)
	}
	for _, bad := range []string{"", "1 2 3", "x 2 3 4 5 6 7", "1 2 3 4 5 x 7"} {
		if _, err := parseFootprint([]byte(bad), 4096); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

// FuzzParseUsage feeds what no kernel writes.
func FuzzParseUsage(f *testing.F) {
	f.Add([]byte("7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 5 0 999 1000000 300 0 1 1"))
	f.Add([]byte(") "))
	f.Add([]byte("1 2 3 4 5 6 7"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if u, err := parseUsage(data, 4096); err != nil && u != (usage{}) {
			t.Fatalf("an error and a value: %+v", u)
		}
		if s, err := parseFootprint(data, 4096); err != nil && s != (footprint{}) {
			t.Fatalf("an error and a value: %+v", s)
		}
	})
}

func TestBroken(t *testing.T) {
	l := Limits{Memory: 100, CPU: time.Second}
	for _, test := range []struct {
		u    usage
		base time.Duration
		want Cause
	}{
		{usage{}, 0, Running},
		{usage{rss: 100, cpu: time.Second, threads: 2 * maxThreads}, 0, Running},
		{usage{rss: 101}, 0, Memory},
		{usage{threads: 2*maxThreads + 1}, 0, Memory},
		{usage{cpu: time.Second + 1}, 0, Time},
		{usage{cpu: 2 * time.Second}, time.Second, Running},
	} {
		if got := l.broken(test.u, test.base); got != test.want {
			t.Errorf("%+v after %v: %s; want %s", test.u, test.base, got, test.want)
		}
	}
}

func TestWallsMinimum(t *testing.T) {
	all := Walls{Seccomp: true, Landlock: true, UserNS: true, NetNS: true, PidNS: true, MountNS: true, Rlimits: true, NoCaps: true}
	if missing := all.Missing(); missing != nil {
		t.Errorf("missing %v of all walls", missing)
	}
	if n := len(Walls{}.Missing()); n != 8 {
		t.Errorf("%d walls are missing where none stands", n)
	}
	for seccomp, landlock := range map[bool]bool{true: false, false: true} {
		w := all
		w.Seccomp, w.Landlock = seccomp, landlock
		if err := w.enough(false); !errors.Is(err, ErrWeak) {
			t.Errorf("seccomp %t, landlock %t: %v", seccomp, landlock, err)
		}
		if err := w.enough(true); err != nil {
			t.Errorf("with the override: %v", err)
		}
	}
	if err := (Walls{Seccomp: true, Landlock: true}).enough(false); err != nil {
		t.Errorf("the minimum: %v", err)
	}
}

func TestShapes(t *testing.T) {
	var names []string
	for _, uid := range []int{0, 1000} {
		for _, s := range shapes(uid) {
			names = append(names, s.String())
			a := s.attr(1000)
			if !a.Setsid || a.Pdeathsig != syscall.SIGKILL {
				t.Errorf("%s: %+v", s, a)
			}
			if s.spaces != (a.Cloneflags != 0) || s.spaces && a.UidMappings[0] != (syscall.SysProcIDMap{HostID: s.uid, Size: 1}) {
				t.Errorf("%s: %+v", s, a)
			}
		}
	}
	want := []string{
		"namespaces=true uid=65534", "namespaces=true uid=0", "namespaces=false uid=65534", "namespaces=false uid=0",
		"namespaces=true uid=1000", "namespaces=false uid=1000",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

func TestErrorText(t *testing.T) {
	for want, e := range map[string]*Error{
		"worker image ended: crash (signal 31)": {Class: "image", Cause: Crash, Code: -1, Signal: syscall.SIGSYS},
		"worker image ended: memory (exit 2)":   {Class: "image", Cause: Memory, Code: 2},
	} {
		if got := fmt.Errorf("part 3: %w", e).Error(); got != "part 3: "+want {
			t.Errorf("%q", got)
		}
	}
}
