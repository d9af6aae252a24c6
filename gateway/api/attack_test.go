package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sekisho/gateway/account"
	"sekisho/gateway/api"
)

// TestSessionFixation: a secret that somebody planted leads nowhere, and each
// sign-in and each new proof gives another.
func TestSessionFixation(t *testing.T) {
	w := newWorld(t)
	w.user("yamada", "zeimu", account.Staff)
	c := w.client()
	planted := strings.Repeat("A", 43)
	c.cookies["__Host-sekisho_session"] = planted
	c.want(http.StatusCreated, "POST", "sessions", map[string]string{"name": "yamada", "password": good})
	one := c.cookies["__Host-sekisho_session"]
	if one == planted || len(one) < 22 {
		t.Fatalf("the session is %q", one)
	}
	c.want(http.StatusOK, "POST", "me/step-ups", map[string]string{"password": good})
	two := c.cookies["__Host-sekisho_session"]
	old := w.client()
	for _, s := range []string{planted, one} {
		old.cookies["__Host-sekisho_session"] = s
		old.want(http.StatusUnauthorized, "GET", "me", nil)
	}
	c.want(http.StatusOK, "PUT", "me/password", map[string]string{"old": good, "new": "別の長い合い言葉を考えてみました"})
	if c.cookies["__Host-sekisho_session"] == two {
		t.Error("a new password and the old secret")
	}
	c.want(http.StatusNoContent, "DELETE", "sessions/current", nil)
	if c.cookies["__Host-sekisho_session"] != "" {
		t.Error("the cookie stays")
	}
}

func TestCookie(t *testing.T) {
	w := newWorld(t)
	w.user("yamada", "zeimu", account.Staff)
	a := w.client().do("POST", "sessions", map[string]string{"name": "yamada", "password": good})
	set := a.header.Get("Set-Cookie")
	for _, want := range []string{"__Host-sekisho_session=", "Path=/", "HttpOnly", "Secure", "SameSite=Strict"} {
		if !strings.Contains(set, want) {
			t.Errorf("%q has no %s", set, want)
		}
	}
	if strings.Contains(set, "Domain") || strings.Contains(set, "Expires") || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%q, %v", set, a.header)
	}
}

// TestCrossSite: what another page makes a browser send changes nothing.
func TestCrossSite(t *testing.T) {
	w := newWorld(t)
	w.user("yamada", "zeimu", account.Staff)
	c := w.signIn("yamada")
	token := c.csrf
	other := w.signIn("yamada").csrf
	for _, x := range []struct {
		name, csrf string
		header     []string
		want       int
	}{
		{"our own page", token, []string{"Sec-Fetch-Site", "same-origin", "Origin", "https://gw.town.example"}, 422},
		{"an older browser", token, []string{"Origin", "https://gw.town.example"}, 422},
		{"no token", "", []string{"Sec-Fetch-Site", "same-origin"}, 403},
		{"the token of another session", other, []string{"Sec-Fetch-Site", "same-origin"}, 403},
		{"another site", token, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"another host of the town", token, []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"typed into the address line", token, []string{"Sec-Fetch-Site", "none"}, 403},
		{"another origin", token, []string{"Origin", "https://evil.example"}, 403},
		{"no origin", token, []string{"Origin", "null"}, 403},
	} {
		c.csrf = x.csrf
		a := c.do("PUT", "me/password", map[string]string{"old": good, "new": "short"}, x.header...)
		if a.status != x.want {
			t.Errorf("%s: %d %s", x.name, a.status, a.body)
		}
	}
	// Signing somebody in as the attacker is a change too.
	w.client().want(http.StatusForbidden, "POST", "sessions", map[string]string{"name": "yamada", "password": good}, "Sec-Fetch-Site", "cross-site")
	// A form of another page cannot send JSON without being asked first.
	w.client().want(http.StatusUnsupportedMediaType, "POST", "sessions", `name=yamada`, "Content-Type", "application/x-www-form-urlencoded")
	if q := w.client().do("OPTIONS", "sessions", nil, "Origin", "https://evil.example"); q.header.Get("Access-Control-Allow-Origin") != "" || q.status != 405 {
		t.Errorf("preflight: %d %v", q.status, q.header)
	}
}

