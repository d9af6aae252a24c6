package sqlite

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sekisho/audit"
	"sekisho/gateway"
	"sekisho/quarantine"
)

// People of the tests.
var (
	clerk = quarantine.Actor{ID: "clerk", Roles: []quarantine.Role{quarantine.Staff}, Dept: "soumu", Mailboxes: []string{"b@town.example"}}
	head  = quarantine.Actor{ID: "head", Roles: []quarantine.Role{quarantine.Approver}, Dept: "soumu"}
	admin = quarantine.Actor{ID: "admin", Roles: []quarantine.Role{quarantine.Admin}}
	third = quarantine.Actor{ID: "third", Roles: []quarantine.Role{quarantine.Admin}}
)

// asked makes, of two held items, one exception release that was carried out
// and one request that is approved and waits for its job.
func asked(t testing.TB, l *Ledger, items []string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	until := begin.Add(time.Hour)
	e, err := quarantine.Propose(quarantine.Exception{ID: "x", Scope: quarantine.Scope{Recipients: []string{"*"}, Senders: []string{"*"}, Kinds: []string{"*"}},
		Reason: "入札", From: begin, Until: until, MaxUses: 5}, admin, begin)
	must(err)
	must(l.Do(t.Context(), func(tx gateway.Tx) error { return tx.AddException(e, record(t)) }))
	for _, a := range []quarantine.Actor{head, third} {
		e, err = quarantine.DecideException(e, a, quarantine.Vote{Choice: quarantine.Approve}, begin)
		must(err)
		must(l.Do(t.Context(), func(tx gateway.Tx) error { return tx.MoveException(e, record(t)) }))
	}
	rules := quarantine.Rules{Exceptions: true}
	for n, id := range items {
		i, err := l.Item(t.Context(), id)
		must(err)
		ask := quarantine.Ask{ID: "r" + id, Form: quarantine.Original, Reason: "要る", Exception: e}
		if n > 0 {
			ask.Form, ask.Profile = quarantine.Resanitize, quarantine.Wide
		}
		r, err := quarantine.Request(ask, i, clerk, rules, begin)
		must(err)
		must(l.Do(t.Context(), func(tx gateway.Tx) error { return tx.AddRequest(r, record(t)) }))
		for _, a := range []quarantine.Actor{head, admin} {
			if r.State != quarantine.Requested {
				continue
			}
			r, err = quarantine.Decide(r, a, quarantine.Vote{Choice: quarantine.Approve, Reason: "可"}, begin)
			must(err)
			must(l.Do(t.Context(), func(tx gateway.Tx) error { return tx.MoveRequest(r, record(t)) }))
		}
		must(l.Do(t.Context(), func(tx gateway.Tx) error {
			return tx.AddJob(gateway.Job{ID: gateway.ID("j" + id), Kind: gateway.JobRelease, Message: gateway.ID(r.Message), Item: i.ID, Request: r.ID,
				By: "head", State: gateway.JobWaiting, CreatedAt: begin, NextAt: begin}, record(t))
		}))
		if n == 0 {
			must(carryOut(t, l, r, i, e))
		}
	}
}

// Of what is over people look for the last: a limit keeps the newest.
func TestNewestRequests(t *testing.T) {
	l := told(t)
	all, err := l.Requests(t.Context(), gateway.RequestQuery{})
	if err != nil || len(all) != 2 {
		t.Fatal(all, err)
	}
	for _, limit := range []int{1, 2, 3} {
		newest, err := l.Requests(t.Context(), gateway.RequestQuery{Limit: limit, Newest: true})
		if err != nil || len(newest) != min(limit, 2) || newest[0].ID != all[1].ID || newest[len(newest)-1].ID != all[2-min(limit, 2)].ID {
			t.Errorf("the newest %d: %+v, %v", limit, newest, err)
		}
	}
}

