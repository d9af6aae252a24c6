package pdfium

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sekisho/sanitize/sandbox"
	"sekisho/sanitize/sandbox/boxtest"
)

// cacheEnv names the compile cache of these tests.
const cacheEnv = "SEKISHO_TEST_ENGINE"

// TestMain makes this binary a boxed worker with the engine, or runs the tests
// with such workers and a compile cache.
func TestMain(m *testing.M) {
	sandbox.Main(testClasses())
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	dir, err := testCache()
	if err == nil {
		err = os.Setenv(cacheEnv, dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return boxtest.Run(m)
}

// testCache is enginetest's cache; that package cannot be imported from here.
func testCache() (string, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("sekisho-engine-%d-%s", os.Geteuid(), Stamp()))
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer lock.Close() // and lets the next one in
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return "", err
	}
	if Check(dir) == nil {
		return dir, nil
	}
	build := exec.Command("go", "run", "sekisho/sanitize/pdfium/enginetest/prepare", dir)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false "+os.Getenv("GOFLAGS"))
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make the engine's compile cache: %w: %s", err, text)
	}
	return dir, Check(dir)
}

// testClasses are workers with the engine that draw a page or attack.
func testClasses() map[string]sandbox.Class {
	return map[string]sandbox.Class{"pdf": {
		Engine: &sandbox.Engine{Load: loadAttacker, Dirs: append([]string{os.Getenv(cacheEnv)}, DefaultFonts()...)},
		Limits: sandbox.Limits{Memory: 1 << 30, CPU: time.Minute, Wall: time.Minute, Output: 64 << 20},
		Procs:  2,
	}}
}

// loadAttacker loads the engine and serves one command: what a captured engine
// would try, or "draw" with the number of pixels of ink as the answer.
func loadAttacker(dirs []string) (sandbox.Serve, error) {
	e, err := Load(context.Background(), Config{Cache: dirs[0], Fonts: dirs[1:]})
	if err != nil {
		return nil, err
	}
	return func(in io.Reader, out io.Writer) error {
		var verb string
		if _, err := fmt.Fscanln(in, &verb); err != nil {
			return err
		}
		answer, err := attack(e, dirs, verb)
		if err != nil {
			answer = err.Error()
		}
		_, err = fmt.Fprintln(out, answer)
		return err
	}, nil
}
