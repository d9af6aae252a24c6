package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"sekisho/gateway"
	"sekisho/gateway/deliver"
	"sekisho/gateway/intake"
)

// openIntake makes the SMTP server with its recipients and its limits.
func (n *node) openIntake(location *time.Location) error {
	c := n.cfg.Intake
	recipients, err := n.recipients()
	if err != nil {
		return err
	}
	asks, err := n.probing()
	if err != nil {
		return err
	}
	beyond, err := intake.NewUTF8Hop(asks)
	if err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	if n.certificate, err = serverTLS("intake.tls", c.TLS); err != nil {
		return err
	}
	var cert *tls.Config
	if n.certificate != nil {
		cert = n.certificate.config()
	}
	l := c.Limits
	n.intake, err = intake.New(intake.Config{Host: c.Hostname, TLS: cert, RequireTLS: c.RequireTLS, Networks: n.cfg.Clients(),
		Forbidden: func(a netip.Addr) bool { return !n.guard.Allowed(a) }, Recipients: recipients, UTF8: beyond.Check, Postmaster: n.cfg.Office.Postmaster,
		Limits: intake.Limits{MessageBytes: int64(l.MessageSize), Recipients: l.Recipients, Connections: l.Connections,
			ConnectionsPerClient: l.ConnectionsPerClient, MailsPerMinute: l.MailsPerMinute, BadRecipients: l.BadRecipients,
			Errors: l.Errors, Idle: time.Duration(l.Idle), Upload: time.Duration(l.Upload)},
		Ledger: n.stores.Ledger, Originals: n.stores.Originals, Scribe: n.scribe, Location: location, Log: n.log,
		Pressure: (&pressure{node: n}).check, Accepted: func(gateway.Message) { n.flow.Wake() },
		Metrics: intake.Metrics{
			Rejected:    func(reason string) { n.metrics.Rejected.WithLabelValues(reason).Inc() },
			Connections: func(d int) { n.metrics.Sessions.Add(float64(d)) },
		}})
	return err
}

// recipients are the table of the configuration and, when it says so, what the
// next hop knows besides.
func (n *node) recipients() (intake.Recipients, error) {
	list, err := n.cfg.RecipientTable()
	if err != nil {
		return nil, err
	}
	table, err := intake.NewTable(list, "+")
	if err != nil {
		return nil, fmt.Errorf("recipients: %w", err)
	}
	if !n.cfg.Intake.Recipients.Probe {
		return table, nil
	}
	asks, err := n.probing()
	if err != nil {
		return nil, err
	}
	probe, err := intake.NewProbe(asks)
	if err != nil {
		return nil, fmt.Errorf("recipients: %w", err)
	}
	return intake.Chain{table, probe}, nil
}

// probing is how intake asks the next hop.
func (n *node) probing() (intake.ProbeConfig, error) {
	hop, err := n.hop()
	if err != nil {
		return intake.ProbeConfig{}, err
	}
	return intake.ProbeConfig{Domains: n.cfg.Office.Domains, Host: n.cfg.Intake.Hostname, TLS: hop.Config, Log: n.log,
		Dial: func(ctx context.Context) (net.Conn, error) {
			return n.guard.DialContext(ctx, "tcp", n.cfg.Relay.Address)
		}}, nil
}

// hop describes the next hop.
func (n *node) hop() (deliver.Hop, error) {
	r := n.cfg.Relay
	h := deliver.Hop{Address: r.Address, Hello: n.cfg.Intake.Hostname, TLS: deliver.TLS(r.TLS), Dial: n.guard.DialContext}
	if h.TLS != deliver.TLSRequired {
		return h, nil
	}
	host, _, err := net.SplitHostPort(r.Address)
	if err != nil {
		return h, fmt.Errorf("relay.address: %w", err)
	}
	if r.ServerName != "" {
		host = r.ServerName
	}
	h.Config = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if r.CAFile == "" {
		return h, nil
	}
	pem, err := os.ReadFile(r.CAFile)
	if err != nil {
		return h, fmt.Errorf("relay.ca_file: %w", err)
	}
	h.Config.RootCAs = x509.NewCertPool()
	if !h.Config.RootCAs.AppendCertsFromPEM(pem) {
		return h, errors.New("relay.ca_file: no certificate in it")
	}
	return h, nil
}

// room says whether the disk has what intake needs.
func (n *node) room(ctx context.Context) error {
	free, err := n.stores.Originals.Room(ctx)
	if err != nil {
		return err
	}
	if free < int64(n.cfg.Storage.MinFree) {
		return fmt.Errorf("%w: %d bytes free", gateway.ErrFull, free)
	}
	return nil
}

// pressureTime is how long an answer about pressure is believed.
const pressureTime = time.Second

// pressure answers intake whether there is room for another mail; it asks the
// node at most once a second.
type pressure struct {
	node  *node
	mu    sync.Mutex
	asked time.Time
	err   error
}

func (p *pressure) check(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); now.Sub(p.asked) > pressureTime {
		p.err = p.ask(ctx)
		p.asked = now
	}
	return p.err
}

func (p *pressure) ask(ctx context.Context) error {
	if err := p.node.room(ctx); err != nil {
		return err
	}
	if err := p.node.sequencer.Healthy(); err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	c, err := p.node.stores.Ledger.Counts(ctx)
	if err != nil {
		return err
	}
	if c.Accepted > maxBacklog {
		return fmt.Errorf("%d messages wait", c.Accepted)
	}
	// When originals fill the cap and only held ones remain, there is no room
	// that may be made (DECISIONS 28).
	if limit := int64(p.node.cfg.Storage.MaxOriginals); limit > 0 && c.OriginalBytes > limit+limit/10 {
		return gateway.ErrFull
	}
	return nil
}
