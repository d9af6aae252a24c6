package peertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Nobody is the user that mailboxes belong to.
const Nobody = 65534

// programTime bounds a run of one of Postfix's programs, which return at once.
const programTime = 2 * time.Minute

// Setup is what is special about a Postfix.
type Setup struct {
	Name     string   // in its host name, NAME.example.com, and in its folder's
	Address  string   // host:port to listen on
	Main     []string // settings of main.cf, "name=value"; they replace the usual ones
	Services string   // lines of master.cf besides the usual ones
	// Command changes the command that starts it, when set.
	Command func(*exec.Cmd) *exec.Cmd
}

// Postfix is one of its own: configuration, queue, log and mailboxes in one
// folder, on one loopback port.
type Postfix struct {
	Dir     string
	Address string
	t       testing.TB
}

// usual is main.cf of a Postfix that asks no DNS, knows no users and belongs to
// no system; it takes mail from the loopback network.
const usual = `compatibility_level=3.6
queue_directory=DIR/queue
data_directory=DIR/data
maillog_file=DIR/log
maillog_file_prefixes=DIR
command_directory=/usr/sbin
daemon_directory=/usr/lib/postfix/sbin
mail_owner=postfix
setgid_group=postdrop
inet_interfaces=127.0.0.1
inet_protocols=ipv4
mydestination=
mynetworks=127.0.0.0/8
alias_maps=
alias_database=
local_recipient_maps=
append_dot_mydomain=no
biff=no
smtp_host_lookup=native
smtp_dns_support_level=disabled
message_size_limit=104857600`

// services is master.cf without a listener: nothing in a chroot, for the folder
// is no system's.
const services = `pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

// StartPostfix starts a Postfix and stops it when the test ends.
func StartPostfix(t testing.TB, s Setup) *Postfix {
	t.Helper()
	dir, err := os.MkdirTemp("", "sekisho-"+s.Name+"-") // the path of t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := &Postfix{dir, s.Address, t}
	for _, d := range []string{"", "etc", "queue", "mail"} {
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, d), 0o755), os.Chmod(filepath.Join(dir, d), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	// Postfix works as its own user in here, and delivers as nobody.
	if err := os.Chown(filepath.Join(dir, "mail"), Nobody, Nobody); err != nil {
		t.Fatal(err)
	}
	p.Write("etc/main.cf", p.main(s))
	// Other loopback addresses are no interface's, but can be listened on.
	p.Write("etc/master.cf", s.Address+" inet n - n - - smtpd\n"+services+s.Services)
	start := p.command(t.Context(), "postfix", "start")
	if s.Command != nil {
		start = s.Command(start)
	}
	if out, err := start.CombinedOutput(); err != nil {
		t.Fatalf("start Postfix: %v\n%s%s", err, out, p.Log(2000))
	}
	t.Cleanup(func() {
		p.Run("postfix", "stop")
		if t.Failed() {
			t.Logf("the log of %s:\n%s", s.Name, p.Log(4000))
		}
	})
	return p
}

// main writes main.cf, with each setting once: Postfix warns of others.
func (p *Postfix) main(s Setup) string {
	var out strings.Builder
	set := map[string]bool{}
	lines := append([]string{"myhostname=" + s.Name + ".example.com"}, strings.Split(strings.ReplaceAll(usual, "DIR", p.Dir), "\n")...)
	for _, l := range s.Main {
		name, _, _ := strings.Cut(l, "=")
		set[name] = true
		fmt.Fprintln(&out, l)
	}
	for _, l := range lines {
		if name, _, _ := strings.Cut(l, "="); !set[name] {
			fmt.Fprintln(&out, l)
		}
	}
	return out.String()
}

// Write writes a file of the folder.
func (p *Postfix) Write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.Dir, name), []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p *Postfix) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, name, append([]string{"-c", filepath.Join(p.Dir, "etc")}, args...)...)
}

// Run runs one of Postfix's programs on this configuration.
func (p *Postfix) Run(name string, args ...string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.t.Context()), programTime)
	defer cancel()
	out, err := p.command(ctx, name, args...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("%s %v: %v\n%s%s", name, args, err, out, p.Log(2000))
	}
	return string(out)
}

// Queue returns the files of these queues.
func (p *Postfix) Queue(names ...string) []string {
	p.t.Helper()
	var all []string
	for _, q := range names {
		all = append(all, Files(p.t, filepath.Join(p.Dir, "queue", q))...)
	}
	return all
}

// Queued counts the mails that wait.
func (p *Postfix) Queued() int {
	p.t.Helper()
	return len(p.Queue("maildrop", "incoming", "active", "deferred", "hold"))
}

// Mailbox returns the files of all mailboxes: what was delivered for good.
func (p *Postfix) Mailbox() []string {
	p.t.Helper()
	return Files(p.t, filepath.Join(p.Dir, "mail"))
}

// Log returns the end of the log.
func (p *Postfix) Log(n int) string {
	b, err := os.ReadFile(filepath.Join(p.Dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-n):])
}
