package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// running is a gateway in the background.
type running struct {
	process *exec.Cmd
	ended   chan struct{} // closed when the process has ended
	err     error         // of its end, once ended is closed
}

// serveCommand handles serve start [NAME=VALUE…], serve strained [NAME=VALUE…],
// which waits for a gateway that runs and says that it is not ready, serve stop,
// serve kill.
func serveCommand(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) == 0, "serve start|stop|kill|reload")
	w := worldOf(ts)
	switch args[0] {
	case "start":
		w.startServe(ts, neg, http.StatusOK, args[1:])
	case "strained":
		w.startServe(ts, neg, http.StatusServiceUnavailable, args[1:])
	case "stop":
		usage(ts, neg || w.serve == nil, "serve stop, after serve start")
		ts.Check(w.stopServe())
	case "kill":
		usage(ts, neg || w.serve == nil, "serve kill, after serve start")
		ts.Check(w.serve.process.Process.Kill())
		<-w.serve.ended
		w.serve = nil
	case "reload":
		usage(ts, neg || w.serve == nil, "serve reload, after serve start")
		ts.Check(w.serve.process.Process.Signal(syscall.SIGHUP))
	default:
		ts.Fatalf("serve %s: no such command", args[0])
	}
}

// startServe starts the gateway and waits until it is ready. With neg it must
// refuse: its words are then the story's stderr.
func (w *world) startServe(ts *testscript.TestScript, neg bool, status int, vars []string) {
	usage(ts, w.serve != nil, "serve start, once")
	path := filepath.Join(w.dir, "serve.log")
	log, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	ts.Check(err)
	defer log.Close() // the child has its own
	before, err := log.Seek(0, io.SeekEnd)
	ts.Check(err)
	program, err := lookPath(ts.Getenv("PATH"), "sekisho")
	ts.Check(err)
	r := &running{process: exec.Command(program, "serve", "--config", ts.Getenv("CONFIG")), ended: make(chan struct{})}
	r.process.Dir, r.process.Env = w.dir, append(append([]string{}, w.vars...), vars...)
	r.process.Stderr = log
	ts.Check(r.process.Start())
	go func() {
		r.err = r.process.Wait()
		close(r.ended)
	}()
	ready := w.ready(r, status)
	said, err := os.ReadFile(path)
	ts.Check(err)
	fmt.Fprint(ts.Stderr(), string(said[before:]))
	if ready == nil {
		w.serve = r
		ts.Defer(func() {
			if err := w.stopServe(); err != nil {
				ts.Fatalf("%v", err)
			}
		})
	}
	expect(ts, neg, ready, "serve start")
}

// ready waits until the gateway says with this status whether it can work, or
// ends.
func (w *world) ready(r *running, want int) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		if status, _, err := get(ctx, "http://"+w.admin+"/readyz"); err == nil && status == want {
			return nil
		}
		select {
		case <-r.ended:
			return fmt.Errorf("sekisho serve ended: %w", r.err)
		case <-ctx.Done():
			r.process.Process.Kill()
			<-r.ended
			return errors.New("sekisho serve was not ready in time")
		case <-again.C:
		}
	}
}

// stopServe asks the gateway to stop, as systemd does, and expects exit 0.
func (w *world) stopServe() error {
	r := w.serve
	if r == nil {
		return nil
	}
	w.serve = nil
	if err := r.process.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	end := time.NewTimer(patience)
	defer end.Stop()
	select {
	case <-r.ended:
		if r.err != nil {
			return fmt.Errorf("sekisho serve after SIGTERM: %w", r.err)
		}
		return nil
	case <-end.C:
		r.process.Process.Kill()
		<-r.ended
		return errors.New("sekisho serve did not stop")
	}
}

// lookPath finds a program in a PATH that is not the test's own.
func lookPath(path, name string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		if p := filepath.Join(dir, name); isProgram(p) {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s is not in %s", name, path)
}

func isProgram(p string) bool {
	st, err := os.Stat(p)
	return err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0
}

// httpGet prints the body of a page; anything but 200 is a failure.
func httpGet(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) != 1, "httpget URL")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	status, body, err := get(ctx, args[0])
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d", status)
	}
	fmt.Fprint(ts.Stdout(), body)
	expect(ts, neg, err, "httpget")
}

func get(ctx context.Context, url string) (int, string, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, strings.NewReader(""))
	if err != nil {
		return 0, "", err
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return 0, "", err
	}
	defer a.Body.Close()
	b, err := io.ReadAll(io.LimitReader(a.Body, 1<<20))
	return a.StatusCode, string(b), err
}
