package main

import (
	"io"
	"net"
	"strings"
	"testing"

	"sekisho/gateway/config"
)

// dialFrom connects from an address of the loopback.
func dialFrom(t *testing.T, from, to string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.DialContext(t.Context(), "tcp4", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestBounded: one address gets its places and no more, all together theirs, and a
// place that was left is free again.
func TestBounded(t *testing.T) {
	inner, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := bound(inner, 4, 3)
	taken := make(chan net.Conn)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				close(taken)
				return
			}
			taken <- c
		}
	}()
	at := l.Addr().String()
	turned := func(from string) { // closed before a byte was said
		t.Helper()
		if n, err := dialFrom(t, from, at).Read(make([]byte, 1)); n != 0 || err == nil || err != io.EOF && !strings.Contains(err.Error(), "reset") {
			t.Errorf("one too many from %s: %d bytes, %v", from, n, err)
		}
	}
	take := func(from string) net.Conn {
		t.Helper()
		dialFrom(t, from, at)
		c := <-taken
		if got, _, _ := net.SplitHostPort(c.RemoteAddr().String()); got != from {
			t.Fatalf("%s came, not %s", got, from)
		}
		return c
	}
	first := take("127.0.0.1")
	take("127.0.0.1")
	take("127.0.0.1")
	for range 300 {
		turned("127.0.0.1")
	}
	take("127.0.0.2") // another is served
	turned("127.0.0.3")
	first.Close()
	first.Close() // gives one place back, not two
	take("127.0.0.3")
	turned("127.0.0.3")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, more := <-taken; more {
		t.Error("a connection that nobody made")
	}
	if l.n != 4 || len(l.open) != 3 {
		t.Errorf("%d places taken, %v", l.n, l.open)
	}
}

// TestSourceOf: IPv6 counts by /64, whatever the form of an address.
func TestSourceOf(t *testing.T) {
	for in, want := range map[string]string{"192.0.2.7:1": "192.0.2.7/32", "[::ffff:192.0.2.7]:1": "192.0.2.7/32",
		"[2001:db8::1]:1": "2001:db8::/64", "[2001:db8::ffff:2]:2": "2001:db8::/64", "[fe80::1%eth0]:1": "fe80::/64"} {
		a := stringAddr(in)
		if got, err := sourceOf(a); err != nil || got.String() != want {
			t.Errorf("%s: %v %v, want %s", in, got, err, want)
		}
	}
	if _, err := sourceOf(stringAddr("/run/socket")); err == nil {
		t.Error("no IP address, and counted")
	}
}

type stringAddr string

func (stringAddr) Network() string  { return "tcp" }
func (s stringAddr) String() string { return string(s) }

// TestWebPlaces: whatever the limit, intake keeps what it may need.
func TestWebPlaces(t *testing.T) {
	cfg := config.Default()
	cfg.Intake.Listen, cfg.Flow.Workers = []string{":25"}, 4
	need := 256 + 2*cfg.Intake.Limits.Connections + cfg.Relay.Workers + 32*4 + managementPlaces.total
	for files := uint64(0); files < 20_000; files += 61 {
		p, err := webPlaces(files, cfg)
		switch {
		case err != nil && int(files) >= need+32:
			t.Errorf("%d: %v", files, err)
		case err == nil && (p.total+need > int(files) || p.each > p.total || p.each < 8 || p.total > 1024):
			t.Errorf("%d: %+v leaves less than %d", files, p, need)
		}
	}
	if _, err := webPlaces(256, cfg); err == nil || !strings.Contains(err.Error(), "LimitNOFILE") {
		t.Errorf("too few: %v", err)
	}
}
