package sandbox

import "golang.org/x/sys/unix"

const auditArch = unix.AUDIT_ARCH_AARCH64

// foreignCalls are deadly calls that other architectures do not have.
func foreignCalls() []uint32 { return nil }
