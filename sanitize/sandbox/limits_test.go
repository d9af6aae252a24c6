package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// want checks that err is the end of a worker for the given cause.
func want(t *testing.T, w *Worker, err error, cause Cause) {
	t.Helper()
	var ended *Error
	if !errors.As(err, &ended) || ended.Cause != cause {
		t.Fatalf("error %v; want cause %s", err, cause)
	}
	if w.Exit() != cause {
		t.Fatalf("exit %s; want %s", w.Exit(), cause)
	}
}

// TestLimits lets workers break each limit; every one is cut, named, and gone.
// spec: g4 g8
func TestLimits(t *testing.T) {
	p := newTestPool(t, nil)
	for _, test := range []struct {
		name, class, command string
		cause                Cause
	}{
		{"2 GB at once", "plain", "allocate 2147483648", Memory},
		{"a little more than the limit", "plain", "allocate 160000000", Memory},
		{"1 MB again and again", "plain", "grow", Memory},
		{"endless loop", "cpu", "loop", Time},
		{"asleep", "wall", "sleep", Time},
		{"closes its output and stays", "wall", "deafen", Time},
		{"loses its stderr and loops", "cpu", "close 2", Time},
		{"stack overflow", "plain", "overflow", Crash},
		{"panic", "plain", "panic", Crash},
		{"nil pointer", "plain", "nil", Crash},
		{"unknown command", "plain", "nonsense", Crash},
		{"exit 0 in the middle", "plain", "exit 0", Crash},
		{"exit 1 in the middle", "plain", "exit 1", Crash},
		{"flood on stderr", "plain", "stderr 100000000", Output},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := get(t, p, test.class)
			_, err := tell(w, "%s", test.command)
			if err == nil { // it got away with it for a moment
				_, err = tell(w, "loop")
			}
			want(t, w, err, test.cause)
		})
	}
}

// TestHardMemory proves the kernel's own limit, with the watch asleep.
func TestHardMemory(t *testing.T) {
	p, err := newPool(testConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	if err := p.learn(t.Context(), shapes(os.Geteuid())); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"allocate 2147483648", "grow"} {
		w := get(t, p, "plain")
		_, err := tell(w, "%s", command)
		want(t, w, err, Memory)
	}
}

// TestOutput reads an answer of 10 GB: exactly the limit arrives.
func TestOutput(t *testing.T) {
	p := newTestPool(t, nil)
	w := get(t, p, "plain")
	if _, err := fmt.Fprintln(w, "answer 10737418240"); err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, onlyReader{w})
	want(t, w, err, Output)
	if n != w.limits.Output {
		t.Fatalf("read %d bytes; want %d", n, w.limits.Output)
	}
}

// onlyReader hides everything but Read from io.Copy.
type onlyReader struct{ io.Reader }

// TestExactOutput reads exactly what is allowed and then a clean end.
func TestExactOutput(t *testing.T) {
	p := newTestPool(t, nil)
	w := get(t, p, "plain")
	body := bytes.Repeat([]byte("x"), int(w.limits.Output))
	go func() {
		_, _ = fmt.Fprintf(w, "echo %d\n%s", len(body), body) // a failure shows on the other side
		_ = w.CloseWrite()
	}()
	got, err := io.ReadAll(w)
	if err != nil || !bytes.Equal(got, body) {
		t.Fatalf("%d bytes, error %v", len(got), err)
	}
	if w.Exit() != OK {
		t.Fatalf("exit %s; want ok", w.Exit())
	}
}

// TestCutAnswer makes sure that an answer cut by an exit does not look whole.
func TestCutAnswer(t *testing.T) {
	p := newTestPool(t, nil)
	for _, code := range []int{0, 1, exitRefused, exitServe, 255} {
		w := get(t, p, "plain")
		if _, err := fmt.Fprintf(w, "answer 65536\nexit %d\n", code); err != nil {
			t.Fatal(err)
		}
		_, err := io.ReadAll(w)
		want(t, w, err, Crash)
	}
}

// TestQuietStderr: some noise, even the runtime's own words, harms nobody.
func TestQuietStderr(t *testing.T) {
	p := newTestPool(t, nil)
	w := get(t, p, "plain")
	for _, command := range []string{"stderr 65536", "println fatal error: out of memory", "pid"} {
		if answer, err := tell(w, "%s", command); err != nil {
			t.Fatalf("%s: %q, %v", command, answer, err)
		}
	}
	if err := w.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(w); err != nil || w.Exit() != OK {
		t.Fatalf("error %v, exit %s", err, w.Exit())
	}
}

// TestRuntimeWorksInside uses what a parser needs from the Go runtime.
func TestRuntimeWorksInside(t *testing.T) {
	p := newTestPool(t, nil)
	w := get(t, p, "plain")
	for _, command := range []string{"threads", "garbage", "allocate 50000000", "signal"} {
		if answer, err := tell(w, "%s", command); err != nil || answer != "ok" {
			t.Fatalf("%s: %q, %v", command, answer, err)
		}
	}
	answer, err := tell(w, "environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range strings.Fields(strings.Trim(answer, "[]")) {
		name, _, _ := strings.Cut(strings.Trim(field, `"`), "=")
		if name != "GOMEMLIMIT" && name != "GOGC" && name != "GOMAXPROCS" && name != "GODEBUG" && name != "GLIBC_TUNABLES" {
			t.Errorf("the worker sees %s", field)
		}
	}
}

func TestDeadline(t *testing.T) {
	p := newTestPool(t, nil)
	w := get(t, p, "plain")
	if err := w.SetDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	_, err := tell(w, "sleep")
	want(t, w, err, Time)
	want(t, w, w.SetDeadline(time.Now().Add(time.Hour)), Time)
}

// TestDeadlineMoves: a later request may have more time than the one before,
// up to the class's limit.
func TestDeadlineMoves(t *testing.T) {
	p := newTestPool(t, nil)
	w := get(t, p, "plain")
	first := time.Now().Add(30 * time.Second)
	for _, test := range []struct{ ask, want time.Time }{
		{first, first}, {first.Add(time.Second), first.Add(time.Second)}, {first.Add(time.Hour), w.wall},
	} {
		if err := w.SetDeadline(test.ask); err != nil {
			t.Fatal(err)
		}
		if !w.last.Equal(test.want) {
			t.Errorf("asked for %v, got %v; want %v", test.ask, w.last, test.want)
		}
	}
}

// TestDeadlineNeverExtends the class's own limit.
func TestDeadlineNeverExtends(t *testing.T) {
	p := newTestPool(t, nil)
	w := get(t, p, "wall")
	if err := w.SetDeadline(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	_, err := tell(w, "sleep")
	want(t, w, err, Time)
}

// TestCloseUnblocks closes a worker while one goroutine is stuck in Write and
// another one in Read.
func TestCloseUnblocks(t *testing.T) {
	p := newTestPool(t, nil)
	w := get(t, p, "plain")
	if _, err := fmt.Fprintln(w, "sleep"); err != nil {
		t.Fatal(err)
	}
	ends := make(chan error, 2)
	go func() {
		_, err := w.Write(make([]byte, 4<<20))
		ends <- err
	}()
	go func() {
		_, err := w.Read(make([]byte, 1))
		ends <- err
	}()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		want(t, w, <-ends, Closed)
	}
	if err := w.Close(); err != nil {
		t.Fatalf("second close: %v", err)
	}
}

func TestWriteAfterCloseWrite(t *testing.T) {
	p := newTestPool(t, nil)
	w := get(t, p, "plain")
	if err := w.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("x")); err == nil {
		t.Fatal("write after the end of the input worked")
	}
}
