package flow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
	"sekisho/sanitize/format"
	"sekisho/sanitize/policy"
)

// People of the tests.
var (
	clerk = quarantine.Actor{ID: "clerk", Roles: []quarantine.Role{quarantine.Staff}, Dept: "soumu", Mailboxes: []string{"b@town.example.lg.jp"}}
	head  = quarantine.Actor{ID: "head", Roles: []quarantine.Role{quarantine.Approver}, Dept: "soumu"}
	admin = quarantine.Actor{ID: "admin", Roles: []quarantine.Role{quarantine.Admin}}
	chief = quarantine.Actor{ID: "chief", Roles: []quarantine.Role{quarantine.Admin}}
)

const table = "x,y\n1,2\n"

// withTable is a mail with a table attached.
const withTable = "From: a@example.com\nTo: b@town.example.lg.jp\nSubject: kengaku\nMessage-ID: <m1@example.com>\nMIME-Version: 1.0\n" +
	"Content-Type: multipart/mixed; boundary=xyz\n\n--xyz\nContent-Type: text/plain\n\nthe body\n--xyz\nContent-Type: text/csv\n" +
	"Content-Disposition: attachment; filename=\"a.csv\"\n\n" + table + "--xyz--\n"

// holdTable settles withTable under rules that hold tables.
func holdTable(t *testing.T, w *world) (gateway.Message, quarantine.Item) {
	t.Helper()
	w.policy.Default.Kinds[format.CSV] = policy.Quarantine
	m := w.accept(withTable, "b@town.example.lg.jp", "c@town.example.lg.jp")
	w.step()
	finish(t, w, m)
	for _, i := range w.items(m) {
		if i.Recipient == "b@town.example.lg.jp" {
			return m, i
		}
	}
	t.Fatal("nothing is held")
	return m, quarantine.Item{}
}

// ask makes a request and has people approve it; its job waits then.
func (w *world) ask(i quarantine.Item, f quarantine.Form, p quarantine.Profile, e quarantine.Exception, approvers ...quarantine.Actor) string {
	w.t.Helper()
	return w.askFor(i, f, p, e, nil, approvers...)
}

