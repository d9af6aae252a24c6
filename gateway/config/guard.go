package config

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"
)

// ErrForbidden is wrapped when an address of the third zone was refused.
var ErrForbidden = errors.New("address lies in a forbidden zone")

// maxAddresses bounds the addresses of one name that are looked at.
const maxAddresses = 64

// Resolver is what Guard needs of net.Resolver.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Dialer is what Guard needs of net.Dialer.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Guard keeps listeners and dialers out of forbidden networks (DECISIONS 24).
// It looks at resolved addresses at every connect, and connects to the very
// address that it looked at: a name server that answers differently the second
// time gains nothing. The zero Guard forbids nothing.
type Guard struct {
	Forbidden []netip.Prefix
	Resolver  Resolver // nil: net.DefaultResolver
	Dialer    Dialer   // nil: a net.Dialer with a 30 s timeout
	// OnRefused is told of each refusal, to record zone.refused; purpose is
	// "listen", "dial" or "accept". It may be nil.
	OnRefused func(ctx context.Context, purpose, address string, at netip.Addr)
}

// Allowed reports whether the address lies in no forbidden network. An IPv4
// address in an IPv6 form (mapped, NAT64, 6to4) counts as the IPv4 address too.
func (g Guard) Allowed(a netip.Addr) bool { return !covered(g.Forbidden, a) }

// CheckListen reports an address that must not be listened on. A host name is
// resolved; every address of it must be allowed. What is accepted goes through Listener.
func (g Guard) CheckListen(ctx context.Context, address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("listen on %q: %w", address, err)
	}
	if host == "" { // all addresses of the machine; Listener looks at each connection
		return nil
	}
	_, err = g.resolve(ctx, "listen", host, address)
	return err
}

// Accepted reports an accepted connection that comes from or arrived at a
// forbidden address: the machine may have an interface in the third zone.
func (g Guard) Accepted(ctx context.Context, c net.Conn) error {
	for _, a := range []net.Addr{c.RemoteAddr(), c.LocalAddr()} {
		ap, err := netip.ParseAddrPort(a.String())
		if err != nil {
			return fmt.Errorf("accept from %s: %w", a, err)
		}
		if !g.Allowed(ap.Addr()) {
			return g.refuse(ctx, "accept", a.String(), ap.Addr())
		}
	}
	return nil
}

// Listener returns l without the connections that Accepted refuses: those are
// closed before a byte is said. Also an address of no particular interface can
// thus be listened on.
func (g Guard) Listener(ctx context.Context, l net.Listener) net.Listener {
	return &guarded{Listener: l, accepted: func(c net.Conn) error { return g.Accepted(ctx, c) }}
}

type guarded struct {
	net.Listener
	accepted func(net.Conn) error
}

// Accept implements net.Listener.
func (l *guarded) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil || l.accepted(c) == nil {
			return c, err
		}
		c.Close() // nothing was said and nothing is lost
	}
}

// DialContext connects like net.Dialer.DialContext. A host that has any
// forbidden address is refused as a whole with ErrForbidden. network is tcp,
// tcp4 or tcp6 (or udp and so on); unix sockets are refused.
func (g Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if !slices.Contains([]string{"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6"}, network) {
		return nil, fmt.Errorf("dial %s %s: the network is not guarded", network, address)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("dial %q: %w", address, err)
	}
	addrs, err := g.resolve(ctx, "dial", host, address)
	if err != nil {
		return nil, err
	}
	var d Dialer = &net.Dialer{Timeout: 30 * time.Second}
	if g.Dialer != nil {
		d = g.Dialer
	}
	var errs []error
	for _, a := range addrs {
		if is4 := a.Is4(); network[3:] == "4" && !is4 || network[3:] == "6" && is4 {
			continue
		}
		c, err := d.DialContext(ctx, network, net.JoinHostPort(a.String(), port))
		if err == nil {
			return c, nil
		}
		if errs = append(errs, err); ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(append(errs, fmt.Errorf("dial %s: no address answered", address))...)
}

// resolve returns the addresses of host, all of them allowed.
func (g Guard) resolve(ctx context.Context, purpose, host, address string) ([]netip.Addr, error) {
	r := g.Resolver
	if r == nil {
		r = net.DefaultResolver
	}
	addrs, err := lookup(ctx, r, host)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", purpose, address, err)
	}
	for _, a := range addrs {
		if !g.Allowed(a) {
			return nil, g.refuse(ctx, purpose, address, a)
		}
	}
	return addrs, nil
}

func (g Guard) refuse(ctx context.Context, purpose, address string, a netip.Addr) error {
	if g.OnRefused != nil {
		g.OnRefused(ctx, purpose, address, a)
	}
	return fmt.Errorf("%s %s (%s): %w", purpose, address, a, ErrForbidden)
}

// lookup returns the addresses of a host name or literal, unmapped.
func lookup(ctx context.Context, r Resolver, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a.Unmap()}, nil
	}
	addrs, err := r.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("resolve: %w", err)
	}
	if len(addrs) == 0 || len(addrs) > maxAddresses {
		return nil, fmt.Errorf("resolve: the name has %d addresses", len(addrs))
	}
	out := make([]netip.Addr, len(addrs))
	for i, a := range addrs {
		out[i] = a.Unmap()
	}
	return out, nil
}

// covered reports whether the address, or an IPv4 address inside it, lies in
// one of the networks. The zone of a link-local address is ignored.
func covered(networks []netip.Prefix, a netip.Addr) bool {
	forms := []netip.Addr{a.WithZone("").Unmap()}
	if v6 := forms[0]; v6.Is6() {
		b := v6.As16()
		for _, f := range []struct {
			prefix string
			at     int
		}{{"64:ff9b::/96", 12}, {"2002::/16", 2}, {"::/96", 12}} { // RFC 6052, RFC 3056, RFC 4291 §2.5.5.1
			if netip.MustParsePrefix(f.prefix).Contains(v6) {
				forms = append(forms, netip.AddrFrom4([4]byte(b[f.at:f.at+4])))
			}
		}
	}
	for _, n := range networks {
		for _, f := range forms {
			if n.Contains(f) {
				return true
			}
		}
	}
	return false
}
