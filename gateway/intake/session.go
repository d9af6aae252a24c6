package intake

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/time/rate"

	"sekisho/gateway"
)

// checkTime bounds the check of one recipient; RFC 5321 §4.5.3.2.3 lets a
// client wait five minutes for the answer.
const checkTime = 2 * time.Minute

// Refusals of a mail or recipient.
var (
	tooFast     = say(451, "4.7.1", "Too many mails from your address, try again later")
	noRoom      = say(452, "4.3.1", "Storage is full, try again later")
	busy        = say(451, "4.3.2", "Not accepting mail now, try again later")
	unknownRcpt = say(550, "5.1.1", "There is no such recipient here")
	laterRcpt   = say(451, "4.3.0", "The recipient cannot be checked now, try again later")
	noUTF8      = say(553, "5.6.7", "Addresses beyond ASCII cannot be delivered from here")
	laterUTF8   = say(451, "4.3.0", "An address beyond ASCII cannot be checked now, try again later")
	tooManyRcpt = say(452, "4.5.3", "Too many recipients")
	tooManyBad  = say(421, "4.7.0", "Too many unknown recipients, closing connection")
)

// transaction is a mail under way (RFC 5321 §3.3).
type transaction struct {
	from string
	utf8 bool
	to   []string
	seen map[string]bool // recipients in lower case
}

// session is go-smtp's view of a connection. It lives as long as the
// connection does, also across STARTTLS.
type session struct {
	s    *Server
	g    *guard
	helo string
	tx   *transaction
	bad  int // refused recipients

	// What the guard read in the command under way. go-smtp parses it again;
	// where the two differ, nothing is accepted.
	asked   mailArgument
	askedTo string
}

// Reset implements smtp.Session.
func (s *session) Reset() { s.tx = nil }

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }

// Mail implements smtp.Session.
func (s *session) Mail(from string, o *smtp.MailOptions) error {
	if from != s.asked.from || o.UTF8 != s.asked.utf8 {
		return internal
	}
	limit := s.s.rates.get(s.g.client.String(), s.s.newRate)
	if !limit.AllowN(s.s.cfg.Scribe.Clock(), 1) {
		s.s.reject(ReasonRate)
		return tooFast
	}
	if refused := s.s.pressed(s.s.ctx); refused != nil {
		return refused
	}
	ctx, cancel := context.WithTimeout(s.s.ctx, checkTime)
	defer cancel()
	if refused := s.speakable(ctx, from); refused != nil {
		return refused
	}
	s.tx = &transaction{from: from, utf8: o.UTF8, seen: map[string]bool{}}
	return nil
}

// newRate is the limit of mails of one client.
func (s *Server) newRate() *rate.Limiter {
	n := s.cfg.Limits.MailsPerMinute
	return rate.NewLimiter(rate.Limit(float64(n)/60), n)
}

// pressed asks whether mail can be taken at all.
func (s *Server) pressed(ctx context.Context) *smtp.SMTPError {
	if s.cfg.Pressure == nil {
		return nil
	}
	err := s.cfg.Pressure(ctx)
	if err == nil {
		return nil
	}
	s.reject(ReasonPressure)
	s.cfg.Log.Warn("mail put off", "error", err)
	if errors.Is(err, gateway.ErrFull) {
		return noRoom
	}
	return busy
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.tx == nil || to != s.askedTo {
		return internal
	}
	key := strings.ToLower(to)
	if s.tx.seen[key] {
		return nil
	}
	if len(s.tx.to) >= s.s.cfg.Limits.Recipients {
		return tooManyRcpt
	}
	if to != s.s.cfg.Postmaster {
		if refused := s.check(to); refused != nil {
			return refused
		}
	}
	s.tx.seen[key] = true
	s.tx.to = append(s.tx.to, to)
	return nil
}

func (s *session) check(to string) error {
	ctx, cancel := context.WithTimeout(s.s.ctx, checkTime)
	defer cancel()
	switch s.s.cfg.Recipients.Check(ctx, to) {
	case Accept:
		return s.speakable(ctx, to)
	case Unknown:
		s.s.reject(ReasonUnknownRecipient)
		if s.badRecipient() {
			return tooManyBad
		}
		return unknownRcpt
	default:
		s.s.reject(ReasonTryLater)
		return laterRcpt
	}
}

// badRecipient counts a refused recipient, and after too many of them has the
// connection end and reports true: such a client looks for addresses.
func (s *session) badRecipient() bool {
	s.bad++
	if s.bad > s.s.cfg.Limits.BadRecipients {
		s.g.ending = true
		return true
	}
	return false
}

// Data implements smtp.Session. The mail comes from the guard's body reader;
// go-smtp's own sees only an empty one.
func (s *session) Data(io.Reader) error {
	if s.tx == nil || len(s.tx.to) == 0 || s.g.body == nil {
		return internal
	}
	e := gateway.Envelope{
		From: s.tx.from, To: s.tx.to, Client: s.g.addr.String(),
		Helo: s.helo, TLS: s.g.secure, UTF8: s.tx.utf8,
	}
	answer, end := s.s.receive(e, s.g.body)
	s.g.ending = s.g.ending || end
	if answer.Code == 250 {
		s.g.commands = 0
	}
	return answer
}
