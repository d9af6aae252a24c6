package desk_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
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
	kanri = someone("kanri", "", quarantine.Admin)
	joho  = someone("joho", "", quarantine.Admin)
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
	i := quarantine.Item{ID: "item", Message: "mail", Delivery: "delivery", Receipt: m.Receipt, Recipient: to[0], Path: "2", Kind: format.Mail, Sum: [32]byte(bytes.Repeat([]byte{1}, 32)),
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

// TestRecordsSay: each record of a request names the part, the profile, the
// exception and the policy under which the step was taken.
func TestRecordsSay(t *testing.T) {
	l, s := held(t)
	version := int64(0)
	d := desk.Desk{Ledger: l, Scribe: s, Rules: func() quarantine.Rules { return quarantine.Rules{Exceptions: true} },
		Policy: func(context.Context) (audit.Policy, error) {
			version++
			return audit.Policy{Version: version, SHA256: strings.Repeat("ab", 32)}, nil
		}}
	r, err := d.Ask(t.Context(), clerk, desk.Ask{Item: "item", Form: quarantine.Resanitize, Profile: quarantine.Wide, Reason: "入札"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Decide(t.Context(), head, r.ID, 0, quarantine.Vote{Choice: quarantine.SendBack, Reason: "わからない"}); err != nil {
		t.Fatal(err)
	}
	e := open(t, d, now.Add(time.Hour))
	x, err := d.Ask(t.Context(), clerk, desk.Ask{Item: "item", Form: quarantine.Original, Exception: e.ID, Reason: "入札"})
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		verb          audit.Verb
		request, rule string
		version       int64
		change        audit.Change
	}{
		{"release.requested", r.ID, "wide", 1, audit.Change{}}, {"release.sent_back", r.ID, "wide", 2, audit.Change{}},
		{"release.requested", x.ID, "", 3, audit.Change{Path: "exception", After: e.ID}},
	}
	rows, err := l.Pending(t.Context(), -1, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		e := row.Event
		if !strings.HasPrefix(string(e.Verb), "release.") {
			continue
		}
		if len(want) == 0 {
			t.Fatalf("one record too many: %s", e.Verb)
		}
		w := want[0]
		want = want[1:]
		object := audit.Object{Type: "release_request", ID: w.request, ReceiptNo: "M-261125-00001", Part: "2", Original: strings.Repeat("01", 32)}
		if e.Verb != w.verb || e.Object != object || e.Policy != (audit.Policy{Version: w.version, SHA256: strings.Repeat("ab", 32), Rule: w.rule}) || e.Change != w.change {
			t.Errorf("%s: %+v %+v %+v", e.Verb, e.Object, e.Policy, e.Change)
		}
	}
	if len(want) > 0 {
		t.Errorf("no record of %s", want[0].verb)
	}
	d.Policy = func(context.Context) (audit.Policy, error) { return audit.Policy{}, errors.New("no policy") }
	if _, err := d.Withdraw(t.Context(), clerk, x.ID, 0, ""); err == nil {
		t.Error("a step was taken that no record can place")
	}
}

// TestAddedInVain: a decider who adds a recipient of another policy is told at
// once, in the answer and in the record.
func TestAddedInVain(t *testing.T) {
	l, s := held(t)
	d := desk.Desk{Ledger: l, Scribe: s, Rules: func() quarantine.Rules { return quarantine.Rules{} }, Alike: func(a, b string) bool { return a == b }}
	r, err := d.Ask(t.Context(), clerk, desk.Ask{Item: "item", Form: quarantine.Resanitize, Reason: "入札"})
	if err != nil {
		t.Fatal(err)
	}
	r, err = d.Decide(t.Context(), kanri, r.ID, 0, quarantine.Vote{Choice: quarantine.Approve, Also: []string{"head@town.example"}})
	if err != nil || !slices.Equal(r.To(), []string{"clerk@town.example"}) || !slices.Equal(r.LeftOut, []string{"head@town.example"}) {
		t.Fatalf("to %v, left out %v, %v", r.To(), r.LeftOut, err)
	}
	e := last(t, l, "release.approved")
	if e.Change != (audit.Change{Path: "left_out", After: "head@town.example"}) || !slices.Equal(e.Mail.Recipients, r.To()) {
		t.Errorf("%+v %+v", e.Change, e.Mail)
	}
}

// last returns the newest event of a verb.
func last(t *testing.T, l *sqlite.Ledger, v audit.Verb) audit.Event {
	t.Helper()
	rows, err := l.Pending(t.Context(), -1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range slices.Backward(rows) {
		if r.Event.Verb == v {
			return r.Event
		}
	}
	t.Fatalf("no record of %s", v)
	return audit.Event{}
}

// TestRecordsOfException: each record of an exception says for whom, from whom, of
// what, when and how often, and the SHA-256 of all that.
func TestRecordsOfException(t *testing.T) {
	l, s := held(t)
	d := desk.Desk{Ledger: l, Scribe: s, Rules: func() quarantine.Rules { return quarantine.Rules{} }}
	e := open(t, d, now.Add(48*time.Hour))
	if _, err := d.EndException(t.Context(), head, e.ID, 0, "要らない"); err != nil {
		t.Fatal(err)
	}
	rows, err := l.Pending(t.Context(), -1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	states := []string{"proposed", "proposed", "open", "ended"}
	for _, r := range rows {
		if !strings.HasPrefix(string(r.Event.Verb), "exception.") {
			continue
		}
		want := states[0] + " 2026-11-25/2026-11-27 x1 sha256:" + e.TermsSum() + " " + e.Terms()
		states = states[1:]
		if r.Event.Change != (audit.Change{Path: "exception", After: want}) || r.Event.Object.ID != e.ID || r.Event.Decision.RequestID != e.ID {
			t.Errorf("%+v %+v, want %q", r.Event.Object, r.Event.Change, want)
		}
	}
	if len(states) > 0 {
		t.Errorf("no record of %s", states[0])
	}
	wide := e
	for n := range 100 {
		wide.Scope.Recipients = append(wide.Scope.Recipients, fmt.Sprintf("somebody%03d@town.example", n))
	}
	var ev audit.Event
	if gateway.RecordException(&ev, wide); len(ev.Change.After) > 2048 || !strings.Contains(ev.Change.After, "sha256:"+wide.TermsSum()) {
		t.Errorf("%d bytes: %s", len(ev.Change.After), ev.Change.After)
	}
	if found, err := l.CheckRecords(t.Context()); err != nil || len(found) > 0 {
		t.Error(found, err)
	}
}

// open registers an exception for everything, until a time.
func open(t *testing.T, d desk.Desk, until time.Time) quarantine.Exception {
	t.Helper()
	e, err := d.Propose(t.Context(), kanri, quarantine.Exception{Scope: quarantine.Scope{Recipients: []string{"*"}, Senders: []string{"*"}, Kinds: []string{"*"}},
		Reason: "様式", From: d.Scribe.Clock(), Until: until, MaxUses: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []desk.Person{head, joho} {
		if e, err = d.DecideException(t.Context(), p, e.ID, 0, quarantine.Vote{Choice: quarantine.Approve}); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// TestExceptionRequests: what stops an original at the desk.
// spec: g11
func TestExceptionRequests(t *testing.T) {
	l, s := held(t)
	at, on := now, false
	s.Clock = func() time.Time { return at }
	d := desk.Desk{Ledger: l, Scribe: s, Rules: func() quarantine.Rules { return quarantine.Rules{Exceptions: on} }}
	ask := func(e string) (quarantine.ReleaseRequest, error) {
		return d.Ask(t.Context(), clerk, desk.Ask{Item: "item", Form: quarantine.Original, Exception: e, Reason: "入札"})
	}
	refused := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	e := open(t, d, now.Add(48*time.Hour)) // the register may be filled before
	_, err := ask(e.ID)
	refused("switched off", err, quarantine.NotOffered)
	on = true
	_, err = ask("nothing")
	refused("not registered", err, quarantine.NoException)
	_, err = ask("")
	refused("none named", err, quarantine.NoException)
	brief := open(t, d, now.Add(time.Hour))
	at = now.Add(time.Hour)
	_, err = ask(brief.ID)
	refused("over", err, quarantine.NoException)
	ended := open(t, d, now.Add(48*time.Hour))
	if _, err := d.EndException(t.Context(), head, ended.ID, 0, "要らない"); err != nil {
		t.Fatal(err)
	}
	_, err = ask(ended.ID)
	refused("ended", err, quarantine.NoException)

	r, err := ask(e.ID)
	if err != nil || r.State != quarantine.Requested || !r.ExpiresAt.Equal(e.Until) {
		t.Fatalf("%+v, %v", r, err)
	}
	yes := quarantine.Vote{Choice: quarantine.Approve, Reason: "可"}
	on = false
	_, err = d.Decide(t.Context(), head, r.ID, 0, yes)
	refused("switched off since", err, quarantine.NotOffered)
	on = true
	_, err = d.Decide(t.Context(), clerk, r.ID, 0, yes)
	refused("one's own", err, quarantine.SelfApproval)
	if _, err = d.Decide(t.Context(), head, r.ID, 0, yes); err != nil {
		t.Fatal(err)
	}
	_, err = d.Decide(t.Context(), head, r.ID, 0, yes)
	refused("twice", err, quarantine.NotEnoughPersons)
	_, err = d.Decide(t.Context(), someone("os:joho", "", quarantine.Admin), r.ID, 0, yes)
	refused("somebody who may be one of them", err, quarantine.MixedPersons)
	on = false
	if r, err = d.Decide(t.Context(), joho, r.ID, 0, quarantine.Vote{Choice: quarantine.Deny, Reason: "使わない"}); err != nil || r.State != quarantine.Denied {
		t.Errorf("denied while switched off: %+v, %v", r, err)
	}
	if jobs, err := l.Jobs(t.Context(), gateway.JobQuery{}); err != nil || len(jobs) > 0 {
		t.Errorf("%d jobs, %v", len(jobs), err)
	}
}

// crowded is a ledger in which so many requests of the clerk's wait.
type crowded struct {
	*sqlite.Ledger
	open int
}

func (c crowded) Requests(ctx context.Context, q gateway.RequestQuery) ([]quarantine.ReleaseRequest, error) {
	if q.Requester != "clerk" || !slices.Equal(q.States, []quarantine.RequestState{quarantine.Requested}) {
		return c.Ledger.Requests(ctx, q)
	}
	return make([]quarantine.ReleaseRequest, min(c.open, q.Limit)), nil
}

// TestTooManyOpen: one person cannot fill the list of what waits. Others are not
// held up, nor is what waits for nobody.
func TestTooManyOpen(t *testing.T) {
	for name, c := range map[string]struct {
		open int
		who  desk.Person
		form quarantine.Form
		want error
	}{
		"the last one":   {desk.MaxOpen - 1, clerk, quarantine.Resanitize, nil},
		"one more":       {desk.MaxOpen, clerk, quarantine.Resanitize, quarantine.TooManyOpen},
		"somebody else":  {desk.MaxOpen, kanri, quarantine.Resanitize, nil},
		"waits for none": {desk.MaxOpen, clerk, quarantine.TextOnly, nil},
	} {
		l, s := held(t)
		rules := quarantine.Rules{SelfService: c.form == quarantine.TextOnly}
		d := desk.Desk{Ledger: crowded{l, c.open}, Scribe: s, Rules: func() quarantine.Rules { return rules }}
		_, err := d.Ask(t.Context(), c.who, desk.Ask{Item: "item", Form: c.form, Reason: "入札", Dept: "zei"})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
