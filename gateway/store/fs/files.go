package fs

import (
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// FS is the directory of a store, as far as a store needs it. Names are slash
// paths below the directory. DirFS gives the real one; tests give one that
// fails at a chosen operation and forgets what was not synced.
type FS interface {
	// Mkdir makes a directory, mode 0700; an existing one is fs.ErrExist.
	Mkdir(name string) error
	// Create creates a file, mode 0600, and locks it until it is closed; an
	// existing one is fs.ErrExist.
	Create(name string) (File, error)
	// Abandoned reports whether a file is locked by nobody.
	Abandoned(name string) (bool, error)
	Open(name string) (io.ReadCloser, error)
	// Link gives a file a second name; an existing one is fs.ErrExist.
	Link(from, to string) error
	Remove(name string) error
	// SyncDir makes the entries of a directory durable.
	SyncDir(name string) error
	// ReadDir lists a directory in the order of names. Entries that vanish
	// meanwhile are left out.
	ReadDir(name string) ([]iofs.FileInfo, error)
	// Free returns the bytes that may still be written.
	Free() (int64, error)
	Close() error
}

// File is a file being written.
type File interface {
	io.WriteCloser
	// Sync makes the bytes of the file durable.
	Sync() error
}

// dirFS is an FS on a real directory; os.Root keeps every name inside it.
type dirFS struct {
	root *os.Root
}

// DirFS opens dir as an FS and makes it, mode 0700, if it does not exist.
func DirFS(dir string) (FS, error) {
	dir = filepath.Clean(dir)
	switch err := os.Mkdir(dir, 0o700); {
	case err == nil:
		if err := syncPath(filepath.Dir(dir)); err != nil {
			return nil, full(fmt.Errorf("sync parent of %s: %w", dir, err))
		}
	case !errors.Is(err, iofs.ErrExist):
		return nil, full(fmt.Errorf("make blob directory: %w", err))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open blob directory: %w", err)
	}
	return dirFS{root}, nil
}

func (d dirFS) Mkdir(name string) error { return d.root.Mkdir(name, 0o700) }

func (d dirFS) Create(name string) (File, error) {
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		d.root.Remove(name)
		return nil, errors.Join(fmt.Errorf("lock: %w", err), f.Close())
	}
	return f, nil
}

func (d dirFS) Abandoned(name string) (bool, error) {
	f, err := d.root.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	err = lock(f)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

func (d dirFS) Open(name string) (io.ReadCloser, error) { return d.root.Open(name) }
func (d dirFS) Link(from, to string) error              { return d.root.Link(from, to) }
func (d dirFS) Remove(name string) error                { return d.root.Remove(name) }
func (d dirFS) Close() error                            { return d.root.Close() }

func (d dirFS) SyncDir(name string) error {
	f, err := d.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (d dirFS) ReadDir(name string) ([]iofs.FileInfo, error) {
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.Readdir(-1)
	slices.SortFunc(entries, func(a, b iofs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

func (d dirFS) Free() (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(d.root.Name(), &st); err != nil {
		return 0, fmt.Errorf("statfs: %w", err)
	}
	return int64(st.Bavail) * st.Bsize, nil
}

// lock takes an exclusive advisory lock without waiting. It ends with the open
// file, so also when its process dies.
func lock(f *os.File) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var locked error
	err = c.Control(func(fd uintptr) { locked = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB) })
	return errors.Join(err, locked)
}

func syncPath(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// makeDir makes a directory, if need be, and syncs its parent in any case: the
// process that made it may have died before it could.
func makeDir(files FS, name string) error {
	if err := files.Mkdir(name); err != nil && !errors.Is(err, iofs.ErrExist) {
		return fmt.Errorf("make directory %s: %w", name, err)
	}
	parent := path.Dir(name)
	if err := files.SyncDir(parent); err != nil {
		return fmt.Errorf("sync directory %s: %w", parent, err)
	}
	return nil
}
