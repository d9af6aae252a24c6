package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sekisho/gateway/peertest"
)

// Stories: testdata/script/*.txtar drive the real binary, built as releases
// are (DECISIONS 34). The test binary itself opens no box. Commands beyond
// those of testscript:
//
//	answer NAME=VALUE…            init with the story's addresses, into etc
//	serve start|strained|stop|…  the gateway, in the background
//	sink start|stop|reply|wait    the LGWAN mail server
//	smtp send|starttls|raw        the Internet side
//	resend FROM TO FILE RE        until what arrives has a header that matches
//	body FILE · part FILE N OUT   read a built mail as a mail program does
//	eventually RE PROGRAM ARGS…   run until standard output matches
//	capture ENV RE                the first group in the last output
//	seek [!] TEXT DIR             is there a file with these bytes below?
//	person NAME ROLE [ADDRESS]    an account; "as NAME PROGRAM ARG…" acts with it
//	crowd FROM ADDRESS N          connections that come and stay
//	trace FILE                    who released what, from an export alone
//	sample, fill, jis, cert, flipbyte, cuttail, httpget, free

// patience bounds every wait of a story. It is long because the machine may be
// busy; no wait is a plain sleep.
const patience = 60 * time.Second

// worldKey is where a story keeps its world.
type worldKey struct{}

// world is what one story runs in.
type world struct {
	dir       string
	vars      []string // environment of the gateway
	smtp      string   // where the gateway listens
	admin     string
	sink      *sink
	serve     *running
	collector *collector // syslog server, if the story has one
}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

func TestScript(t *testing.T) {
	bin := buildBinary(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup:               func(e *testscript.Env) error { return setup(e, bin) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"answer": answer, "serve": serveCommand, "sink": sinkCommand, "smtp": smtpCommand, "resend": resend,
			"body": bodyCommand, "part": partCommand, "eventually": eventually, "capture": capture, "seek": seek,
			"sample": sample, "fill": fill, "jis": jis, "cert": certCommand, "flipbyte": flipByte, "cuttail": cutTail,
			"httpget": httpGet, "free": free, "syslog": syslogCommand, "rest": restCommand, "code": codeCommand, "trace": trace,
			"person": personCommand, "crowd": crowd,
		},
	})
}

// buildBinary builds sekisho as a release is built and returns its folder.
func buildBinary(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-X main.version=story", "-o", filepath.Join(dir, "sekisho"), ".")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build sekisho: %v\n%s", err, out)
	}
	if err := writeAs(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// setup gives each story a loopback address of its own, so that stories run
// side by side and none takes another's port.
func setup(e *testscript.Env, bin string) error {
	w := &world{dir: e.WorkDir}
	host := peertest.Loopback()
	var err error
	if w.smtp, err = peertest.FreeAddress(host); err != nil {
		return err
	}
	if w.admin, err = peertest.FreeAddress(host); err != nil {
		return err
	}
	sinkAt, err := peertest.FreeAddress(host)
	if err != nil {
		return err
	}
	w.sink = newSink(sinkAt, filepath.Join(e.WorkDir, "mail"))
	e.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	e.Setenv("HOST", host)
	people := e.WorkDir + "-people" // a story's own directory is what the story makes of it
	if err := os.Mkdir(people, 0o700); err != nil {
		return err
	}
	e.Setenv("PEOPLE", people)
	e.Setenv("SMTP", w.smtp)
	e.Setenv("SINK", sinkAt)
	e.Setenv("ADMIN", w.admin)
	e.Setenv("CONFIG", filepath.Join(e.WorkDir, "etc", "sekisho.yaml"))
	e.Setenv("LOG", filepath.Join(e.WorkDir, "data", "audit"))
	e.Setenv("SEKISHO_MANAGEMENT_LISTEN", w.admin)
	e.Setenv("SEKISHO_STORAGE_MIN_FREE", "16MB") // a small machine of a test may have little
	w.vars = e.Vars
	e.Values[worldKey{}] = w
	e.Values[visitorsKey{}] = map[string]*visitor{}
	e.Defer(w.sink.Close)
	return nil
}

// free sets each variable named to a free loopback address.
func free(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) == 0, "free ENV…")
	for _, name := range args {
		at, err := peertest.FreeAddress(ts.Getenv("HOST"))
		ts.Check(err)
		ts.Setenv(name, at)
	}
}

// answer runs sekisho init with the answers of a small town. name=value
// replaces one of them; name= leaves it out.
func answer(ts *testscript.TestScript, neg bool, args []string) {
	w := worldOf(ts)
	flags := [][2]string{{"storage", filepath.Join(w.dir, "data")}, {"instance", "story"}, {"name", "さくら町"}, {"contact", "情報政策課（内線１２３）"},
		{"postmaster", "postmaster@town.example.lg.jp"}, {"domain", "town.example.lg.jp"}, {"recipient", "@town.example.lg.jp"},
		{"listen", w.smtp}, {"hostname", "gw.town.example.lg.jp"}, {"client", "127.0.0.0/8"}, {"relay", w.sink.Address},
		{"relay-tls", "none"}, {"my-number", "10.30.0.0/16"}}
	for _, a := range args {
		name, value, ok := strings.Cut(a, "=")
		usage(ts, !ok, "answer NAME=VALUE…")
		for i := range flags {
			if flags[i][0] == name {
				flags[i][1] = value
			}
		}
	}
	line := []string{"init", filepath.Join(w.dir, "etc")}
	for _, f := range flags {
		if f[1] != "" {
			line = append(line, "--"+f[0]+"="+f[1])
		}
	}
	expect(ts, neg, ts.Exec("sekisho", line...), "init")
}

// eventually runs a program until its output matches. That is how a story
// waits for something that happens in another process.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 2, "eventually REGEXP PROGRAM ARG…")
	re, err := regexp.Compile(`(?m)` + args[0])
	ts.Check(err)
	until(ts, fmt.Sprintf("%q in the output of %v", args[0], args[1:]), func() bool {
		_ = ts.Exec(args[1], args[2:]...) // the output is what counts
		return re.MatchString(ts.ReadFile("stdout"))
	})
}

// until asks until ok, within patience.
func until(ts *testscript.TestScript, what string, ok func() bool) {
	end := time.NewTimer(patience)
	defer end.Stop()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-again.C:
		case <-end.C:
			ts.Fatalf("waited %v for %s", patience, what)
		}
	}
}

// capture sets a variable to the first group that matches in the last output.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 2, "capture ENV REGEXP")
	re, err := regexp.Compile(`(?m)` + args[1])
	ts.Check(err)
	m := re.FindStringSubmatch(ts.ReadFile("stdout"))
	if len(m) < 2 {
		ts.Fatalf("%q is not in the last output", args[1])
	}
	ts.Setenv(args[0], m[1])
}

func usage(ts *testscript.TestScript, wrong bool, text string) {
	if wrong {
		ts.Fatalf("usage: %s", text)
	}
}

// expect ends the story when a command did not end as it should.
func expect(ts *testscript.TestScript, neg bool, err error, what string) {
	switch {
	case err != nil && !neg:
		ts.Fatalf("%s: %v", what, err)
	case err == nil && neg:
		ts.Fatalf("%s: unexpected success", what)
	}
}
