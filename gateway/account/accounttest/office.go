// Package accounttest is an office for tests: accounts over a real ledger, with a
// clock and chance of its own, people who are ready to sign in, and an
// authenticator program that was not written with the one that is tested. The
// tests of accounts and those of the REST interface share it; when a test ends,
// the ledger is held against its own rules.
package accounttest

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/account"
	"sekisho/gateway/store/sqlite"
)

// Passwords of the people, and where they sit.
const (
	Good  = "正しい馬の電池とホチキスを留める"
	First = "はじめの合い言葉はここにあります" // that another person set
	IP    = "192.0.2.7"
)

// Begin is when the office opens.
func Begin() time.Time { return time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC) }

// Office is accounts over a ledger. It is safe for concurrent use, as its clock
// and chance are.
type Office struct {
	T        *testing.T
	Ledger   *sqlite.Ledger
	Accounts *account.Service

	mu     sync.Mutex
	now    time.Time
	chance *rand.ChaCha8
}

// Open opens an office with the departments zeimu and soumu and nobody in them.
func Open(t *testing.T) *Office {
	t.Helper()
	o := &Office{T: t, now: Begin(), chance: rand.NewChaCha8([32]byte{1})}
	o.check(func() (err error) {
		o.Ledger, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
		return err
	}())
	t.Cleanup(o.close)
	o.Accounts = o.Service(o.Ledger.Accounts(), "the key of the office")
	for _, d := range []account.Department{{ID: "zeimu", Name: "税務課"}, {ID: "soumu", Name: "総務課"}} {
		o.check(o.Accounts.PutDepartment(t.Context(), Console(), d))
	}
	return o
}

func (o *Office) check(err error) {
	o.T.Helper()
	if err != nil {
		o.T.Fatal(err)
	}
}

func (o *Office) close() {
	ctx := context.WithoutCancel(o.T.Context())
	for _, c := range o.Ledger.CheckConsistency(ctx) {
		o.T.Errorf("inconsistent: %s", c)
	}
	found, err := o.Ledger.CheckRecords(ctx)
	for _, c := range found {
		o.T.Errorf("states and records: %s", c)
	}
	if err != nil {
		o.T.Error(err)
	}
	o.Ledger.Close()
}

// Service is another service over the accounts, whose second factors are sealed
// with these secrets. Hashing is fast: tests are about what is done, not how long.
func (o *Office) Service(store account.Store, secrets ...string) *account.Service {
	o.T.Helper()
	var all [][]byte
	for _, s := range secrets {
		all = append(all, []byte(s))
	}
	sealer, err := account.NewSealer(all...)
	o.check(err)
	s, err := account.New(account.Config{Store: store, Scribe: o.Scribe(), Params: account.Params{Memory: 8, Time: 1, Threads: 1},
		Words: []string{"みなと町", "minato"}, Sealer: sealer})
	o.check(err)
	return s
}

// Console is the user of the machine.
func Console() account.Principal { return account.Console("root") }

// Scribe writes records by the office's clock.
func (o *Office) Scribe() gateway.Scribe {
	return gateway.Scribe{Clock: o.Now, Random: o, Version: "test"}
}

// Now is the office's clock.
func (o *Office) Now() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now
}

// Wait lets time go on.
func (o *Office) Wait(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now = o.now.Add(d)
}

// Read is chance that a test can repeat.
func (o *Office) Read(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.chance.Read(b)
}

// Join makes an account whose person has chosen the password Good, as far as the
// first one has to be changed. dept may be "".
func (o *Office) Join(name, dept string, roles ...account.Role) account.User {
	o.T.Helper()
	u, waits, err := o.Accounts.AddUser(o.T.Context(), Console(), account.NewUser{Name: name, Display: "職員 " + name, Dept: dept,
		Addresses: []string{name + "@town.example"}, Roles: roles, Password: First})
	o.check(err)
	if waits != nil {
		o.T.Fatal("a second administrator needs a second person")
	}
	st := o.SignIn(name, First)
	_, err = o.Accounts.ChangePassword(o.T.Context(), st.Principal, account.PasswordChange{Old: First, New: Good})
	o.check(err)
	return u
}

// SignIn opens a session without a second factor.
func (o *Office) SignIn(name, password string) account.Started {
	o.T.Helper()
	st, err := o.Accounts.SignIn(o.T.Context(), account.Credentials{Name: name, Password: password, IP: IP})
	o.check(err)
	return st
}

// Enrol sets up the second factor of whom a session is, and returns its key.
func (o *Office) Enrol(p account.Principal) []byte {
	o.T.Helper()
	typed, _, err := o.Accounts.BeginFactor(o.T.Context(), p)
	o.check(err)
	key := DecodeKey(o.T, typed)
	_, err = o.Accounts.ConfirmFactor(o.T.Context(), p, o.Code(key), false)
	o.check(err)
	return key
}

// DecodeKey reads a key as people type it.
func DecodeKey(t *testing.T, typed string) []byte {
	t.Helper()
	b, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(typed)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Code is the present code of a key, by an RFC 6238 of its own.
func (o *Office) Code(key []byte) string {
	mac := hmac.New(sha1.New, key)
	binary.Write(mac, binary.BigEndian, uint64(o.Now().Unix()/30))
	h := mac.Sum(nil)
	at := h[19] & 0xf
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(h[at:])&0x7fffffff)%1000000)
}

// Events returns the records so far whose event begins with a prefix.
func (o *Office) Events(prefix string) []audit.Event {
	o.T.Helper()
	rows, err := o.Ledger.Pending(o.T.Context(), -1, 100_000)
	o.check(err)
	var out []audit.Event
	for _, r := range rows {
		if strings.HasPrefix(string(r.Event.Verb), prefix) {
			out = append(out, r.Event)
		}
	}
	return out
}
