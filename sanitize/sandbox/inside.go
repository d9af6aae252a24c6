package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// Main MUST be the first call in main and in TestMain. If this process is a
// worker, Main loads its class, shuts the box, serves and exits; if it is the
// starter process, Main starts workers until the gateway ends. It returns only
// in a process that is neither. The binary must be built without cgo.
func Main(classes map[string]Class) {
	if len(os.Args) > 0 && os.Args[0] == starterName {
		os.Exit(startWorkers(os.Args))
	}
	o, isWorker, err := readOrders(os.Args)
	if !isWorker {
		return
	}
	out := os.Stdout
	os.Stdout = os.Stderr // a stray Println in a parser must not become part of an answer
	if err == nil {
		err = work(classes, o, os.Stdin, out)
	} else {
		err = refuse(out, Walls{}, err)
	}
	os.Exit(exitCode(err))
}

// refusal is an error before "ready": the worker never saw any input.
type refusal struct{ error }

// exitCode tells the parent how far the worker came.
func exitCode(err error) int {
	switch err.(type) {
	case nil:
		return exitServed
	case refusal:
		return exitRefused
	}
	return exitServe
}

// work is the life of a worker.
func work(classes map[string]Class, o orders, in io.Reader, out io.Writer) error {
	if err := detach(); err != nil {
		return refuse(out, Walls{}, err)
	}
	class, known := classes[o.class]
	if o.class == probeClass {
		class, known = probe(), true
	}
	if !known || class.Load == nil && class.Engine == nil {
		return refuse(out, Walls{}, fmt.Errorf("class %q is not known here", o.class))
	}
	serve, err := class.load(o.dirs)
	if err != nil {
		return refuse(out, Walls{}, fmt.Errorf("load class %s: %w", o.class, err))
	}
	walls, err := lock(o)
	if err == nil {
		err = walls.enough(o.allowWeak)
	}
	if err != nil {
		return refuse(out, walls, err)
	}
	if err := (ready{Walls: walls}).send(out); err != nil {
		return err
	}
	return serve(in, out)
}

// refuse tells the parent why there will be no service.
func refuse(out io.Writer, walls Walls, why error) error {
	if err := (ready{Walls: walls, Fault: why.Error(), Weak: errors.Is(why, ErrWeak)}).send(out); err != nil {
		return refusal{err}
	}
	return refusal{why}
}

// detach ties the worker to the gateway: the kernel ends it with its parent.
// (Should that have happened already, its input is at its end.) Descriptors,
// umask and working directory are the starter's, which has nothing to hide.
func detach() error {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("tie the worker to its parent: %w", err)
	}
	return nil
}

// calm bounds what one goroutine and the runtime may take, so that a deep
// recursion ends as a stack overflow long before the memory limit.
func calm(o orders) {
	debug.SetMaxStack(int(min(o.memory/4, 64<<20)))
	debug.SetMaxThreads(maxThreads)
}

// maxThreads is far above what the runtime needs with two processors.
const maxThreads = 64
