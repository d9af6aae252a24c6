package flow

import (
	"context"

	"sekisho/quarantine"
	"sekisho/sanitize/format"
	"sekisho/sanitize/policy"
	"sekisho/sanitize/seal"
)

// original releases a part as it was received: the exception. It is a path of
// its own, and the only place of flow where an original is taken. It works only
// where the gateway is switched to it, under an exception that is open now and
// covers the part, and seals with the names of those who let it.
func (w *release) original(ctx context.Context, rules policy.Rules) error {
	if !w.flow.Exceptions {
		return format.Hold(format.ByPolicy, "exceptions are switched off")
	}
	e, err := w.flow.Ledger.Exception(ctx, w.req.Exception)
	if err != nil {
		return err
	}
	if e, err = e.Use(w.item, w.m.Envelope.From, w.now); err != nil {
		return format.Hold(format.ByPolicy, err.Error())
	}
	g := w.group(rules)
	in, b, done, err := w.input(ctx, g)
	if err != nil {
		return err
	}
	defer done()
	taken, err := w.flow.Engine.Take(ctx, in, w.item.Path, b)
	if err != nil {
		return err
	}
	defer taken.Close()
	if w.item.Sum == [32]byte{} || taken.Sum() != w.item.Sum {
		return format.Hold(format.Internal, "another part is in its place")
	}
	taken.Kind = w.item.Kind
	letter := w.letter(g, taken.ID)
	letter.Exception = e.ID
	mail, err := w.flow.Engine.Wrap(ctx, letter, taken)
	if err != nil {
		return err
	}
	defer mail.Close()
	w.exception = &e
	return w.send(ctx, g, format.Held.String(), mail.Reader(), mail.Sum(), mail.Size(), mail.Basis(grant(w.req, e)))
}

// grant names the persons of an approved request, and what its exception says.
func grant(r quarantine.ReleaseRequest, e quarantine.Exception) seal.Grant {
	g := seal.Grant{Exception: r.Exception, Terms: e.TermsSum(), Request: r.ID, Requester: r.Requester.ID}
	for _, d := range r.Approvals() {
		g.Approvers = append(g.Approvers, d.By.ID)
	}
	return g
}
