// Package storetest holds one suite for every gateway.Ledger and one for every
// gateway.Blobs, so that a deployment on one node and one on many behave alike.
// The suites know the contract only: what gateway/ledger.go promises is
// checked here, how a store keeps it is checked beside the store.
//
// Each suite has named cases and a state machine, which plays random calls and
// reopenings against a small model of the contract and shrinks what fails. The
// ledger suite asks a store that can check itself to do so at each close.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sekisho/gateway"
)

// OpenBlobs opens a store on a directory, which need not exist yet. Opening
// the same directory again, after Close if there is one, finds the same blobs.
// The store must be able to read what it writes.
type OpenBlobs func(dir string) (gateway.Blobs, error)

// Blobs runs the suite for blob stores.
func Blobs(t *testing.T, open OpenBlobs) {
	cases := []struct {
		name string
		run  func(*testing.T, gateway.Blobs)
	}{
		{"sizes come back", blobSizes},
		{"fill fails", blobFillFails},
		{"fill panics", blobFillPanics},
		{"context ends", blobContext},
		{"names that are not there", blobNames},
		{"delete twice", blobDelete},
		{"walk", blobWalk},
		{"concurrent puts", blobConcurrent},
		{"room", blobRoom},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, err := open(filepath.Join(t.TempDir(), "blobs"))
			if err != nil {
				t.Fatal(err)
			}
			defer closeIt(t, s)
			c.run(t, s)
		})
	}
	t.Run("model", func(t *testing.T) {
		dir := t.TempDir()
		within(t, func(t *rapid.T) { blobModel(t, dir, open) })
	})
}

// modelTime is how long a state machine plays, unless -rapid.checks asks for a
// number of games: stores wait for disks, and the race detector takes its time.
const modelTime = 3 * time.Second

// within checks a property for modelTime. Once it failed it is run as often as
// it takes to find a small example.
func within(t *testing.T, property func(*rapid.T)) {
	checks := flag.Lookup("rapid.checks")
	endless := checks != nil && checks.Value.String() != checks.DefValue
	begun, failed := time.Now(), false
	rapid.Check(t, func(t *rapid.T) {
		if !endless && !failed && time.Since(begun) > modelTime {
			return
		}
		done := false
		defer func() { failed = failed || !done || t.Failed() }()
		property(t)
		done = true
	})
}