// TestEnumeration: no answer tells whether a name, a mail or a part exists.
func TestEnumeration(t *testing.T) {
	w := newWorld(t)
	w.user("yamada", "zeimu", account.Staff)
	w.user("tanaka", "soumu", account.Staff)
	for n := range 12 {
		a, b := w.client(), w.client()
		a.ip, b.ip = "192.0.2.100", "192.0.2.101"
		x := a.do("POST", "sessions", map[string]string{"name": "yamada", "password": "wrong"})
		y := b.do("POST", "sessions", map[string]string{"name": "nobody", "password": "wrong"})
		if x.status != y.status || string(x.body) != string(y.body) || x.header.Get("Retry-After") != y.header.Get("Retry-After") {
			t.Fatalf("attempt %d: %d %s and %d %s", n, x.status, x.body, y.status, y.body)
		}
	}
	w.Wait(time.Hour)
	m := w.mail("tanaka@town.example")
	items, _, err := w.l.ItemPage(t.Context(), pageOfAll())
	if err != nil || len(items) != 1 {
		t.Fatal(items, err)
	}
	c := w.signIn("yamada")
	for _, pair := range [][2]string{{"messages/" + string(m.ID), "messages/" + strings.Repeat("0", 32)}, {"items/" + items[0].ID, "items/" + strings.Repeat("0", 32)},
		{"messages/" + string(m.ID) + "/timeline", "messages/x/timeline"}} {
		x, y := c.do("GET", pair[0], nil), c.do("GET", pair[1], nil)
		if x.status != 404 || string(x.body) != string(y.body) {
			t.Errorf("%s: %d %s, %s", pair[0], x.status, x.body, y.body)
		}
	}
}

// TestBruteForce: after ten failures the right password is not looked at, and
// the answer says how long.
func TestBruteForce(t *testing.T) {
	w := newWorld(t)
	w.user("yamada", "zeimu", account.Staff)
	try := func(password string) answer {
		return w.client().do("POST", "sessions", map[string]string{"name": "yamada", "password": password})
	}
	looked := 0
	for range 60 {
		a := try("wrong")
		switch a.code() {
		case "invalid_credentials":
			looked++
		case "too_many_attempts":
			var wait int
			if _, err := fmt.Sscan(a.header.Get("Retry-After"), &wait); err != nil || wait < 1 {
				t.Fatalf("Retry-After %q", a.header.Get("Retry-After"))
			}
			if looked == 10 {
				if wait != 900 || try(good).status != 429 {
					t.Errorf("locked for %d seconds", wait)
				}
				w.Wait(15 * time.Minute)
				if a := try(good); a.status != 201 {
					t.Errorf("after the lock: %d %s", a.status, a.body)
				}
				return
			}
			w.Wait(time.Duration(wait) * time.Second)
		default:
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	t.Errorf("%d passwords were looked at and no lock", looked)
}

func TestRateLimits(t *testing.T) {
	w := newWorld(t)
	w.user("yamada", "zeimu", account.Staff)
	c := w.signIn("yamada")
	n := 0
	for ; n < 300; n++ {
		if a := c.do("GET", "me", nil); a.status == http.StatusTooManyRequests {
			if a.code() != "rate_limited" || a.header.Get("Retry-After") != "1" {
				t.Errorf("%s, wait %q", a.body, a.header.Get("Retry-After"))
			}
			break
		}
	}
	if n < 50 || n > 150 {
		t.Errorf("%d requests at once", n)
	}
	w.Wait(10 * time.Second)
	c.want(http.StatusOK, "GET", "me", nil)
	out := w.client()
	out.ip = "192.0.2.200"
	for n = 0; n < 300 && out.do("GET", "nothing", nil).status == 404; n++ {
	}
	if n > 100 {
		t.Errorf("%d requests of a stranger at once", n)
	}
}

func TestLanguages(t *testing.T) {
	w := newWorld(t)
	for accept, want := range map[string]string{"": "ログインしてください。", "ja": "ログインしてください。", "en": "Sign in first.", "en-US,ja;q=0.5": "Sign in first.",
		"de,ja,en": "ログインしてください。", "xx": "ログインしてください。"} {
		var p api.Problem
		a := w.client().do("GET", "me", nil, "Accept-Language", accept)
		a.into(t, &p)
		if p.Title != want || p.Status != 401 || p.Type != "urn:sekisho:problem:session_ended" || a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%q: %+v", accept, p)
		}
	}
}

// TestNothingIsEchoed: what was typed does not come back in an error.
func TestNothingIsEchoed(t *testing.T) {
	w := newWorld(t)
	w.user("admin", "", account.Admin)
	c := w.signIn("admin")
	const secret = "hunter2-secret"
	for _, x := range []struct {
		path string
		body any
	}{
		{"me/password", map[string]any{"old": []string{secret}, "new": secret}},
		{"me/password", map[string]any{"old": secret, "new": secret, "more": secret}},
		{"me/password", map[string]any{"old": strings.Repeat(secret, 100), "new": "x"}},
		{"me/password", `{"old": "` + secret},
		{"departments/x", map[string]any{"name": map[string]any{secret: secret}}},
	} {
		a := c.do("PUT", x.path, x.body)
		if a.status < 400 || a.status >= 500 || strings.Contains(string(a.body), "hunter2") || a.code() == "" {
			t.Errorf("%v: %d %s", x.body, a.status, a.body)
		}
	}
	big := httptest.NewRequestWithContext(t.Context(), "POST", "https://gw"+api.Prefix+"/sessions", strings.NewReader(`{"name":"`+strings.Repeat("x", 1<<20)))
	big.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	w.a.ServeHTTP(rec, big)
	if rec.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a request of a megabyte: %d %s", rec.Code, rec.Body)
	}
}
