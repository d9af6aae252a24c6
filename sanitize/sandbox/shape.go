package sandbox

import (
	"fmt"
	"strconv"
	"syscall"
)

// shape is one way to start workers: with or without namespaces, and under
// which user of the host. A pool tries the shapes in order once and then
// keeps the first that works, so walls never change silently while it runs.
type shape struct {
	spaces   bool
	uid      int  // user and group on the host
	switches bool // uid differs from the parent's
}

// nobody is the host's user without files of its own, used when the parent
// is root.
const nobody = 65534

// shapes lists what to try, strongest first. Root becomes nobody if it can; a
// binary that nobody may not execute leaves it as it is.
func shapes(euid int) []shape {
	if euid != 0 {
		return []shape{{spaces: true, uid: euid}, {uid: euid}}
	}
	return []shape{
		{spaces: true, uid: nobody, switches: true}, {spaces: true},
		{uid: nobody, switches: true}, {},
	}
}

// String names the shape for the log.
func (s shape) String() string {
	return fmt.Sprintf("namespaces=%t uid=%d", s.spaces, s.uid)
}

// args is the argument vector of a starter process of this shape, whose
// workers may read these directories while they load.
func (s shape) args(dirs []string) []string {
	return append([]string{starterName, strconv.FormatBool(s.spaces)}, dirs...)
}

// attr is what the kernel is asked for at the start of the starter process,
// for itself and all its workers; each worker gets a process namespace of its
// own besides (nursery.go).
//
// Inside its user namespace the starter process begins as user 0, which gives
// it the right to set up an empty root and nothing on the host.
func (s shape) attr(gid int) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if s.switches {
		gid = nobody
	}
	if !s.spaces {
		if s.switches {
			a.Credential = &syscall.Credential{Uid: uint32(s.uid), Gid: uint32(gid)}
		}
		return a
	}
	a.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS
	a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: s.uid, Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
	if s.switches {
		a.GidMappingsEnableSetgroups = true // root's supplementary groups go
		a.Credential = &syscall.Credential{}
	}
	return a
}
