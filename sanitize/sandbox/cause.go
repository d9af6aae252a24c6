package sandbox

import (
	"bytes"
	"fmt"
	"syscall"
	"time"
)

// Cause says how a worker ended. The zero value means that it has not.
type Cause uint8

const (
	// Running: the worker has not ended yet. It is not a success.
	Running Cause = iota
	// OK: the input ended, Serve returned nil, and no limit was met.
	OK
	// Time: the wall clock, the CPU limit or the caller's deadline.
	Time
	// Memory: the worker needed more than its limit.
	Memory
	// Output: the worker wrote more than its limit, to its answer or to
	// standard error.
	Output
	// Crash: a panic, a signal, a forbidden system call, an error from Serve,
	// or an exit in the middle of the work.
	Crash
	// Closed: the caller closed the worker before it ended.
	Closed
)

// String returns the cause in lower case, as used in logs and metrics.
func (c Cause) String() string {
	names := [...]string{"running", "ok", "time", "memory", "output", "crash", "closed"}
	if int(c) >= len(names) {
		return "unknown"
	}
	return names[c]
}

// Error is what Read and Write return once a worker has ended other than by
// [OK]. Nothing in it comes from the worker's own words.
type Error struct {
	// Class of the worker.
	Class string
	// Cause is never Running or OK.
	Cause Cause
	// Code is the exit status, -1 if a signal ended the worker.
	Code int
	// Signal that ended the worker, 0 if none. SIGSYS: a system call that
	// only an attacker would make.
	Signal syscall.Signal
}

// Error implements error.
func (e *Error) Error() string {
	if e.Signal != 0 {
		return fmt.Sprintf("worker %s ended: %s (signal %d)", e.Class, e.Cause, int(e.Signal))
	}
	return fmt.Sprintf("worker %s ended: %s (exit %d)", e.Class, e.Cause, e.Code)
}

// Exit codes of a worker. exitServed is not 0, so that os.Exit(0) somewhere
// in a parser does not look like work that was finished.
const (
	exitServed  = 64
	exitRefused = 65
	exitServe   = 66
)

// ending is what is known about a dead worker.
type ending struct {
	ours   Cause // why the parent killed it, Running if it did not
	code   int
	signal syscall.Signal
	cpu    time.Duration // since it was handed out
	maxRSS int64         // bytes
	noRoom bool          // the Go runtime said that it is out of memory
}

// judge turns an ending into a cause. A limit that the parent saw broken
// counts whatever the exit status says; a plain Close counts only if it is
// what ended the worker.
func (e ending) judge(l Limits) Cause {
	switch {
	case e.ours == Time || e.ours == Memory || e.ours == Output:
		return e.ours
	case e.signal == syscall.SIGXCPU:
		return Time
	case e.signal == syscall.SIGKILL && e.ours == Closed:
		return Closed
	case e.signal == syscall.SIGKILL && e.cpu >= l.CPU:
		return Time
	case e.signal == syscall.SIGKILL && e.maxRSS >= l.Memory/2:
		return Memory // the kernel's out-of-memory killer came first
	case e.signal == 0 && e.code == exitServed:
		return OK
	case e.noRoom:
		return Memory
	}
	return Crash
}

// maxStderr bounds what a worker may say on standard error, in bytes. A Go
// traceback has a few KB.
const maxStderr = 1 << 20

// murmur reads what a worker writes to standard error. The text belongs to
// the attacker: it is searched for the runtime's words about memory, counted
// and forgotten. Only its head is kept, for a worker that fails before it has
// seen any input.
type murmur struct {
	head   []byte
	tail   []byte
	total  int64
	noRoom bool
}

const maxHead = 512

// add takes the next piece and reports whether the worker has said too much.
func (m *murmur) add(p []byte) bool {
	m.total += int64(len(p))
	if room := maxHead - len(m.head); room > 0 {
		m.head = append(m.head, p[:min(room, len(p))]...)
	}
	window := append(m.tail, p...)
	for _, words := range memoryWords() {
		m.noRoom = m.noRoom || bytes.Contains(window, words)
	}
	m.tail = append([]byte(nil), window[max(0, len(window)-64):]...)
	return m.total > maxStderr
}

// memoryWords are parts of the Go runtime's messages (runtime/malloc.go,
// runtime/mem_linux.go) when the kernel refuses memory. None is longer than
// the 64 bytes that murmur carries over.
func memoryWords() [][]byte {
	return [][]byte{[]byte("out of memory"), []byte("cannot allocate memory"), []byte("cannot map pages in arena")}
}
