package sanitize

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"sekisho/sanitize/format"
	"sekisho/sanitize/modules"
	"sekisho/sanitize/sandbox"
	"sekisho/sanitize/sandbox/boxtest"
)

// moduleDir is where `make modules` puts the decoders.
func moduleDir() string {
	dir, err := filepath.Abs("../bin/modules")
	if err != nil {
		panic(err) // there is no working directory
	}
	return dir
}

// moduleClasses are boxes with the decoders that `make modules` fetched, and
// their compiled code.
func moduleClasses(cache string) map[string]sandbox.Class {
	classes := map[string]sandbox.Class{}
	for name, kind := range modules.Kinds() {
		h := Heavy{Class: decoders[kind], Dirs: []string{moduleDir(), cache, "/usr/share/fonts/opentype/ipafont-gothic"}}
		h.Load = func(dirs []string) (map[format.Kind]Parser, error) {
			letters, err := modules.ReadFonts(dirs[2:])
			if err != nil {
				return nil, err
			}
			parse, err := modules.Load(context.Background(), name, modules.Config{Dir: dirs[0], Cache: dirs[1], Fonts: letters})
			return map[format.Kind]Parser{kind: parse}, err
		}
		classes[string(h.Class)] = h.class()
	}
	return classes
}

// moduleCacheEnv tells TestMain to compile the decoders into a directory and
// end: the boxes' binary does so, without the race detector, under which it
// takes half a minute.
const moduleCacheEnv = "SEKISHO_TEST_MODULES"

func compileModules(at string) int {
	for _, m := range modules.Known() {
		if err := modules.Compile(context.Background(), m.Name, modules.Config{Dir: moduleDir(), Cache: at}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return 0
}

// moduleCache returns a cache of the decoders' compiled code, made once for a
// machine. A box that compiles for itself can take longer than a busy machine
// waits for it.
func moduleCache(t testing.TB) string {
	t.Helper()
	at, err := compiledModules()
	if err != nil {
		t.Fatal(err)
	}
	return at
}

var compiledModules = sync.OnceValues(func() (string, error) {
	at := filepath.Join(os.TempDir(), fmt.Sprintf("sekisho-modules-%d-%s", os.Geteuid(), runtime.Version()))
	lock, err := os.OpenFile(at+".lock", os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return "", err
	}
	defer lock.Close() // and lets the next one in
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return "", err
	}
	c := exec.Command(os.Getenv(boxtest.ExeEnv))
	c.Env = append(os.Environ(), moduleCacheEnv+"="+at)
	if text, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("compile the decoders: %w: %s", err, text)
	}
	return at, filepath.WalkDir(at, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return os.Chmod(p, 0o755) // boxes run as nobody
		}
		return os.Chmod(p, 0o644)
	})
})
