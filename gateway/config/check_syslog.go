package config

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
)

// TLSConfig returns how the server is checked and what it is shown.
func (s Syslog) TLSConfig() (*tls.Config, error) {
	host, _, err := net.SplitHostPort(s.Address)
	if err != nil {
		return nil, fmt.Errorf("audit.syslog.address: %w", err)
	}
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if s.ServerName != "" {
		c.ServerName = s.ServerName
	}
	if s.CAFile != "" {
		pem, err := os.ReadFile(s.CAFile)
		if err != nil {
			return nil, fmt.Errorf("audit.syslog.ca_file: %w", err)
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("audit.syslog.ca_file: no certificate in it")
		}
	}
	if s.CertFile != "" || s.KeyFile != "" {
		pair, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("audit.syslog.cert_file: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// syslog keeps the checkpoints out of the third zone, and certificates readable.
func (r *report) syslog(ctx context.Context, resolver Resolver) {
	s := r.c.Audit.Syslog
	if s.Address == "" {
		return
	}
	host, port, err := net.SplitHostPort(s.Address)
	if n, perr := strconv.ParseUint(port, 10, 16); err != nil || host == "" || perr != nil || n == 0 {
		r.wrong("audit.syslog.address", "syslog サーバーのアドレスが読めません。syslog.example.lg.jp:6514 のように、ホストとポートで書いてください。",
			"the syslog address cannot be read; write a host and a port, like syslog.example.lg.jp:6514.")
		return
	}
	if _, err := s.TLSConfig(); err != nil {
		r.wrong("audit.syslog", fmt.Sprintf("証明書のファイルを使えません。ファイルと権限を確かめてください: %v", err), fmt.Sprintf("a certificate file cannot be used: %v", err))
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	addrs, err := lookup(ctx, resolver, host)
	if err != nil {
		r.doubtful("audit.syslog.address", fmt.Sprintf("syslog サーバーの名前 %s を今は引けません。名前と DNS の設定を確かめてください。", host),
			fmt.Sprintf("the name %s cannot be resolved now; look at the name and at DNS.", host))
		return
	}
	for _, a := range addrs {
		if covered(r.c.Forbidden(), a) {
			r.wrong("audit.syslog.address", fmt.Sprintf("syslog サーバーのアドレス %s はマイナンバー利用事務系にあります。そこへは送りません。", a),
				fmt.Sprintf("the syslog server's address %s lies in the My Number zone; nothing is sent there.", a))
		}
	}
}
