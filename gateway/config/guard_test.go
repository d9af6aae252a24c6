package config

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// dialed is a Dialer that remembers addresses and answers on those it has.
type dialed struct {
	answers []string
	got     []string
}

func (d *dialed) DialContext(_ context.Context, _, address string) (net.Conn, error) {
	d.got = append(d.got, address)
	if slices.Contains(d.answers, address) {
		c, _ := net.Pipe()
		return c, nil
	}
	return nil, errors.New("no answer")
}

// turncoat answers differently the second time (DNS rebinding).
type turncoat struct{ asked int }

func (r *turncoat) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	if r.asked++; r.asked == 1 {
		return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
	}
	return []netip.Addr{netip.MustParseAddr("10.30.0.1")}, nil
}

var third = []netip.Prefix{netip.MustParsePrefix("10.30.0.0/16"), netip.MustParsePrefix("fd00:30::/32")}

// spec: g12
func TestGuardDial(t *testing.T) {
	zone := fakeNames{"good": {"192.0.2.1", "192.0.2.2"}, "mixed": {"192.0.2.1", "10.30.0.9"}, "mapped": {"::ffff:10.30.0.9"},
		"six": {"2001:db8::1"}, "bad6": {"fd00:30::1"}, "nat64": {"64:ff9b::10.30.0.9"}, "6to4": {"2002:a1e:9::1"}, "compat": {"::10.30.0.9"}}
	for _, c := range []struct {
		name, network, address string
		refused                bool
		dialed                 []string // nil: must not be dialed
	}{
		{"allowed name, second address answers", "tcp", "good:25", false, []string{"192.0.2.1:25", "192.0.2.2:25"}},
		{"one of several is forbidden", "tcp", "mixed:25", true, nil},
		{"mapped", "tcp", "mapped:25", true, nil},
		{"forbidden IPv6", "tcp", "bad6:25", true, nil},
		{"NAT64", "tcp", "nat64:25", true, nil},
		{"6to4", "tcp", "6to4:25", true, nil},
		{"IPv4-compatible", "tcp", "compat:25", true, nil},
		{"forbidden literal", "tcp", "10.30.255.255:25", true, nil},
		{"forbidden mapped literal", "tcp", "[::ffff:10.30.0.1]:25", true, nil},
		{"forbidden literal with a zone", "tcp", "[fd00:30::1%eth0]:25", true, nil},
		{"next to the network", "tcp", "10.31.0.0:25", false, []string{"10.31.0.0:25"}},
		{"IPv4 only", "tcp4", "six:25", false, nil},
		{"unknown name", "tcp", "nowhere:25", false, nil},
		{"unix socket", "unix", "/run/x", false, nil},
		{"no port", "tcp", "good", false, nil},
		{"decimal form is a name", "tcp", "169738249:25", false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, told := &dialed{answers: []string{"192.0.2.2:25"}}, 0
			g := Guard{Forbidden: third, Resolver: zone, Dialer: d, OnRefused: func(_ context.Context, purpose, address string, at netip.Addr) {
				if told++; purpose != "dial" || address != c.address || !at.IsValid() {
					t.Errorf("told %q %q %v", purpose, address, at)
				}
			}}
			_, err := g.DialContext(t.Context(), c.network, c.address)
			if errors.Is(err, ErrForbidden) != c.refused || (told == 1) != c.refused {
				t.Errorf("error %v, told %d times", err, told)
			}
			if !slices.Equal(d.got, c.dialed) {
				t.Errorf("dialed %q, want %q", d.got, c.dialed)
			}
		})
	}
}

// TestGuardPinsTheAddress: the look-up that was judged is the one that is used.
// spec: g12
func TestGuardPinsTheAddress(t *testing.T) {
	r, d := &turncoat{}, &dialed{answers: []string{"192.0.2.1:25"}}
	g := Guard{Forbidden: third, Resolver: r, Dialer: d}
	if _, err := g.DialContext(t.Context(), "tcp", "mail:25"); err != nil || r.asked != 1 || !slices.Equal(d.got, []string{"192.0.2.1:25"}) {
		t.Errorf("error %v, asked %d times, dialed %q", err, r.asked, d.got)
	}
	if _, err := g.DialContext(t.Context(), "tcp", "mail:25"); !errors.Is(err, ErrForbidden) || len(d.got) != 1 {
		t.Errorf("the second connect must be judged again: %v, dialed %q", err, d.got)
	}
}

// spec: g12
func TestGuardListen(t *testing.T) {
	g := Guard{Forbidden: third, Resolver: fakeNames{"mixed": {"192.0.2.1", "10.30.0.9"}}}
	for address, refused := range map[string]bool{"192.0.2.1:25": false, ":25": false, "0.0.0.0:25": false, "10.30.0.1:25": true,
		"[::ffff:10.30.0.1]:25": true, "mixed:25": true} {
		if err := g.CheckListen(t.Context(), address); errors.Is(err, ErrForbidden) != refused || err != nil && !refused {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestGuardAccepted(t *testing.T) {
	told := 0
	g := Guard{Forbidden: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, OnRefused: func(_ context.Context, purpose, _ string, _ netip.Addr) {
		if purpose == "accept" {
			told++
		}
	}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go net.Dial("tcp", l.Addr().String())
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := g.Accepted(t.Context(), c); !errors.Is(err, ErrForbidden) || told != 1 {
		t.Errorf("got %v, told %d", err, told)
	}
	if err := (Guard{Forbidden: third}).Accepted(t.Context(), c); err != nil {
		t.Error(err)
	}
}

// A connection with a forbidden address gets no byte, whatever the listener is
// for, and the next one is served.
// spec: g12
func TestGuardListener(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	g := Guard{Forbidden: []netip.Prefix{netip.MustParsePrefix("127.30.0.0/16")},
		OnRefused: func(context.Context, string, string, netip.Addr) { refused++ }}
	l := g.Listener(t.Context(), plain)
	defer l.Close()
	third := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 30, 0, 9)}}
	bad, err := third.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer bad.Close()
	good, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer good.Close()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if c.RemoteAddr().String() != good.LocalAddr().String() || refused != 1 {
		t.Errorf("accepted %s, refused %d", c.RemoteAddr(), refused)
	}
	if err := bad.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, err := bad.Read(make([]byte, 1)); n > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the refused peer read %d bytes, %v", n, err)
	}
}

// TestGuardForms: whatever form an IPv4 address takes, the judgement is the same.
func TestGuardForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address"))
		if rapid.Bool().Draw(t, "inside") {
			b[0], b[1] = 10, 30
		}
		want := b[0] == 10 && b[1] == 30
		for _, prefix := range []string{"::ffff:0:0", "64:ff9b::"} {
			a := netip.MustParseAddr(prefix).As16()
			copy(a[12:], b[:])
			if got := !(Guard{Forbidden: third}).Allowed(netip.AddrFrom16(a)); got != want {
				t.Fatalf("%v: refused %v", netip.AddrFrom16(a), got)
			}
		}
		if got := !(Guard{Forbidden: third}).Allowed(netip.AddrFrom4(b)); got != want {
			t.Fatalf("%v: refused %v", b, got)
		}
	})
}
