package sandbox

import (
	"errors"
	"fmt"
	"os"
	"time"

	llsys "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// lock shuts the box from inside: it looks at the walls that the starter has
// raised, and adds those that only the worker itself can. A wall that the host
// does not offer is left out of the result; a wall that is offered but does
// not stand is an error.
func lock(o orders) (Walls, error) {
	// No thread is locked: no_new_privs, without which the kernel refuses the
	// filter, is the starter's and thereby every thread's; all else here is the
	// process's. A locked thread costs another one (runtime.LockOSThread).
	wakePoller()
	calm(o)
	var walls Walls
	var err error
	walls.PidNS = o.spaces && os.Getpid() == 1
	// Only a starter in its own user and network namespaces could make a
	// process namespace without a right on the host.
	walls.UserNS, walls.NetNS = walls.PidNS, walls.PidNS
	walls.MountNS = bare(o)
	if walls.NoCaps, err = powerless(); err != nil {
		return walls, err
	}
	if err = closeDirs(o.dirs); err != nil {
		return walls, err
	}
	if walls.Landlock, walls.LandlockABI, err = landlocked(); err != nil {
		return walls, err
	}
	if walls.Rlimits, err = setRlimits(o); err != nil {
		return walls, err
	}
	walls.Seccomp, err = filterCalls()
	return walls, err
}

// wakePoller makes the runtime create its epoll and event descriptors now;
// the filter does not let it do so later.
func wakePoller() {
	time.AfterFunc(time.Hour, func() {}).Stop()
}

// bare reports whether the root directory is the starter's: a read-only tmpfs.
func bare(o orders) bool {
	var root unix.Statfs_t
	err := unix.Statfs("/", &root)
	return err == nil && o.emptyRoot && root.Type == unix.TMPFS_MAGIC && root.Flags&unix.ST_RDONLY != 0
}

// powerless forbids core dumps and tracing by others, and reports whether the
// worker has, and can get, no capability.
func powerless() (bool, error) {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return false, fmt.Errorf("forbid core dumps: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return false, fmt.Errorf("forbid new privileges: %w", err)
	}
	var sets [2]unix.CapUserData // 64 bits in two halves, capget(2)
	if err := unix.Capget(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &sets[0]); err != nil {
		return false, fmt.Errorf("read capabilities: %w", err)
	}
	return sets == [2]unix.CapUserData{}, nil
}

// landlocked reports whether Landlock keeps the worker from paths, and the
// kernel's version of it. The starter restricted itself and all its children;
// a kernel that offers Landlock without it standing is an error.
func landlocked() (bool, int, error) {
	abi, err := llsys.LandlockGetABIVersion()
	if err != nil || abi < 1 {
		return false, 0, nil // not offered: the parent decides what that means
	}
	fd, err := unix.Open("/", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == nil {
		return false, abi, errors.Join(errors.New("landlock is on and yet a directory opens"), unix.Close(fd))
	}
	return errors.Is(err, unix.EACCES), abi, nil
}

// setRlimits puts the kernel's own limits where the worker cannot raise them.
// They stand behind the parent's watch, which keeps the exact limits.
func setRlimits(o orders) (bool, error) {
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
		{"DATA", unix.RLIMIT_DATA, uint64(o.space.data + o.memory + arena)},
		{"AS", unix.RLIMIT_AS, uint64(o.space.size + o.memory + 4*arena)},
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
