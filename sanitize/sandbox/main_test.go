package sandbox

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"sekisho/sanitize/sandbox/boxtest"
)

// TestMain makes this very binary a worker, a helper process or a test run.
// The real thing is always started: a binary without cgo.
func TestMain(m *testing.M) {
	Main(testClasses())
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	if os.Getenv(helperEnv) != "" {
		return helperMain(os.Getenv(helperEnv))
	}
	dir, err := engineFiles()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Setenv(dirEnv, dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return boxtest.Run(m)
}

// testClasses differ in their limits and all obey the same commands.
func testClasses() map[string]Class {
	l := Limits{Memory: 128 << 20, CPU: 20 * time.Second, Wall: 60 * time.Second, Output: 1 << 20}
	with := func(change func(*Limits)) Limits {
		c := l
		change(&c)
		return c
	}
	load := func() (Serve, error) { return obey, nil }
	return map[string]Class{
		"plain":   {Load: load, Limits: l},
		"cpu":     {Load: load, Limits: with(func(l *Limits) { l.CPU = 300 * time.Millisecond })},
		"wall":    {Load: load, Limits: with(func(l *Limits) { l.Wall = 300 * time.Millisecond })},
		"broken":  {Load: func() (Serve, error) { return nil, fmt.Errorf("no engine") }, Limits: l},
		"panics":  {Load: func() (Serve, error) { panic("no engine") }, Limits: l},
		"hangs":   {Load: func() (Serve, error) { return nil, block() }, Limits: l},
		"dying":   {Load: func() (Serve, error) { return func(io.Reader, io.Writer) error { os.Exit(3); return nil }, nil }, Limits: l},
		"inherit": {Load: loadDescriptors, Limits: l},
		"slack":   {Load: loadSlack, Limits: l},
		"looks":   {Load: func() (Serve, error) { return seen("/"), nil }, Limits: l},
		"engine":  {Engine: &Engine{Load: loadEngine, Dirs: []string{os.Getenv(dirEnv), "/nowhere/at/all"}}, Limits: l},
	}
}

// testConfig is what tests start from.
func testConfig() Config {
	return Config{Classes: testClasses(), Exe: os.Getenv(boxtest.ExeEnv), EngineExe: os.Getenv(boxtest.ExeEnv), MaxRunning: 8}
}

// newTestPool returns a pool that is closed with the test.
func newTestPool(tb testing.TB, change func(*Config)) *Pool {
	tb.Helper()
	cfg := testConfig()
	if change != nil {
		change(&cfg)
	}
	p, err := NewPool(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.Close)
	return p
}

// get hands out a worker that is closed with the test.
func get(tb testing.TB, p *Pool, class string) *Worker {
	tb.Helper()
	w, err := p.Get(tb.Context(), class)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = w.Close() })
	return w
}

// tell sends one command and returns the answering line without its end.
func tell(w *Worker, format string, args ...any) (string, error) {
	if _, err := fmt.Fprintf(w, format+"\n", args...); err != nil {
		return "", err
	}
	var line []byte
	for one := make([]byte, 1); ; {
		if _, err := w.Read(one); err != nil {
			return string(line), err
		}
		if one[0] == '\n' {
			return string(line), nil
		}
		line = append(line, one[0])
	}
}

// obey is the Serve of all test classes: one command a line, one line back.
func obey(in io.Reader, out io.Writer) error {
	r := bufio.NewReader(in)
	for {
		line, err := r.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		verb, rest, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		if string(verb) == "echo" {
			err = echo(r, out, string(rest))
		} else {
			err = act(string(verb), string(rest), out)
		}
		if err != nil {
			return err
		}
	}
}

// echo sends back as many bytes as it is told to.
func echo(in io.Reader, out io.Writer, rest string) error {
	var n int64
	if _, err := fmt.Sscan(rest, &n); err != nil {
		return err
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(in, body); err != nil {
		return err
	}
	_, err := out.Write(body)
	return err
}
