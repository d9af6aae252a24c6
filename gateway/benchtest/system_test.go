package benchtest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sekisho/gateway/peertest"
)

// system is one of those that are compared, running.
type system interface {
	name() string
	address() string
	roots() []int // process ids whose families are the system, the first one first
	control() group
}

// running is what all systems have.
type running struct {
	title, smtp string
	pids        []int
	cgroup      group
}

func (r *running) name() string    { return r.title }
func (r *running) address() string { return r.smtp }
func (r *running) roots() []int    { return r.pids }
func (r *running) control() group  { return r.cgroup }

// newGateway starts sekisho with everything on.
func newGateway(b *testing.B, sink string) system {
	b.Helper()
	dir := folder(b, "sekisho")
	build := exec.Command("go", "build", "-trimpath", "-o", dir, "sekisho/cmd/sekisho", "sekisho/cmd/sekisho-box")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	run(b, build)
	program := filepath.Join(dir, "sekisho")
	smtp, management := free(b), free(b)
	run(b, exec.Command(program, "init", filepath.Join(dir, "etc"), "--name", "町", "--contact", "clerk@town.example.lg.jp",
		"--postmaster", "postmaster@town.example.lg.jp", "--domain", "town.example.lg.jp", "--recipient", "@town.example.lg.jp",
		"--listen", smtp, "--hostname", "gateway.example", "--client", "127.0.0.0/8", "--relay", sink, "--relay-tls", "none", "--no-my-number"))
	config := filepath.Join(dir, "etc", "sekisho.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		b.Fatal(err)
	}
	for _, change := range [][2]string{
		{"mails_per_minute: 600", "mails_per_minute: 600000"}, {"connections_per_client: 20", "connections_per_client: 100"},
		{"127.0.0.1:8025", management},
	} {
		if !bytes.Contains(text, []byte(change[0])) {
			b.Fatalf("%s has no %q: a limit would be measured", config, change[0])
		}
		text = bytes.Replace(text, []byte(change[0]), []byte(change[1]), 1)
	}
	write(b, config, string(text))
	g := newGroup(b, "sekisho")
	serve := g.put(b, exec.Command(program, "serve", "--config", config))
	start(b, serve)
	until(b, "sekisho", func() bool {
		res, err := http.Get("http://" + management + "/readyz")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return &running{"sekisho", smtp, []int{serve.Process.Pid}, g}
}

// newPostfix starts a bare durable relay.
func newPostfix(b *testing.B, sink string) system {
	b.Helper()
	return startPostfix(b, newGroup(b, "postfix"), "Postfix", sink, "", "")
}

// newAmavis starts a Postfix that hands each mail to amavisd-new and takes it
// back, with four children and without virus or spam scanners: the friendliest
// setting for it.
func newAmavis(b *testing.B, sink string) system {
	b.Helper()
	dir := folder(b, "amavis")
	filter, back := free(b), free(b)
	_, filterPort, _ := net.SplitHostPort(filter)
	for _, d := range []string{"tmp", "db", "var"} { // the folder of its configuration must not be its own
		if err := os.MkdirAll(filepath.Join(dir, d), 0o770); err != nil {
			b.Fatal(err)
		}
		run(b, exec.Command("chown", "amavis:amavis", filepath.Join(dir, d)))
	}
	conf := filepath.Join(dir, "amavisd.conf")
	write(b, conf, fmt.Sprintf(amavisConfig, dir, filterPort, back))
	g := newGroup(b, "amavisd")
	amavis := g.put(b, exec.Command("amavisd", "-c", conf, "foreground"))
	start(b, amavis)
	until(b, "amavisd", func() bool { return listens(filter) })
	p := startPostfix(b, g, "Postfix + amavisd", sink, filter, back)
	p.pids = append(p.pids, amavis.Process.Pid)
	return p
}

const amavisConfig = `use strict;
$daemon_user = 'amavis'; $daemon_group = 'amavis';
$max_servers = 4; $max_requests = 1000;
$MYHOME = '%[1]s'; $TEMPBASE = "$MYHOME/tmp"; $db_home = "$MYHOME/db"; $helpers_home = "$MYHOME/var";
$pid_file = "$MYHOME/var/amavisd.pid"; $lock_file = "$MYHOME/var/amavisd.lock";
$mydomain = 'town.example.lg.jp'; $myhostname = 'amavis.town.example.lg.jp'; @local_domains_maps = (['.example.lg.jp']);
$inet_socket_bind = '127.0.0.1'; $inet_socket_port = %[2]s; @mynetworks = qw(127.0.0.0/8);
$enable_db = 0; $enable_dkim_verification = 0; $nanny_details_level = 0; $log_level = 0; $do_syslog = 0; $log_recip_templ = undef;
$forward_method = $notify_method = 'smtp:[%[3]s'; $forward_method =~ s/\[([^:]*):/[$1]:/; $notify_method = $forward_method;
@bypass_virus_checks_maps = (1); @bypass_spam_checks_maps = (1); @av_scanners = (); @av_scanners_backup = ();
$final_banned_destiny = D_PASS; $final_bad_header_destiny = D_PASS; $QUARANTINEDIR = undef;
1;
`

// startPostfix starts a Postfix that relays to the sink; with a content filter,
// a second listener takes mail back from it.
func startPostfix(b *testing.B, g group, title, sink, filter, back string) *running {
	b.Helper()
	setup := peertest.Setup{Name: "relay", Address: free(b), Main: []string{"smtpd_client_connection_count_limit=0", "in_flow_delay=0",
		"default_destination_concurrency_limit=50", "initial_destination_concurrency=50", "relayhost=[" + strings.Replace(sink, ":", "]:", 1)},
		Command: func(c *exec.Cmd) *exec.Cmd { return g.put(b, c) }}
	if filter != "" {
		setup.Main = append(setup.Main, "content_filter=filter:["+strings.Replace(filter, ":", "]:", 1), "filter_destination_concurrency_limit=4", "filter_initial_destination_concurrency=4")
		setup.Services = back + " inet n - n - - smtpd -o content_filter= -o receive_override_options=no_header_body_checks\nfilter unix - - n - 4 smtp -o max_use=1000\n"
	}
	p := peertest.StartPostfix(b, setup)
	until(b, title, func() bool { return listens(p.Address) })
	text, err := os.ReadFile(filepath.Join(p.Dir, "queue", "pid", "master.pid"))
	if err != nil {
		b.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		b.Fatal(err)
	}
	return &running{title, p.Address, []int{pid}, g}
}

// folder makes a folder that other users may enter.
func folder(b *testing.B, name string) string {
	b.Helper()
	dir, err := os.MkdirTemp("", "sekisho-bench-"+name+"-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func write(b *testing.B, path, text string) {
	b.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
}

func run(b *testing.B, c *exec.Cmd) {
	b.Helper()
	if out, err := c.CombinedOutput(); err != nil {
		b.Fatalf("%v: %v\n%s", c.Args, err, out)
	}
}

// start starts a server that ends with the benchmark.
func start(b *testing.B, c *exec.Cmd) {
	b.Helper()
	var words bytes.Buffer
	c.Stderr = &words
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		err := c.Wait()
		var exit *exec.ExitError
		if b.Failed() || err != nil && !errors.As(err, &exit) {
			b.Logf("%v: %v\n%s", c.Args, err, words.Bytes())
		}
	})
}

// free is an address that nobody listens on.
func free(b *testing.B) string {
	b.Helper()
	return peertest.Free(b, "127.0.0.1")
}

func listens(address string) bool {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	return c.Close() == nil
}

// until waits for a server to be ready.
func until(b *testing.B, what string, ok func() bool) {
	b.Helper()
	end := time.Now().Add(30 * time.Second)
	for !ok() {
		if time.Now().After(end) {
			b.Fatalf("%s is not ready", what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
