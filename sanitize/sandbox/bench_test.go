package sandbox

import (
	"bytes"
	"io"
	"testing"
)

// BenchmarkWorker is a whole life: get, send 74 KB there and back, close.
func BenchmarkWorker(b *testing.B) {
	for name, ahead := range map[string]map[string]int{"cold": nil, "ahead": {"plain": 2}} {
		b.Run(name, func(b *testing.B) {
			p := newTestPool(b, func(c *Config) { c.Ahead = ahead })
			body := bytes.Repeat([]byte("x"), 74<<10)
			request := append([]byte("echo 75776\n"), body...)
			for b.Loop() {
				w, err := p.Get(b.Context(), "plain")
				if err != nil {
					b.Fatal(err)
				}
				roundTrip(b, w, request, body)
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRoundTrip measures the pipes alone.
func BenchmarkRoundTrip(b *testing.B) {
	p := newTestPool(b, func(c *Config) {
		class := c.Classes["plain"]
		class.Limits.Output = 1 << 50
		c.Classes = map[string]Class{"plain": class}
	})
	w := get(b, p, "plain")
	body := bytes.Repeat([]byte("x"), 74<<10)
	request := append([]byte("echo 75776\n"), body...)
	for b.Loop() {
		roundTrip(b, w, request, body)
	}
}

func roundTrip(tb testing.TB, w *Worker, request, want []byte) {
	tb.Helper()
	if _, err := w.Write(request); err != nil {
		tb.Fatal(err)
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(w, got); err != nil {
		tb.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		tb.Fatal("the echo differs")
	}
}
