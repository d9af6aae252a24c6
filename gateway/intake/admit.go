package intake

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/emersion/go-smtp"

	"sekisho/audit"
)

// Answers to clients that get no greeting (RFC 5321 §3.1).
var (
	notAllowed = say(554, "5.7.1", "No service for your address")
	tooBusy    = say(421, "4.7.0", "Too many connections, try again later")
)

// turnAway bounds the goodbye to a client that gets no greeting.
const turnAway = time.Second

// listener admits connections and wraps them in guards.
type listener struct {
	net.Listener
	s *Server
}

// Accept returns the next connection that may stay.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if g := l.s.admit(c); g != nil {
			return g, nil
		}
	}
}

// admit decides whether a client may stay; if not it is told so and gone.
// spec: rfc5321#3.1
func (s *Server) admit(c net.Conn) *guard {
	at, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		s.cfg.Log.Error("connection without an IP address", "remote", c.RemoteAddr())
		s.turn(c, notAllowed, ReasonNetwork)
		return nil
	}
	addr := at.Addr().Unmap().WithZone("")
	if s.cfg.Forbidden != nil && s.cfg.Forbidden(addr) {
		s.note("zone.refused", addr.String(), func(e *audit.Event) {
			e.Object.Type = "listener"
			e.Object.ID = audit.Clean(c.LocalAddr().String(), 64)
		})
		s.turn(c, notAllowed, ReasonZone)
		return nil
	}
	if !s.allowed(addr) {
		s.turn(c, notAllowed, ReasonNetwork)
		return nil
	}
	if s.closing.Load() {
		s.turn(c, goingDown, ReasonConnections)
		return nil
	}
	g := newGuard(s, c, addr)
	if !s.enterGuard(g) {
		s.turn(c, tooBusy, ReasonConnections)
		return nil
	}
	if f := s.cfg.Metrics.Connections; f != nil {
		f(1)
	}
	return g
}

func (s *Server) allowed(a netip.Addr) bool {
	for _, n := range s.cfg.Networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// turn says goodbye. A new socket takes a line without waiting; the deadline is
// for those that do not.
func (s *Server) turn(c net.Conn, r *smtp.SMTPError, reason string) {
	s.reject(reason)
	c.SetDeadline(time.Now().Add(turnAway)) // an error shows in the write
	if _, err := c.Write(format(r)); err != nil {
		s.cfg.Log.Debug("turn a client away", "remote", c.RemoteAddr(), "error", fmt.Sprint(err))
	}
	c.Close() // nothing to lose
}

// clientOf is what limits count as one client: an IPv4 address, or the /64 that
// an IPv6 host chooses its addresses from.
func clientOf(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // not for a valid address; all others count as one
	}
	return p
}

// enterGuard counts a connection; false means that there are too many.
func (s *Server) enterGuard(g *guard) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.cfg.Limits
	if len(s.guards) >= l.Connections || s.perClient[g.client] >= l.ConnectionsPerClient {
		return false
	}
	s.guards[g] = true
	s.perClient[g.client]++
	return true
}

// leave counts a connection that ended.
func (s *Server) leave(g *guard) {
	if f := s.cfg.Metrics.Connections; f != nil {
		f(-1)
	}
	s.mu.Lock()
	delete(s.guards, g)
	if s.perClient[g.client]--; s.perClient[g.client] <= 0 {
		delete(s.perClient, g.client)
	}
	if len(s.guards) == 0 {
		close(s.idle)
		s.idle = make(chan struct{})
	}
	s.mu.Unlock()
}
