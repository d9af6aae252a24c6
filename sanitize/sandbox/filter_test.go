package sandbox

import (
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// call is what the kernel shows a filter (struct seccomp_data).
type call struct {
	nr, arch uint32
	args     [6]uint64
}

// packet lays a call out for bpf.VM, which reads big-endian words.
func (c call) packet() []byte {
	p := make([]byte, 16, 64)
	binary.BigEndian.PutUint32(p, c.nr)
	binary.BigEndian.PutUint32(p[4:], c.arch)
	for _, a := range c.args {
		p = binary.BigEndian.AppendUint32(p, uint32(a)) // the low word first
		p = binary.BigEndian.AppendUint32(p, uint32(a>>32))
	}
	return p
}

const testPID = 234 // also the number of tgkill on amd64: once a hole

// machine runs the filter of a worker.
func machine(tb testing.TB) *bpf.VM {
	tb.Helper()
	filter, err := program(workerRules(testPID), refuseCall)
	if err != nil {
		tb.Fatal(err)
	}
	var code []bpf.Instruction
	for _, f := range filter {
		code = append(code, bpf.RawInstruction{Op: f.Code, Jt: f.Jt, Jf: f.Jf, K: f.K}.Disassemble())
	}
	vm, err := bpf.NewVM(code)
	if err != nil {
		tb.Fatal(err)
	}
	return vm
}

func run(tb interface{ Fatal(...any) }, vm *bpf.VM, c call) answer {
	got, err := vm.Run(c.packet())
	if err != nil {
		tb.Fatal(err)
	}
	return answer(got)
}

// model is the filter in plain Go.
func model(c call) answer {
	switch {
	case c.arch != auditArch:
		return refuseCall
	case c.nr >= 0x40000000:
		return absentCall
	case slices.Contains(deadlyCalls(), c.nr):
		return killCaller
	case c.nr == unix.SYS_CLONE3:
		return absentCall
	case c.nr == unix.SYS_CLONE && c.args[0]&^(unix.CLONE_SETTLS|unix.CLONE_PARENT_SETTID|unix.CLONE_CHILD_CLEARTID) != threadFlags:
		return killCaller
	case c.nr == unix.SYS_TGKILL && c.args[0] != testPID,
		c.nr == unix.SYS_MPROTECT && c.args[2]&unix.PROT_EXEC != 0,
		c.nr == unix.SYS_MMAP && (c.args[2]&unix.PROT_EXEC != 0 || c.args[3]&unix.MAP_SHARED != 0 || c.args[3]&unix.MAP_ANONYMOUS == 0):
		return refuseCall
	case slices.Contains([]uint32{unix.SYS_CLONE, unix.SYS_TGKILL, unix.SYS_MPROTECT, unix.SYS_MMAP}, c.nr):
		return allowCall
	case slices.Contains(allowedCalls(), c.nr):
		return allowCall
	}
	return refuseCall
}

// TestFilterMatchesModel runs the assembled filter over every call number and
// over arguments chosen to be mistaken for numbers.
// spec: g4
func TestFilterMatchesModel(t *testing.T) {
	vm := machine(t)
	for nr := range uint32(600) {
		for _, v := range []uint64{0, 1, 2, 4, 7, 10, 34, 56, testPID, threadFlags, threadFlags | unix.CLONE_SETTLS, threadFlags | threadIDs, threadFlags | unix.CLONE_CHILD_SETTID, threadFlags | 1<<32, testPID | 1<<32, 1 << 63, ^uint64(0)} {
			c := call{nr: nr, arch: auditArch, args: [6]uint64{v, v, v, v, v, v}}
			if got, want := run(t, vm, c), model(c); got != want {
				t.Errorf("call %d with %#x: %#x, want %#x", nr, v, got, want)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 600), rapid.SampledFrom([]uint64{threadFlags, threadFlags | unix.CLONE_SETTLS, testPID, 0x22, 3, 7}))
		c := call{nr: rapid.OneOf(rapid.Uint32Range(0, 600), rapid.Uint32()).Draw(t, "nr"), arch: auditArch}
		for i := range c.args {
			c.args[i] = number.Draw(t, "argument")
		}
		if got, want := run(t, vm, c), model(c); got != want {
			t.Fatalf("%+v: %#x, want %#x", c, got, want)
		}
	})
}

// TestFilterForeignABI checks that no other way into the kernel is open.
func TestFilterForeignABI(t *testing.T) {
	vm := machine(t)
	for nr := range uint32(600) {
		for _, foreign := range []call{
			{nr: nr, arch: unix.AUDIT_ARCH_I386}, {nr: nr, arch: unix.AUDIT_ARCH_ARM}, {nr: nr, arch: 0},
			{nr: nr | 0x40000000, arch: auditArch}, {nr: nr | 0x80000000, arch: auditArch},
		} {
			if got := run(t, vm, foreign); got == allowCall {
				t.Fatalf("%+v is allowed", foreign)
			}
		}
	}
}

// TestFilterRefusesDoubles: two rules for a call would hide one another.
func TestFilterRefusesDoubles(t *testing.T) {
	if _, err := program([]rule{{nr: 1, answer: allowCall}, {nr: 1, answer: killCaller}}, refuseCall); err == nil {
		t.Fatal("two rules for one call")
	}
}
