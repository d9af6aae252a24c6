package fs_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"sekisho/gateway"
	"sekisho/gateway/store/fs"
	"sekisho/gateway/store/storetest"
)

func TestSuite(t *testing.T) {
	o := keys(t)
	storetest.Blobs(t, func(dir string) (gateway.Blobs, error) { return fs.Open(dir, o) })
}

func open(t testing.TB, dir string, o fs.Options) *fs.Store {
	t.Helper()
	s, err := fs.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestKeys(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "originals")
	a, b := keys(t), keys(t)
	both := open(t, dir, fs.Options{Recipients: []age.Recipient{a.Recipients[0], b.Recipients[0]}})
	name, err := both.Put(t.Context(), fill([]byte("for two")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := both.Open(t.Context(), name); !errors.Is(err, fs.ErrNoIdentity) {
		t.Errorf("open without identity: %v", err)
	}
	if _, err := open(t, dir, keys(t)).Open(t.Context(), name); !errors.Is(err, fs.ErrNoIdentity) {
		t.Errorf("open with a stranger's identity: %v", err)
	}
	for _, id := range []age.Identity{a.Identities[0], b.Identities[0]} {
		reader := open(t, dir, fs.Options{Identities: []age.Identity{keys(t).Identities[0], id}})
		if got := readAll(t, reader, name); string(got) != "for two" {
			t.Errorf("got %q", got)
		}
		if _, err := reader.Put(t.Context(), fill(nil)); !errors.Is(err, fs.ErrNoRecipient) {
			t.Errorf("put without recipient: %v", err)
		}
	}
}

func TestOnDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "originals")
	s := open(t, dir, keys(t))
	secret := bytes.Repeat([]byte("canary-"), 30000)
	name, err := s.Put(t.Context(), fill(secret))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, name[:2], name[2:4], name)
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, []byte("canary")) {
		t.Error("plain text on disk")
	}
	err = filepath.Walk(dir, func(p string, i os.FileInfo, err error) error {
		if want := map[bool]os.FileMode{true: os.ModeDir | 0o700, false: 0o600}[i.IsDir()]; i.Mode() != want {
			t.Errorf("%s has mode %v", p, i.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	damages := map[string][]byte{
		"cut in the last chunk": raw[:len(raw)-1],
		"cut at a chunk":        raw[:len(raw)-len(raw)%65552],
		"cut in the header":     raw[:20],
		"empty":                 nil,
		"byte changed":          append(bytes.Clone(raw[:len(raw)/2]), append([]byte{raw[len(raw)/2] ^ 1}, raw[len(raw)/2+1:]...)...),
		"byte added":            append(bytes.Clone(raw), 0),
	}
	for what, b := range damages {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := s.Open(t.Context(), name)
		if err == nil {
			_, err = io.Copy(io.Discard, r)
			r.Close()
		}
		if err == nil || errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestSweep opens a second store while a Put of the first one is under way.
func TestSweep(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "originals")
	o := keys(t)
	o.Now = time.Now
	s := open(t, dir, o)
	started, goOn := make(chan string), make(chan struct{})
	result := make(chan error, 1)
	go func() {
		name, err := s.Put(t.Context(), func(w io.Writer) error {
			entries, err := os.ReadDir(filepath.Join(dir, "tmp"))
			if err != nil || len(entries) != 1 {
				return errors.Join(errors.New("no file in tmp"), err)
			}
			started <- entries[0].Name()
			<-goOn
			_, err = io.WriteString(w, "slow")
			return err
		})
		if err == nil && string(readAll(t, s, name)) != "slow" {
			err = errors.New("wrong content")
		}
		result <- err
	}()
	busy := <-started

	old := time.Now().Add(-time.Hour)
	left := strings.Repeat("a", 32)
	fresh := strings.Repeat("b", 32)
	for name, at := range map[string]time.Time{left: old, fresh: old.Add(2 * time.Hour), "README": old, busy: old} {
		file := filepath.Join(dir, "tmp", name)
		if name != busy {
			if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	open(t, dir, fs.Options{Identities: o.Identities}) // a reader must not sweep
	if _, err := os.Stat(filepath.Join(dir, "tmp", left)); err != nil {
		t.Errorf("a reader swept: %v", err)
	}
	open(t, dir, o)
	for name, want := range map[string]bool{left: false, fresh: true, "README": true, busy: true} {
		if _, err := os.Stat(filepath.Join(dir, "tmp", name)); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	close(goOn)
	if err := <-result; err != nil {
		t.Errorf("the Put under way: %v", err)
	}
}

func BenchmarkPut(b *testing.B) {
	for _, size := range []struct {
		name string
		n    int
	}{{"2KB", 2 << 10}, {"1MB", 1 << 20}} {
		for _, par := range []struct {
			name string
			n    int
		}{{"1", 1}, {"10", 10}, {"50", 50}} {
			b.Run(size.name+"/"+par.name, func(b *testing.B) { benchPut(b, make([]byte, size.n), par.n) })
		}
	}
}

func benchPut(b *testing.B, content []byte, workers int) {
	s := open(b, filepath.Join(b.TempDir(), "originals"), keys(b))
	b.SetBytes(int64(len(content)))
	todo := make(chan struct{})
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range todo {
				if _, err := s.Put(b.Context(), fill(content)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for b.Loop() {
		todo <- struct{}{}
	}
	close(todo)
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
}