// carryOut does in one transaction what flow does with an approved exception.
func carryOut(t testing.TB, l *Ledger, r quarantine.ReleaseRequest, i quarantine.Item, e quarantine.Exception) error {
	t.Helper()
	d := gateway.Delivery{ID: "f" + gateway.ID(i.ID), Message: gateway.ID(i.Message), Kind: gateway.KindFollowUp, State: gateway.Ready, Blob: "f" + i.ID,
		CreatedAt: begin, Recipients: []gateway.Recipient{{Address: i.Recipient, State: gateway.Pending}}}
	return l.Do(t.Context(), func(tx gateway.Tx) error {
		j, err := tx.ClaimJob("flow", begin, begin.Add(time.Minute))
		if err != nil {
			return err
		}
		done, released, err := r.Execute(i, string(d.ID), begin)
		if err != nil {
			return err
		}
		used, err := e.Use(i, "", begin)
		if err != nil {
			return err
		}
		j.State, j.EndedAt = gateway.JobDone, begin
		for _, step := range []func() error{
			func() error { return tx.AddDelivery(d) },
			func() error { return tx.MoveRequest(done) },
			func() error { return tx.MoveItem(released) },
			func() error { return tx.MoveException(used) },
			func() error { return tx.EndJob(j, record(t)) },
		} {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestFixedRows: not even the program itself can change what was decided.
func TestFixedRows(t *testing.T) {
	l := openTest(t)
	accept(t, l, 1)
	_, held := settled(t, l)
	asked(t, l, []string{"i" + string(held.Message)})
	for _, script := range []string{
		`UPDATE decisions SET actor = 'x'`, `UPDATE decisions SET choice = 'deny', step = 0`, `UPDATE decisions SET reason = 'better'`, `DELETE FROM decisions`,
		`UPDATE release_requests SET requester = 'x'`, `UPDATE release_requests SET persons = 9`, `UPDATE release_requests SET reason = 'better'`,
		`UPDATE release_requests SET form = 'text_only', exception = NULL`, `DELETE FROM release_requests`, `UPDATE release_requests SET delivery = NULL`,
		`UPDATE exceptions SET uses = 0`, `UPDATE exceptions SET max_uses = 99`, `UPDATE exceptions SET scope = '{}'`, `DELETE FROM exceptions`,
		`DELETE FROM jobs`, `UPDATE jobs SET state = 'requested'`,
	} {
		err := l.w.do(t.Context(), func(x *tx) error { _, err := x.exec(script); return err })
		if err == nil {
			t.Errorf("%s passed", script)
		}
	}
	if err := l.Do(t.Context(), func(tx gateway.Tx) error { return tx.Erase(held.Message, record(t)) }); err != nil {
		t.Fatal(err)
	}
	r, err := l.Request(t.Context(), "ri"+string(held.Message))
	if err != nil || r.Reason != "" || r.Decisions[0].Reason != "" || r.Decisions[0].By.ID != "head" {
		t.Errorf("%+v, %v", r, err)
	}
	consistent(t, l)
}

// TestUpgradeFromFirst takes a ledger of schema version 1 with mail in it to the
// present one: the mail is there, its held part can be asked for, and the copy
// of the old ledger lies beside.
func TestUpgradeFromFirst(t *testing.T) {
	scripts, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ledger.db")
	old, err := open(t.Context(), file, scripts[:1])
	if err != nil {
		t.Fatal(err)
	}
	accept(t, old, 1)
	// What this program asks of tables that version 1 does not have is not asked
	// for a settlement.
	_, held := settled(t, old)
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	kept := BeforeUpgrade(file, 1)
	l := openAt(t, file)
	db, err := sql.Open("sqlite", dsn(kept, "query_only(1)"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var version, items int
	if err := db.QueryRow("SELECT user_version, (SELECT count(*) FROM items) FROM pragma_user_version").Scan(&version, &items); err != nil || version != 1 || items != 1 {
		t.Errorf("the copy is of version %d with %d items, %v", version, items, err)
	}
	consistent(t, l)
	asked(t, l, []string{"i" + string(held.Message)})
	i, err := l.Item(t.Context(), "i"+string(held.Message))
	if err != nil || i.State != quarantine.Released {
		t.Errorf("%+v, %v", i, err)
	}
	if again, err := l.Requests(t.Context(), gateway.RequestQuery{Item: i.ID}); err != nil || len(again) != 1 || again[0].State != quarantine.Executed {
		t.Errorf("%+v, %v", again, err)
	}
	if c, err := l.Counts(t.Context()); err != nil || c.RequestsPending != 0 || c.JobsWaiting != 0 {
		t.Errorf("%+v, %v", c, err)
	}
	consistent(t, l)
	if strings.Contains(kept, ".tmp") {
		t.Error("an unfinished copy")
	}
}

// TestUpgradeOfExceptions: what was written about exceptions before version 7 is
// known as theirs afterwards, and can be erased.
func TestUpgradeOfExceptions(t *testing.T) {
	scripts, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ledger.db")
	old, err := open(t.Context(), file, scripts[:6])
	if err != nil {
		t.Fatal(err)
	}
	e, err := quarantine.Propose(quarantine.Exception{ID: "x", Scope: quarantine.Scope{Recipients: []string{"*"}, Senders: []string{"*"}, Kinds: []string{"*"}},
		Reason: "入札", From: begin, Until: begin.Add(time.Hour), MaxUses: 5}, admin, begin)
	if err != nil {
		t.Fatal(err)
	}
	o, err := audit.Commit("入札", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	worded := record(t)
	worded.Event.Verb, worded.Event.Object = "exception.opened", audit.Object{Type: "exception", ID: e.ID}
	worded.Event.Decision.Comment, worded.Openings = o.Digest, []audit.Opening{o}
	err = old.Do(t.Context(), func(tx gateway.Tx) error { return errors.Join(tx.AddException(e, record(t)), tx.Note(worded)) })
	if err = errors.Join(err, old.Close()); err != nil {
		t.Fatal(err)
	}
	l := openAt(t, file)
	if e, err = e.End(head, "済んだ", begin); err != nil {
		t.Fatal(err)
	}
	if err := l.Do(t.Context(), func(tx gateway.Tx) error { return tx.MoveException(e, record(t)) }); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		before time.Time
		want   int
	}{{begin, 0}, {begin.Add(1), 1}} {
		if es, err := l.ExceptionsWithTexts(t.Context(), c.before, 10); err != nil || len(es) != c.want {
			t.Errorf("%d exceptions with texts before %v, %v", len(es), c.before, err)
		}
	}
	if err := l.Do(t.Context(), func(tx gateway.Tx) error { return tx.EraseException(e.ID, record(t)) }); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Opening(t.Context(), o.Digest); !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("the words are there: %v", err)
	}
	if has, err := l.ExceptionHasTexts(t.Context(), e.ID); has || err != nil {
		t.Errorf("%v, %v", has, err)
	}
	if err := l.w.do(t.Context(), func(x *tx) error { _, err := x.exec(`UPDATE exceptions SET reason = 'better'`); return err }); err == nil {
		t.Error("a reason was written after its erasure")
	}
	consistent(t, l)
}
