package realtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sekisho/gateway/peertest"
)

// perMail is the patience with n mails.
func perMail(n int) time.Duration { return patience + time.Duration(n)*200*time.Millisecond }

// longest bounds a run of a program with a soak's worth of mail.
const longest = 30 * time.Minute

// nextHopName is the name in the certificate of the LGWAN mail server.
const nextHopName = "lgwan." + domain

// trust is what STARTTLS needs on both sides of a gateway: its own certificate
// and the next hop's, each with its key.
type trust struct{ cert, key, hopCert, hopKey string }

func newTrust(t *testing.T) trust {
	t.Helper()
	var c trust
	dir := t.TempDir()
	c.cert, c.key = certificate(t, dir, "gw."+domain)
	c.hopCert, c.hopKey = certificate(t, dir, nextHopName)
	return c
}

// settings are those of a gateway that offers STARTTLS and relays to nobody but
// the holder of the next hop's certificate.
func (c trust) settings() []string {
	return []string{"SEKISHO_INTAKE_TLS_CERT_FILE=" + c.cert, "SEKISHO_INTAKE_TLS_KEY_FILE=" + c.key,
		"SEKISHO_RELAY_TLS=required", "SEKISHO_RELAY_CA_FILE=" + c.hopCert, "SEKISHO_RELAY_SERVER_NAME=" + nextHopName}
}

// TestBetweenPostfixes: smtp-source, Postfix, the gateway, Postfix, mailboxes,
// under STARTTLS on both sides. Nothing is lost and nothing comes twice.
func TestBetweenPostfixes(t *testing.T) {
	n := rounds(t, 250, 10)
	host := peertest.Loopback()
	c := newTrust(t)
	back := postfix(t, host, "back", "smtpd_tls_security_level=may", "smtpd_tls_cert_file="+c.hopCert, "smtpd_tls_key_file="+c.hopKey,
		"smtpd_relay_restrictions=permit_mynetworks,reject", "virtual_mailbox_domains="+domain, "virtual_mailbox_maps=static:all/",
		"virtual_mailbox_base=$queue_directory/../mail", "virtual_uid_maps=static:65534", "virtual_gid_maps=static:65534", "virtual_mailbox_limit=0")
	g := install(t, host, back.Address, c.settings()...)
	front := postfix(t, host, "front", "relayhost="+literal(g.smtp), "relay_domains="+domain, "smtp_tls_security_level=encrypt",
		"smtp_destination_concurrency_limit=20", "smtpd_relay_restrictions=permit_mynetworks,reject")
	g.start()
	source(t, front.Address, n)
	within(t, perMail(n), "all mail to be delivered", func() bool { return front.Queued() == 0 && back.Queued() == 0 && len(back.Mailbox()) >= n })
	g.drained()
	g.stop()
	g.verify()
	once(t, messageIDs(t, back.Mailbox()), n)
	if log := front.Log(1 << 26); strings.Count(log, "status=sent (250 2.0.0 M-") != n || strings.Contains(log, "status=deferred") {
		t.Errorf("Postfix in front sent %d of %d, deferred %d", strings.Count(log, "status=sent (250 2.0.0 M-"), n, strings.Count(log, "status=deferred"))
	}
	if log := back.Log(1 << 26); strings.Contains(log, "NOQUEUE") || strings.Contains(log, "improper command") || strings.Contains(log, "warning: ") {
		t.Error("Postfix behind complains")
	}
}

