package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// act runs inside a worker: it does what an attacker would do there and
// answers with "ok" or the error. rest is the command's argument.
func act(verb, rest string, out io.Writer) error {
	try, known := attacks()[verb]
	if !known {
		return fmt.Errorf("no command %q", verb)
	}
	answer := "ok"
	if err := try(rest); err != nil {
		answer = strings.ReplaceAll(err.Error(), "\n", " ")
	}
	_, err := fmt.Fprintln(out, answer)
	return err
}

func attacks() map[string]func(string) error {
	all := map[string]func(string) error{}
	for _, group := range []map[string]func(string) error{fileAttacks(), processAttacks(), memoryAttacks(), loadAttacks()} {
		for verb, try := range group {
			all[verb] = try
		}
	}
	return all
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

func raw(trap uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	if _, _, errno := unix.Syscall6(trap, a[0], a[1], a[2], a[3], a[4], a[5]); errno != 0 {
		return errno
	}
	return nil
}

func fileAttacks() map[string]func(string) error {
	return map[string]func(string) error{
		"open":      func(path string) error { _, err := os.ReadFile(path); return err },
		"create":    func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) },
		"list":      func(path string) error { _, err := os.ReadDir(path); return err },
		"stat":      func(path string) error { _, err := os.Stat(path); return err },
		"remove":    func(path string) error { return os.Remove(path) },
		"dial":      func(addr string) error { _, err := net.Dial("tcp", addr); return err },
		"dup":       func(string) error { _, err := unix.Dup(0); return err },
		"pipe":      func(string) error { return unix.Pipe2(make([]int, 2), 0) },
		"socket":    func(string) error { _, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); return err },
		"unix":      func(string) error { _, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0); return err },
		"netlink":   func(string) error { _, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW, 0); return err },
		"connect":   func(string) error { return unix.Connect(0, &unix.SockaddrInet4{Port: 25}) },
		"sendto":    func(string) error { return unix.Sendto(1, nil, 0, &unix.SockaddrInet4{Port: 53}) },
		"memfd":     func(string) error { _, err := unix.MemfdCreate("x", 0); return err },
		"mount":     func(string) error { return unix.Mount("none", "/", "tmpfs", 0, "") },
		"chroot":    func(string) error { return unix.Chroot("/") },
		"iouring":   func(string) error { return raw(unix.SYS_IO_URING_SETUP, 1, 0) },
		"bpf":       func(string) error { return raw(unix.SYS_BPF, 0, 0, 0) },
		"keyctl":    func(string) error { _, err := unix.KeyctlGetKeyringID(-3, true); return err },
		"userfault": func(string) error { return raw(unix.SYS_USERFAULTFD, 0) },
		"ioctl":     func(string) error { _, err := unix.IoctlGetInt(0, unix.TIOCINQ); return err },
	}
}

func processAttacks() map[string]func(string) error {
	return map[string]func(string) error{
		"exec":      func(string) error { return unix.Exec("/bin/true", []string{"x"}, nil) },
		"execveat":  func(string) error { return raw(unix.SYS_EXECVEAT, 0, 0, 0, 0, unix.AT_EMPTY_PATH) },
		"command":   func(string) error { _, err := os.StartProcess("/bin/true", nil, &os.ProcAttr{}); return err },
		"fork":      func(string) error { return raw(unix.SYS_CLONE, uintptr(unix.SIGCHLD)) },
		"vfork":     func(string) error { return raw(unix.SYS_CLONE, unix.CLONE_VM|unix.CLONE_VFORK|uintptr(unix.SIGCHLD)) },
		"clonens":   func(string) error { return raw(unix.SYS_CLONE, threadFlags|unix.CLONE_NEWNET) },
		"clone3":    func(string) error { return raw(unix.SYS_CLONE3, 0, 0) },
		"ptrace":    func(string) error { return unix.PtraceAttach(1) },
		"kill":      func(pid string) error { return unix.Kill(number(pid), unix.SIGTERM) },
		"tgkill":    func(pid string) error { return unix.Tgkill(number(pid), number(pid), unix.SIGTERM) },
		"unshare":   func(string) error { return unix.Unshare(unix.CLONE_NEWUSER) },
		"setns":     func(string) error { return unix.Setns(0, 0) },
		"setuid":    func(string) error { return unix.Setresuid(0, 0, 0) },
		"prctl":     func(string) error { return unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0) },
		"vmread":    func(string) error { return raw(unix.SYS_PROCESS_VM_READV, 1, 0, 0, 0, 0, 0) },
		"pidfd":     func(string) error { _, err := unix.PidfdOpen(1, 0); return err },
		"setrlimit": raiseLimit,
		"seccomp":   func(string) error { return raw(unix.SYS_SECCOMP, 0, 0, 0) },
		"name":      func(string) error { return unix.Sethostname([]byte("x")) },
		"caps": func(string) error {
			return cap.NewSet().SetProc()
		},
		"environ": func(string) error { return fmt.Errorf("%q", os.Environ()) },
		"pid":     func(string) error { return fmt.Errorf("%d", os.Getpid()) },
	}
}

