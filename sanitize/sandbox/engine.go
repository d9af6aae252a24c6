package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"
)

// Engine is what a class needs that runs an engine: a large library with
// caches and data files of its own. Its workers are started by a starter
// process of their own, from the program that holds the engine; so neither the
// engine nor what it may read is within reach of any other worker.
type Engine struct {
	// Load starts the engine, as Class.Load does for other classes. It gets the
	// directories as this worker sees them, in the order of Dirs, and MUST read
	// all that it will ever need: once the box is shut they are closed. One that
	// is missing on the host is missing here.
	Load func(dirs []string) (Serve, error)
	// Dirs are directories of the host, absolute paths, that a worker may read
	// while it loads. What is put into one later is seen by later workers.
	Dirs []string
	// Await waits until the directories hold what Load needs, or returns an error
	// once they never will. nil is no need to wait.
	Await func(ctx context.Context) error
}

// maxDirs bounds the directories of one class.
const maxDirs = 16

// check reports the first mistake of the caller. A nil Engine has none.
func (e *Engine) check() error {
	switch {
	case e == nil:
		return nil
	case e.Load == nil:
		return errors.New("an engine without Load")
	case len(e.Dirs) > maxDirs:
		return fmt.Errorf("%d directories are too many", len(e.Dirs))
	}
	for _, dir := range e.Dirs {
		if !filepath.IsAbs(dir) || strings.ContainsRune(dir, 0) {
			return fmt.Errorf("directory %q is not an absolute path", dir)
		}
	}
	return nil
}

// load runs the class's own loader.
func (c Class) load(dirs []string) (Serve, error) {
	if c.Engine != nil {
		return c.Engine.Load(dirs)
	}
	return c.Load()
}

// engineStarter starts the workers of one class with an engine. Its starter
// process begins with the first of them.
type engineStarter struct {
	program *os.File // as Pool.program
	dirs    []string

	mu      sync.Mutex
	starts  *starter
	stopped bool
}

// engineStarters opens the program for each class with an engine.
func engineStarters(cfg Config) (map[string]*engineStarter, error) {
	all := map[string]*engineStarter{}
	for name, class := range cfg.Classes {
		if class.Engine == nil {
			continue
		}
		program, err := os.Open(cfg.EngineExe)
		if err != nil {
			for _, e := range all {
				e.stop()
			}
			return nil, fmt.Errorf("open the program of class %s: %w", name, err)
		}
		all[name] = &engineStarter{program: program, dirs: class.Engine.Dirs}
	}
	return all, nil
}

// get returns the starter, with a starter process of the pool's shape.
func (e *engineStarter) get(s shape) (*starter, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		return nil, ErrClosed
	}
	if e.starts == nil {
		st, err := newStarter(pathOf(e.program), s, e.dirs)
		if err != nil {
			return nil, err
		}
		e.starts = st
	}
	return e.starts, nil
}

func (e *engineStarter) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopped = true
	if e.starts != nil {
		e.starts.stop()
	}
	_ = e.program.Close() // it was only read
}

// pathOf names an open program for execution.
func pathOf(program *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", program.Fd()) }

// starterOf returns who starts workers of a class.
func (p *Pool) starterOf(class string) (*starter, error) {
	if e := p.engines[class]; e != nil {
		return e.get(p.shape)
	}
	return p.starts, nil
}

// await waits for what an engine needs.
func (p *Pool) await(ctx context.Context, class string) error {
	e := p.cfg.Classes[class].Engine
	if e == nil || e.Await == nil {
		return nil
	}
	if err := e.Await(ctx); err != nil {
		return fmt.Errorf("wait for the engine of class %s: %w", class, err)
	}
	return nil
}

// places are where directories are seen in the workers' root.
func places(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("/dir%d", i)
	}
	return all
}

// bindDirs shows directories of the host, read-only, in the working directory,
// which is the root to be. One that is missing becomes an empty one.
func bindDirs(dirs []string) error {
	for i, place := range places(len(dirs)) {
		place = "." + place
		if err := os.Mkdir(place, 0); err != nil {
			return fmt.Errorf("make a place for %s: %w", dirs[i], err)
		}
		if err := os.Chmod(place, 0o555); err != nil { // the umask lets nothing through
			return fmt.Errorf("open the place for %s: %w", dirs[i], err)
		}
		var is unix.Statfs_t
		if err := unix.Statfs(dirs[i], &is); errors.Is(err, unix.ENOENT) {
			continue
		} else if err != nil {
			return fmt.Errorf("look at %s: %w", dirs[i], err)
		}
		// With all below it: a mount namespace may not uncover what a mount hides.
		if err := unix.Mount(dirs[i], place, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("show %s: %w", dirs[i], err)
		}
		if err := unix.Mount("", place, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|keptFlags(is.Flags), ""); err != nil {
			return fmt.Errorf("close %s to writers: %w", dirs[i], err)
		}
	}
	return nil
}

// keptFlags are a mount's own flags, which a user namespace may not take away,
// and those that nothing here needs to be without.
func keptFlags(is int64) uintptr {
	flags := uintptr(unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC)
	for st, ms := range map[int64]uintptr{
		unix.ST_NOATIME: unix.MS_NOATIME, unix.ST_NODIRATIME: unix.MS_NODIRATIME, unix.ST_RELATIME: unix.MS_RELATIME,
	} {
		if is&st != 0 {
			flags |= ms
		}
	}
	return flags
}

// closeDirs takes the directories away again: a second layer of Landlock
// without any path, and then a look whether it stands. seccomp will refuse to
// open anything besides; this is the wall where there is none. With cgo it
// cannot be had: a call on all threads then looks for them in /proc, which the
// first layer has closed, and never returns.
func closeDirs(dirs []string) error {
	if len(dirs) == 0 || withCgo {
		return nil
	}
	if err := landlock.V11.BestEffort().Restrict(); err != nil {
		return fmt.Errorf("close the engine's directories: %w", err)
	}
	offered, _, err := landlocked()
	if err != nil || !offered {
		return err
	}
	for _, dir := range dirs {
		fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err == nil {
			return errors.Join(fmt.Errorf("%s was closed and yet opens", dir), unix.Close(fd))
		}
	}
	return nil
}
