package flow

import (
	"context"
	"io"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
	"sekisho/sanitize"
	"sekisho/sanitize/format"
	"sekisho/sanitize/policy"
	"sekisho/sanitize/seal"
)

// release is the work on one approved request, gathered until it is committed.
type release struct {
	*settlement
	job       gateway.Job
	req       quarantine.ReleaseRequest
	item      quarantine.Item
	exception *quarantine.Exception // as it was used, of an exception
	policy    policy.Policy
	edition   audit.Policy // of policy
	delivery  gateway.Delivery
}

func (f *Flow) releaseOf(ctx context.Context, j gateway.Job) (*release, error) {
	w := &release{settlement: &settlement{flow: f, now: f.Scribe.Clock()}, job: j}
	if f.Edition != nil {
		w.policy, w.edition = f.Edition()
	} else {
		w.policy = f.Policy()
	}
	var err error
	if w.req, err = f.Ledger.Request(ctx, j.Request); err != nil {
		return nil, err
	}
	if w.item, err = f.Ledger.Item(ctx, w.req.Item); err != nil {
		return nil, err
	}
	if w.m, err = f.Ledger.Message(ctx, gateway.ID(w.req.Message)); err != nil {
		return nil, err
	}
	return w, nil
}

// run makes and seals the follow-up mail. An *format.Error is why the part
// stays held; every other error is of the machine.
func (w *release) run(ctx context.Context) error {
	switch err := w.req.Granted(); {
	case err != nil:
		return format.Hold(format.ByPolicy, err.Error())
	case w.item.State != quarantine.Held || w.m.Blob == "":
		return format.Hold(format.Internal, "the part is gone")
	case w.job.Lost >= maxLost:
		return format.Hold(format.CrashLoop, "the gateway died of it")
	case w.job.Attempts >= maxTries:
		return format.Hold(format.Internal, "every try failed")
	}
	rules := w.policy.For(w.item.Recipient)
	digest := rules.Digest()
	w.req = w.req.LeaveOut(func(address string) bool { return w.policy.For(address).Digest() == digest })
	switch {
	case w.req.Form == quarantine.TextOnly:
		return w.rebuilt(ctx, rules.TextOnly())
	case w.req.Form == quarantine.Resanitize && w.req.Profile == quarantine.Wide:
		return w.rebuilt(ctx, rules.Wide())
	case w.req.Form == quarantine.Resanitize:
		return w.rebuilt(ctx, rules)
	case w.req.Form == quarantine.Original:
		return w.original(ctx, rules)
	}
	return format.Hold(format.ByPolicy, "no relay for "+string(w.req.Form)) // the Internet side has none
}

// group is who gets the mail, under which rules.
func (w *release) group(rules policy.Rules) group { return group{rules, w.req.To()} }

// input is the original mail as the engine takes it.
func (w *release) input(ctx context.Context, g group) (sanitize.Input, format.Budget, func(), error) {
	data, err := w.flow.original(ctx, w.m)
	if err != nil {
		return sanitize.Input{}, format.Budget{}, nil, err
	}
	b := sanitize.BudgetOf(g.rules)
	b.Deadline = time.Now().Add(g.rules.Limits.Time)
	in := sanitize.Input{Kind: format.Mail, Data: data, Rules: g.rules, Facts: w.facts(g), Authserv: w.flow.Authserv}
	return in, b, func() { data.Close() }, nil
}

// letter is the follow-up mail without its part. Its date is that of the
// decision, so that each try writes the same bytes.
func (w *release) letter(g group, id string) sanitize.FollowUp {
	at := w.job.CreatedAt.In(w.flow.Location)
	size := g.rules.Limits.Output
	if hop := w.flow.hopSize(); hop > 0 && hop < size {
		size = hop
	}
	return sanitize.FollowUp{Facts: *w.facts(g), At: at, Item: w.item.ID, From: w.m.From, Subject: w.m.Subject, MessageID: id,
		Reason: w.item.Reason, Address: w.flow.Postmaster, MaxBytes: size}
}

// rebuilt releases the part as the engine rebuilds it now.
func (w *release) rebuilt(ctx context.Context, rules policy.Rules) error {
	g := w.group(rules)
	in, b, done, err := w.input(ctx, g)
	if err != nil {
		return err
	}
	defer done()
	r, err := w.flow.Engine.Release(ctx, in, w.item.Path, b)
	if err != nil {
		return err
	}
	defer r.Part.Close()
	bound(&r.Part, len(g.to))
	switch {
	case !r.Part.Body.OK() && r.Part.Reason == "":
		return format.Hold(format.ByPolicy, r.Part.Verdict.String())
	case !r.Part.Body.OK():
		return format.Hold(r.Part.Reason, r.Part.Detail)
	case w.item.Sum != [32]byte{} && r.Part.Sum != w.item.Sum:
		return format.Hold(format.Internal, "another part is in its place")
	}
	body, err := w.flow.Engine.FollowUp(ctx, w.letter(g, r.ID), &r.Part)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := w.send(ctx, g, r.Part.Verdict.String(), body.Reader(), body.Sum(), body.Size(), body.Basis()); err != nil {
		return err
	}
	if err := w.recordParts(&r.Part); err != nil {
		return err
	}
	return w.holdParts(&w.delivery, &r.Part, g)
}