func raiseLimit(string) error {
	return syscall.Setrlimit(unix.RLIMIT_CPU, &syscall.Rlimit{Cur: 1 << 30, Max: 1 << 30})
}

func memoryAttacks() map[string]func(string) error {
	return map[string]func(string) error{
		"mmapx": func(string) error {
			_, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_ANON|unix.MAP_PRIVATE)
			return err
		},
		"mprotectx": func(string) error {
			page, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
			if err != nil {
				return nil // the wall must stand at the next step
			}
			return unix.Mprotect(page, unix.PROT_READ|unix.PROT_EXEC)
		},
		"mmapshared": func(string) error {
			_, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_SHARED)
			return err
		},
		"mmapfile": func(string) error {
			_, err := unix.Mmap(0, 0, 4096, unix.PROT_READ, unix.MAP_PRIVATE)
			return err
		},
		"mlock": func(string) error { return unix.Mlockall(unix.MCL_CURRENT) },
		"threads": func(string) error {
			ready, stop := make(chan bool), make(chan bool)
			for range 8 {
				go func() { runtime.LockOSThread(); ready <- true; <-stop }()
				<-ready
			}
			close(stop)
			return nil
		},
		"garbage": func(string) error {
			var keep [][]byte
			for i := range 2000 {
				keep = append(keep, make([]byte, 100<<10))
				if i%100 == 99 {
					keep = nil
					runtime.GC()
				}
			}
			runtime.KeepAlive(keep)
			return nil
		},
	}
}

func loadAttacks() map[string]func(string) error {
	return map[string]func(string) error{
		"allocate": func(size string) error {
			block := make([]byte, number(size))
			for i := 0; i < len(block); i += 4096 {
				block[i] = 1
			}
			runtime.KeepAlive(block)
			return nil
		},
		"grow": func(string) error {
			var all [][]byte
			for {
				all = append(all, bytes.Repeat([]byte{1}, 1<<20))
				runtime.KeepAlive(all)
			}
		},
		"loop": func(string) error {
			for {
				turns++
			}
		},
		"sleep": func(string) error { return block() },
		"answer": func(size string) error {
			piece := make([]byte, 64<<10)
			for n := number(size); n > 0; n -= len(piece) {
				if _, err := unix.Write(1, piece); err != nil {
					return err
				}
			}
			return nil
		},
		"stderr": func(size string) error {
			piece := bytes.Repeat([]byte("fatal noise 隔離\n"), 4<<10)
			for n := number(size); n > 0; n -= len(piece) {
				if _, err := os.Stderr.Write(piece); err != nil {
					return err
				}
			}
			return nil
		},
		"println":  func(s string) error { fmt.Println(s); return nil },
		"panic":    func(string) error { panic("parser bug") },
		"overflow": func(string) error { return fmt.Errorf("%d", dive(0)) },
		"exit":     func(code string) error { os.Exit(number(code)); return nil },
		"fail":     func(string) error { return nil },
		"signal":   func(string) error { signal.Ignore(unix.SIGTERM, unix.SIGINT); return nil },
		"nil":      func(string) error { var p *int; *p = 1; return nil },
		"close":    func(fd string) error { return unix.Close(number(fd)) },
		"deafen":   func(string) error { return errors.Join(unix.Close(1), block()) },
	}
}

// block waits for ever. With a timer, or the runtime would call it a deadlock.
func block() error {
	time.Sleep(time.Hour)
	return nil
}

// turns is written by the endless loop so that it is not empty.
var turns = 0

//go:noinline
func dive(n int) int {
	if n < 0 {
		return n
	}
	return dive(n+1) + 1
}

// loadSlack remembers how late this worker's sleeps may end, in nanoseconds.
func loadSlack() (Serve, error) {
	slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	return func(in io.Reader, out io.Writer) error {
		_, failed := fmt.Fprintln(out, slack, err)
		return errors.Join(failed, obey(in, out))
	}, nil
}

// loadDescriptors remembers what descriptors this worker has got, each with
// its kind of file.
func loadDescriptors() (Serve, error) {
	var open []string
	for fd := range 1024 {
		var stat unix.Stat_t
		if unix.Fstat(fd, &stat) == nil {
			open = append(open, fmt.Sprintf("%d=%o", fd, stat.Mode&unix.S_IFMT))
		}
	}
	return func(in io.Reader, out io.Writer) error {
		if _, err := fmt.Fprintln(out, strings.Join(open, " ")); err != nil {
			return err
		}
		_, err := io.Copy(io.Discard, in)
		return err
	}, nil
}
