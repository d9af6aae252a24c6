package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sekisho/audit"
	"sekisho/audit/inspection"
	"sekisho/gateway/account"
	"sekisho/gateway/config"
	"sekisho/gateway/store/sqlite"
	"sekisho/sanitize/format"
)

type auditReportCmd struct {
	logArgs
	Month    string        `help:"月。なければ先月 / the month; default the last one" placeholder:"2026-11"`
	Out      string        `help:"書き出すフォルダ / output folder" default:"." type:"path" placeholder:"DIR"`
	Anchors  []string      `help:"記録の外に保管したチェックポイント / checkpoints kept elsewhere" type:"existingfile" placeholder:"FILE" sep:"none"`
	Office   string        `help:"団体の名前。-c があれば設定の名前 / name of the office" placeholder:"NAME"`
	Config   string        `short:"c" help:"設定ファイル。利用者の棚卸しも載せ、作ったことを監査記録に残します / adds the accounts, and records the report" type:"existingfile" placeholder:"FILE"`
	Interval time.Duration `help:"心拍の間隔 / between heartbeats" default:"5m"`
	Zone     string        `help:"月の時間帯 / time zone of the month" default:"Asia/Tokyo" placeholder:"NAME"`
}

// Help says what the files are.
func (auditReportCmd) Help() string {
	return "inspection-2026-11.html（A4で印刷し、署名して保管する）と inspection-2026-11.csv を作ります。通信しません。\n" +
		"終了コード / exit: 0 作った、確認すべきことはない（nothing to look at）, 1 作った、確認すべきことがある（something to look at）, 2 失敗（failure）"
}

// Run makes the monthly self-inspection report.
func (c *auditReportCmd) Run(e env) error {
	in, err := c.input(e)
	if err != nil {
		return err
	}
	r, err := inspection.Collect(e.ctx, in)
	if err != nil {
		return err
	}
	base := filepath.Join(c.Out, "inspection-"+in.Month.Format("2006-01"))
	for _, f := range []struct {
		ending string
		write  func(io.Writer) error
	}{{".html", r.HTML}, {".csv", r.CSV}} {
		if err := withOutput(e, base+f.ending, f.write); err != nil {
			return err
		}
		fmt.Fprintln(e.stdout, base+f.ending)
	}
	fmt.Fprintf(e.stdout, "%s\n控え / anchor: %s\n", in.Verified.JA(), r.Root)
	if c.Config != "" {
		if err := recordAct(e.ctx, c.Config, "audit.verified", verified(in.Verified)); err != nil {
			return err
		}
	}
	if r.Mark() == inspection.Look {
		fmt.Fprintln(e.stdout, "確認すべきことがあります / there is something to look at")
		return exitHeld
	}
	return nil
}

// verified is a verification as a record has it: what was found, of which tree.
func verified(r audit.Report) audit.Change {
	return audit.Change{Path: "log", Before: r.Verdict.String(), After: r.Signed.String()}
}

// input reads everything that the report is made of.
func (c *auditReportCmd) input(e env) (inspection.Input, error) {
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return inspection.Input{}, err
	}
	now := time.Now().In(zone)
	of := time.Date(now.Year(), now.Month()-1, 1, 0, 0, 0, 0, zone)
	if c.Month != "" {
		if of, err = time.ParseInLocation("2006-01", c.Month, zone); err != nil {
			return inspection.Input{}, fmt.Errorf("--month: %.40q は月（2026-11）ではありません / is no month", c.Month)
		}
	}
	v := auditVerifyCmd{Log: c.Log, Key: c.Key, Anchors: c.Anchors, Interval: c.Interval}
	report, err := v.verify(e)
	if err != nil {
		return inspection.Input{}, err
	}
	keys, err := c.keys()
	if err != nil {
		return inspection.Input{}, err
	}
	in := inspection.Input{Log: os.DirFS(c.Log), Verified: report, Origin: keys.Origin(), Month: of, Now: now, Office: c.Office, Reason: reasonJA}
	if c.Config == "" {
		return in, nil
	}
	err = ledgerArgs{Config: c.Config}.withLedger(e.ctx, func(cfg config.Config, l *sqlite.Ledger) error {
		if in.Office == "" {
			in.Office = cfg.Office.Name
		}
		in.Accounts, err = accounts(e.ctx, l)
		return err
	})
	return in, err
}

// reasonJA is a reason code in words, "" for one that is not of the engine.
func reasonJA(code string) string {
	if !slices.Contains(format.Reasons(), format.Reason(code)) {
		return ""
	}
	return format.Reason(code).Text().JA + "ため"
}

// usersAtOnce is how many accounts are read at a time.
const usersAtOnce = 500

// accounts reads the register of accounts.
func accounts(ctx context.Context, l *sqlite.Ledger) ([]inspection.Account, error) {
	list := []inspection.Account{}
	err := l.Accounts().View(ctx, func(r account.Reader) error {
		ds, err := r.Departments()
		if err != nil {
			return err
		}
		names := map[string]string{}
		for _, d := range ds {
			names[d.ID] = d.Name
		}
		for after := ""; ; {
			us, err := r.Users(account.UserQuery{After: after, Limit: usersAtOnce})
			if err != nil {
				return err
			}
			for _, u := range us {
				a := inspection.Account{ID: u.ID, Name: u.Name, Display: u.Display, Dept: names[u.Dept], Active: u.State == account.Active,
					SecondFactor: u.Factor.Confirmed, CreatedAt: u.CreatedAt, LastSignIn: u.LastSignIn}
				for _, role := range u.Roles {
					a.Roles = append(a.Roles, string(role))
				}
				list = append(list, a)
			}
			if len(us) < usersAtOnce {
				return nil
			}
			after = us[len(us)-1].Name
		}
	})
	if err != nil {
		return nil, errors.Join(errors.New("read the accounts"), err)
	}
	return list, nil
}
