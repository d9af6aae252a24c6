package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/account"
	"sekisho/gateway/account/accounttest"
	"sekisho/gateway/api"
	"sekisho/gateway/desk"
	"sekisho/gateway/store/sqlite"
	"sekisho/quarantine"
)

// world is the interface over an office.
type world struct {
	*accounttest.Office
	l      *sqlite.Ledger
	s      *account.Service
	a      *api.API
	logDir string
	shots  gateway.Blobs // pictures of pages
	sick   error         // what the log says of itself
	rules  quarantine.Rules
	woken  int
	codes  map[string][]byte
}

var console = accounttest.Console()

const good = accounttest.Good

func newWorld(t *testing.T) *world { return newWorldWith(t, func(*api.Config) {}) }

// newWorldWith is newWorld with another configuration.
func newWorldWith(t *testing.T, change func(*api.Config)) *world {
	t.Helper()
	o := accounttest.Open(t)
	w := &world{Office: o, l: o.Ledger, s: o.Accounts, codes: map[string][]byte{}, logDir: t.TempDir(), shots: openShots(t)}
	scribe := w.Scribe()
	counter := &desk.Desk{Ledger: w.l, Scribe: scribe, Rules: func() quarantine.Rules { return w.rules }, People: desk.Roster{Accounts: w.s}}
	c := api.Config{Desk: counter, Previews: w.shots, WakePreview: func() { w.woken++ }, Accounts: w.s, Ledger: w.l, Scribe: scribe,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Version: "test", Healthy: func() error { return w.sick }, AuditFiles: os.DirFS(w.logDir),
		Status: func(context.Context) map[string]error { return map[string]error{"ledger": nil} }}
	change(&c)
	w.a = api.New(c)
	return w
}

// user makes an account that is ready to be used.
func (w *world) user(name, dept string, roles ...account.Role) account.User {
	w.T.Helper()
	u := w.Join(name, dept, roles...)
	if u.Privileged() {
		w.enrol(name)
	}
	return u
}

func (w *world) enrol(name string) {
	w.T.Helper()
	w.codes[name] = w.Enrol(w.SignIn(name, good).Principal)
}

// code is the present code of a user's second factor.
func (w *world) code(name string) string { return w.Code(w.codes[name]) }

// client is a browser or a program.
type client struct {
	w       *world
	ip      string
	cookies map[string]string
	csrf    string
	token   string
	header  map[string]string
}

func (w *world) client() *client {
	return &client{w: w, ip: "192.0.2.9", cookies: map[string]string{}, header: map[string]string{}}
}

// answer is a response.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// code is the code of a problem.
func (a answer) code() string {
	var p api.Problem
	json.Unmarshal(a.body, &p)
	return p.Code
}

// into decodes the body.
func (a answer) into(t *testing.T, to any) {
	t.Helper()
	if err := json.Unmarshal(a.body, to); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
}

// do sends one request. header pairs are added; a body that is no string is JSON.
func (c *client) do(method, path string, body any, header ...string) answer {
	c.w.T.Helper()
	var r io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		j, err := json.Marshal(body)
		if err != nil {
			c.w.T.Fatal(err)
		}
		r = bytes.NewReader(j)
	}
	if !strings.HasPrefix(path, "/") {
		path = api.Prefix + "/" + path
	}
	q := httptest.NewRequestWithContext(c.w.T.Context(), method, "https://gw.town.example"+path, r)
	q.RemoteAddr = c.ip + ":5000"
	if r != nil {
		q.Header.Set("Content-Type", kind)
	}
	for n, v := range c.cookies {
		q.AddCookie(&http.Cookie{Name: n, Value: v})
	}
	if c.csrf != "" {
		q.Header.Set("X-CSRF-Token", c.csrf)
	}
	if c.token != "" {
		q.Header.Set("Authorization", "Bearer "+c.token)
	}
	for n, v := range c.header {
		q.Header.Set(n, v)
	}
	for i := 0; i+1 < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	c.w.a.ServeHTTP(rec, q)
	for _, k := range rec.Result().Cookies() {
		if k.MaxAge < 0 {
			delete(c.cookies, k.Name)
		} else {
			c.cookies[k.Name] = k.Value
		}
	}
	a := answer{rec.Code, rec.Header(), rec.Body.Bytes()}
	if a.status < 300 {
		var me struct {
			CSRF string `json:"csrf_token"`
		}
		if json.Unmarshal(a.body, &me) == nil && me.CSRF != "" {
			c.csrf = me.CSRF
		}
	}
	return a
}

// want is do for what must have this status.
func (c *client) want(status int, method, path string, body any, header ...string) answer {
	c.w.T.Helper()
	a := c.do(method, path, body, header...)
	if a.status != status {
		c.w.T.Errorf("%s %s: %d %s, want %d", method, path, a.status, a.body, status)
	}
	return a
}

// signIn signs in, with the second factor where there is one. Each code can be
// used once, so that time goes on.
func (w *world) signIn(name string) *client {
	w.T.Helper()
	c := w.client()
	body := map[string]string{"name": name, "password": good}
	if w.codes[name] != nil {
		w.Wait(30 * time.Second)
		body["code"] = w.code(name)
	}
	c.want(http.StatusCreated, "POST", "sessions", body)
	return c
}

// mail accepts and settles a mail with one held part for each recipient.
func (w *world) mail(to ...string) gateway.Message {
	w.T.Helper()
	n := w.newID()
	m := gateway.Message{ID: gateway.ID(n), Receipt: "M-261125-" + n[:5], Envelope: gateway.Envelope{From: "sender@example.com", To: to, Client: "192.0.2.1"},
		ReceivedAt: w.Now(), Size: 10, Blob: n, State: gateway.Accepted}
	scribe := w.Scribe()
	record := func(v audit.Verb, to []string) gateway.Record {
		r, err := scribe.System(v, audit.Success, func(e *audit.Event) { e.Object, e.Mail = m.Object(), gateway.AuditMail("sender@example.com", to) })
		if err != nil {
			w.T.Fatal(err)
		}
		return r
	}
	err := w.l.Do(w.T.Context(), func(tx gateway.Tx) error {
		if err := tx.Accept(m, record("message.received", to)); err != nil {
			return err
		}
		c, err := tx.ClaimMessage("test", w.Now(), w.Now().Add(time.Minute))
		if err != nil {
			return err
		}
		c.Subject, c.From = "件名のことば", "差出人のことば"
		return settle(tx, w, c, record)
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return m
}

func (w *world) newID() string {
	id, err := gateway.NewID(w)
	if err != nil {
		w.T.Fatal(err)
	}
	return string(id)
}

// records returns the verbs of the ledger's records that are with a prefix.
func (w *world) records(prefix string) []string {
	w.T.Helper()
	var out []string
	for _, e := range w.Events(prefix) {
		out = append(out, string(e.Verb)+" "+string(e.Outcome)+" "+e.Object.ID)
	}
	return out
}
