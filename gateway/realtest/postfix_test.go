package realtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// postfix is a Postfix of its own: configuration, queue, log and mailboxes in
// one folder, on one loopback port.
type postfix struct {
	t       *testing.T
	dir     string
	address string
}

// masterServices is master.cf without a listener: nothing in a chroot, for the
// folder is no system's.
const masterServices = `pickup unix n - n 60 1 pickup
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

// newPostfix starts a Postfix with these settings besides the usual ones. It
// needs root, as every Postfix does.
func newPostfix(t *testing.T, host, name string, settings ...string) *postfix {
	t.Helper()
	dir, err := os.MkdirTemp("", "sekisho-"+name+"-")
	if err != nil {
		t.Fatal(err)
	}
	p := &postfix{t: t, dir: dir, address: freeAddress(t, host)}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, d := range []string{"", "etc", "queue", "mail"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// Postfix works as its own user in here, and delivers as nobody.
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chown(filepath.Join(dir, "mail"), nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	main := append([]string{"compatibility_level=3.6", "queue_directory=" + dir + "/queue", "data_directory=" + dir + "/data",
		"maillog_file=" + dir + "/log", "maillog_file_prefixes=" + dir, "command_directory=/usr/sbin", "daemon_directory=/usr/lib/postfix/sbin",
		"mail_owner=postfix", "setgid_group=postdrop", "inet_interfaces=127.0.0.1", "inet_protocols=ipv4", "myhostname=" + name + ".example.com",
		"mydestination=", "mynetworks=127.0.0.0/8", "alias_maps=", "alias_database=", "local_recipient_maps=", "append_dot_mydomain=no",
		"biff=no", "smtp_host_lookup=native", "smtp_dns_support_level=disabled", "queue_run_delay=2s", "minimal_backoff_time=2s", "maximal_backoff_time=10s",
		"smtpd_client_connection_count_limit=100", "message_size_limit=104857600"}, settings...)
	p.write("etc/main.cf", strings.Join(main, "\n")+"\n")
	// Other loopback addresses are no interface's, but can be listened on.
	p.write("etc/master.cf", p.address+" inet n - n - - smtpd\n"+masterServices)
	p.command("start")
	t.Cleanup(func() {
		p.command("stop")
		if t.Failed() {
			t.Logf("the log of %s:\n%s", name, p.log(4000))
		}
	})
	return p
}

// nobody is the user that mailboxes belong to.
const nobody = 65534

func (p *postfix) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// command runs "postfix -c DIR what".
func (p *postfix) command(what string) {
	p.t.Helper()
	out, err := program(p.t, "postfix", "-c", filepath.Join(p.dir, "etc"), what)
	if err != nil {
		p.t.Fatalf("postfix %s: %v\n%s%s", what, err, out, p.log(2000))
	}
}

// queued counts the mails in the queue.
func (p *postfix) queued() int {
	n := 0
	for _, q := range []string{"maildrop", "incoming", "active", "deferred", "hold"} {
		n += len(files(p.t, filepath.Join(p.dir, "queue", q)))
	}
	return n
}

// mailbox returns the files of all mailboxes: what was delivered for good.
func (p *postfix) mailbox() []string {
	return files(p.t, filepath.Join(p.dir, "mail"))
}

// log returns the end of the log.
func (p *postfix) log(n int) string {
	b, err := os.ReadFile(filepath.Join(p.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-n):])
}

// files lists the files below a folder; what goes away meanwhile is no error.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		// A maildir's tmp holds what is still being written.
		if err == nil && d.Type().IsRegular() && filepath.Base(filepath.Dir(path)) != "tmp" {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// program runs a program of the system to its end.
func program(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), longest)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	out, err := c.CombinedOutput()
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return string(out), err
}
