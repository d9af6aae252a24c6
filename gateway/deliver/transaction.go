package deliver

import (
	"context"
	"fmt"
	"io"
	"strings"

	"sekisho/gateway"
)

// send sends a parcel. A connection that was used before may have been closed
// meanwhile: if that shows before the transaction began, a new one is tried.
func (c *connection) send(ctx context.Context, p parcel) attempt {
	for {
		reused, err := c.ready(ctx)
		if err != nil {
			return attempt{err: err}
		}
		t := transaction{client: c.client, answers: map[string]reply{}}
		err = t.run(ctx, p)
		c.mails++
		c.used = c.clock()
		if err != nil || t.closing {
			c.abort()
		}
		if reused && !t.begun && (err != nil || t.closing) {
			continue // ready connects anew: it ends here next time
		}
		return attempt{t.answers, err}
	}
}

// transaction is one mail's MAIL, RCPT and DATA (RFC 5321 §3.3).
type transaction struct {
	*client
	answers map[string]reply
	begun   bool // MAIL was answered, and not by the end of the connection
	closing bool // the peer ends the connection
}

// run returns an error when the connection must be broken off; what the next
// hop refused is in the answers.
func (t *transaction) run(ctx context.Context, p parcel) error {
	to := t.speakable(p.From, p.to)
	if len(to) == 0 {
		t.begun = true
		return nil
	}
	r, err := t.ask(false, "%s", t.mail(p, to))
	if err != nil {
		return err
	}
	t.begun = !r.closing()
	if !r.done() {
		t.answer(to, ofSession(r))
		return nil
	}
	accepted, err := t.recipients(to)
	if err != nil || len(accepted) == 0 || t.closing {
		return err
	}
	if r, err = t.ask(true, "DATA"); err != nil {
		return err
	}
	if r.goOn() {
		if r, err = t.body(ctx, p); err != nil {
			return err
		}
	}
	t.answer(accepted, r)
	return nil
}

// ask gives a command. The replies it lets pass are consent (3yz when going on
// is what the command asks, else 2yz) and refusals.
func (t *transaction) ask(goOn bool, format string, args ...any) (reply, error) {
	r, err := t.command(t.times.command, format, args...)
	if err != nil {
		return reply{}, err
	}
	if goOn && r.done() || !goOn && r.goOn() {
		return reply{}, fmt.Errorf("%w: %d in reply to %s", errDialogue, r.code, strings.SplitN(format, " ", 2)[0])
	}
	t.closing = t.closing || r.closing()
	return r, nil
}

func (t *transaction) answer(to []string, r reply) {
	for _, a := range to {
		t.answers[a] = r
	}
}

// speakable answers for the next hop where an address cannot be said to it,
// and returns the other recipients. The ledger could have been written by an
// older version that let more pass than gateway.CheckAddress does.
func (t *transaction) speakable(from string, to []string) []string {
	var ok []string
	for _, a := range to {
		r, bad := t.unspeakable(a)
		if !bad && from != "" {
			r, bad = t.unspeakable(from)
		}
		if bad {
			t.answers[a] = r
			continue
		}
		ok = append(ok, a)
	}
	return ok
}

// spec: rfc6531#3.2
func (t *transaction) unspeakable(address string) (reply, bool) {
	if err := gateway.CheckAddress(address, true); err != nil {
		return reply{550, "5.1.3 not sent: " + err.Error()}, true
	}
	if !gateway.ASCII(address) && !t.offers("SMTPUTF8") {
		return reply{550, "5.6.7 not sent: the next hop does not support SMTPUTF8"}, true
	}
	return reply{}, false
}

// mail returns the MAIL command (RFC 5321 §4.1.1.2) with what the next hop
// wants to know in advance. Our mails are 7-bit, so BODY is not among it.
// spec: rfc1870#6.2 rfc6531#3.4
func (t *transaction) mail(p parcel, to []string) string {
	cmd := "MAIL FROM:<" + p.From + ">"
	if t.offers("SIZE") {
		cmd += fmt.Sprintf(" SIZE=%d", p.Size)
	}
	if !gateway.ASCII(p.From + strings.Join(to, "")) {
		cmd += " SMTPUTF8"
	}
	return cmd
}

// ofSession turns a refusal of MAIL that is about the session, such as "STARTTLS
// first", into one for now: it says nothing about this mail.
func ofSession(r reply) reply {
	switch r.code {
	case 503, 521, 530, 535, 538:
		return reply{450, fmt.Sprintf("not about this mail: %d %s", r.code, r.text)}
	}
	return r
}

// recipients says RCPT for each and returns those that were accepted.
// spec: rfc5321#4.5.3.1.10
func (t *transaction) recipients(to []string) ([]string, error) {
	var accepted []string
	for _, a := range to {
		r, err := t.ask(false, "RCPT TO:<%s>", a)
		if err != nil {
			return nil, err
		}
		if r.done() {
			accepted = append(accepted, a)
			continue
		}
		// RFC 5321 §4.5.3.1.10: 552 may mean "too many", which is for now.
		if r.code == 552 && len(accepted) > 0 {
			r = reply{452, "552 " + r.text}
		}
		t.answers[a] = r
		if t.closing {
			return nil, nil
		}
	}
	return accepted, nil
}

// body sends the sealed body and the final dot, and returns the reply to it.
// Its reader fails when the body is not the sealed one; then, or when the
// lease was lost, no dot is written.
func (t *transaction) body(ctx context.Context, p parcel) (reply, error) {
	body, err := p.Body()
	if err != nil {
		return reply{}, err
	}
	defer body.Close()
	w := newDotWriter(t.client)
	if err := stream(ctx, w, body, p.lease); err != nil {
		return reply{}, fmt.Errorf("send body: %w", err)
	}
	if err := p.lease.hold(ctx); err != nil {
		return reply{}, fmt.Errorf("before the final dot: %w", err)
	}
	if t.r.Buffered() > 0 { // it would be taken for the reply to the dot
		return reply{}, fmt.Errorf("%w: it spoke during DATA", errDialogue)
	}
	if err := w.dot(); err != nil {
		return reply{}, fmt.Errorf("send final dot: %w", err)
	}
	if err := t.until(t.times.final); err != nil {
		return reply{}, err
	}
	r, err := readReply(t.r)
	if err != nil {
		return reply{}, fmt.Errorf("after the final dot: %w", err)
	}
	if r.goOn() {
		return reply{}, fmt.Errorf("%w: %d in reply to the final dot", errDialogue, r.code)
	}
	t.closing = t.closing || r.closing()
	return r, nil
}

// stream copies a body, keeping the lease alive on slow lines.
func stream(ctx context.Context, w *dotWriter, body io.Reader, l *lease) error {
	block := make([]byte, 64<<10)
	for {
		n, err := body.Read(block)
		if werr := w.write(block[:n]); werr != nil {
			return werr
		}
		if err == io.EOF {
			return w.flush()
		}
		if err != nil {
			return err
		}
		if err := l.renew(ctx); err != nil {
			return err
		}
	}
}
