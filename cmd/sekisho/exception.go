package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"sekisho/gateway"
	"sekisho/gateway/account"
	"sekisho/gateway/config"
	"sekisho/gateway/store/sqlite"
	"sekisho/quarantine"
)

// exceptionCmd is the register of exceptions (例外措置台帳). The rules are those
// of quarantine, applied by gateway/desk; there are none here.
type exceptionCmd struct {
	Propose exceptionProposeCmd `cmd:"" help:"例外措置を登録する（ほかの2人の承認で始まる）/ register an exception; two others approve"`
	Approve exceptionApproveCmd `cmd:"" help:"ほかの人が登録した例外措置を承認する / approve another person's"`
	Deny    exceptionDenyCmd    `cmd:"" help:"ほかの人が登録した例外措置を却下する / deny another person's"`
	End     exceptionEndCmd     `cmd:"" help:"例外措置を期限の前に終える / end one before its time"`
	List    exceptionListCmd    `cmd:"" help:"例外措置台帳の一覧 / the register of exceptions"`
}

// exceptionJSON is an exception as scripts read it.
type exceptionJSON struct {
	ID         string                    `json:"id"`
	State      quarantine.ExceptionState `json:"state"`
	Scope      quarantine.Scope          `json:"scope"`
	Reason     string                    `json:"reason"`
	From       time.Time                 `json:"from"`
	Until      time.Time                 `json:"until"`
	MaxUses    int                       `json:"max_uses"`
	Uses       int                       `json:"uses"`
	ProposedBy string                    `json:"proposed_by"`
	ProposedAt time.Time                 `json:"proposed_at"`
	EndedAt    *time.Time                `json:"ended_at,omitempty"`
	Decisions  []decisionJSON            `json:"decisions"`
}

// decisionJSON is what one person decided.
type decisionJSON struct {
	Choice quarantine.Choice `json:"choice"`
	By     string            `json:"by,omitempty"`
	Name   string            `json:"name,omitempty"`
	At     time.Time         `json:"at"`
	Reason string            `json:"reason,omitempty"`
	Also   []string          `json:"also,omitempty"` // recipients added
}

func decisionsToJSON(ds []quarantine.Decision) []decisionJSON {
	list := []decisionJSON{}
	for _, d := range ds {
		list = append(list, decisionJSON{d.Choice, d.By.ID, d.By.Name, d.At, d.Reason, d.Also})
	}
	return list
}

func exceptionToJSON(e quarantine.Exception) exceptionJSON {
	j := exceptionJSON{ID: e.ID, State: e.State, Scope: e.Scope, Reason: e.Reason, From: e.From, Until: e.Until, MaxUses: e.MaxUses, Uses: e.Uses,
		ProposedBy: e.ProposedBy.ID, ProposedAt: e.ProposedAt, Decisions: decisionsToJSON(e.Decisions)}
	if !e.EndedAt.IsZero() {
		j.EndedAt = &e.EndedAt
	}
	return j
}

// told prints what became of an exception: a line and what comes next, or JSON.
// The register may be filled before the operator switches exceptions on.
func (j exceptionJSON) told(e env, asJSON bool, rules quarantine.Rules) error {
	live := j.State == quarantine.Proposed || j.State == quarantine.Opened
	if live && !rules.Offers(quarantine.Original) {
		fmt.Fprintln(e.stderr, "設定の release.exceptions が false なので、まだ使えません / exceptions are switched off: release.exceptions is false")
	}
	if asJSON {
		return json.NewEncoder(e.stdout).Encode(j)
	}
	fmt.Fprintf(e.stdout, "%s: %s\n", j.ID, j.State)
	switch left := 2 - len(j.Decisions); {
	case j.State == quarantine.Proposed:
		fmt.Fprintf(e.stderr, "次: あと%d人の、登録した人とは別の人が sekisho exception approve %s --as ログイン名 を実行します / %d other persons approve\n", left, j.ID, left)
	case j.State == quarantine.Opened:
		fmt.Fprintf(e.stderr, "次: 原本が要るお預かりごとに sekisho quarantine request 番号 --form exception --exception %s --reason 理由 --as ログイン名 を実行します / ask for each part\n", j.ID)
	}
	return nil
}

