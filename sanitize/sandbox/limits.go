package sandbox

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// Limits caps one worker for its whole life. There is no "unlimited": a field
// that is zero or negative makes [NewPool] fail, but for Files.
type Limits struct {
	// Memory in bytes, resident, of the whole worker with its engines. At
	// least 32 MiB. A worker above it is killed within a few hundredths of a
	// second; the kernel itself refuses what goes 64 MiB beyond (RLIMIT_DATA).
	Memory int64
	// CPU is the processor time after "ready", user and system, all threads.
	CPU time.Duration
	// Wall is the time between Get and the end of the worker.
	Wall time.Duration
	// Output in bytes is the most that may be read from the worker.
	Output int64
	// Files is the number of descriptors the worker may hold once the box is
	// shut (RLIMIT_NOFILE). 0 means the 8 that the box itself needs at most;
	// engines that keep files open from Load need more.
	Files int
}

const (
	minMemory = 32 << 20
	minFiles  = 8
)

// check reports the first limit that is missing or too small to work.
func (l Limits) check() error {
	switch {
	case l.Memory < minMemory:
		return fmt.Errorf("memory limit %d is below %d bytes", l.Memory, minMemory)
	case l.CPU <= 0:
		return errors.New("CPU limit is missing")
	case l.Wall <= 0:
		return errors.New("wall clock limit is missing")
	case l.Output <= 0:
		return errors.New("output limit is missing")
	case l.Files < 0:
		return fmt.Errorf("file limit %d is negative", l.Files)
	}
	return nil
}

// Serve is what a worker runs once the box is shut. It reads requests from in
// and writes answers to out until in is at its end, then returns nil. An error
// or a panic ends the worker as [Crash]. It MUST NOT expect to open a file,
// start a program or reach a network: all of these fail or kill the worker.
type Serve func(in io.Reader, out io.Writer) error

// Class is a kind of worker, for example "light" or "image".
type Class struct {
	// Load runs before the box shuts. It has not seen, and cannot see, a byte of
	// any message.
	Load func() (Serve, error)
	// Engine is set, and Load is not, for a class that runs an engine.
	Engine *Engine
	// Limits caps each worker of the class. The parent's value counts.
	Limits Limits
	// Procs is how many processors a worker computes on at once (GOMAXPROCS),
	// at most as many as there are. 0 means 1, which starts fastest: a second
	// one helps the garbage collector of a worker with much memory.
	Procs int
}

// probeClass names the built-in class that serves nothing. [Probe] and
// [NewPool] use it to learn which walls stand.
const probeClass = "probe"

// probeLimits is enough for a worker that only locks itself down.
func probeLimits() Limits {
	return Limits{Memory: 128 << 20, CPU: 5 * time.Second, Wall: 10 * time.Second, Output: 1 << 10, Files: 16}
}

// probe is the built-in class: it waits for the end of its input.
func probe() Class {
	return Class{
		Limits: probeLimits(),
		Load: func() (Serve, error) {
			return func(in io.Reader, _ io.Writer) error {
				_, err := io.Copy(io.Discard, io.LimitReader(in, 1<<10))
				return err
			}, nil
		},
	}
}
