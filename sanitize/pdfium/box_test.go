package pdfium

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"sekisho/sanitize/sandbox"
	"sekisho/sanitize/sandbox/boxtest"
)

// attack runs in the box, with the engine loaded.
func attack(e *Engine, dirs []string, verb string) (string, error) {
	switch verb {
	case "draw", "twice":
		n, err := drawn(e)
		if err == nil && verb == "twice" { // a second document gets a second instance
			n, err = drawn(e)
		}
		return fmt.Sprintf("%t", n > 100), err
	case "cache":
		_, err := os.ReadDir(dirs[0])
		return "read", err
	case "stamp":
		_, err := os.ReadFile(filepath.Join(dirs[0], stampFile))
		return "read", err
	case "fonts":
		_, err := os.ReadDir(dirs[1])
		return "read", err
	case "passwd":
		_, err := os.ReadFile("/etc/passwd")
		return "read", err
	case "mmapx":
		_, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_ANON|unix.MAP_PRIVATE)
		return "mapped", err
	case "mprotectx":
		page, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
		if err != nil {
			return "no page", nil
		}
		return "executable", unix.Mprotect(page, unix.PROT_READ|unix.PROT_EXEC)
	case "socket":
		_, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		return "socket", err
	case "exec":
		return "executed", unix.Exec("/box", []string{"x"}, nil)
	}
	return "", fmt.Errorf("no attack %q", verb)
}

// drawn opens a document with a font of the tree and counts its ink.
func drawn(e *Engine) (int, error) {
	d, err := e.Open(document("", nil, sheet{content: "BT /F2 30 Tf 20 40 Td <82a082a2> Tj ET"}), "")
	if err != nil {
		return 0, err
	}
	p, err := d.Page(0)
	if err != nil {
		return 0, err
	}
	pix, err := p.Render(400, 200, Gray)
	if err != nil {
		return 0, err
	}
	_, _, _, _, n := ink(pix)
	return n, d.Close()
}

// boxes starts a pool of workers with the engine.
func boxes(tb testing.TB, ahead int) *sandbox.Pool {
	tb.Helper()
	exe := os.Getenv(boxtest.ExeEnv)
	p, err := sandbox.NewPool(sandbox.Config{Classes: testClasses(), Exe: exe, EngineExe: exe, MaxRunning: 4, Ahead: map[string]int{"pdf": ahead}})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.Close)
	return p
}

// ask has one worker do one thing.
func ask(tb testing.TB, p *sandbox.Pool, verb string) (string, error) {
	tb.Helper()
	w, err := p.Get(tb.Context(), "pdf")
	if err != nil {
		tb.Fatal(err)
	}
	defer w.Close()
	if _, err := fmt.Fprintln(w, verb); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(w).ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err
}

// TestEngineInTheBox: a loaded engine draws behind the walls of every worker,
// and whoever captures it can open nothing: not the fonts, not the cache.
// spec: g4
func TestEngineInTheBox(t *testing.T) {
	p := boxes(t, 0)
	if !p.Walls().Minimum() {
		t.Fatal("the minimum is missing")
	}
	for verb, want := range map[string]string{
		"draw": "true", "twice": "true", "cache": "operation not permitted", "stamp": "operation not permitted", "fonts": "operation not permitted",
		"passwd": "operation not permitted", "mmapx": "operation not permitted", "mprotectx": "operation not permitted", "socket": "SIGSYS", "exec": "SIGSYS",
	} {
		t.Run(verb, func(t *testing.T) {
			answer, err := ask(t, p, verb)
			var ended *sandbox.Error
			if want == "SIGSYS" {
				if !errors.As(err, &ended) || ended.Signal != syscall.SIGSYS {
					t.Fatalf("answer %q, error %v; want death by SIGSYS", answer, err)
				}
				return
			}
			if err != nil || !strings.HasSuffix(answer, want) {
				t.Fatalf("answer %q, error %v; want %q", answer, err, want)
			}
		})
	}
}

// BenchmarkWorker starts a worker with the engine and draws one small page:
// what a PDF costs when none was started ahead.
func BenchmarkWorker(b *testing.B) {
	p := boxes(b, 0)
	var before, after unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_CHILDREN, &before); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if answer, err := ask(b, p, "draw"); err != nil || answer != "true" {
			b.Fatal(answer, err)
		}
	}
	if err := unix.Getrusage(unix.RUSAGE_CHILDREN, &after); err != nil {
		b.Fatal(err)
	}
	cpu := (after.Utime.Nano() + after.Stime.Nano()) - (before.Utime.Nano() + before.Stime.Nano())
	b.ReportMetric(float64(cpu)/1e6/float64(b.N), "cpu-ms/op")
}
