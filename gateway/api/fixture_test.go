package api_test

import (
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
	"sekisho/sanitize/format"
)

// settle makes one delivery for all recipients and one held part for each.
func settle(tx gateway.Tx, w *world, m gateway.Message, record func(audit.Verb, []string) gateway.Record) error {
	d := gateway.Delivery{ID: gateway.ID(w.newID()), Message: m.ID, Receipt: m.Receipt, Kind: gateway.KindMail, From: m.Envelope.From, Policy: "p",
		State: gateway.Ready, Verdict: "partly", HeldParts: 1, Blob: w.newID(), CreatedAt: w.Now(), NextAt: w.Now(), ExpiresAt: w.Now().Add(time.Hour)}
	var items []quarantine.Item
	records := []gateway.Record{record("message.sanitized", m.Envelope.To)}
	for _, to := range m.Envelope.To {
		d.Recipients = append(d.Recipients, gateway.Recipient{Address: to, State: gateway.Pending})
		items = append(items, quarantine.Item{ID: w.newID(), Message: string(m.ID), Delivery: string(d.ID), Receipt: m.Receipt, Recipient: to, Path: "2",
			Name: "秘密の名前.xls", Kind: format.Mail, Reason: format.CrashLoop, Detail: "detail", Size: 3, State: quarantine.Held,
			HeldAt: w.Now(), ExpiresAt: w.Now().Add(time.Hour)})
		records = append(records, record("item.held", []string{to}))
	}
	return tx.Settle(m, []gateway.Delivery{d}, items, records...)
}

// pageOfAll selects the newest rows of everybody.
func pageOfAll() gateway.PageQuery { return gateway.PageQuery{All: true} }
