package sandbox

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The filter has three answers. What the Go runtime needs to compute and to
// use descriptors that are already open is allowed. What only an attacker
// would do kills the worker at once. All else fails with EPERM, so that a
// library that looks for a file (time zones, MIME tables) gets an error
// instead of a death.

// allowedCalls are what a worker may ask of the kernel: none of them takes a
// path or makes a descriptor. argumentRules allow four more.
func allowedCalls() []uint32 {
	return []uint32{
		unix.SYS_READ, unix.SYS_WRITE, unix.SYS_CLOSE,
		unix.SYS_MUNMAP, unix.SYS_MADVISE, unix.SYS_BRK,
		unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK,
		unix.SYS_FUTEX, unix.SYS_SCHED_YIELD, unix.SYS_NANOSLEEP, unix.SYS_CLOCK_GETTIME, unix.SYS_RESTART_SYSCALL,
		unix.SYS_GETPID, unix.SYS_GETTID, unix.SYS_GETRANDOM, unix.SYS_EPOLL_PWAIT,
		unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
	}
}

// threadFlags are exactly those with which the Go runtime makes a thread
// (runtime/os_linux.go; sys_linux_amd64.s adds CLONE_SETTLS, arm64 does not):
// a fork lacks CLONE_THREAD, a namespace adds a flag.
const threadFlags = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_SYSVSEM | unix.CLONE_THREAD

// threadIDs may come on top: where the thread keeps what is its own, and where
// the kernel writes its number. The C library sets all three for the threads of
// a program that is linked with cgo, as "go run" makes it.
const threadIDs = unix.CLONE_SETTLS | unix.CLONE_PARENT_SETTID | unix.CLONE_CHILD_CLEARTID

// argumentRules allow calls by their arguments: memory is private, anonymous
// and never executable, a clone is a thread of the Go runtime, and signals go
// to the worker itself.
func argumentRules(pid int) []rule {
	const all = ^uint64(0)
	return []rule{
		{unix.SYS_MMAP, refuseCall, [][]condition{{{2, unix.PROT_EXEC, 0}, {3, unix.MAP_SHARED | unix.MAP_ANONYMOUS, unix.MAP_ANONYMOUS}}}},
		{unix.SYS_MPROTECT, refuseCall, [][]condition{{{2, unix.PROT_EXEC, 0}}}},
		{unix.SYS_CLONE, killCaller, [][]condition{{{0, all &^ threadIDs, threadFlags}}}},
		{nr: unix.SYS_CLONE3, answer: absentCall}, // its flags lie in memory; the C library then asks for clone
		{unix.SYS_TGKILL, refuseCall, [][]condition{{{0, all, uint64(pid)}}}},
	}
}

// deadlyCalls end the worker with SIGSYS: nothing in a parser or in the
// runtime makes them. Those of one architecture are in foreignCalls.
func deadlyCalls() []uint32 {
	return append(foreignCalls(),
		unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_PTRACE,
		unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_ACCEPT, unix.SYS_ACCEPT4,
		unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_MEMFD_CREATE, unix.SYS_MEMFD_SECRET,
		unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD,
		unix.SYS_PIDFD_SEND_SIGNAL, unix.SYS_PROCESS_MADVISE, unix.SYS_KCMP,
		unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER, unix.SYS_IO_SETUP, unix.SYS_BPF,
		unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD,
		unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_MOVE_MOUNT,
		unix.SYS_OPEN_TREE, unix.SYS_FSOPEN, unix.SYS_FSMOUNT,
		unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE,
		unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD, unix.SYS_REBOOT, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_PERSONALITY,
		unix.SYS_SECCOMP, unix.SYS_SHMGET, unix.SYS_SHMAT, unix.SYS_OPEN_BY_HANDLE_AT,
		unix.SYS_PKEY_MPROTECT, unix.SYS_REMAP_FILE_PAGES,
	)
}

// workerRules are all rules for a worker with this process id.
func workerRules(pid int) []rule {
	rules := argumentRules(pid)
	for _, nr := range allowedCalls() {
		rules = append(rules, rule{nr: nr, answer: allowCall})
	}
	for _, nr := range deadlyCalls() {
		rules = append(rules, rule{nr: nr, answer: killCaller})
	}
	return rules
}

// filterCalls installs the filter on all threads and then tries two calls that
// must fail. The kernel applies a filter to every thread or to none, so one
// thread's trial speaks for all.
func filterCalls() (bool, error) {
	filter, err := program(workerRules(os.Getpid()), refuseCall)
	if err != nil {
		return false, err
	}
	if offered, err := load(filter); !offered || err != nil {
		return false, err
	}
	var name unix.Utsname
	if err := unix.Uname(&name); !errors.Is(err, unix.EPERM) {
		return false, errors.New("the filter is on and yet uname works")
	}
	const wx = unix.PROT_READ | unix.PROT_WRITE | unix.PROT_EXEC
	page, err := unix.Mmap(-1, 0, 4096, wx, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err == nil {
		return false, errors.Join(errors.New("the filter is on and yet memory is executable"), unix.Munmap(page))
	}
	return errors.Is(err, unix.EPERM), nil
}

// load hands a filter to the kernel for all threads. It reports whether the
// kernel offers filters at all; what it means that it does not is for the
// parent to decide. This is the one use of unsafe: the call takes a pointer
// in a structure, for which x/sys/unix has no function.
func load(filter []unix.SockFilter) (offered bool, err error) {
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, 0); errno != unix.EFAULT {
		return false, nil // without the call it is not the null pointer that is wrong
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	const flags = unix.SECCOMP_FILTER_FLAG_TSYNC | unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return true, fmt.Errorf("filter system calls: %w", errno)
	}
	return true, nil
}
