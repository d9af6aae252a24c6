// Package linear is the memory of WebAssembly instances: address space for all
// that an instance may ever have, reserved at once and touched by the kernel
// page by page. wazero's own way copies the whole memory whenever it grows and
// keeps both copies for the collector to find.
package linear

import (
	"context"

	"github.com/tetratelabs/wazero/experimental"
	"golang.org/x/sys/unix"
)

// With returns a context in which instances get such memory. It works before a
// box is shut and in it: private, anonymous memory is allowed there.
func With(ctx context.Context) context.Context {
	return experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(allocate))
}

// memory is that of one instance.
type memory struct{ all []byte }

func allocate(_, most uint64) experimental.LinearMemory {
	all, err := unix.Mmap(-1, 0, int(most), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_NORESERVE)
	if err != nil {
		return &memory{} // Reallocate then says that there is none
	}
	return &memory{all}
}

// Reallocate gives the instance its first size bytes, nil if it may not have
// as many.
func (m *memory) Reallocate(size uint64) []byte {
	if size > uint64(len(m.all)) {
		return nil
	}
	return m.all[:size:size]
}

// Free gives the memory back.
func (m *memory) Free() {
	if m.all != nil {
		_ = unix.Munmap(m.all) // it was mapped above
		m.all = nil
	}
}
