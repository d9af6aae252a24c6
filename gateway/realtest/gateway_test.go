package realtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sekisho/gateway/peertest"
)

const (
	domain     = "town.example.lg.jp"
	postmaster = "postmaster@" + domain
)

// gateway is an installed gateway: its configuration and data, and the running
// program while there is one.
type gateway struct {
	t       *testing.T
	dir     string
	host    string // loopback address of this test alone
	smtp    string
	admin   string
	config  string
	environ []string
	process *exec.Cmd
	ended   chan struct{}
	err     error // of the process's end, once ended is closed
}

// install runs sekisho init for a town whose mail server is at relay. vars are
// settings as environment variables, NAME=value.
func install(t *testing.T, host, relay string, vars ...string) *gateway {
	t.Helper()
	g := &gateway{t: t, dir: t.TempDir(), host: host, smtp: peertest.Free(t, host), admin: peertest.Free(t, host)}
	g.config = filepath.Join(g.dir, "etc", "sekisho.yaml")
	g.environ = append(foreign(os.Environ()), "SEKISHO_MANAGEMENT_LISTEN="+g.admin, "SEKISHO_STORAGE_MIN_FREE=16MB",
		"SEKISHO_INTAKE_LIMITS_MAILS_PER_MINUTE=1000000", "SEKISHO_INTAKE_LIMITS_CONNECTIONS_PER_CLIENT=100")
	out, code := g.run("init", filepath.Join(g.dir, "etc"), "--storage="+filepath.Join(g.dir, "data"), "--instance=real",
		"--name=さくら町", "--contact=情報政策課", "--postmaster="+postmaster, "--domain="+domain, "--recipient=@"+domain,
		"--listen="+g.smtp, "--hostname=gw."+domain, "--client=127.0.0.0/8", "--relay="+relay, "--relay-tls=none", "--my-number=10.30.0.0/16")
	if code != 0 {
		t.Fatalf("sekisho init: exit %d\n%s", code, out)
	}
	g.environ = append(g.environ, vars...)
	t.Cleanup(func() {
		if g.process != nil {
			g.kill()
		}
		if t.Failed() {
			t.Logf("the gateway's log:\n%s", g.log(6000))
		}
	})
	return g
}

// foreign leaves out what a gateway would take for its settings.
func foreign(environ []string) []string {
	return slices.DeleteFunc(environ, func(v string) bool { return strings.HasPrefix(v, "SEKISHO_") })
}

// run runs a command of the program to its end: its output and exit code.
func (g *gateway) run(args ...string) (string, int) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(g.t.Context()), patience)
	defer cancel()
	c := exec.CommandContext(ctx, os.Getenv(binaryEnv), args...)
	var out, errs bytes.Buffer
	c.Dir, c.Env, c.Stdout, c.Stderr = g.dir, g.environ, &out, &errs
	err := c.Run()
	var x *exec.ExitError
	if err != nil && !errors.As(err, &x) {
		g.t.Fatalf("sekisho %v: %v", args, err)
	}
	if c.ProcessState.ExitCode() != 0 {
		return out.String() + errs.String(), c.ProcessState.ExitCode()
	}
	return out.String(), 0
}

// launch starts the program and does not wait for it.
func (g *gateway) launch() {
	g.t.Helper()
	log, err := os.OpenFile(filepath.Join(g.dir, "serve.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		g.t.Fatal(err)
	}
	defer log.Close() // the child has its own
	c := exec.Command(os.Getenv(binaryEnv), "serve", "--config", g.config)
	c.Dir, c.Env, c.Stderr = g.dir, g.environ, log
	if err := c.Start(); err != nil {
		g.t.Fatal(err)
	}
	ended := make(chan struct{})
	g.process, g.ended, g.err = c, ended, nil
	go func() {
		g.err = c.Wait()
		close(ended)
	}()
}

// start starts the program and waits until it says that it can work.
func (g *gateway) start() {
	g.t.Helper()
	g.launch()
	until(g.t, "the gateway to be ready", func() bool {
		select {
		case <-g.ended:
			g.t.Fatalf("sekisho serve ended: %v", g.err)
		default:
		}
		status, _ := g.get("/readyz")
		return status == http.StatusOK
	})
}

// kill ends the program as a power loss would, and its boxes with it.
func (g *gateway) kill() {
	g.t.Helper()
	boxes := family(g.process.Process.Pid)
	if err := g.process.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		g.t.Errorf("kill: %v", err)
	}
	<-g.ended
	g.process = nil
	until(g.t, "the boxes to end with their parent", func() bool { return !anyAlive(boxes) })
}

