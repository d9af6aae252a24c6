package desk_test

import (
	"crypto/rand"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/gateway/desk"
	"sekisho/gateway/store/sqlite"
	"sekisho/quarantine"
	"sekisho/sanitize/format"
)

var now = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)

func someone(id, dept string, roles ...quarantine.Role) desk.Person {
	return desk.Person{Actor: quarantine.Actor{ID: id, Name: id, Dept: dept, Roles: roles, Mailboxes: []string{id + "@town.example"}},
		Audit: audit.Actor{Type: audit.ActorUser, ID: id}}
}

var (
	clerk = someone("clerk", "zei", quarantine.Staff)
	head  = someone("head", "zei", quarantine.Approver)
)

// held opens a ledger with one held part of the clerk's, "item".
func held(t *testing.T) (*sqlite.Ledger, gateway.Scribe) {
	t.Helper()
	l, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s := gateway.Scribe{Clock: func() time.Time { return now }, Random: rand.Reader}
	record := func(v audit.Verb) gateway.Record {
		r, err := s.System(v, audit.Success, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	to := []string{"clerk@town.example", "head@town.example"}
	m := gateway.Message{ID: "mail", Receipt: "M-261125-00001", Envelope: gateway.Envelope{From: "s@example.com", To: to}, ReceivedAt: now, Blob: "b", State: gateway.Accepted}
	d := gateway.Delivery{ID: "delivery", Message: m.ID, Kind: gateway.KindMail, State: gateway.Ready, Blob: "s", CreatedAt: now, NextAt: now, ExpiresAt: now.Add(time.Hour)}
	for _, a := range to {
		d.Recipients = append(d.Recipients, gateway.Recipient{Address: a, State: gateway.Pending})
	}
	i := quarantine.Item{ID: "item", Message: "mail", Delivery: "delivery", Receipt: m.Receipt, Recipient: to[0], Path: "2", Kind: format.Mail,
		Reason: format.CrashLoop, State: quarantine.Held, HeldAt: now, ExpiresAt: now.Add(240 * time.Hour)}
	err = l.Do(t.Context(), func(tx gateway.Tx) error {
		if err := tx.Accept(m, record("message.received")); err != nil {
			return err
		}
		c, err := tx.ClaimMessage("t", now, now.Add(time.Minute))
		if err != nil {
			return err
		}
		return tx.Settle(c, []gateway.Delivery{d}, []quarantine.Item{i}, record("item.held"))
	})
	if err != nil {
		t.Fatal(err)
	}
	return l, s
}

// TestReasonIsCommitted: what a person writes is not in the record but beside
// it, and can be erased.
func TestReasonIsCommitted(t *testing.T) {
	l, s := held(t)
	d := desk.Desk{Ledger: l, Scribe: s, Rules: func() quarantine.Rules { return quarantine.Rules{} }}
	r, err := d.Ask(t.Context(), clerk, desk.Ask{Item: "item", Form: quarantine.TextOnly, Reason: "秘密のわけ"})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := l.Pending(t.Context(), -1, 100)
	if err != nil {
		t.Fatal(err)
	}
	e := rows[len(rows)-1].Event
	b, err := e.Canonical()
	if err != nil || strings.Contains(string(b), "秘密") || e.Decision.Comment == "" || e.Decision.RequestID != r.ID || e.Actor.ID != "clerk" {
		t.Fatalf("%s %v", b, err)
	}
	if o, err := l.Opening(t.Context(), e.Decision.Comment); err != nil || o.Value != "秘密のわけ" {
		t.Errorf("%+v %v", o, err)
	}
	rec, err := s.System("original.purged", audit.Success, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Do(t.Context(), func(tx gateway.Tx) error { return tx.Erase("mail", rec) }); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Opening(t.Context(), e.Decision.Comment); !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("after erasing: %v", err)
	}
}

// TestLastApprovalBringsTheJob: an approval and the work that follows commit
// together, once, and flow is told afterwards.
func TestLastApprovalBringsTheJob(t *testing.T) {
	l, s := held(t)
	woken := 0
	d := desk.Desk{Ledger: l, Scribe: s, Rules: func() quarantine.Rules { return quarantine.Rules{} }, Wake: func() { woken++ }}
	r, err := d.Ask(t.Context(), clerk, desk.Ask{Item: "item", Form: quarantine.Resanitize, Reason: "入札"})
	if err != nil || woken != 0 {
		t.Fatal(err, woken)
	}
	yes := quarantine.Vote{Choice: quarantine.Approve}
	if _, err := d.Decide(t.Context(), clerk, r.ID, 0, yes); !errors.Is(err, quarantine.SelfApproval) {
		t.Errorf("the requester: %v", err)
	}
	if _, err := d.Decide(t.Context(), head, r.ID, r.Version+1, yes); !errors.Is(err, quarantine.AlreadyDecided) {
		t.Errorf("another version: %v", err)
	}
	if _, err := d.Decide(t.Context(), head, r.ID, r.Version, yes); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Decide(t.Context(), head, r.ID, 0, yes); !errors.Is(err, quarantine.AlreadyDecided) {
		t.Errorf("once more: %v", err)
	}
	jobs, err := l.Jobs(t.Context(), gateway.JobQuery{Request: r.ID})
	if err != nil || len(jobs) != 1 || jobs[0].Item != "item" || jobs[0].By != "clerk" || woken != 1 {
		t.Errorf("%+v %v, woken %d", jobs, err, woken)
	}
	for _, c := range l.CheckConsistency(t.Context()) {
		t.Error(c)
	}
	if found, err := l.CheckRecords(t.Context()); err != nil || len(found) > 0 {
		t.Error(found, err)
	}
}

// TestNothingOnTheWay: an error of the store leaves neither request nor job.
func TestNothingOnTheWay(t *testing.T) {
	l, s := held(t)
	d := desk.Desk{Ledger: l, Scribe: s, Rules: func() quarantine.Rules { return quarantine.Rules{SelfService: true} }}
	if _, err := d.Ask(t.Context(), clerk, desk.Ask{Item: "item", Form: quarantine.TextOnly}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Ask(t.Context(), clerk, desk.Ask{Item: "item", Form: quarantine.Resanitize}); !errors.Is(err, quarantine.ErrState) {
		t.Errorf("a second request: %v", err)
	}
	if _, err := d.Ask(t.Context(), head, desk.Ask{Item: "item", Form: quarantine.TextOnly}); !errors.Is(err, quarantine.NotYours) {
		t.Errorf("another's part: %v", err)
	}
	if _, err := d.Ask(t.Context(), clerk, desk.Ask{Item: "none", Form: quarantine.TextOnly}); !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("no part: %v", err)
	}
	rs, err := l.Requests(t.Context(), gateway.RequestQuery{})
	jobs, err2 := l.Jobs(t.Context(), gateway.JobQuery{})
	if err != nil || err2 != nil || len(rs) != 1 || len(jobs) != 1 || rs[0].State != quarantine.Approved {
		t.Errorf("%d requests, %d jobs, %v %v", len(rs), len(jobs), err, err2)
	}
}
