package health

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"sekisho/gateway"
)

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

func TestListener(t *testing.T) {
	var ledger error
	m := NewMetrics("test", func(context.Context) (gateway.Counts, error) { return gateway.Counts{Ready: 3}, ledger })
	m.Messages.WithLabelValues("inbound", "rebuilt").Inc()
	s := New([]Probe{{"ledger", func(context.Context) error { return ledger }}}, m.Registry)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	base := "http://" + l.Addr().String()
	if code, body := get(t, base+"/healthz"); code != 200 || body != "ok\n" {
		t.Errorf("healthz: %d %q", code, body)
	}
	if code, _ := get(t, base+"/readyz"); code != 200 {
		t.Errorf("readyz: %d", code)
	}
	_, body := get(t, base+"/metrics")
	for _, want := range []string{`sekisho_messages_total{direction="inbound",verdict="rebuilt"} 1`,
		`sekisho_queue_deliveries{state="ready"} 3`, "sekisho_ledger_up 1", `sekisho_build_info{version="test"} 1`} {
		if !strings.Contains(body, want) {
			t.Errorf("metrics lack %q", want)
		}
	}
	ledger = errors.New("disk is full")
	if code, body := get(t, base+"/readyz"); code != 503 || !strings.Contains(body, "disk is full") {
		t.Errorf("readyz of a broken ledger: %d %s", code, body)
	}
	if _, body := get(t, base+"/metrics"); !strings.Contains(body, "sekisho_ledger_up 0") {
		t.Error("metrics do not say that the ledger is down")
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
