package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"sync"
	"testing/fstest"
)

// disk is an FS in memory that knows what was synced. It can fail its n-th
// operation, fail for good from then on, and lose what a power cut may lose.
type disk struct {
	mu     sync.Mutex
	now    map[string]*inode // what programs see
	synced map[string]*inode // which entries a power cut keeps
	locked bool
	ops    int
	failAt int // operation to fail, 0 for none
	dead   bool
	dies   bool  // after failAt every operation fails
	err    error // what failing operations return
	room   int   // bytes that fit on the disk, 0 for no limit
}

type inode struct {
	dir          bool
	data, synced []byte
}

var errDisk = errors.New("disk failure on purpose")

func newDisk() *disk {
	return &disk{now: map[string]*inode{}, synced: map[string]*inode{}, err: errDisk}
}

// step counts a changing operation and says whether it fails.
func (d *disk) step() error {
	d.ops++
	if d.dead {
		return d.err
	}
	if d.ops == d.failAt {
		d.dead = d.dies
		return d.err
	}
	return nil
}

func (d *disk) Open(name string) (fs.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	view := fstest.MapFS{}
	n, ok := d.now[name]
	switch {
	case name == "." || ok && n.dir:
		for p, c := range d.now {
			if path.Dir(p) == name {
				view[p] = mapFile(c)
			}
		}
		if ok && len(view) == 0 {
			view[name] = mapFile(n)
		}
	case ok:
		view[name] = mapFile(n)
	}
	return view.Open(name)
}

func mapFile(n *inode) *fstest.MapFile {
	if n.dir {
		return &fstest.MapFile{Mode: fs.ModeDir | 0o755}
	}
	return &fstest.MapFile{Data: bytes.Clone(n.data), Mode: 0o644}
}

func (d *disk) Append(name string) (File, error) { return d.open(name, false) }
func (d *disk) Create(name string) (File, error) { return d.open(name, true) }

func (d *disk) open(name string, empty bool) (File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step(); err != nil {
		return nil, err
	}
	if dir := path.Dir(name); dir != "." && (d.now[dir] == nil || !d.now[dir].dir) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	n := d.now[name]
	if n == nil {
		n = &inode{}
		d.now[name] = n
	}
	if empty {
		n.data = nil
	}
	return &diskFile{d, n}, nil
}

func (d *disk) Mkdir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step(); err != nil {
		return err
	}
	if d.now[name] != nil {
		return &fs.PathError{Op: "mkdir", Path: name, Err: fs.ErrExist}
	}
	if dir := path.Dir(name); dir != "." && d.now[dir] == nil {
		return &fs.PathError{Op: "mkdir", Path: name, Err: fs.ErrNotExist}
	}
	d.now[name] = &inode{dir: true}
	return nil
}

func (d *disk) Rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step(); err != nil {
		return err
	}
	if d.now[from] == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	d.now[to] = d.now[from]
	delete(d.now, from)
	return nil
}

func (d *disk) Remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step(); err != nil {
		return err
	}
	if d.now[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	for p := range d.now {
		if path.Dir(p) == name {
			return &fs.PathError{Op: "remove", Path: name, Err: errors.New("directory not empty")}
		}
	}
	delete(d.now, name)
	return nil
}

func (d *disk) SyncDir(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step(); err != nil {
		return err
	}
	for p := range d.synced {
		if path.Dir(p) == name && d.now[p] == nil {
			delete(d.synced, p)
		}
	}
	for p, n := range d.now {
		if path.Dir(p) == name {
			d.synced[p] = n
		}
	}
	return nil
}

func (d *disk) Lock(string) (io.Closer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.locked {
		return nil, ErrLocked
	}
	d.locked = true
	return unlock{d}, nil
}

type unlock struct{ d *disk }

func (u unlock) Close() error {
	u.d.mu.Lock()
	defer u.d.mu.Unlock()
	u.d.locked = false
	return nil
}

type diskFile struct {
	d *disk
	n *inode
}

func (f *diskFile) Write(b []byte) (int, error) {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.step(); err != nil {
		f.n.data = append(f.n.data, b[:len(b)/2]...)
		return len(b) / 2, err
	}
	if fits := f.d.fits(); f.d.room > 0 && len(b) > fits {
		f.n.data = append(f.n.data, b[:fits]...)
		return fits, fmt.Errorf("write: %w", f.d.err)
	}
	f.n.data = append(f.n.data, b...)
	return len(b), nil
}

// fits returns the bytes of room left.
func (d *disk) fits() int {
	left := d.room
	for _, n := range d.now {
		left -= len(n.data)
	}
	return max(left, 0)
}

func (f *diskFile) Truncate(size int64) error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.step(); err != nil {
		return err
	}
	f.n.data = bytes.Clone(f.n.data[:size])
	return nil
}

func (f *diskFile) Sync() error {
	f.d.mu.Lock()
	defer f.d.mu.Unlock()
	if err := f.d.step(); err != nil {
		return err
	}
	f.n.synced = bytes.Clone(f.n.data)
	return nil
}

func (f *diskFile) Close() error { return nil }

// crash returns the disk after a power cut: for each entry and each file that was
// not synced, choose(n) in 0 to n-1 picks what is left of it. A nil choose keeps
// only what was synced.
func (d *disk) crash(choose func(n int) int) *disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	if choose == nil {
		choose = func(int) int { return 0 }
	}
	after := newDisk()
	names := map[string]bool{}
	for p := range d.now {
		names[p] = true
	}
	for p := range d.synced {
		names[p] = true
	}
	for _, p := range slices.Sorted(maps.Keys(names)) {
		n := d.synced[p]
		if d.now[p] != n && choose(2) == 1 {
			n = d.now[p]
		}
		if dir := path.Dir(p); n == nil || dir != "." && after.now[dir] == nil {
			continue
		}
		left := &inode{dir: n.dir, data: n.left(choose)}
		left.synced = bytes.Clone(left.data)
		after.now[p], after.synced[p] = left, left
	}
	return after
}

// left returns what a power cut leaves of a file.
func (n *inode) left(choose func(int) int) []byte {
	if bytes.Equal(n.data, n.synced) {
		return bytes.Clone(n.data)
	}
	more, grew := bytes.CutPrefix(n.data, n.synced)
	switch pick := choose(4); {
	case pick == 0:
		return bytes.Clone(n.synced)
	case pick == 1 || !grew:
		return bytes.Clone(n.data)
	case pick == 2: // the beginning of what was written
		return append(bytes.Clone(n.synced), more[:choose(len(more)+1)]...)
	default: // pages written out of order: zeros, then the rest
		hole := choose(len(more) + 1)
		return slices.Concat(n.synced, make([]byte, hole), more[hole:])
	}
}

// clone returns a copy of what programs see, all of it synced.
func (d *disk) clone() *disk { return d.crash(func(n int) int { return min(1, n-1) }) }

// write replaces a file, as an attacker would.
func (d *disk) write(name string, data []byte) {
	n := &inode{data: bytes.Clone(data), synced: bytes.Clone(data)}
	d.now[name], d.synced[name] = n, n
}

func (d *disk) read(name string) []byte { return bytes.Clone(d.now[name].data) }
