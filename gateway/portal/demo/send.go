package demo

import (
	"bytes"
	"fmt"
	"net"
	"time"

	"github.com/emersion/go-smtp"
)

// Send sends a sample over SMTP as a mail server in the Internet zone does,
// and returns the reply to the mail.
func Send(address string, s Sample, to string) (string, error) {
	conn, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		return "", fmt.Errorf("send sample: %w", err)
	}
	c := smtp.NewClient(conn)
	defer c.Close()
	if err := c.Hello("mail.example.com"); err != nil {
		return "", fmt.Errorf("send sample: %w", err)
	}
	if err := c.Mail(s.From, nil); err != nil {
		return "", fmt.Errorf("send sample: %w", err)
	}
	if err := c.Rcpt(to, nil); err != nil {
		return "", fmt.Errorf("send sample: %w", err)
	}
	w, err := c.Data()
	if err != nil {
		return "", fmt.Errorf("send sample: %w", err)
	}
	if _, err := bytes.NewReader(s.Mail).WriteTo(w); err != nil {
		return "", fmt.Errorf("send sample: %w", err)
	}
	r, err := w.CloseWithResponse()
	if err != nil {
		return "", fmt.Errorf("send sample: %w", err)
	}
	return r.StatusText, c.Quit()
}
