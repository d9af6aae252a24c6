package intake

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/emersion/go-smtp"

	"sekisho/audit"
	"sekisho/gateway"
)

// Reason names why something was refused, for metrics and records.
const (
	ReasonNetwork          = "network"           // the client is in no allowed network
	ReasonZone             = "zone"              // the client is in the third zone
	ReasonConnections      = "connections"       // too many at once
	ReasonRate             = "rate"              // too many mails from one client
	ReasonPressure         = "pressure"          // disk, queue or log
	ReasonSyntax           = "syntax"            // not SMTP
	ReasonErrors           = "errors"            // too many refused commands
	ReasonTLS              = "tls"               // the handshake failed
	ReasonTimeout          = "timeout"           // idle, or too slow
	ReasonUnknownRecipient = "unknown_recipient" // 550 at RCPT
	ReasonTryLater         = "try_later"         // 451 at RCPT, or at MAIL
	ReasonUTF8             = "smtputf8"          // the next hop takes no address beyond ASCII
	ReasonBareLineEnd      = "bare_line_end"     // bare CR or LF, or NUL, in a mail
	ReasonTooLarge         = "too_large"         // over the limit of a mail
	ReasonAborted          = "aborted"           // the client went away amid a mail
	ReasonStorage          = "storage"           // originals or ledger failed
)

const (
	commitTime        = time.Minute // for the transaction of one mail
	recordEvery       = time.Second // records of refusals, on average
	recordBurst       = 20
	clientsRemembered = 10000
)

// errOverLimit ends the copy of a mail that is too large.
var errOverLimit = errors.New("over the limit of a mail")

func (s *Server) reject(reason string) {
	if f := s.cfg.Metrics.Rejected; f != nil {
		f(reason)
	}
}

// receive takes a mail in. The answer is 250 only when original, row and
// record are durable; with end set the connection MUST end after it.
func (s *Server) receive(e gateway.Envelope, b *body) (answer *smtp.SMTPError, end bool) {
	m := gateway.Message{Envelope: e, State: gateway.Accepted}
	err := s.store(&m, b)
	if rest := b.drain(); rest != nil {
		err = rest // how the mail ended outweighs what became of storing it
		s.forget(m.Blob)
	} else if err == nil {
		err = s.commit(&m)
	}
	if err == nil {
		if f := s.cfg.Metrics.Accepted; f != nil {
			f(m.Size)
		}
		if s.cfg.Accepted != nil {
			s.cfg.Accepted(m)
		}
		return say(250, "2.0.0", m.Receipt+" accepted"), false
	}
	return s.refuse(m, err)
}