// askFor is ask with recipients whom each approver adds.
func (w *world) askFor(i quarantine.Item, f quarantine.Form, p quarantine.Profile, e quarantine.Exception, also []string, approvers ...quarantine.Actor) string {
	w.t.Helper()
	must := func(err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	w.count++
	id := fmt.Sprintf("%032x", w.count)
	r, err := quarantine.Request(quarantine.Ask{ID: id, Form: f, Profile: p, Reason: "要る", Exception: e, Sender: "sender@example.com",
		Original: []string{"b@town.example.lg.jp", "c@town.example.lg.jp"}}, i, clerk, w.offers, w.now)
	must(err)
	must(w.ledger.Do(w.t.Context(), func(tx gateway.Tx) error {
		return tx.AddRequest(r, w.note())
	}))
	for _, a := range approvers {
		r, err = quarantine.Decide(r, a, quarantine.Vote{Choice: quarantine.Approve, Reason: "可", Also: also}, w.now)
		must(err)
		must(w.ledger.Do(w.t.Context(), func(tx gateway.Tx) error { return tx.MoveRequest(r, w.note()) }))
	}
	must(w.ledger.Do(w.t.Context(), func(tx gateway.Tx) error {
		return tx.AddJob(gateway.Job{ID: gateway.ID("j" + id), Kind: gateway.JobRelease, Message: gateway.ID(i.Message), Item: i.ID, Request: id, By: "clerk",
			State: gateway.JobWaiting, CreatedAt: w.now, NextAt: w.now}, w.note())
	}))
	return id
}

func (w *world) note() gateway.Record {
	w.t.Helper()
	r, err := w.Scribe.System("job.requested", audit.Success, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) job() {
	w.t.Helper()
	if worked, err := w.Job(w.t.Context()); !worked || err != nil {
		w.t.Fatalf("worked: %v, %v", worked, err)
	}
}

// followUps are the follow-up mails of a message.
func (w *world) followUps(m gateway.Message) []gateway.Delivery {
	var all []gateway.Delivery
	for _, d := range w.deliveries(m) {
		if d.Kind == gateway.KindFollowUp {
			all = append(all, d)
		}
	}
	return all
}

func (w *world) stands(id string, i quarantine.Item, req quarantine.RequestState, item quarantine.State, fault string) {
	w.t.Helper()
	r, err := w.ledger.Request(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	got, err := w.ledger.Item(w.t.Context(), i.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	if r.State != req || got.State != item || r.Fault != fault {
		w.t.Errorf("request %s (%s), item %s; want %s (%s), %s", r.State, r.Fault, got.State, req, fault, item)
	}
}

// TestReleaseForms carries out what needs nobody and what needs one.
func TestReleaseForms(t *testing.T) {
	for _, c := range []struct {
		name      string
		form      quarantine.Form
		profile   quarantine.Profile
		approvers []quarantine.Actor
		allow     bool // the policy rebuilds tables by now
		fault     string
	}{
		{"text only", quarantine.TextOnly, "", nil, false, ""},
		{"the policy holds it still", quarantine.Resanitize, "", nil, false, "policy"},
		{"the policy has changed", quarantine.Resanitize, "", nil, true, ""},
		{"wide", quarantine.Resanitize, quarantine.Wide, []quarantine.Actor{head}, false, ""},
		{"the Internet side", quarantine.InternetSide, "", []quarantine.Actor{admin}, false, "policy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			m, i := holdTable(t, w)
			if c.allow {
				w.policy.Default.Kinds[format.CSV] = policy.Text
			}
			id := w.ask(i, c.form, c.profile, quarantine.Exception{}, c.approvers...)
			w.job()
			if worked, err := w.Job(t.Context()); worked || err != nil {
				t.Errorf("a second job: %v, %v", worked, err)
			}
			if c.fault != "" {
				w.stands(id, i, quarantine.Failed, quarantine.Held, c.fault)
				if n := len(w.followUps(m)); n > 0 {
					t.Errorf("%d mails of what is held", n)
				}
				return
			}
			w.stands(id, i, quarantine.Executed, quarantine.Released, "")
			ds := w.followUps(m)
			if len(ds) != 1 {
				t.Fatalf("%d follow-up mails", len(ds))
			}
			v, mail := w.sealed(ds[0])
			for _, want := range []string{"Subject: kengaku\r\n", "In-Reply-To: <m1@example.com>\r\n", "References: <m1@example.com>\r\n", "a.csv"} {
				if !strings.Contains(mail, want) {
					t.Errorf("no %q in\n%s", want, mail)
				}
			}
			if v.From != "" || len(v.To) != 1 || v.To[0] != "b@town.example.lg.jp" || v.Grant != nil {
				t.Errorf("%+v", v.Claims)
			}
			n := w.verbs()
			for _, verb := range []audit.Verb{"release.executed", "item.released", "job.done"} {
				if n[verb] != 1 {
					t.Errorf("%d records of %s", n[verb], verb)
				}
			}
		})
	}
}

// exception registers an open exception for everything, of an hour.
func (w *world) exception() quarantine.Exception {
	w.t.Helper()
	return w.exceptionOf(time.Hour)
}

func (w *world) exceptionOf(long time.Duration) quarantine.Exception {
	w.t.Helper()
	e, err := quarantine.Propose(quarantine.Exception{ID: "x1", Scope: quarantine.Scope{Recipients: []string{"*"}, Senders: []string{"*"}, Kinds: []string{"*"}},
		Reason: "入札", From: w.now, Until: w.now.Add(long), MaxUses: 1}, chief, w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	store := func(f func(gateway.Tx) error) {
		w.t.Helper()
		if err := w.ledger.Do(w.t.Context(), f); err != nil {
			w.t.Fatal(err)
		}
	}
	store(func(tx gateway.Tx) error { return tx.AddException(e, w.note()) })
	for _, a := range []quarantine.Actor{head, admin} {
		if e, err = quarantine.DecideException(e, a, quarantine.Vote{Choice: quarantine.Approve, Reason: "可"}, w.now); err != nil {
			w.t.Fatal(err)
		}
		store(func(tx gateway.Tx) error { return tx.MoveException(e, w.note()) })
	}
	return e
}

// TestExceptionRelease: the original goes only where the gateway is switched to
// it, under the exception, and with the names of those who let it.
// spec: g11
func TestExceptionRelease(t *testing.T) {
	w := newWorld(t)
	m, i := holdTable(t, w)
	e := w.exception()
	id := w.ask(i, quarantine.Original, "", e, head, admin)
	w.job()
	w.stands(id, i, quarantine.Failed, quarantine.Held, "policy") // off by default
	w.Exceptions = true
	w.Edition = func() (policy.Policy, audit.Policy) { return w.policy, edition }
	late := w.ask(i, quarantine.Original, "", e, head, admin)
	w.now = w.now.Add(2 * time.Hour)
	w.job()
	w.stands(late, i, quarantine.Failed, quarantine.Held, "policy") // the exception is over
	w.now = w.now.Add(-2 * time.Hour)
	id = w.ask(i, quarantine.Original, "", e, head, admin)
	w.job()
	w.stands(id, i, quarantine.Executed, quarantine.Released, "")
	ds := w.followUps(m)
	if len(ds) != 1 {
		t.Fatalf("%d follow-up mails", len(ds))
	}
	if e, err := w.ledger.Exception(t.Context(), e.ID); err != nil || e.Uses != 1 {
		t.Errorf("%+v, %v", e, err)
	}
	w.recordsOfException(id, i, e, ds[0])
	if !ds[0].ExpiresAt.Equal(e.Until) || !strings.Contains(string(ds[0].Passport), fmt.Sprintf(`"not_after":%d}`, e.Until.Unix())) {
		t.Errorf("it outlives its exception: %v, %s", ds[0].ExpiresAt, ds[0].Passport)
	}
	if !strings.Contains(string(ds[0].Passport), `"exception":"x1","terms":"`+e.TermsSum()+`"`) {
		t.Errorf("the grant does not say what the exception said: %s", ds[0].Passport)
	}
	if !strings.Contains(string(ds[0].Passport), `"basis":"exception"`) || !strings.Contains(string(ds[0].Passport), `"approvers":["head","admin"]`) {
		t.Errorf("%s", ds[0].Passport)
	}
}

// TestPassportOfLongException: a passport of an exception is good for no longer than
// any other.
func TestPassportOfLongException(t *testing.T) {
	w := newWorld(t)
	w.Exceptions = true
	m, i := holdTable(t, w)
	w.ask(i, quarantine.Original, "", w.exceptionOf(300*24*time.Hour), head, admin)
	w.job()
	ds := w.followUps(m)
	if len(ds) != 1 {
		t.Fatalf("%d follow-up mails", len(ds))
	}
	want := fmt.Sprintf(`"not_after":%d}`, ds[0].Due().Add(passportTime).Unix())
	if !strings.Contains(string(ds[0].Passport), want) || ds[0].ExpiresAt.After(w.now.Add(passportTime)) {
		t.Errorf("until %v, no %s in %s", ds[0].ExpiresAt, want, ds[0].Passport)
	}
}

// edition is how records name the policy of TestExceptionRelease.
var edition = audit.Policy{Version: 7, SHA256: strings.Repeat("ab", 32)}

// recordsOfException: the use of an exception and the release under it say which
// part, of which digest, went out in which mail, and under which policy.
func (w *world) recordsOfException(request string, i quarantine.Item, e quarantine.Exception, d gateway.Delivery) {
	w.t.Helper()
	rows, err := w.ledger.Pending(w.t.Context(), -1, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	part := audit.Object{Type: "item", ID: i.ID, ReceiptNo: i.Receipt, Part: i.Path, Original: gateway.Hex(i.Sum), Sanitized: gateway.Hex(d.Sum)}
	used := part
	used.Type, used.ID = "exception", e.ID
	want := map[audit.Verb]struct {
		object audit.Object
		change audit.Change
	}{
		"release.executed": {part, audit.Change{Path: "exception", After: e.ID}},
		"item.released":    {part, audit.Change{Path: "exception", After: e.ID}},
		"exception.used":   {used, audit.Change{Path: "uses", Before: "0", After: "1 of 1 sha256:" + e.TermsSum()}},
	}
	for _, r := range rows {
		w2, ok := want[r.Event.Verb]
		if !ok || r.Event.Decision.RequestID != request {
			continue
		}
		delete(want, r.Event.Verb)
		if r.Event.Object != w2.object || r.Event.Change != w2.change || r.Event.Policy != edition || r.Event.Decision.Form != "exception" || r.Event.Outcome != audit.Success {
			w.t.Errorf("%s: %+v %+v %+v", r.Event.Verb, r.Event.Object, r.Event.Change, r.Event.Policy)
		}
	}
	for v := range want {
		w.t.Errorf("no record of %s", v)
	}
}

// TestReleaseRunsTwice: a holder that dies before its commit leaves no mail, and
// the next one makes one.
func TestReleaseRunsTwice(t *testing.T) {
	w := newWorld(t)
	m, i := holdTable(t, w)
	id := w.ask(i, quarantine.TextOnly, "", quarantine.Exception{})
	for range 2 { // taken and forgotten, as by a killed process
		err := w.ledger.Do(t.Context(), func(tx gateway.Tx) error {
			_, err := tx.ClaimJob("dead", w.now, w.now.Add(time.Minute))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(time.Minute)
	}
	w.job()
	w.stands(id, i, quarantine.Executed, quarantine.Released, "")
	if n := len(w.followUps(m)); n != 1 {
		t.Errorf("%d mails", n)
	}
	again := w.ask2(i)
	if !errors.Is(again, quarantine.Ended) {
		t.Errorf("a released part was asked for again: %v", again)
	}
}

// ask2 asks for a part whose row says what it is by now.
func (w *world) ask2(i quarantine.Item) error {
	now, err := w.ledger.Item(context.Background(), i.ID)
	if err != nil {
		return err
	}
	_, err = quarantine.Request(quarantine.Ask{ID: "again", Form: quarantine.TextOnly}, now, clerk, quarantine.Rules{SelfService: true}, w.now)
	return err
}

// TestReleasePoison: a job whose parents died is ended, and its part stays.
func TestReleasePoison(t *testing.T) {
	w := newWorld(t)
	_, i := holdTable(t, w)
	id := w.ask(i, quarantine.TextOnly, "", quarantine.Exception{})
	for range maxLost {
		err := w.ledger.Do(t.Context(), func(tx gateway.Tx) error {
			_, err := tx.ClaimJob("dead", w.now, w.now.Add(time.Minute))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(time.Minute)
	}
	w.job()
	w.stands(id, i, quarantine.Failed, quarantine.Held, "crash_loop")
}
