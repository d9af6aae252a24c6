package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"sekisho/gateway/config"
)

// certificate is the listener's, read again when the operator says so: a
// renewal needs no restart. Sessions under way keep the one they began with.
type certificate struct {
	key   string // of the setting
	files config.TLSFiles
	pair  atomic.Pointer[tls.Certificate]
}

// load reads the files. When that fails the present certificate stays.
func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.files.CertFile, c.files.KeyFile)
	if err != nil {
		return fmt.Errorf("%s: %w", c.key, err)
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return fmt.Errorf("%s: %w", c.key, err)
		}
	}
	c.pair.Store(&pair)
	return nil
}

// config is for a server that takes the certificate of the moment.
func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.pair.Load(), nil }}
}

// end is the Unix time of its end, for the metrics.
func (c *certificate) end() (float64, bool) {
	if c == nil {
		return 0, false
	}
	return float64(c.pair.Load().Leaf.NotAfter.Unix()), true
}

// serverTLS loads the listener's certificate; nil when there is none.
func serverTLS(key string, f config.TLSFiles) (*certificate, error) {
	if f.CertFile == "" {
		return nil, nil
	}
	c := &certificate{key: key, files: f}
	return c, c.load()
}

// hangups calls reload at each SIGHUP until ctx ends.
func (n *node) hangups(ctx context.Context) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	defer signal.Stop(c)
	for {
		select {
		case <-ctx.Done():
			return
		case <-c:
			n.reload()
		}
	}
}

// reload reads the certificates again. Other settings are those of the start.
func (n *node) reload() {
	if n.certificate == nil && n.webCertificate == nil {
		n.log.Info("reload: there is no certificate; other settings need a restart")
		return
	}
	for _, c := range []*certificate{n.certificate, n.webCertificate} {
		if c == nil {
			continue
		}
		if err := c.load(); err != nil {
			n.log.Error("reload: the certificate stays as it was", "error", err)
			continue
		}
		n.log.Info("reload: the certificate was read again", "of", c.key, "until", c.pair.Load().Leaf.NotAfter)
	}
}
