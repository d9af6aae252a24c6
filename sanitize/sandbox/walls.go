package sandbox

import (
	"errors"
	"fmt"
	"strings"
)

// ErrWeak means that this host cannot give the minimum: seccomp and Landlock.
// A server that meets it MUST refuse to start unless the named, audited
// override is set (see [Config.AllowWeak]).
var ErrWeak = errors.New("the sandbox is below its minimum")

// Walls says which layers of the box stand. A worker measures its own walls,
// by trying what must fail, before it has read an untrusted byte.
type Walls struct {
	// Seccomp: system calls outside the list fail, dangerous ones kill.
	Seccomp bool `json:"seccomp"`
	// Landlock: no path can be opened. LandlockABI is the kernel's version, 0
	// where there is none; network rules need 4, signal scoping 6.
	Landlock    bool `json:"landlock"`
	LandlockABI int  `json:"landlock_abi"`
	// UserNS, NetNS, PidNS: the worker is alone in its own namespaces of
	// users, network devices and processes.
	UserNS bool `json:"user_ns"`
	NetNS  bool `json:"net_ns"`
	PidNS  bool `json:"pid_ns"`
	// MountNS: the worker's root directory is an empty read-only tmpfs.
	MountNS bool `json:"mount_ns"`
	// Rlimits: CPU, memory, files, file size and core size are limited.
	Rlimits bool `json:"rlimits"`
	// NoCaps: no thread holds a capability, and none can be gained.
	NoCaps bool `json:"no_caps"`
}

// Minimum reports whether the walls without which a worker must not see
// untrusted bytes all stand.
func (w Walls) Minimum() bool { return w.Seccomp && w.Landlock }

// named are the walls in a fixed order.
func (w *Walls) named() []struct {
	name   string
	stands *bool
} {
	return []struct {
		name   string
		stands *bool
	}{
		{"seccomp", &w.Seccomp}, {"landlock", &w.Landlock}, {"user_ns", &w.UserNS}, {"net_ns", &w.NetNS},
		{"pid_ns", &w.PidNS}, {"mount_ns", &w.MountNS}, {"rlimits", &w.Rlimits}, {"no_caps", &w.NoCaps},
	}
}

// Missing names the walls that do not stand, in a fixed order.
func (w Walls) Missing() []string {
	var names []string
	for _, wall := range w.named() {
		if !*wall.stands {
			names = append(names, wall.name)
		}
	}
	return names
}

// bits has one bit for each wall that stands.
func (w Walls) bits() uint {
	var set uint
	for i, wall := range w.named() {
		if *wall.stands {
			set |= 1 << i
		}
	}
	return set
}

// setBits reads what bits wrote.
func (w *Walls) setBits(set uint) {
	for i, wall := range w.named() {
		*wall.stands = set>>i&1 == 1
	}
}

// enough is nil if the minimum stands or the operator took the blame.
func (w Walls) enough(allowWeak bool) error {
	if w.Minimum() || allowWeak {
		return nil
	}
	return fmt.Errorf("%w: missing %s", ErrWeak, strings.Join(w.Missing(), ", "))
}
