package pdfium

import (
	"github.com/tetratelabs/wazero/experimental"
	"golang.org/x/sys/unix"
)

// linear is the memory of one instance: address space for all that it may
// ever have, reserved at once and touched by the kernel page by page. Go's own
// way would copy the whole memory whenever it grows and keep both copies for
// the collector to find.
type linear struct{ all []byte }

// allocate reserves memory for an instance. It runs before the box is shut
// and, for a later document, in it: private, anonymous memory is allowed there.
func allocate(_, most uint64) experimental.LinearMemory {
	all, err := unix.Mmap(-1, 0, int(most), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_NORESERVE)
	if err != nil {
		return &linear{} // Reallocate then says that there is none
	}
	return &linear{all}
}

// Reallocate gives the instance its first size bytes, nil if it may not have
// as many.
func (l *linear) Reallocate(size uint64) []byte {
	if size > uint64(len(l.all)) {
		return nil
	}
	return l.all[:size:size]
}

// Free gives the memory back.
func (l *linear) Free() {
	if l.all != nil {
		_ = unix.Munmap(l.all) // it was mapped above
		l.all = nil
	}
}
