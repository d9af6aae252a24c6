package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"sekisho/gateway"
	"sekisho/gateway/account"
	"sekisho/gateway/config"
	"sekisho/gateway/desk"
	"sekisho/gateway/store/sqlite"
	"sekisho/quarantine"
)

// releaseRules are what a configuration offers. This version has no mailbox
// relay on the Internet side.
func releaseRules(c config.Config) func() quarantine.Rules {
	rules := quarantine.Rules{SelfService: c.Release.SelfService, Exceptions: c.Release.Exceptions, Wait: time.Duration(c.Release.Wait)}
	return func() quarantine.Rules { return rules }
}

// withDesk opens the ledger and gives the desk that decides over it.
func (a ledgerArgs) withDesk(ctx context.Context, f func(desk.Desk, *sqlite.Ledger) error) error {
	return a.withLedger(ctx, func(cfg config.Config, l *sqlite.Ledger) error {
		return explain(f(newDesk(cfg, l), l))
	})
}

// requestJSON is a release request as scripts read it.
type requestJSON struct {
	ID        string                  `json:"id"`
	Receipt   string                  `json:"receipt_no"`
	Item      string                  `json:"item"`
	Recipient string                  `json:"recipient"`
	Form      quarantine.Form         `json:"form"`
	Profile   quarantine.Profile      `json:"profile,omitempty"`
	Exception string                  `json:"exception,omitempty"`
	State     quarantine.RequestState `json:"state"`
	Requester string                  `json:"requester"`
	Approvals int                     `json:"approvals"`
	Persons   int                     `json:"persons"`
	Decisions []decisionJSON          `json:"decisions"`
	To        []string                `json:"to"`
	LeftOut   []string                `json:"left_out,omitempty"`
	Fault     string                  `json:"fault,omitempty"`
	Delivery  string                  `json:"delivery,omitempty"`
	AskedAt   time.Time               `json:"requested_at"`
	ExpiresAt time.Time               `json:"expires_at"`
}

func requestToJSON(r quarantine.ReleaseRequest) requestJSON {
	return requestJSON{r.ID, r.Receipt, r.Item, r.Recipient, r.Form, r.Profile, r.Exception, r.State, r.Requester.ID, len(r.Approvals()), r.Persons,
		decisionsToJSON(r.Decisions), r.To(), r.LeftOut, r.Fault, r.Delivery, r.RequestedAt, r.ExpiresAt}
}

// told prints what became of a request: a line and what comes next, or JSON.
func (r requestJSON) told(e env, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(e.stdout).Encode(r)
	}
	fmt.Fprintf(e.stdout, "%s: %s\n", r.ID, r.State)
	if len(r.To) > 1 {
		fmt.Fprintf(e.stdout, "届け先 / to: %s\n", strings.Join(r.To, " "))
	}
	if len(r.LeftOut) > 0 {
		fmt.Fprintf(e.stdout, "方針が違うので届けない宛先 / left out, another policy: %s\n", strings.Join(r.LeftOut, " "))
	}
	left := r.Persons - r.Approvals
	switch {
	case r.State == quarantine.Approved:
		fmt.Fprintln(e.stderr, "次: 数秒でお届けします。結果は sekisho quarantine requests で見られます / it goes out now; see: sekisho quarantine requests")
	case r.State == quarantine.Requested && r.Form == quarantine.Original:
		fmt.Fprintf(e.stderr, "次: あと%d人の、申請した人とは別の人が sekisho quarantine decide %s approve --reason 理由 --as ログイン名 を実行します / %d other persons approve\n", left, r.ID, left)
	case r.State == quarantine.Requested:
		fmt.Fprintf(e.stderr, "次: 申請した人とは別の人が sekisho quarantine decide %s approve --as ログイン名 を実行します / another person approves\n", r.ID)
	}
	return nil
}

type quarantineRequestCmd struct {
	ledgerArgs
	asArgs
	Item      string `arg:"" help:"お預かりの番号 / item id"`
	Form      string `help:"解除の形: resanitize, text_only。exception は例外解除（原本）/ form of release" enum:"resanitize,text_only,internet_side,exception" default:"resanitize"`
	Wide      bool   `help:"方針が止める種類も作り直す（別の人の承認が要る）/ also what the policy holds; another person approves"`
	Exception string `help:"例外解除のもとになる例外措置の番号 / the registered exception, for --form exception" placeholder:"ID"`
	Reason    string `help:"理由 / reason"`
	JSON      bool   `help:"JSON で出す / print JSON"`
}

// Run asks for a release.
func (c *quarantineRequestCmd) Run(e env) error {
	if form := quarantine.Form(c.Form); (form == quarantine.Original) != (c.Exception != "") {
		return errors.New("--exception は --form exception と一緒に使います。番号は sekisho exception list で見られます / --form exception and --exception ID go together; see: sekisho exception list")
	}
	return c.atDesk(e, c.ledgerArgs, account.RequestRelease, func(d visit, l *sqlite.Ledger) error {
		r, err := d.ask(e.ctx, l, desk.Ask{Item: c.Item, Form: quarantine.Form(c.Form), Profile: profileOf(c.Wide), Reason: c.Reason, Exception: c.Exception})
		if err != nil {
			return err
		}
		return requestToJSON(r).told(e, c.JSON)
	})
}

