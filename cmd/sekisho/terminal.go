package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// quiet stops a terminal from showing what is typed, and returns how to let it.
func quiet(f *os.File) (func(), error) {
	was, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		return nil, fmt.Errorf("read the terminal's settings: %w", err)
	}
	now := *was
	now.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, &now); err != nil {
		return nil, fmt.Errorf("hide what is typed: %w", err)
	}
	return func() { unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, was) }, nil // the terminal may be gone; nothing to do
}
