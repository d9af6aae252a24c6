package account_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sekisho/gateway/account"
)

// TestKnownBrowser: strangers can lock a name for themselves and for browsers that
// nobody knows, but not for one that has signed in by it before.
func TestKnownBrowser(t *testing.T) {
	w := newWorld(t)
	p, key := w.signIn(w.user("kacho", account.Approver), good)
	enter := func(password, browser, from string) (account.Started, error) {
		w.Wait(30 * time.Second)
		return w.s.SignIn(t.Context(), account.Credentials{Name: "kacho", Password: password, Code: w.Code(key), IP: from, Browser: browser})
	}
	known := w.must(enter(good, "", ip)).Browser
	for range account.HardCap { // from everywhere, for as long as it takes
		w.try("kacho", "wrong", "")
		w.Wait(account.LockTime)
	}
	_, err := enter(good, "", "198.51.100.1")
	refused(t, "a browser that nobody knows", err, account.ErrLocked)
	for name, forged := range map[string]string{
		"no digest":   strings.Split(known, ".")[0],
		"another":     "x" + known,
		"its digest":  "." + strings.Split(known, ".")[1],
		"too long":    known + strings.Repeat("x", 300),
		"not base64":  strings.Split(known, ".")[0] + ".?",
		"of no mark":  "." + strings.Repeat("A", 43),
		"cut":         known[:len(known)-2],
		"with spaces": " " + known,
	} {
		_, err := enter(good, forged, "198.51.100.1")
		refused(t, name, err, account.ErrLocked)
	}
	st := w.must(enter(good, known, ip))
	if st.Browser == known || st.Browser == "" {
		t.Error("the mark is not renewed")
	}
	// Its own failures count, in its own row, and end as others do.
	for range account.HardCap {
		w.Wait(account.LockTime)
		_, err := enter("wrong", known, ip)
		refused(t, "a wrong password", err, account.ErrCredentials)
	}
	w.Wait(account.LockTime)
	_, err = enter(good, known, ip)
	refused(t, "no better known than others", err, account.ErrLocked)
	w.must(enter(good, st.Browser, ip))
	if err := w.s.Unlock(t.Context(), console, p.User.ID); err != nil {
		t.Fatal(err)
	}
	w.must(enter(good, "", ip))
}

// TestBrowserOfAnother: what a browser keeps is for one name, and an address that
// was closed by others is open to it.
func TestBrowserOfAnother(t *testing.T) {
	w := newWorld(t)
	w.user("yamada", account.Staff)
	w.user("suzuki", account.Staff)
	known := w.SignIn("yamada", good).Browser
	for n := range 40 { // of a shared address
		w.try(fmt.Sprintf("nobody%d", n), "x", "")
	}
	enter := func(name string) error {
		_, err := w.s.SignIn(t.Context(), account.Credentials{Name: name, Password: good, IP: ip, Browser: known})
		return err
	}
	refused(t, "another's browser", enter("suzuki"), account.ErrTooMany)
	if err := enter("ＹＡＭＡＤＡ"); err != nil {
		t.Error(err)
	}
}

// TestLockedNames: the record of a lock names an account, and what nobody has as a
// name not at all, not even so that it can be guessed.
func TestLockedNames(t *testing.T) {
	w := newWorld(t)
	u := w.user("yamada", account.Staff)
	for _, name := range []string{"yamada", "himitsu-no-password"} {
		for range 10 {
			w.try(name, "wrong", "")
			w.Wait(time.Minute + 4*time.Second)
		}
	}
	e := w.Events("auth.locked")
	if len(e) != 2 || e[0].Object.ID != u.ID || e[1].Object.ID != "" || e[1].Change.After != "10" {
		t.Errorf("%+v", e)
	}
	if w.onDisk([]byte("himitsu-no-password")) {
		t.Error("what was typed lies in the ledger")
	}
}
