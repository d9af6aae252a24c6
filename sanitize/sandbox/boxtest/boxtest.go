// Package boxtest builds the program that tests start as workers.
//
// A worker must be free of cgo, but a test binary made with the race detector
// is not. Run therefore compiles the calling package's own tests once more
// without cgo; the TestMain in there calls sandbox.Main and becomes the
// worker. Only tests import this package.
package boxtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// ExeEnv is the variable that tells tests, and processes that they start, where
// the worker's program is.
const ExeEnv = "SEKISHO_TEST_WORKER"

// Run runs the tests of m with ExeEnv set and returns the exit code. Where it is
// set already, that program is taken: for a run as a user without a Go tool.
func Run(m *testing.M) int {
	if os.Getenv(ExeEnv) != "" {
		return m.Run()
	}
	path, remove, err := binary()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	if err := os.Setenv(ExeEnv, path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// binary compiles the tests of the package in the working directory with
// CGO_ENABLED=0 into a new temporary directory that every user may enter (a
// worker may run as nobody) and returns the file's path. remove deletes it.
func binary() (path string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "boxtest-*")
	if err != nil {
		return "", nil, fmt.Errorf("make a directory for the worker: %w", err)
	}
	remove = func() { _ = os.RemoveAll(dir) } // a leftover temporary file harms nobody
	if err := os.Chmod(dir, 0o755); err != nil {
		remove()
		return "", nil, fmt.Errorf("open the worker's directory: %w", err)
	}
	path = filepath.Join(dir, "worker.test")
	build := exec.Command("go", "test", "-c", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false "+os.Getenv("GOFLAGS"))
	if text, err := build.CombinedOutput(); err != nil {
		remove()
		return "", nil, fmt.Errorf("build the worker: %w: %s", err, text)
	}
	return path, remove, nil
}
