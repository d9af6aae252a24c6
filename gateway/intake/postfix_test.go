package intake_test

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"slices"
	"strings"
	"testing"

	"sekisho/gateway/peertest"
)

// holding makes Postfix comparable: the same recipients and limits, no delays
// for clients that err, and all mail kept on hold.
var holding = []string{"mydestination=town.example.jp", "myorigin=town.example.jp", "local_recipient_maps=inline:{{soumu=x},{zeimu=x},{postmaster=x}}",
	"recipient_delimiter=+", "smtpd_relay_restrictions=reject_unauth_destination", "smtpd_recipient_restrictions=check_client_access static:HOLD",
	"header_checks=static:HOLD", // also mail to the postmaster, whom restrictions spare
	"smtpd_recipient_limit=3", "message_size_limit=20000", "smtpd_helo_required=yes", "smtpd_error_sleep_time=0", "in_flow_delay=0",
	"smtpd_soft_error_limit=1000", "smtpd_hard_error_limit=1000", "smtpd_tls_security_level=may", "smtputf8_enable=yes",
	"myhostname=peer.example.jp", "mynetworks=192.0.2.0/24", "smtpd_tls_chain_files=$queue_directory/../etc/chain.pem"}

// peer is a real Postfix that takes mail for the same people as we do and keeps
// it all on hold.
type peer struct {
	*peertest.Postfix
	t *testing.T
}

// startPeer starts a Postfix, which needs root, and stops it when the test ends.
func startPeer(t *testing.T) *peer {
	t.Helper()
	p := &peer{peertest.StartPostfix(t, peertest.Setup{Name: "peer", Address: peertest.Free(t, "127.0.0.1"), Main: holding}), t}
	server, _ := certificate(t)
	key, err := x509.MarshalPKCS8PrivateKey(server.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	p.Write("etc/chain.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))+
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificates[0].Certificate[0]})))
	return p
}

// take returns the envelopes of the mails that Postfix keeps, and deletes them.
func (p *peer) take() (mails []string) {
	p.t.Helper()
	for _, path := range p.Queue("hold", "incoming", "active", "deferred") {
		// A file is a mail when it may be executed; before, it is being written.
		if i, err := os.Stat(path); err != nil || i.Mode()&0o100 == 0 {
			continue
		}
		var from string
		var to []string
		for line := range strings.Lines(p.Run("postcat", "-e", path)) {
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
