package demo

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const evil = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>{{.}}`

// hostile is a board full of hostile texts.
func hostile() *Board {
	b := NewBoard()
	b.Received(Incoming{Receipt: evil, At: time.Now(), From: evil, To: []string{evil}, Source: evil + "\x83<script>", Result: evil})
	b.deliver(Mail{Receipt: evil, From: evil, To: evil, Subject: evil, Text: evil, Raw: []byte(evil), Files: []File{
		{evil, "image/png", []byte("PNG")},
		{"../../a.html", "text/html", []byte(evil)},
		{"予算 表.svg", "image/svg+xml", []byte("<svg onload=alert(1)>")},
		{"", "text/plain", nil},
		{"x\r\nSet-Cookie: a=b.txt", "text/plain", nil},
	}})
	return b
}

func get(t *testing.T, h http.Handler, host, path string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = host
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func handler(t *testing.T, b *Board) http.Handler {
	t.Helper()
	h, err := Handler(b, Setup{SMTP: "127.0.0.1:2525", Recipient: "soumu@town.example.lg.jp"})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestPageEscapes(t *testing.T) {
	page := text(t, get(t, handler(t, hostile()), "127.0.0.1:8080", "/"))
	if n := strings.Count(page, "alert(1)"); n < 10 {
		t.Fatalf("only %d of the hostile texts are shown", n)
	}
	for _, bad := range []string{"<script", "onerror=alert(2)>{{", "<img src=x", "javascript:"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if !strings.Contains(page, "&lt;script&gt;") || !strings.Contains(page, "127.0.0.1:2525") || !strings.Contains(page, `src="/mail/0/file/0"`) {
		t.Error("the page does not show what it should")
	}
	empty := text(t, get(t, handler(t, NewBoard()), "localhost", "/"))
	if !strings.Contains(empty, "メールはまだありません") {
		t.Error("an empty board")
	}
}

func TestPageHeaders(t *testing.T) {
	h := handler(t, hostile())
	for path, want := range map[string]struct{ media, disposition, csp string }{
		"/":              {"text/html; charset=utf-8", "", "default-src 'none'; style-src 'self'"},
		"/style.css":     {"text/css; charset=utf-8", "", "default-src 'none'"},
		"/mail/0/raw":    {"text/plain; charset=utf-8", "", inert},
		"/mail/0/file/0": {"image/png", "inline", inert},
		"/mail/0/file/1": {"text/html", `attachment; filename=a.html`, inert},
		"/mail/0/file/2": {"image/svg+xml", `attachment; filename*=utf-8''%E4%BA%88%E7%AE%97%20%E8%A1%A8.svg`, inert},
		"/mail/0/file/3": {"text/plain", "attachment", inert},
		"/mail/0/file/4": {"text/plain", "attachment", inert},
	} {
		r := get(t, h, "localhost:8080", path)
		if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != want.media {
			t.Errorf("%s: %d %q", path, r.StatusCode, r.Header.Get("Content-Type"))
		}
		if got := r.Header.Get("Content-Disposition"); !strings.HasPrefix(got, want.disposition) || want.disposition == "" && got != "" {
			t.Errorf("%s: disposition %q", path, got)
		}
		if !strings.HasPrefix(r.Header.Get("Content-Security-Policy"), want.csp) || strings.Contains(r.Header.Get("Content-Security-Policy"), "unsafe") {
			t.Errorf("%s: policy %q", path, r.Header.Get("Content-Security-Policy"))
		}
		if r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("Referrer-Policy") != "no-referrer" || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", path, r.Header)
		}
		for name, values := range r.Header {
			if name == "Set-Cookie" || strings.ContainsAny(strings.Join(values, ""), "\r\n") {
				t.Errorf("%s: header %s %q", path, name, values)
			}
		}
	}
}

func TestPageAnswersLoopbackOnly(t *testing.T) {
	h := handler(t, hostile())
	for host, want := range map[string]int{
		"127.0.0.1": 200, "127.0.0.1:8080": 200, "localhost": 200, "localhost:1": 200, "[::1]": 200, "[::1]:8080": 200,
		"evil.example": 421, "evil.example:8080": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example:8080": 421, "": 421,
		"127.0.0.2": 421, "::1": 421, "evil.example:127.0.0.1": 421,
	} {
		for _, path := range []string{"/", "/mail/0/raw", "/mail/0/file/0"} {
			r := get(t, h, host, path)
			if body := text(t, r); r.StatusCode != want || want != 200 && strings.Contains(body, "alert") {
				t.Errorf("%q %s: %d", host, path, r.StatusCode)
			}
		}
	}
}

func TestPageRefuses(t *testing.T) {
	h := handler(t, hostile())
	for _, path := range []string{"/x", "/mail/1/raw", "/mail/-1/raw", "/mail/x/raw", "/mail/0/file/5", "/mail/0/file/-1", "/mail/0/file/x",
		"/mail/1/file/0", "/mail/99999999999999999999/raw", "/assets/board.html", "/board.html"} {
		if r := get(t, h, "localhost", path); r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Host = "localhost"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestServe(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, l, hostile(), Setup{}) }()
	r, err := http.Get("http://" + l.Addr().String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusOK {
		t.Errorf("status %d", r.StatusCode)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
}