// stop asks the program to end, as systemd does, and returns how long it took.
func (g *gateway) stop() time.Duration {
	g.t.Helper()
	boxes, start := family(g.process.Process.Pid), time.Now()
	if err := g.process.Process.Signal(syscall.SIGTERM); err != nil {
		g.t.Fatalf("stop: %v", err)
	}
	select {
	case <-g.ended:
	case <-time.After(patience):
		g.t.Fatal("the gateway did not stop")
	}
	took := time.Since(start)
	g.process = nil
	if g.err != nil {
		g.t.Errorf("sekisho serve after SIGTERM: %v", g.err)
	}
	until(g.t, "the boxes to end with their parent", func() bool { return !anyAlive(boxes) })
	return took
}

// get fetches a page of the management listener; status 0 when it is down.
func (g *gateway) get(path string) (int, string) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(g.t.Context()), 10*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.admin+path, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0, ""
	}
	defer a.Body.Close()
	b, err := io.ReadAll(io.LimitReader(a.Body, 1<<20))
	if err != nil {
		return 0, ""
	}
	return a.StatusCode, string(b)
}

// metric reads one value by its name and labels as they are printed.
func (g *gateway) metric(name string) (int, bool) {
	g.t.Helper()
	_, body := g.get("/metrics")
	for line := range strings.Lines(body) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			return int(v), err == nil
		}
	}
	return 0, false
}

// drained waits until no message and no delivery waits, but for those that
// wait for another hour on purpose.
func (g *gateway) drained() {
	g.t.Helper()
	until(g.t, "the queue to be empty", func() bool {
		for _, s := range []string{"accepted", "sanitizing"} {
			if n, ok := g.metric(`sekisho_queue_messages{state="` + s + `"}`); !ok || n > 0 {
				return false
			}
		}
		for _, d := range g.deliveries("drafted", "ready", "relaying") {
			if time.Until(d.NextAt) < time.Minute {
				return false
			}
		}
		return true
	})
}

// delivery is a line of "sekisho queue list --json".
type delivery struct {
	ID         string    `json:"id"`
	Receipt    string    `json:"receipt_no"`
	Kind       string    `json:"kind"`
	State      string    `json:"state"`
	Reason     string    `json:"reason"`
	HeldParts  int       `json:"held_parts"`
	Attempts   int       `json:"attempts"`
	NextAt     time.Time `json:"next_at"`
	Recipients []struct {
		Address string `json:"address"`
		State   string `json:"state"`
		Code    int    `json:"code"`
		Reply   string `json:"reply"`
	} `json:"recipients"`
}

// item is a line of "sekisho quarantine list --json".
type item struct {
	ID        string `json:"id"`
	Receipt   string `json:"receipt_no"`
	Recipient string `json:"recipient"`
	Reason    string `json:"reason"`
	State     string `json:"state"`
}

// all is more than any test makes.
const all = "--limit=1000000"

// deliveries lists the deliveries in these states, none for all states.
func (g *gateway) deliveries(states ...string) []delivery {
	g.t.Helper()
	if len(states) == 0 {
		states = []string{"drafted", "ready", "relaying", "relayed", "held", "failed", "discarded"}
	}
	return list[delivery](g, "queue", "list", "-c", g.config, "--json", all, "--state="+strings.Join(states, ","))
}

func (g *gateway) items() []item {
	g.t.Helper()
	return list[item](g, "quarantine", "list", "-c", g.config, "--json", all)
}

// list runs a command that prints one JSON value a line.
func list[T any](g *gateway, args ...string) []T {
	g.t.Helper()
	out, code := g.run(args...)
	if code != 0 {
		g.t.Fatalf("sekisho %v: exit %d\n%s", args, code, out)
	}
	var vs []T
	for line := range strings.Lines(out) {
		var v T
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			g.t.Fatalf("sekisho %v printed %q: %v", args, line, err)
		}
		vs = append(vs, v)
	}
	return vs
}

// verify checks the ledger, the stores and the audit log of a stopped gateway.
func (g *gateway) verify() {
	g.t.Helper()
	if out, code := g.run("verify", "-c", g.config); code != 0 {
		g.t.Errorf("sekisho verify: exit %d\n%s", code, out)
	}
	out, code := g.run("audit", "verify", "--log", filepath.Join(g.dir, "data", "audit"), "--key", filepath.Join(g.dir, "etc", "keys", "audit.pub"))
	if code != 0 {
		g.t.Errorf("sekisho audit verify: exit %d\n%s", code, out)
	}
}

// log returns the end of what the program has said.
func (g *gateway) log(n int) string {
	b, err := os.ReadFile(filepath.Join(g.dir, "serve.log"))
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-n):])
}
