package sandbox

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// What the parent and the starter process say to each other. Neither is
// hostile; the limits keep a mistake small.
const (
	maxRequest = 4 << 10
	maxWords   = 64
)

// pack writes an argument vector and an environment as one packet: each word
// ends with a NUL, an empty word divides the two.
func pack(args, env []string) []byte {
	return []byte(strings.Join(args, "\x00") + "\x00\x00" + strings.Join(env, "\x00") + "\x00")
}

// unpack reads what pack wrote.
func unpack(packet []byte) (args, env []string, err error) {
	head, tail, found := strings.Cut(string(packet), "\x00\x00")
	args, env = strings.Split(head, "\x00"), strings.Split(strings.TrimSuffix(tail, "\x00"), "\x00")
	if !found || len(args)+len(env) > maxWords || args[0] != workerName {
		return nil, nil, errors.New("read the order of a worker: not one")
	}
	return args, env, nil
}

// writePID is the answer for a worker that was started, or for err.
func writePID(pid int, err error) []byte {
	if err != nil {
		text := err.Error()
		return []byte("!" + text[:min(len(text), maxReady/8)])
	}
	return []byte(strconv.Itoa(pid))
}

// readPID reads what writePID wrote.
func readPID(packet []byte) (int, error) {
	text := string(packet)
	if fault, failed := strings.CutPrefix(text, "!"); failed {
		return 0, fmt.Errorf("the starter: %s", fault)
	}
	pid, err := strconv.Atoi(text)
	if err != nil || pid < 0 {
		return 0, fmt.Errorf("the starter says %q", text)
	}
	return pid, nil
}
