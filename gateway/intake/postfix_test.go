package intake_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// peer is a real Postfix that takes mail for the same people as we do and keeps
// it all on hold: configuration, queue and log of its own, on a loopback port.
type peer struct {
	t    *testing.T
	dir  string
	addr string
}

// holding is the part of main.cf that makes Postfix comparable: the same
// recipients and limits, and no delays for clients that err.
const holding = `mydestination=town.example.jp
myorigin=town.example.jp
local_recipient_maps=inline:{{soumu=x},{zeimu=x},{postmaster=x}}
recipient_delimiter=+
smtpd_relay_restrictions=reject_unauth_destination
smtpd_recipient_restrictions=check_client_access static:HOLD
smtpd_recipient_limit=3
message_size_limit=20000
smtpd_helo_required=yes
smtpd_error_sleep_time=0
in_flow_delay=0
smtpd_soft_error_limit=1000
smtpd_hard_error_limit=1000
smtpd_tls_security_level=may
smtputf8_enable=yes
compatibility_level=3.6
inet_interfaces=127.0.0.1
inet_protocols=ipv4
myhostname=peer.example.jp
mynetworks=192.0.2.0/24
alias_maps=
alias_database=
biff=no
mail_owner=postfix
setgid_group=postdrop
command_directory=/usr/sbin
daemon_directory=/usr/lib/postfix/sbin
`

// services is master.cf without a queue manager: what is taken stays on hold.
const services = ` inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
`

// startPeer starts a Postfix, which needs root, and stops it when the test ends.
func startPeer(t *testing.T) *peer {
	t.Helper()
	dir, err := os.MkdirTemp("", "sekisho-peer-") // the path of t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t, dir, l.Addr().String()}
	l.Close()
	for _, d := range []string{"", "etc", "queue"} {
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, d), 0o755), os.Chmod(filepath.Join(dir, d), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	p.write("etc/main.cf", holding+"queue_directory="+dir+"/queue\ndata_directory="+dir+"/data\nmaillog_file="+dir+"/log\nmaillog_file_prefixes="+dir+
		"\nsmtpd_tls_chain_files="+dir+"/etc/chain.pem\n")
	p.write("etc/master.cf", p.addr+services)
	server, _ := certificate(t)
	key, err := x509.MarshalPKCS8PrivateKey(server.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	p.write("etc/chain.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))+
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificates[0].Certificate[0]})))
	p.run("postfix", "start")
	t.Cleanup(func() {
		p.run("postfix", "stop")
		if t.Failed() {
			log, err := os.ReadFile(dir + "/log")
			t.Logf("the log of Postfix (%v):\n%s", err, log[max(0, len(log)-4000):])
		}
	})
	return p
}

func (p *peer) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// run runs a program of Postfix on this configuration.
func (p *peer) run(name string, args ...string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.t.Context()), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, append([]string{"-c", filepath.Join(p.dir, "etc")}, args...)...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// take returns the envelopes of the mails that Postfix keeps, and deletes them.
func (p *peer) take() (mails []string) {
	p.t.Helper()
	var names []string
	for _, queue := range []string{"hold", "incoming", "active", "deferred"} {
		err := filepath.WalkDir(filepath.Join(p.dir, "queue", queue), func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			// A file is a mail when it may be executed; before, it is being written.
			if i, bad := d.Info(); bad == nil && d.Type().IsRegular() && i.Mode()&0o100 != 0 {
				names = append(names, path)
			}
			return err
		})
		if err != nil {
			p.t.Fatal(err)
		}
	}
	for _, path := range names {
		var from string
		var to []string
		for line := range strings.Lines(p.run("postcat", "-e", path)) {
			key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			switch key {
			case "sender":
				from = value
			case "recipient":
				to = append(to, value)
			}
		}
		mails = append(mails, summary(from, to))
		if err := os.Remove(path); err != nil {
			p.t.Fatal(err)
		}
	}
	slices.Sort(mails)
	return mails
}

// summary is an envelope as one line.
func summary(from string, to []string) string {
	to = slices.Clone(to)
	for i := range to {
		to[i] = strings.ToLower(to[i])
	}
	slices.Sort(to)
	return from + " -> " + strings.Join(to, " ")
}
