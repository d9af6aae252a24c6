package health

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

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

// TestReadings: each word of a count is a value of its own.
func TestReadings(t *testing.T) {
	m := NewMetrics("test", func(context.Context) (gateway.Counts, error) { return gateway.Counts{}, nil })
	if err := m.Watch(Machine{Deaths: func() map[string]uint64 { return map[string]uint64{"crash": 3, "time": 0} }}); err != nil {
		t.Fatal(err)
	}
	families, err := m.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		if f.GetName() == "sekisho_box_deaths_total" {
			for _, v := range f.GetMetric() {
				got[v.GetLabel()[0].GetName()+" "+v.GetLabel()[0].GetValue()] = v.GetCounter().GetValue()
			}
		}
		if strings.HasPrefix(f.GetName(), "sekisho_notices") {
			t.Errorf("%s has no value", f.GetName())
		}
	}
	if len(got) != 2 || got["cause crash"] != 3 || got["cause time"] != 0 {
		t.Errorf("deaths %v", got)
	}
}

// TestMachine: readings are asked at each scrape; one without a value, or that
// nobody gives, is left out and harms no other.
func TestMachine(t *testing.T) {
	m := NewMetrics("test", func(context.Context) (gateway.Counts, error) { return gateway.Counts{}, nil })
	free := 5.0
	err := m.Watch(Machine{DiskFree: func() (float64, bool) { return free, true }, CertificateEnd: func() (float64, bool) { return 0, false }})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []float64{5, 7} {
		free = want
		families, err := m.Registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, f := range families {
			switch f.GetName() {
			case "sekisho_disk_free_bytes":
				found++
				if got := f.GetMetric()[0].GetGauge().GetValue(); got != want {
					t.Errorf("%v bytes free, want %v", got, want)
				}
			case "sekisho_certificate_end_timestamp_seconds", "sekisho_walls_missing":
				t.Errorf("%s has no value", f.GetName())
			}
		}
		if found != 1 {
			t.Errorf("%d values", found)
		}
	}
}

func TestListener(t *testing.T) {
	var ledger, notices error
	m := NewMetrics("test", func(context.Context) (gateway.Counts, error) {
		return gateway.Counts{Ready: 3, RequestsPending: 2, JobsWaiting: 1, OldestRequest: time.Unix(5, 0), OldestJob: time.Unix(6, 0)}, ledger
	})
	m.Messages.WithLabelValues("inbound", "rebuilt").Inc()
	s := New([]Probe{{Name: "ledger", Check: func(context.Context) error { return ledger }},
		{Name: "notices", Check: func(context.Context) error { return notices }, Told: true}}, m.Registry)
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
		`sekisho_queue_deliveries{state="ready"} 3`, "sekisho_release_requests_pending 2", "sekisho_jobs_waiting 1",
		"sekisho_release_requests_oldest_timestamp_seconds 5", "sekisho_jobs_oldest_timestamp_seconds 6", "sekisho_ledger_up 1", `sekisho_build_info{version="test"} 1`} {
		if !strings.Contains(body, want) {
			t.Errorf("metrics lack %q", want)
		}
	}
	notices = errors.New("通知停止中")
	if code, body := get(t, base+"/readyz"); code != 200 || !strings.Contains(body, "通知停止中") || !strings.Contains(body, `"ledger":"ok"`) {
		t.Errorf("readyz while notices stop: %d %s", code, body)
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
