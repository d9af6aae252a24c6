package faulttest

import (
	"bytes"
	"errors"
	"fmt"
	iofs "io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// disk is a disk in memory. It knows what a power cut would leave, counts the
// operations of everybody who works on it, and fails those it is told to.
type disk struct {
	mu     sync.Mutex
	now    map[string]*inode // what programs see, by path
	synced map[string]*inode // what a power cut leaves
	ops    []string          // in order; what the ledger did is among them
	plan   func(n int, op string) fault
	after  func(n int) // called behind each operation, without the lock
	err    error       // what failing operations return
	clock  func() time.Time
	full   string // directory below which there is no more room than
	room   int    // bytes
}

type inode struct {
	dir          bool
	data, synced []byte
	open         bool
	modified     time.Time
}

// fault says what happens to an operation.
type fault int

const (
	none    fault = iota
	without       // it fails and has no effect
	with          // it has its effect and reports an error all the same
	half          // of a write; without for any other
)

var errFault = errors.New("a fault on purpose")

func newDisk(clock func() time.Time) *disk {
	d := &disk{now: map[string]*inode{}, synced: map[string]*inode{}, err: errFault, clock: clock}
	for _, root := range []string{"originals", "outbox", "audit"} {
		n := &inode{dir: true}
		d.now[root], d.synced[root] = n, n
	}
	return d
}

// op counts an operation and runs effect under the fault that the plan has for
// it. cut is the effect of half of it, nil for none.
func (d *disk) op(name string, effect, cut func() error) error {
	n, f := d.begin(name)
	err := d.err
	d.mu.Lock()
	switch {
	case f == half && cut != nil:
		cut()
	case f == with:
		effect()
	case f == none:
		err = effect()
	}
	d.mu.Unlock()
	d.end(n)
	return err
}

func (d *disk) begin(name string) (int, fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ops = append(d.ops, name)
	if d.plan == nil {
		return len(d.ops), none
	}
	return len(d.ops), d.plan(len(d.ops), name)
}

// end calls the hook; rename, if given, is what the operation turned out to be.
func (d *disk) end(n int) {
	d.mu.Lock()
	after := d.after
	d.mu.Unlock()
	if after != nil {
		after(n)
	}
}

func (d *disk) called(n int, name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ops[n-1] = name
}

func (d *disk) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.ops)
}

// log returns the operations with blob names as blob1, blob2 …
func (d *disk) log() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	name, shard := regexp.MustCompile(`[0-9a-f]{32}`), regexp.MustCompile(` (originals|outbox)/[0-9a-f]{2}(/[0-9a-f]{2})?\b`)
	seen := map[string]string{}
	var out []string
	for _, op := range d.ops {
		op = name.ReplaceAllStringFunc(op, func(s string) string {
			if seen[s] == "" {
				seen[s] = fmt.Sprintf("blob%d", len(seen)+1)
			}
			return seen[s]
		})
		out = append(out, shard.ReplaceAllStringFunc(op, func(s string) string {
			if strings.Count(s, "/") == 1 {
				return s[:strings.Index(s, "/")] + "/ab"
			}
			return s[:strings.Index(s, "/")] + "/ab/cd"
		}))
	}
	return out
}

