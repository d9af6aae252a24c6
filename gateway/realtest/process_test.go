package realtest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// member is a process, told from a later one with its number by its start.
type member struct{ pid, start string }

// family returns the descendants of a process, from the process table
// (proc(5): stat, fields 4 and 22).
func family(pid int) []member {
	below := map[string][]member{}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	for _, path := range stats {
		if f, ok := readStat(path); ok {
			below[f[1]] = append(below[f[1]], member{filepath.Base(filepath.Dir(path)), f[19]})
		}
	}
	var all []member
	for next := below[strconv.Itoa(pid)]; len(next) > 0; next = next[1:] {
		all = append(all, next[0])
		next = append(next, below[next[0].pid]...)
	}
	return all
}

// readStat returns the fields behind the name: state, parent, …
func readStat(path string) ([]string, bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, false
	}
	end := strings.LastIndexByte(string(b), ')') // a name may hold anything
	f := strings.Fields(string(b[end+1:]))
	return f, len(f) > 19
}

// anyAlive reports whether one of the processes is there and not a zombie.
func anyAlive(ms []member) bool {
	for _, m := range ms {
		if f, ok := readStat(filepath.Join("/proc", m.pid, "stat")); ok && f[19] == m.start && f[0] != "Z" {
			return true
		}
	}
	return false
}
