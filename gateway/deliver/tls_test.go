package deliver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"sekisho/gateway"
)

// authority makes certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := authority{t: t, key: key}
	a.cert = &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign}
	der := a.sign(a.cert, key)
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a authority) sign(c *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return der
}

func (a authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

// server returns a server's side for a host name or address.
func (a authority) server(name string) *tls.Config {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	if ip := net.ParseIP(name); ip != nil {
		c.IPAddresses = []net.IP{ip}
	} else {
		c.DNSNames = []string{name}
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{a.sign(c, key)}, PrivateKey: key}}}
}

const (
	inTLS   = "EHLO STARTTLS EHLO MAIL RCPT DATA"
	inClear = "EHLO MAIL RCPT DATA"
)

func TestTLS(t *testing.T) {
	ours, stranger := newAuthority(t), newAuthority(t)
	good := &tls.Config{RootCAs: ours.pool(), ServerName: "hop.lgwan.example"}
	w := newWorld(t, newHop(t))
	for name, c := range map[string]struct {
		mode   TLS
		offer  bool
		server *tls.Config
		config *tls.Config
		step   string // scripted
		reply  string
		heard  string // verbs of each connection, joined by |
		waits  string // text when the mail is not sent
	}{
		"none": {mode: TLSNone, offer: true, heard: inClear},

		"opportunistic, not offered": {mode: TLSOpportunistic, heard: inClear},
		"opportunistic, offered":     {mode: TLSOpportunistic, offer: true, server: stranger.server("other.example"), heard: inTLS},
		"opportunistic, refused": {mode: TLSOpportunistic, offer: true, step: "STARTTLS", reply: "454 not now",
			heard: "EHLO STARTTLS|" + inClear},
		"opportunistic, handshake fails": {mode: TLSOpportunistic, offer: true, server: &tls.Config{}, heard: "EHLO STARTTLS|" + inClear},

		"required, not offered": {mode: TLSRequired, config: good, heard: "EHLO QUIT", waits: "offers no STARTTLS"},
		"required, good":        {mode: TLSRequired, offer: true, server: ours.server("hop.lgwan.example"), config: good, heard: inTLS},
		"required, address as name": {mode: TLSRequired, offer: true, server: ours.server("127.0.0.1"),
			config: &tls.Config{RootCAs: ours.pool()}, heard: inTLS},
		"required, wrong name": {mode: TLSRequired, offer: true, server: ours.server("other.example"), config: good,
			heard: "EHLO STARTTLS", waits: "other.example"},
		"required, unknown authority": {mode: TLSRequired, offer: true, server: stranger.server("hop.lgwan.example"), config: good,
			heard: "EHLO STARTTLS", waits: "unknown authority"},
		"required, no configuration": {mode: TLSRequired, offer: true, server: stranger.server("127.0.0.1"),
			heard: "EHLO STARTTLS", waits: "unknown authority"},
		"required, check switched off": {mode: TLSRequired, offer: true, server: stranger.server("hop.lgwan.example"),
			config: &tls.Config{InsecureSkipVerify: true}, heard: "EHLO STARTTLS", waits: "certificate"},
		"required, refused": {mode: TLSRequired, offer: true, config: good, step: "STARTTLS", reply: "454 not now",
			heard: "EHLO STARTTLS", waits: "454 not now"},
		"required, words before the handshake": {mode: TLSRequired, offer: true, server: ours.server("hop.lgwan.example"), config: good,
			step: "STARTTLS", reply: "220 go\n250 SIZE 1", heard: "EHLO STARTTLS", waits: "before the TLS handshake"},
		"unknown mode is required": {mode: "", config: good, heard: "EHLO QUIT", waits: "offers no STARTTLS"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHop(t, "PIPELINING")
			if c.offer {
				h.ext = append(h.ext, "STARTTLS")
			}
			h.tls = c.server
			w.join(t, h)
			w.Hop.TLS, w.Hop.Config = c.mode, c.config
			w.conn = w.connection()
			id := w.add(order{from: "a@example.com"})
			if c.step != "" {
				h.on(c.step, c.reply)
			}
			w.step()
			if got := strings.Join(h.heard(), "|"); got != c.heard {
				t.Errorf("heard %q", got)
			}
			if c.waits != "" {
				d := w.row(id)
				if d.State != gateway.Ready || !contains(d.Recipients[0].Text, c.waits) || len(h.got()) != 0 {
					t.Errorf("%s %+v", d.State, d.Recipients)
				}
				return
			}
			got := h.got()
			if len(got) != 1 || got[0].tls != strings.Contains(c.heard, inTLS) || w.row(id).State != gateway.Relayed {
				t.Errorf("taken %+v, %+v", got, w.row(id).Recipients)
			}
		})
	}
}

// The name that we say is ours in both EHLOs.
func TestHelloName(t *testing.T) {
	a := newAuthority(t)
	h := newHop(t, "STARTTLS")
	h.tls = a.server("127.0.0.1")
	w := newWorld(t, h)
	w.Hop.TLS, w.Hop.Config = TLSRequired, &tls.Config{RootCAs: a.pool()}
	if err := w.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.settled()
	if got := strings.Join(h.said[0], "|"); got != "EHLO gw.example.lg.jp|STARTTLS|EHLO gw.example.lg.jp|QUIT" {
		t.Errorf("said %q", got)
	}
}