// postfix starts a Postfix that tries again soon.
func postfix(t *testing.T, host, name string, settings ...string) *peertest.Postfix {
	t.Helper()
	return peertest.StartPostfix(t, peertest.Setup{Name: name, Address: peertest.Free(t, host), Main: append([]string{"queue_run_delay=2s",
		"minimal_backoff_time=2s", "maximal_backoff_time=10s", "smtpd_client_connection_count_limit=100"}, settings...)})
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

// TestBetweenSourceAndSink: Postfix's load generator and its measuring sink,
// with the gateway alone between them.
func TestBetweenSourceAndSink(t *testing.T) {
	n := rounds(t, 250, 10)
	host := peertest.Loopback()
	address, dumped := smtpSink(t, host)
	g := install(t, host, address)
	g.start()
	source(t, g.smtp, n)
	within(t, perMail(n), "all mail to be delivered", func() bool { return len(peertest.Files(t, dumped)) >= n })
	g.drained()
	g.stop()
	g.verify()
	once(t, messageIDs(t, peertest.Files(t, dumped)), n)
}

// TestSwaks: the Swiss army knife of mail tests speaks STARTTLS to the gateway,
// and it is told clearly what is wrong.
func TestSwaks(t *testing.T) {
	host := peertest.Loopback()
	s := newSink(t, host)
	c := newTrust(t)
	s.OfferTLS(serverTLS(t, c.hopCert, c.hopKey))
	g := install(t, host, s.Address, c.settings()...)
	g.start()
	sheet := filepath.Join(g.dir, "list.csv")
	if err := os.WriteFile(sheet, []byte("番号,名前\r\n1,=cmd\r\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name string
		code int // exit code of swaks
		args []string
		want string
	}{
		{"clear", 0, nil, "<-  250 2.0.0 M-"},
		{"STARTTLS", 0, []string{"--tls"}, "<~  250 2.0.0 M-"},
		{"STARTTLS with attachment", 0, []string{"--tls", "--attach-type", "text/csv", "--attach", "@" + sheet}, "<~  250 2.0.0 M-"},
		{"STARTTLS, certificate checked", 0, []string{"--tls", "--tls-verify", "--tls-ca-path", c.cert, "--tls-sni", "gw." + domain}, "<~  250 2.0.0 M-"},
		{"pipelined", 0, []string{"--pipeline"}, "250 2.0.0 M-"},
		{"unknown recipient", 24, []string{"--to", "nobody@example.org"}, "550 5."},
		{"no authentication here", 28, []string{"--auth", "LOGIN", "--auth-user", "u", "--auth-password", "p"}, "Host did not advertise authentication"},
	} {
		t.Run(x.name, func(t *testing.T) {
			out, code := swaks(t, g.smtp, x.args)
			if code != x.code || !strings.Contains(out, x.want) {
				t.Errorf("swaks ended with %d, want %d and %q:\n%s", code, x.code, x.want, out)
			}
		})
	}
	g.drained()
	g.stop()
	g.verify()
	if total, different := s.have(); total != 5 || different != 5 {
		t.Errorf("%d mails came, %d different", total, different)
	}
	for _, id := range s.ids() {
		if r := s.copies(id)[0]; !r.tls {
			t.Errorf("%s came in the clear", id)
		}
	}
}

func swaks(t *testing.T, address string, more []string) (string, int) {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"--server", host, "--port", port, "--helo", "mx.example.com", "--from", "kumin@example.com", "--to", "taro@" + domain, "--timeout", "60s"}, more...)
	out, err := program(t, "swaks", args...)
	if err == nil {
		return out, 0
	}
	var x *exec.ExitError
	if !errors.As(err, &x) {
		t.Fatal(err)
	}
	return out, x.ExitCode()
}

// smtpSink starts Postfix's measuring sink and returns its address and the
// folder that it writes each mail to.
func smtpSink(t *testing.T, host string) (address, dumped string) {
	t.Helper()
	address, dumped = peertest.Free(t, host), t.TempDir()
	args := []string{"-4", "-d", filepath.Join(dumped, "%M."), "inet:" + address, "100"}
	if os.Geteuid() == 0 { // it insists on being somebody else then
		args = append([]string{"-u", "nobody"}, args...)
		if err := errors.Join(os.Chown(dumped, peertest.Nobody, peertest.Nobody), os.Chmod(filepath.Dir(dumped), 0o711)); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command("smtp-sink", args...)
	c.Dir = dumped
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Process.Kill(); err != nil {
			t.Error(err)
		}
		c.Wait() // the kill is its error
	})
	until(t, "smtp-sink to listen", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return address, dumped
}

// source sends n mails of 2000 bytes over ten connections with Postfix's load
// generator, which fails at the first reply that is no consent.
func source(t *testing.T, address string, n int) {
	t.Helper()
	out, err := program(t, "smtp-source", "-4", "-d", "-s", "10", "-m", strconv.Itoa(n), "-l", "2000", "-f", "kumin@example.com", "-t", "taro@"+domain, "-M", "mx.example.com", "inet:"+address)
	if err != nil {
		t.Fatalf("smtp-source: %v\n%s", err, out)
	}
}

// literal writes host:port as Postfix does: [host]:port.
func literal(address string) string {
	host, port, _ := strings.Cut(address, ":")
	return "[" + host + "]:" + port
}

// messageIDs reads the Message-ID of each file.
func messageIDs(t *testing.T, paths []string) map[string]int {
	t.Helper()
	ids := map[string]int{}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		m, err := mail.ReadMessage(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		ids[m.Header.Get("Message-Id")]++
	}
	return ids
}

// once checks that n different mails came, each once.
func once(t *testing.T, ids map[string]int, n int) {
	t.Helper()
	if len(ids) != n {
		t.Errorf("%d different mails came, want %d", len(ids), n)
	}
	for id, count := range ids {
		if count != 1 || id == "" {
			t.Errorf("%q came %d times", id, count)
		}
	}
}
