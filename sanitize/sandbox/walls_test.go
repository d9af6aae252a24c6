package sandbox

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestWallsFromInside does in a worker what must not work. want is part of
// the error that the attacker sees, or "SIGSYS" if the attempt is his last.
// spec: g4
func TestWallsFromInside(t *testing.T) {
	p := newTestPool(t, nil)
	me := strconv.Itoa(os.Getpid())
	for _, test := range []struct{ name, command, want string }{
		{"open a file to read", "open /etc/passwd", "operation not permitted"},
		{"open a file in proc", "open /proc/self/maps", "operation not permitted"},
		{"open a file to write", "create /tmp/sekisho-escape", "operation not permitted"},
		{"list a directory", "list /", "operation not permitted"},
		{"look at a file", "stat /etc/passwd", "operation not permitted"},
		{"remove a file", "remove /tmp/sekisho-escape", "operation not permitted"},
		{"duplicate a descriptor", "dup", "operation not permitted"},
		{"make a pipe", "pipe", "operation not permitted"},
		{"ioctl", "ioctl", "operation not permitted"},
		{"dial", "dial 127.0.0.1:25", "SIGSYS"},
		{"internet socket", "socket", "SIGSYS"},
		{"unix socket", "unix", "SIGSYS"},
		{"netlink socket", "netlink", "SIGSYS"},
		{"connect", "connect", "SIGSYS"},
		{"send a datagram", "sendto", "SIGSYS"},
		{"memory file", "memfd", "SIGSYS"},
		{"mount", "mount", "SIGSYS"},
		{"chroot", "chroot", "SIGSYS"},
		{"io_uring", "iouring", "SIGSYS"},
		{"bpf", "bpf", "SIGSYS"},
		{"keyring", "keyctl", "SIGSYS"},
		{"userfaultfd", "userfault", "SIGSYS"},
		{"exec", "exec", "SIGSYS"},
		{"execveat", "execveat", "SIGSYS"},
		{"start a command", "command", "SIGSYS"},
		{"fork", "fork", "SIGSYS"},
		{"vfork", "vfork", "SIGSYS"},
		{"clone a thread into a namespace", "clonens", "SIGSYS"},
		{"clone3", "clone3", "function not implemented"},
		{"ptrace", "ptrace", "SIGSYS"},
		{"signal to init", "kill 1", "operation not permitted"},
		{"signal to everybody", "kill -1", "operation not permitted"},
		{"signal to the parent", "kill " + me, "operation not permitted"},
		{"thread signal to the parent", "tgkill " + me, "operation not permitted"},
		{"unshare", "unshare", "SIGSYS"},
		{"enter a namespace", "setns", "SIGSYS"},
		{"become another user", "setuid", "operation not permitted"},
		{"become dumpable", "prctl", "operation not permitted"},
		{"read another process", "vmread", "SIGSYS"},
		{"open a process", "pidfd", "SIGSYS"},
		{"raise a limit", "setrlimit", "operation not permitted"},
		{"another filter", "seccomp", "SIGSYS"},
		{"host name", "name", "operation not permitted"},
		{"change capabilities", "caps", "operation not permitted"},
		{"map executable memory", "mmapx", "operation not permitted"},
		{"make memory executable", "mprotectx", "operation not permitted"},
		{"map shared memory", "mmapshared", "operation not permitted"},
		{"map a file", "mmapfile", "operation not permitted"},
		{"lock memory", "mlock", "operation not permitted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := get(t, p, "plain")
			answer, err := tell(w, "%s", test.command)
			if test.want == "SIGSYS" {
				var ended *Error
				if !errors.As(err, &ended) || ended.Cause != Crash || ended.Signal != syscall.SIGSYS {
					t.Fatalf("answer %q, error %v; want death by SIGSYS", answer, err)
				}
				return
			}
			if err != nil || !strings.Contains(answer, test.want) {
				t.Fatalf("answer %q, error %v; want %q", answer, err, test.want)
			}
		})
	}
}
