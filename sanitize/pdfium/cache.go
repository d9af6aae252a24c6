package pdfium

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/cpu"
)

// The compile cache holds native code that workers execute: who can write to
// it is who they are. It is made by trusted code, from the module in this
// binary, and refused when anybody else could have changed it.

// stampFile names, in a cache, what it was made for. It is written last.
const stampFile = "stamp"

// ErrCache: a directory is not a compile cache for this build and machine, or
// not one that can be trusted.
var ErrCache = errors.New("pdfium: no usable compile cache")

// compiler and module are the versions that the cache depends on. A test
// compares them with go.mod; a test binary does not know its modules.
const (
	compiler = "github.com/tetratelabs/wazero v1.12.0"
	module   = "github.com/klippa-app/go-pdfium v1.21.4"
)

// stamp tells builds and machines apart: code compiled by one version of the
// compiler, or for processors that can do more, does not fit another.
func stamp() string {
	able := sha256.Sum256(fmt.Appendf(nil, "%+v %+v", cpu.X86, cpu.ARM64))
	return fmt.Sprintf("%s\n%s\n%s %s/%s\nprocessor %x\n", compiler, module, runtime.Version(), runtime.GOOS, runtime.GOARCH, able)
}

// Stamp names the build and the machine that a compile cache is for, in 16
// letters fit for a file name.
func Stamp() string {
	sum := sha256.Sum256([]byte(stamp()))
	return hex.EncodeToString(sum[:8])
}

// Prepare compiles the engine into a directory, which it makes if need be. It
// takes two to four seconds and 400 MB at its peak, and nothing of note when
// the directory is ready. The files can be read by everybody: the code is no
// secret, and workers run as nobody.
func Prepare(ctx context.Context, dir string) error {
	if Check(dir) == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("pdfium: make the compile cache: %w", err)
	}
	// Before anything is written: a place that others own is none to compile in.
	if err := trusted(dir); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, stampFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("pdfium: make the compile cache: %w", err)
	}
	compile := func() error {
		e, err := Load(ctx, Config{Cache: dir})
		if err != nil {
			return err
		}
		return e.Close()
	}
	if err := survive(compile); err != nil {
		return err
	}
	if err := readable(dir); err != nil {
		return fmt.Errorf("pdfium: open the compile cache to readers: %w", err)
	}
	if err := writeStamp(dir); err != nil {
		return fmt.Errorf("pdfium: finish the compile cache: %w", err)
	}
	return Check(dir)
}

// survive turns a panic into an error: on a host that forbids executable
// memory (MemoryDenyWriteExecute of a systemd unit) the compiler panics, and
// the gateway that runs it has mail in hand.
func survive(f func() error) error {
	var err error
	func() {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("pdfium: the compiler gave up: %v", p)
			}
		}()
		err = f()
	}()
	return err
}

// readable lets everybody read what is below dir, and nobody but the owner
// write to it. The mode of dir itself is its maker's.
func readable(dir string) error {
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || p == dir:
			return err
		case d.IsDir():
			return os.Chmod(p, 0o755)
		}
		return os.Chmod(p, 0o644)
	})
}

// writeStamp says that all is there.
func writeStamp(dir string) error {
	f, err := os.CreateTemp(dir, stampFile+".*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(stamp())
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, stampFile))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// Check reports with ErrCache why a directory is no compile cache for this
// build and machine: it was not prepared, or for another one; or it or a file
// in it belongs to somebody else than root or this user, or others may write
// to it.
func Check(dir string) error {
	if err := trusted(dir); err != nil {
		return err
	}
	have, err := os.ReadFile(filepath.Join(dir, stampFile))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCache, err)
	}
	if string(have) != stamp() {
		return fmt.Errorf("%w: %s is of another build or machine", ErrCache, dir)
	}
	return nil
}

// trusted reports with ErrCache who else could have written to a directory.
func trusted(dir string) error {
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		own, ok := info.Sys().(*syscall.Stat_t)
		switch {
		case !ok || own.Uid != 0 && int(own.Uid) != os.Geteuid():
			return fmt.Errorf("%s belongs to another user", p)
		case info.Mode().Perm()&0o022 != 0:
			return fmt.Errorf("%s may be written to by others", p)
		case !d.IsDir() && !info.Mode().IsRegular():
			return fmt.Errorf("%s is no file", p)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCache, err)
	}
	return nil
}
