package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sekisho/gateway"
	"sekisho/gateway/account"
)

// defaultBody bounds a request in bytes unless its route says otherwise.
const defaultBody = 64 << 10

// ServeHTTP is the gate: every request passes it.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Vary", "Accept-Language")
	if !a.c.Plain {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	q := asked{accept: r.Header.Get("Accept-Language"), ip: peer(r.RemoteAddr), agent: r.UserAgent()}
	if c, err := r.Cookie(browserName(a.c.Plain)); err == nil {
		q.browser = c.Value
	}
	_, pattern := a.mux.Handler(r)
	row, ok := a.routes[pattern]
	if !ok {
		a.noRoute(parting{w}, r, q)
		return
	}
	q, p := a.admit(r, row, q)
	if q.who.User.ID == "" {
		w = parting{w}
	}
	if p != nil {
		p.write(w)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, max(row.body, defaultBody)+1024) // the library sees its own limit first
	if q, p = a.still(r, row, q); p != nil {
		p.write(w)
		return
	}
	r = r.WithContext(context.WithValue(r.Context(), askedKey{}, q))
	if row.moves {
		a.once(w, r, q)
		return
	}
	a.mux.ServeHTTP(w, r)
}

// still takes the body of whatever changes something, and looks then who asks: a body
// can take half a minute, and a person who is disabled meanwhile decides nothing.
func (a *API) still(r *http.Request, row route, q asked) (asked, *Problem) {
	if row.open || row.safe() {
		return q, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p, known := explain(err, q.accept)
		if !known {
			p = problem(codeInvalid, q.accept) // it broke off
		}
		return q, p
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	now, err := a.identify(r, q)
	if err != nil {
		p, known := explain(err, q.accept)
		if !known {
			a.c.Log.Error("api", "operation", row.id, "error", err)
		}
		return q, p
	}
	return now, a.authorize(r.Context(), row, now, r)
}

// parting ends the connection of nobody after a refusal: it is worth nothing to
// people, and a place to who collects connections (G8).
type parting struct{ http.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (p parting) WriteHeader(status int) {
	switch status {
	case http.StatusUnauthorized, http.StatusNotFound, http.StatusTooManyRequests:
		p.Header().Set("Connection", "close")
	}
	p.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (p parting) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// noRoute says the same whether or not somebody has signed in: paths are no
// secret. Other methods of a path that exists are 405.
func (a *API) noRoute(w http.ResponseWriter, r *http.Request, q asked) {
	if d := a.strangers.take(network(q.ip), openRate, openBurst); d > 0 {
		a.wait(q, d).write(w)
		return
	}
	for _, m := range methods {
		probe := &http.Request{Method: m, URL: &url.URL{Path: r.URL.Path}, Host: r.Host}
		if _, pattern := a.mux.Handler(probe); a.routes[pattern].path != "" {
			problem(codeMethod, q.accept).write(w)
			return
		}
	}
	problem(codeNoRoute, q.accept).write(w)
}

func (a *API) wait(q asked, d time.Duration) *Problem {
	p := problem(codeRate, q.accept)
	p.wait = d
	return p
}

// admit decides whether a request goes on to its handler.
func (a *API) admit(r *http.Request, row route, q asked) (asked, *Problem) {
	refuse := func(code string) (asked, *Problem) { return q, problem(code, q.accept) }
	// Whoever is nobody yet is limited by address, whatever is asked.
	if row.open || !a.presents(r) {
		if d := a.strangers.take(network(q.ip), openRate, openBurst); d > 0 {
			return q, a.wait(q, d)
		}
	}
	if !row.safe() {
		if a.c.Healthy != nil && a.c.Healthy() != nil {
			return refuse(codeAudit)
		}
		if crossSite(r) {
			return refuse(codeCrossSite)
		}
	}
	if row.open {
		return q, nil
	}
	var err error
	if q, err = a.identify(r, q); err != nil {
		if d := a.strangers.take(network(q.ip), openRate, openBurst); d > 0 {
			return q, a.wait(q, d)
		}
		p, known := explain(err, q.accept)
		if !known {
			a.c.Log.Error("api", "operation", row.id, "error", err)
		}
		return q, p
	}
	if q.secret != "" && !row.safe() && !sameCSRF(r.Header.Get("X-CSRF-Token"), q.secret) {
		return refuse(codeCrossSite)
	}
	if d := a.spend(q, row); d > 0 {
		return q, a.wait(q, d)
	}
	return q, a.authorize(r.Context(), row, q, r)
}

func (a *API) spend(q asked, row route) time.Duration {
	if row.safe() {
		return a.limits.take("read:"+q.who.ID(), readRate, readBurst)
	}
	return a.limits.take("write:"+q.who.ID(), writeRate, writeBurst)
}

// authorize asks the capability and records a refusal.
func (a *API) authorize(ctx context.Context, row route, q asked, r *http.Request) *Problem {
	_, err := q.who.Reach(row.cap, a.c.Accounts.Now())
	if err == nil {
		switch {
		case row.moves && !validKey(r.Header.Get("Idempotency-Key")):
			return problem(codeKeyMissing, q.accept)
		case row.versioned && r.Header.Get("If-Match") == "":
			return problem(codePrecondition, q.accept)
		}
		return nil
	}
	p, _ := explain(err, q.accept)
	if errors.Is(err, account.ErrDenied) {
		return a.denied(ctx, row, q, p)
	}
	return p
}

// presents reports whether the request shows a session or a token.
func (a *API) presents(r *http.Request) bool {
	_, err := r.Cookie(cookieName(a.c.Plain))
	return err == nil || r.Header.Get("Authorization") != ""
}

// identify finds the principal of a session cookie or a bearer token. With
// both, the token counts: a program said so on purpose.
func (a *API) identify(r *http.Request, q asked) (asked, error) {
	var err error
	if h := r.Header.Get("Authorization"); h != "" {
		token, ok := strings.CutPrefix(h, "Bearer ")
		if !ok {
			return q, account.ErrSession
		}
		q.who, err = a.c.Accounts.AuthenticateToken(r.Context(), token, q.ip)
		return q, err
	}
	c, err := r.Cookie(cookieName(a.c.Plain))
	if err != nil {
		return q, account.ErrSession
	}
	q.secret = c.Value
	q.who, err = a.c.Accounts.Authenticate(r.Context(), c.Value, q.ip)
	return q, err
}

// cookieName is that of the session. The prefix keeps other hosts and plain
// pages from planting one (RFC 6265bis); it needs TLS.
func cookieName(plain bool) string {
	if plain {
		return "sekisho_session"
	}
	return "__Host-sekisho_session"
}

// cookie is a session's secret for the browser; "" takes it away. It ends with
// the browser, and the server ends it anyway.
func (a *API) cookie(secret string) http.Cookie {
	c := http.Cookie{Name: cookieName(a.c.Plain), Value: secret, Path: "/", HttpOnly: true, Secure: !a.c.Plain, SameSite: http.SameSiteStrictMode}
	if secret == "" {
		c.MaxAge = -1
	}
	return c
}

// browserName is that of what a browser keeps of its last sign-in, for browserTime.
func browserName(plain bool) string {
	if plain {
		return "sekisho_browser"
	}
	return "__Host-sekisho_browser"
}

const browserTime = 180 * 24 * time.Hour

func (a *API) browserCookie(v string) http.Cookie {
	return http.Cookie{Name: browserName(a.c.Plain), Value: v, Path: "/", HttpOnly: true, Secure: !a.c.Plain, SameSite: http.SameSiteStrictMode,
		MaxAge: int(browserTime / time.Second)}
}

// csrf is the token that our own pages send along: only who knows the secret,
// or was told by an answer to our origin, can name it.
func csrf(secret string) string {
	sum := sha256.Sum256([]byte("sekisho csrf 1\x00" + secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func sameCSRF(got, secret string) bool {
	return subtle.ConstantTimeCompare([]byte(got), []byte(csrf(secret))) == 1
}

// crossSite reports whether a browser says that the request comes from another
// page. Programs say neither, and have no cookies to be misused.
func crossSite(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "":
	case "same-origin":
		return false
	default:
		return true
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || u.Host != r.Host
}

// peer is the address without the port.
func peer(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return ""
	}
	return host
}

// validKey reports whether s can be an Idempotency-Key.
func validKey(s string) bool {
	return len(s) >= 8 && len(s) <= 128 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// once answers a request that moves mail: the same key with the same content
// gets the first answer, and acts once.
func (a *API) once(w http.ResponseWriter, r *http.Request, q asked) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p, _ := explain(err, q.accept)
		p.write(w)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	ans := gateway.Answer{Who: q.who.ID(), Key: r.Header.Get("Idempotency-Key"), At: a.c.Accounts.Now(),
		Request: sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s", r.Method, r.URL.RequestURI(), body))}
	stored, found, err := a.c.Ledger.BeginAnswer(r.Context(), ans)
	switch {
	case err != nil:
		a.c.Log.Error("api", "error", err)
		problem(codeInternal, q.accept).write(w)
	case found && stored.Request != ans.Request:
		problem(codeKeyReused, q.accept).write(w)
	case found && stored.Status == 0:
		problem(codeInProgress, q.accept).write(w)
	case found:
		w.Header().Set("Content-Type", stored.Header)
		w.Header().Set("Idempotency-Replayed", "true")
		w.WriteHeader(stored.Status)
		w.Write(stored.Body) // the client may have gone; nothing to do
	default:
		a.first(w, r, ans)
	}
}

// first does the work and keeps the answer. One that may be tried again with
// success is not kept.
func (a *API) first(w http.ResponseWriter, r *http.Request, ans gateway.Answer) {
	rec := &recorder{ResponseWriter: w}
	defer func() {
		ans.Status, ans.Header, ans.Body = rec.status, w.Header().Get("Content-Type"), rec.body.Bytes()
		if ans.Status >= 500 || ans.Status == http.StatusUnauthorized || ans.Status == http.StatusTooManyRequests {
			ans.Status = 0
		}
		// The act was done whether or not the client is still there.
		if err := a.c.Ledger.FinishAnswer(context.WithoutCancel(r.Context()), ans); err != nil {
			a.c.Log.Error("api", "error", err)
		}
	}()
	a.mux.ServeHTTP(rec, r)
}

// recorder keeps a copy of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	r.body.Write(b)
	return r.ResponseWriter.Write(b)
}
