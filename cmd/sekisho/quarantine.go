package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/config"
	"sekisho/gateway/store/sqlite"
	"sekisho/quarantine"
)

type quarantineCmd struct {
	List    quarantineListCmd    `cmd:"" help:"お預かり中の一覧 / list held items"`
	Show    quarantineShowCmd    `cmd:"" help:"一件の詳細（中身は表示しません）/ show one item, never its content"`
	Discard quarantineDiscardCmd `cmd:"" help:"破棄する（記録されます。元に戻せません）/ discard; recorded, cannot be undone"`

	Request    quarantineRequestCmd    `cmd:"" help:"解除を申請する / ask for a release"`
	Decide     quarantineDecideCmd     `cmd:"" help:"ほかの人の申請を承認・却下・差戻しする / decide on another person's request"`
	Withdraw   quarantineWithdrawCmd   `cmd:"" help:"自分の申請を取り下げる / take back one's own request"`
	Requests   quarantineRequestsCmd   `cmd:"" help:"解除申請の一覧 / list release requests"`
	Resanitize quarantineResanitizeCmd `cmd:"" help:"今の方針と版で作り直してみる / try again with the present engine and policy"`
}

type quarantineListCmd struct {
	ledgerArgs
	State   []string `help:"状態: held, released, discarded, expired / states" default:"held" placeholder:"STATE"`
	Receipt string   `help:"受付番号 / receipt number" placeholder:"NO"`
	Limit   int      `help:"件数の上限 / at most" default:"100"`
	JSON    bool     `help:"一行に一件の JSON / one JSON object per line"`
}

// itemJSON is an item as scripts read it.
type itemJSON struct {
	ID        string           `json:"id"`
	Receipt   string           `json:"receipt_no"`
	Recipient string           `json:"recipient"`
	Part      string           `json:"part"`
	Name      string           `json:"name"`
	Kind      string           `json:"kind"`
	Reason    string           `json:"reason"`
	ReasonJA  string           `json:"reason_ja"`
	Next      string           `json:"next_ja"`
	Detail    string           `json:"detail,omitempty"`
	SHA256    string           `json:"sha256,omitempty"`
	Size      int64            `json:"size"`
	State     quarantine.State `json:"state"`
	HeldAt    time.Time        `json:"held_at"`
	ExpiresAt time.Time        `json:"expires_at"`
	DecidedAt *time.Time       `json:"decided_at,omitempty"`
	DecidedBy string           `json:"decided_by,omitempty"`
}

func itemToJSON(i quarantine.Item) itemJSON {
	t := i.Reason.Text()
	j := itemJSON{ID: i.ID, Receipt: i.Receipt, Recipient: i.Recipient, Part: i.Path, Name: i.Name, Kind: string(i.Kind),
		Reason: string(i.Reason), ReasonJA: t.JA + "ため", Next: t.Next, Detail: i.Detail, SHA256: gateway.Hex(i.Sum), Size: i.Size,
		State: i.State, HeldAt: i.HeldAt, ExpiresAt: i.ExpiresAt, DecidedBy: i.DecidedBy}
	if !i.DecidedAt.IsZero() {
		j.DecidedAt = &i.DecidedAt
	}
	return j
}

// Run lists items.
func (c *quarantineListCmd) Run(e env) error {
	return c.withLedger(e.ctx, func(_ config.Config, l *sqlite.Ledger) error {
		q := gateway.ItemQuery{Limit: c.Limit}
		for _, s := range c.State {
			q.States = append(q.States, quarantine.State(s))
		}
		if c.Receipt != "" {
			m, err := l.MessageByReceipt(e.ctx, c.Receipt)
			if err != nil {
				return err
			}
			q.Message = m.ID
		}
		items, err := l.Items(e.ctx, q)
		if err != nil {
			return err
		}
		if c.JSON {
			return jsonLines(e.stdout, items, itemToJSON)
		}
		return printItems(e.stdout, items)
	})
}

func printItems(w io.Writer, items []quarantine.Item) error {
	if len(items) == 0 {
		fmt.Fprintln(w, "お預かり中のものはありません / nothing is held")
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "受付番号\t宛先\t名前\t種類\t理由\t期限\t番号")
	for _, i := range items {
		name := fmt.Sprintf("%q", i.Name)
		switch {
		case i.Whole():
			name = "（メール全体）"
		case i.Name == "":
			name = "（名前なし）"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", i.Receipt, i.Recipient, name, i.Kind, i.Reason, i.ExpiresAt.Local().Format("2006-01-02"), i.ID)
	}
	return t.Flush()
}

type quarantineShowCmd struct {
	ledgerArgs
	ID string `arg:"" help:"番号 / item id"`
}

// Run prints one item.
func (c *quarantineShowCmd) Run(e env) error {
	return c.withLedger(e.ctx, func(_ config.Config, l *sqlite.Ledger) error {
		i, err := l.Item(e.ctx, c.ID)
		if err != nil {
			return err
		}
		return indented(e.stdout).Encode(itemToJSON(i))
	})
}

type quarantineDiscardCmd struct {
	ledgerArgs
	IDs []string `arg:"" name:"id" help:"番号 / item ids"`
}

// Run discards items, one transaction each: each has a result of its own.
func (c *quarantineDiscardCmd) Run(e env) error {
	return c.withLedger(e.ctx, func(_ config.Config, l *sqlite.Ledger) error {
		failed := false
		for _, id := range c.IDs {
			if err := discard(e, l, id); err != nil {
				failed = true
				fmt.Fprintf(e.stderr, "%s: 破棄できませんでした / not discarded: %v\n", id, err)
				continue
			}
			fmt.Fprintf(e.stdout, "%s: 破棄しました / discarded\n", id)
		}
		if failed {
			return exitHeld
		}
		return nil
	})
}

func discard(e env, l *sqlite.Ledger, id string) error {
	i, err := l.Item(e.ctx, id)
	if err != nil {
		return err
	}
	who := osUser()
	if i, err = i.Discard(who, time.Now()); err != nil {
		return err
	}
	r, err := commandScribe().User("item.discarded", audit.Success, who, func(ev *audit.Event) {
		ev.Object = gateway.ItemObject(i)
		ev.Mail = audit.Mail{Recipients: gateway.AuditRecipients([]string{i.Recipient})}
		ev.Decision.ReasonCode = string(i.Reason)
	})
	if err != nil {
		return err
	}
	return l.Do(e.ctx, func(tx gateway.Tx) error { return tx.MoveItem(i, r) })
}
