package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// dirEnv names the directory that test engines read while they load.
const dirEnv = "SEKISHO_TEST_DIR"

// engineFiles makes it, open to every user since workers may run as nobody.
func engineFiles() (string, error) {
	dir, err := os.MkdirTemp("", "engine-*")
	if err != nil {
		return "", err
	}
	err = errors.Join(os.Chmod(dir, 0o755), os.WriteFile(filepath.Join(dir, "font"), []byte("glyphs"), 0o644),
		os.Mkdir(filepath.Join(dir, "deep"), 0o755), os.WriteFile(filepath.Join(dir, "deep", "font"), []byte("more"), 0o644))
	return dir, err
}

// seen serves what a look at a path brings while the worker loads, and what it
// brings once the box is shut.
func seen(path string) Serve {
	look := func() string {
		list, err := os.ReadDir(path)
		if err != nil {
			return err.Error()
		}
		var names []string
		for _, e := range list {
			names = append(names, e.Name())
		}
		return strings.Join(names, " ")
	}
	first := look()
	return func(in io.Reader, out io.Writer) error {
		if _, err := bufio.NewReader(in).ReadBytes('\n'); err != nil {
			return err
		}
		_, err := fmt.Fprintf(out, "%s, then %s\n", first, look())
		return err
	}
}

// loadEngine reads the files of its directories and keeps what it read. It
// also tries what it must not be able to do there.
func loadEngine(dirs []string) (Serve, error) {
	var read []string
	for _, name := range []string{"font", "deep/font"} {
		text, err := os.ReadFile(filepath.Join(dirs[0], name))
		if err != nil {
			return nil, err
		}
		read = append(read, string(text))
	}
	_, missing := os.ReadFile(filepath.Join(dirs[1], "x"))
	for _, attempt := range []error{
		os.WriteFile(filepath.Join(dirs[0], "mine"), nil, 0o600),
		os.WriteFile(filepath.Join(dirs[0], "font"), nil, 0o600),
		os.Remove(filepath.Join(dirs[0], "font")),
		errorOf(os.ReadFile("/etc/passwd")),
	} {
		if attempt == nil {
			return nil, errors.New("a loading engine can do what it must not")
		}
	}
	return func(in io.Reader, out io.Writer) error {
		r := bufio.NewReader(in)
		for {
			line, err := r.ReadBytes('\n')
			if err != nil {
				return nil
			}
			verb, rest, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
			switch string(verb) {
			case "loaded":
				_, err = fmt.Fprintf(out, "%s, %t\n", strings.Join(read, " "), errors.Is(missing, os.ErrNotExist))
			case "again":
				_, again := os.ReadFile(filepath.Join(dirs[0], "font"))
				_, list := os.ReadDir(dirs[0])
				_, err = fmt.Fprintf(out, "%s, %s\n", reasonOf(again), reasonOf(list))
			default:
				err = act(string(verb), string(rest), out)
			}
			if err != nil {
				return err
			}
		}
	}, nil
}

func errorOf[T any](_ T, err error) error { return err }

// reasonOf is the error without its path.
func reasonOf(err error) string {
	var e *os.PathError
	if errors.As(err, &e) {
		return e.Err.Error()
	}
	return fmt.Sprint(err)
}

// TestEngineClosesItsFiles loads an engine and then does in its worker what
// must not work any more: its own directories are as closed as all others.
// spec: g4
func TestEngineClosesItsFiles(t *testing.T) {
	p := newTestPool(t, nil)
	for _, test := range []struct{ name, command, want string }{
		{"what was loaded is there", "loaded", "glyphs more, true"},
		{"its own directory", "again", "operation not permitted, operation not permitted"},
		{"by the name in the box", "open /dir0/font", "operation not permitted"},
		{"by the name on the host", "open " + os.Getenv(dirEnv) + "/font", "operation not permitted"},
		{"another file", "open /etc/passwd", "operation not permitted"},
		{"a new file", "create /dir0/x", "operation not permitted"},
		{"executable memory", "mmapx", "operation not permitted"},
		{"memory made executable", "mprotectx", "operation not permitted"},
		{"a socket", "socket", "SIGSYS"},
		{"another program", "exec", "SIGSYS"},
		{"a mount", "mount", "SIGSYS"},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer, err := tell(get(t, p, "engine"), "%s", test.command)
			var ended *Error
			switch {
			case test.want == "SIGSYS":
				if !errors.As(err, &ended) || ended.Signal != syscall.SIGSYS {
					t.Fatalf("answer %q, error %v; want death by SIGSYS", answer, err)
				}
			case err != nil || !strings.HasSuffix(answer, test.want):
				t.Fatalf("answer %q, error %v; want %q", answer, err, test.want)
			}
		})
	}
}

// TestEngineFilesAreItsOwn: a worker without an engine sees none of them, not
// even while it loads, and has the same walls.
func TestEngineFilesAreItsOwn(t *testing.T) {
	p := newTestPool(t, nil)
	if answer, err := tell(get(t, p, "engine"), "loaded"); err != nil || answer != "glyphs more, true" {
		t.Fatal(answer, err)
	}
	answer, err := tell(get(t, p, "looks"), "look")
	if err != nil || answer != "open /: permission denied, then open /: operation not permitted" {
		t.Fatalf("%q, %v", answer, err)
	}
}

// TestEngineWaits: no worker is started before Await says so; one that is
// never ready is an error of Get, within the caller's time.
func TestEngineWaits(t *testing.T) {
	ready := make(chan error)
	asked := make(chan struct{}, 1)
	var late = errors.New("compiled to nothing")
	p := newTestPool(t, func(c *Config) {
		class := c.Classes["engine"]
		e := *class.Engine
		e.Await = func(ctx context.Context) error {
			asked <- struct{}{}
			select {
			case err := <-ready:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		class.Engine = &e
		c.Classes["engine"] = class
	})
	got := make(chan error, 1)
	wait := func(ctx context.Context) {
		w, err := p.Get(ctx, "engine")
		if err == nil {
			err = w.Close()
		}
		got <- err
	}
	started := p.Stats().Started
	go wait(t.Context())
	<-asked
	if n := p.Stats().Started; n != started {
		t.Fatalf("%d workers were started before the engine was ready", n-started)
	}
	ready <- nil
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	go wait(t.Context())
	<-asked
	ready <- late
	if err := <-got; !errors.Is(err, late) {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go wait(ctx)
	<-asked
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if w, err := p.Get(t.Context(), "plain"); err != nil {
		t.Fatal("another class waits as well: ", err)
	} else if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestEngineCheck: mistakes of the caller are found before anything starts.
func TestEngineCheck(t *testing.T) {
	for _, test := range []struct {
		name   string
		engine Engine
	}{
		{"no loader", Engine{}},
		{"relative", Engine{Load: loadEngine, Dirs: []string{"fonts"}}},
		{"a NUL", Engine{Load: loadEngine, Dirs: []string{"/a\x00/b"}}},
		{"too many", Engine{Load: loadEngine, Dirs: make([]string, maxDirs+1)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := testConfig()
			cfg.Classes = map[string]Class{"engine": {Engine: &test.engine, Limits: probeLimits()}}
			if p, err := NewPool(cfg); err == nil {
				p.Close()
				t.Fatal("accepted")
			}
		})
	}
}
