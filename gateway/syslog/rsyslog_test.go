package syslog

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sekisho/audit"
)

// A real rsyslog takes what we send, one line a message whatever is in it, and
// what its file keeps in the usual form is an anchor.
// spec: rfc5425#4.3 rfc5424#6
func TestRsyslog(t *testing.T) {
	dir := t.TempDir()
	roots := certificate(t, dir)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	kept := filepath.Join(dir, "kept")
	conf := filepath.Join(dir, "rsyslog.conf")
	err = os.WriteFile(conf, fmt.Appendf(nil, `global(workDirectory="%[1]s" defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="%[1]s/cert.pem"
	defaultNetstreamDriverCertFile="%[1]s/cert.pem" defaultNetstreamDriverKeyFile="%[1]s/key.pem")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="anon")
input(type="imtcp" port="%[2]s" address="127.0.0.1")
action(type="omfile" file="%[1]s/kept" template="RSYSLOG_TraditionalFileFormat")
`, dir, port), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command("rsyslogd", "-n", "-f", conf, "-i", filepath.Join(dir, "pid"))
	var said bytes.Buffer
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		t.Fatalf("%v (make tools installs it)", err)
	}
	t.Cleanup(func() {
		server.Process.Kill()
		server.Wait()
		if t.Failed() {
			t.Logf("rsyslogd: %s", said.String())
		}
	})

	pair, err := audit.GenerateKey(nil, "test")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := audit.ParseKeys(pair.Verifier)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := audit.ParseSigner(pair.Signer)
	if err != nil {
		t.Fatal(err)
	}
	files, err := audit.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	w, err := audit.Open(t.Context(), files, audit.Options{Signer: signer, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()

	s, told := sender(t, Config{Address: "127.0.0.1:" + port, Dial: direct, TLS: &tls.Config{ServerName: "syslog.example", RootCAs: roots}})
	const checkpoints = 20
	for i := range checkpoints {
		e, err := audit.New(audit.VerbHeartbeat, time.Now(), nil)
		if err != nil {
			t.Fatal(err)
		}
		e.Outcome, e.Actor = audit.Success, audit.Actor{Type: audit.ActorSystem}
		if _, err := w.Append(t.Context(), []audit.Event{e}); err != nil {
			t.Fatal(err)
		}
		c, err := w.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.Send(Message{Severity: Notice, Time: time.Now(), Host: "gw", App: "sekisho", Proc: "1", ID: "audit.checkpoint",
			Data: []Element{{"checkpoint@32473", []Param{{"root", c.Root.String()}}}}, Text: c.Line()})
		s.Send(Message{Time: time.Now(), Host: "gw", App: "sekisho", Text: fmt.Sprintf("other %d\n<13>1 - - - - - - audit-checkpoint \"]forged\x00", i)})
	}
	for sent := 0; sent < 2*checkpoints; {
		if o := <-told; o.err == nil {
			sent++
		} // else it has not begun to listen
	}
	text := await(t, kept, "other 19")
	if n := strings.Count(text, "\n"); n != 2*checkpoints {
		t.Errorf("%d lines of %d messages:\n%.2000s", n, 2*checkpoints, text)
	}
	list, unsigned, err := audit.ParseAnchors([]byte(text), keys)
	if err != nil || unsigned != 0 || len(list) != checkpoints || list[checkpoints-1].Size != checkpoints {
		t.Fatalf("%d anchors: %v", len(list), err)
	}
	if r, err := audit.Verify(t.Context(), files, keys, audit.VerifyOptions{Anchors: list, NeedAnchor: true}); err != nil || r.Verdict != audit.Intact {
		t.Errorf("%v %v %v", r.Verdict, r.Faults, err)
	}
}

// await reads a file until a line with the words is whole.
func await(t *testing.T, file, words string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		b, err := os.ReadFile(file)
		if i := strings.Index(string(b), words); err == nil && i >= 0 && strings.Contains(string(b)[i:], "\n") {
			return string(b)
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%q did not come: %v, %.500s", words, err, b)
		case <-tick.C:
		}
	}
}

// certificate makes a certificate of its own authority for syslog.example.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "syslog.example"}, DNSNames: []string{"syslog.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots := x509.NewCertPool()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(cert)
	return roots
}
