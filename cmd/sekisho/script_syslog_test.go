package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// collector is the syslog server of a story: over TLS, with octet counting. It
// keeps what it gets as a server does by default: a line of date, host, program
// and text, without structured data.
type collector struct {
	l     net.Listener
	mu    sync.Mutex
	conns []net.Conn
	file  *os.File
}

// syslogCommand handles syslog start ADDRESS CERT KEY FILE and syslog stop.
func syslogCommand(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 5 && len(args) != 1, "syslog start ADDRESS CERT KEY FILE | stop")
	w := worldOf(ts)
	if args[0] == "stop" {
		w.collector.stop()
		return
	}
	pair, err := tls.LoadX509KeyPair(ts.MkAbs(args[2]), ts.MkAbs(args[3]))
	ts.Check(err)
	c := &collector{}
	c.file, err = os.OpenFile(ts.MkAbs(args[4]), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	c.l, err = tls.Listen("tcp", args[1], &tls.Config{Certificates: []tls.Certificate{pair}})
	ts.Check(err)
	w.collector = c
	ts.Defer(c.stop)
	go c.serve()
}

func (c *collector) serve() {
	for {
		conn, err := c.l.Accept()
		if err != nil {
			return
		}
		c.mu.Lock()
		c.conns = append(c.conns, conn)
		c.mu.Unlock()
		go c.read(conn)
	}
}

func (c *collector) stop() {
	c.l.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		conn.Close()
	}
	c.conns = nil
}

func (c *collector) read(conn net.Conn) {
	r := bufio.NewReader(conn)
	for {
		word, err := r.ReadString(' ')
		n, bad := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || bad != nil || n > 8192 {
			return
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(r, b); err != nil {
			return
		}
		// <PRI>1 TIME HOST APP PROC ID [SD] TEXT
		f := strings.SplitN(string(b), " ", 7)
		_, text, ok := strings.Cut(string(b), "] ")
		if len(f) < 7 || !ok {
			return
		}
		c.mu.Lock()
		fmt.Fprintf(c.file, "Nov 25 09:00:00 %s %s[%s]: %s\n", f[2], f[3], f[4], text)
		c.mu.Unlock()
	}
}
