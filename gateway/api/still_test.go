package api_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sekisho/quarantine"
)

// late is a body before whose first byte something happens.
type late struct {
	do func()
	io.Reader
}

func (l *late) Read(b []byte) (int, error) {
	if l.do != nil {
		do := l.do
		l.do = nil
		do()
	}
	return l.Reader.Read(b)
}

// TestDisabledMeanwhile: who is disabled, or loses the role, while the body of a
// request is on its way decides nothing.
func TestDisabledMeanwhile(t *testing.T) {
	for name, c := range map[string]struct {
		do     func(w *town)
		status int
	}{
		"nothing": {func(*town) {}, http.StatusOK},
		"disabled": {func(w *town) {
			w.admin.want(200, "PUT", "users/"+w.id("kacho")+"/state", map[string]any{"state": "disabled"}, "If-Match", w.tag("kacho"))
		}, http.StatusUnauthorized},
		"another role": {func(w *town) {
			w.admin.want(200, "DELETE", "users/"+w.id("kacho")+"/roles/approver", nil, "If-Match", w.tag("kacho"))
		}, http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t, quarantine.Rules{})
			id := w.ask(w.clerk, "text_only")
			w.admin, w.head = w.signIn("kanri"), w.signIn("kacho")
			body := &late{func() { c.do(w) }, strings.NewReader(`{"decision":"approve"}`)}
			q := httptest.NewRequestWithContext(t.Context(), "POST", "https://gw.town.example/api/v1/release-requests/"+id+"/decisions", body)
			q.RemoteAddr = "192.0.2.9:5"
			q.Header.Set("Content-Type", "application/json")
			q.Header.Set("Idempotency-Key", "slow-body-1")
			q.Header.Set("X-CSRF-Token", w.head.csrf)
			for n, v := range w.head.cookies {
				q.AddCookie(&http.Cookie{Name: n, Value: v})
			}
			rec := httptest.NewRecorder()
			w.a.ServeHTTP(rec, q)
			if rec.Code != c.status || (w.state(id) == quarantine.Approved) != (c.status == http.StatusOK) {
				t.Errorf("%d %s, the request is %s", rec.Code, rec.Body, w.state(id))
			}
		})
	}
}

// TestKeptAnswersEnd: an answer that is kept for a repeated request is not given back
// after the right to see it was lost.
func TestKeptAnswersEnd(t *testing.T) {
	w := newTown(t, quarantine.Rules{})
	body := map[string]any{"item": w.item, "form": "text_only", "reason": "契約"}
	again := func() answer {
		return w.clerk.do("POST", "release-requests", body, "Idempotency-Key", "same-key-1")
	}
	if first, second := again(), again(); first.status != 201 || second.header.Get("Idempotency-Replayed") != "true" {
		t.Fatalf("%d %d", first.status, second.status)
	}
	w.admin = w.signIn("kanri")
	w.admin.want(200, "PATCH", "users/"+w.id("yamada"), map[string]any{"addresses": []string{}}, "If-Match", w.tag("yamada"))
	w.clerk = w.signIn("yamada")
	if a := again(); a.status != http.StatusNotFound || strings.Contains(string(a.body), "契約") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestJSONMembers: what decides stands once and in one spelling.
func TestJSONMembers(t *testing.T) {
	w := newTown(t, quarantine.Rules{})
	id := w.ask(w.clerk, "text_only")
	for n, body := range []string{`{"decision":"deny","Decision":"approve","reason":"x"}`, `{"decision":"deny","decision":"approve","reason":"x"}`,
		`{"DECISION":"approve"}`, `{"decision":"approve","also":null,"x":1}`, `{"decision":"approve"}{"a":1}`} {
		a := w.head.do("POST", "release-requests/"+id+"/decisions", body, "Idempotency-Key", fmt.Sprintf("json-key-%d", n))
		if a.status != 400 && a.status != 422 || a.code() != "invalid_request" || w.state(id) != quarantine.Requested {
			t.Errorf("%s: %d %s, %s", body, a.status, a.body, w.state(id))
		}
	}
}
