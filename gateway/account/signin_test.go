package account_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"sekisho/gateway/account"
	"sekisho/gateway/account/accounttest"
)

func (w *world) try(name, password, code string) error {
	_, err := w.s.SignIn(w.T.Context(), account.Credentials{Name: name, Password: password, Code: code, IP: ip})
	return err
}

func TestSignIn(t *testing.T) {
	w := newWorld(t)
	u := w.user("yamada", account.Staff)
	st := w.must(w.s.SignIn(t.Context(), account.Credentials{Name: " YAMADA"[1:], Password: good, IP: ip, Agent: "browser\n2"}))
	p := w.again(st.Secret)
	if p.User.ID != u.ID || p.Session.Agent != "browser 2" && strings.ContainsRune(p.Session.Agent, '\n') {
		t.Errorf("signed in as %+v", p)
	}
	if len(st.Secret) < 22 {
		t.Errorf("a secret of %d characters", len(st.Secret))
	}
	w.recorded("auth.succeeded success")
	refused(t, "a secret of nobody", func() error { _, err := w.s.Authenticate(t.Context(), "x"+st.Secret[1:], ip); return err }(), account.ErrSession)
	if err := w.s.SignOut(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	w.recorded("session.revoked success")
	_, err := w.s.Authenticate(t.Context(), st.Secret, ip)
	refused(t, "after signing out", err, account.ErrSession)
}

// TestSameAnswer: an unknown name, a wrong password and a disabled account get
// the same error, and the same delays and locks.
func TestSameAnswer(t *testing.T) {
	w := newWorld(t)
	w.user("yamada", account.Staff)
	gone := w.user("tanaka", account.Staff)
	if _, err := w.s.Disable(t.Context(), console, gone.ID, 0); err != nil {
		t.Fatal(err)
	}
	tries := []account.Credentials{
		{Name: "yamada", Password: "wrong", IP: "192.0.2.1"},
		{Name: "nobody", Password: good, IP: "192.0.2.2"},
		{Name: "tanaka", Password: good, IP: "192.0.2.3"},
		{Name: "no name at all ☃", Password: good, IP: "192.0.2.4"},
	}
	for n := range 25 {
		var said []string
		for _, c := range tries {
			_, err := w.s.SignIn(t.Context(), c)
			refused(t, c.Name, err, account.ErrCredentials)
			_, next := w.s.SignIn(t.Context(), c)
			var wait account.Wait
			errors.As(next, &wait)
			said = append(said, next.Error()+" "+wait.After.String())
		}
		for _, s := range said[1:] {
			if s != said[0] {
				t.Fatalf("answers to attempt %d differ: %q", n, said)
			}
		}
		w.Wait(time.Hour)
	}
}

func TestDelaysAndLock(t *testing.T) {
	w := newWorld(t)
	w.user("yamada", account.Staff)
	waits := []time.Duration{0, 0, 1, 2, 4, 8, 16, 32, 64}
	for _, d := range waits {
		refused(t, "attempt", w.try("yamada", "wrong", ""), account.ErrCredentials)
		if d > 0 {
			w.Wait(d*time.Second - time.Millisecond)
			refused(t, "early", w.try("yamada", good, ""), account.ErrTooMany)
			w.Wait(time.Millisecond)
		}
	}
	refused(t, "tenth", w.try("yamada", "wrong", ""), account.ErrCredentials)
	if all := strings.Join(w.events(), "\n"); strings.Count(all, "auth.locked denied") != 1 || strings.Count(all, "auth.failed failure invalid_credentials") != 10 {
		t.Errorf("records:\n%s", all)
	}
	w.Wait(account.LockTime - time.Second)
	refused(t, "locked", w.try("yamada", good, ""), account.ErrTooMany)
	w.Wait(time.Second)
	if err := w.try("yamada", good, ""); err != nil {
		t.Fatal(err)
	}
	refused(t, "begins anew", w.try("yamada", "wrong", ""), account.ErrCredentials)
	if err := w.try("yamada", good, ""); err != nil {
		t.Errorf("one failure cost a delay: %v", err)
	}
}

func TestHardCap(t *testing.T) {
	w := newWorld(t)
	u := w.user("yamada", account.Staff)
	for range account.HardCap {
		refused(t, "attempt", w.try("yamada", "wrong", ""), account.ErrCredentials)
		w.Wait(time.Hour)
	}
	w.Wait(1000 * time.Hour)
	refused(t, "at the cap", w.try("yamada", good, ""), account.ErrLocked)
	if err := w.s.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused(t, "not forgotten", w.try("yamada", good, ""), account.ErrLocked)
	if err := w.s.Unlock(t.Context(), console, u.ID); err != nil {
		t.Fatal(err)
	}
	w.recorded("auth.unlocked success")
	if err := w.try("yamada", good, ""); err != nil {
		t.Error(err)
	}
}

// TestManyAtOnce: an attempt is counted before it is looked at, so that many at
// once are no way around the delays.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t)
	w.user("yamada", account.Staff)
	var looked, waited int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			err := w.try("yamada", "wrong", "")
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, account.ErrCredentials):
				looked++
			case errors.Is(err, account.ErrTooMany):
				waited++
			default:
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	if looked != 3 || waited != 37 {
		t.Errorf("%d were looked at, %d had to wait", looked, waited)
	}
}

