package main

import (
	"context"
	"net"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// crowd FROM ADDRESS N: so many connections from an address of this machine that ask
// for one thing and stay, until the story ends. Most must be turned away.
func crowd(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 3, "crowd FROM ADDRESS N")
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(args[0])}}
	turned := make(chan struct{}, n)
	for range n {
		c, err := d.DialContext(ctx, "tcp4", args[1])
		ts.Check(err)
		ts.Defer(func() { c.Close() })
		if _, err := c.Write([]byte("GET /x HTTP/1.1\r\nHost: a\r\n")); err != nil {
			turned <- struct{}{} // at once
			continue
		}
		go func() { // the header has no end: it stays until the gateway has enough of it
			if got, _ := c.Read(make([]byte, 1)); got == 0 {
				turned <- struct{}{}
			}
		}()
	}
	for range n * 3 / 4 {
		select {
		case <-turned:
		case <-ctx.Done():
			ts.Fatalf("too many of %d connections from %s stay", n, args[0])
		}
	}
}
