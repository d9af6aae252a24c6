package deliver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// TLS says how the connection to the next hop is protected.
type TLS string

// The choices. Opportunistic uses STARTTLS when it is offered, without
// checking the certificate, and goes on in the clear when the handshake fails
// (RFC 7435); Required checks it and sends nothing without it. Any other
// value, also none, is taken as Required.
const (
	TLSNone          TLS = "none"
	TLSOpportunistic TLS = "opportunistic"
	TLSRequired      TLS = "required"
)

// Hop is the next hop.
type Hop struct {
	Address string // host:port
	Hello   string // our name in EHLO
	TLS     TLS
	Config  *tls.Config // for Required: roots, and the server name if it is not the host's
	// Dial connects; it refuses addresses of forbidden zones.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// maxReuse is the number of mails over one connection.
const maxReuse = 200

var errNoTLS = errors.New("the next hop offers no STARTTLS, which is required")

// connection is a reusable connection to the next hop, for one goroutine.
type connection struct {
	hop    Hop
	times  times
	reuse  int // mails over one connection at most
	clock  func() time.Time
	size   func(int64) // told of the next hop's SIZE
	client *client     // nil: not connected
	used   time.Time
	mails  int
	down   bool // the last try to connect failed
}

func (c *connection) close() {
	if c.client != nil {
		c.client.quit()
	}
	c.client = nil
}

// abort ends the connection without a word: nothing half-sent may be ended by
// a final dot.
func (c *connection) abort() {
	if c.client != nil {
		c.client.conn.Close()
	}
	c.client = nil
}

func (c *connection) closeIdle() {
	if c.client != nil && c.clock().Sub(c.used) > c.times.idle {
		c.close()
	}
}

// ready gives a connected client, the old one when it still answers, and
// reports whether it is the old one. With PIPELINING it is not asked: the RSET
// travels with the next mail's commands.
func (c *connection) ready(ctx context.Context) (bool, error) {
	c.closeIdle()
	if c.client != nil && c.mails >= c.reuse {
		c.close()
	}
	if c.client != nil {
		c.client.end = time.Now().Add(c.times.attempt)
		if c.client.offers("PIPELINING") || c.client.reset() {
			return true, nil
		}
		c.abort()
	}
	client, err := c.connect(ctx)
	c.down = err != nil
	if err != nil {
		return false, err
	}
	c.size(client.size())
	c.client, c.mails, c.used = client, 0, c.clock()
	return false, nil
}

// connect greets the next hop and protects the connection as configured.
// spec: rfc3207#4.1
func (c *connection) connect(ctx context.Context) (*client, error) {
	client, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	offered := client.offers("STARTTLS")
	if c.hop.TLS == TLSNone || c.hop.TLS == TLSOpportunistic && !offered {
		return client, nil
	}
	if !offered {
		client.quit()
		return nil, errNoTLS
	}
	err = client.startTLS(ctx, c.tlsConfig(), c.hop.Hello)
	if err == nil {
		return client, nil
	}
	client.conn.Close()
	if c.hop.TLS == TLSOpportunistic {
		return c.open(ctx)
	}
	return nil, err
}

func (c *connection) open(ctx context.Context) (*client, error) {
	limited, cancel := context.WithTimeout(ctx, c.times.dial)
	defer cancel()
	conn, err := c.hop.Dial(limited, "tcp", c.hop.Address)
	if err != nil {
		return nil, fmt.Errorf("connect to next hop: %w", err)
	}
	client := newClient(conn, c.times)
	if err := client.greet(c.hop.Hello); err != nil {
		conn.Close()
		return nil, err
	}
	return client, nil
}

// tlsConfig is Config made safe: a required certificate is always checked,
// against the host's name when Config has none.
func (c *connection) tlsConfig() *tls.Config {
	host, _, err := net.SplitHostPort(c.hop.Address)
	if err != nil {
		host = c.hop.Address
	}
	if c.hop.TLS == TLSOpportunistic { // an unchecked certificate is better than none
		return &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}
	}
	config := &tls.Config{}
	if c.hop.Config != nil {
		config = c.hop.Config.Clone()
	}
	config.InsecureSkipVerify = false
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	if config.ServerName == "" {
		config.ServerName = host
	}
	return config
}
