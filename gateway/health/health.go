// Package health is the management listener: /healthz says that the process
// runs, /readyz that it can do its work, /metrics what it has done. It listens
// on loopback by default and shows no content, addresses or names.
package health

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Probe is one condition of readiness; nil means that it holds.
type Probe struct {
	Name  string
	Check func(ctx context.Context) error
	// Told makes it one that is told of and keeps nobody from being ready: mail is
	// taken and relayed all the same.
	Told bool
}

// probeTime bounds one probe.
const probeTime = 5 * time.Second

// Server is the management listener.
type Server struct {
	http http.Server
}

// New returns a Server that answers with the probes and the registry.
func New(probes []Probe, registry *prometheus.Registry) *Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { ready(w, r, probes) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return &Server{http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 15 * time.Second, MaxHeaderBytes: 16 << 10}}
}

// Serve answers on l until Shutdown.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Shutdown stops the listener and waits for answers in hand until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error { return s.http.Shutdown(ctx) }

// ready answers 200 when every probe but those told holds, 503 otherwise, with a JSON
// object of the probes' names and "ok" or what is wrong.
func ready(w http.ResponseWriter, r *http.Request, probes []Probe) {
	ctx, cancel := context.WithTimeout(r.Context(), probeTime)
	defer cancel()
	status, said := http.StatusOK, map[string]string{}
	for _, p := range probes {
		said[p.Name] = "ok"
		if err := p.Check(ctx); err != nil {
			said[p.Name] = err.Error()
			if !p.Told {
				status = http.StatusServiceUnavailable
			}
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(said) // the client may have gone; nothing to do
}
