package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
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
	State []string `help:"状態: accepted, sanitizing, drafted, ready, relaying, relayed, held, failed, discarded, released。なければ終わっていないもの / states; default those not ended" placeholder:"STATE"`
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

// Run lists messages that are not sanitized yet, and deliveries.
func (c *queueListCmd) Run(e env) error {
	return c.withLedger(e.ctx, func(_ config.Config, l *sqlite.Ledger) error {
		messages, deliveries := c.states()
		ms, err := waitingMessages(e.ctx, l, messages, c.Limit)
		if err != nil {
			return err
		}
		var ds []gateway.Delivery
		if len(deliveries) > 0 {
			if ds, err = l.Deliveries(e.ctx, gateway.DeliveryQuery{Limit: c.Limit, States: deliveries}); err != nil {
				return err
			}
		}
		if c.JSON {
			return errors.Join(jsonLines(e.stdout, ms, messageToJSON), jsonLines(e.stdout, ds, deliveryToJSON))
		}
		if err := printMessages(e.stdout, ms); err != nil || len(ms) > 0 && len(ds) == 0 {
			return err
		}
		return printDeliveries(e.stdout, ds)
	})
}

// states are those of messages and those of deliveries that were asked for.
// Scripts that ask for none get deliveries alone.
func (c *queueListCmd) states() ([]gateway.MessageState, []gateway.DeliveryState) {
	if len(c.State) == 0 {
		open := []gateway.DeliveryState{gateway.Drafted, gateway.Ready, gateway.Relaying, gateway.Failed}
		if c.JSON {
			return nil, open
		}
		return messageStates, open
	}
	var messages []gateway.MessageState
	var deliveries []gateway.DeliveryState
	for _, s := range c.State {
		if m := gateway.MessageState(s); slices.Contains(messageStates, m) {
			messages = append(messages, m)
			continue
		}
		deliveries = append(deliveries, gateway.DeliveryState(s))
	}
	return messages, deliveries
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

// Run prints the deliveries of a receipt number, or one delivery; of a message
// that is not sanitized yet, how far it is.
func (c *queueShowCmd) Run(e env) error {
	return c.withLedger(e.ctx, func(_ config.Config, l *sqlite.Ledger) error {
		enc := indented(e.stdout)
		if m, err := l.MessageByReceipt(e.ctx, c.ID); err == nil && m.State != gateway.Settled {
			return enc.Encode(messageToJSON(m))
		}
		ds, err := find(e, l, c.ID)
		if err != nil {
			return err
		}
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
