package account_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway/account"
	"sekisho/gateway/account/accounttest"
	"sekisho/gateway/store/sqlite"
)

// world is an office, and short ways to do things in it.
type world struct {
	*accounttest.Office
	s *account.Service
	l *sqlite.Ledger
}

var (
	begin   = accounttest.Begin()
	console = accounttest.Console()
)

const (
	good  = accounttest.Good
	other = "別の長い合い言葉を考えてみました"
	ip    = accounttest.IP
)

func newWorld(t *testing.T) *world {
	t.Helper()
	o := accounttest.Open(t)
	return &world{o, o.Accounts, o.Ledger}
}

// user makes an account in a department, ready to be used.
func (w *world) user(name string, roles ...account.Role) account.User {
	w.T.Helper()
	return w.Join(name, "zeimu", roles...)
}

func (w *world) must(st account.Started, err error) account.Started {
	w.T.Helper()
	if err != nil {
		w.T.Fatal(err)
	}
	return st
}

// signIn signs in and sets up a second factor; it returns its key.
func (w *world) signIn(u account.User, password string) (account.Principal, []byte) {
	w.T.Helper()
	st := w.SignIn(u.Name, password)
	key := w.enrol(st.Principal)
	return w.again(st.Secret), key
}

// again reads the principal of a secret.
func (w *world) again(secret string) account.Principal {
	w.T.Helper()
	p, err := w.s.Authenticate(w.T.Context(), secret, ip)
	if err != nil {
		w.T.Fatal(err)
	}
	return p
}

func (w *world) enrol(p account.Principal) []byte {
	w.T.Helper()
	key := w.Enrol(p)
	w.Wait(30 * time.Second) // the next code is another
	return key
}

// admin makes the first administrator and signs in.
func (w *world) admin() account.Principal {
	w.T.Helper()
	u, waits, err := w.s.AddUser(w.T.Context(), console, account.NewUser{Name: "kanri", Display: "情報 花子",
		Roles: []account.Role{account.Admin}, Password: good})
	if err != nil || waits != nil {
		w.T.Fatal(err, waits)
	}
	p, _ := w.signIn(u, good)
	return p
}

// events returns the verbs of the records so far, with outcome and reason.
func (w *world) events() []string {
	w.T.Helper()
	var out []string
	for _, e := range w.Events("") {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Verb, e.Outcome, e.Decision.ReasonCode)))
	}
	return out
}

// recorded fails unless the last records are these.
func (w *world) recorded(want ...string) {
	w.T.Helper()
	all := w.events()
	if len(all) < len(want) || !slices.Equal(all[len(all)-len(want):], want) {
		w.T.Errorf("last records %q, want %q", all[max(0, len(all)-len(want)-1):], want)
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
	w.T.Helper()
	all := w.Events("")
	return all[len(all)-1]
}