// TestAddressThrottle: guessing at many names from one address is slowed too,
// and the right ones of many people behind it are not.
func TestAddressThrottle(t *testing.T) {
	w := newWorld(t)
	w.user("yamada", account.Staff)
	for range 100 { // a morning behind one address
		if err := w.try("yamada", good, ""); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	n := 0
	for ; n < 100; n++ {
		if err = w.try("name"+strings.Repeat("x", n%50)+string(rune('a'+n/50)), "wrong", ""); errors.Is(err, account.ErrTooMany) {
			break
		}
	}
	if n < 20 || n > 40 {
		t.Errorf("slowed after %d names: %v", n, err)
	}
	if _, err := w.s.SignIn(t.Context(), account.Credentials{Name: "yamada", Password: good, IP: "192.0.2.8"}); err != nil {
		t.Errorf("another address: %v", err)
	}
}

func TestSecondFactor(t *testing.T) {
	w := newWorld(t)
	u := w.user("yamada", account.Staff, account.Approver)
	st := w.must(w.s.SignIn(t.Context(), account.Credentials{Name: "yamada", Password: good, IP: ip}))
	if _, err := w.s.Users(t.Context(), st.Principal, account.UserQuery{}); !errors.Is(err, account.ErrDenied) {
		t.Errorf("users for an approver: %v", err)
	}
	if _, _, err := w.s.Mailboxes(t.Context(), st.Principal, account.ReadMessages); !errors.Is(err, account.ErrEnrolFactor) {
		t.Errorf("before the factor: %v", err)
	}
	key, uri, err := w.s.BeginFactor(t.Context(), st.Principal)
	if err != nil || !strings.HasPrefix(uri, "otpauth://totp/sekisho:yamada?") || !strings.Contains(uri, "secret="+key) {
		t.Fatal(key, uri, err)
	}
	secret := accounttest.DecodeKey(t, key)
	_, err = w.s.ConfirmFactor(t.Context(), st.Principal, "000000", false)
	refused(t, "a wrong first code", err, account.ErrCode)
	e, err := w.s.ConfirmFactor(t.Context(), st.Principal, w.Code(secret), false)
	codes := e.Codes
	if err != nil || len(codes) != 10 {
		t.Fatal(codes, err)
	}
	refused(t, "without a code", w.try("yamada", good, ""), account.ErrFactor)
	w.recorded("auth.failed pending second_factor_needed")
	refused(t, "the first code again", w.try("yamada", good, w.Code(secret)), account.ErrCredentials)
	w.recorded("auth.failed failure code_already_used")
	w.Wait(time.Minute)
	right := w.Code(secret)
	full := strings.Map(func(r rune) rune { return r - '0' + '０' }, right)
	if err := w.try("yamada", good, full[:9]+" "+full[9:]); err != nil {
		t.Errorf("full-width digits with a space: %v", err)
	}
	refused(t, "a code a second time", w.try("yamada", good, right), account.ErrCredentials)
	w.Wait(time.Minute)
	refused(t, "no password", w.try("yamada", "", w.Code(secret)), account.ErrCredentials)
	w.Wait(time.Minute)
	if err := w.try("yamada", good, strings.ToLower(codes[3])); err != nil {
		t.Errorf("recovery code: %v", err)
	}
	refused(t, "a recovery code a second time", w.try("yamada", good, codes[3]), account.ErrCredentials)
	w.Wait(time.Minute)
	refused(t, "reset of one's own", func() error {
		_, err := w.s.ResetFactor(t.Context(), w.again(st.Secret), u.ID, 0)
		return err
	}(), account.ErrDenied)
	if _, err := w.s.ResetFactor(t.Context(), console, u.ID, 0); err != nil {
		t.Fatal(err)
	}
	_, err = w.s.Authenticate(t.Context(), st.Secret, ip)
	refused(t, "session after the reset", err, account.ErrSession)
}

// TestDrift: one step before and after the clock is taken, no more.
func TestDrift(t *testing.T) {
	for _, c := range []struct {
		steps int
		ok    bool
	}{{-2, false}, {-1, true}, {0, true}, {1, true}, {2, false}} {
		w := newWorld(t)
		u := w.user("yamada", account.Approver)
		_, key := w.signIn(u, good)
		w.Wait(10 * time.Minute)
		w.Wait(time.Duration(c.steps) * 30 * time.Second)
		code := w.Code(key)
		w.Wait(time.Duration(-c.steps) * 30 * time.Second)
		if err := w.try("yamada", good, code); (err == nil) != c.ok {
			t.Errorf("%d steps off: %v", c.steps, err)
		}
	}
}

func TestSessionLimits(t *testing.T) {
	for _, c := range []struct {
		name  string
		roles []account.Role
		idle  time.Duration
	}{{"staff", []account.Role{account.Staff}, time.Hour}, {"privileged", []account.Role{account.Staff, account.Approver}, 15 * time.Minute}} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			u := w.user("yamada", c.roles...)
			in := func() string {
				return w.must(w.s.SignIn(t.Context(), account.Credentials{Name: u.Name, Password: good, IP: ip})).Secret
			}
			secret := in()
			w.Wait(c.idle - time.Second)
			w.again(secret)
			w.Wait(c.idle - time.Second)
			w.again(secret)
			w.Wait(c.idle)
			_, err := w.s.Authenticate(t.Context(), secret, ip)
			refused(t, "idle", err, account.ErrSession)
			secret = in()
			for range int(account.SessionTime/(c.idle/2)) - 1 {
				w.Wait(c.idle / 2)
				w.again(secret)
			}
			w.Wait(c.idle / 2)
			_, err = w.s.Authenticate(t.Context(), secret, ip)
			refused(t, "after eight hours", err, account.ErrSession)
			secret = in()
			w.Wait(-time.Hour)
			_, err = w.s.Authenticate(t.Context(), secret, ip)
			refused(t, "clock put back", err, account.ErrSession)
			if err := w.s.Tidy(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestStepUp: decisions need a proof of the last five minutes, and a new proof
// is a new secret.
func TestStepUp(t *testing.T) {
	w := newWorld(t)
	u, _, err := w.s.AddUser(t.Context(), console, account.NewUser{Name: "kanri", Display: "花子", Roles: []account.Role{account.Admin}, Password: good})
	if err != nil {
		t.Fatal(err)
	}
	st := w.must(w.s.SignIn(t.Context(), account.Credentials{Name: u.Name, Password: good, IP: ip}))
	key := w.enrol(st.Principal)
	p := w.again(st.Secret)
	may := func(p account.Principal) error {
		return w.s.PutDepartment(t.Context(), p, account.Department{ID: "soumu", Name: "総務課"})
	}
	if err := may(p); err != nil {
		t.Fatal(err)
	}
	w.Wait(account.StepUpTime)
	p = w.again(st.Secret)
	refused(t, "after five minutes", may(p), account.ErrStepUp)
	_, err = w.s.StepUp(t.Context(), p, good, "")
	refused(t, "by the password alone", err, account.ErrFactor)
	_, err = w.s.StepUp(t.Context(), p, "", "123456")
	refused(t, "wrong code", err, account.ErrCredentials)
	again, err := w.s.StepUp(t.Context(), p, "", w.Code(key))
	if err != nil {
		t.Fatal(err)
	}
	w.recorded("auth.step_up success")
	if again.Secret == st.Secret {
		t.Error("the secret is the old one")
	}
	_, err = w.s.Authenticate(t.Context(), st.Secret, ip)
	refused(t, "the old secret", err, account.ErrSession)
	if err := may(w.again(again.Secret)); err != nil {
		t.Error(err)
	}
}

func TestManySessions(t *testing.T) {
	w := newWorld(t)
	w.user("yamada", account.Staff)
	var secrets []string
	for range 12 {
		w.Wait(time.Second)
		secrets = append(secrets, w.must(w.s.SignIn(t.Context(), account.Credentials{Name: "yamada", Password: good, IP: ip})).Secret)
	}
	alive := 0
	for _, s := range secrets {
		if _, err := w.s.Authenticate(t.Context(), s, ip); err == nil {
			alive++
		}
	}
	if alive != 10 {
		t.Errorf("%d sessions live", alive)
	}
	p := w.again(secrets[11])
	all, err := w.s.Sessions(t.Context(), p)
	if err != nil || len(all) != 10 {
		t.Fatal(len(all), err)
	}
	if err := w.s.EndSession(t.Context(), p, all[0].ID); err != nil {
		t.Error(err)
	}
	stranger := w.user("tanaka", account.Staff)
	o := w.must(w.s.SignIn(t.Context(), account.Credentials{Name: stranger.Name, Password: good, IP: ip})).Principal
	refused(t, "another's session", w.s.EndSession(t.Context(), o, all[1].ID), account.ErrNotFound)
}
