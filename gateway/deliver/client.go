package deliver

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// times are the limits of waits.
type times struct {
	dial    time.Duration
	command time.Duration // for a reply
	data    time.Duration // for one block of the body to be taken
	final   time.Duration // for the reply to the final dot
	quit    time.Duration // for the reply to QUIT, which changes nothing
	attempt time.Duration // for one mail in all
	idle    time.Duration // of an unused connection
	poll    time.Duration // between looks into the ledger
}

// defaultTimes follow RFC 5321 §4.5.3.2; replies to commands are awaited for 2
// minutes instead of 5, for there is one hop and it is near.
// spec: rfc5321#4.5.3.2
func defaultTimes() times {
	return times{dial: 30 * time.Second, command: 2 * time.Minute, data: 3 * time.Minute, final: 10 * time.Minute,
		quit: 5 * time.Second, attempt: time.Hour, idle: 20 * time.Second, poll: pollTime}
}

// blockSize is how much of a body is read at a time, in bytes.
const blockSize = 64 << 10

// client is the client's side of one SMTP connection. Its methods return an
// error when the connection is of no further use; replies are values.
type client struct {
	conn  net.Conn
	r     *bufio.Reader
	ext   map[string]string // of the last EHLO, by keyword in upper case
	times times
	end   time.Time // no wait goes beyond
	block []byte    // what is read of a body at a time
	kept  []byte    // for a dotWriter
}

func newClient(conn net.Conn, t times) *client {
	return &client{conn: conn, r: bufio.NewReaderSize(conn, maxReplyLine), times: t, end: time.Now().Add(t.attempt)}
}

// until sets the limit of the next wait.
func (c *client) until(wait time.Duration) error {
	at := time.Now().Add(wait)
	if c.end.Before(at) {
		at = c.end
	}
	if err := c.conn.SetDeadline(at); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	return nil
}

// greet reads the greeting and says hello.
func (c *client) greet(name string) error {
	if err := c.until(c.times.command); err != nil {
		return err
	}
	r, err := readReply(c.r)
	if err != nil {
		return fmt.Errorf("greeting of next hop: %w", err)
	}
	if !r.done() {
		return said{"the connection", r}
	}
	return c.hello(name)
}

// hello says EHLO, or HELO to a server that does not know it (RFC 5321 §3.2).
// spec: rfc5321#3.2
func (c *client) hello(name string) error {
	r, err := c.command(c.times.command, "EHLO "+name)
	if err != nil {
		return err
	}
	if r.done() {
		c.ext = extensions(r.text)
		return nil
	}
	c.ext = nil
	if r.permanent() {
		if r, err = c.command(c.times.command, "HELO "+name); err != nil {
			return err
		}
	}
	if !r.done() {
		return said{"EHLO", r}
	}
	return nil
}

// extensions reads the lines after the first of a reply to EHLO.
func extensions(text string) map[string]string {
	ext := map[string]string{}
	_, lines, _ := strings.Cut(text, "\n")
	for l := range strings.SplitSeq(lines, "\n") {
		keyword, params, _ := strings.Cut(l, " ")
		ext[strings.ToUpper(keyword)] = params
	}
	return ext
}

func (c *client) offers(keyword string) bool {
	_, ok := c.ext[keyword]
	return ok
}

// size returns the limit of RFC 1870 in bytes, 0 for none.
func (c *client) size() int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(c.ext["SIZE"]), 10, 64)
	if err != nil {
		return 0
	}
	return max(0, n)
}

// say sends commands in one write.
func (c *client) say(wait time.Duration, lines ...string) error {
	if verb, bad := notOneLine(lines); bad {
		return fmt.Errorf("%s: a command must be one line", verb)
	}
	// What came unasked would be taken for the reply to this command.
	if c.r.Buffered() > 0 {
		return fmt.Errorf("%w: it spoke before %s", errDialogue, verbIn(lines[0]))
	}
	if err := c.until(wait); err != nil {
		return err
	}
	if _, err := c.conn.Write([]byte(strings.Join(lines, "\r\n") + "\r\n")); err != nil {
		return fmt.Errorf("send %s: %w", verbIn(lines[0]), err)
	}
	return nil
}

// command sends one command and reads the reply to it, all within wait.
func (c *client) command(wait time.Duration, line string) (reply, error) {
	if err := c.say(wait, line); err != nil {
		return reply{}, err
	}
	r, err := readReply(c.r)
	if err != nil {
		return reply{}, fmt.Errorf("%s: %w", verbIn(line), err)
	}
	return r, nil
}

// startTLS protects the connection (RFC 3207) and says hello again, since what
// was said before was not protected.
// spec: rfc3207#4.2
func (c *client) startTLS(ctx context.Context, config *tls.Config, name string) error {
	r, err := c.command(c.times.command, "STARTTLS")
	if err != nil {
		return err
	}
	if !r.done() {
		return said{"STARTTLS", r}
	}
	if c.r.Buffered() > 0 { // injected before the handshake
		return fmt.Errorf("%w: it spoke before the TLS handshake", errDialogue)
	}
	if err := c.until(c.times.command); err != nil {
		return err
	}
	t := tls.Client(c.conn, config)
	if err := t.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("STARTTLS with next hop: %w", err)
	}
	c.conn, c.r, c.ext = t, bufio.NewReaderSize(t, maxReplyLine), nil
	return c.hello(name)
}

// reset makes the peer forget the last mail; it reports whether the peer lives.
func (c *client) reset() bool {
	r, err := c.command(c.times.command, "RSET")
	return err == nil && r.done()
}

// Write writes a part of a body; the peer has a limited time to take it.
func (c *client) Write(p []byte) (int, error) {
	if err := c.until(c.times.data); err != nil {
		return 0, err
	}
	return c.conn.Write(p)
}

// buffers returns those for bodies: a block to read and what a dotWriter keeps.
// They serve all mails of a connection.
func (c *client) buffers() (block, kept []byte) {
	if c.block == nil {
		c.block, c.kept = make([]byte, blockSize), make([]byte, 0, dotBuffer+len("\r\n.\r\n"))
	}
	return c.block, c.kept
}

// quit says goodbye; how it is answered changes nothing.
func (c *client) quit() {
	c.command(c.times.quit, "QUIT")
	c.conn.Close()
}
