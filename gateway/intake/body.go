package intake

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/emersion/go-smtp"
)

// minRate is the progress that renews the time for an upload, in octets per
// second.
const minRate = 1 << 10

// refusal is a mail that ended otherwise than with its last byte. It is an
// error of the body reader and carries the reply.
type refusal struct {
	reply  *smtp.SMTPError
	reason string // one of the Reasons, "" if it is no refusal but a wish of the client
	end    bool   // the connection MUST end after the reply
}

func (r *refusal) Error() string {
	return fmt.Sprintf("mail refused: %d %s", r.reply.Code, r.reply.Message)
}

// The ways in which a mail can end early.
func bareLineEnd() *refusal {
	return &refusal{say(550, "5.6.0", "A bare CR, a bare LF or a NUL is not allowed in a mail"), ReasonBareLineEnd, true}
}

// spec: rfc1870#6.3
func tooLarge(end bool) *refusal { return &refusal{mailTooLarge, ReasonTooLarge, end} }

// strict checks that a stream has no NUL, and CR and LF only as CRLF. Servers
// that differ about anything else have been made to split one mail in two.
type strict struct{ cr bool } // the last byte was CR

// check reports whether b may follow what was checked before.
func (s *strict) check(b []byte) bool {
	if bytes.IndexByte(b, 0) >= 0 {
		return false
	}
	for len(b) > 0 {
		if s.cr {
			if b[0] != '\n' {
				return false
			}
			s.cr, b = false, b[1:]
			continue
		}
		text := b
		if i := bytes.IndexByte(b, '\r'); i >= 0 {
			text, b, s.cr = b[:i], b[i+1:], true
		} else {
			b = nil
		}
		if bytes.IndexByte(text, '\n') >= 0 {
			return false
		}
	}
	return true
}

// body reads one mail from the guard's input, after DATA or in chunks, and
// gives its octets as they were sent, without dot-stuffing. Once err is set the
// mail is over; io.EOF means that it is complete.
type body struct {
	g       *guard
	err     error
	strict  strict
	start   bool   // at the start of a line; only of DATA
	pending []byte // checked, not yet given out; in the guard's buffer

	chunked bool
	left    int64 // of the chunk
	last    bool  // the chunk is the last
	between bool  // reading a command between chunks

	taken    int64 // octets of the mail so far
	progress int64 // octets from the network
	began    time.Time
}

func newBody(g *guard) *body { return &body{g: g, start: true, began: time.Now()} }

// chunk begins a chunk of a mail that comes by BDAT.
func (b *body) chunk(size int64, last bool) { b.chunked, b.left, b.last = true, size, last }

// until is when the whole mail has to be here, as of now.
func (b *body) until() time.Time {
	return b.began.Add(b.g.s.cfg.Limits.Upload + time.Duration(b.progress/minRate)*time.Second)
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if len(b.pending) == 0 {
			if b.err != nil || n > 0 && b.g.in.Buffered() == 0 {
				break
			}
			b.more()
			continue
		}
		m := copy(p[n:], b.pending)
		n, b.pending = n+m, b.pending[m:]
	}
	if n == 0 && len(p) > 0 {
		return 0, b.err
	}
	return n, nil
}

// more sets pending or err.
func (b *body) more() {
	if b.chunked {
		b.moreChunk()
	} else {
		b.moreLine()
	}
	// Past its limit a mail is read on to find its end, but not for ever.
	if b.taken += int64(len(b.pending)); b.taken > 2*b.g.s.cfg.Limits.MessageBytes {
		b.stop(tooLarge(true))
	}
}

func (b *body) stop(err error) { b.err, b.pending = err, nil }

// moreLine reads a line, or a part of one that fills the buffer.
// spec: rfc5321#4.5.2 rfc5321#2.3.8
func (b *body) moreLine() {
	line, err := b.g.in.ReadSlice('\n')
	if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
		b.stop(fmt.Errorf("read mail: %w", notEOF(err)))
		return
	}
	if !b.strict.check(line) {
		b.stop(bareLineEnd())
		return
	}
	// RFC 5321 §4.5.2.
	if b.start && line[0] == '.' {
		line = line[1:]
		if string(line) == "\r\n" {
			b.stop(io.EOF)
			return
		}
	}
	b.start = err == nil
	b.pending = line
}

// moreChunk reads a part of a chunk, or what stands between two of them.
func (b *body) moreChunk() {
	for b.left == 0 {
		if b.last {
			b.stop(io.EOF)
			if b.strict.cr {
				b.stop(bareLineEnd())
			}
			return
		}
		if err := b.nextChunk(); err != nil {
			b.stop(err)
			return
		}
	}
	if _, err := b.g.in.Peek(1); err != nil {
		b.stop(fmt.Errorf("read mail: %w", notEOF(err)))
		return
	}
	part, err := b.g.in.Peek(int(min(b.left, int64(b.g.in.Buffered()))))
	if err == nil {
		_, err = b.g.in.Discard(len(part)) // part stays valid until the next read
	}
	if err != nil {
		b.stop(fmt.Errorf("read mail: %w", notEOF(err)))
		return
	}
	if !b.strict.check(part) {
		b.stop(bareLineEnd())
		return
	}
	b.left -= int64(len(part))
	b.pending = part
}

// nextChunk answers a chunk that was not the last and reads commands up to the
// next one. Another command ends the mail.
func (b *body) nextChunk() error {
	b.g.reply(say(250, "2.0.0", "Go on"))
	b.between = true
	defer func() { b.between = false }()
	for {
		line, ok := b.g.readLine()
		if !ok && b.g.isDead() {
			return fmt.Errorf("between chunks: %w", io.ErrUnexpectedEOF)
		}
		if !ok {
			return &refusal{internal, ReasonSyntax, true}
		}
		verb, arg := splitCommand(line)
		switch verb {
		case "BDAT":
			return b.continueWith(arg)
		case "NOOP":
			b.g.reply(done)
		case "RSET":
			return &refusal{reply: say(250, "2.0.0", "Session reset")}
		case "QUIT":
			return &refusal{reply: say(221, "2.0.0", "Bye"), end: true}
		default:
			return &refusal{say(503, "5.5.1", "BDAT was expected; the mail is dropped"), ReasonSyntax, false}
		}
	}
}

func (b *body) continueWith(arg string) error {
	size, last, ok := parseBdat(arg)
	if !ok {
		return &refusal{badArgument, ReasonSyntax, true}
	}
	if size > b.g.s.cfg.Limits.MessageBytes {
		return tooLarge(true)
	}
	b.chunk(size, last)
	return nil
}

// drain reads the mail to its end and drops it. It returns nil at the proper
// end.
func (b *body) drain() error {
	for b.err == nil {
		b.pending = nil
		b.more()
	}
	b.pending = nil
	if errors.Is(b.err, io.EOF) {
		return nil
	}
	return b.err
}

// drop reads away one chunk that nobody asked for.
func (b *body) drop() {
	for b.left > 0 && b.err == nil {
		b.pending = nil
		b.more()
	}
	var r *refusal
	if errors.As(b.err, &r) {
		b.g.ending = b.g.ending || r.end
	}
}

// notEOF keeps an early end of the connection from looking like the end of a
// mail.
func notEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
