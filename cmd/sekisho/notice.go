package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/config"
	"sekisho/gateway/notice"
	"sekisho/gateway/store/sqlite"
)

type noticeCmd struct {
	Status noticeStatusCmd `cmd:"" help:"お知らせが届いているかを見る / do notices get through?"`
	Resend noticeResendCmd `cmd:"" help:"一通のメールのお知らせを、もう一度送る（記録されます）/ send the notice of a mail again; recorded"`
	Test   noticeTestCmd   `cmd:"" help:"試験のお知らせを送り、中継先の答えを見る / send a trial notice and see what the next hop says"`
}

type noticeStatusCmd struct {
	ledgerArgs
	JSON bool `help:"JSON で出す / as JSON"`
}

// noticeJSON is the state of notices as scripts read it.
type noticeJSON struct {
	Mode      config.NoticeMode `json:"mode"`
	Next      *time.Time        `json:"next_digest,omitempty"`
	Waiting   int               `json:"waiting"`
	Unwritten int               `json:"waiting_for_digest"`
	Taken     *time.Time        `json:"last_handed_over,omitempty"`
	Refused   int               `json:"refused_since"`
	Stopped   bool              `json:"stopped"`
	Since     *time.Time        `json:"stopped_since,omitempty"`
}

// noticeState asks the ledger how it stands with notices.
func noticeState(ctx context.Context, cfg config.Config, l *sqlite.Ledger, now time.Time) (noticeJSON, error) {
	plan, err := cfg.NoticePlan()
	if err != nil {
		return noticeJSON{}, err
	}
	zone, err := cfg.Location()
	if err != nil {
		return noticeJSON{}, err
	}
	s, err := l.NoticeState(ctx, now)
	if err != nil {
		return noticeJSON{}, err
	}
	s.Taken = inZone(s.Taken, zone)
	j := noticeJSON{Mode: cfg.Notices.Mode, Waiting: s.Waiting, Unwritten: s.Unwritten, Refused: s.Refused}
	if len(plan.Schedule.Hours) > 0 {
		next := plan.Schedule.Next(now.Add(1))
		j.Next = &next
	}
	if !s.Taken.IsZero() {
		j.Taken = &s.Taken
	}
	since, stopped := notice.Stopped(s, plan.Schedule, now, time.Duration(cfg.Notices.Alarm))
	if j.Stopped = stopped; stopped {
		since = since.In(zone)
		j.Since = &since
	}
	return j, nil
}

// inZone is a time as the office reads it; no time stays none.
func inZone(t time.Time, zone *time.Location) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(zone)
}

// Help says what the exit codes mean.
func (noticeStatusCmd) Help() string {
	return "終了コード / exit: 0 届いている（they get through）, 1 通知停止中（stopped）, 2 失敗（failure）"
}

// Run prints how it stands with notices.
func (c *noticeStatusCmd) Run(e env) error {
	return c.withLedger(e.ctx, func(cfg config.Config, l *sqlite.Ledger) error {
		j, err := noticeState(e.ctx, cfg, l, time.Now())
		if err != nil {
			return err
		}
		if c.JSON {
			err = indented(e.stdout).Encode(j)
		} else {
			err = printNotices(e, j)
		}
		if err == nil && j.Stopped {
			return exitHeld
		}
		return err
	})
}

func printNotices(e env, j noticeJSON) error {
	word := "届いています / they get through"
	if j.Stopped {
		word = "通知停止中（" + j.Since.Format("01-02 15:04") + " から）/ stopped"
	}
	lines := []string{"お知らせ: " + word}
	lines = append(lines, fmt.Sprintf("まだ渡せていないお知らせ / not handed over: %d", j.Waiting),
		fmt.Sprintf("次のまとめを待つお預かり / waiting for a digest: %d", j.Unwritten))
	if j.Next != nil {
		lines = append(lines, "次のまとめ / next digest: "+j.Next.Format("01-02 15:04"))
	}
	if j.Taken != nil {
		lines = append(lines, "最後に渡せた時刻 / last handed over: "+j.Taken.Format("2006-01-02 15:04"))
	}
	if j.Refused > 0 {
		lines = append(lines, fmt.Sprintf("そのあと断られた数 / refused since: %d", j.Refused))
	}
	_, err := fmt.Fprintln(e.stdout, strings.Join(lines, "\n"))
	return err
}

// noticeDesk is the desk of the person at the command line.
func noticeDesk(l *sqlite.Ledger) (notice.Desk, audit.Actor) {
	return notice.Desk{Ledger: l, Scribe: commandScribe()}, audit.Actor{Type: audit.ActorOS, ID: audit.Clean(osUser(), 256)}
}

// oftenError says in both languages that it was too often.
func oftenError(err error) error {
	switch {
	case errors.Is(err, notice.ErrOften):
		return errors.New("この 1 時間に何度も送りました。しばらくしてから、もう一度実行してください / sent too often within the hour; try again later")
	case errors.Is(err, notice.ErrNothing):
		return errors.New("この受付番号でお預かりしているものはありません / nothing of this mail is held")
	}
	return err
}

