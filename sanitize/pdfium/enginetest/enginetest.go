// Package enginetest gives tests a compile cache of the PDF engine and fonts.
//
// The cache is made once for a machine and a build and lies in the temporary
// directory, so that the tests of several packages share it. Only tests import
// this package.
package enginetest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"sekisho/sanitize/pdfium"
)

// Fonts are the directories in which the IPA fonts stand on Debian; the
// Makefile's target "tools" installs them.
func Fonts() []string { return pdfium.DefaultFonts() }

// Cache returns the directory of the cache and makes it first if need be. Boxed
// workers can read it whatever user they run as.
func Cache(tb testing.TB) string {
	tb.Helper()
	dir, err := prepared()
	if err != nil {
		tb.Fatal(err)
	}
	return dir
}

func prepared() (string, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("sekisho-engine-%d-%s", os.Geteuid(), pdfium.Stamp()))
	if pdfium.Check(dir) == nil {
		return dir, nil
	}
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer lock.Close() // and lets the next one in
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return "", err
	}
	if pdfium.Check(dir) == nil {
		return dir, nil
	}
	build := exec.Command("go", "run", "sekisho/sanitize/pdfium/enginetest/prepare", dir)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false "+os.Getenv("GOFLAGS"))
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make the engine's compile cache: %w: %s", err, text)
	}
	if err := pdfium.Check(dir); err != nil {
		return "", errors.Join(errors.New("the new compile cache is not usable"), err)
	}
	return dir, nil
}

// Load loads an engine in this process, with the fonts, closed with the test.
func Load(tb testing.TB) *pdfium.Engine {
	tb.Helper()
	e, err := pdfium.Load(tb.Context(), pdfium.Config{Cache: Cache(tb), Fonts: Fonts()})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := e.Close(); err != nil {
			tb.Error(err)
		}
	})
	return e
}
