package api_test

import (
	"net/http"
	"strings"
	"testing"

	"sekisho/gateway/account"
)

// TestBrowserCookie: a browser that signed in before is let in while strangers keep
// the name locked; the cookie is no session.
func TestBrowserCookie(t *testing.T) {
	w := newWorld(t)
	w.user("yamada", "zeimu", account.Staff)
	c := w.client()
	a := c.want(http.StatusCreated, "POST", "sessions", map[string]string{"name": "yamada", "password": good})
	set := strings.Join(a.header.Values("Set-Cookie"), "\n")
	for _, want := range []string{"__Host-sekisho_session=", "__Host-sekisho_browser=", "Max-Age=15552000"} {
		if !strings.Contains(set, want) {
			t.Errorf("no %s in %s", want, set)
		}
	}
	for line := range strings.SplitSeq(set, "\n") {
		for _, attribute := range []string{"Path=/", "HttpOnly", "Secure", "SameSite=Strict"} {
			if !strings.Contains(line, attribute) {
				t.Errorf("%s has no %s", line, attribute)
			}
		}
	}
	c.want(http.StatusNoContent, "DELETE", "sessions/current", nil)
	if c.cookies["__Host-sekisho_browser"] == "" {
		t.Error("signing out forgot the browser")
	}
	c.want(http.StatusUnauthorized, "GET", "me", nil)
	stranger := w.client()
	for stranger.do("POST", "sessions", map[string]string{"name": "yamada", "password": "x"}).status != http.StatusTooManyRequests {
	}
	stranger.want(http.StatusTooManyRequests, "POST", "sessions", map[string]string{"name": "yamada", "password": good})
	c.csrf = ""
	c.want(http.StatusCreated, "POST", "sessions", map[string]string{"name": "yamada", "password": good})
}
