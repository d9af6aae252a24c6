// Package memfile keeps files that must never lie as plaintext on a disk: the
// children that cross from one box to the next, tapes of typed values, and
// rebuilt bodies before they are sealed.
//
// A File starts in memory and moves to an anonymous memory file (memfd) when
// it grows, so that the parent's heap stays small however large the mail is.
// Every File has a limit in bytes.
package memfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// inMemory is how many bytes a File keeps on the heap before it moves.
const inMemory = 128 << 10

// ErrLimit means that a File would grow over its limit.
var ErrLimit = errors.New("memfile: size limit exceeded")

// File is an append-only file in memory. It is not safe for concurrent
// writes; once written it may be read by many.
type File struct {
	limit int64
	size  int64
	heap  []byte
	file  *os.File
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
	if f.file == nil {
		f.heap = append(f.heap, p...)
		f.size += int64(len(p))
		return len(p), nil
	}
	n, err := f.file.Write(p)
	f.size += int64(n)
	return n, err
}

func (f *File) move() error {
	fd, err := unix.MemfdCreate("sekisho", unix.MFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("memory file: %w", err)
	}
	file := os.NewFile(uintptr(fd), "memfd")
	if _, err := file.Write(f.heap); err != nil {
		file.Close()
		return fmt.Errorf("memory file: %w", err)
	}
	f.file, f.heap = file, nil
	return nil
}

// Size returns the bytes written so far.
func (f *File) Size() int64 { return f.size }

// Reader returns a reader of the whole file from its start. Several readers
// may be used at once.
func (f *File) Reader() io.Reader {
	if f.file == nil {
		return bytes.NewReader(f.heap)
	}
	return io.NewSectionReader(f.file, 0, f.size)
}

// Close gives the memory back. Readers MUST NOT be used afterwards.
func (f *File) Close() error {
	f.heap = nil
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}
