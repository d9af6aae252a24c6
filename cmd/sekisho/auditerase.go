package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/config"
	"sekisho/gateway/store/sqlite"
)

type auditEraseCmd struct {
	ledgerArgs
	Message   []string `help:"この受付番号のメールについて消す / of the mail of this receipt number" placeholder:"NO"`
	Exception []string `help:"この番号の、終わった例外措置について消す / of the exception of this number, once it is over" placeholder:"ID"`
	Reason    string   `help:"理由（記録に残ります）/ why, for the record" placeholder:"TEXT"`
	Again     string   `help:"この監査記録に消したと書いてあるものを、もう一度消す（復元のあと）/ what this log says was erased, after a restore" type:"existingdir" placeholder:"DIR"`
}

// Help says what an erasure leaves.
func (auditEraseCmd) Help() string {
	return "消すのは、件名、差出人の名乗り、ファイル名、申請と例外措置の理由の文字です。記録の行と指紋は残り、検証は続けてできます。消したことは記録されます。元に戻せません。\n" +
		"お預かり中のものがあるメールや、配送の終わっていないメール、続いている例外措置では消せません。\n" +
		"終了コード / exit: 0 消した（erased）, 1 消せないものがあった（some could not be）, 2 失敗（failure）"
}

// Run erases, each message with its record.
func (c *auditEraseCmd) Run(e env) error {
	if len(c.Message)+len(c.Exception) == 0 && c.Again == "" {
		return errors.New("--message か --exception か --again を指定してください / give --message, --exception or --again")
	}
	return c.withLedger(e.ctx, func(cfg config.Config, l *sqlite.Ledger) error {
		if c.Again != "" {
			keys, err := config.LoadKeys(cfg.Keys.Dir, config.AuditorRole)
			if err != nil {
				return err
			}
			again, err := eraseByLog(e, l, c.Again, keys.AuditPublic)
			if err != nil {
				return err
			}
			fmt.Fprintf(e.stdout, "%d 通分を、もう一度消しました / erased again\n", len(again))
		}
		refused := false
		for _, receipt := range c.Message {
			done, err := c.erase(e, l, receipt)
			if err != nil {
				return err
			}
			refused = refused || !done
		}
		for _, id := range c.Exception {
			done, err := c.commit(e, l, textsOfException(id))
			if err != nil {
				return err
			}
			refused = refused || !done
		}
		if err := sayWhereElse(e, cfg, l); err != nil {
			return err
		}
		if refused {
			return exitHeld
		}
		return nil
	})
}

// emptyTries bounds how often the ledger's log is asked for, a second each.
const emptyTries = 5

// sayWhereElse empties the ledger's log, in which words that were erased would
// stay until it is written over, and names where else they may be.
func sayWhereElse(e env, cfg config.Config, l *sqlite.Ledger) error {
	err := l.EmptyLog(e.ctx)
	for n := 1; n < emptyTries && errors.Is(err, sqlite.ErrBusy); n++ {
		err = l.EmptyLog(e.ctx)
	}
	if errors.Is(err, sqlite.ErrBusy) {
		fmt.Fprintln(e.stdout, "台帳が使われているので、台帳の作業ファイル（ledger.db-wal）には文字がしばらく残ります。あとでもう一度実行してください / the ledger's log holds them for a while; run this again later")
		err = nil
	}
	old, also := oldLedgers(cfg.Storage.Dir)
	for _, o := range old {
		fmt.Fprintf(e.stdout, "更新の前の台帳にはまだあります。切り戻さないと決めたら消してください。%s に自動で消えます / the ledger of before an upgrade has them still: %s\n",
			o.at.Add(copyKept).Local().Format(time.DateOnly), o.file)
	}
	return errors.Join(err, also)
}

// erase erases the texts of one mail, unless they are needed still.
func (c *auditEraseCmd) erase(e env, l *sqlite.Ledger, receipt string) (bool, error) {
	m, err := l.MessageByReceipt(e.ctx, receipt)
	if errors.Is(err, gateway.ErrNotFound) {
		fmt.Fprintf(e.stdout, "%s: ありません / no such mail\n", receipt)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	busy, err := l.AtWork(e.ctx, m.ID)
	if err != nil {
		return false, err
	}
	if busy {
		fmt.Fprintf(e.stdout, "%s: お預かり中のもの、または終わっていない配送があるので消せません / still at work\n", receipt)
		return false, nil
	}
	return c.commit(e, l, textsOfMessage(m))
}

// commit erases texts, with the record of who did and why.
func (c *auditEraseCmd) commit(e env, l *sqlite.Ledger, t texts) (bool, error) {
	r, err := commandScribe().User(audit.VerbPurged, audit.Success, osUser(), func(ev *audit.Event) {
		t.event("erasure_request")(ev)
		if c.Reason != "" {
			ev.Change = audit.Change{Path: "reason", After: audit.Clean(c.Reason, 1024)}
		}
	})
	if err != nil {
		return false, err
	}
	err = l.Do(e.ctx, t.erase(r))
	switch {
	case errors.Is(err, gateway.ErrNotFound):
		fmt.Fprintf(e.stdout, "%s: ありません / there is none\n", t.name)
		return false, nil
	case errors.Is(err, gateway.ErrState):
		fmt.Fprintf(e.stdout, "%s: 続いている例外措置なので消せません / it is not over\n", t.name)
		return false, nil
	case err != nil:
		return false, err
	}
	fmt.Fprintf(e.stdout, "%s: 消しました / erased\n", t.name)
	return true, nil
}

// eraseByLog erases again what another log of this gateway says was erased, once
// that log is verified. A gap in it is no reason to keep what was erased.
func eraseByLog(e env, l *sqlite.Ledger, dir string, keys audit.Keys) ([]string, error) {
	r, err := audit.Verify(e.ctx, os.DirFS(dir), keys, audit.VerifyOptions{})
	if err != nil {
		return nil, err
	}
	if r.Verdict == audit.Tampered {
		printVerdict(e.stdout, r)
		return nil, errors.New("この監査記録は書き換えられているので、使いません / this log was tampered with and is not believed")
	}
	return eraseAgain(e.ctx, l, dir, commandScribe())
}
