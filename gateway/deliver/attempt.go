package deliver

import (
	"context"
	"errors"
	"fmt"
	"io"

	"sekisho/gateway"
	"sekisho/sanitize/seal"
)

// attempt is what came of sending one delivery once.
type attempt struct {
	answers map[string]reply // the next hop's words to a recipient, or ours in its stead
	err     error            // why the others have none: a connection or seal fault
}

// refused reports whether the fault cannot be mended by trying again.
func (a attempt) refused() bool {
	return errors.Is(a.err, seal.ErrSeal) || errors.Is(a.err, errForm)
}

// answer returns what a recipient was told, or else why it was told nothing:
// an answer to the connection as a whole counts for now only, whatever it says.
func (a attempt) answer(to string) (reply, bool) {
	if r, ok := a.answers[to]; ok {
		return r, true
	}
	if a.err == nil {
		return reply{0, "no answer"}, false
	}
	var (
		s said
		r reply
	)
	if errors.As(a.err, &s) && s.transient() {
		r.code = s.code
	}
	return reply{r.code, a.err.Error()}, false
}

// attempt opens the passport and sends the mail.
func (d *Deliver) attempt(ctx context.Context, c *connection, v *gateway.Delivery) attempt {
	open := func() (io.ReadCloser, error) { return d.Outbox.Open(ctx, v.Blob) }
	check := seal.Open
	if d.Exceptions {
		check = seal.OpenExcepted
	}
	sealed, err := check(open, v.Passport, d.Keys, d.Scribe.Clock())
	if err != nil {
		return attempt{err: err}
	}
	if err := d.lawful(ctx, sealed.Grant); err != nil {
		return attempt{err: err}
	}
	if sealed.Delivery != string(v.ID) {
		return attempt{err: fmt.Errorf("%w: passport of another delivery", seal.ErrSeal)}
	}
	if sealed.Route != gateway.RouteName {
		return attempt{err: fmt.Errorf("%w: passport for another route", seal.ErrSeal)}
	}
	to := waiting(sealed.To, v.Recipients)
	if len(to) == 0 {
		return attempt{err: fmt.Errorf("%w: no recipient of the passport waits", seal.ErrSeal)}
	}
	return c.send(ctx, parcel{sealed, to, &lease{d, v}})
}

// lawful asks the register whether the exception of an original is in force still
// and says what it said when the mail was sealed. A passport alone is good until its
// time; an exception can be ended by a person before.
func (d *Deliver) lawful(ctx context.Context, g *seal.Grant) error {
	if g == nil { // it passed the lint
		return nil
	}
	e, err := d.Ledger.Exception(ctx, g.Exception)
	switch {
	case errors.Is(err, gateway.ErrNotFound):
		return fmt.Errorf("%w: there is no such exception", seal.ErrSeal)
	case err != nil:
		return fmt.Errorf("look up the exception: %w", err)
	case !e.InForce(d.Scribe.Clock()):
		return fmt.Errorf("%w: its exception is over", seal.ErrSeal)
	case g.Terms != "" && g.Terms != e.TermsSum():
		return fmt.Errorf("%w: its exception says something else by now", seal.ErrSeal)
	}
	return nil
}

// waiting returns the passport's recipients that have no outcome yet, each
// once.
func waiting(sealed []string, rs []gateway.Recipient) []string {
	pending := map[string]bool{}
	for _, r := range rs {
		pending[r.Address] = r.State == gateway.Pending
	}
	var to []string
	for _, a := range sealed {
		if pending[a] {
			to = append(to, a)
			pending[a] = false
		}
	}
	return to
}

// parcel is a verified mail, those of its recipients that wait, and the lease
// under which it is sent.
type parcel struct {
	seal.Verified
	to    []string
	lease tenure
}

// tenure says that we are the one who sends a delivery.
type tenure interface {
	// renew is called while the body is sent. An error means: stop.
	renew(context.Context) error
	// hold is called before the final dot. An error means: no dot.
	hold(context.Context) error
}

// lease is the tenure that the ledger gives. It guards a delivery against a second sender.
type lease struct {
	d *Deliver
	v *gateway.Delivery
}

// renew extends the lease when little of it is left.
func (l *lease) renew(ctx context.Context) error {
	now := l.d.Scribe.Clock()
	if l.v.Lease.Until.Sub(now) > renewBefore {
		return nil
	}
	until := now.Add(leaseTime)
	err := l.d.Ledger.Do(ctx, func(tx gateway.Tx) error { return tx.RenewDelivery(*l.v, until) })
	if err != nil {
		return fmt.Errorf("renew lease: %w", err)
	}
	l.v.Lease.Until = until
	return nil
}

// hold makes sure, just before the final dot, that the lease is still ours and
// outlasts the wait for the reply (DECISIONS 30). The fence is looked up even
// when our clock says that there is time: another node's clock may differ.
func (l *lease) hold(ctx context.Context) error {
	if err := l.renew(ctx); err != nil {
		return err
	}
	row, err := l.d.Ledger.Delivery(ctx, l.v.ID)
	if err != nil {
		return fmt.Errorf("look up lease: %w", err)
	}
	if row.State != gateway.Relaying || row.Lease.Owner != l.v.Lease.Owner || row.Lease.Fence != l.v.Lease.Fence {
		return gateway.ErrLease
	}
	return nil
}
