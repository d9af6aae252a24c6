package linear

import "testing"

// Memory grows in place, never beyond what was reserved, and what cannot be
// reserved is no memory instead of a panic.
func TestMemory(t *testing.T) {
	m := allocate(0, 1<<20)
	first := m.Reallocate(64 << 10)
	first[0] = 7
	all := m.Reallocate(1 << 20)
	if len(all) != 1<<20 || cap(first) != 64<<10 || &all[0] != &first[0] || all[1<<20-1] != 0 {
		t.Errorf("%d bytes, %d of the first", len(all), cap(first))
	}
	if m.Reallocate(1<<20+1) != nil {
		t.Error("more than was reserved")
	}
	m.Free()
	m.Free()
	if m.Reallocate(1) != nil {
		t.Error("memory after it was given back")
	}
	if allocate(0, 1<<62).Reallocate(1) != nil {
		t.Error("memory that no machine has")
	}
}
