package flow

import (
	"context"
	"fmt"
	"io"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
	"sekisho/sanitize"
	"sekisho/sanitize/format"
	"sekisho/sanitize/memfile"
	"sekisho/sanitize/policy"
	"sekisho/sanitize/seal"
)

// settlement is the work on one message, gathered until it is committed.
type settlement struct {
	flow *Flow
	m    gateway.Message
	now  time.Time

	turned func(sanitize.Progress) // told of pages

	trees      []*sanitize.Node
	deliveries []gateway.Delivery
	items      []quarantine.Item
	notices    []gateway.Notice
	records    []gateway.Record
}

// group is the recipients of one delivery.
type group struct {
	rules policy.Rules
	to    []string
}

// groups puts recipients with the same effective policy together, in the order
// of the envelope.
func groups(p policy.Policy, to []string) []group {
	var gs []group
	at := map[string]int{}
	for _, a := range to {
		r := p.For(a)
		d := r.Digest()
		i, ok := at[d]
		if !ok {
			i = len(gs)
			at[d] = i
			gs = append(gs, group{rules: r})
		}
		gs[i].to = append(gs[i].to, a)
	}
	return gs
}

func (s *settlement) close() {
	for _, t := range s.trees {
		t.Close()
	}
}

// abandon deletes sealed files that no row will name.
func (s *settlement) abandon(ctx context.Context) {
	for _, d := range s.deliveries {
		if d.Blob != "" {
			if err := s.flow.Outbox.Delete(ctx, d.Blob); err != nil {
				s.flow.Log.Warn("a sealed file was left behind", "error", err)
			}
		}
	}
}

func (s *settlement) run(ctx context.Context) error {
	p := s.flow.Policy()
	switch {
	case s.m.Lost >= maxLost:
		return s.poison(ctx, p, format.CrashLoop)
	case s.m.Crashes >= maxTries:
		return s.poison(ctx, p, format.Internal)
	}
	data, err := s.flow.original(ctx, s.m)
	if err != nil {
		return err
	}
	defer data.Close()
	for _, g := range groups(p, s.m.Envelope.To) {
		if err := s.group(ctx, g, data); err != nil {
			return err
		}
	}
	return nil
}

// poison holds a message that has taken down its parents, or failed every
// time, without opening it.
func (s *settlement) poison(ctx context.Context, p policy.Policy, why format.Reason) error {
	for _, g := range groups(p, s.m.Envelope.To) {
		t := &sanitize.Node{Kind: format.Mail, Size: s.m.Size, Sum: s.m.Sum, Reason: why}
		s.trees = append(s.trees, t)
		if err := s.decide(ctx, g, t); err != nil {
			return err
		}
	}
	return nil
}

// maxItems bounds the held parts times the recipients of one delivery: a row
// and a record each, which stay for years.
const maxItems = 2000

// bound holds the mail as a whole when it has more held parts than anybody
// would decide about one by one. Its few bytes could else fill the disk with
// rows.
func bound(t *sanitize.Node, recipients int) {
	if n := len(heldParts(t)); n > 1 && n*recipients > maxItems {
		t.Close()
		t.Verdict, t.Reason, t.Method = format.Held, format.LimitCount, format.MethodNone
		t.Detail = fmt.Sprintf("%d held parts", n)
	}
}

func (s *settlement) group(ctx context.Context, g group, data *memfile.File) error {
	b := sanitize.BudgetOf(g.rules)
	b.Deadline = time.Now().Add(g.rules.Limits.Time) // of this machine, not of the office
	rules := g.rules
	if size := s.flow.hopSize(); size > 0 && size < rules.Limits.Output { // DECISIONS 19
		rules.Limits.Output = size
	}
	t, err := s.flow.Engine.Sanitize(ctx, sanitize.Input{Kind: format.Mail, Data: data, Rules: rules,
		Facts: s.facts(g), Authserv: s.flow.Authserv, Progress: s.turned}, b)
	if err != nil {
		return err
	}
	s.trees = append(s.trees, &t)
	return s.decide(ctx, g, &t)
}

func (s *settlement) facts(g group) *format.Facts {
	f := s.flow
	return &format.Facts{ReceiptNo: s.m.Receipt, ReceivedAt: s.m.ReceivedAt.In(f.Location),
		ExpiresAt: s.m.ReceivedAt.Add(g.rules.Limits.Retain).In(f.Location), Recipients: g.to, Sender: s.m.Envelope.From,
		MessageID: string(s.m.ID), Instance: f.Instance, Host: f.Host, Version: f.Scribe.Version, Office: f.Office}
}

// decide turns a result tree into a delivery: sealed when the mail was
// rebuilt, held with a substitute mail otherwise.
func (s *settlement) decide(ctx context.Context, g group, t *sanitize.Node) error {
	bound(t, len(g.to))
	if s.m.Subject == "" {
		s.m.Subject = t.Subject
	}
	if s.m.From == "" && len(t.From) > 0 {
		s.m.From = t.From[0]
	}
	d, err := s.newDelivery(gateway.KindMail, s.m.Envelope.From, g)
	if err != nil {
		return err
	}
	d.Verdict, d.Reason = t.Verdict.String(), string(t.Reason)
	if t.Body.OK() {
		if err := s.seal(ctx, &d, t.Body); err != nil {
			return err
		}
	} else {
		d.State = gateway.Held
	}
	if err := s.holdParts(&d, t, g); err != nil {
		return err
	}
	s.deliveries = append(s.deliveries, d)
	if err := s.recordTree(d, t); err != nil {
		return err
	}
	if d.State != gateway.Held {
		return nil
	}
	return s.tell(ctx, g, d, t)
}

