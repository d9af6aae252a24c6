package benchtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// usage is the CPU time of a system: of its first process (for sekisho the
// gateway itself) and of all others (its boxes and their starter).
type usage struct{ first, rest time.Duration }

func (u usage) minus(v usage) usage { return usage{u.first - v.first, u.rest - v.rest} }

func (u usage) of(n int) usage { return usage{u.first / time.Duration(n), u.rest / time.Duration(n)} }

func (u usage) sum() time.Duration { return u.first + u.rest }

// used is what a system has taken so far: from its control group, to the
// microsecond and with all that have ended; without one from /proc, in steps
// of 10 ms a process, and without those that nobody has waited for.
func used(sys system) usage {
	all := processes()
	first := all[sys.roots()[0]].own
	if sum, ok := sys.control().cpu(); ok {
		return usage{first, sum - first}
	}
	var sum time.Duration
	family(all, sys.roots(), func(_ int, p process) { sum += p.own + p.reaped })
	return usage{first, sum - first}
}

// group is a control group (version 2) of one system's processes. Its zero
// value is none: the machine has no such groups, or they are not ours to make.
type group struct{ dir string }

// newGroup makes a group that is killed and removed with the benchmark.
func newGroup(b *testing.B, name string) group {
	b.Helper()
	for _, mount := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(filepath.Join(mount, "cgroup.controllers")); err != nil {
			continue // not mounted here
		}
		g := group{filepath.Join(mount, fmt.Sprintf("sekisho-bench-%d-%s", os.Getpid(), name))}
		if os.Mkdir(g.dir, 0o755) != nil {
			continue
		}
		if _, ok := g.cpu(); ok {
			b.Cleanup(func() { g.remove(b) })
			return g
		}
		_ = os.Remove(g.dir) // a kernel that does not count
	}
	return group{}
}

// cpu is all that the group's processes have taken (cgroup-v2, cpu.stat).
func (g group) cpu() (time.Duration, bool) {
	if g.dir == "" {
		return 0, false
	}
	text, err := os.ReadFile(filepath.Join(g.dir, "cpu.stat"))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, "usage_usec "); found {
			n, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
			return time.Duration(n) * time.Microsecond, err == nil
		}
	}
	return 0, false
}

// put has a command start inside the group.
func (g group) put(b *testing.B, c *exec.Cmd) *exec.Cmd {
	b.Helper()
	if g.dir == "" {
		return c
	}
	dir, err := os.Open(g.dir)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = dir.Close() })
	c.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	return c
}

// remove ends what is left in the group and takes it away.
func (g group) remove(b *testing.B) {
	_ = os.WriteFile(filepath.Join(g.dir, "cgroup.kill"), []byte("1"), 0) // without it, removal waits for them
	until(b, "removal of "+g.dir, func() bool { return os.Remove(g.dir) == nil })
}

// process is a line of /proc/PID/stat.
type process struct {
	parent      int
	own, reaped time.Duration // its own CPU time, and that of children it has waited for
}

// processes reads all that run.
func processes() map[int]process {
	all := map[int]process{}
	paths, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well-formed
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has just ended
		}
		pid, err := strconv.Atoi(strings.Split(path, "/")[2])
		if err != nil {
			continue
		}
		if p, ok := parseStat(string(text)); ok {
			all[pid] = p
		}
	}
	return all
}

// parseStat reads a line as proc_pid_stat(5) has it. The name may hold blanks
// and brackets, so fields are counted from its last bracket.
func parseStat(line string) (process, bool) {
	fields := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	if len(fields) < 15 {
		return process{}, false
	}
	var n [5]int64
	for i, at := range []int{1, 11, 12, 13, 14} {
		v, err := strconv.ParseInt(fields[at], 10, 64)
		if err != nil {
			return process{}, false
		}
		n[i] = v
	}
	const tick = time.Second / 100 // USER_HZ
	return process{int(n[0]), time.Duration(n[1]+n[2]) * tick, time.Duration(n[3]+n[4]) * tick}, true
}

// family calls f with each process that has one of the roots above it.
func family(all map[int]process, roots []int, f func(pid int, p process)) {
	for pid, p := range all {
		for at := pid; at > 1; at = all[at].parent {
			if contains(roots, at) {
				f(pid, p)
				break
			}
		}
	}
}

func contains(list []int, n int) bool {
	for _, x := range list {
		if x == n {
			return true
		}
	}
	return false
}

// memory is the largest resident size of the system's first process so far, in
// bytes; 0 when it has gone.
func memory(sys system) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(sys.roots()[0]) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, "VmHWM:"); found {
			n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				return 0
			}
			return n << 10
		}
	}
	return 0
}

func TestStat(t *testing.T) {
	line := "4950 (a ) b) S 4942 4950 3213 0 -1 4194560 900 0 0 0 12 3 40 5 20 0 9 0 100 1276624000 2839"
	want := process{4942, 150 * time.Millisecond, 450 * time.Millisecond}
	if got, ok := parseStat(line); !ok || got != want {
		t.Errorf("%+v, %v", got, ok)
	}
	for _, bad := range []string{"", "1 (x) S 1", strings.Replace(line, " 12 ", " x ", 1)} {
		if got, ok := parseStat(bad); ok {
			t.Errorf("%q gave %+v", bad, got)
		}
	}
}

func TestFamily(t *testing.T) {
	all := map[int]process{1: {}, 10: {parent: 1}, 11: {parent: 10}, 12: {parent: 11}, 20: {parent: 1}, 21: {parent: 20}, 30: {parent: 99}}
	seen := map[int]bool{}
	family(all, []int{10, 21}, func(pid int, _ process) { seen[pid] = true })
	for pid := range all {
		if want := pid >= 10 && pid <= 12 || pid == 21; seen[pid] != want {
			t.Errorf("%d: %v", pid, seen[pid])
		}
	}
}
