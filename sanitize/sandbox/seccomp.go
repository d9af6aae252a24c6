package sandbox

import (
	"errors"
	"fmt"
	"os"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// The filter has three answers. What the Go runtime needs to compute and to
// use descriptors that are already open is allowed. What only an attacker
// would do kills the worker at once. All else fails with EPERM, so that a
// library that looks for a file (time zones, MIME tables) gets an error
// instead of a death. A foreign architecture gets EPERM, the x32 ABI ENOSYS.

// allowedCalls are what a worker may ask of the kernel: none of them takes a
// path or makes a descriptor. The last four are narrowed by argumentRules.
func allowedCalls() []string {
	return []string{
		"read", "write", "close",
		"munmap", "madvise", "brk",
		"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
		"futex", "sched_yield", "nanosleep", "clock_gettime", "restart_syscall",
		"getpid", "gettid", "getrandom", "epoll_pwait",
		"exit", "exit_group",
		"mmap", "mprotect", "clone", "tgkill",
	}
}

// threadFlags are exactly those with which the Go runtime makes a thread
// (runtime/os_linux.go; sys_linux_amd64.s adds CLONE_SETTLS, arm64 does not):
// a fork lacks CLONE_THREAD, a namespace adds a flag.
const threadFlags = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_SYSVSEM | unix.CLONE_THREAD

// argumentRules refuse calls by their arguments: memory is private, anonymous
// and never executable, a clone is a thread of the Go runtime, and signals go
// to the worker itself.
//
// Each rule is a filter of its own with one call in it. The kernel takes the
// strictest answer of all filters. They must not be merged: the assembler of
// go-seccomp-bpf does not load the call's number again after it has compared
// an argument, so in a filter with more calls the argument would be taken for
// the number of the next one.
func argumentRules(pid int) []seccomp.Policy {
	const refuse, kill = seccomp.ActionErrno, seccomp.ActionKillProcess
	return []seccomp.Policy{
		rule("mmap", refuse, all(bit(2, unix.PROT_EXEC)), all(bit(3, unix.MAP_SHARED)), all(noBit(3, unix.MAP_ANONYMOUS))),
		rule("mprotect", refuse, all(bit(2, unix.PROT_EXEC))),
		rule("clone", kill, all(not(0, threadFlags), not(0, threadFlags|unix.CLONE_SETTLS))),
		rule("tgkill", refuse, all(not(0, uint64(pid)))),
	}
}

// rule answers a call with action if any of the sets of conditions holds.
func rule(name string, action seccomp.Action, any ...seccomp.ArgumentConditions) seccomp.Policy {
	group := seccomp.SyscallGroup{Action: action}
	for _, set := range any {
		group.NamesWithCondtions = append(group.NamesWithCondtions, seccomp.NameWithConditions{Name: name, Conditions: set})
	}
	return seccomp.Policy{DefaultAction: seccomp.ActionAllow, Syscalls: []seccomp.SyscallGroup{group}}
}

// all is a set of conditions that must hold together; the others are single
// conditions on the argument with this number, counted from 0.
func all(conditions ...seccomp.Condition) seccomp.ArgumentConditions { return conditions }

func bit(arg uint32, mask uint64) seccomp.Condition {
	return seccomp.Condition{Argument: arg, Operation: seccomp.BitsSet, Value: mask}
}

func noBit(arg uint32, mask uint64) seccomp.Condition {
	return seccomp.Condition{Argument: arg, Operation: seccomp.BitsNotSet, Value: mask}
}

func not(arg uint32, value uint64) seccomp.Condition {
	return seccomp.Condition{Argument: arg, Operation: seccomp.NotEqual, Value: value}
}

// deadlyCalls end the worker with SIGSYS: nothing in a parser or in the
// runtime makes them. Names that an architecture lacks are left out.
func deadlyCalls() []string {
	names := []string{
		"execve", "execveat", "fork", "vfork", "ptrace",
		"socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg",
		"memfd_create", "memfd_secret", "process_vm_readv", "process_vm_writev", "pidfd_open", "pidfd_getfd",
		"pidfd_send_signal", "process_madvise", "kcmp",
		"io_uring_setup", "io_uring_enter", "io_uring_register", "io_setup", "bpf", "perf_event_open", "userfaultfd",
		"unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsmount",
		"add_key", "request_key", "keyctl", "init_module", "finit_module", "delete_module", "kexec_load",
		"kexec_file_load", "reboot", "swapon", "swapoff", "personality", "seccomp", "shmget", "shmat", "open_by_handle_at",
		"modify_ldt", "iopl", "ioperm", "pkey_mprotect", "remap_file_pages",
	}
	info, err := arch.GetInfo("")
	if err != nil {
		return nil
	}
	var here []string
	for _, name := range names {
		if _, exists := info.SyscallNames[name]; exists {
			here = append(here, name)
		}
	}
	return here
}

// policies are all filters for a worker with this process id, in the order in
// which they must be loaded: the last one forbids another.
func policies(pid int) []seccomp.Policy {
	return append(argumentRules(pid), seccomp.Policy{
		DefaultAction: seccomp.ActionErrno,
		Syscalls: []seccomp.SyscallGroup{
			{Action: seccomp.ActionAllow, Names: allowedCalls()},
			{Action: seccomp.ActionKillProcess, Names: deadlyCalls()},
		},
	})
}

// filterCalls installs the filters on all threads and then tries two calls
// that must fail. The kernel applies a filter to every thread or to none, so
// one thread's trial speaks for all.
func filterCalls() (bool, error) {
	if !seccomp.Supported() {
		return false, nil // not offered: the parent decides what that means
	}
	const flags = seccomp.FilterFlagTSync | seccomp.FilterFlag(unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH)
	for _, policy := range policies(os.Getpid()) {
		if err := seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Flag: flags, Policy: policy}); err != nil {
			return false, fmt.Errorf("filter system calls: %w", err)
		}
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
