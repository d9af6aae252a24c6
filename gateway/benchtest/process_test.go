package benchtest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// process is a line of /proc/PID/stat.
type process struct {
	parent int
	cpu    time.Duration // its own and that of children it has waited for
	rss    int64         // bytes
}

// processes reads all that run.
func processes() map[int]process {
	all := map[int]process{}
	paths, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has just ended
		}
		pid, _ := strconv.Atoi(strings.Split(path, "/")[2])
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		number := func(i int) int64 { n, _ := strconv.ParseInt(fields[i], 10, 64); return n }
		const tick = time.Second / 100 // USER_HZ, proc(5)
		all[pid] = process{int(number(1)), time.Duration(number(11)+number(12)+number(13)+number(14)) * tick, number(21) * int64(os.Getpagesize())}
	}
	return all
}

// family calls f with each process of a system.
func family(sys system, f func(pid int, p process)) {
	all := processes()
	for pid, p := range all {
		for at := pid; at > 1; at = all[at].parent {
			if contains(sys.roots(), at) {
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

// cpu is the CPU time that a system has taken so far, in steps of 10 ms for
// each process.
func cpu(sys system) time.Duration {
	var sum time.Duration
	family(sys, func(_ int, p process) { sum += p.cpu })
	return sum
}

// memory is the largest resident size of the system's first process so far.
func memory(sys system) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(sys.roots()[0]) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, "VmHWM:"); found {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n << 10
		}
	}
	return 0
}
