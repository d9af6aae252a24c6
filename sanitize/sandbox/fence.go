package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/landlock-lsm/go-landlock/landlock"
	llsys "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// fence is what the starter process has raised for all workers to come.
type fence struct {
	program   string    // what a worker executes
	spaces    bool      // in namespaces of their own
	emptyRoot bool      // their root directory holds their program only
	space     footprint // of this program before it has done anything
	libraries []string  // what the program is linked with at its start, none for a static one
	dirs      []string  // that its workers may read while they load, where they see them
}

// raise builds the walls that a process hands down. The order matters: each
// step uses what a later one takes away. A wall that the host does not offer
// is left out; the worker measures what stands, and the parent judges.
func raise(args []string) (*fence, error) {
	if len(args) < 2 {
		return nil, fmt.Errorf("%d arguments instead of 2", len(args))
	}
	f := &fence{program: "/proc/self/exe", dirs: args[2:]}
	var err error
	if f.spaces, err = strconv.ParseBool(args[1]); err != nil {
		return nil, fmt.Errorf("read orders: %w", err)
	}
	if f.space, err = readFootprint("/proc/self/statm"); err != nil {
		return nil, fmt.Errorf("measure the program: %w", err)
	}
	if f.libraries, err = libraries(); err != nil {
		return nil, err
	}
	unix.Umask(0o777)
	if err := errors.Join(unix.Chdir("/"), closeInherited()); err != nil {
		return nil, err
	}
	// A program that was built with cgo, as "go run" does where there is a C
	// compiler, finds its libraries only in the host's root directory.
	if f.spaces && len(f.libraries) == 0 && unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") == nil {
		if err := turnRoot(f.dirs); err != nil {
			return nil, err
		}
		f.program, f.emptyRoot, f.dirs = boxPath, true, places(len(f.dirs))
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("forbid new privileges: %w", err)
	}
	if err := giveUpCaps(f.spaces); err != nil {
		return nil, err
	}
	if err := f.landlock(); err != nil {
		return nil, err
	}
	return f, nil
}

// libraries returns the files, besides the program, that this process is made
// of (proc_pid_maps(5)).
func libraries() ([]string, error) {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return nil, fmt.Errorf("name the program: %w", err)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil, fmt.Errorf("read the program's parts: %w", err)
	}
	var files []string
	for line := range strings.Lines(string(maps)) {
		at := strings.IndexByte(line, '/')
		if at < 0 {
			continue
		}
		if path := strings.TrimSuffix(line[at:], "\n"); path != program && !slices.Contains(files, path) {
			files = append(files, path)
		}
	}
	return files, nil
}

// turnRoot makes a read-only tmpfs with nothing but a copy of this program, and
// the directories that an engine reads, the root of the mount namespace. A
// copy, because the program's own directory may be closed to the user that
// workers run as. /proc is only the place to put it for a moment: it exists
// wherever /proc/self/exe could be executed.
func turnRoot(dirs []string) error {
	program, err := os.Open("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("open the program: %w", err)
	}
	defer program.Close() // it was only read
	info, err := program.Stat()
	if err != nil {
		return fmt.Errorf("measure the program: %w", err)
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV
	if err := mountRoot("/proc", flags, info.Size(), 4+len(dirs)); err != nil {
		return fmt.Errorf("mount the empty root: %w", err)
	}
	if err := unix.Chdir("/proc"); err != nil {
		return fmt.Errorf("enter the empty root: %w", err)
	}
	if err := copyProgram(program); err != nil {
		return err
	}
	if err := bindDirs(dirs); err != nil {
		return err
	}
	if err := unix.Mount("", ".", "", flags|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("close the empty root: %w", err)
	}
	// With the same directory twice, the old root ends up on top of the new
	// one and can be taken off: pivot_root(2), "pivot_root(".", ".")".
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("turn to the empty root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("detach the old root: %w", err)
	}
	return unix.Chdir("/")
}

// mountRoot mounts a tmpfs that holds a program of that size. Where the kernel
// has huge pages for it, the program lies in them: a worker then maps 2 MiB of
// its code with one page fault and not with 32, and gives them back as fast,
// which is a sixth of what a light worker costs.
func mountRoot(at string, flags uintptr, program int64, inodes int) error {
	const huge = 2 << 20
	size := (program+huge-1)/huge*huge + 64<<10
	shape := fmt.Sprintf("size=%d,nr_inodes=%d,mode=0555", size, inodes)
	if unix.Mount("none", at, "tmpfs", flags, shape+",huge=always") == nil {
		return nil
	}
	return unix.Mount("none", at, "tmpfs", flags, shape) // a kernel without transparent huge pages
}

// copyProgram writes the program into the working directory.
func copyProgram(program io.Reader) error {
	out, err := os.OpenFile("."+boxPath, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("make the workers' program: %w", err)
	}
	_, err = io.Copy(out, program)
	if err := errors.Join(err, out.Chmod(0o555), out.Close()); err != nil {
		return fmt.Errorf("copy the workers' program: %w", err)
	}
	return nil
}

// giveUpCaps takes from this thread all capabilities but the one that makes
// process namespaces, and from all that it executes every one: user 0 of a
// namespace is nobody special any more (SECBIT_NOROOT, capabilities(7)).
func giveUpCaps(spaces bool) error {
	const bits = cap.SecbitNoRoot | cap.SecbitNoRootLocked | cap.SecbitNoSetUIDFixup | cap.SecbitNoSetUIDFixupLocked |
		cap.SecbitNoCapAmbientRaise | cap.SecbitNoCapAmbientRaiseLocked
	now, err := cap.GetPID(0)
	if err != nil {
		return fmt.Errorf("read capabilities: %w", err)
	}
	if able, err := now.GetFlag(cap.Effective, cap.SETPCAP); err != nil || !able {
		return nil // an ordinary user has nothing to give up
	}
	if err := unix.Prctl(unix.PR_SET_SECUREBITS, uintptr(bits), 0, 0, 0); err != nil {
		return fmt.Errorf("make root an ordinary user: %w", err)
	}
	for c := cap.Value(0); c < cap.MaxBits(); c++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0); err != nil {
			return fmt.Errorf("bound capabilities: %w", err)
		}
	}
	keep := cap.NewSet()
	if spaces {
		if err := errors.Join(keep.SetFlag(cap.Permitted, true, cap.SYS_ADMIN), keep.SetFlag(cap.Effective, true, cap.SYS_ADMIN)); err != nil {
			return fmt.Errorf("name a capability: %w", err)
		}
	}
	if err := keep.SetProc(); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	return nil
}

// landlock denies every path but the workers' program and, to read, what an
// engine needs; TCP and UDP ports; and signals and abstract sockets to the
// outside, as far as the kernel knows how.
func (f *fence) landlock() error {
	if abi, err := llsys.LandlockGetABIVersion(); err != nil || abi < 1 {
		return nil // not offered: the parent decides what that means
	}
	const look = landlock.AccessFSSet(llsys.AccessFSReadFile | llsys.AccessFSReadDir)
	if err := landlock.V11.BestEffort().Restrict(
		landlock.ROFiles(append([]string{f.program}, f.libraries...)...),
		landlock.PathAccess(look, f.dirs...).IgnoreIfMissing(),
	); err != nil {
		return fmt.Errorf("restrict by landlock: %w", err)
	}
	return nil
}