// closeIt closes what can be closed.
func closeIt(t rapid.TB, s any) {
	if c, ok := s.(io.Closer); ok {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}

// put stores b and returns its name.
func put(t rapid.TB, s gateway.Blobs, b []byte) string {
	t.Helper()
	name, err := s.Put(context.Background(), func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
	if err != nil {
		t.Fatalf("put %d bytes: %v", len(b), err)
	}
	return name
}

// get reads a blob whole.
func get(s gateway.Blobs, name string) ([]byte, error) {
	r, err := s.Open(context.Background(), name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	return b, errors.Join(err, r.Close())
}

// walked returns the sizes of all blobs.
func walked(t rapid.TB, s gateway.Blobs) map[string]int64 {
	t.Helper()
	sizes := map[string]int64{}
	err := s.Walk(context.Background(), func(name string, size int64, modified time.Time) error {
		if _, twice := sizes[name]; twice {
			return fmt.Errorf("%s seen twice", name)
		}
		if modified.IsZero() {
			return fmt.Errorf("%s has no time", name)
		}
		sizes[name] = size
		return nil
	})
	if err != nil {
		t.Fatalf("walk: %v", err)
	}
	return sizes
}

// pattern returns n bytes in which no two places look alike for long.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8*13 + i>>16*17)
	}
	return b
}

func blobSizes(t *testing.T, s gateway.Blobs) {
	for _, n := range []int{0, 1, 2 << 10, 64<<10 - 1, 64 << 10, 64<<10 + 1, 3<<20 + 5} {
		b := pattern(n)
		got, err := get(s, put(t, s, b))
		if err != nil || !bytes.Equal(got, b) {
			t.Errorf("%d bytes: %d came back, %v", n, len(got), err)
		}
	}
}

func blobFillFails(t *testing.T, s gateway.Blobs) {
	boom := errors.New("boom")
	for _, n := range []int{0, 10, 1 << 20} {
		name, err := s.Put(t.Context(), func(w io.Writer) error {
			if _, err := w.Write(pattern(n)); err != nil {
				return err
			}
			return boom
		})
		if name != "" || !errors.Is(err, boom) {
			t.Errorf("after %d bytes: name %q, error %v", n, name, err)
		}
	}
	if left := walked(t, s); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func blobFillPanics(t *testing.T, s gateway.Blobs) {
	func() {
		defer func() { recover() }()
		s.Put(t.Context(), func(io.Writer) error { panic("boom") })
	}()
	if left := walked(t, s); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	put(t, s, []byte("the store still works"))
}

func blobContext(t *testing.T, s gateway.Blobs) {
	name := put(t, s, pattern(300000))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Put(ended, func(io.Writer) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v", err)
	}
	if _, err := s.Open(ended, name); !errors.Is(err, context.Canceled) {
		t.Errorf("open: %v", err)
	}
	during, cancel := context.WithCancel(t.Context())
	_, err := s.Put(during, func(w io.Writer) error {
		cancel()
		_, err := w.Write(pattern(1 << 20))
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("put, cancelled while filling: %v", err)
	}
	reading, cancel := context.WithCancel(t.Context())
	r, err := s.Open(reading, name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cancel()
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, context.Canceled) {
		t.Errorf("read after cancel: %v", err)
	}
	if got := walked(t, s); len(got) != 1 {
		t.Errorf("blobs: %v", got)
	}
}

func blobNames(t *testing.T, s gateway.Blobs) {
	name := put(t, s, []byte("x"))
	other := strings.Repeat("0123456789abcdef", 2)
	for _, n := range []string{other, "", ".", "..", "tmp", "../" + name, name + "/", name[:31], name + "0",
		strings.ToUpper(other), "/etc/passwd", "a\x00b", strings.Repeat("..", 16)} {
		if _, err := s.Open(t.Context(), n); !errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("open %q: %v", n, err)
		}
	}
	if got := walked(t, s); len(got) != 1 {
		t.Errorf("blobs: %v", got)
	}
}

func blobDelete(t *testing.T, s gateway.Blobs) {
	keep, drop := put(t, s, []byte("keep")), put(t, s, []byte("drop"))
	for range 2 {
		if err := s.Delete(t.Context(), drop); err != nil {
			t.Errorf("delete: %v", err)
		}
	}
	if _, err := get(s, drop); !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("open a deleted blob: %v", err)
	}
	if b, err := get(s, keep); string(b) != "keep" {
		t.Errorf("the other blob: %q, %v", b, err)
	}
}

func blobWalk(t *testing.T, s gateway.Blobs) {
	if got := walked(t, s); len(got) != 0 {
		t.Errorf("empty store has %v", got)
	}
	const size = 10000
	want := map[string]bool{}
	for range 5 {
		want[put(t, s, pattern(size))] = true
	}
	got := walked(t, s)
	for name, n := range got {
		if !want[name] || n < size || n > 2*size {
			t.Errorf("%s of %d bytes", name, n)
		}
	}
	if len(got) != len(want) {
		t.Errorf("walked %d of %d", len(got), len(want))
	}
	stop := errors.New("stop")
	calls := 0
	err := s.Walk(t.Context(), func(string, int64, time.Time) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("walk went on after an error: %d calls, %v", calls, err)
	}
	// Deleting while walking is what a sweep does.
	err = s.Walk(t.Context(), func(name string, _ int64, _ time.Time) error { return s.Delete(t.Context(), name) })
	if left := walked(t, s); err != nil || len(left) != 0 {
		t.Errorf("after deleting all: %v, %v", left, err)
	}
}

func blobConcurrent(t *testing.T, s gateway.Blobs) {
	const workers, each = 8, 40 // more than one shard
	var mu sync.Mutex
	all := map[string][]byte{}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				b := fmt.Appendf(nil, "%d/%d", w, i)
				name := put(t, s, b)
				mu.Lock()
				all[name] = b
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(all) != workers*each {
		t.Fatalf("%d names for %d blobs", len(all), workers*each)
	}
	for name, b := range all {
		if got, err := get(s, name); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func blobRoom(t *testing.T, s gateway.Blobs) {
	if n, err := s.Room(t.Context()); err != nil || n <= 0 {
		t.Errorf("room: %d, %v", n, err)
	}
}

// blobModel plays puts, deletes and reopenings against a map.
func blobModel(t *rapid.T, parent string, open OpenBlobs) {
	dir, err := os.MkdirTemp(parent, "model")
	if err != nil {
		t.Fatal(err)
	}
	reopen := func() gateway.Blobs {
		s, err := open(filepath.Join(dir, "blobs"))
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		return s
	}
	s, model := reopen(), map[string][]byte{}
	defer func() { closeIt(t, s) }()
	one := func(t *rapid.T) string {
		if len(model) == 0 {
			t.Skip("no blobs yet")
		}
		return rapid.SampledFrom(slices.Sorted(maps.Keys(model))).Draw(t, "blob")
	}
	t.Repeat(map[string]func(*rapid.T){
		"put": func(t *rapid.T) {
			b := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "content")
			model[put(t, s, b)] = b
		},
		"delete": func(t *rapid.T) {
			name := one(t)
			if err := s.Delete(context.Background(), name); err != nil {
				t.Fatal(err)
			}
			delete(model, name)
		},
		"open": func(t *rapid.T) {
			name := one(t)
			if b, err := get(s, name); err != nil || !bytes.Equal(b, model[name]) {
				t.Fatalf("%s: %q, %v", name, b, err)
			}
		},
		"reopen": func(t *rapid.T) { closeIt(t, s); s = reopen() },
		"walk": func(t *rapid.T) {
			if got := walked(t, s); !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(model))) {
				t.Fatalf("walked %v, want %v", got, model)
			}
		},
	})
}