// ask asks for a part. What another person has to approve is asked for with an
// account: nobody could tell who approves from a user of the machine.
func (c visit) ask(ctx context.Context, l *sqlite.Ledger, a desk.Ask) (quarantine.ReleaseRequest, error) {
	var none quarantine.ReleaseRequest
	rules := c.Rules()
	if c.accounts == nil && rules.Offers(a.Form) && rules.Persons(a.Form, a.Profile) > 0 {
		return none, errNeedsAccount{"ほかの人の承認が要る申請"}
	}
	i, err := l.Item(ctx, a.Item)
	if err != nil {
		return none, err
	}
	if a.Dept, err = c.departmentOf(ctx, i.Recipient); err != nil {
		return none, err
	}
	return c.Ask(ctx, c.person, a)
}

func profileOf(wide bool) quarantine.Profile {
	if wide {
		return quarantine.Wide
	}
	return quarantine.ByPolicy
}

type quarantineDecideCmd struct {
	ledgerArgs
	asArgs
	ID     string `arg:"" help:"申請の番号 / request id"`
	Choice string `arg:"" help:"approve（承認）, deny（却下）, send_back（差戻し）/ the decision" enum:"approve,deny,send_back"`
	Reason string `help:"理由（却下、差戻し、例外解除の承認には必ず）/ reason"`
	JSON   bool   `help:"JSON で出す / print JSON"`
}

// Run decides on somebody else's request.
func (c *quarantineDecideCmd) Run(e env) error {
	if c.stranger() {
		return errNeedsAccount{"承認、却下、差戻し"}
	}
	return c.atDesk(e, c.ledgerArgs, account.DecideRelease, func(d visit, _ *sqlite.Ledger) error {
		r, err := d.Decide(e.ctx, d.person, c.ID, 0, quarantine.Vote{Choice: quarantine.Choice(c.Choice), Reason: c.Reason})
		if err != nil {
			return err
		}
		return requestToJSON(r).told(e, c.JSON)
	})
}

type quarantineWithdrawCmd struct {
	ledgerArgs
	asArgs
	ID     string `arg:"" help:"申請の番号 / request id"`
	Reason string `help:"理由 / reason"`
	JSON   bool   `help:"JSON で出す / print JSON"`
}

// Run takes back one's own request.
func (c *quarantineWithdrawCmd) Run(e env) error {
	return c.atDesk(e, c.ledgerArgs, account.RequestRelease, func(d visit, _ *sqlite.Ledger) error {
		r, err := d.Withdraw(e.ctx, d.person, c.ID, 0, c.Reason)
		if err != nil {
			return err
		}
		return requestToJSON(r).told(e, c.JSON)
	})
}

type quarantineRequestsCmd struct {
	ledgerArgs
	State []string `help:"状態。なければすべて / states; default all" placeholder:"STATE"`
	Limit int      `help:"件数の上限 / at most" default:"100"`
	JSON  bool     `help:"一行に一件の JSON / one JSON object per line"`
}

// Run lists requests.
func (c *quarantineRequestsCmd) Run(e env) error {
	return c.withDesk(e.ctx, func(_ desk.Desk, l *sqlite.Ledger) error {
		q := gateway.RequestQuery{Limit: c.Limit}
		for _, s := range c.State {
			q.States = append(q.States, quarantine.RequestState(s))
		}
		rs, err := l.Requests(e.ctx, q)
		if err != nil || c.JSON {
			return errors.Join(err, jsonLines(e.stdout, rs, requestToJSON))
		}
		for _, r := range rs {
			fmt.Fprintf(e.stdout, "%s  %s  %s  %s  %s  %s\n", r.Receipt, r.Form, r.State, strings.Join(r.To(), ","), r.Fault, r.ID)
		}
		return nil
	})
}

type quarantineResanitizeCmd struct {
	ledgerArgs
	asArgs
	AllHeld bool     `help:"お預かり中のものすべて / every held item"`
	Limit   int      `help:"件数の上限 / at most" default:"1000"`
	IDs     []string `arg:"" optional:"" name:"id" help:"お預かりの番号 / item ids"`
}

// Run asks for many parts to be rebuilt by the present engine and policy, each
// with a result of its own.
func (c *quarantineResanitizeCmd) Run(e env) error {
	return c.atDesk(e, c.ledgerArgs, account.RequestRelease, func(d visit, l *sqlite.Ledger) error {
		ids := c.IDs
		if c.AllHeld {
			items, err := l.Items(e.ctx, gateway.ItemQuery{States: []quarantine.State{quarantine.Held}, Limit: c.Limit})
			if err != nil {
				return err
			}
			for _, i := range items {
				ids = append(ids, i.ID)
			}
		}
		failed := false
		for _, id := range ids {
			r, err := d.ask(e.ctx, l, desk.Ask{Item: id, Form: quarantine.Resanitize, Reason: "resanitize"})
			if err != nil {
				failed = true
				fmt.Fprintf(e.stderr, "%s: 申請できませんでした / not asked: %v\n", id, err)
				continue
			}
			fmt.Fprintf(e.stdout, "%s: %s %s\n", id, r.ID, r.State)
		}
		if failed {
			return exitHeld
		}
		return nil
	})
}
