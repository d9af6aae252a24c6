package account_test

import (
	"testing"
	"time"

	"sekisho/gateway/account"
	"sekisho/gateway/account/accounttest"
)

// stale is a person whose second factor is confirmed and whose session has not been
// proved for longer than StepUpTime, with the secret and the key.
func (w *world) stale(name string, roles ...account.Role) (account.Principal, string, []byte) {
	w.T.Helper()
	u := w.user(name, roles...)
	st := w.SignIn(u.Name, good)
	key := w.enrol(st.Principal)
	w.Wait(account.StepUpTime)
	return w.again(st.Secret), st.Secret, key
}

// TestFreshOnlyByTheFactor asks everything that a session can ask for itself with
// less than the second factor: no way leads to a session that is fresh again.
func TestFreshOnlyByTheFactor(t *testing.T) {
	change := func(c account.PasswordChange) func(*world, account.Principal) error {
		return func(w *world, p account.Principal) error {
			_, err := w.s.ChangePassword(t.Context(), p, c)
			return err
		}
	}
	for name, act := range map[string]func(*world, account.Principal) error{
		"step-up by the password": func(w *world, p account.Principal) error { _, err := w.s.StepUp(t.Context(), p, good, ""); return err },
		"step-up with a wrong code": func(w *world, p account.Principal) error {
			_, err := w.s.StepUp(t.Context(), p, good, "000000")
			return err
		},
		"the password to itself":         change(account.PasswordChange{Old: good, New: good}),
		"another password":               change(account.PasswordChange{Old: good, New: other}),
		"another password, a wrong code": change(account.PasswordChange{Old: good, New: other, Code: "000000"}),
		"a factor":                       func(w *world, p account.Principal) error { _, _, err := w.s.BeginFactor(t.Context(), p); return err },
		"a first code": func(w *world, p account.Principal) error {
			_, err := w.s.ConfirmFactor(t.Context(), p, "000000", false)
			return err
		},
		"recovery codes": func(w *world, p account.Principal) error { _, err := w.s.RenewRecovery(t.Context(), p); return err },
		"without the factor": func(w *world, p account.Principal) error {
			_, err := w.s.RemoveFactor(t.Context(), p, false)
			return err
		},
		"a token": func(w *world, p account.Principal) error {
			_, _, err := w.s.NewToken(t.Context(), p, "x", []account.Capability{account.ReadItems}, w.Now().Add(time.Hour))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p, secret, _ := w.stale("kacho", account.Approver)
			if err := act(w, p); err == nil {
				t.Error("it was done")
			}
			if p := w.again(secret); p.Session.Fresh(w.Now()) {
				t.Error("the session is fresh")
			}
		})
	}
}

// TestChangePassword: the present password and the code are both looked at, and
// another password is another.
func TestChangePassword(t *testing.T) {
	w := newWorld(t)
	p, _, key := w.stale("kacho", account.Approver)
	for name, c := range map[string]struct {
		account.PasswordChange
		want account.Refusal
	}{
		"without a code":               {account.PasswordChange{Old: good, New: other}, account.ErrFactor},
		"the present one":              {account.PasswordChange{Old: good, New: good, Code: w.Code(key)}, account.ErrUnchanged},
		"the present one, typed wide":  {account.PasswordChange{Old: "a b c 123 x y z 9", New: "ａ　b c 123 x y z 9", Code: w.Code(key)}, account.ErrUnchanged},
		"with a wrong present one":     {account.PasswordChange{Old: other + "？", New: other, Code: w.Code(key)}, account.ErrCredentials},
		"with nothing for the present": {account.PasswordChange{New: other, Code: w.Code(key)}, account.ErrCredentials},
	} {
		_, err := w.s.ChangePassword(t.Context(), p, c.PasswordChange)
		refused(t, name, err, c.want)
	}
	st, err := w.s.ChangePassword(t.Context(), p, account.PasswordChange{Old: good, New: other, Code: w.Code(key)})
	if err != nil || !st.Principal.Session.Fresh(w.Now()) || st.Principal.Session.Auth != "password+totp" {
		t.Errorf("%+v %v", st.Principal.Session, err)
	}
	w.recorded("auth.step_up success", "user.changed success")
}

