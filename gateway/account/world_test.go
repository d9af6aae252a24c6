package account_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/account"
	"sekisho/gateway/store/sqlite"
)

// world is a service over a real ledger, with a clock of its own.
type world struct {
	t *testing.T
	s *account.Service
	l *sqlite.Ledger

	mu  sync.Mutex
	now time.Time
}

// cheap makes hashing fast: these tests are about what is done, not how long.
var cheap = account.Params{Memory: 8, Time: 1, Threads: 1}

var begin = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: begin}
	var err error
	if w.l, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, c := range w.l.CheckConsistency(context.WithoutCancel(t.Context())) {
			t.Errorf("inconsistent: %s", c)
		}
		w.l.Close()
	})
	chance := rand.NewChaCha8([32]byte{1})
	w.s, err = account.New(account.Config{Store: w.l.Accounts(), Params: cheap, Words: []string{"みなと町", "minato"},
		Scribe: gateway.Scribe{Clock: w.clock, Random: lockedReader{&sync.Mutex{}, chance}, Version: "test"}})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

type lockedReader struct {
	mu *sync.Mutex
	r  *rand.ChaCha8
}

func (l lockedReader) Read(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(b)
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

const (
	good  = "正しい馬の電池とホチキスを留める"
	other = "別の長い合い言葉を考えてみました"
	ip    = "192.0.2.7"
)

var console = account.Console("root")

// user makes an account at the command line of the machine, with the password
// good and ready to be used.
func (w *world) user(name string, roles ...account.Role) account.User {
	w.t.Helper()
	u, _, err := w.s.AddUser(w.t.Context(), console, account.NewUser{Name: name, Display: "職員 " + name, Dept: w.dept(),
		Addresses: []string{name + "@town.example"}, Roles: roles, Password: "はじめの合い言葉はここにあります"})
	if err != nil {
		w.t.Fatal(err)
	}
	if u.MustChange {
		st := w.must(w.s.SignIn(w.t.Context(), account.Credentials{Name: name, Password: "はじめの合い言葉はここにあります", IP: ip}))
		w.must(w.s.ChangePassword(w.t.Context(), st.Principal, "はじめの合い言葉はここにあります", good))
	}
	return u
}

func (w *world) dept() string {
	w.t.Helper()
	if err := w.s.PutDepartment(w.t.Context(), console, account.Department{ID: "zeimu", Name: "税務課"}); err != nil {
		w.t.Fatal(err)
	}
	return "zeimu"
}

func (w *world) must(st account.Started, err error) account.Started {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	return st
}

// signIn signs in and, where the role demands it, sets up the second factor.
func (w *world) signIn(u account.User, password string) (account.Principal, []byte) {
	w.t.Helper()
	st := w.must(w.s.SignIn(w.t.Context(), account.Credentials{Name: u.Name, Password: password, IP: ip}))
	key := w.enrol(st.Principal)
	return w.again(st.Secret), key
}

// again reads the principal of a secret.
func (w *world) again(secret string) account.Principal {
	w.t.Helper()
	p, err := w.s.Authenticate(w.t.Context(), secret, ip)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) enrol(p account.Principal) []byte {
	w.t.Helper()
	key, _, err := w.s.BeginFactor(w.t.Context(), p)
	if err != nil {
		w.t.Fatal(err)
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.s.ConfirmFactor(w.t.Context(), p, w.code(secret)); err != nil {
		w.t.Fatal(err)
	}
	w.wait(30 * time.Second) // the next code is another
	return secret
}

// code is an independent RFC 6238.
func (w *world) code(secret []byte) string {
	mac := hmac.New(sha1.New, secret)
	binary.Write(mac, binary.BigEndian, uint64(w.clock().Unix()/30))
	h := mac.Sum(nil)
	o := h[19] & 0xf
	v := uint32(h[o]&0x7f)<<24 | uint32(h[o+1])<<16 | uint32(h[o+2])<<8 | uint32(h[o+3])
	return fmt.Sprintf("%06d", v%1000000)
}

// admin makes the first administrator and signs in.
func (w *world) admin() account.Principal {
	w.t.Helper()
	u, waits, err := w.s.AddUser(w.t.Context(), console, account.NewUser{Name: "kanri", Display: "情報 花子",
		Roles: []account.Role{account.Admin}, Password: good})
	if err != nil || waits != nil {
		w.t.Fatal(err, waits)
	}
	p, _ := w.signIn(u, good)
	return p
}

// events returns the verbs of the records so far, with outcome and reason.
func (w *world) events() []string {
	w.t.Helper()
	rows, err := w.l.Pending(w.t.Context(), -1, 10000)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, r := range rows {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Event.Verb, r.Event.Outcome, r.Event.Decision.ReasonCode)))
	}
	return out
}

// recorded fails unless the last records are these.
func (w *world) recorded(want ...string) {
	w.t.Helper()
	all := w.events()
	if len(all) < len(want) || !slices.Equal(all[len(all)-len(want):], want) {
		w.t.Errorf("last records %q, want %q", all[max(0, len(all)-len(want)-1):], want)
	}
}

// refused fails unless err is want.
func refused(t *testing.T, what string, err error, want account.Refusal) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

// lastEvent returns the last record.
func (w *world) lastEvent() audit.Event {
	w.t.Helper()
	rows, err := w.l.Pending(w.t.Context(), -1, 10000)
	if err != nil || len(rows) == 0 {
		w.t.Fatal(err)
	}
	return rows[len(rows)-1].Event
}

func decodeKey(t *testing.T, key string) []byte {
	t.Helper()
	b, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
