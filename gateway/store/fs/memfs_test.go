package fs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"maps"
	"path"
	"slices"
	"sync"
	"testing/fstest"
	"time"

	"sekisho/gateway/store/fs"
)

// memFS is a file system that knows what is durable and what is not, and that
// fails at a chosen operation.
type memFS struct {
	mu   sync.Mutex
	dirs map[string]*memDir

	ops   []string // every operation that could fail, in order
	fails map[int]fault
	err   error // what failing operations return
}

// fault says whether a failing operation has its effect all the same.
type fault int

const (
	without fault = iota + 1
	with
)

type memDir struct {
	now, durable map[string]*memFile // nil file: a directory
}

type memFile struct {
	now, durable []byte
	open         bool
	modified     time.Time
}

func newMemFS() *memFS {
	return &memFS{dirs: map[string]*memDir{".": newMemDir()}, fails: map[int]fault{}, err: errors.New("injected")}
}

func newMemDir() *memDir { return &memDir{now: map[string]*memFile{}, durable: map[string]*memFile{}} }

// op counts an operation and runs effect unless it is to fail without.
func (m *memFS) op(effect func() error, format string, args ...any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ops = append(m.ops, fmt.Sprintf(format, args...))
	f := m.fails[len(m.ops)]
	if f == without {
		return m.err
	}
	err := effect()
	if f == with {
		return m.err
	}
	return err
}

// crash returns the disk as it may be found after a power loss: names kept or
// back at the last directory sync, bytes kept or back at the last file sync.
func (m *memFS) crash(keepNames, keepBytes bool) *memFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := newMemFS()
	var copyDir func(name string)
	copyDir = func(name string) {
		entries := m.dirs[name].durable
		if keepNames {
			entries = m.dirs[name].now
		}
		d := newMemDir()
		for n, f := range entries {
			if f == nil {
				d.now[n], d.durable[n] = nil, nil
				copyDir(path.Join(name, n))
				continue
			}
			b := f.durable
			if keepBytes {
				b = f.now
			}
			g := &memFile{now: slices.Clone(b), durable: slices.Clone(b), modified: f.modified}
			d.now[n], d.durable[n] = g, g
		}
		c.dirs[name] = d
	}
	copyDir(".")
	return c
}

// list returns all present files.
func (m *memFS) list() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for dir, d := range m.dirs {
		for n, f := range d.now {
			if f != nil {
				names = append(names, path.Join(dir, n))
			}
		}
	}
	slices.Sort(names)
	return names
}

// at returns the directory of name and its last element. m.mu is held.
func (m *memFS) at(name string) (*memDir, string, error) {
	d := m.dirs[path.Dir(name)]
	if d == nil {
		return nil, "", iofs.ErrNotExist
	}
	return d, path.Base(name), nil
}

func (m *memFS) file(name string) (*memFile, error) {
	d, base, err := m.at(name)
	if err != nil || d.now[base] == nil {
		return nil, iofs.ErrNotExist
	}
	return d.now[base], nil
}

func (m *memFS) add(name string, f *memFile) error {
	d, base, err := m.at(name)
	if err != nil {
		return err
	}
	if _, ok := d.now[base]; ok {
		return iofs.ErrExist
	}
	d.now[base] = f
	return nil
}

func (m *memFS) Mkdir(name string) error {
	return m.op(func() error {
		if err := m.add(name, nil); err != nil {
			return err
		}
		m.dirs[name] = newMemDir()
		return nil
	}, "mkdir %s", name)
}

func (m *memFS) Create(name string) (fs.File, error) {
	f := &memFile{open: true, modified: time.Unix(1000, 0)}
	if err := m.op(func() error { return m.add(name, f) }, "create %s", name); err != nil {
		f.open = false
		return nil, err
	}
	return &memHandle{m, f, name}, nil
}

func (m *memFS) Abandoned(name string) (bool, error) {
	var open bool
	err := m.op(func() error {
		f, err := m.file(name)
		if err == nil {
			open = f.open
		}
		return err
	}, "abandoned %s", name)
	return !open, err
}

func (m *memFS) Open(name string) (io.ReadCloser, error) {
	var b []byte
	err := m.op(func() error {
		f, err := m.file(name)
		if err == nil {
			b = slices.Clone(f.now)
		}
		return err
	}, "open %s", name)
	return io.NopCloser(bytes.NewReader(b)), err
}

func (m *memFS) Link(from, to string) error {
	return m.op(func() error {
		f, err := m.file(from)
		if err != nil {
			return err
		}
		return m.add(to, f)
	}, "link %s %s", from, to)
}

func (m *memFS) Remove(name string) error {
	return m.op(func() error {
		if _, err := m.file(name); err != nil {
			return err
		}
		delete(m.dirs[path.Dir(name)].now, path.Base(name))
		return nil
	}, "remove %s", name)
}

func (m *memFS) SyncDir(name string) error {
	return m.op(func() error {
		d := m.dirs[name]
		if d == nil {
			return iofs.ErrNotExist
		}
		d.durable = maps.Clone(d.now)
		return nil
	}, "syncdir %s", name)
}

func (m *memFS) ReadDir(name string) ([]iofs.FileInfo, error) {
	var infos []iofs.FileInfo
	err := m.op(func() error {
		d := m.dirs[name]
		if d == nil {
			return iofs.ErrNotExist
		}
		for _, n := range slices.Sorted(maps.Keys(d.now)) {
			infos = append(infos, infoOf(n, d.now[n]))
		}
		return nil
	}, "readdir %s", name)
	return infos, err
}

func infoOf(name string, f *memFile) iofs.FileInfo {
	file := &fstest.MapFile{Mode: iofs.ModeDir}
	if f != nil {
		file = &fstest.MapFile{Data: f.now, ModTime: f.modified}
	}
	info, _ := fstest.MapFS{name: file}.Stat(name) // cannot fail
	return info
}

func (m *memFS) Free() (int64, error) { return 1 << 30, nil }
func (m *memFS) Close() error         { return nil }

type memHandle struct {
	m    *memFS
	f    *memFile
	name string
}

func (h *memHandle) Write(p []byte) (int, error) {
	err := h.m.op(func() error { h.f.now = append(h.f.now, p...); return nil }, "write %s", h.name)
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

func (h *memHandle) Sync() error {
	return h.m.op(func() error { h.f.durable = slices.Clone(h.f.now); return nil }, "sync %s", h.name)
}

func (h *memHandle) Close() error {
	return h.m.op(func() error { h.f.open = false; return nil }, "close %s", h.name)
}
