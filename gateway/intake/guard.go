package intake

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

const (
	bufferSize  = 32 << 10         // of what was read and not yet judged
	replySize   = 8 << 10          // of replies before they are written out
	writeTime   = time.Minute      // for one write, at most
	handshake   = time.Minute      // for TLS, at most
	lingerQuiet = 2 * time.Second  // without a byte from a client that was told to go
	lingerTotal = 30 * time.Second // for a client that was told to go
	maxCommands = 1000             // between two accepted mails
)

// Replies of the guard itself.
var (
	idleTooLong  = say(421, "4.4.2", "Idle for too long, closing connection")
	goingDown    = say(421, "4.3.2", "Shutting down, try again later")
	tooMany      = say(421, "4.7.0", "Too many errors, closing connection")
	tooManyVerbs = say(421, "4.7.0", "Too many commands, closing connection")
	internal     = say(451, "4.3.0", "Internal error, try again later")
)

// guard is the net.Conn that go-smtp is given. go-smtp works strictly in turn:
// it asks for more only when it has answered everything, so each Read can hand
// out one command and know that the reply to the one before is complete.
//
// All methods but nudge and cut run in the goroutine of the connection.
type guard struct {
	s       *Server
	addr    netip.Addr
	client  netip.Prefix // what limits count as one client
	session *session
	in      *bufio.Reader // above TLS
	out     []byte        // replies not yet written
	line    []byte        // reply of go-smtp, not yet a whole line
	feed    []byte        // what go-smtp reads next

	greeted  bool
	secure   bool // TLS is on
	offer    bool // the reply under way is to EHLO and should offer STARTTLS
	swallow  int  // go-smtp's next reply has this code and is not for the client
	ending   bool // the connection ends after the reply under way
	errors   int
	commands int // since the last accepted mail
	lineEnd  time.Time
	body     *body // of the mail under way

	mu      sync.Mutex
	conn    net.Conn // the TLS connection once there is one
	raw     net.Conn
	waiting bool // for a command, with nothing under way
	dead    bool
	gone    sync.Once
}

func newGuard(s *Server, c net.Conn, addr netip.Addr) *guard {
	g := &guard{s: s, addr: addr, client: clientOf(addr), conn: c, raw: c}
	g.in = bufio.NewReaderSize(source{g}, bufferSize)
	g.session = &session{g: g, s: s}
	return g
}

// Read gives go-smtp the next command, or the end of a mail that the body
// reader took in meanwhile. It reports io.EOF once the connection has ended.
func (g *guard) Read(p []byte) (int, error) {
	for len(g.feed) == 0 {
		switch {
		case g.isDead():
			return 0, io.EOF
		case g.body == nil:
			g.next()
		case g.body.err == nil:
			// The session left a mail half-read. What follows must not be
			// taken for commands.
			g.shut()
		default:
			g.body = nil
			g.feed = []byte(".\r\n")
		}
	}
	n := copy(p, g.feed)
	g.feed = g.feed[n:]
	return n, nil
}

// Write takes replies of go-smtp.
func (g *guard) Write(p []byte) (int, error) {
	g.line = append(g.line, p...)
	for {
		i := bytes.IndexByte(g.line, '\n')
		if i < 0 {
			break
		}
		g.pass(g.line[:i+1])
		g.line = g.line[i+1:]
	}
	if g.isDead() {
		return 0, net.ErrClosed
	}
	return len(p), nil
}

// pass hands one line of a reply on to the client and sees what it means.
func (g *guard) pass(line []byte) {
	code, err := strconv.Atoi(string(line[:min(3, len(line))]))
	if err != nil || len(line) < 4 {
		g.shut() // not a reply
		return
	}
	last := line[3] == ' '
	if g.swallow != 0 {
		if code != g.swallow {
			g.shut() // go-smtp and the guard disagree about the state
		}
		if last {
			g.swallow = 0
		}
		return
	}
	if last && g.offer && code == 250 {
		g.put([]byte("250-STARTTLS\r\n"))
	}
	g.put(line)
	if !last {
		return
	}
	g.offer = false
	g.said(code)
}

// reply answers a command in place of go-smtp.
func (g *guard) reply(r *smtp.SMTPError) {
	g.put(format(r))
	g.said(r.Code)
}

// end answers and ends the connection.
func (g *guard) end(r *smtp.SMTPError) {
	g.ending = true
	g.reply(r)
}

// said counts a complete reply and ends the connection if it was the last.
func (g *guard) said(code int) {
	if code >= 500 {
		g.errors++
	}
	if g.errors > g.s.cfg.Limits.Errors && !g.ending {
		g.ending = true
		g.s.reject(ReasonErrors)
		g.put(format(tooMany))
	}
	if g.ending {
		g.linger()
		g.shut()
	}
}

