package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A helper is the worker binary started as a second parent: under another
// user, on a host that lacks something, or to be killed. Its verb comes in
// the environment, its answer goes to standard output as JSON.
const helperEnv = "SEKISHO_TEST_HELPER"

// report is what a helper found.
type report struct {
	Walls  Walls  // of a pool that accepts a weak host
	Probe  Walls  // of probeExe
	Weak   bool   // NewPool without the override failed with ErrWeak
	Fault  string // what else went wrong
	Trial  []string
	Engine []string // trials in a worker with an engine
}

func helperMain(verb string) int {
	verb, walls, _ := strings.Cut(verb, " without ")
	if err := takeAway(strings.Fields(walls)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	switch verb {
	case "report":
		if err := json.NewEncoder(os.Stdout).Encode(examine()); err != nil {
			return 1
		}
		return 0
	case "orphan":
		return orphan()
	}
	fmt.Fprintf(os.Stderr, "no helper %q\n", verb)
	return 1
}

// takeAway makes this host one that lacks some walls: filters, inherited by
// all that is started from here, answer the calls with EPERM. "seccomp" comes
// last in a list, since there can be no filter after it.
func takeAway(walls []string) error {
	for _, wall := range walls {
		var rules []rule
		switch wall {
		case "landlock":
			rules = []rule{{nr: unix.SYS_LANDLOCK_CREATE_RULESET, answer: refuseCall}, {nr: unix.SYS_LANDLOCK_RESTRICT_SELF, answer: refuseCall}}
		case "seccomp":
			rules = []rule{{nr: unix.SYS_SECCOMP, answer: refuseCall}}
		case "userns":
			rules = []rule{{unix.SYS_CLONE, refuseCall, [][]condition{{{0, unix.CLONE_NEWUSER, 0}}}}}
		case "mounts":
			rules = []rule{{nr: unix.SYS_MOUNT, answer: refuseCall}}
		default:
			return fmt.Errorf("no wall %q", wall)
		}
		filter, err := program(rules, allowCall)
		if err != nil {
			return err
		}
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return err
		}
		if _, err := load(filter); err != nil {
			return fmt.Errorf("take away %s: %w", wall, err)
		}
	}
	return nil
}

// examine looks at this host from this process and tries some attacks.
func examine() report {
	var r report
	fault := func(err error) { r.Fault += err.Error() + "; " }
	ctx := context.Background()
	var err error
	if r.Probe, err = probeExe(ctx, "/proc/self/exe"); err != nil {
		fault(err)
	}
	cfg := testConfig()
	cfg.Exe, cfg.EngineExe = "", ""
	if strict, err := NewPool(cfg); err == nil {
		strict.Close()
	} else if r.Weak = errors.Is(err, ErrWeak); !r.Weak {
		fault(err)
	}
	cfg.AllowWeak = true
	p, err := NewPool(cfg)
	if err != nil {
		fault(err)
		return r
	}
	defer p.Close()
	r.Walls = p.Walls()
	for _, command := range []string{
		"open /etc/passwd", "create /tmp/sekisho-escape", "socket", "fork", "exec", "mmapx", "setrlimit", "grow",
		"dial 127.0.0.1:25", "kill " + strconv.Itoa(os.Getpid()),
	} {
		r.Trial = append(r.Trial, trial(ctx, p, "plain", command))
	}
	for _, command := range []string{"loaded", "again"} {
		r.Engine = append(r.Engine, trial(ctx, p, "engine", command))
	}
	return r
}

// probeExe starts one worker of exe that does nothing and returns the walls it
// measured on this host. It asks for no minimum.
func probeExe(ctx context.Context, exe string) (Walls, error) {
	p, err := newPool(Config{AllowWeak: true, Exe: exe, ReadyTimeout: 10 * time.Second})
	if err != nil {
		return Walls{}, err
	}
	defer p.Close()
	if err := p.learn(ctx, shapes(os.Geteuid())); err != nil {
		return Walls{}, fmt.Errorf("probe the sandbox: %w", err)
	}
	return p.walls, nil
}

// trial runs one attack and returns what came of it.
func trial(ctx context.Context, p *Pool, class, command string) string {
	w, err := p.Get(ctx, class)
	if err != nil {
		return command + ": " + err.Error()
	}
	answer, err := tell(w, "%s", command)
	if err != nil {
		answer = err.Error()
	}
	if err := w.Close(); err != nil {
		answer += err.Error()
	}
	return command + ": " + answer
}

// orphan starts workers, idle and busy, names them and waits to be killed.
func orphan() int {
	cfg := testConfig()
	cfg.Exe, cfg.EngineExe = "", ""
	cfg.Ahead = map[string]int{"plain": 1}
	p, err := NewPool(cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var pids []int
	for range 2 {
		w, err := p.Get(context.Background(), "plain")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if _, err := io.WriteString(w, "loop\n"); err != nil {
			return 1
		}
		pids = append(pids, w.proc.Pid)
	}
	for p.Stats().Idle == 0 {
		<-p.after(minPause / 10)
	}
	p.mu.Lock()
	pids = append(pids, p.shelf["plain"].ready[0].proc.Pid)
	p.mu.Unlock()
	if err := json.NewEncoder(os.Stdout).Encode(pids); err != nil {
		return 1
	}
	if err := block(); err != nil {
		return 1
	}
	return 0
}
