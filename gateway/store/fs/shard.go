package fs

import (
	"encoding/hex"
	"errors"
	"fmt"
	iofs "io/fs"
	"sync"
)

// shardSize is how many blobs are put into one directory before another is
// drawn. Blobs that are stored at the same time thus share a directory, and
// their Puts share its syncs; 65,536 directories keep each one small.
const shardSize = 256

// shard is the directory that Puts presently go to. Its prefix is random, so
// all 128 bits of a name are, though the first 16 stay for shardSize names.
type shard struct {
	prefix [2]byte
	left   int // names still to be drawn; guarded by Store.mu

	mu   sync.Mutex
	made bool // the directory and its parent are durable

	sync group
}

// dirs returns the outer and the inner directory.
func (sh *shard) dirs() (outer, inner string) {
	h := hex.EncodeToString(sh.prefix[:])
	return h[:2], h[:2] + "/" + h[2:]
}

// publish links a synced file under its final name and makes the name durable.
// When that fails the name is taken away again.
func (sh *shard) publish(files FS, temp, name string) error {
	if err := sh.make(files); err != nil {
		return err
	}
	_, dir := sh.dirs()
	path := dir + "/" + name
	// Link, unlike rename, never replaces a file, even if random repeats itself.
	if err := files.Link(temp, path); err != nil {
		if !errors.Is(err, iofs.ErrExist) {
			files.Remove(path)
		}
		return fmt.Errorf("link %s: %w", path, err)
	}
	if err := sh.sync.do(func() error { return files.SyncDir(dir) }); err != nil {
		files.Remove(path)
		return fmt.Errorf("sync directory %s: %w", dir, err)
	}
	return nil
}

// make creates both directories. An existing one is synced as well: the
// process that made it may have died before it could.
func (sh *shard) make(files FS) error {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.made {
		return nil
	}
	outer, inner := sh.dirs()
	if err := makeDir(files, outer); err != nil {
		return err
	}
	if err := makeDir(files, inner); err != nil {
		return err
	}
	sh.made = true
	return nil
}

// group lets concurrent callers share one run of an expensive step. A caller
// is served only by a run that began after it called.
type group struct {
	mu   sync.Mutex
	next *run // not begun; more callers may join
	turn sync.Mutex
}

type run struct {
	done chan struct{}
	err  error // valid once done is closed
}

// do returns the result of a run of step that began after do was called.
func (g *group) do(step func() error) error {
	g.mu.Lock()
	if r := g.next; r != nil {
		g.mu.Unlock()
		<-r.done
		return r.err
	}
	r := &run{done: make(chan struct{}), err: errors.New("sync did not end")}
	g.next = r
	g.mu.Unlock()

	g.turn.Lock() // the run before us, if any, ends first; meanwhile others join
	defer g.turn.Unlock()
	defer close(r.done)
	g.mu.Lock()
	g.next = nil
	g.mu.Unlock()
	r.err = step()
	return r.err
}
