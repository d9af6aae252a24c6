package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/config"
	"sekisho/gateway/store/sqlite"
)

type queueCmd struct {
	List  queueListCmd  `cmd:"" help:"配送の一覧 / list deliveries"`
	Show  queueShowCmd  `cmd:"" help:"配送一件の詳細 / show one delivery"`
	Retry queueRetryCmd `cmd:"" help:"今すぐ配送し直す / try again now"`
	Fail  queueFailCmd  `cmd:"" help:"配送をあきらめる（記録されます）/ give up; recorded"`
}

type queueListCmd struct {
	ledgerArgs
	State []string `help:"状態: drafted, ready, relaying, relayed, held, failed, discarded。なければ終わっていないもの / states; default those not ended" placeholder:"STATE"`
	Limit int      `help:"件数の上限 / at most" default:"100"`
	JSON  bool     `help:"一行に一件の JSON / one JSON object per line"`
}

// deliveryJSON is a delivery as scripts read it. It has no content.
type deliveryJSON struct {
	ID         string                `json:"id"`
	Receipt    string                `json:"receipt_no"`
	Kind       gateway.DeliveryKind  `json:"kind"`
	State      gateway.DeliveryState `json:"state"`
	Reason     string                `json:"reason,omitempty"`
	Verdict    string                `json:"verdict"`
	HeldParts  int                   `json:"held_parts"`
	Sender     string                `json:"sender"`
	Recipients []recipientJSON       `json:"recipients"`
	Size       int64                 `json:"size"`
	Attempts   int                   `json:"attempts"`
	CreatedAt  time.Time             `json:"created_at"`
	NextAt     time.Time             `json:"next_at"`
}

// recipientJSON is one recipient's outcome so far.
type recipientJSON struct {
	Address string                 `json:"address"`
	State   gateway.RecipientState `json:"state"`
	Code    int                    `json:"code,omitempty"`
	Reply   string                 `json:"reply,omitempty"`
}

func deliveryToJSON(d gateway.Delivery) deliveryJSON {
	j := deliveryJSON{string(d.ID), d.Receipt, d.Kind, d.State, d.Reason, d.Verdict, d.HeldParts, d.From, nil, d.Size,
		d.Attempts, d.CreatedAt, d.Due()}
	for _, r := range d.Recipients {
		j.Recipients = append(j.Recipients, recipientJSON{r.Address, r.State, r.Code, r.Text})
	}
	return j
}

// Run lists deliveries.
func (c *queueListCmd) Run(e env) error {
	return c.withLedger(e.ctx, func(_ config.Config, l *sqlite.Ledger) error {
		q := gateway.DeliveryQuery{Limit: c.Limit, States: []gateway.DeliveryState{gateway.Drafted, gateway.Ready, gateway.Relaying, gateway.Failed}}
		if len(c.State) > 0 {
			q.States = nil
			for _, s := range c.State {
				q.States = append(q.States, gateway.DeliveryState(s))
			}
		}
		ds, err := l.Deliveries(e.ctx, q)
		if err != nil {
			return err
		}
		if c.JSON {
			return jsonLines(e.stdout, ds, deliveryToJSON)
		}
		return printDeliveries(e.stdout, ds)
	})
}

func printDeliveries(w io.Writer, ds []gateway.Delivery) error {
	if len(ds) == 0 {
		fmt.Fprintln(w, "該当する配送はありません / no such delivery")
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "受付番号\t種類\t状態\t試行\t次回\t宛先\t番号")
	for _, d := range ds {
		next := "-"
		if !d.State.Final() {
			next = d.Due().Local().Format("01-02 15:04")
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n", d.Receipt, d.Kind, d.State, d.Attempts, next, strings.Join(d.Addresses(), ","), d.ID)
	}
	return t.Flush()
}

type queueShowCmd struct {
	ledgerArgs
	ID string `arg:"" help:"配送の番号または受付番号 / delivery id or receipt number"`
}

// Run prints the deliveries of a receipt number, or one delivery.
func (c *queueShowCmd) Run(e env) error {
	return c.withLedger(e.ctx, func(_ config.Config, l *sqlite.Ledger) error {
		ds, err := find(e, l, c.ID)
		if err != nil {
			return err
		}
		enc := indented(e.stdout)
		for _, d := range ds {
			if err := enc.Encode(deliveryToJSON(d)); err != nil {
				return err
			}
		}
		return nil
	})
}

// find returns the deliveries that a person means.
func find(e env, l *sqlite.Ledger, id string) ([]gateway.Delivery, error) {
	if !strings.HasPrefix(id, "M-") {
		d, err := l.Delivery(e.ctx, gateway.ID(id))
		return []gateway.Delivery{d}, err
	}
	m, err := l.MessageByReceipt(e.ctx, id)
	if err != nil {
		return nil, err
	}
	return l.Deliveries(e.ctx, gateway.DeliveryQuery{Message: m.ID})
}

type queueRetryCmd struct {
	ledgerArgs
	ID string `arg:"" help:"配送の番号 / delivery id"`
}

// Run makes a waiting or failed delivery due now.
func (c *queueRetryCmd) Run(e env) error {
	return c.redirect(e, c.ID, gateway.Ready, "relay.deferred", audit.Pending, "operator_retry")
}

type queueFailCmd struct {
	ledgerArgs
	ID string `arg:"" help:"配送の番号 / delivery id"`
}

// Run gives a waiting delivery up.
func (c *queueFailCmd) Run(e env) error {
	return c.redirect(e, c.ID, gateway.Failed, "relay.failed", audit.Failure, "operator_fail")
}

// redirect moves a delivery by the decision of the person at the command line.
func (a ledgerArgs) redirect(e env, id string, to gateway.DeliveryState, v audit.Verb, o audit.Outcome, why string) error {
	return a.withLedger(e.ctx, func(_ config.Config, l *sqlite.Ledger) error {
		d, err := l.Delivery(e.ctx, gateway.ID(id))
		if err != nil {
			return err
		}
		r, err := commandScribe().User(v, o, osUser(), func(ev *audit.Event) {
			ev.Object, ev.Mail = d.Object(), gateway.AuditMail(d.From, d.Waiting())
			ev.Route, ev.Decision.ReasonCode = gateway.Inbound(), why
		})
		if err != nil {
			return err
		}
		if err := l.Do(e.ctx, func(tx gateway.Tx) error { return tx.Redirect(d.ID, to, time.Now(), r) }); err != nil {
			return fmt.Errorf("%s は %s です / is %s: %w", d.Receipt, d.State, d.State, err)
		}
		fmt.Fprintf(e.stdout, "%s: %s → %s\n", d.Receipt, d.State, to)
		return nil
	})
}
