package deliver

import (
	"context"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
	"sekisho/sanitize/seal"
)

// register opens an exception of two days.
func (w *world) register() quarantine.Exception {
	w.t.Helper()
	person := func(id string, r quarantine.Role) quarantine.Actor {
		return quarantine.Actor{ID: id, Dept: "soumu", Roles: []quarantine.Role{r}}
	}
	e, err := quarantine.Propose(quarantine.Exception{ID: "x1", Scope: quarantine.Scope{Recipients: []string{"*"}, Senders: []string{"*"}, Kinds: []string{"*"}},
		Reason: "入札", From: w.now(), Until: w.now().Add(48 * time.Hour), MaxUses: 1}, person("chief", quarantine.Admin), w.now())
	if err != nil {
		w.t.Fatal(err)
	}
	w.store(func(tx gateway.Tx) error { return tx.AddException(e, w.noted()) })
	for _, a := range []quarantine.Actor{person("head", quarantine.Approver), person("admin", quarantine.Admin)} {
		if e, err = quarantine.DecideException(e, a, quarantine.Vote{Choice: quarantine.Approve}, w.now()); err != nil {
			w.t.Fatal(err)
		}
		w.store(func(tx gateway.Tx) error { return tx.MoveException(e, w.noted()) })
	}
	return e
}

func (w *world) store(f func(gateway.Tx) error) {
	w.t.Helper()
	if err := w.ledger.Do(w.t.Context(), f); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) noted() gateway.Record {
	w.t.Helper()
	r, err := w.Scribe.System("exception.opened", audit.Success, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// under is an order that is sealed under an exception.
func (w *world) under(g seal.Grant) order {
	return order{row: func(d *gateway.Delivery) {
		var err error
		d.Kind = gateway.KindFollowUp
		d.Passport, err = seal.Sign(w.key, seal.Claims{Delivery: string(d.ID), To: d.Addresses(), Route: gateway.RouteName, Build: "test",
			NotAfter: d.ExpiresAt.Add(24 * time.Hour)}, seal.Excepted(sha256.Sum256([]byte(mail)), int64(len(mail)), g))
		if err != nil {
			w.t.Fatal(err)
		}
	}}
}

// TestOriginalUnderException: an original goes while its exception is in force and
// says what it said; the register is asked at each attempt, whatever the passport
// says.
// spec: g11
func TestOriginalUnderException(t *testing.T) {
	end := func(w *world, e quarantine.Exception) {
		e, err := e.End(quarantine.Actor{ID: "head", Roles: []quarantine.Role{quarantine.Approver}}, "要らない", w.now())
		if err != nil {
			w.t.Fatal(err)
		}
		w.store(func(tx gateway.Tx) error { return tx.MoveException(e, w.noted()) })
	}
	for _, c := range []struct {
		name   string
		grant  func(*seal.Grant)
		before func(*world, quarantine.Exception)
		goes   bool
	}{
		{"in force", nil, nil, true},
		{"of a version that named no terms", func(g *seal.Grant) { g.Terms = "" }, nil, true},
		{"ended by a person", nil, end, false},
		{"its days are over", nil, func(w *world, _ quarantine.Exception) { w.pass(48 * time.Hour) }, false},
		{"it says something else", func(g *seal.Grant) { g.Terms = quarantine.Exception{}.TermsSum() }, nil, false},
		{"not registered", func(g *seal.Grant) { g.Exception = "x2" }, nil, false},
		{"switched off", nil, func(w *world, _ quarantine.Exception) { w.Exceptions = false }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHop(t)
			w := newWorld(t, h)
			w.Exceptions = true
			e := w.register()
			g := seal.Grant{Exception: e.ID, Terms: e.TermsSum(), Request: "r1", Requester: "clerk", Approvers: []string{"head", "admin"}}
			if c.grant != nil {
				c.grant(&g)
			}
			id := w.add(w.under(g))
			if c.before != nil {
				c.before(w, e)
			}
			w.step()
			d := w.row(id)
			want, reason := gateway.Relayed, ""
			if !c.goes {
				want, reason = gateway.Failed, reasonSealed
			}
			if d.State != want || d.Reason != reason || (len(h.heard()) > 0) != c.goes {
				t.Errorf("%s (%s), want %s (%s); the next hop heard %q", d.State, d.Reason, want, reason, h.heard())
			}
		})
	}
}

// register that does not answer.
type silent struct{ gateway.Ledger }

func (silent) Exception(context.Context, string) (quarantine.Exception, error) {
	return quarantine.Exception{}, errors.New("disk")
}

// TestRegisterSilent: as long as the register cannot be asked the mail waits.
func TestRegisterSilent(t *testing.T) {
	h := newHop(t)
	w := newWorld(t, h)
	w.Exceptions = true
	e := w.register()
	id := w.add(w.under(seal.Grant{Exception: e.ID, Request: "r1", Requester: "clerk", Approvers: []string{"head", "admin"}}))
	w.Ledger = silent{w.ledger}
	w.step()
	if d := w.row(id); d.State != gateway.Ready || len(h.heard()) > 0 {
		t.Errorf("%s; the next hop heard %q", d.State, h.heard())
	}
	w.Ledger = w.ledger
	w.pass(time.Hour)
	w.step()
	if d := w.row(id); d.State != gateway.Relayed {
		t.Errorf("later: %s", d.State)
	}
}
