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

// fault is the answer that there is none, and why.
func fault(err error) []byte {
	text := err.Error()
	return []byte("!" + text[:min(len(text), maxReady/8)])
}

// writeHello is the first answer: the walls stand, raised by this build.
func writeHello(build string, err error) []byte {
	if err != nil {
		return fault(err)
	}
	return []byte("ready " + build)
}

// readHello reads what writeHello wrote.
func readHello(packet []byte) (build string, err error) {
	text := string(packet)
	if words, failed := strings.CutPrefix(text, "!"); failed {
		return "", fmt.Errorf("the starter: %s", words)
	}
	build, found := strings.CutPrefix(text, "ready ")
	if !found {
		return "", fmt.Errorf("the starter says %q", text)
	}
	return build, nil
}

// writePID is the answer for a worker that was started, or for err.
func writePID(pid int, err error) []byte {
	if err != nil {
		return fault(err)
	}
	return []byte(strconv.Itoa(pid))
}

// readPID reads what writePID wrote.
func readPID(packet []byte) (int, error) {
	text := string(packet)
	if words, failed := strings.CutPrefix(text, "!"); failed {
		return 0, fmt.Errorf("the starter: %s", words)
	}
	pid, err := strconv.Atoi(text)
	if err != nil || pid < 0 {
		return 0, fmt.Errorf("the starter says %q", text)
	}
	return pid, nil
}
