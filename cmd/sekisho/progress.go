package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"sekisho/sanitize"
)

// meter tells of the pages of long documents while they are drawn: on a
// terminal in one line that is written anew, elsewhere in a line every few
// seconds. One that is nil tells nothing.
type meter struct {
	w        io.Writer
	terminal bool
	clock    func() time.Time
	file     string
	next     time.Time // not to be written before
	shown    int       // columns of the terminal's line
}

// How often a meter writes. A document that is done before the first time is
// not told of.
const (
	meterTerminal = 200 * time.Millisecond
	meterLines    = 5 * time.Second
)

// newMeter returns the meter of a command's standard error, nil for --quiet.
func newMeter(w io.Writer, quiet bool, clock func() time.Time) *meter {
	if quiet {
		return nil
	}
	return &meter{w: w, terminal: isTerminal(w), clock: clock}
}

// begin names the file that is worked on from now.
func (m *meter) begin(file string) {
	if m != nil {
		m.file, m.next = file, m.clock().Add(m.every())
	}
}

func (m *meter) every() time.Duration {
	if m.terminal {
		return meterTerminal
	}
	return meterLines
}

// page tells of a page, if it is time to.
func (m *meter) page(p sanitize.Progress) {
	if m == nil || p.Pages < 2 || m.clock().Before(m.next) {
		return
	}
	m.next = m.clock().Add(m.every())
	part := ""
	if p.Path != "" {
		part = "（" + p.Path + "）"
	}
	if !m.terminal {
		fmt.Fprintf(m.w, "%s%s: %d / %d ページ\n", m.file, part, p.Page, p.Pages)
		return
	}
	// Without the file: a line that is longer than the terminal is wide could not
	// be written anew.
	line := fmt.Sprintf("%d / %d ページ%s", p.Page, p.Pages, part)
	fmt.Fprint(m.w, "\r"+line+strings.Repeat(" ", max(m.shown-columns(line), 0)))
	m.shown = columns(line)
}

// end takes the line away again.
func (m *meter) end() {
	if m == nil || m.shown == 0 {
		return
	}
	fmt.Fprint(m.w, "\r"+strings.Repeat(" ", m.shown)+"\r")
	m.shown = 0
}

// columns is the width of a line of ours on a terminal.
func columns(s string) int {
	n := 0
	for _, r := range s {
		if n++; r > 0xFF {
			n++
		}
	}
	return n
}

// isTerminal reports whether w is a terminal that people look at.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
