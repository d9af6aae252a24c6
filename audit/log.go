package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// MaxBatch is the most events one Append takes.
const MaxBatch = 1024

// Errors that a caller of a Writer may branch on.
var (
	// ErrDamaged says that the files contradict their own checkpoints in a way
	// that no crash explains. The log MUST be kept as it is and verified; a new
	// one is begun in another directory.
	ErrDamaged = errors.New("audit log is damaged")
	// ErrConflict says that an event with this id is in the log with other
	// content: the ledger row was changed after it was logged.
	ErrConflict = errors.New("event differs from the logged one of the same id")
	// ErrFull says that the disk is full and the ballast is spent. Nothing was
	// appended; appending works again once there is room for a new ballast.
	ErrFull = errors.New("audit log: disk full")
	// ErrClosed says that the Writer was closed.
	ErrClosed = errors.New("audit log is closed")
)

// Options configure a Writer.
type Options struct {
	Signer   note.Signer    // the log key; its name is the origin
	Keys     Keys           // public keys that signed this log, Signer's among them
	Location *time.Location // where months begin; nil is UTC+9, the time of Japan
	Ballast  int64          // bytes kept in reserve, 64 KiB to 1 MiB; 0 is 256 KiB

	remember int // records known by id; 0 is recentRecords
	stretch  int // records of an index file; 0 is indexRecords
}

// Recovery tells what Open found and mended after a crash.
type Recovery struct {
	Segment     string // month of the segment whose end was cut off
	TornBytes   int64  // bytes cut off it; they never were acknowledged
	TailRecords int64  // records found after the last checkpoint, now in the tree
	Rebuilt     bool   // tiles were missing or wrong and were made from the segments
	TornHistory int64  // bytes cut off the checkpoint history
}

// Writer appends to a log. It is the only one to do so, which a lock file
// enforces. Its methods may be called by several goroutines.
type Writer struct {
	mu   sync.Mutex
	fs   FS
	opt  Options
	lock io.Closer

	tree     tree
	signed   Checkpoint // the last one published
	recorded int64      // size of the last one in the history
	month    string     // of the open segment, "" before the first record
	segment  *tail
	history  *tail
	histMon  string // month of the open history file
	recent   *recent
	lastTS   time.Time
	full     bool // disk full, ballast spent
	dirs     map[string]bool
	recovery Recovery

	indexing sync.Mutex
	indexed  map[string]bool // months that are closed and have all their index files
}

// Open takes the lock of a log directory, mends what a crash left unfinished and
// returns a Writer at its end. An empty directory becomes a new log. Errors wrap
// ErrLocked, ErrDamaged or ErrKey where these apply.
func Open(ctx context.Context, f FS, o Options) (*Writer, error) {
	if o.Signer == nil || o.Signer.Name() != o.Keys.Origin() {
		return nil, fmt.Errorf("%w: signer missing or not of the log of the public keys", ErrKey)
	}
	if _, err := o.Keys.Verifier(o.Signer.Name(), o.Signer.KeyHash()); err != nil {
		return nil, fmt.Errorf("%w: public key of the signer missing", ErrKey)
	}
	if o.Location == nil {
		o.Location = time.FixedZone("JST", 9*60*60)
	}
	if o.Ballast == 0 {
		o.Ballast = 256 << 10
	}
	if o.Ballast < 64<<10 || o.Ballast > 1<<20 {
		return nil, fmt.Errorf("ballast of %d bytes is not within 64 KiB to 1 MiB", o.Ballast)
	}
	if o.remember == 0 {
		o.remember = recentRecords
	}
	if o.stretch == 0 {
		o.stretch = indexRecords
	}
	lock, err := f.Lock(lockName)
	if err != nil {
		return nil, fmt.Errorf("lock audit log: %w", err)
	}
	w := &Writer{fs: f, opt: o, lock: lock, recent: newRecent(o.remember), dirs: map[string]bool{}, indexed: map[string]bool{}}
	if err := w.open(ctx); err != nil {
		w.closeFiles()
		return nil, errors.Join(fmt.Errorf("open audit log: %w", err), lock.Close())
	}
	return w, nil
}

func (w *Writer) open(ctx context.Context) error {
	for _, dir := range []string{segmentDir, historyDir, tileDir} {
		if err := w.mkdir(dir); err != nil {
			return err
		}
	}
	if err := w.load(ctx); err != nil {
		return err
	}
	return w.fillBallast()
}

// mkdir makes a directory durable once in the life of the Writer.
func (w *Writer) mkdir(name string) error {
	if w.dirs[name] {
		return nil
	}
	if err := makeDirs(w.fs, name); err != nil {
		return err
	}
	w.dirs[name] = true
	return nil
}

// Size returns the number of records in the log. The next record gets this as
// its sequence number.
func (w *Writer) Size() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tree.size
}

// LastTime returns the time of the last record, zero in an empty log.
func (w *Writer) LastTime() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lastTS
}

// Signed returns the last published checkpoint; its Size is 0 before the first.
func (w *Writer) Signed() Checkpoint {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.signed
}

// Recovery tells what Open had to mend.
func (w *Writer) Recovery() Recovery {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.recovery
}

// Close gives up files and lock. It does not sign; call Checkpoint before.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lock == nil {
		return nil
	}
	err := errors.Join(w.closeFiles(), w.lock.Close())
	w.lock = nil
	return err
}

func (w *Writer) closeFiles() error {
	return errors.Join(w.segment.close(), w.history.close())
}

// tail is a file that only grows, by whole synced pieces.
type tail struct {
	f     File
	size  int64 // bytes known to be durable
	dirty bool  // there may be bytes after size
}

// openTail opens a file for appending and makes its directory entry durable.
// What stands after size is cut off.
func openTail(f FS, name string, size int64, cut bool) (*tail, error) {
	file, err := f.Append(name)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	t := &tail{f: file, size: size, dirty: cut}
	if err := t.rollback(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if err := f.SyncDir(path.Dir(name)); err != nil {
		return nil, errors.Join(fmt.Errorf("sync directory of %s: %w", name, err), file.Close())
	}
	return t, nil
}

// add appends b and syncs. On an error nothing counts as appended: what may
// have reached the file is cut off now or before the next piece. A failed sync
// leaves pages that the kernel may drop, so they must not be counted on.
func (t *tail) add(b []byte) error {
	if err := t.rollback(); err != nil {
		return err
	}
	t.dirty = true
	_, err := t.f.Write(b)
	if err == nil {
		err = t.f.Sync()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("append: %w", err), t.rollback())
	}
	t.size += int64(len(b))
	t.dirty = false
	return nil
}

// rollback cuts the file to its durable size if there may be more.
func (t *tail) rollback() error {
	if !t.dirty {
		return nil
	}
	if err := t.f.Truncate(t.size); err != nil {
		return fmt.Errorf("cut off unfinished end: %w", err)
	}
	if err := t.f.Sync(); err != nil {
		return fmt.Errorf("sync after cutting off: %w", err)
	}
	t.dirty = false
	return nil
}

func (t *tail) close() error {
	if t == nil || t.f == nil {
		return nil
	}
	err := t.f.Close()
	t.f = nil
	return err
}
