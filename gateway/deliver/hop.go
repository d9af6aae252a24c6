package deliver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/emersion/go-smtp"

	"sekisho/gateway"
	"sekisho/sanitize/seal"
)

// TLS says how the connection to the next hop is protected.
type TLS string

// The choices. Opportunistic uses STARTTLS when it is offered, without
// checking the certificate (RFC 3207); Required checks it and sends nothing
// without it.
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
	Config  *tls.Config // for Required: roots and server name
	// Dial connects; it refuses addresses of forbidden zones.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

const (
	dialTime    = 30 * time.Second
	commandTime = 2 * time.Minute  // RFC 5321 §4.5.3.2 asks for up to 5 minutes
	finalTime   = 10 * time.Minute // after the final dot, §4.5.3.2.6
	idleTime    = 20 * time.Second
	maxReuse    = 200 // mails over one connection
)

var errNoTLS = errors.New("the next hop offers no STARTTLS, which is required")

// connection is a reusable connection to the next hop, for one goroutine.
type connection struct {
	hop    Hop
	client *smtp.Client
	used   time.Time
	mails  int
}

func (c *connection) close() {
	if c.client != nil {
		c.client.Quit() // the outcome of QUIT changes nothing
		c.client.Close()
	}
	c.client = nil
}

// abort ends the connection without a word: nothing half-sent may be ended by
// a final dot.
func (c *connection) abort() {
	if c.client != nil {
		c.client.Close()
	}
	c.client = nil
}

func (c *connection) closeIdle() {
	if c.client != nil && time.Since(c.used) > idleTime {
		c.close()
	}
}

// ready gives a connected client, the old one when it still answers.
func (c *connection) ready(ctx context.Context) error {
	c.closeIdle()
	if c.client != nil && c.mails < maxReuse {
		if err := c.client.Reset(); err == nil {
			return nil
		}
		c.abort()
	}
	c.close()
	return c.connect(ctx)
}

// spec: rfc3207#4.1
func (c *connection) connect(ctx context.Context) error {
	client, err := c.plain(ctx)
	if err != nil {
		return err
	}
	offered, _ := client.Extension("STARTTLS")
	if c.hop.TLS == TLSNone || c.hop.TLS == TLSOpportunistic && !offered {
		c.take(client)
		return nil
	}
	client.Close()
	if !offered {
		return errNoTLS
	}
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	client, err = smtp.NewClientStartTLS(conn, c.tlsConfig())
	if err == nil {
		err = client.Hello(c.hop.Hello)
	}
	if err != nil {
		conn.Close()
		return fmt.Errorf("STARTTLS with next hop: %w", err)
	}
	c.take(client)
	return nil
}

func (c *connection) tlsConfig() *tls.Config {
	if c.hop.TLS == TLSRequired && c.hop.Config != nil {
		return c.hop.Config
	}
	host, _, err := net.SplitHostPort(c.hop.Address)
	if err != nil {
		host = c.hop.Address
	}
	// Opportunistic: an unchecked certificate is better than none (RFC 7435).
	return &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.hop.TLS == TLSOpportunistic}
}

func (c *connection) take(client *smtp.Client) {
	client.CommandTimeout, client.SubmissionTimeout = commandTime, finalTime
	c.client, c.mails, c.used = client, 0, time.Now()
}

func (c *connection) plain(ctx context.Context) (*smtp.Client, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	client := smtp.NewClient(conn)
	client.CommandTimeout = commandTime
	if err := client.Hello(c.hop.Hello); err != nil {
		client.Close()
		return nil, fmt.Errorf("greet next hop: %w", err)
	}
	return client, nil
}

func (c *connection) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	conn, err := c.hop.Dial(ctx, "tcp", c.hop.Address)
	if err != nil {
		return nil, fmt.Errorf("connect to next hop: %w", err)
	}
	return conn, nil
}

// send sends a verified mail to recipients. hold is called before the final
// dot; when it fails, the mail is not ended.
func (c *connection) send(ctx context.Context, v seal.Verified, to []string, hold func() error) attempt {
	if err := c.ready(ctx); err != nil {
		return attempt{err: err}
	}
	a := attempt{answers: map[string]answer{}}
	accepted, err := c.envelope(v, to, a.answers)
	if err == nil && len(accepted) > 0 {
		var ans answer
		if ans, err = c.data(v, hold); err == nil {
			for _, r := range accepted {
				a.answers[r] = ans
			}
		}
	}
	c.mails++
	c.used = time.Now()
	if err == nil {
		return a
	}
	if ans, ok := replyOf(err); ok { // the next hop refused the whole mail
		for _, r := range to {
			if _, said := a.answers[r]; !said {
				a.answers[r] = ans
			}
		}
		return a
	}
	c.abort()
	a.err = err
	return a
}

// envelope says MAIL and RCPT. Refused recipients get their answers; accepted
// ones are returned.
// spec: rfc6531#3.2 rfc1870#6.2
func (c *connection) envelope(v seal.Verified, to []string, answers map[string]answer) ([]string, error) {
	opts := &smtp.MailOptions{UTF8: !gateway.ASCII(v.From)}
	for _, a := range to {
		opts.UTF8 = opts.UTF8 || !gateway.ASCII(a)
	}
	if ok, _ := c.client.Extension("SIZE"); ok {
		opts.Size = v.Size
	}
	if ok, _ := c.client.Extension("SMTPUTF8"); opts.UTF8 && !ok {
		return nil, &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 6, 7}, Message: "the next hop does not support SMTPUTF8"}
	}
	if err := checkEnvelope(v.From, to); err != nil {
		return nil, &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 3}, Message: err.Error()}
	}
	if err := c.client.Mail(v.From, opts); err != nil {
		return nil, err
	}
	var accepted []string
	for _, a := range to {
		err := c.client.Rcpt(a, nil)
		if err == nil {
			accepted = append(accepted, a)
			continue
		}
		ans, ok := replyOf(err)
		if !ok {
			return nil, err
		}
		answers[a] = ans
	}
	return accepted, nil
}

// checkEnvelope looks once more at what goes into commands: the ledger could
// have been written by an older version.
func checkEnvelope(from string, to []string) error {
	if from != "" {
		to = append([]string{from}, to...)
	}
	for _, a := range to {
		if err := gateway.CheckAddress(a, true); err != nil {
			return err
		}
	}
	return nil
}

// data sends the body. Its reader fails when the body is not the sealed one;
// then the connection is broken off before the final dot.
func (c *connection) data(v seal.Verified, hold func() error) (answer, error) {
	body, err := v.Body()
	if err != nil {
		return answer{}, err
	}
	defer body.Close()
	w, err := c.client.Data()
	if err != nil {
		return answer{}, err
	}
	if _, err := io.Copy(w, body); err != nil {
		return answer{}, broken{err}
	}
	if err := hold(); err != nil {
		return answer{}, broken{err}
	}
	said, err := w.CloseWithResponse()
	if err != nil {
		return answer{}, err
	}
	return answer{250, said.StatusText}, nil
}

// broken hides an SMTP reply inside an error that must break the connection.
type broken struct{ err error }

func (b broken) Error() string { return "body not sent: " + b.err.Error() }

// replyOf returns the SMTP reply that err is, if it is one.
func replyOf(err error) (answer, bool) {
	var se *smtp.SMTPError
	if !errors.As(err, &se) {
		return answer{}, false
	}
	return answer{se.Code, se.Message}, true
}