type exceptionProposeCmd struct {
	ledgerArgs
	asArgs
	Recipient []string `help:"宛先。@ドメイン、または * ですべて / recipients, @domain or *" required:"" placeholder:"ADDRESS"`
	Sender    []string `help:"差出人（エンベロープ）。@ドメイン、または * ですべて / envelope senders, @domain or *" required:"" placeholder:"ADDRESS"`
	Kind      []string `help:"ファイルの種類。* ですべて / kinds of files, or *" required:"" placeholder:"KIND"`
	From      string   `help:"始まりの日 2026-12-01、または時刻。なければ今から / first day or instant; default now" placeholder:"DATE"`
	Until     string   `help:"終わりの日 2026-12-31（この日を含む）、または時刻 / last day (inclusive) or instant" required:"" placeholder:"DATE"`
	Uses      int      `help:"使える回数 / how often it may be used" default:"1" placeholder:"N"`
	Reason    string   `help:"理由 / reason" required:""`
	JSON      bool     `help:"JSON で出す / print JSON"`
}

// Run registers an exception.
func (c *exceptionProposeCmd) Run(e env) error {
	if c.stranger() {
		return errNeedsAccount{"例外措置の登録"}
	}
	cfg, err := c.load()
	if err != nil {
		return err
	}
	zone, err := cfg.Location()
	if err != nil {
		return err
	}
	x := quarantine.Exception{Scope: quarantine.Scope{Recipients: c.Recipient, Senders: c.Sender, Kinds: c.Kind}, Reason: c.Reason, MaxUses: c.Uses}
	if x.From, x.Until, err = period(c.From, c.Until, time.Now(), zone); err != nil {
		return err
	}
	return c.atDesk(e, c.ledgerArgs, account.OpenException, func(d visit, _ *sqlite.Ledger) error {
		x, err := d.Propose(e.ctx, d.person, x)
		if err != nil {
			return err
		}
		return exceptionToJSON(x).told(e, c.JSON, d.Rules())
	})
}

// period reads the first and the last day, or instants. The end is the first
// instant at which it is over: of a day, the beginning of the next.
func period(first, last string, now time.Time, zone *time.Location) (from, until time.Time, err error) {
	from = now
	if first != "" {
		if from, _, err = dayOrInstant(first, zone); err != nil {
			return from, until, err
		}
	}
	until, day, err := dayOrInstant(last, zone)
	if day {
		until = until.AddDate(0, 0, 1)
	}
	return from, until, err
}

func dayOrInstant(s string, zone *time.Location) (at time.Time, day bool, err error) {
	if at, err := time.ParseInLocation(time.DateOnly, s, zone); err == nil {
		return at, true, nil
	}
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at, false, nil
	}
	return at, false, fmt.Errorf("%.40q は日付として読めません。2026-12-31 か 2026-12-31T17:15:00+09:00 のように書いてください / is no date; write it like 2026-12-31 or 2026-12-31T17:15:00+09:00", s)
}

type exceptionApproveCmd struct {
	ledgerArgs
	asArgs
	ID     string `arg:"" help:"例外措置の番号 / exception id"`
	Reason string `help:"理由 / reason"`
	JSON   bool   `help:"JSON で出す / print JSON"`
}

// Run approves somebody else's exception.
func (c *exceptionApproveCmd) Run(e env) error {
	return c.vote(e, c.ledgerArgs, c.ID, quarantine.Vote{Choice: quarantine.Approve, Reason: c.Reason}, c.JSON)
}

