package api_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestServer: the listener speaks TLS 1.2 or later, and stops when it is told.
func TestServer(t *testing.T) {
	w := newWorld(t)
	lent := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	defer lent.Close()
	s := w.a.Server(&tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &lent.TLS.Certificates[0], nil }})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, "GET", "https://"+l.Addr().String()+"/api/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := lent.Client().Do(q)
	if err != nil {
		t.Fatal(err)
	}
	a.Body.Close()
	if a.StatusCode != 401 || a.Header.Get("Strict-Transport-Security") == "" || a.TLS.Version < tls.VersionTLS12 {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
	old := &tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}}
	if c, err := old.DialContext(ctx, "tcp", l.Addr().String()); err == nil {
		c.Close()
		t.Error("TLS 1.1 was taken")
	}
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestNobodyIsParted: a refusal of who is nobody ends the connection; who has signed
// in keeps theirs.
func TestNobodyIsParted(t *testing.T) {
	w := newWorld(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := w.a.Server(nil)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for path, status := range map[string]int{"/api/v1/me": 401, "/api/v1/nothing": 404, "/": 404} {
		q, err := http.NewRequestWithContext(ctx, "GET", "http://"+l.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		a, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		if a.StatusCode != status || !a.Close {
			t.Errorf("%s: %d, parted: %v", path, a.StatusCode, a.Close)
		}
	}
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
