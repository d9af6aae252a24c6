package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// smtpCommand is a client on the Internet side. What the gateway answers is
// the story's stdout.
//
//	smtp send FROM TO[,TO] FILE
//	smtp starttls CAFILE FROM TO[,TO] FILE
//	smtp raw FILE                           each line a command, one answer each
func smtpCommand(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) < 2, "smtp send|starttls|raw …")
	c, err := dialSMTP(ts.Getenv("SOURCE"), ts.Getenv("SMTP"), ts.Stdout())
	ts.Check(err)
	defer c.conn.Close()
	switch {
	case args[0] == "send" && len(args) == 4:
		err = c.send(args[1], args[2], []byte(ts.ReadFile(args[3])))
	case args[0] == "starttls" && len(args) == 5:
		if err = c.startTLS(ts.MkAbs(args[1])); err == nil {
			err = c.send(args[2], args[3], []byte(ts.ReadFile(args[4])))
		}
	case args[0] == "raw" && len(args) == 2:
		err = c.raw(ts.ReadFile(args[1]))
	default:
		ts.Fatalf("smtp %v: no such command", args)
	}
	expect(ts, neg, err, "smtp")
}

// resend FROM TO FILE RE sends a mail again and again until what arrives has a
// match in its header. What arrived last is the story's stdout.
func resend(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 4, "resend FROM TO FILE REGEXP")
	re, err := regexp.Compile(args[3])
	ts.Check(err)
	s, mail := worldOf(ts).sink, []byte(ts.ReadFile(args[2]))
	name, _, _ := strings.Cut(args[1], "@")
	until(ts, fmt.Sprintf("%q in a mail to %s", args[3], args[1]), func() bool {
		c, err := dialSMTP(ts.Getenv("SOURCE"), ts.Getenv("SMTP"), io.Discard)
		ts.Check(err)
		defer c.conn.Close()
		n := s.have(name)
		ts.Check(c.send(args[0], args[1], mail))
		ts.Check(s.wait(n+1, []string{name}))
		header, parts, err := readMail([]byte(ts.ReadFile(fmt.Sprintf("mail/%s-%d.eml", name, n+1))))
		ts.Check(err)
		found := re.MatchString(header.Get("X-Sekisho-Result"))
		if found {
			fmt.Fprintf(ts.Stdout(), "%s\n", parts[0].data)
		}
		return found
	})
}

// smtpClient writes every answer to out.
type smtpClient struct {
	conn net.Conn
	r    *bufio.Reader
	out  io.Writer
}

// dialSMTP connects from the address source, "" for any.
func dialSMTP(source, address string, out io.Writer) (*smtpClient, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var d net.Dialer
	if source != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(source)}
	}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &smtpClient{conn, bufio.NewReader(conn), out}, conn.SetDeadline(time.Now().Add(patience))
}

// answer reads one reply of any number of lines (RFC 5321 §4.2.1).
func (c *smtpClient) answer() (string, error) {
	for {
		line, err := c.r.ReadString('\n')
		fmt.Fprint(c.out, strings.TrimRight(line, "\r\n"), "\n")
		if err != nil {
			return "", fmt.Errorf("read an answer: %w", err)
		}
		if len(line) < 4 || line[3] != '-' {
			return line, nil
		}
	}
}

// ask sends a command and expects an answer that begins with want.
func (c *smtpClient) ask(want, format string, args ...any) error {
	if _, err := fmt.Fprintf(c.conn, format+"\r\n", args...); err != nil {
		return err
	}
	return c.want(want)
}

func (c *smtpClient) want(want string) error {
	got, err := c.answer()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(got, want) {
		return fmt.Errorf("answer %q instead of %s", strings.TrimSpace(got), want)
	}
	return nil
}

// send sends one mail. A refused recipient is an error at the end: the others
// get the mail, as from a real client.
func (c *smtpClient) send(from, to string, mail []byte) error {
	if err := c.hello(); err != nil {
		return err
	}
	if err := c.ask("250", "MAIL FROM:<%s>", from); err != nil {
		return err
	}
	var refused error
	taken := 0
	for _, a := range strings.Split(to, ",") {
		if err := c.ask("250", "RCPT TO:<%s>", a); err != nil {
			refused = errors.Join(refused, err)
		} else {
			taken++
		}
	}
	if taken == 0 {
		return refused
	}
	if err := c.ask("354", "DATA"); err != nil {
		return err
	}
	if _, err := c.conn.Write(dotted(mail)); err != nil {
		return err
	}
	if err := c.want("250"); err != nil {
		return err
	}
	return errors.Join(refused, c.ask("221", "QUIT"))
}

// hello reads the greeting, unless TLS has just begun, and says EHLO.
func (c *smtpClient) hello() error {
	if _, encrypted := c.conn.(*tls.Conn); !encrypted {
		if err := c.want("220"); err != nil {
			return err
		}
	}
	return c.ask("250", "EHLO mx.example.com")
}

func (c *smtpClient) startTLS(ca string) error {
	pem, err := os.ReadFile(ca)
	if err != nil {
		return err
	}
	if err := c.hello(); err != nil {
		return err
	}
	if err := c.ask("220", "STARTTLS"); err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	t := tls.Client(c.conn, &tls.Config{RootCAs: roots, ServerName: "gw.town.example.lg.jp"})
	if err := t.Handshake(); err != nil {
		return err
	}
	c.conn, c.r = t, bufio.NewReader(t)
	return nil
}

func (c *smtpClient) raw(text string) error {
	if err := c.want("220"); err != nil {
		return err
	}
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if _, err := fmt.Fprintf(c.conn, "%s\r\n", line); err != nil {
			return err
		}
		if _, err := c.answer(); err != nil {
			return err
		}
	}
	return nil
}

// dotted is a mail as it goes over the wire: CRLF, dots doubled, the final dot.
func dotted(mail []byte) []byte {
	text := bytes.ReplaceAll(mail, []byte("\r\n"), []byte("\n"))
	var b bytes.Buffer
	for _, line := range bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
		if bytes.HasPrefix(line, []byte(".")) {
			b.WriteByte('.')
		}
		b.Write(line)
		b.WriteString("\r\n")
	}
	b.WriteString(".\r\n")
	return b.Bytes()
}
