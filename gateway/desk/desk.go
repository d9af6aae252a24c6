package desk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
)

// Ledger is what the desk reads and changes.
type Ledger interface {
	Do(ctx context.Context, f func(gateway.Tx) error) error
	Message(ctx context.Context, id gateway.ID) (gateway.Message, error)
	Item(ctx context.Context, id string) (quarantine.Item, error)
	Request(ctx context.Context, id string) (quarantine.ReleaseRequest, error)
	Requests(ctx context.Context, q gateway.RequestQuery) ([]quarantine.ReleaseRequest, error)
	Exception(ctx context.Context, id string) (quarantine.Exception, error)
}

// Desk is a plain value; it is safe for concurrent use.
type Desk struct {
	Ledger Ledger
	Scribe gateway.Scribe
	Rules  func() quarantine.Rules // what this gateway offers at the moment
	Wake   func()                  // tells flow of a job; may be nil
	// People knows who accounts are at each step: their roles, and for whom they
	// decide. nil where there are none: persons are then who the caller says, and
	// nobody is a deputy.
	People gateway.People
	// Alike reports whether the mail of two recipients is under the same policy. It
	// tells deciders at once whom they add in vain; flow asks again. nil: flow alone.
	Alike func(a, b string) bool
	// Policy is the policy in force, as records name it; nil: they name none.
	Policy func(ctx context.Context) (audit.Policy, error)
}

// Person is who acts: for the rules, and as records name them.
type Person struct {
	quarantine.Actor
	Audit audit.Actor
}

// Ask is what a person asks for.
type Ask struct {
	Item      string
	Form      quarantine.Form
	Profile   quarantine.Profile
	Reason    string
	Exception string // id, of the form quarantine.Original
	Dept      string // of the recipient, when an administrator asks for another
}

// MaxOpen is how many requests of one person may wait: a list is of the first
// thousand, and nobody shall fill it alone.
const MaxOpen = 100

// Ask makes a release request.
func (d Desk) Ask(ctx context.Context, p Person, ask Ask) (quarantine.ReleaseRequest, error) {
	var none quarantine.ReleaseRequest
	p, err := d.present(ctx, p)
	if err != nil {
		return none, err
	}
	i, err := d.Ledger.Item(ctx, ask.Item)
	if err != nil {
		return none, err
	}
	m, err := d.Ledger.Message(ctx, gateway.ID(i.Message))
	if err != nil {
		return none, err
	}
	k := quarantine.Ask{Form: ask.Form, Profile: ask.Profile, Reason: ask.Reason, Original: m.Envelope.To, Sender: m.Envelope.From, Dept: ask.Dept}
	if ask.Exception != "" {
		// One that nobody registered covers nothing: the rules say so.
		if k.Exception, err = d.Ledger.Exception(ctx, ask.Exception); err != nil && !errors.Is(err, gateway.ErrNotFound) {
			return none, err
		}
	}
	if k.ID, err = d.newID(); err != nil {
		return none, err
	}
	r, err := quarantine.Request(k, i, p.Actor, d.Rules(), d.now())
	if err != nil {
		return none, err
	}
	if r.State == quarantine.Requested {
		open, err := d.Ledger.Requests(ctx, gateway.RequestQuery{States: []quarantine.RequestState{quarantine.Requested}, Requester: p.ID, Limit: MaxOpen})
		if err != nil {
			return none, err
		}
		if len(open) >= MaxOpen {
			return none, quarantine.TooManyOpen
		}
	}
	rec, err := d.about(ctx, p, "release.requested", r, i, quarantine.Decision{Reason: r.Reason})
	if err != nil {
		return none, err
	}
	return r, d.commit(ctx, r, p.ID, func(tx gateway.Tx) error { return tx.AddRequest(r, rec) })
}

// Decide stores a person's vote on a request. version is that of the picture
// that the person decided on; 0 for whatever it is now. When the vote would be the
// last and somebody of the chain has left, the request goes back instead.
func (d Desk) Decide(ctx context.Context, p Person, id string, version int, v quarantine.Vote) (quarantine.ReleaseRequest, error) {
	p, err := d.present(ctx, p)
	if err != nil {
		return quarantine.ReleaseRequest{}, err
	}
	return d.step(ctx, p, id, version, func(r quarantine.ReleaseRequest) (quarantine.ReleaseRequest, error) {
		next, err := quarantine.Decide(r, p.Actor, v, d.now())
		switch {
		case err != nil || v.Choice != quarantine.Approve:
			return next, err
		case !d.Rules().Offers(r.Form):
			return r, quarantine.NotOffered // it was when it was asked for
		case d.Alike != nil:
			next = next.LeaveOut(func(address string) bool { return d.Alike(r.Recipient, address) })
		}
		if next.State != quarantine.Approved {
			return next, nil
		}
		who, err := d.left(ctx, next)
		if err != nil || who == "" {
			return next, err
		}
		return r.GoBack(who, d.now())
	})
}

