package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// The starter process stands between the gateway and its workers. It raises
// once all walls that a process hands down to its children (fence.go), so that
// a worker's own start is little more than an exec: no new user namespace, no
// mounts, no capabilities to drop, and none of the gateway's memory to copy.
// It sees no byte of any message. A worker is made as its sibling, a child of
// the gateway (CLONE_PARENT), which therefore waits for it and kills it.

// starterName is argument zero of the starter process.
const starterName = "sekisho-starter"

// starterSocket is where the starter process finds its orders.
const starterSocket = 0

// boxPath is the program in the workers' root directory.
const boxPath = "/box"

// startWorkers is the life of the starter process: it raises the walls, says
// so and starts workers until the gateway is gone. It returns an exit code.
func startWorkers(args []string) int {
	// The walls belong to a thread, and so do the children that inherit them.
	runtime.LockOSThread()
	f, err := raise(args)
	if err := reply(writeHello(build(), err)); err != nil || f == nil {
		return exitRefused
	}
	for {
		if err := f.serve(); err != nil {
			return exitServe
		}
	}
}

// reply answers the gateway.
func reply(packet []byte) error {
	return patient(func() error {
		_, err := unix.Write(starterSocket, packet)
		return err
	})
}

// patient makes a call again for as long as a signal interrupts it.
func patient(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// serve starts one worker.
func (f *fence) serve() error {
	packet := make([]byte, maxRequest)
	rights := make([]byte, unix.CmsgSpace(3*4))
	var n, nrights int
	err := patient(func() (err error) {
		n, nrights, _, _, err = unix.Recvmsg(starterSocket, packet, rights, unix.MSG_CMSG_CLOEXEC)
		return err
	})
	if err != nil {
		return err
	}
	if n == 0 {
		return errors.New("the gateway has ended")
	}
	fds, err := descriptors(rights[:nrights])
	if err != nil {
		return reply(writePID(0, err))
	}
	pid, err := f.fork(packet[:n], fds)
	for _, fd := range fds {
		err = errors.Join(err, unix.Close(fd))
	}
	return reply(writePID(pid, err))
}

// descriptors reads the three that came with an order.
func descriptors(rights []byte) ([]int, error) {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil || len(messages) != 1 {
		return nil, fmt.Errorf("read the descriptors of a worker: %d messages, %v", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 3 {
		return nil, fmt.Errorf("read the descriptors of a worker: %d, %v", len(fds), err)
	}
	return fds, nil
}

// fork makes the worker.
func (f *fence) fork(packet []byte, fds []int) (int, error) {
	args, env, err := unpack(packet)
	if err != nil {
		return 0, err
	}
	attr := &syscall.SysProcAttr{Setsid: true, Cloneflags: syscall.CLONE_PARENT}
	if f.spaces {
		attr.Cloneflags |= syscall.CLONE_NEWPID
	}
	files := []uintptr{uintptr(fds[0]), uintptr(fds[1]), uintptr(fds[2])}
	pid, err := syscall.ForkExec(f.program, f.complete(args), &syscall.ProcAttr{Env: env, Files: files, Sys: attr})
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", f.program, err)
	}
	return pid, nil
}

// complete adds to a worker's orders what the starter process alone knows.
func (f *fence) complete(args []string) []string {
	args = append(args, strconv.FormatInt(f.space.size, 10), strconv.FormatInt(f.space.data, 10), strconv.FormatBool(f.emptyRoot))
	return append(args, f.dirs...)
}

// closeInherited closes every descriptor above 2 that came through exec. Such
// a descriptor cannot have the close-on-exec flag, while all that this
// process opened by itself does.
func closeInherited() error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("list descriptors: %w", err)
	}
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil || fd <= 2 {
			continue
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC != 0 {
			continue // closed meanwhile, or our own
		}
		if err := unix.Close(fd); err != nil {
			return fmt.Errorf("close inherited descriptor %d: %w", fd, err)
		}
	}
	return nil
}