type exceptionDenyCmd struct {
	ledgerArgs
	asArgs
	ID     string `arg:"" help:"例外措置の番号 / exception id"`
	Reason string `help:"理由 / reason" required:""`
	JSON   bool   `help:"JSON で出す / print JSON"`
}

// Run denies somebody else's exception.
func (c *exceptionDenyCmd) Run(e env) error {
	return c.vote(e, c.ledgerArgs, c.ID, quarantine.Vote{Choice: quarantine.Deny, Reason: c.Reason}, c.JSON)
}

func (a asArgs) vote(e env, l ledgerArgs, id string, v quarantine.Vote, asJSON bool) error {
	if a.stranger() {
		return errNeedsAccount{"承認と却下"}
	}
	return a.atDesk(e, l, account.OpenException, func(d visit, _ *sqlite.Ledger) error {
		x, err := d.DecideException(e.ctx, d.person, id, 0, v)
		if err != nil {
			return err
		}
		return exceptionToJSON(x).told(e, asJSON, d.Rules())
	})
}

type exceptionEndCmd struct {
	ledgerArgs
	asArgs
	ID     string `arg:"" help:"例外措置の番号 / exception id"`
	Reason string `help:"理由 / reason" required:""`
	JSON   bool   `help:"JSON で出す / print JSON"`
}

// Run ends an exception; one person is enough to be stricter.
func (c *exceptionEndCmd) Run(e env) error {
	return c.atDesk(e, c.ledgerArgs, account.OpenException, func(d visit, _ *sqlite.Ledger) error {
		x, err := d.EndException(e.ctx, d.person, c.ID, 0, c.Reason)
		if err != nil {
			return err
		}
		return exceptionToJSON(x).told(e, c.JSON, d.Rules())
	})
}

// first and last write the beginning and the end of a time as people enter them: an
// end at midnight is the day before, which is included.
func first(t time.Time, zone *time.Location) string {
	return t.In(zone).Format("2006-01-02 15:04")
}

func last(t time.Time, zone *time.Location) string {
	if t = t.In(zone); t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 {
		return t.AddDate(0, 0, -1).Format(time.DateOnly)
	}
	return t.Format("2006-01-02 15:04")
}

type exceptionListCmd struct {
	ledgerArgs
	State []string `help:"状態: proposed, open, ended, expired。なければすべて / states; default all" placeholder:"STATE"`
	Limit int      `help:"件数の上限 / at most" default:"100"`
	JSON  bool     `help:"一行に一件の JSON / one JSON object per line"`
}

// Run lists exceptions, oldest first.
func (c *exceptionListCmd) Run(e env) error {
	return c.withLedger(e.ctx, func(cfg config.Config, l *sqlite.Ledger) error {
		zone, err := cfg.Location()
		if err != nil {
			return err
		}
		q := gateway.ExceptionQuery{Limit: c.Limit}
		for _, s := range c.State {
			q.States = append(q.States, quarantine.ExceptionState(s))
		}
		list, err := l.Exceptions(e.ctx, q)
		if err != nil || c.JSON {
			return errors.Join(err, jsonLines(e.stdout, list, exceptionToJSON))
		}
		if len(list) == 0 {
			fmt.Fprintln(e.stdout, "例外措置はありません / no exceptions")
			return nil
		}
		t := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintln(t, "状態\t始まり\t終わり\t回数\t宛先\t差出人\t種類\t登録した人\t番号")
		for _, x := range list {
			fmt.Fprintf(t, "%s\t%s\t%s\t%d/%d\t%s\t%s\t%s\t%s\t%s\n", x.State, first(x.From, zone), last(x.Until, zone),
				x.Uses, x.MaxUses, strings.Join(x.Scope.Recipients, ","), strings.Join(x.Scope.Senders, ","), strings.Join(x.Scope.Kinds, ","), cmp.Or(x.ProposedBy.Name, x.ProposedBy.ID), x.ID)
		}
		return t.Flush()
	})
}