func format(r *smtp.SMTPError) []byte {
	e := r.EnhancedCode
	if e == smtp.NoEnhancedCode {
		return fmt.Appendf(nil, "%d %s\r\n", r.Code, r.Message)
	}
	return fmt.Appendf(nil, "%d %d.%d.%d %s\r\n", r.Code, e[0], e[1], e[2], r.Message)
}

// put collects output; it is written before the next wait for input, so that
// the answers to pipelined commands travel together (RFC 2920 §3.2).
// spec: rfc2920#3.2
func (g *guard) put(b []byte) {
	g.out = append(g.out, b...)
	if len(g.out) >= replySize {
		g.flush()
	}
}

// flush writes what was collected; a connection that does not take it ends.
func (g *guard) flush() {
	if len(g.out) == 0 || g.isDead() {
		return
	}
	g.conn.SetWriteDeadline(time.Now().Add(min(writeTime, g.s.cfg.Limits.Idle))) // an error shows in Write
	if _, err := g.conn.Write(g.out); err != nil {
		g.shut()
	}
	g.out = g.out[:0]
}

// source is the network as the guard's buffer sees it. Any error ends the
// connection for good: an end that is not an end would let the rest of a mail
// be read as commands (go-smtp issue 196).
type source struct{ g *guard }

func (s source) Read(p []byte) (int, error) {
	g := s.g
	g.flush()
	conn, ok := g.arm()
	if !ok {
		return 0, io.EOF
	}
	n, err := conn.Read(p)
	if g.body != nil {
		g.body.progress += int64(n)
	}
	if n > 0 || err == nil {
		return n, nil // an error comes again
	}
	g.fail(err)
	return 0, err
}

// arm sets the deadline of the next read. Under its lock a read either starts
// before Shutdown, which then ends it, or knows of it.
func (g *guard) arm() (net.Conn, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.dead {
		return nil, false
	}
	until := g.lineEnd
	if b := g.body; b != nil {
		if !b.between {
			until = time.Now().Add(g.s.cfg.Limits.Idle)
		}
		if u := b.until(); u.Before(until) {
			until = u
		}
	}
	g.waiting = g.body == nil
	if g.waiting && g.s.closing.Load() {
		until = past
	}
	return g.conn, g.conn.SetReadDeadline(until) == nil
}

// past is a time that has come.
var past = time.Unix(1, 0)

// fail ends the connection after a failed read.
func (g *guard) fail(err error) {
	var timeout net.Error
	switch {
	case !errors.Is(err, os.ErrDeadlineExceeded) && !(errors.As(err, &timeout) && timeout.Timeout()):
	case g.body == nil && g.s.closing.Load():
		g.put(format(goingDown))
	default:
		g.s.reject(ReasonTimeout)
		g.put(format(idleTooLong))
	}
	g.flush()
	g.shut()
}

// nudge ends the wait for a command.
func (g *guard) nudge() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting && !g.dead {
		g.conn.SetReadDeadline(past) // on an error the read fails anyway
	}
}

// cut ends the connection from another goroutine.
func (g *guard) cut() { g.raw.Close() }

func (g *guard) isDead() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.dead
}

// shut ends the connection for good.
func (g *guard) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.dead {
		g.dead = true
		g.conn.Close() // nothing more to say to this client
	}
}

// linger lets the last reply arrive: closing at once while input waits would
// make TCP throw it away. What still comes is dropped unseen, within limits.
func (g *guard) linger() {
	g.flush()
	if g.isDead() {
		return
	}
	if t, ok := g.conn.(*tls.Conn); ok {
		t.CloseWrite() // the client may be gone
	}
	if half, ok := g.raw.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
	buf := make([]byte, bufferSize)
	stop := time.Now().Add(lingerTotal)
	for left := g.s.cfg.Limits.MessageBytes; left > 0 && time.Now().Before(stop); {
		g.raw.SetReadDeadline(time.Now().Add(min(lingerQuiet, g.s.cfg.Limits.Idle)))
		n, err := g.raw.Read(buf)
		if err != nil {
			return
		}
		left -= int64(n)
	}
}

// Close is called by go-smtp when it is done with the connection.
func (g *guard) Close() error {
	g.flush()
	g.shut()
	g.gone.Do(func() { g.s.leave(g) })
	return nil
}

// LocalAddr implements net.Conn.
func (g *guard) LocalAddr() net.Addr { return g.raw.LocalAddr() }

// RemoteAddr implements net.Conn.
func (g *guard) RemoteAddr() net.Addr { return g.raw.RemoteAddr() }

// SetDeadline, SetReadDeadline and SetWriteDeadline do nothing: the guard alone
// decides how long it waits.
func (g *guard) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing, see SetDeadline.
func (g *guard) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing, see SetDeadline.
func (g *guard) SetWriteDeadline(time.Time) error { return nil }