// crash returns the disk as a power cut may leave it: choose(n), in 0 to n-1,
// picks what is left of each entry and each file that was not synced. A nil
// choose keeps only what was synced.
func (d *disk) crash(choose func(n int) int) *disk {
	if choose == nil {
		choose = func(int) int { return 0 }
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	c := newDisk(d.clock)
	names := maps.Clone(d.synced)
	maps.Copy(names, d.now)
	copies := map[*inode]*inode{} // a file with two names stays one
	for _, p := range slices.Sorted(maps.Keys(names)) {
		n := d.synced[p]
		if d.now[p] != n && choose(2) == 1 {
			n = d.now[p]
		}
		if parent := path.Dir(p); n == nil || parent != "." && c.now[parent] == nil {
			continue
		}
		if copies[n] == nil {
			data := n.left(choose)
			copies[n] = &inode{dir: n.dir, data: data, synced: bytes.Clone(data), modified: n.modified}
		}
		c.now[p], c.synced[p] = copies[n], copies[n]
	}
	return c
}

// left returns what a power cut leaves of a file.
func (n *inode) left(choose func(int) int) []byte {
	more, grew := bytes.CutPrefix(n.data, n.synced)
	if grew && len(more) == 0 {
		return bytes.Clone(n.data)
	}
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

// all is a choice that keeps everything, as after the end of a process.
func all(n int) int { return min(1, n-1) }

// parent checks that the directory of p is there. d.mu is held.
func (d *disk) parent(p string) error {
	if n := d.now[path.Dir(p)]; n == nil || !n.dir {
		return &iofs.PathError{Op: "open", Path: p, Err: iofs.ErrNotExist}
	}
	return nil
}

func (d *disk) mkdir(p string) error {
	return d.op("mkdir "+p, func() error {
		if err := d.parent(p); err != nil {
			return err
		}
		if d.now[p] != nil {
			return &iofs.PathError{Op: "mkdir", Path: p, Err: iofs.ErrExist}
		}
		d.now[p] = &inode{dir: true, modified: d.clock()}
		return nil
	}, nil)
}

func (d *disk) remove(p string) error {
	return d.op("remove "+p, func() error {
		if d.now[p] == nil {
			return &iofs.PathError{Op: "remove", Path: p, Err: iofs.ErrNotExist}
		}
		delete(d.now, p)
		return nil
	}, nil)
}

func (d *disk) syncDir(p string) error {
	return d.op("syncdir "+p, func() error {
		if n := d.now[p]; n == nil || !n.dir {
			return &iofs.PathError{Op: "sync", Path: p, Err: iofs.ErrNotExist}
		}
		for q := range d.synced {
			if path.Dir(q) == p && d.now[q] == nil {
				delete(d.synced, q)
			}
		}
		for q, n := range d.now {
			if path.Dir(q) == p {
				d.synced[q] = n
			}
		}
		return nil
	}, nil)
}

// openFile opens a file for writing. exclusive: it must not be there; empty: it
// is emptied.
func (d *disk) openFile(op, p string, exclusive, empty bool) (*handle, error) {
	var n *inode
	err := d.op(op+" "+p, func() error {
		if err := d.parent(p); err != nil {
			return err
		}
		n = d.now[p]
		if n != nil && exclusive {
			return &iofs.PathError{Op: "create", Path: p, Err: iofs.ErrExist}
		}
		if n == nil {
			n = &inode{}
			d.now[p] = n
		}
		n.modified = d.clock()
		if empty {
			n.data = nil
		}
		n.open = true
		return nil
	}, nil)
	if err != nil {
		if n != nil {
			d.mu.Lock()
			n.open = false
			d.mu.Unlock()
		}
		return nil, err
	}
	return &handle{d, n, p}, nil
}

// read returns a file's bytes.
func (d *disk) read(p string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.now[p]
	if n == nil || n.dir {
		return nil, &iofs.PathError{Op: "open", Path: p, Err: iofs.ErrNotExist}
	}
	return bytes.Clone(n.data), nil
}

// handle is a file open for writing.
type handle struct {
	d *disk
	n *inode
	p string
}

func (h *handle) Write(b []byte) (int, error) {
	n := 0
	err := h.d.op("write "+h.p, func() error {
		n = h.d.fits(h.p, len(b))
		h.n.data = append(h.n.data, b[:n]...)
		if n < len(b) {
			return &iofs.PathError{Op: "write", Path: h.p, Err: syscall.ENOSPC}
		}
		return nil
	}, func() error {
		n = len(b) / 2
		h.n.data = append(h.n.data, b[:n]...)
		return nil
	})
	return n, err
}

func (h *handle) Truncate(size int64) error {
	return h.d.op("truncate "+h.p, func() error { h.n.data = bytes.Clone(h.n.data[:size]); return nil }, nil)
}

func (h *handle) Sync() error {
	return h.d.op("sync "+h.p, func() error { h.n.synced = bytes.Clone(h.n.data); return nil }, nil)
}

func (h *handle) Close() error {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	h.n.open = false
	return nil
}
