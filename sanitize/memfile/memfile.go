// Package memfile keeps files that must never lie as plaintext on a disk: the
// children that cross from one box to the next, tapes of typed values, and
// rebuilt bodies before they are sealed.
//
// A File starts in memory and moves to an anonymous memory file (memfd) when
// it grows, so that the parent's heap stays small however large the mail is.
// Every File has a limit in bytes.
package memfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	// inMemory is how many bytes a File keeps on the heap before it moves.
	inMemory = 128 << 10
	// atOnce is how many bytes a moved File writes and reads with one call:
	// many values are short.
	atOnce = 64 << 10
)

// ErrLimit means that a File would grow over its limit.
var ErrLimit = errors.New("memfile: size limit exceeded")

// File is an append-only file in memory. It is not safe for concurrent
// writes; once written it may be read by many.
type File struct {
	limit int64
	size  int64
	file  *os.File

	mu   sync.Mutex // readers may begin at the same moment
	heap []byte     // all of the file or, once it has moved, what is not yet written to it
}

// New returns an empty File of at most limit bytes.
func New(limit int64) *File { return &File{limit: limit} }

// Write appends p. On ErrLimit nothing is appended.
func (f *File) Write(p []byte) (int, error) {
	if f.size+int64(len(p)) > f.limit {
		return 0, ErrLimit
	}
	if f.file == nil && f.size+int64(len(p)) > inMemory {
		if err := f.move(); err != nil {
			return 0, err
		}
	}
	f.size += int64(len(p))
	if f.file == nil || len(f.heap)+len(p) <= atOnce {
		f.heap = append(f.heap, p...)
		return len(p), nil
	}
	if err := f.flush(); err != nil {
		return 0, err
	}
	if len(p) < atOnce {
		f.heap = append(f.heap, p...)
		return len(p), nil
	}
	if _, err := f.file.Write(p); err != nil {
		return 0, fmt.Errorf("memory file: %w", err)
	}
	return len(p), nil
}

// flush writes what waits to a file that has moved. It is done once and for
// all after the last Write.
func (f *File) flush() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil || len(f.heap) == 0 {
		return nil
	}
	if _, err := f.file.Write(f.heap); err != nil {
		return fmt.Errorf("memory file: %w", err)
	}
	f.heap = f.heap[:0]
	return nil
}

func (f *File) move() error {
	fd, err := unix.MemfdCreate("sekisho", unix.MFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("memory file: %w", err)
	}
	f.file = os.NewFile(uintptr(fd), "memfd")
	return f.flush()
}

// Size returns the bytes written so far.
func (f *File) Size() int64 { return f.size }

// Reader returns a reader of the whole file from its start. Several readers
// may be used at once.
func (f *File) Reader() io.Reader {
	if f.file == nil {
		return bytes.NewReader(f.heap)
	}
	if err := f.flush(); err != nil {
		return broken{err}
	}
	return bufio.NewReaderSize(io.NewSectionReader(f.file, 0, f.size), atOnce)
}

// broken reads nothing but its error.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// Close gives the memory back. Readers MUST NOT be used afterwards.
func (f *File) Close() error {
	f.heap = nil
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}
