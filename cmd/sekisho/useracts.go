package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"sekisho/gateway/account"
)

// namedArgs is a command about one account.
type namedArgs struct {
	actorArgs
	Name string `arg:"" help:"ログイン名 / name for signing in"`
}

// errWaits says that what was asked for waits for a second person.
var errWaits = errors.New("it waits for a second person")

// orWaits says what waits.
func orWaits(e env, waits *account.Proposal, err error) error {
	if err == nil && waits != nil {
		sayWaits(e, waits)
		err = errWaits
	}
	return err
}

// act finds the account and says what was done.
func (a namedArgs) act(e env, done string, f func(*account.Service, account.Principal, account.User) error) error {
	return a.withActor(e, func(s *account.Service, p account.Principal) error {
		u, err := s.UserNamed(e.ctx, p, a.Name)
		if err != nil {
			return err
		}
		if err := f(s, p, u); errors.Is(err, errWaits) {
			return nil // nothing was done yet, and who asked was told
		} else if err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "%s: %s\n", u.Name, done)
		return nil
	})
}

type userDisableCmd struct{ namedArgs }

// Run disables an account.
func (c *userDisableCmd) Run(e env) error {
	return c.act(e, "止めました / disabled", func(s *account.Service, p account.Principal, u account.User) error {
		_, err := s.Disable(e.ctx, p, u.ID, u.Version)
		return err
	})
}

type userEnableCmd struct{ namedArgs }

// Run enables an account again.
func (c *userEnableCmd) Run(e env) error {
	return c.act(e, "戻しました / enabled", func(s *account.Service, p account.Principal, u account.User) error {
		_, err := s.Enable(e.ctx, p, u.ID, u.Version)
		return err
	})
}

type userUnlockCmd struct{ namedArgs }

// Run unlocks an account.
func (c *userUnlockCmd) Run(e env) error {
	return c.act(e, "ロックを外しました / unlocked", func(s *account.Service, p account.Principal, u account.User) error {
		return s.Unlock(e.ctx, p, u.ID)
	})
}

type userResetFactorCmd struct{ namedArgs }

// Run takes a second factor away.
func (c *userResetFactorCmd) Run(e env) error {
	return c.act(e, "認証アプリの登録を消しました。次のログインで登録し直します / second factor removed", func(s *account.Service, p account.Principal, u account.User) error {
		out, err := s.ResetFactor(e.ctx, p, u.ID, u.Version)
		return orWaits(e, out.Waits, err)
	})
}

type userResetPassCmd struct{ namedArgs }

// Run gives a password by chance.
func (c *userResetPassCmd) Run(e env) error {
	return c.act(e, "仮のパスワードにしました。次のログインで本人が変えます / must be changed at the first sign-in",
		func(s *account.Service, p account.Principal, u account.User) error {
			out, err := s.ResetPassword(e.ctx, p, u.ID, u.Version)
			if err = orWaits(e, out.Waits, err); err == nil {
				fmt.Fprintln(e.stdout, out.Password)
			}
			return err
		})
}

type userGrantCmd struct {
	namedArgs
	Role string `arg:"" help:"役割 / role"`
}

// Run gives a role.
func (c *userGrantCmd) Run(e env) error {
	return c.act(e, "与えました / granted", func(s *account.Service, p account.Principal, u account.User) error {
		_, waits, err := s.Grant(e.ctx, p, u.ID, u.Version, account.Role(c.Role))
		return orWaits(e, waits, err)
	})
}

type userRevokeCmd struct {
	namedArgs
	Role string `arg:"" help:"役割 / role"`
}

// Run takes a role away.
func (c *userRevokeCmd) Run(e env) error {
	return c.act(e, "外しました / revoked", func(s *account.Service, p account.Principal, u account.User) error {
		_, err := s.Revoke(e.ctx, p, u.ID, u.Version, account.Role(c.Role))
		return err
	})
}

type userConfirmCmd struct {
	actorArgs
	ID string `arg:"" help:"申し出の番号 / id of the proposal"`
}

// Run confirms a proposal as an administrator, who signs in for it.
func (c *userConfirmCmd) Run(e env) error {
	if c.stranger() {
		return errNeedsAccount{"確認"}
	}
	return c.withActor(e, func(s *account.Service, p account.Principal) error {
		out, err := s.Confirm(e.ctx, p, c.ID)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "%s: %v\n", out.Name, out.Roles)
		if out.Password != "" {
			fmt.Fprintln(e.stdout, out.Password)
		}
		return nil
	})
}

type userImportCmd struct {
	accountArgs
	File   string `arg:"" help:"CSV: ログイン名,氏名,所属,メールアドレス,役割" type:"existingfile"`
	DryRun bool   `help:"何が起きるかだけを表示する / only say what would be done"`
}

// Run imports a list. Exit 1: a row is at fault, and nothing was done.
func (c *userImportCmd) Run(e env) error {
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, account.MaxImport+1))
	if err != nil {
		return fmt.Errorf("read %s: %w", c.File, err)
	}
	return c.withAccounts(e.ctx, func(s *account.Service, p account.Principal) error {
		rows, err := account.ParseImport(text)
		if err != nil {
			return err
		}
		done, err := s.Import(e.ctx, p, rows, c.DryRun)
		if err != nil {
			return err
		}
		bad := false
		for _, r := range done {
			line := fmt.Sprintf("%d: %s: %s", r.Line, r.Name, r.Action)
			if r.Action == account.ImportError {
				bad = true
				line += " " + string(r.Error) + " " + refusalTexts[r.Error]
			}
			fmt.Fprintln(e.stdout, line)
		}
		switch {
		case bad:
			fmt.Fprintln(e.stderr, "誤りのある行があるので、何も変えていません / nothing was changed")
			return exitHeld
		case c.DryRun:
			fmt.Fprintln(e.stderr, "試行です。何も変えていません / dry run, nothing was changed")
		}
		return nil
	})
}

type userDepartmentCmd struct {
	accountArgs
	ID   string `arg:"" help:"課のID（a-z 0-9 -）/ id"`
	Name string `arg:"" help:"課の名前 / name"`
}

// Run makes or renames a department.
func (c *userDepartmentCmd) Run(e env) error {
	return c.withAccounts(e.ctx, func(s *account.Service, p account.Principal) error {
		if err := s.PutDepartment(e.ctx, p, account.Department{ID: c.ID, Name: c.Name}); err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "%s: %s\n", c.ID, c.Name)
		return nil
	})
}
