package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"golang.org/x/sys/unix"

	"sekisho/gateway/config"
)

// bounded is a listener that holds so many connections, and so many of one
// address: intake is in the same process, and who holds all its descriptors would
// stop the mail (G8). What is over is closed before a byte is said.
type bounded struct {
	net.Listener
	total, each int

	mu   sync.Mutex
	open map[netip.Prefix]int
	n    int
}

func bound(l net.Listener, total, each int) *bounded {
	return &bounded{Listener: l, total: total, each: each, open: map[netip.Prefix]int{}}
}

// Accept returns the next connection that has a place.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		c, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from, err := sourceOf(c.RemoteAddr())
		if err != nil || !b.enter(from) {
			c.Close() // nothing was said
			continue
		}
		return &placed{Conn: c, leave: sync.OnceFunc(func() { b.leave(from) })}, nil
	}
}

func (b *bounded) enter(from netip.Prefix) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n >= b.total || b.open[from] >= b.each {
		return false
	}
	b.n++
	b.open[from]++
	return true
}

func (b *bounded) leave(from netip.Prefix) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n--
	if b.open[from]--; b.open[from] == 0 {
		delete(b.open, from)
	}
}

// placed is a connection that gives its place back once.
type placed struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (p *placed) Close() error {
	defer p.leave()
	return p.Conn.Close()
}

// sourceOf is what counts as one address: an IPv4 address, or the /64 that an
// IPv6 host chooses its addresses from.
func sourceOf(a net.Addr) (netip.Prefix, error) {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("address of a client: %w", err)
	}
	ip := at.Addr().Unmap().WithZone("")
	if ip.Is4() {
		return ip.Prefix(32)
	}
	return ip.Prefix(64)
}

// places are how many connections a listener holds, and of one address.
type places struct{ total, each int }

// What the process needs beside its web listeners: the ledger, the log, blobs in
// hand and pipes to boxes; two for each SMTP connection (its mail's file too), one
// for each relay, and so many for each message in flow.
const (
	ownFiles      = 256
	filesOfWorker = 32
)

// managementPlaces are enough for probes and a scraper.
var managementPlaces = places{total: 32, each: 16}

// webPlaces computes from the limit of descriptors (RLIMIT_NOFILE) how many
// connections the REST interface holds: what intake and flow may need stays theirs.
// A quarter of them may come from one address, behind which are several people.
func webPlaces(files uint64, cfg config.Config) (places, error) {
	need := ownFiles + 2*cfg.Intake.Limits.Connections*max(1, len(cfg.Intake.Listen)) + cfg.Relay.Workers + filesOfWorker*flowWorkers(cfg) + managementPlaces.total
	room := int(min(files, 1<<20)) - need
	if room < 32 {
		return places{}, fmt.Errorf("api.listen: 開けるファイルの数の上限 (LimitNOFILE) が%dでは足りません。%d以上にしてください / the limit of open files is too low, at least %d", files, need+32, need+32)
	}
	total := min(room/2, 1024)
	return places{total: total, each: min(max(total/4, 8), 64)}, nil
}

// fileLimit is how many descriptors this process may open.
func fileLimit() (uint64, error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, errors.Join(errors.New("read RLIMIT_NOFILE"), err)
	}
	return l.Cur, nil
}
