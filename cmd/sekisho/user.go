package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"sekisho/gateway/account"
	"sekisho/gateway/config"
	"sekisho/gateway/store/sqlite"
)

// userCmd is about accounts. Who sits at the machine is an actor of their own,
// who may write accounts; that is how the first administrator comes about.
// Passwords are read from standard input, never from the command line, where
// every user of the machine would see them.
type userCmd struct {
	Add           userAddCmd         `cmd:"" help:"アカウントを作る（パスワードは標準入力から）/ make an account; password on standard input"`
	List          userListCmd        `cmd:"" help:"アカウントの一覧 / list accounts"`
	Disable       userDisableCmd     `cmd:"" help:"止める（セッションも終わります）/ disable, ends sessions"`
	Enable        userEnableCmd      `cmd:"" help:"止めたアカウントを戻す / enable again"`
	Unlock        userUnlockCmd      `cmd:"" help:"ロックを外す / unlock"`
	ResetFactor   userResetFactorCmd `cmd:"" help:"失くした認証アプリの登録を消す（職員のほかは二人目の確認が要ります）/ take a lost second factor away"`
	ResetPassword userResetPassCmd   `cmd:"" help:"仮のパスワードを発行する（職員のほかは二人目の確認が要ります）/ give a password by chance"`
	Grant         userGrantCmd       `cmd:"" help:"役割を与える（承認者、隔離管理者、監査者は二人目の確認が要ります）/ give a role; approver, admin and auditor need a second person"`
	Revoke        userRevokeCmd      `cmd:"" help:"役割を外す / take a role away"`
	Confirm       userConfirmCmd     `cmd:"" help:"申し出を、二人目の隔離管理者として確認する / confirm as the second person"`
	Import        userImportCmd      `cmd:"" help:"CSV の一覧を取り込む / import a CSV list"`
	Department    userDepartmentCmd  `cmd:"" help:"課を作る・名前を変える / make or rename a department"`
}

// accountArgs open the accounts of a configuration's ledger.
type accountArgs struct{ ledgerArgs }

func (a accountArgs) withAccounts(ctx context.Context, f func(*account.Service, account.Principal) error) error {
	return a.withLedger(ctx, func(cfg config.Config, l *sqlite.Ledger) error {
		s, err := openAccounts(ctx, cfg, l)
		if err != nil {
			return err
		}
		return explained(f(s, account.Console(osUser())))
	})
}

// actorArgs are accountArgs of what may take two persons: who acts is the user of
// the machine, or an administrator who signs in for it.
type actorArgs struct {
	accountArgs
	asArgs
}

// withActor gives the accounts with who acts.
func (a actorArgs) withActor(e env, f func(*account.Service, account.Principal) error) error {
	return a.withAccounts(e.ctx, func(s *account.Service, p account.Principal) error {
		if a.stranger() {
			return f(s, p)
		}
		return a.signedIn(e, s, "sekisho user", func(p account.Principal) error { return f(s, p) })
	})
}

// refusalTexts are the refusals that the command line meets, for people.
// Nothing writes to it.
var refusalTexts = map[account.Refusal]string{
	account.ErrNotFound: "見つかりません", account.ErrExists: "その名前はすでにあります", account.ErrName: "名前に使えない文字があるか、長さが合いません",
	account.ErrMail: "メールアドレスが正しくありません", account.ErrDepartment: "その課はありません。先に sekisho user department で作ってください",
	account.ErrRole: "役割が正しくありません: staff approver admin auditor operator", account.ErrRolesExclude: "監査者は、隔離管理者や運用者を兼ねられません",
	account.ErrTwoAdmins: "隔離管理者二人が、それぞれのアカウントで行ってください。一人が --as ログイン名 で申し出て、もう一人が sekisho user confirm で確認します",
	account.ErrUnchanged: "今のパスワードと同じです",
	account.ErrLastAdmin: "最後の隔離管理者は外せません", account.ErrShort: "パスワードが短すぎます（15 文字以上。認証アプリも使う役割は 8 文字以上）",
	account.ErrLong: "パスワードが長すぎます", account.ErrListed: "よく使われるパスワードのため、使えません",
	account.ErrOwnWords: "名前や団体名だけのパスワードは使えません", account.ErrSamePerson: "申し出た人とは別の隔離管理者が確認してください",
	account.ErrConflict: "すでにその状態です", account.ErrImport: "利用者の一覧として読めません", account.ErrFactorAbsent: "認証アプリは登録されていません",
	account.ErrCredentials: "ログイン名、パスワード、確認コードのいずれかが違います", account.ErrFactor: "確認コードが要ります",
	account.ErrTooMany: "続けて失敗したため、しばらく受け付けません", account.ErrLocked: "ロックされています", account.ErrDenied: "権限がありません",
	account.ErrPeriod: "期限が過ぎています", account.ErrEnrolFactor: "先に認証アプリを登録してください", account.ErrNewPassword: "先に新しいパスワードを決めてください",
}

// explained puts the Japanese of a refusal before its code.
func explained(err error) error {
	var r account.Refusal
	if errors.As(err, &r) || errors.As(err, new(account.Wait)) {
		if r == "" {
			r = account.ErrTooMany
		}
		if text := refusalTexts[r]; text != "" {
			return fmt.Errorf("%s / %w", text, err)
		}
	}
	return err
}

