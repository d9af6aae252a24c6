package sandbox

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// workerName is argument zero of every worker. Whoever starts the program
// under this name by hand gets a locked box, nothing else.
const workerName = "sekisho-worker"

// orders is what the parent tells a worker before it starts. It travels in
// the arguments because they are the parent's alone: the environment is
// emptied, and standard input belongs to the message.
type orders struct {
	class     string
	memory    int64
	cpu       time.Duration
	files     int
	spaces    bool // the starter put the worker into namespaces of its own
	allowWeak bool
	space     footprint // of the program before it does anything
	emptyRoot bool      // the starter says so
	dirs      []string  // that it may read until the box is shut; the starter says where
}

// args writes the orders as an argument vector. The starter process adds what
// it alone knows: space, emptyRoot and dirs.
func (o orders) args() []string {
	return []string{
		workerName, o.class, strconv.FormatInt(o.memory, 10), strconv.FormatInt(int64(o.cpu), 10),
		strconv.Itoa(o.files), strconv.FormatBool(o.spaces), strconv.FormatBool(o.allowWeak),
	}
}

// readOrders parses an argument vector. The boolean says whether this process
// is a worker at all; a worker with orders that it cannot read gets an error.
func readOrders(args []string) (orders, bool, error) {
	if len(args) == 0 || args[0] != workerName {
		return orders{}, false, nil
	}
	if len(args) < 10 {
		return orders{}, true, fmt.Errorf("%d arguments instead of 10", len(args))
	}
	memory, errMemory := strconv.ParseInt(args[2], 10, 64)
	cpu, errCPU := strconv.ParseInt(args[3], 10, 64)
	files, errFiles := strconv.Atoi(args[4])
	spaces, errSpaces := strconv.ParseBool(args[5])
	weak, errWeak := strconv.ParseBool(args[6])
	size, errSize := strconv.ParseInt(args[7], 10, 64)
	data, errData := strconv.ParseInt(args[8], 10, 64)
	root, errRoot := strconv.ParseBool(args[9])
	if err := errors.Join(errMemory, errCPU, errFiles, errSpaces, errWeak, errSize, errData, errRoot); err != nil {
		return orders{}, true, fmt.Errorf("read orders: %w", err)
	}
	o := orders{class: args[1], memory: memory, cpu: time.Duration(cpu), files: files, spaces: spaces, allowWeak: weak,
		space: footprint{size: size, data: data}, emptyRoot: root, dirs: args[10:]}
	if o.memory < minMemory || o.cpu <= 0 || o.files < minFiles {
		return orders{}, true, errors.New("read orders: a limit is too small")
	}
	return o, true, nil
}

// environ is a worker's whole environment: knobs of the Go runtime and of the C
// library. The
// soft memory limit makes the garbage collector work harder before the hard
// one is met.
func (o orders) environ(procs int) []string {
	return []string{
		"GOMEMLIMIT=" + strconv.FormatInt(o.memory/8*7, 10),
		"GOGC=100",
		"GODEBUG=" + quietRuntime,
		"GOMAXPROCS=" + strconv.Itoa(max(1, procs)),
		"GLIBC_TUNABLES=" + quietLibrary,
	}
}

// quietLibrary keeps the C library of a program that is linked with cgo from
// registering restartable sequences for each thread: behind the filter that
// fails, and the library then ends the process. Static programs do not read it.
const quietLibrary = "glibc.pthread.rseq=0"

// quietRuntime keeps the runtime from opening, and holding open, the cgroup's
// files to choose GOMAXPROCS, which is given.
const quietRuntime = "containermaxprocs=0,updatemaxprocs=0"
