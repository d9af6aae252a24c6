// Package peertest holds the peers that the gateway is tested with: a mail
// server of the LGWAN zone that does as it is told, and Postfixes, each with a
// folder and a loopback port of its own. Tests alone may import it.
//
// A peer that is not what a test asked for ends the test: nothing here is
// skipped. Postfix needs root, and its programs, which "make tools" installs.
package peertest

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"net"
	"path/filepath"
	"sync"
	"testing"
)

// Loopback returns a random address of the loopback network, so that tests side
// by side take no ports from each other, or 127.0.0.1 where only that exists.
func Loopback() string {
	host := net.IPv4(127, byte(1+rand.IntN(250)), byte(rand.IntN(256)), byte(1+rand.IntN(250))).String()
	if _, err := FreeAddress(host); err != nil {
		return "127.0.0.1"
	}
	return host
}

// given are the addresses that this process was told of: the kernel may name a port
// again before its first user has begun to listen.
var given sync.Map

// FreeAddress returns a host:port that nobody listens on, and never the same one
// twice.
func FreeAddress(host string) (string, error) {
	for {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			return "", err
		}
		address := l.Addr().String()
		if err := l.Close(); err != nil {
			return "", err
		}
		if _, twice := given.LoadOrStore(address, true); !twice {
			return address, nil
		}
	}
}

// Free is FreeAddress, or the end of the test.
func Free(t testing.TB, host string) string {
	t.Helper()
	address, err := FreeAddress(host)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// Files lists the files below a folder; what goes away meanwhile is no error. A
// maildir's tmp, which holds what is still being written, is left out.
func Files(t testing.TB, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && d.Type().IsRegular() && filepath.Base(filepath.Dir(path)) != "tmp" {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
