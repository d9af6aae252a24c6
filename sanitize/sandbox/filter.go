package sandbox

import (
	"errors"
	"fmt"
	"slices"

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

// filter is a program of the kernel's socket filter machine, as it grows
// (bpf(4), seccomp(2)).
type filter []unix.SockFilter

// span is a stretch of call numbers, up to the next span, with one answer.
type span struct {
	from uint32
	rule rule
}

// spans cuts all call numbers into stretches with the same answer: neighbours
// of one kind, and the numbers between rules, are compared with once.
func spans(rules []rule, other answer) []span {
	all := append(make([]span, 0, 2*len(rules)+1), span{0, rule{answer: other}})
	add := func(from uint32, r rule) {
		last := &all[len(all)-1]
		switch {
		case last.from == from:
			last.rule = r
		case r.unless != nil || last.rule.unless != nil || last.rule.answer != r.answer:
			all = append(all, span{from, r})
		}
	}
	for i, r := range rules {
		add(r.nr, r)
		if i+1 == len(rules) || rules[i+1].nr != r.nr+1 {
			add(r.nr+1, rule{answer: other})
		}
	}
	return all
}

// program writes the filter for these rules: a foreign architecture is
// refused, the x32 ABI absent, a call without a rule answered with other. The
// rules become a binary tree over stretches of numbers, so that no call, and
// no check of the kernel when the filter is loaded, runs through all of them.
// Each box writes it anew and the kernel translates it anew, so it is written
// straight into its final form, and short.
func program(rules []rule, other answer) ([]unix.SockFilter, error) {
	if len(rules) == 0 {
		return nil, errors.New("a filter without rules")
	}
	slices.SortFunc(rules, func(a, b rule) int { return int(a.nr) - int(b.nr) })
	for i := range rules[1:] {
		if rules[i].nr == rules[i+1].nr {
			return nil, fmt.Errorf("two rules for system call %d", rules[i].nr)
		}
	}
	f := make(filter, 0, 256)
	f.load(offsetArch)
	f.jump(unix.BPF_JEQ, auditArch, 1, 0)
	f.answer(refuseCall)
	f.load(offsetNr)
	f.jump(unix.BPF_JGE, x32, 0, 1)
	f.answer(absentCall)
	ends := make([]branch, 0, 256)
	if err := f.tree(spans(rules, other), &ends); err != nil {
		return nil, err
	}
	return f, f.end(ends)
}

// branch is one way out of the jump at a place, which leads to an answer that
// stands at the end of the program.
type branch struct {
	at  int
	yes bool
	to  answer
}

// end writes the answers and leads the jumps to them.
func (f *filter) end(ways []branch) error {
	left := len(ways)
	for _, a := range []answer{refuseCall, allowCall, killCaller, absentCall} {
		for _, b := range ways {
			if b.to != a {
				continue
			}
			if err := f.land(b); err != nil {
				return err
			}
			left--
		}
		f.answer(a)
	}
	if left != 0 {
		return fmt.Errorf("assemble the filter: %d ways to an answer that is none", left)
	}
	return nil
}

// load puts a word of the call's description into the register.
func (f *filter) load(off uint32) {
	*f = append(*f, unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: off})
}

// and keeps the register's bits under a mask.
func (f *filter) and(mask uint32) {
	*f = append(*f, unix.SockFilter{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: mask})
}

// jump compares the register with k and skips so many instructions. It returns
// its own place.
func (f *filter) jump(op uint16, k uint32, yes, no uint8) int {
	*f = append(*f, unix.SockFilter{Code: unix.BPF_JMP | op | unix.BPF_K, Jt: yes, Jf: no, K: k})
	return len(*f) - 1
}

// answer ends the program.
func (f *filter) answer(a answer) {
	*f = append(*f, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: uint32(a)})
}

// tree finds the span of the call whose number is in the register.
func (f *filter) tree(all []span, ends *[]branch) error {
	if len(all) == 1 {
		f.check(all[0].rule)
		return nil
	}
	mid := len(all) / 2
	at := f.jump(unix.BPF_JGE, all[mid].from, 0, 0)
	for _, side := range []struct {
		spans []span
		way   branch
	}{{all[:mid], branch{at: at}}, {all[mid:], branch{at: at, yes: true}}} {
		if first := side.spans[0].rule; len(side.spans) == 1 && first.unless == nil {
			side.way.to = first.answer
			*ends = append(*ends, side.way)
			continue
		}
		if err := errors.Join(f.land(side.way), f.tree(side.spans, ends)); err != nil {
			return err
		}
	}
	return nil
}

// land makes a jump lead to the next instruction.
func (f *filter) land(b branch) error {
	over := len(*f) - b.at - 1
	if over > 255 {
		return fmt.Errorf("assemble the filter: a jump over %d instructions", over)
	}
	if b.yes {
		(*f)[b.at].Jt = uint8(over)
	} else {
		(*f)[b.at].Jf = uint8(over)
	}
	return nil
}

// check is the code of a rule once its call is found. A set that fails goes on
// with the next one.
func (f *filter) check(r rule) {
	for _, set := range r.unless {
		tests := words(set)
		for i, c := range tests {
			f.load(c.arg)
			f.and(uint32(c.mask))
			rest := 3*(len(tests)-i-1) + 1 // the tests that follow and the answer
			f.jump(unix.BPF_JEQ, uint32(c.want), 0, uint8(rest))
		}
		f.answer(allowCall)
	}
	f.answer(r.answer)
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
