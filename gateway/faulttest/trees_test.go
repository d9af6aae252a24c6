package faulttest

import (
	"bytes"
	"io"
	iofs "io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing/fstest"
	"time"

	"sekisho/audit"
	"sekisho/gateway/store/fs"
)

// blobTree is the part of a disk that a blob store works on.
type blobTree struct {
	d    *disk
	root string
	free func() (int64, error)
}

var _ fs.FS = blobTree{}

func (b blobTree) at(name string) string     { return path.Join(b.root, name) }
func (b blobTree) Mkdir(name string) error   { return b.d.mkdir(b.at(name)) }
func (b blobTree) Remove(name string) error  { return b.d.remove(b.at(name)) }
func (b blobTree) SyncDir(name string) error { return b.d.syncDir(b.at(name)) }
func (b blobTree) Close() error              { return nil }

func (b blobTree) Create(name string) (fs.File, error) {
	return b.d.openFile("create", b.at(name), true, true)
}

func (b blobTree) Abandoned(name string) (bool, error) {
	b.d.mu.Lock()
	defer b.d.mu.Unlock()
	n := b.d.now[b.at(name)]
	if n == nil {
		return false, iofs.ErrNotExist
	}
	return !n.open, nil
}

func (b blobTree) Open(name string) (io.ReadCloser, error) {
	data, err := b.d.read(b.at(name))
	if err != nil {
		return nil, err
	}
	n, f := b.d.begin("open " + b.at(name))
	b.d.end(n)
	if f != none {
		return nil, b.d.err
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (b blobTree) Link(from, to string) error {
	from, to = b.at(from), b.at(to)
	return b.d.op("link "+from+" "+to, func() error {
		if err := b.d.parent(to); err != nil {
			return err
		}
		if b.d.now[from] == nil {
			return iofs.ErrNotExist
		}
		if b.d.now[to] != nil {
			return iofs.ErrExist
		}
		b.d.now[to] = b.d.now[from]
		return nil
	}, nil)
}

func (b blobTree) ReadDir(name string) ([]iofs.FileInfo, error) {
	return b.d.readDir(b.at(name))
}

func (b blobTree) Free() (int64, error) {
	if b.free != nil {
		return b.free()
	}
	return 1 << 40, nil
}

// readDir lists a directory.
func (d *disk) readDir(p string) ([]iofs.FileInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := d.now[p]; n == nil || !n.dir {
		return nil, &iofs.PathError{Op: "open", Path: p, Err: iofs.ErrNotExist}
	}
	var infos []iofs.FileInfo
	for _, q := range slices.Sorted(maps.Keys(d.now)) {
		if path.Dir(q) == p {
			infos = append(infos, info{path.Base(q), d.now[q].file()})
		}
	}
	return infos, nil
}

func (n *inode) file() *fstest.MapFile {
	if n.dir {
		return &fstest.MapFile{Mode: iofs.ModeDir | 0o700, ModTime: n.modified}
	}
	return &fstest.MapFile{Data: bytes.Clone(n.data), Mode: 0o600, ModTime: n.modified}
}

// info is a FileInfo of a MapFile.
type info struct {
	name string
	f    *fstest.MapFile
}

func (i info) Name() string        { return i.name }
func (i info) Size() int64         { return int64(len(i.f.Data)) }
func (i info) Mode() iofs.FileMode { return i.f.Mode }
func (i info) IsDir() bool         { return i.f.Mode.IsDir() }
func (i info) Sys() any            { return nil }

func (i info) ModTime() time.Time { return i.f.ModTime }

// logTree is the part of a disk that the audit log works on. Reading is not
// counted.
type logTree struct {
	d    *disk
	root string
}

var _ audit.FS = logTree{}

func (l logTree) at(name string) string     { return path.Join(l.root, name) }
func (l logTree) Mkdir(name string) error   { return l.d.mkdir(l.at(name)) }
func (l logTree) Remove(name string) error  { return l.d.remove(l.at(name)) }
func (l logTree) SyncDir(name string) error { return l.d.syncDir(l.at(name)) }

func (l logTree) Append(name string) (audit.File, error) {
	return l.d.openFile("append", l.at(name), false, false)
}

func (l logTree) Create(name string) (audit.File, error) {
	return l.d.openFile("create", l.at(name), false, true)
}

func (l logTree) Rename(from, to string) error {
	from, to = l.at(from), l.at(to)
	return l.d.op("rename "+from+" "+to, func() error {
		if l.d.now[from] == nil {
			return &iofs.PathError{Op: "rename", Path: from, Err: iofs.ErrNotExist}
		}
		l.d.now[to] = l.d.now[from]
		delete(l.d.now, from)
		return nil
	}, nil)
}

// Lock takes no lock: the tests open one log at a time.
func (l logTree) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

func (l logTree) Open(name string) (iofs.File, error) {
	if !iofs.ValidPath(name) {
		return nil, &iofs.PathError{Op: "open", Path: name, Err: iofs.ErrInvalid}
	}
	return l.view(name).Open(name)
}

// view is the entry name and, of a directory, its entries.
func (l logTree) view(name string) fstest.MapFS {
	l.d.mu.Lock()
	defer l.d.mu.Unlock()
	view := fstest.MapFS{}
	n := l.d.now[l.at(name)]
	if n == nil {
		return view
	}
	if !n.dir {
		view[name] = n.file()
		return view
	}
	for p, c := range l.d.now {
		if path.Dir(p) == l.at(name) {
			view[strings.TrimPrefix(p, l.root+"/")] = c.file()
		}
	}
	if len(view) == 0 && name != "." {
		view[name] = n.file()
	}
	return view
}
