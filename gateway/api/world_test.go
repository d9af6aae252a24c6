package api_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/account"
	"sekisho/gateway/api"
	"sekisho/gateway/desk"
	"sekisho/gateway/store/sqlite"
	"sekisho/quarantine"
)

// world is the interface over a real ledger, with a clock of its own.
type world struct {
	t      *testing.T
	l      *sqlite.Ledger
	s      *account.Service
	a      *api.API
	logDir string
	shots  gateway.Blobs // pictures of pages
	sick   error         // what the log says of itself
	rules  quarantine.Rules
	woken  int
	codes  map[string][]byte

	mu     sync.Mutex
	now    time.Time
	random *rand.ChaCha8
}

const (
	good  = "正しい馬の電池とホチキスを留める"
	first = "はじめの合い言葉はここにあります"
)

var console = account.Console("root")

func newWorld(t *testing.T) *world { return newWorldWith(t, func(*api.Config) {}) }

// newWorldWith is newWorld with another configuration.
func newWorldWith(t *testing.T, change func(*api.Config)) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC), codes: map[string][]byte{}, logDir: t.TempDir(), random: rand.NewChaCha8([32]byte{2})}
	var err error
	if w.l, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, c := range w.l.CheckConsistency(context.WithoutCancel(t.Context())) {
			t.Errorf("inconsistent: %s", c)
		}
		found, err := w.l.CheckRecords(context.WithoutCancel(t.Context()))
		for _, c := range found {
			t.Errorf("states and records: %s", c)
		}
		if err != nil {
			t.Error(err)
		}
		w.l.Close()
	})
	scribe := gateway.Scribe{Clock: w.clock, Random: w, Version: "test"}
	w.s, err = account.New(account.Config{Store: w.l.Accounts(), Params: account.Params{Memory: 8, Time: 1, Threads: 1}, Scribe: scribe})
	if err != nil {
		t.Fatal(err)
	}
	counter := &desk.Desk{Ledger: w.l, Scribe: scribe, Rules: func() quarantine.Rules { return w.rules }}
	w.shots = openShots(t)
	c := api.Config{Desk: counter, Previews: w.shots, WakePreview: func() { w.woken++ }, Accounts: w.s, Ledger: w.l, Scribe: scribe, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Version: "test",
		Healthy: func() error { return w.sick }, AuditFiles: os.DirFS(w.logDir),
		Status: func(context.Context) map[string]error { return map[string]error{"ledger": nil} }}
	change(&c)
	w.a = api.New(c)
	for _, d := range []account.Department{{ID: "zeimu", Name: "税務課"}, {ID: "soumu", Name: "総務課"}} {
		if err := w.s.PutDepartment(t.Context(), console, d); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// Read is chance that a test can repeat.
func (w *world) Read(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.random.Read(b)
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) wait(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// user makes an account that is ready to be used.
func (w *world) user(name, dept string, roles ...account.Role) account.User {
	w.t.Helper()
	u, waits, err := w.s.AddUser(w.t.Context(), console, account.NewUser{Name: name, Display: "職員 " + name, Dept: dept,
		Addresses: []string{name + "@town.example"}, Roles: roles, Password: first})
	if err != nil {
		w.t.Fatal(err)
	}
	if waits != nil {
		w.t.Fatal("a second administrator needs a second person")
	}
	st, err := w.s.SignIn(w.t.Context(), account.Credentials{Name: name, Password: first, IP: "192.0.2.9"})
	if err == nil {
		_, err = w.s.ChangePassword(w.t.Context(), st.Principal, first, good)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	if u.Privileged() {
		w.enrol(name)
	}
	return u
}

func (w *world) enrol(name string) {
	w.t.Helper()
	st, err := w.s.SignIn(w.t.Context(), account.Credentials{Name: name, Password: good, IP: "192.0.2.9"})
	if err != nil {
		w.t.Fatal(err)
	}
	key, _, err := w.s.BeginFactor(w.t.Context(), st.Principal)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.codes[name], err = base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.s.ConfirmFactor(w.t.Context(), st.Principal, w.code(name)); err != nil {
		w.t.Fatal(err)
	}
}

// code is the present code of a user's second factor.
func (w *world) code(name string) string {
	mac := hmac.New(sha1.New, w.codes[name])
	binary.Write(mac, binary.BigEndian, uint64(w.clock().Unix()/30))
	h := mac.Sum(nil)
	o := h[19] & 0xf
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(h[o:])&0x7fffffff)%1000000)
}

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
	c.w.t.Helper()
	var r io.Reader
	kind := "application/json"
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		j, err := json.Marshal(body)
		if err != nil {
			c.w.t.Fatal(err)
		}
		r = bytes.NewReader(j)
	}
	if !strings.HasPrefix(path, "/") {
		path = api.Prefix + "/" + path
	}
	q := httptest.NewRequestWithContext(c.w.t.Context(), method, "https://gw.town.example"+path, r)
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
	c.w.t.Helper()
	a := c.do(method, path, body, header...)
	if a.status != status {
		c.w.t.Errorf("%s %s: %d %s, want %d", method, path, a.status, a.body, status)
	}
	return a
}

// signIn signs in, with the second factor where there is one. Each code can be
// used once, so that time goes on.
func (w *world) signIn(name string) *client {
	w.t.Helper()
	c := w.client()
	body := map[string]string{"name": name, "password": good}
	if w.codes[name] != nil {
		w.wait(30 * time.Second)
		body["code"] = w.code(name)
	}
	c.want(http.StatusCreated, "POST", "sessions", body)
	return c
}

// mail accepts and settles a mail with one held part for each recipient.
func (w *world) mail(to ...string) gateway.Message {
	w.t.Helper()
	n := w.newID()
	m := gateway.Message{ID: gateway.ID(n), Receipt: "M-261125-" + n[:5], Envelope: gateway.Envelope{From: "sender@example.com", To: to, Client: "192.0.2.1"},
		ReceivedAt: w.clock(), Size: 10, Blob: n, State: gateway.Accepted}
	scribe := gateway.Scribe{Clock: w.clock, Random: w}
	record := func(v audit.Verb, to []string) gateway.Record {
		r, err := scribe.System(v, audit.Success, func(e *audit.Event) { e.Object, e.Mail = m.Object(), gateway.AuditMail("sender@example.com", to) })
		if err != nil {
			w.t.Fatal(err)
		}
		return r
	}
	err := w.l.Do(w.t.Context(), func(tx gateway.Tx) error {
		if err := tx.Accept(m, record("message.received", to)); err != nil {
			return err
		}
		c, err := tx.ClaimMessage("test", w.clock(), w.clock().Add(time.Minute))
		if err != nil {
			return err
		}
		c.Subject, c.From = "件名のことば", "差出人のことば"
		return settle(tx, w, c, record)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

func (w *world) newID() string {
	id, err := gateway.NewID(w)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(id)
}

// records returns the verbs of the ledger's records that are with a prefix.
func (w *world) records(prefix string) []string {
	w.t.Helper()
	rows, err := w.l.Pending(w.t.Context(), -1, 100000)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, r := range rows {
		if strings.HasPrefix(string(r.Event.Verb), prefix) {
			out = append(out, string(r.Event.Verb)+" "+string(r.Event.Outcome)+" "+r.Event.Object.ID)
		}
	}
	return slices.Clip(out)
}
