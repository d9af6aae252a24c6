package sandbox

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// answer is what the kernel does with a system call (seccomp(2)).
type answer uint32

const (
	allowCall  = answer(unix.SECCOMP_RET_ALLOW)
	refuseCall = answer(unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM))
	absentCall = answer(unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS))
	killCaller = answer(unix.SECCOMP_RET_KILL_PROCESS)
)

// rule answers one system call. The call is allowed if one of the sets of
// conditions on its arguments holds; otherwise, or without any, the answer
// counts.
type rule struct {
	nr     uint32
	answer answer
	unless [][]condition
}

// condition compares the 64 bits of an argument under a mask.
type condition struct {
	arg        uint32 // counted from 0
	mask, want uint64
}

// Offsets in struct seccomp_data. An argument's words stand in the machine's
// order; all that Go's Linux ports for us have in common is little-endian.
const (
	offsetNr   = 0
	offsetArch = 4
	offsetArgs = 16
)

// x32 marks calls of amd64's 32-bit ABI, which has numbers of its own.
const x32 = 0x40000000

// program writes the filter for these rules: a foreign architecture is
// refused, the x32 ABI absent, a call without a rule answered with other. The
// rules become a binary tree, so that no call, and no check of the kernel when
// the filter is loaded, runs through all of them.
func program(rules []rule, other answer) ([]unix.SockFilter, error) {
	if len(rules) == 0 {
		return nil, errors.New("a filter without rules")
	}
	rules = slices.SortedFunc(slices.Values(rules), func(a, b rule) int { return int(a.nr) - int(b.nr) })
	code := []bpf.Instruction{
		bpf.LoadAbsolute{Off: offsetArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: auditArch, SkipTrue: 1},
		ret(refuseCall),
		bpf.LoadAbsolute{Off: offsetNr, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: x32, SkipTrue: 1},
		ret(absentCall),
	}
	for i := range rules[1:] {
		if rules[i].nr == rules[i+1].nr {
			return nil, fmt.Errorf("two rules for system call %d", rules[i].nr)
		}
	}
	body, err := tree(rules, other)
	if err != nil {
		return nil, err
	}
	raw, err := bpf.Assemble(append(code, body...))
	if err != nil {
		return nil, fmt.Errorf("assemble the filter: %w", err)
	}
	filter := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		filter[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return filter, nil
}

func ret(a answer) bpf.Instruction { return bpf.RetConstant{Val: uint32(a)} }

// tree finds the rule of the call whose number is in the register.
func tree(rules []rule, other answer) ([]bpf.Instruction, error) {
	if len(rules) == 1 {
		leaf := append(rules[0].check(), ret(other))
		skip, err := skip(len(leaf) - 1)
		return append([]bpf.Instruction{bpf.JumpIf{Cond: bpf.JumpEqual, Val: rules[0].nr, SkipFalse: skip}}, leaf...), err
	}
	mid := len(rules) / 2
	low, err := tree(rules[:mid], other)
	if err != nil {
		return nil, err
	}
	high, err := tree(rules[mid:], other)
	if err != nil {
		return nil, err
	}
	over, err := skip(len(low))
	code := []bpf.Instruction{bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: rules[mid].nr, SkipTrue: over}}
	return append(append(code, low...), high...), err
}

// skip is a distance of a conditional jump.
func skip(n int) (uint8, error) {
	if n > 255 {
		return 0, fmt.Errorf("assemble the filter: a jump over %d instructions", n)
	}
	return uint8(n), nil
}

// check is the code of a rule once its call is found. A set that fails goes on
// with the next one.
func (r rule) check() []bpf.Instruction {
	var code []bpf.Instruction
	for _, set := range r.unless {
		tests := words(set)
		for i, c := range tests {
			rest := 3*(len(tests)-i-1) + 1 // the tests that follow and the answer
			code = append(code,
				bpf.LoadAbsolute{Off: c.arg, Size: 4},
				bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: uint32(c.mask)},
				bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(c.want), SkipFalse: uint8(rest)},
			)
		}
		code = append(code, ret(allowCall))
	}
	return append(code, ret(r.answer))
}

// words divides conditions on 64 bits into those on 32, with the place in
// struct seccomp_data instead of the argument's number.
func words(set []condition) []condition {
	var tests []condition
	for _, c := range set {
		for word := range uint32(2) {
			shift := 32 * word
			if mask := c.mask >> shift & 0xFFFFFFFF; mask != 0 {
				tests = append(tests, condition{offsetArgs + 8*c.arg + 4*word, mask, c.want >> shift & 0xFFFFFFFF})
			}
		}
	}
	return tests
}