// TestProofsCountForTheirSession: strangers who type a name do not stop whom it
// belongs to, and the guesses of a session that was taken over are few.
func TestProofsCountForTheirSession(t *testing.T) {
	w := newWorld(t)
	p, secret, key := w.stale("kacho", account.Approver)
	another := w.must(w.s.SignIn(t.Context(), account.Credentials{Name: "kacho", Password: good, Code: w.Code(key), IP: ip})).Secret
	for range 30 {
		w.try("kacho", "wrong", "")
	}
	_, err := w.s.SignIn(t.Context(), account.Credentials{Name: "kacho", Password: good, Code: w.Code(key), IP: ip})
	refused(t, "the name is locked", err, account.ErrTooMany)
	w.Wait(time.Minute)
	p = w.again(secret)
	st, err := w.s.StepUp(t.Context(), p, "", w.Code(key))
	if err != nil {
		t.Fatal("the person's own session:", err)
	}
	p = st.Principal
	for n := range account.MaxProofs {
		_, err := w.s.StepUp(t.Context(), p, "", "000000")
		refused(t, "a guess", err, account.ErrCredentials)
		if _, err := w.s.Authenticate(t.Context(), st.Secret, ip); (err == nil) != (n+1 < account.MaxProofs) {
			t.Errorf("after %d guesses: %v", n+1, err)
		}
	}
	w.recorded("auth.failed failure wrong_code", "session.revoked denied too_many_attempts")
	w.Wait(time.Minute)
	_, err = w.s.StepUp(t.Context(), p, "", w.Code(key))
	refused(t, "the right code, too late", err, account.ErrSession)
	if _, err := w.s.StepUp(t.Context(), w.again(another), "", w.Code(key)); err != nil {
		t.Error("another session of the person:", err)
	}
}

// TestGuessesOfAFirstCode: they count as well, and a right one sets the count back.
func TestGuessesOfAFirstCode(t *testing.T) {
	w := newWorld(t)
	w.user("kacho", account.Approver)
	st := w.SignIn("kacho", good)
	if _, _, err := w.s.BeginFactor(t.Context(), st.Principal); err != nil {
		t.Fatal(err)
	}
	for range account.MaxProofs {
		_, err := w.s.ConfirmFactor(t.Context(), st.Principal, "000000", false)
		refused(t, "a guess", err, account.ErrCode)
	}
	_, err := w.s.ConfirmFactor(t.Context(), st.Principal, "000000", false)
	refused(t, "one too many", err, account.ErrSession)
	_, err = w.s.Authenticate(t.Context(), st.Secret, ip)
	refused(t, "the session", err, account.ErrSession)
}

// TestTokensEndWithTheSecret: a new password or another factor ends the API tokens,
// unless the person keeps them.
func TestTokensEndWithTheSecret(t *testing.T) {
	acts := map[string]func(w *world, p account.Principal, keep bool) (int, error){
		"password": func(w *world, p account.Principal, keep bool) (int, error) {
			st, err := w.s.ChangePassword(t.Context(), p, account.PasswordChange{Old: good, New: other, KeepTokens: keep})
			return st.TokensEnded, err
		},
		"a new factor": func(w *world, p account.Principal, keep bool) (int, error) {
			typed, _, err := w.s.BeginFactor(t.Context(), p)
			if err != nil {
				return 0, err
			}
			e, err := w.s.ConfirmFactor(t.Context(), p, w.Code(accounttest.DecodeKey(t, typed)), keep)
			return e.TokensEnded, err
		},
		"no factor": func(w *world, p account.Principal, keep bool) (int, error) {
			w.enrol(p)
			// What was made before the factor has ended with it: one more, as there was.
			if _, _, err := w.s.NewToken(t.Context(), w.fresh(p), "読む", []account.Capability{account.ReadItems}, w.Now().Add(time.Hour)); err != nil {
				return 0, err
			}
			return w.s.RemoveFactor(t.Context(), w.fresh(p), keep)
		},
	}
	for name, act := range acts {
		for _, keep := range []bool{false, true} {
			w := newWorld(t)
			w.user("yamada", account.Staff)
			p := w.SignIn("yamada", good).Principal
			_, secret, err := w.s.NewToken(t.Context(), p, "読む", []account.Capability{account.ReadItems}, w.Now().Add(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			n, err := act(w, p, keep)
			if err != nil || (n == 1) == keep {
				t.Errorf("%s, keep %v: %d ended, %v", name, keep, n, err)
			}
			_, err = w.s.AuthenticateToken(t.Context(), secret, ip)
			if name != "no factor" && (err == nil) != keep {
				t.Errorf("%s, keep %v: the token: %v", name, keep, err)
			}
		}
	}
}
