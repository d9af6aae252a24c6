package sandbox

import (
	"encoding/binary"
	"testing"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// call is what the kernel shows a filter (struct seccomp_data).
type call struct {
	nr, arch uint32
	args     [6]uint64
}

// packet lays a call out for bpf.VM, which reads big-endian words. The filter
// was assembled for this machine and looks for the low word of an argument
// where the machine's byte order puts it.
func (c call) packet() []byte {
	p := make([]byte, 16, 64)
	binary.BigEndian.PutUint32(p, c.nr)
	binary.BigEndian.PutUint32(p[4:], c.arch)
	for _, a := range c.args {
		words := make([]byte, 8)
		binary.NativeEndian.PutUint64(words, a)
		p = binary.BigEndian.AppendUint32(p, binary.NativeEndian.Uint32(words))
		p = binary.BigEndian.AppendUint32(p, binary.NativeEndian.Uint32(words[4:]))
	}
	return p
}

const testPID = 234 // also the number of tgkill on amd64: once a hole

// machines assembles all filters of a worker.
func machines(tb testing.TB) []*bpf.VM {
	tb.Helper()
	var vms []*bpf.VM
	for _, p := range policies(testPID) {
		program, err := p.Assemble()
		if err != nil {
			tb.Fatal(err)
		}
		vm, err := bpf.NewVM(program)
		if err != nil {
			tb.Fatal(err)
		}
		vms = append(vms, vm)
	}
	return vms
}

// answer is what the kernel does with several filters: the strictest wins.
func answer(tb interface{ Fatal(...any) }, vms []*bpf.VM, c call) seccomp.Action {
	strictness := []seccomp.Action{seccomp.ActionAllow, seccomp.ActionErrno, seccomp.ActionKillProcess}
	worst := 0
	for _, vm := range vms {
		got, err := vm.Run(c.packet())
		if err != nil {
			tb.Fatal(err)
		}
		action := seccomp.Action(uint32(got) & unix.SECCOMP_RET_ACTION_FULL)
		level := -1
		for i, a := range strictness {
			if a == action {
				level = i
			}
		}
		if level < 0 {
			tb.Fatal("unexpected action ", action)
		}
		worst = max(worst, level)
	}
	return strictness[worst]
}

// model is the filter in plain Go.
func model(names map[int]string, allowed, deadly map[string]bool, c call) seccomp.Action {
	name := names[int(c.nr)]
	switch {
	case deadly[name]:
		return seccomp.ActionKillProcess
	case !allowed[name]:
		return seccomp.ActionErrno
	case name == "clone" && c.args[0]&^unix.CLONE_SETTLS != threadFlags:
		return seccomp.ActionKillProcess
	case name == "tgkill" && c.args[0] != testPID,
		name == "mprotect" && c.args[2]&unix.PROT_EXEC != 0,
		name == "mmap" && (c.args[2]&unix.PROT_EXEC != 0 || c.args[3]&unix.MAP_SHARED != 0 || c.args[3]&unix.MAP_ANONYMOUS == 0):
		return seccomp.ActionErrno
	}
	return seccomp.ActionAllow
}

func set(names []string) map[string]bool {
	s := map[string]bool{}
	for _, name := range names {
		s[name] = true
	}
	return s
}

// TestFilterMatchesModel runs the assembled filters over every call number and
// over arguments chosen to be mistaken for numbers.
// spec: g4
func TestFilterMatchesModel(t *testing.T) {
	info, err := arch.GetInfo("")
	if err != nil {
		t.Fatal(err)
	}
	vms, allowed, deadly := machines(t), set(allowedCalls()), set(deadlyCalls())
	for nr := range uint32(600) {
		for _, v := range []uint64{0, 1, 2, 4, 7, 10, 34, 56, testPID, threadFlags, threadFlags | unix.CLONE_SETTLS, threadFlags | 1<<32, 1 << 63, ^uint64(0)} {
			c := call{nr: nr, arch: uint32(info.ID), args: [6]uint64{v, v, v, v, v, v}}
			want := model(info.SyscallNumbers, allowed, deadly, c)
			if got := answer(t, vms, c); got != want {
				t.Errorf("call %d (%s) with %#x: %v, want %v", nr, info.SyscallNumbers[int(nr)], v, got, want)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 600), rapid.SampledFrom([]uint64{threadFlags, threadFlags | unix.CLONE_SETTLS, testPID, 0x22, 3, 7}))
		c := call{nr: rapid.Uint32Range(0, 600).Draw(t, "nr"), arch: uint32(info.ID)}
		for i := range c.args {
			c.args[i] = number.Draw(t, "argument")
		}
		if got, want := answer(t, vms, c), model(info.SyscallNumbers, allowed, deadly, c); got != want {
			t.Fatalf("%+v: %v, want %v", c, got, want)
		}
	})
}

// TestFilterForeignABI checks that no other way into the kernel is open.
func TestFilterForeignABI(t *testing.T) {
	info, err := arch.GetInfo("")
	if err != nil {
		t.Fatal(err)
	}
	vms := machines(t)
	for nr := range uint32(600) {
		for _, foreign := range []call{
			{nr: nr, arch: uint32(arch.I386.ID)}, {nr: nr, arch: uint32(arch.ARM.ID)},
			{nr: nr | 0x40000000, arch: uint32(info.ID)}, {nr: nr | 0x80000000, arch: uint32(info.ID)},
		} {
			if got := answer(t, vms, foreign); got == seccomp.ActionAllow {
				t.Fatalf("%+v is allowed", foreign)
			}
		}
	}
}