// Withdraw takes back a person's own request.
func (d Desk) Withdraw(ctx context.Context, p Person, id string, version int, reason string) (quarantine.ReleaseRequest, error) {
	p, err := d.present(ctx, p)
	if err != nil {
		return quarantine.ReleaseRequest{}, err
	}
	return d.step(ctx, p, id, version, func(r quarantine.ReleaseRequest) (quarantine.ReleaseRequest, error) {
		return r.Withdraw(p.Actor, reason, d.now())
	})
}

// requestVerbs are the events of what people decide about a request. Nothing
// writes to it.
var requestVerbs = map[quarantine.Choice]audit.Verb{
	quarantine.Approve: "release.approved", quarantine.Deny: "release.denied",
	quarantine.SendBack: "release.sent_back", quarantine.Withdraw: "release.withdrawn",
}

func (d Desk) step(ctx context.Context, p Person, id string, version int,
	f func(quarantine.ReleaseRequest) (quarantine.ReleaseRequest, error)) (quarantine.ReleaseRequest, error) {
	r, err := d.Ledger.Request(ctx, id)
	if err != nil {
		return r, err
	}
	if version != 0 && version != r.Version {
		return r, quarantine.AlreadyDecided
	}
	if r, err = f(r); err != nil {
		return r, err
	}
	i, err := d.Ledger.Item(ctx, r.Item)
	if err != nil {
		return r, err
	}
	last := r.Decisions[len(r.Decisions)-1]
	rec, err := d.about(ctx, p, requestVerbs[last.Choice], r, i, last)
	if err != nil {
		return r, err
	}
	return r, d.commit(ctx, r, r.Requester.ID, func(tx gateway.Tx) error { return tx.MoveRequest(r, rec) })
}

// commit stores a step, with the job when it approved the request.
func (d Desk) commit(ctx context.Context, r quarantine.ReleaseRequest, by string, f func(gateway.Tx) error) error {
	if r.State != quarantine.Approved {
		return d.Ledger.Do(ctx, f)
	}
	id, err := d.newID()
	if err != nil {
		return err
	}
	j := gateway.Job{ID: gateway.ID(id), Kind: gateway.JobRelease, Message: gateway.ID(r.Message), Item: r.Item, Request: r.ID, By: by,
		State: gateway.JobWaiting, CreatedAt: d.now(), NextAt: d.now()}
	rec, err := d.Scribe.System("job.requested", audit.Pending, func(e *audit.Event) {
		e.Object = audit.Object{Type: "job", ID: id, ReceiptNo: r.Receipt}
		e.Decision = audit.Decision{Form: string(r.Form), RequestID: r.ID}
	})
	if err != nil {
		return err
	}
	err = d.Ledger.Do(ctx, func(tx gateway.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		return tx.AddJob(j, rec)
	})
	if err == nil && d.Wake != nil {
		d.Wake()
	}
	return err
}

// about returns the record of a step of a request: which part it is about, in
// which form, and under which policy.
func (d Desk) about(ctx context.Context, p Person, v audit.Verb, r quarantine.ReleaseRequest, i quarantine.Item, step quarantine.Decision) (gateway.Record, error) {
	var inForce audit.Policy
	if d.Policy != nil {
		var err error
		if inForce, err = d.Policy(ctx); err != nil {
			return gateway.Record{}, fmt.Errorf("read the policy in force: %w", err)
		}
	}
	rec, err := d.Scribe.System(v, audit.Success, func(e *audit.Event) {
		gateway.RecordRequest(e, r, i, inForce)
		if e.OnBehalfOf = step.OnBehalfOf; step.Basis == quarantine.BySystem {
			e.Decision.ReasonCode = string(quarantine.PersonLeft)
		} else {
			e.Actor = p.Audit
		}
		e.Decision.Order = int64(step.Order)
		e.Mail = audit.Mail{Recipients: gateway.AuditRecipients(r.To())}
	})
	return d.withReason(rec, step.Reason, err)
}

// withReason commits a record to what a person wrote.
func (d Desk) withReason(rec gateway.Record, reason string, err error) (gateway.Record, error) {
	if err != nil {
		return rec, err
	}
	return rec, d.Scribe.CommitReason(&rec, reason)
}

func (d Desk) now() time.Time { return d.Scribe.Clock() }

func (d Desk) newID() (string, error) {
	id, err := gateway.NewID(io.Reader(d.Scribe.Random))
	return string(id), err
}