type noticeResendCmd struct {
	ledgerArgs
	Receipt string `arg:"" help:"受付番号 / receipt number"`
	To      string `help:"この宛先だけに送る / to this recipient only" placeholder:"ADDRESS"`
}

// Run drafts the notices; the gateway sends them.
func (c *noticeResendCmd) Run(e env) error {
	return c.withLedger(e.ctx, func(_ config.Config, l *sqlite.Ledger) error {
		d, who := noticeDesk(l)
		ds, err := d.Again(e.ctx, who, c.Receipt, c.To)
		if err != nil {
			return oftenError(err)
		}
		for _, v := range ds {
			fmt.Fprintf(e.stdout, "%s: %s へもう一度送ります / will be sent again (%s)\n", v.Receipt, v.Recipients[0].Address, v.ID)
		}
		return nil
	})
}

type noticeTestCmd struct {
	ledgerArgs
	Address string        `arg:"" help:"団体のメールアドレス / an address of the office"`
	Wait    time.Duration `help:"中継先の答えを待つ時間 / how long to wait for the answer" default:"1m"`
}

// Help says what the exit codes mean.
func (noticeTestCmd) Help() string {
	return "動いているゲートウェイが、お知らせと同じ道で送ります。\n終了コード / exit: 0 中継先が受け取った（taken）, 1 断られた、または時間内に渡せない（refused or not in time）, 2 失敗（failure）"
}

// Run sends a trial by the way of all notices and prints the next hop's answer.
func (c *noticeTestCmd) Run(e env) error {
	return c.withLedger(e.ctx, func(cfg config.Config, l *sqlite.Ledger) error {
		domain := c.Address[strings.LastIndexByte(c.Address, '@')+1:]
		if !slices.ContainsFunc(cfg.Office.Domains, func(d string) bool { return strings.EqualFold(d, domain) }) {
			return fmt.Errorf("「%s」は office.domains のアドレスではありません / %q is not an address of office.domains", c.Address, c.Address)
		}
		d, who := noticeDesk(l)
		v, err := d.Trial(e.ctx, who, c.Address)
		if err != nil {
			return oftenError(err)
		}
		ctx, cancel := context.WithTimeout(e.ctx, c.Wait)
		defer cancel()
		v, err = answered(ctx, l, v)
		if err != nil {
			return err
		}
		return tellTrial(e, v)
	})
}

// answered waits until the next hop has said something about a delivery, or
// until ctx ends.
func answered(ctx context.Context, l *sqlite.Ledger, v gateway.Delivery) (gateway.Delivery, error) {
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		now, err := l.Delivery(context.WithoutCancel(ctx), v.ID)
		if err != nil {
			return v, err
		}
		if v = now; v.State.Final() || v.Attempts > 0 {
			return v, nil
		}
		select {
		case <-ctx.Done():
			return v, nil
		case <-again.C:
		}
	}
}

// tellTrial prints what became of a trial.
func tellTrial(e env, v gateway.Delivery) error {
	r := v.Recipients[0]
	said := strings.TrimSpace(fmt.Sprintf("%d %s", r.Code, r.Text))
	if r.Code == 0 {
		said = r.Text
	}
	switch {
	case v.State == gateway.Relayed:
		fmt.Fprintf(e.stdout, "中継先が受け取りました / the next hop took it: %s\n%s に届いていることを見てください\n", said, r.Address)
		return nil
	case v.State == gateway.Failed:
		fmt.Fprintf(e.stdout, "中継先が断りました / refused: %s\n", said)
	case v.Attempts > 0:
		fmt.Fprintf(e.stdout, "まだ渡せません / not yet: %s\nsekisho doctor で中継先を確かめてください。1 時間のあいだ、送り直します\n", said)
	default:
		fmt.Fprintln(e.stdout, "時間内に送られませんでした。ゲートウェイが動いていることを確かめてください / it was not sent in time; is the gateway running?")
	}
	return exitHeld
}

// notices looks whether they get through.
func (d *doctor) notices() {
	j, err := noticeState(d.e.ctx, d.cfg, d.ledger, time.Now())
	switch {
	case err != nil:
		d.say("notices", gradeNone, "お知らせの様子を調べられません", err.Error(), "")
	case j.Stopped:
		d.say("notices", gradeBad, "通知停止中です。お預かりのお知らせを "+j.Since.Local().Format("01-02 15:04")+" から渡せていません",
			"no notice could be handed over since "+j.Since.Format(time.RFC3339), "next_hop を直し、sekisho notice test 宛先 で試してください")
	case j.Taken == nil:
		d.say("notices", gradeNote, "お知らせを送ったことがまだありません", "no notice was sent yet", "sekisho notice test 宛先 で試してください")
	default:
		d.say("notices", gradeGood, "お知らせは届いています", "notices get through", "")
	}
}