// store writes the original and sets Blob, Size and Sum.
func (s *Server) store(m *gateway.Message, b *body) error {
	sum := sha256.New()
	name, err := s.cfg.Originals.Put(s.ctx, func(w io.Writer) error {
		n, err := io.Copy(io.MultiWriter(sum, w), io.LimitReader(b, s.cfg.Limits.MessageBytes+1))
		m.Size = n
		if err == nil && n > s.cfg.Limits.MessageBytes {
			err = errOverLimit
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("store the original: %w", err)
	}
	m.Blob = name
	sum.Sum(m.Sum[:0])
	return nil
}

// commit enters m in the ledger. When that fails the original is deleted only
// if the ledger certainly has no row for it.
func (s *Server) commit(m *gateway.Message) error {
	ctx, cancel := context.WithTimeout(s.ctx, commitTime)
	defer cancel()
	if refused := s.pressed(ctx); refused != nil {
		s.forget(m.Blob)
		return &refusal{reply: refused}
	}
	if err := s.identify(m); err != nil {
		s.forget(m.Blob)
		return err
	}
	var inside error
	err := s.cfg.Ledger.Do(ctx, func(tx gateway.Tx) error {
		inside = s.enter(tx, m)
		return inside
	})
	if err != nil && inside != nil {
		s.forget(m.Blob)
	}
	if err != nil {
		return fmt.Errorf("enter in the ledger: %w", err)
	}
	return nil
}

func (s *Server) identify(m *gateway.Message) error {
	id, err := gateway.NewID(s.cfg.Scribe.Random)
	m.ID, m.ReceivedAt = id, s.cfg.Scribe.Clock()
	return err
}

// enter does the work of the transaction; it may run more than once.
func (s *Server) enter(tx gateway.Tx, m *gateway.Message) error {
	day := m.ReceivedAt.In(s.cfg.Location).Format("060102")
	n, err := tx.Receipt(day)
	if err != nil {
		return err
	}
	m.Receipt = fmt.Sprintf("M-%s-%05d", day, n)
	var records []gateway.Record
	for to := range slices.Chunk(m.Envelope.To, gateway.MaxNamed) {
		r, err := s.cfg.Scribe.Remote("message.received", audit.Success, m.Envelope.Client, func(e *audit.Event) {
			describe(e, *m, to)
		})
		if err != nil {
			return err
		}
		records = append(records, r)
	}
	return tx.Accept(*m, records...)
}

func describe(e *audit.Event, m gateway.Message, to []string) {
	e.Object, e.Mail, e.Route = m.Object(), gateway.AuditMail(m.Envelope.From, to), gateway.Inbound()
}

// forget deletes an original that no row knows of. The sweep would find it too.
func (s *Server) forget(blob string) {
	if blob == "" {
		return
	}
	if err := s.cfg.Originals.Delete(context.WithoutCancel(s.ctx), blob); err != nil {
		s.cfg.Log.Warn("delete an original that was not accepted", "error", err)
	}
}

// refuse translates what went wrong into a reply, counts it and records it.
func (s *Server) refuse(m gateway.Message, err error) (*smtp.SMTPError, bool) {
	var r *refusal
	switch {
	case errors.As(err, &r):
		if r.reason != "" {
			s.reject(r.reason)
		}
		s.recordRefusal(m, r.reason)
		return r.reply, r.end
	case errors.Is(err, errOverLimit):
		s.reject(ReasonTooLarge)
		s.recordRefusal(m, ReasonTooLarge)
		return mailTooLarge, false
	case errors.Is(err, io.ErrUnexpectedEOF):
		s.reject(ReasonAborted)
		return internal, true
	}
	s.reject(ReasonStorage)
	s.cfg.Log.Error("mail not accepted", "client", m.Envelope.Client, "error", err)
	if errors.Is(err, gateway.ErrFull) {
		return noRoom, false
	}
	return internal, false
}

// recordRefusal notes a mail that was refused for what it is, at a bounded rate;
// the rest is counted only.
func (s *Server) recordRefusal(m gateway.Message, reason string) {
	code := map[string]string{ReasonBareLineEnd: "malformed", ReasonTooLarge: "limit_size"}[reason]
	if code == "" {
		return
	}
	s.note("message.rejected", m.Envelope.Client, func(e *audit.Event) {
		e.Mail, e.Route = gateway.AuditMail(m.Envelope.From, m.Envelope.To), gateway.Inbound()
		e.Decision.ReasonCode = code
	})
}

// note enters a record of a refusal beside the connection, which does not wait
// for it.
func (s *Server) note(v audit.Verb, ip string, fill func(*audit.Event)) {
	if !s.records.AllowN(s.cfg.Scribe.Clock(), 1) {
		s.cfg.Log.Warn("refused, not recorded: too many", "event", v, "client", ip)
		return
	}
	r, err := s.cfg.Scribe.Remote(v, audit.Denied, ip, fill)
	if err != nil {
		s.cfg.Log.Error("record a refusal", "event", v, "error", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.notes.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), commitTime)
		defer cancel()
		if err := s.cfg.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.Note(r) }); err != nil {
			s.cfg.Log.Error("record a refusal", "event", v, "client", ip, "error", err)
		}
	})
}
