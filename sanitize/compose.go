package sanitize

import (
	"context"
	"fmt"
	"io"
	"time"

	"sekisho/sanitize/format"
	"sekisho/sanitize/ir"
	"sekisho/sanitize/mail"
	"sekisho/sanitize/memfile"
)

// Our own mails, as package mail builds them.
type (
	Substitute = mail.Substitute
	Postmaster = mail.Postmaster
	// Digest is the list of what is held for a recipient, DigestPart one of them.
	Digest     = mail.Digest
	DigestPart = mail.DigestPart
	// Undelivered is what the postmaster is told about one recipient.
	Undelivered = mail.Outcome
)

// Occasions of a digest, states of its parts, and events of the postmaster's
// mail, as package mail has them.
const (
	DigestOfHour    = mail.DigestOfHour
	DigestAgain     = mail.DigestAgain
	DigestTrial     = mail.DigestTrial
	DigestMost      = mail.DigestMost
	DigestHeld      = mail.DigestHeld
	DigestReleased  = mail.DigestReleased
	DigestDiscarded = mail.DigestDiscarded
	DigestExpired   = mail.DigestExpired
	NoticesStopped  = mail.NoticesStopped
)

// composeTime bounds building and linting one of our own mails.
const composeTime = time.Minute

// Substitute writes the mail that stands for a wholly held one. The caller
// closes the Body.
func (e *Engine) Substitute(ctx context.Context, s Substitute) (Body, error) {
	return e.compose(ctx, nil, func(w io.Writer) error { return mail.BuildSubstitute(s, w) })
}

// Postmaster writes a report to the postmaster. The caller closes the Body.
func (e *Engine) Postmaster(ctx context.Context, p Postmaster) (Body, error) {
	return e.compose(ctx, nil, func(w io.Writer) error { return mail.BuildPostmaster(p, w) })
}

// Digest writes a list of held parts. The caller closes the Body.
func (e *Engine) Digest(ctx context.Context, d Digest) (Body, error) {
	return e.compose(ctx, nil, func(w io.Writer) error { return mail.BuildDigest(d, w) })
}

// compose builds a mail of our own and lints it like every other one: what is
// relayed has passed the lint, whoever wrote it. Kids are its attachments.
func (e *Engine) compose(ctx context.Context, kids []Node, write func(io.Writer) error) (Body, error) {
	ctx, cancel := context.WithTimeout(ctx, composeTime)
	defer cancel()
	out := memfile.New(maxOutput)
	h := newHash()
	if err := e.guarded(func() error { return write(io.MultiWriter(out, h)) }); err != nil {
		out.Close()
		return Body{}, fmt.Errorf("compose: %w", err)
	}
	s := &session{engine: e, boxes: map[format.Class]*box{}}
	defer s.close()
	row := rowOf(e.formats, format.Mail)
	if err := s.lint(ctx, &Node{Kids: kids}, row, out); err != nil {
		out.Close()
		return Body{}, fmt.Errorf("compose: %w", err)
	}
	b := Body{name: "mail.eml", media: row.MediaType(), file: out, ok: true}
	h.Sum(b.sum[:0])
	return b, nil
}

// Child shows a node to a builder outside its tree, such as the substitute
// mail of a wholly held mail.
func (n *Node) Child() format.Child { return n.child() }

// Sent returns a mail's Date as claimed, nil when there is none.
func (n *Node) Sent() *ir.Date { return n.sent }
