package audit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// FS is the directory of a log as its writer needs it. Names are slash paths
// below the directory, as in io/fs. A Dir is the real one; tests give one
// that fails or loses what was not synced.
type FS interface {
	fs.FS
	// Append opens a file for writing at its end and creates it if need be.
	Append(name string) (File, error)
	// Create opens a file for writing, empty.
	Create(name string) (File, error)
	Mkdir(name string) error
	Rename(from, to string) error
	Remove(name string) error
	// SyncDir makes the entries of a directory durable.
	SyncDir(name string) error
	// Lock takes the named lock file for this process alone, without waiting;
	// closing gives it back. The error wraps ErrLocked if another holds it.
	Lock(name string) (io.Closer, error)
}

// File is a file open for writing.
type File interface {
	io.WriteCloser
	Truncate(size int64) error
	Sync() error
}

// ErrLocked says that another process is writing the log.
var ErrLocked = errors.New("audit log is in use by another process")

// Dir is an FS on a real directory. All names are resolved inside it; a symbolic
// link that leads out is refused by os.Root.
type Dir struct {
	fs.FS
	root *os.Root
}

// OpenDir opens a directory, which must exist, as the place of a log. Files are
// made with mode 0640 and directories 0750, so that a group of auditors can read
// them.
func OpenDir(name string) (*Dir, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, fmt.Errorf("open log directory: %w", err)
	}
	return &Dir{root.FS(), root}, nil
}

// Close gives the directory up. Files opened from it stay usable.
func (d *Dir) Close() error { return d.root.Close() }

// Append implements FS.
func (d *Dir) Append(name string) (File, error) {
	return d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
}

// Create implements FS.
func (d *Dir) Create(name string) (File, error) {
	return d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
}

// Mkdir implements FS.
func (d *Dir) Mkdir(name string) error { return d.root.Mkdir(name, 0o750) }

// Rename implements FS.
func (d *Dir) Rename(from, to string) error { return d.root.Rename(from, to) }

// Remove implements FS.
func (d *Dir) Remove(name string) error { return d.root.Remove(name) }

// SyncDir implements FS.
func (d *Dir) SyncDir(name string) error {
	f, err := d.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Lock implements FS. The kernel gives the lock back when the process ends.
func (d *Dir) Lock(name string) (io.Closer, error) {
	f, err := d.root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	if err := lockFile(f); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrLocked, err), f.Close())
	}
	return f, nil
}

// makeDirs creates name and the directories above it, and makes each new entry
// durable. It is idempotent: an entry that a crash may not have kept is synced
// again by the caller that finds it missing.
func makeDirs(f FS, name string) error {
	at := "."
	for part := range strings.SplitSeq(name, "/") {
		next := path.Join(at, part)
		err := f.Mkdir(next)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("make directory %s: %w", next, err)
		}
		if err := f.SyncDir(at); err != nil {
			return fmt.Errorf("sync directory %s: %w", at, err)
		}
		at = next
	}
	return nil
}

// overwrite replaces a file whole or not at all: temporary file, sync, rename,
// sync of the directory.
func overwrite(f FS, name string, data []byte) error {
	temp := name + ".tmp"
	w, err := f.Create(temp)
	if err != nil {
		return fmt.Errorf("create %s: %w", temp, err)
	}
	_, err = w.Write(data)
	if err == nil {
		err = w.Sync()
	}
	if err = errors.Join(err, w.Close()); err != nil {
		// Half a file would go on taking the room that was missing.
		return errors.Join(fmt.Errorf("write %s: %w", temp, err), f.Remove(temp))
	}
	if err := f.Rename(temp, name); err != nil {
		return fmt.Errorf("rename to %s: %w", name, err)
	}
	if err := f.SyncDir(path.Dir(name)); err != nil {
		return fmt.Errorf("sync directory of %s: %w", name, err)
	}
	return nil
}

// errLarge says that a file is longer than any that a Writer makes.
var errLarge = errors.New("longer than the limit")

// readSmall reads a whole file of at most limit bytes; a longer one is an
// error.
func readSmall(f fs.FS, name string, limit int64) ([]byte, error) {
	r, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("read %s: %w of %d bytes", name, errLarge, limit)
	}
	return b, nil
}

// readDir returns the names in a directory.
func readDir(f fs.FS, name string) ([]string, error) {
	entries, err := fs.ReadDir(f, name)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}
