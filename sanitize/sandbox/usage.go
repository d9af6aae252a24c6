package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// usage is what a process takes at one moment.
type usage struct {
	cpu     time.Duration // user and system, all threads
	threads int
	rss     int64 // resident bytes
}

// clockTick is the unit of times in /proc: USER_HZ is 100 on every
// architecture that Go runs on.
const clockTick = time.Second / 100

// readUsage reads a file of the form /proc/PID/stat (proc_pid_stat(5)). The
// file is open to everybody and needs no right over the process.
func readUsage(path string) (usage, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return usage{}, err
	}
	return parseUsage(text, int64(os.Getpagesize()))
}

// Fields of stat, counted from the state that follows the name.
const (
	statUser    = 11
	statSystem  = 12
	statThreads = 17
	statRSS     = 21
)

// parseUsage reads the line. The name in parentheses may hold anything, so
// fields are counted from the last parenthesis.
func parseUsage(line []byte, page int64) (usage, error) {
	end := bytes.LastIndexByte(line, ')')
	if end < 0 {
		return usage{}, errors.New("process status has no name")
	}
	fields := bytes.Fields(line[end+1:])
	if len(fields) <= statRSS {
		return usage{}, fmt.Errorf("process status has %d fields", len(fields))
	}
	var numbers [statRSS + 1]int64
	for _, i := range []int{statUser, statSystem, statThreads, statRSS} {
		n, err := strconv.ParseInt(string(fields[i]), 10, 64)
		if err != nil || n < 0 {
			return usage{}, fmt.Errorf("process status field %d is not a number", i)
		}
		numbers[i] = n
	}
	return usage{
		cpu:     time.Duration(numbers[statUser]+numbers[statSystem]) * clockTick,
		threads: int(numbers[statThreads]),
		rss:     numbers[statRSS] * page,
	}, nil
}

// footprint is the address space of a process.
type footprint struct {
	size int64 // bytes, counts against RLIMIT_AS
	data int64 // bytes, counts against RLIMIT_DATA
}

// readFootprint reads a file of the form /proc/PID/statm (proc_pid_statm(5)).
func readFootprint(path string) (footprint, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return footprint{}, err
	}
	return parseFootprint(text, int64(os.Getpagesize()))
}

// parseFootprint reads the line of seven numbers of pages.
func parseFootprint(line []byte, page int64) (footprint, error) {
	fields := bytes.Fields(line)
	if len(fields) != 7 {
		return footprint{}, fmt.Errorf("memory status has %d fields", len(fields))
	}
	size, errSize := strconv.ParseInt(string(fields[0]), 10, 64)
	data, errData := strconv.ParseInt(string(fields[5]), 10, 64)
	if err := errors.Join(errSize, errData); err != nil {
		return footprint{}, fmt.Errorf("read memory status: %w", err)
	}
	return footprint{size: size * page, data: data * page}, nil
}
