package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/landlock-lsm/go-landlock/landlock"
	llsys "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// lock shuts the box from inside. The order matters: each step uses what a
// later one takes away. A wall that the host does not offer is left out of
// the result; a wall that is offered but cannot be built is an error.
func lock(o orders) (Walls, error) {
	// no_new_privs and seccomp go together on one thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	wakePoller()
	calm(o)
	space, err := readFootprint("/proc/self/statm")
	if err != nil {
		return Walls{}, fmt.Errorf("measure the open worker: %w", err)
	}
	var walls Walls
	walls.PidNS = o.spaces && os.Getpid() == 1
	walls.UserNS, walls.NetNS = walls.PidNS, walls.PidNS // one clone made all of them
	walls.MountNS = o.spaces && emptyRoot() == nil
	if walls.NoCaps, err = dropCaps(); err != nil {
		return walls, err
	}
	if walls.Landlock, walls.LandlockABI, err = landlockAll(); err != nil {
		return walls, err
	}
	if walls.Rlimits, err = setRlimits(o, space); err != nil {
		return walls, err
	}
	walls.Seccomp, err = filterCalls()
	return walls, err
}

// wakePoller makes the runtime create its epoll and event descriptors now;
// the filter does not let it do so later.
func wakePoller() {
	timer := time.NewTimer(0)
	<-timer.C
}

// emptyRoot makes an empty, read-only tmpfs the root of the worker's own
// mount namespace. /proc is only the place to put it for a moment: it exists
// wherever /proc/self/exe could be executed.
func emptyRoot() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_RDONLY
	if err := unix.Mount("none", "/proc", "tmpfs", flags, "size=4096,nr_inodes=2,mode=0555"); err != nil {
		return fmt.Errorf("mount the empty root: %w", err)
	}
	if err := unix.Chdir("/proc"); err != nil {
		return fmt.Errorf("enter the empty root: %w", err)
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

// dropCaps takes every capability from every thread and forbids core dumps
// and tracing by others. It reports whether the sets are really empty.
func dropCaps() (bool, error) {
	none := cap.NewSet()
	if err := none.SetProc(); err != nil {
		return false, fmt.Errorf("drop capabilities: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return false, fmt.Errorf("forbid core dumps: %w", err)
	}
	now, err := cap.GetPID(0)
	if err != nil {
		return false, fmt.Errorf("read capabilities: %w", err)
	}
	diff, err := now.Cf(none)
	return err == nil && diff == 0, nil
}

// landlockAll denies every path, TCP and UDP port, and signals and abstract
// sockets beyond the worker, as far as the kernel knows how, and then tries.
func landlockAll() (bool, int, error) {
	abi, err := llsys.LandlockGetABIVersion()
	if err != nil || abi < 1 {
		return false, 0, nil // not offered: the parent decides what that means
	}
	if err := landlock.V11.BestEffort().Restrict(); err != nil {
		return false, abi, fmt.Errorf("restrict by landlock: %w", err)
	}
	fd, err := unix.Open("/", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == nil {
		return false, abi, errors.Join(errors.New("landlock is on and yet a directory opens"), unix.Close(fd))
	}
	return errors.Is(err, unix.EACCES), abi, nil
}

// setRlimits puts the kernel's own limits where the worker cannot raise them.
// They stand behind the parent's watch, which keeps the exact limits.
func setRlimits(o orders, space footprint) (bool, error) {
	// RLIMIT_DATA counts private writable memory and not what Go merely
	// reserves. Go takes heap in arenas of 64 MiB, hence the slack; the exact
	// limit is kept by the parent (see watch.go).
	const arena = 64 << 20
	var spent unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &spent); err != nil {
		return false, fmt.Errorf("measure the CPU time so far: %w", err)
	}
	seconds := uint64(spent.Utime.Sec+spent.Stime.Sec) + uint64((o.cpu+time.Second-1)/time.Second) + 2
	for _, limit := range []struct {
		name  string
		which int
		value uint64
	}{
		{"CPU", unix.RLIMIT_CPU, seconds},
		{"DATA", unix.RLIMIT_DATA, uint64(space.data + o.memory + arena)},
		{"AS", unix.RLIMIT_AS, uint64(space.size + o.memory + 4*arena)},
		{"NOFILE", unix.RLIMIT_NOFILE, uint64(o.files)},
		{"FSIZE", unix.RLIMIT_FSIZE, 0},
		{"CORE", unix.RLIMIT_CORE, 0},
		{"MEMLOCK", unix.RLIMIT_MEMLOCK, 0},
		{"MSGQUEUE", unix.RLIMIT_MSGQUEUE, 0},
	} {
		if err := unix.Setrlimit(limit.which, &unix.Rlimit{Cur: limit.value, Max: limit.value}); err != nil {
			return false, fmt.Errorf("limit %s: %w", limit.name, err)
		}
		var now unix.Rlimit
		if err := unix.Getrlimit(limit.which, &now); err != nil || now.Max != limit.value {
			return false, fmt.Errorf("limit %s did not hold (%w)", limit.name, err)
		}
	}
	return true, nil
}
