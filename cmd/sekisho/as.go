package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"sekisho/gateway/account"
	"sekisho/gateway/api"
	"sekisho/gateway/config"
	"sekisho/gateway/desk"
	"sekisho/gateway/store/sqlite"
)

// asArgs say with whose account a step is taken. The person signs in for the one
// step; nothing of it stays on the machine.
type asArgs struct {
	As          string `help:"自分のアカウントのログイン名。パスワードと確認コードを入力します / sign in with this account: password and code, a line each" placeholder:"NAME"`
	Credentials string `help:"パスワードと確認コードを一行ずつ書いたファイル。なければ標準入力 / file with password and code, a line each; default standard input" placeholder:"FILE"`
}

// stranger reports whether nobody signs in.
func (a asArgs) stranger() bool { return a.As == "" }

// read returns what the person types, or what their file says. A file that
// others can read is refused: it is a password.
func (a asArgs) read(e env) (password, code string, err error) {
	in := e.stdin()
	if a.Credentials != "" {
		f, err := os.Open(a.Credentials)
		if err != nil {
			return "", "", fmt.Errorf("--credentials: %w", err)
		}
		defer f.Close()
		s, err := f.Stat()
		switch {
		case err != nil:
			return "", "", fmt.Errorf("--credentials: %w", err)
		case s.Mode().IsRegular() && s.Mode().Perm()&0o077 != 0:
			return "", "", fmt.Errorf("--credentials: ほかの利用者も読めるファイルです。chmod 600 %s を実行してください / others can read the file", a.Credentials)
		}
		in = f
	}
	if password, err = secretLine(e, in, "パスワード / password: "); err != nil {
		return "", "", err
	}
	code, err = secretLine(e, in, "確認コード / code: ")
	return password, code, err
}

// signedIn runs f as the person, who signs in for it and out again.
func (a asArgs) signedIn(e env, s *account.Service, agent string, f func(account.Principal) error) error {
	password, code, err := a.read(e)
	if err != nil {
		return err
	}
	st, err := s.SignIn(e.ctx, account.Credentials{Name: a.As, Password: password, Code: code, Agent: agent})
	if err != nil {
		return err
	}
	err = f(st.Principal)
	// What was done stays done; a person who took themselves out has no session left.
	if end := s.SignOut(context.WithoutCancel(e.ctx), st.Principal); err == nil && !errors.Is(end, account.ErrNotFound) {
		err = end
	}
	return err
}

// visit is the desk of one command, and who stands at it.
type visit struct {
	desk.Desk
	person   desk.Person
	accounts *account.Service // nil for the user of the machine
}

// atDesk opens the desk for f: as an account when one is named, which must have
// the capability, else as the user of the machine.
func (a asArgs) atDesk(e env, l ledgerArgs, can account.Capability, f func(visit, *sqlite.Ledger) error) error {
	return l.withLedger(e.ctx, func(cfg config.Config, ledger *sqlite.Ledger) error {
		d := newDesk(cfg, ledger)
		if a.stranger() {
			return explain(f(visit{Desk: d, person: console()}, ledger))
		}
		s, err := openAccounts(e.ctx, cfg, ledger)
		if err != nil {
			return err
		}
		return explained(a.signedIn(e, s, "sekisho command line", func(p account.Principal) error {
			if _, err := p.Reach(can, s.Now()); err != nil {
				return err
			}
			d.People = desk.Roster{Accounts: s}
			return explain(f(visit{Desk: d, person: api.Person(p), accounts: s}, ledger))
		}))
	})
}

// departmentOf is whose approver decides about the mail of a recipient.
func (c visit) departmentOf(ctx context.Context, recipient string) (string, error) {
	if c.accounts == nil {
		return consoleDept, nil
	}
	return c.accounts.DepartmentOf(ctx, recipient)
}

// openAccounts opens the accounts of a ledger as a command does.
func openAccounts(ctx context.Context, cfg config.Config, l *sqlite.Ledger) (*account.Service, error) {
	s, err := accountService(cfg, l.Accounts(), commandScribe())
	if err != nil {
		return nil, err
	}
	_, err = s.SealFactors(ctx)
	return s, err
}

func newDesk(cfg config.Config, l *sqlite.Ledger) desk.Desk {
	return desk.Desk{Ledger: l, Scribe: commandScribe(), Rules: releaseRules(cfg), Policy: editionOf(l)}
}