// send stores and seals the mail and makes it a delivery.
func (w *release) send(ctx context.Context, g group, verdict string, body io.Reader, sum [32]byte, size int64, basis seal.Basis) error {
	d, err := w.newDelivery(gateway.KindFollowUp, "", g)
	if err != nil {
		return err
	}
	d.About, d.Verdict = gateway.ID(w.item.Delivery), verdict
	notAfter := d.Due().Add(passportTime)
	if w.exception != nil { // an original that waits for its next hop does not outlive its exception
		until := w.exception.Until
		if until.Before(notAfter) {
			notAfter = until
		}
		if until.Before(d.ExpiresAt) {
			d.ExpiresAt = until
		}
	}
	w.delivery, err = w.flow.sealedUntil(ctx, d, notAfter, body, sum, size, basis)
	return err
}

// abandon deletes a sealed file that no row will name.
func (w *release) abandon(ctx context.Context) {
	if w.delivery.Blob == "" {
		return
	}
	if err := w.flow.Outbox.Delete(ctx, w.delivery.Blob); err != nil {
		w.flow.Log.Warn("a sealed file was left behind", "error", err)
	}
}

// fill says which item, request and form an event is about, and under which
// policy. What went out is the mail; the rebuilt part has records of its own.
func (w *release) fill(e *audit.Event) {
	gateway.RecordRequest(e, w.req, w.item, w.edition)
	e.Object.Type, e.Object.ID = "item", w.item.ID
	e.Object.Sanitized = gateway.Hex(w.delivery.Sum)
	e.Mail, e.Route = gateway.AuditMail(w.m.Envelope.From, w.req.To()), gateway.Inbound()
	e.Decision.ReasonCode = string(w.item.Reason)
}

// fillUse says which exception was used, for which part.
func (w *release) fillUse(e *audit.Event) {
	w.fill(e)
	gateway.RecordUse(e, *w.exception)
}

// commit ends request, item and job together with the mail, so that there is
// one mail whatever dies in between.
func (w *release) commit(tx gateway.Tx) error {
	req, item, err := w.req.Execute(w.item, string(w.delivery.ID), w.now)
	if err != nil {
		return err
	}
	records, err := w.outcome()
	if err != nil {
		return err
	}
	j := w.job
	j.State, j.EndedAt = gateway.JobDone, w.now
	steps := []func() error{
		func() error { return tx.AddDelivery(w.delivery, records...) },
		func() error { return tx.MoveRequest(req) },
		func() error { return tx.MoveItem(item) },
		func() error { return tx.EndJob(j) },
	}
	for _, i := range w.items {
		steps = append(steps, func() error { return tx.AddItem(i) })
	}
	steps = append(steps, func() error { return tx.AddNotices(w.notices) })
	if w.exception != nil {
		steps = append(steps, func() error { return tx.MoveException(*w.exception) })
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// outcome are the records of a release, after those of its parts.
func (w *release) outcome() ([]gateway.Record, error) {
	all := w.records[:len(w.records):len(w.records)] // the closure may run more than once
	verbs := []audit.Verb{"delivery.created", "delivery.sealed", "release.executed", "item.released", "job.done"}
	if w.exception != nil {
		verbs = append(verbs, "exception.used")
	}
	for _, v := range verbs {
		fill := w.fill
		switch v {
		case "delivery.created", "delivery.sealed":
			fill = func(e *audit.Event) { fillDelivery(e, w.delivery) }
		case "exception.used":
			fill = w.fillUse
		}
		r, err := w.flow.Scribe.System(v, audit.Success, fill)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// fail ends the request with the reason why the part is held still.
func (w *release) fail(ctx context.Context, why format.Reason, detail string) error {
	req, err := w.req.Fail(why, w.now)
	if err != nil {
		return err
	}
	j := w.job
	j.State, j.EndedAt, j.Reason, j.Detail = gateway.JobFailed, w.now, string(why), audit.Clean(detail, 1024)
	w.delivery = gateway.Delivery{}
	var records []gateway.Record
	for _, v := range []audit.Verb{"release.executed", "job.failed"} {
		r, err := w.flow.Scribe.System(v, audit.Failure, func(e *audit.Event) {
			w.fill(e)
			e.Decision.ReasonCode = string(why)
		})
		if err != nil {
			return err
		}
		records = append(records, r)
	}
	return w.flow.Ledger.Do(ctx, func(tx gateway.Tx) error {
		if err := tx.MoveRequest(req, records...); err != nil {
			return err
		}
		return tx.EndJob(j)
	})
}
