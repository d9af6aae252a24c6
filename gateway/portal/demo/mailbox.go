package demo

import (
	"io"
	"net"
	"time"

	"github.com/emersion/go-smtp"
)

// Mailbox is the SMTP server in place of the LGWAN mail server. It takes every
// recipient and puts what it gets on the board.
type Mailbox struct {
	server *smtp.Server
}

// maxMail bounds a delivered mail in bytes.
const maxMail = 64 << 20

// NewMailbox returns a mailbox that delivers to b.
func NewMailbox(b *Board) *Mailbox {
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{board: b}, nil }))
	s.Domain = "lgwan.demo.invalid"
	s.MaxMessageBytes, s.ReadTimeout, s.WriteTimeout = maxMail, time.Minute, time.Minute
	return &Mailbox{s}
}

// Serve answers on l until Close.
func (m *Mailbox) Serve(l net.Listener) error { return m.server.Serve(l) }

// Close ends the server and its connections.
func (m *Mailbox) Close() error { return m.server.Close() }

type session struct {
	board *Board
	from  string
	to    []string
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.from = from; return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error   { s.to = append(s.to, to); return nil }
func (s *session) Reset()                                      { s.from, s.to = "", nil }
func (s *session) Logout() error                               { return nil }

// Data implements smtp.Session.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(io.LimitReader(r, maxMail))
	if err != nil {
		return err
	}
	m, err := read(raw)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "not readable: " + err.Error()}
	}
	m.Sender, m.Recipients, m.At = s.from, s.to, time.Now()
	s.board.deliver(m)
	return nil
}