func (s *settlement) newDelivery(k gateway.DeliveryKind, from string, g group) (gateway.Delivery, error) {
	id, err := gateway.NewID(s.flow.Scribe.Random)
	if err != nil {
		return gateway.Delivery{}, err
	}
	d := gateway.Delivery{ID: id, Message: s.m.ID, Receipt: s.m.Receipt, Kind: k, From: from, Policy: g.rules.Digest(),
		State: gateway.Ready, CreatedAt: s.now, ExpiresAt: s.now.Add(g.rules.Limits.Expires)}
	for _, a := range g.to {
		d.Recipients = append(d.Recipients, gateway.Recipient{Address: a, State: gateway.Pending})
	}
	return d, nil
}

// passportTime is how long a passport is good for, from when it is due: longer than deliver tries by
// itself, so that an operator may still retry a delivery that was given up.
const passportTime = 30 * 24 * time.Hour

// seal stores a body in the outbox and signs its passport.
func (s *settlement) seal(ctx context.Context, d *gateway.Delivery, b sanitize.Body) error {
	var err error
	*d, err = s.flow.seal(ctx, *d, b)
	return err
}

func (f *Flow) seal(ctx context.Context, d gateway.Delivery, b sanitize.Body) (gateway.Delivery, error) {
	return f.sealed(ctx, d, b.Reader(), b.Sum(), b.Size(), b.Basis())
}

// sealed stores a mail in the outbox and signs its passport on a basis.
func (f *Flow) sealed(ctx context.Context, d gateway.Delivery, body io.Reader, sum [32]byte, size int64, basis seal.Basis) (gateway.Delivery, error) {
	return f.sealedUntil(ctx, d, d.Due().Add(passportTime), body, sum, size, basis)
}

func (f *Flow) sealedUntil(ctx context.Context, d gateway.Delivery, notAfter time.Time, body io.Reader, sum [32]byte, size int64, basis seal.Basis) (gateway.Delivery, error) {
	blob, err := f.Outbox.Put(ctx, func(w io.Writer) error {
		_, err := io.Copy(w, body)
		return err
	})
	if err != nil {
		return d, fmt.Errorf("store sealed body: %w", err)
	}
	d.Blob, d.Size, d.Sum = blob, size, sum
	d.Passport, err = seal.Sign(f.Key, seal.Claims{Delivery: string(d.ID), From: d.From, To: d.Addresses(), Route: gateway.RouteName,
		Policy: d.Policy, Build: f.Scribe.Version, NotAfter: notAfter}, basis)
	return d, err
}

// holdParts makes an item of each held part, for each recipient. A part below
// a held one is not an item of its own: it is released with its parent.
func (s *settlement) holdParts(d *gateway.Delivery, t *sanitize.Node, g group) error {
	for _, n := range heldParts(t) {
		d.HeldParts++
		for _, to := range g.to {
			id, err := gateway.NewID(s.flow.Scribe.Random)
			if err != nil {
				return err
			}
			i := quarantine.Item{ID: string(id), Message: string(s.m.ID), Delivery: string(d.ID), Receipt: s.m.Receipt, Recipient: to,
				Path: n.Path, Name: n.Name, Kind: n.Kind, Reason: n.Reason, Detail: n.Detail, Sum: n.Sum, Size: n.Size,
				State: quarantine.Held, HeldAt: s.now, ExpiresAt: s.m.ReceivedAt.Add(g.rules.Limits.Retain)}
			s.items = append(s.items, i)
			if !s.silent(t) {
				s.note(i)
			}
			if err := s.recordItem(i, n); err != nil {
				return err
			}
		}
	}
	return nil
}

func heldParts(t *sanitize.Node) []*sanitize.Node {
	if t.Verdict != format.Rebuilt && t.Verdict != format.Partly {
		if t.Verdict == format.Held || t.Path == "" {
			return []*sanitize.Node{t}
		}
		return nil
	}
	var out []*sanitize.Node
	for i := range t.Kids {
		out = append(out, heldParts(&t.Kids[i])...)
	}
	return out
}

// commit writes everything in one transaction. unknown says that the commit
// itself failed: a power loss may still bring it about, so the sealed files
// stay, and the janitor sweeps what no row names.
func (s *settlement) commit(ctx context.Context) (unknown bool, err error) {
	return s.flow.do(ctx, func(tx gateway.Tx) error {
		return s.settle(tx)
	})
}

// do is Ledger.Do that tells a failed commit from a closure that failed.
func (f *Flow) do(ctx context.Context, change func(gateway.Tx) error) (unknown bool, err error) {
	var inside error
	err = f.Ledger.Do(ctx, func(tx gateway.Tx) error {
		inside = change(tx)
		return inside
	})
	return err != nil && inside == nil, err
}

func (s *settlement) record(v audit.Verb, o audit.Outcome, fill func(*audit.Event)) error {
	r, err := s.flow.Scribe.System(v, o, fill)
	if err != nil {
		return err
	}
	s.records = append(s.records, r)
	return nil
}
