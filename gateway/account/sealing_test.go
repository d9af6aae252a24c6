package account_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sekisho/gateway"
	"sekisho/gateway/account"
	"sekisho/gateway/account/accounttest"
)

// raw runs a statement on the ledger's file, as somebody with the disk can.
func (w *world) raw(query string, args ...any) {
	w.T.Helper()
	db, err := sql.Open("sqlite", w.l.File())
	if err != nil {
		w.T.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(query, args...); err != nil {
		w.T.Fatal(err)
	}
}

// stored is the factor of a user as it lies in the ledger.
func (w *world) stored(u account.User) []byte {
	w.T.Helper()
	var key []byte
	err := w.l.Accounts().View(w.T.Context(), func(r account.Reader) error {
		now, err := r.User(u.ID)
		key = now.Factor.Sealed
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return key
}

// onDisk reports whether bytes stand in any file of the ledger.
func (w *world) onDisk(b []byte) bool {
	w.T.Helper()
	files, err := filepath.Glob(w.l.File() + "*")
	if err != nil || len(files) == 0 {
		w.T.Fatal(files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			w.T.Fatal(err)
		}
		if bytes.Contains(text, b) {
			return true
		}
	}
	return false
}

// enters reports whether a code of the key opens a session.
func (w *world) enters(s *account.Service, u account.User, key []byte) error {
	w.T.Helper()
	w.Wait(time.Hour)
	_, err := s.SignIn(w.T.Context(), account.Credentials{Name: u.Name, Password: good, Code: w.Code(key), IP: ip})
	return err
}

// TestCopiedLedgerHasNoFactor: the key is nowhere in the ledger's files, and a
// ledger without the office's key takes no code.
func TestCopiedLedgerHasNoFactor(t *testing.T) {
	w := newWorld(t)
	u := w.user("yamada", account.Approver)
	_, key := w.signIn(u, good)
	if sealed := w.stored(u); bytes.Contains(sealed, key) || len(sealed) != 1+8+12+20+16 {
		t.Errorf("stored: %x", sealed)
	}
	if w.onDisk(key) {
		t.Error("the key lies on the disk")
	}
	if err := w.enters(w.s, u, key); err != nil {
		t.Errorf("with the office's key: %v", err)
	}
	thief := w.Service(w.l.Accounts(), "another key of theirs")
	if err := w.enters(thief, u, key); err == nil || errors.Is(err, account.ErrCredentials) {
		t.Errorf("with another key: %v", err)
	}
	if _, err := account.New(account.Config{Store: w.l.Accounts(), Scribe: w.Scribe()}); err == nil {
		t.Error("a service without a key")
	}
}

// TestSwappedFactor: whoever can write to the ledger puts their own factor into
// another's row, and gets nowhere; a recovery code goes on to work.
func TestSwappedFactor(t *testing.T) {
	w := newWorld(t)
	mine, theirs := w.user("yamada", account.Staff), w.user("kacho", account.Approver)
	_, key := w.signIn(mine, good)
	st := w.SignIn(theirs.Name, good)
	typed, _, err := w.s.BeginFactor(t.Context(), st.Principal)
	if err != nil {
		t.Fatal(err)
	}
	e, err := w.s.ConfirmFactor(t.Context(), st.Principal, w.Code(accounttest.DecodeKey(t, typed)), false)
	codes := e.Codes
	if err != nil {
		t.Fatal(err)
	}
	w.raw(`UPDATE users SET factor_secret = ?, factor_step = 0 WHERE id = ?`, w.stored(mine), theirs.ID)
	if err := w.enters(w.s, theirs, key); err == nil {
		t.Error("another's factor opens a session")
	}
	w.raw(`UPDATE users SET factor_secret = ? WHERE id = ?`, key, theirs.ID) // in clear
	if err := w.enters(w.s, theirs, key); err == nil {
		t.Error("a factor in clear opens a session")
	}
	w.Wait(time.Hour)
	if _, err := w.s.SignIn(t.Context(), account.Credentials{Name: theirs.Name, Password: good, Code: codes[0], IP: ip}); err != nil {
		t.Errorf("a recovery code: %v", err)
	}
	w.raw(`UPDATE users SET factor_secret = x'' , factor_confirmed = 0 WHERE id = ?`, theirs.ID)
}

// TestFactorsOfBefore: what an earlier version left in clear is sealed once, with
// a record; nothing in clear is taken afterwards, and none is left on the disk.
func TestFactorsOfBefore(t *testing.T) {
	w := newWorld(t)
	u := w.user("yamada", account.Approver)
	_, key := w.signIn(u, good)
	w.user("sato", account.Staff) // has none
	w.raw(`UPDATE users SET factor_secret = ? WHERE id = ?`, key, u.ID)
	if !w.onDisk(key) {
		t.Fatal("this test does not see the key")
	}
	for _, want := range []account.Sealed{{Clear: 1}, {}} { // schema 4 has marked the ledger
		got, err := w.s.SealFactors(t.Context())
		if err != nil || got != want {
			t.Fatalf("%+v %v, want %+v", got, err, want)
		}
	}
	if w.onDisk(key) {
		t.Error("the key still lies on the disk")
	}
	if err := w.enters(w.s, u, key); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if got := w.Events("key.rotated"); len(got) != 1 || got[0].Change.Before != "1 in clear, 0 of earlier keys" || got[0].Change.After != "1 sealed" {
		t.Errorf("records: %+v", got)
	}
	w.raw(`UPDATE users SET factor_secret = ? WHERE id = ?`, key, u.ID)
	if got, err := w.s.SealFactors(t.Context()); err != nil || got != (account.Sealed{Lost: 1}) {
		t.Errorf("planted later: %+v %v", got, err)
	}
	if err := w.enters(w.s, u, key); err == nil {
		t.Error("a factor planted in clear opens a session")
	}
	w.raw(`UPDATE users SET factor_secret = x'', factor_confirmed = 0 WHERE id = ?`, u.ID)
}

// TestSealingKeyIsRotated: after the start with a new key the old one is not
// needed any more.
func TestSealingKeyIsRotated(t *testing.T) {
	w := newWorld(t)
	u := w.user("yamada", account.Approver)
	_, key := w.signIn(u, good)
	if _, err := w.s.SealFactors(t.Context()); err != nil {
		t.Fatal(err)
	}
	both := w.Service(w.l.Accounts(), "the next key of the office", "the key of the office")
	if err := w.enters(both, u, key); err != nil {
		t.Errorf("before it is sealed anew: %v", err)
	}
	for _, want := range []account.Sealed{{Renewed: 1}, {}} {
		if got, err := both.SealFactors(t.Context()); err != nil || got != want {
			t.Errorf("%+v %v, want %+v", got, err, want)
		}
	}
	if err := w.enters(w.Service(w.l.Accounts(), "the next key of the office"), u, key); err != nil {
		t.Errorf("with the new key alone: %v", err)
	}
	if got, err := w.s.SealFactors(t.Context()); err != nil || got != (account.Sealed{Lost: 1}) {
		t.Errorf("with the old key alone: %+v %v", got, err)
	}
}

// TestSealingNeedsTheLog: nothing is sealed without its record, and a failure
// leaves all as it was.
func TestSealingNeedsTheLog(t *testing.T) {
	w := newWorld(t)
	u := w.user("yamada", account.Approver)
	_, key := w.signIn(u, good)
	w.raw(`UPDATE users SET factor_secret = ? WHERE id = ?`, key, u.ID)
	sick := w.Service(silent{w.l.Accounts()}, "the key of the office")
	if _, err := sick.SealFactors(t.Context()); err == nil {
		t.Error("sealed without a record")
	}
	if !bytes.Equal(w.stored(u), key) {
		t.Error("it was changed")
	}
	if got, err := w.s.SealFactors(t.Context()); err != nil || got.Clear != 1 {
		t.Errorf("%+v %v", got, err)
	}
}

// silent is a store whose records are lost.
type silent struct{ account.Store }

func (s silent) Do(ctx context.Context, f func(account.Tx) error) error {
	return s.Store.Do(ctx, func(tx account.Tx) error { return f(mute{tx}) })
}

type mute struct{ account.Tx }

func (m mute) FactorsSealed(...gateway.Record) error { return m.Tx.FactorsSealed() }
