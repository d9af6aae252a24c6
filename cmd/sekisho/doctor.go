package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"sekisho/gateway/config"
	"sekisho/gateway/store"
	"sekisho/gateway/store/sqlite"
)

type doctorCmd struct {
	ledgerArgs
	SendTest string        `help:"この宛先に試験のメールを、自分の受け口から送り、届くまで見る / send a test mail through our own intake" placeholder:"ADDRESS"`
	Wait     time.Duration `help:"試験のメールを待つ時間 / how long to wait for it" default:"2m"`
	JSON     bool          `help:"一行に一件の JSON / one JSON object per line"`
}

// Help says what the exit codes mean.
func (doctorCmd) Help() string {
	return "設定、鍵、置き場所、時刻、隔離の壁、中継先、受け口、台帳、監査記録を調べ、足りないものと直し方を示します。\n" +
		"終了コード / exit: 0 問題なし（all good）, 1 直すものがある（findings）, 2 調べられない（could not check）"
}

// grade is what a check found. The zero value is not good.
type grade string

const (
	gradeBad  grade = "bad"  // has to be mended
	gradeNote grade = "note" // worth knowing
	gradeGood grade = "good"
	gradeNone grade = "unknown" // could not be checked
)

// finding is the answer of one check: what is, and what to do.
type finding struct {
	Check string `json:"check"`
	Grade grade  `json:"grade"`
	JA    string `json:"ja"`
	EN    string `json:"en"`
	Next  string `json:"next_ja,omitempty"`
}

// doctor is what the checks look at.
type doctor struct {
	e      env
	cfg    config.Config
	ledger *sqlite.Ledger // nil when there is none
	found  []finding
}

func (d *doctor) say(check string, g grade, ja, en, next string) {
	line := strings.NewReplacer("\n", "; ")
	d.found = append(d.found, finding{check, g, line.Replace(ja), line.Replace(en), next})
}

// checkTime bounds one check that asks another machine.
const checkTime = 20 * time.Second

// Run looks at everything and prints what it found, also when a check could not
// be made.
func (c *doctorCmd) Run(e env) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	d := &doctor{e: e, cfg: cfg}
	if err := d.asOwner(); err != nil {
		return err
	}
	for _, p := range config.Check(e.ctx, cfg) {
		g := gradeNote
		if p.Severity == config.Error {
			g = gradeBad
		}
		d.say("config", g, strings.TrimSpace(p.Key+" "+p.JA), strings.TrimSpace(p.Key+" "+p.EN), "")
	}
	if !slices.ContainsFunc(d.found, func(f finding) bool { return f.Grade == gradeBad }) {
		d.say("config", gradeGood, "設定に誤りはありません", "no fault in the configuration", "")
	}
	d.disk()
	d.clock()
	d.boxes()
	d.engine()
	d.decoders()
	d.certificate()
	d.nextHop()
	d.listener()
	d.zones()
	if err := d.withData(c); err != nil {
		return err
	}
	return d.report(c.JSON)
}

// asOwner refuses to look as another user than that of the data: what root
// leaves beside a ledger, the gateway could not write to any more.
func (d *doctor) asOwner() error {
	st, err := os.Stat(d.cfg.Storage.Dir)
	if err != nil {
		return nil // the configuration's check tells
	}
	own, ok := st.Sys().(*syscall.Stat_t)
	if ok && int(own.Uid) != os.Geteuid() {
		return fmt.Errorf("%s の持ち主として実行してください。例: sudo -u sekisho sekisho doctor / run it as the owner of %s (uid %d)", d.cfg.Storage.Dir, d.cfg.Storage.Dir, own.Uid)
	}
	return nil
}

// withData makes the checks that read the ledger and the log.
func (d *doctor) withData(c *doctorCmd) error {
	path := store.LedgerFile(d.cfg.Storage.Dir)
	if _, err := os.Stat(path); err != nil {
		d.say("ledger", gradeNote, "台帳はまだありません。最初の起動で作られます", "there is no ledger yet; the first start makes it", "")
		return nil
	}
	l, err := sqlite.Open(d.e.ctx, path)
	if err != nil {
		d.say("ledger", gradeBad, "台帳を開けません: "+err.Error(), err.Error(), "運用者の手引きの「更新と切り戻し」と「戻すとき」を見てください")
		return nil
	}
	d.ledger = l
	d.queues()
	d.notices()
	d.keysKnown()
	d.lastBackup()
	d.leftovers()
	d.people()
	d.log()
	if c.SendTest != "" {
		d.sendTest(c.SendTest, c.Wait)
	}
	return l.Close()
}

// report prints the findings; the exit code is that of the worst.
func (d *doctor) report(asJSON bool) error {
	bad, unknown := 0, 0
	for _, f := range d.found {
		switch f.Grade {
		case gradeGood, gradeNote:
		case gradeNone:
			unknown++
		default:
			bad++
		}
	}
	if asJSON {
		enc := json.NewEncoder(d.e.stdout)
		for _, f := range d.found {
			if err := enc.Encode(f); err != nil {
				return err
			}
		}
	} else {
		printFindings(d.e.stdout, d.found)
		fmt.Fprintf(d.e.stdout, "直すもの %d 件、調べられなかったもの %d 件 / %d to mend, %d not checked\n", bad, unknown, bad, unknown)
	}
	switch {
	case bad > 0:
		return exitHeld
	case unknown > 0:
		return exitUsage
	}
	return nil
}

func printFindings(w io.Writer, found []finding) {
	words := map[grade]string{gradeGood: "よい", gradeNote: "注意", gradeNone: "不明", gradeBad: "誤り"}
	for _, f := range found {
		fmt.Fprintf(w, "%s  %s: %s\n      %s\n", words[f.Grade], f.Check, f.JA, f.EN)
		if f.Next != "" {
			fmt.Fprintln(w, "      次に: "+f.Next)
		}
	}
}

// limited gives a check its time.
func (d *doctor) limited() (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(d.e.ctx, checkTime, errors.New("no answer in time"))
}