// maxSecretLine bounds what is read of standard input for a secret.
const maxSecretLine = 4096

// secretLine reads one line of standard input.
func secretLine(e env, r io.Reader, prompt string) (string, error) {
	if f, ok := r.(*os.File); ok {
		if st, err := f.Stat(); err == nil && st.Mode()&os.ModeCharDevice != 0 {
			fmt.Fprint(e.stderr, prompt)
			restore, err := quiet(f)
			if err != nil {
				return "", err
			}
			defer restore()
			defer fmt.Fprintln(e.stderr)
		}
	}
	var line []byte
	one := make([]byte, 1) // not a byte further: the next secret is another line
	for len(line) < maxSecretLine {
		n, err := r.Read(one)
		if n == 1 && one[0] == '\n' || errors.Is(err, io.EOF) {
			return strings.TrimSuffix(string(line), "\r"), nil
		}
		if err != nil {
			return "", fmt.Errorf("read standard input: %w", err)
		}
		line = append(line, one[:n]...)
	}
	return "", errors.New("標準入力の行が長すぎます / the line is too long")
}

type userAddCmd struct {
	actorArgs
	Name       string   `arg:"" help:"ログイン名 / name for signing in"`
	Display    string   `help:"氏名。なければログイン名 / as people are shown it" placeholder:"NAME"`
	Dept       string   `help:"課のID / id of the department" placeholder:"ID"`
	Mail       []string `help:"メールアドレス（複数可）/ mailboxes" placeholder:"ADDRESS"`
	Role       []string `help:"役割: staff, approver, admin, auditor, operator" default:"staff" placeholder:"ROLE"`
	NoPassword bool     `help:"パスワードなしで作る（後で reset-password）/ without a password for now"`
}

// Run makes an account.
func (c *userAddCmd) Run(e env) error {
	return c.withActor(e, func(s *account.Service, p account.Principal) error {
		n := account.NewUser{Name: c.Name, Display: c.Display, Dept: c.Dept, Addresses: c.Mail}
		if n.Display == "" {
			n.Display = c.Name
		}
		for _, r := range c.Role {
			n.Roles = append(n.Roles, account.Role(r))
		}
		if !c.NoPassword {
			var err error
			if n.Password, err = secretLine(e, e.stdin(), "パスワード / password: "); err != nil {
				return err
			}
		}
		u, waits, err := s.AddUser(e.ctx, p, n)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "%s を作りました / made %s\n", u.Name, u.ID)
		sayWaits(e, waits)
		return nil
	})
}

func sayWaits(e env, p *account.Proposal) {
	if p == nil {
		return
	}
	fmt.Fprintf(e.stdout, "別の隔離管理者の確認を待っています / it waits for a second administrator\n"+
		"  sekisho user confirm %s --as ログイン名\n", p.ID)
}

type userListCmd struct {
	accountArgs
	JSON bool `help:"一行に一件の JSON / one JSON object per line"`
}

// accountJSON is an account as scripts read it: no secret, no digest of one.
type accountJSON struct {
	ID        string         `json:"id"`
	Name      string         `json:"name"`
	Display   string         `json:"display"`
	Dept      string         `json:"dept,omitempty"`
	Addresses []string       `json:"addresses,omitempty"`
	Roles     []account.Role `json:"roles"`
	State     string         `json:"state"`
	Factor    bool           `json:"second_factor"`
	LastSign  string         `json:"last_sign_in,omitempty"`
}

func accountToJSON(u account.User) accountJSON {
	j := accountJSON{ID: u.ID, Name: u.Name, Display: u.Display, Dept: u.Dept, Addresses: u.Addresses, Roles: u.Roles, State: string(u.State), Factor: u.Factor.Confirmed}
	if !u.LastSignIn.IsZero() {
		j.LastSign = u.LastSignIn.Format("2006-01-02T15:04:05Z07:00")
	}
	return j
}

// Run lists accounts.
func (c *userListCmd) Run(e env) error {
	return c.withAccounts(e.ctx, func(s *account.Service, p account.Principal) error {
		t := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
		if !c.JSON {
			fmt.Fprintln(t, "ログイン名\t氏名\t課\t役割\t状態\t認証アプリ\t最終ログイン")
		}
		const pageSize = 500
		for after := ""; ; {
			list, err := s.Users(e.ctx, p, account.UserQuery{After: after, Limit: pageSize})
			if err != nil {
				return err
			}
			for _, u := range list {
				after = u.Name
				if c.JSON {
					continue
				}
				j := accountToJSON(u)
				fmt.Fprintf(t, "%s\t%s\t%s\t%v\t%s\t%v\t%s\n", j.Name, j.Display, j.Dept, j.Roles, j.State, j.Factor, j.LastSign)
			}
			if c.JSON {
				if err := jsonLines(e.stdout, list, accountToJSON); err != nil {
					return err
				}
			}
			if len(list) < pageSize {
				return t.Flush()
			}
		}
	})
}

func (env) stdin() io.Reader { return os.Stdin }
