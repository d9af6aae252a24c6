package deliver

import (
	"context"
	"errors"
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
		t := transaction{client: c.client, answers: map[string]reply{}, reset: reused && c.client.offers("PIPELINING")}
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
	reset   bool // it begins with RSET
	begun   bool // MAIL was answered, and not by the end of the connection
	closing bool // the connection is of no further use
}

// run returns an error when the connection must be broken off; what the next
// hop refused is in the answers. When it broke the dialogue there are none of
// its answers: any of them may have been the answer to something else.
func (t *transaction) run(ctx context.Context, p parcel) error {
	to := t.speakable(p.From, p.to)
	if len(to) == 0 {
		t.begun = true
		return nil
	}
	err := t.deliver(ctx, p, to)
	if errors.Is(err, errDialogue) {
		for _, a := range to {
			delete(t.answers, a)
		}
	}
	return err
}

// deliver sends the commands and, if anyone is to get it, the body.
func (t *transaction) deliver(ctx context.Context, p parcel, to []string) error {
	q := t.queue(t.commands(p, to)...)
	accepted, err := t.envelope(q, to)
	if err != nil || t.closing {
		return err
	}
	if len(accepted) == 0 {
		alive, err := q.drain()
		t.closing = !alive
		return err
	}
	r, err := t.ask(q, true) // DATA
	if err != nil {
		return err
	}
	if r.goOn() {
		if r, err = t.body(ctx, p); err != nil {
			return err
		}
	}
	t.answer(accepted, ofSession(r))
	return nil
}

// commands are all that is said before the body, in order. DATA may be sent
// before it is known whether anyone is to get the mail: nothing is decided
// before the final dot.
func (t *transaction) commands(p parcel, to []string) []string {
	var all []string
	if t.reset {
		all = append(all, "RSET")
	}
	all = append(all, t.mail(p, to))
	for _, a := range to {
		all = append(all, "RCPT TO:<"+a+">")
	}
	return append(all, "DATA")
}

// envelope reads the replies to all but DATA and returns the recipients that
// were accepted; the others are answered.
func (t *transaction) envelope(q *queue, to []string) ([]string, error) {
	if t.reset {
		r, err := t.ask(q, false)
		if err != nil {
			return nil, err
		}
		if !r.done() {
			return nil, said{"RSET", r}
		}
	}
	r, err := t.ask(q, false)
	if err != nil {
		return nil, err
	}
	t.begun = !r.closing()
	if !r.done() {
		t.answer(to, ofSession(r))
		return nil, nil
	}
	return t.recipients(q, to)
}

// ask returns the reply to the next command. Those it lets pass are consent
// (3yz when going on is what the command asks, else 2yz) and refusals.
func (t *transaction) ask(q *queue, goOn bool) (reply, error) {
	verb := verbIn(q.lines[q.heard])
	r, err := q.reply()
	if err != nil {
		return reply{}, err
	}
	if goOn && r.done() || !goOn && r.goOn() {
		return reply{}, fmt.Errorf("%w: %d in reply to %s", errDialogue, r.code, verb)
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

// ofSession turns a refusal that is about the session, such as "STARTTLS first",
// into one for now: it says nothing about this mail.
func ofSession(r reply) reply {
	switch r.code {
	case 503, 521, 530, 535, 538:
		return reply{450, fmt.Sprintf("not about this mail: %d %s", r.code, r.text)}
	}
	return r
}

// recipients reads the reply to each RCPT and returns those that were accepted.
// spec: rfc5321#4.5.3.1.10
func (t *transaction) recipients(q *queue, to []string) ([]string, error) {
	var accepted []string
	for _, a := range to {
		r, err := t.ask(q, false)
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
		t.answers[a] = ofSession(r)
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
	end, err := t.stream(ctx, body, p.lease)
	if err != nil {
		return reply{}, fmt.Errorf("send body: %w", err)
	}
	if err := p.lease.hold(ctx); err != nil {
		return reply{}, fmt.Errorf("before the final dot: %w", err)
	}
	return t.final(end)
}

// final sends the end of a body with its dot and reads the reply, both within
// the one wait that the lease outlasts.
func (t *transaction) final(end []byte) (reply, error) {
	if t.r.Buffered() > 0 { // it would be taken for the reply to the dot
		return reply{}, fmt.Errorf("%w: it spoke during DATA", errDialogue)
	}
	if err := t.until(t.times.final); err != nil {
		return reply{}, err
	}
	if _, err := t.conn.Write(end); err != nil {
		return reply{}, fmt.Errorf("send final dot: %w", err)
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

// stream sends a body but for its end, which it returns with the final dot. It
// keeps the lease alive on slow lines.
func (t *transaction) stream(ctx context.Context, body io.Reader, l tenure) ([]byte, error) {
	block, kept := t.buffers()
	w := newDotWriter(t.client, kept)
	for {
		n, err := body.Read(block)
		if werr := w.write(block[:n]); werr != nil {
			return nil, werr
		}
		if err == io.EOF {
			return w.end()
		}
		if err != nil {
			return nil, err
		}
		if err := l.renew(ctx); err != nil {
			return nil, err
		}
	}
}
