package flow

import (
	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
	"sekisho/sanitize"
	"sekisho/sanitize/format"
)

// maxPartRecords bounds the part records of one mail; the tree digest covers
// the rest.
const maxPartRecords = 200

// recordTree records what became of the mail and of each part.
func (s *settlement) recordTree(d gateway.Delivery, t *sanitize.Node) error {
	outcome := audit.Success
	if d.State == gateway.Held {
		outcome = audit.Denied
	}
	err := s.record("message.sanitized", outcome, func(e *audit.Event) {
		e.Object = s.m.Object()
		e.Object.Sanitized = gateway.Hex(t.Body.Sum())
		e.Route, e.Policy.SHA256 = gateway.Inbound(), d.Policy
		e.Decision.ReasonCode = string(t.Reason)
		e.Change = audit.Change{Path: "tree", After: t.Digest()}
	})
	if err != nil {
		return err
	}
	if err := s.recordParts(t); err != nil {
		return err
	}
	if err := s.recordDelivery("delivery.created", d); err != nil || d.State == gateway.Held {
		return err
	}
	return s.recordDelivery("delivery.sealed", d)
}

func (s *settlement) recordDelivery(v audit.Verb, d gateway.Delivery) error {
	return s.record(v, audit.Success, func(e *audit.Event) { fillDelivery(e, d) })
}

// fillDelivery says which delivery an event is about.
func fillDelivery(e *audit.Event, d gateway.Delivery) {
	e.Object, e.Mail = d.Object(), gateway.AuditMail(d.From, d.Addresses())
	e.Route, e.Policy.SHA256 = gateway.Inbound(), d.Policy
	e.Decision.Form = string(d.Kind)
	e.Decision.ReasonCode = d.Reason
}

// partVerbs says how a rebuilt part is recorded.
var partVerbs = map[format.Method]audit.Verb{
	format.MethodText: "part.textized", format.MethodImage: "part.rasterized",
	format.MethodReconstruct: "part.reconstructed", format.MethodUnpack: "part.reconstructed",
}

func (s *settlement) recordParts(t *sanitize.Node) error {
	var err error
	count := 0
	t.Walk(func(n *sanitize.Node) {
		if n.Path == "" || err != nil || count >= maxPartRecords {
			return
		}
		count++
		v, o := audit.Verb("part.quarantined"), audit.Denied
		switch n.Verdict {
		case format.Rebuilt, format.Partly:
			v, o = partVerbs[n.Method], audit.Success
		case format.Stripped:
			v, o = "part.stripped", audit.Success
		}
		err = s.record(v, o, func(e *audit.Event) {
			e.Object = audit.Object{Type: "part", ID: string(s.m.ID), ReceiptNo: s.m.Receipt, Part: n.Path,
				Original: gateway.Hex(n.Sum), Sanitized: gateway.Hex(n.Body.Sum())}
			e.Decision.ReasonCode = string(n.Reason)
		})
		if err == nil {
			err = s.flow.Scribe.Commit(&s.records[len(s.records)-1], "", audit.Clean(n.Name, 1024))
		}
	})
	return err
}

func (s *settlement) recordItem(i quarantine.Item, n *sanitize.Node) error {
	err := s.record("item.held", audit.Success, func(e *audit.Event) {
		e.Object, e.Mail = gateway.ItemObject(i), gateway.AuditMail(s.m.Envelope.From, []string{i.Recipient})
		e.Route = gateway.Inbound()
		e.Decision.ReasonCode = string(i.Reason)
	})
	if err != nil {
		return err
	}
	return s.flow.Scribe.Commit(&s.records[len(s.records)-1], audit.Clean(n.Subject, 1024), audit.Clean(n.Name, 1024))
}
