package realtest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"time"
)

// client is a mail server of the Internet zone that sends to the gateway.
type client struct {
	conn net.Conn
	r    *bufio.Reader
}

// dial connects and greets.
func dial(ctx context.Context, address string) (*client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c := &client{conn, bufio.NewReader(conn)}
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err = c.reply(); err == nil {
		_, err = c.ask("EHLO mx.example.com\r\n")
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

func (c *client) close() { c.conn.Close() }

// ask sends and reads one reply.
func (c *client) ask(text string) (string, error) {
	if _, err := c.conn.Write([]byte(text)); err != nil {
		return "", err
	}
	return c.reply()
}

// reply reads one reply of any number of lines and returns the last
// (RFC 5321 §4.2.1).
func (c *client) reply() (string, error) {
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			return "", fmt.Errorf("read a reply: %w", err)
		}
		if len(line) < 4 || line[3] != '-' {
			return strings.TrimRight(line, "\r\n"), nil
		}
	}
}

// send sends one mail and returns the reply that decided about it: to the dot,
// or an earlier one that was no consent. With an error nobody knows whether
// the mail was taken, unless dotted is false: no dot was sent.
func (c *client) send(from string, to []string, body []byte) (reply string, dotted bool, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", false, err
	}
	commands := []string{"MAIL FROM:<" + from + ">\r\n"}
	for _, a := range to {
		commands = append(commands, "RCPT TO:<"+a+">\r\n")
	}
	for _, command := range commands {
		r, err := c.ask(command)
		if err != nil || r[0] != '2' {
			return r, false, err
		}
	}
	r, err := c.ask("DATA\r\n")
	if err != nil || r[0] != '3' {
		return r, false, err
	}
	r, err = c.ask(string(stuffed(body)) + ".\r\n")
	return r, true, err
}

// stuffed doubles the dots at the beginnings of lines (RFC 5321 §4.5.2).
func stuffed(body []byte) []byte {
	out := bytes.ReplaceAll(body, []byte("\r\n."), []byte("\r\n.."))
	if bytes.HasPrefix(out, []byte(".")) {
		out = append([]byte("."), out...)
	}
	return out
}
