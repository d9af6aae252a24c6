package fs_test

import (
	"bytes"
	"errors"
	"io"
	iofs "io/fs"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"

	"sekisho/gateway"
	"sekisho/gateway/store/fs"
)

// zeros is a source of names that are all alike.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func keys(t testing.TB) fs.Options {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return fs.Options{
		Recipients: []age.Recipient{id.Recipient()},
		Identities: []age.Identity{id},
		Now:        func() time.Time { return time.Unix(2000, 0) },
	}
}

func fill(b []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		for part := range slices.Chunk(b, 50000) {
			if _, err := w.Write(part); err != nil {
				return err
			}
		}
		return nil
	}
}

func readAll(t testing.TB, s gateway.Blobs, name string) []byte {
	t.Helper()
	r, err := s.Open(t.Context(), name)
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	return b
}

// TestOperationLog is the order that a 250 relies on; docs/design/spool.md
// explains it. Change both together.
func TestOperationLog(t *testing.T) {
	disk := newMemFS()
	o := keys(t)
	o.Random = zeros{}
	s, err := fs.OpenFS(disk, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), fill([]byte("hello"))); err != nil {
		t.Fatal(err)
	}
	name := strings.Repeat("0", 32)
	want := []string{
		"mkdir tmp", "syncdir .", "readdir tmp",
		"create tmp/" + name, "write tmp/" + name, "sync tmp/" + name,
		"mkdir 00", "syncdir .", "mkdir 00/00", "syncdir 00",
		"link tmp/" + name + " 00/00/" + name, "syncdir 00/00",
		"close tmp/" + name, "remove tmp/" + name,
	}
	if diff := cmp.Diff(want, disk.ops); diff != "" {
		t.Error(diff)
	}
	// The same random again must not replace the blob.
	if _, err := s.Put(t.Context(), fill([]byte("other"))); !errors.Is(err, iofs.ErrExist) {
		t.Errorf("put under a taken name: %v", err)
	}
	if got := readAll(t, s, name); string(got) != "hello" {
		t.Errorf("blob is now %q", got)
	}
}

// TestEveryOperationFails fails the n-th operation of two Puts, for all n, with
// and without its effect, and once for good; then the power goes.
// spec: g3
func TestEveryOperationFails(t *testing.T) {
	first, second := bytes.Repeat([]byte("first "), 12000), []byte("second")
	modes := map[string]func(m *memFS, n int){
		"without effect": func(m *memFS, n int) { m.fails[n] = without },
		"with effect":    func(m *memFS, n int) { m.fails[n] = with },
		"for good": func(m *memFS, n int) {
			for i := n; i < n+100; i++ {
				m.fails[i] = without
			}
		},
	}
	for mode, arm := range modes {
		t.Run(mode, func(t *testing.T) {
			o := keys(t)
			for n := 1; ; n++ {
				disk := newMemFS()
				arm(disk, n)
				kept := map[string][]byte{}
				s, err := fs.OpenFS(disk, o)
				if err == nil {
					for _, content := range [][]byte{first, second} {
						name, err := s.Put(t.Context(), fill(content))
						if err == nil {
							kept[name] = content
						} else if name != "" {
							t.Fatalf("n=%d: name %q and error %v", n, name, err)
						}
					}
				}
				afterCrash(t, n, disk, o, kept)
				if n > len(disk.ops) {
					if len(kept) != 2 {
						t.Fatalf("n=%d: nothing failed, yet %d blobs", n, len(kept))
					}
					return
				}
			}
		})
	}
}

// afterCrash checks that every blob in kept is readable whatever the crash
// took, and that no other name is readable in part.
func afterCrash(t *testing.T, n int, disk *memFS, o fs.Options, kept map[string][]byte) {
	t.Helper()
	for _, keep := range [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}} {
		found := disk.crash(keep[0], keep[1])
		s, err := fs.OpenFS(found, o)
		if err != nil {
			t.Fatalf("n=%d %v: open after crash: %v", n, keep, err)
		}
		for name, content := range kept {
			if !bytes.Equal(readAll(t, s, name), content) {
				t.Errorf("n=%d %v: blob %s changed", n, keep, name)
			}
		}
		err = s.Walk(t.Context(), func(name string, size int64, _ time.Time) error {
			readAll(t, s, name) // fails on a torn file
			return nil
		})
		if err != nil {
			t.Errorf("n=%d %v: walk: %v", n, keep, err)
		}
		for _, name := range found.list() {
			if strings.HasPrefix(name, "tmp/") {
				t.Errorf("n=%d %v: %s survived the sweep", n, keep, name)
			}
		}
	}
}

// TestFailedPutLeavesNothing looks at the disk of the living process.
func TestFailedPutLeavesNothing(t *testing.T) {
	o := keys(t)
	for n := 4; ; n++ {
		disk := newMemFS()
		disk.fails[n] = with
		s, err := fs.OpenFS(disk, o)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Put(t.Context(), fill([]byte("x")))
		if n > len(disk.ops) {
			return
		}
		failed := disk.ops[n-1]
		if err == nil {
			if !strings.HasPrefix(failed, "close") && !strings.HasPrefix(failed, "remove") {
				t.Errorf("put succeeded though %q failed", failed)
			}
			continue
		}
		left := disk.list()
		if strings.HasPrefix(failed, "create") { // nobody can tell that it exists
			left = slices.DeleteFunc(left, func(s string) bool { return strings.HasPrefix(s, "tmp/") })
		}
		if len(left) > 0 {
			t.Errorf("%q failed and left %v", failed, left)
		}
	}
}

func TestFull(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT} {
		for n := 4; ; n++ {
			disk := newMemFS()
			disk.err = &iofs.PathError{Op: "op", Err: errno}
			disk.fails[n] = without
			s, err := fs.OpenFS(disk, keys(t))
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Put(t.Context(), func(w io.Writer) error {
				w.Write(make([]byte, 200000)) // a careless writer
				return nil
			})
			if n > len(disk.ops) {
				break
			}
			if err != nil && !errors.Is(err, gateway.ErrFull) {
				t.Errorf("%v at %q: %v", errno, disk.ops[n-1], err)
			}
		}
	}
}
