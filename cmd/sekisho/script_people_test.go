package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sekisho/gateway"
	"sekisho/gateway/account"
	"sekisho/gateway/config"
	"sekisho/gateway/store/sqlite"
)

// asScript is the program "as" of a story: as NAME PROGRAM ARG… runs the program
// with NAME's account. Each recovery code is a file below $PEOPLE and serves once.
const asScript = `#!/bin/sh
set -e
who=$1
shift
for code in "$PEOPLE/$who"-*; do
	[ -f "$code" ] || { echo "$who has no code left; the story needs: person $who" >&2; exit 9; }
	break
done
status=0
"$@" --as "$who" --credentials "$code" || status=$?
rm "$code"
exit $status
`

// storyPassword is everybody's own; firstPassword is what they are given.
const storyPassword, firstPassword = "正しい馬の電池とホチキスを留める", "はじめにわたされるながいことば"

// writeAs makes the program "as" in the folder of the binary.
func writeAs(dir string) error {
	return os.WriteFile(filepath.Join(dir, "as"), []byte(asScript), 0o700)
}

// personCommand handles person NAME [ROLE [ADDRESS]]: makes an account of 税務課
// with its second factor set up, and its codes for "as". Without a role it gives
// ten new codes to one that exists.
func personCommand(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 1 || len(args) > 3, "person NAME [ROLE [ADDRESS]]")
	cfg, err := config.Load(ts.Getenv("CONFIG"), []string{"SEKISHO_STORAGE_MIN_FREE=16MB"})
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	l, err := sqlite.Open(ctx, filepath.Join(cfg.Storage.Dir, "ledger.db"))
	ts.Check(err)
	s, err := openAccounts(ctx, cfg, l)
	ts.Check(err)
	o := office{s, ts.Getenv("PEOPLE")}
	if len(args) == 1 {
		err = o.renew(ctx, args[0])
	} else {
		err = o.join(ctx, args[0], account.Role(args[1]), args[2:])
	}
	ts.Check(errors.Join(err, l.Close()))
}

// office makes the people of a story.
type office struct {
	s   *account.Service
	dir string
}

// firstAdmin confirms those who come after.
const firstAdmin = "kanri"

func (o office) join(ctx context.Context, name string, role account.Role, mail []string) error {
	console := account.Console("story")
	if err := o.s.PutDepartment(ctx, console, account.Department{ID: "zeimu", Name: "税務課"}); err != nil && !errors.Is(err, account.ErrConflict) {
		return fmt.Errorf("department: %w", err)
	}
	u, waits, err := o.s.AddUser(ctx, console, account.NewUser{Name: name, Display: name, Dept: "zeimu", Addresses: mail, Roles: []account.Role{role}, Password: firstPassword})
	if err != nil {
		return fmt.Errorf("add %s: %w", name, err)
	}
	if waits != nil {
		if err := o.confirm(ctx, waits.ID); err != nil {
			return fmt.Errorf("confirm %s: %w", name, err)
		}
	}
	st, err := o.s.SignIn(ctx, account.Credentials{Name: name, Password: firstPassword})
	if err != nil {
		return err
	}
	if st, err = o.s.ChangePassword(ctx, st.Principal, account.PasswordChange{Old: firstPassword, New: storyPassword}); err != nil {
		return fmt.Errorf("password of %s: %w", u.Name, err)
	}
	key, _, err := o.s.BeginFactor(ctx, st.Principal)
	if err != nil {
		return err
	}
	code, err := codeAt(key, time.Now(), 0)
	if err != nil {
		return err
	}
	e, err := o.s.ConfirmFactor(ctx, st.Principal, code, false)
	if err != nil {
		return err
	}
	return o.keep(name, e.Codes)
}

// as signs somebody in with a code of theirs.
func (o office) as(ctx context.Context, name string) (account.Principal, error) {
	files, err := filepath.Glob(filepath.Join(o.dir, name+"-*"))
	if err != nil || len(files) == 0 {
		return account.Principal{}, fmt.Errorf("%s has no code left: %w", name, errors.Join(err, gateway.ErrNotFound))
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		return account.Principal{}, err
	}
	lines := strings.Split(string(text), "\n")
	st, err := o.s.SignIn(ctx, account.Credentials{Name: name, Password: lines[0], Code: lines[1]})
	return st.Principal, errors.Join(err, os.Remove(files[0]))
}

func (o office) confirm(ctx context.Context, proposal string) error {
	p, err := o.as(ctx, firstAdmin)
	if err != nil {
		return err
	}
	_, err = o.s.Confirm(ctx, p, proposal)
	return err
}

func (o office) renew(ctx context.Context, name string) error {
	p, err := o.as(ctx, name)
	if err != nil {
		return err
	}
	codes, err := o.s.RenewRecovery(ctx, p)
	if err != nil {
		return err
	}
	return o.keep(name, codes)
}

// keep writes the files that "as" takes, in the place of earlier ones.
func (o office) keep(name string, codes []string) error {
	old, err := filepath.Glob(filepath.Join(o.dir, name+"-*"))
	for _, f := range old {
		err = errors.Join(err, os.Remove(f))
	}
	for n, c := range codes {
		err = errors.Join(err, os.WriteFile(filepath.Join(o.dir, fmt.Sprintf("%s-%02d", name, n)), []byte(storyPassword+"\n"+c+"\n"), 0o600))
	}
	return err
}

// codeAt is the code of a second factor (RFC 6238), so many steps of thirty
// seconds from now.
func codeAt(key string, now time.Time, steps int64) (string, error) {
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
	if err != nil {
		return "", err
	}
	m := hmac.New(sha1.New, secret)
	var c [8]byte
	binary.BigEndian.PutUint64(c[:], uint64(now.Unix()/30+steps))
	m.Write(c[:])
	h := m.Sum(nil)
	n := binary.BigEndian.Uint32(h[h[19]&15:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1000000), nil
}
