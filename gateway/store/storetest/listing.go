package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/gateway"
	"sekisho/gateway/account"
	"sekisho/quarantine"
)

func accountDeputies(t *testing.T, o *office) {
	u, v := o.add(o.user("yamada")), o.add(o.user("tanaka"))
	o.change(func(tx account.Tx) error {
		return errors.Join(tx.PutDepartment(account.Department{ID: "soumu", Name: "総務"}, o.record()),
			tx.PutDepartment(account.Department{ID: "soumu", Name: "総務課"}))
	})
	d := account.Deputy{ID: string(o.id()), For: u.ID, By: v.ID, From: o.now, Until: o.now.Add(time.Hour), SetBy: "admin"}
	o.change(func(tx account.Tx) error { return tx.PutDeputy(d, o.record()) })
	read := func() []account.Deputy {
		var out []account.Deputy
		o.view(func(r account.Reader) error {
			depts, err := r.Departments()
			same(t, "departments", depts, []account.Department{{ID: "soumu", Name: "総務課"}, {ID: "zeimu", Name: "税務課"}})
			if err != nil {
				return err
			}
			out, err = r.Deputies()
			return err
		})
		return out
	}
	same(t, "deputies", read(), []account.Deputy{d})
	end := d
	end.Until, end.SetBy, end.Ended = o.now.Add(99*time.Hour), "somebody", o.now
	o.change(func(tx account.Tx) error { return tx.PutDeputy(end, o.record()) })
	same(t, "after the end", read(), nil)
	self := d
	self.ID, self.By = string(o.id()), u.ID
	o.no("one's own deputy", nil, func(tx account.Tx) error { return tx.PutDeputy(self, o.record()) })
}

func accountProposals(t *testing.T, o *office) {
	u := o.add(o.user("yamada"))
	p := account.Proposal{ID: string(o.id()), User: u.ID, Act: account.ActGrant, Roles: []account.Role{account.Approver, account.Admin}, Addresses: []string{"zei@town.example"},
		By: "fuku", ByName: "fuku", At: o.now, ExpiresAt: o.now.Add(time.Hour), State: account.Open}
	o.change(func(tx account.Tx) error { return tx.PutProposal(p, o.record()) })
	o.view(func(r account.Reader) error {
		open, err := r.Proposals()
		same(t, "open", open, []account.Proposal{p})
		return err
	})
	for _, by := range []string{p.By, p.User, ""} {
		bad := p
		bad.State, bad.DecidedBy, bad.DecidedAt = account.Confirmed, by, o.now
		o.no("confirmed by "+by, nil, func(tx account.Tx) error { return tx.PutProposal(bad, o.record()) })
	}
	done, err := p.Confirm("kanri", o.now)
	if err != nil {
		t.Fatal(err)
	}
	o.change(func(tx account.Tx) error { return tx.PutProposal(done, o.record()) })
	o.no("decide again", account.ErrConflict, func(tx account.Tx) error { return tx.PutProposal(p, o.record()) })
	o.view(func(r account.Reader) error {
		got, err := r.Proposal(p.ID)
		same(t, "confirmed", got, done)
		open, err2 := r.Proposals()
		same(t, "open", open, nil)
		return errors.Join(err, err2)
	})
}

// accountNeedsRecord tries every change without a record.
func accountNeedsRecord(t *testing.T, o *office) {
	u := o.add(o.user("yamada"))
	v := o.add(o.user("tanaka"))
	x := o.session(u, o.now)
	o.change(func(tx account.Tx) error { return tx.AddSession(x, o.record()) })
	next := u
	next.Version = 2
	for name, f := range map[string]func(account.Tx) error{
		"AddUser":       func(tx account.Tx) error { return tx.AddUser(o.user("new")) },
		"ChangeUser":    func(tx account.Tx) error { return tx.ChangeUser(next) },
		"SignedIn":      func(tx account.Tx) error { return tx.SignedIn(u) },
		"PutDepartment": func(tx account.Tx) error { return tx.PutDepartment(account.Department{ID: "x", Name: "x"}) },
		"PutDeputy": func(tx account.Tx) error {
			return tx.PutDeputy(account.Deputy{ID: "x", For: u.ID, By: v.ID, From: o.now, Until: o.now.Add(1), SetBy: "x"})
		},
		"AddSession":    func(tx account.Tx) error { return tx.AddSession(o.session(u, o.now)) },
		"RotateSession": func(tx account.Tx) error { return tx.RotateSession(x) },
		"EndSession":    func(tx account.Tx) error { return tx.EndSession(x.ID) },
		"EndSessions":   func(tx account.Tx) error { _, err := tx.EndSessions(u.ID, ""); return err },
		"EndTokens":     func(tx account.Tx) error { _, err := tx.EndTokens(u.ID); return err },
		"AddToken": func(tx account.Tx) error {
			return tx.AddToken(account.Token{ID: "t", Sum: account.DigestOf("t"), User: u.ID, Name: "t", Scopes: []account.Capability{account.ReadAudit}})
		},
		"PutProposal": func(tx account.Tx) error {
			return tx.PutProposal(account.Proposal{ID: "p", User: u.ID, Act: account.ActFactor, By: "x", State: account.Open})
		},
	} {
		o.no(name+" without a record", nil, f)
	}
	same(t, "nothing changed", o.stored(u.ID), u)
	o.view(func(r account.Reader) error {
		list, err := r.Sessions(u.ID)
		same(t, "sessions", list, []account.Session{x})
		return err
	})
}

// accountHalf: a closure that went on after an error is undone as a whole.
func accountHalf(t *testing.T, o *office) {
	u := o.add(o.user("yamada"))
	next := u
	next.Version, next.Display = 2, "新"
	o.no("went on", nil, func(tx account.Tx) error {
		if err := tx.ChangeUser(next, o.record()); err != nil {
			return err
		}
		lost := o.user("lost")
		lost.Dept = "nowhere"
		tx.AddUser(lost, o.record())
		return nil
	})
	same(t, "as before", o.stored(u.ID), u)
	stop := errors.New("stop")
	o.no("its own error", stop, func(tx account.Tx) error { return errors.Join(tx.ChangeUser(next, o.record()), stop) })
	same(t, "as before", o.stored(u.ID), u)
}

func accountReopen(t *testing.T, o *office) {
	u := o.add(o.user("yamada"))
	o.reopen()
	same(t, "after reopening", o.stored(u.ID), u)
}

// listingPages compares pages with a plain filter.
// listingPeople are the addresses of the mails of listedMails.
var listingPeople = []string{"a@town.example", "B@town.example", "c@town.example"}

// listedMails are settled mails, one a minute, to different ones of the people.
func listedMails(o *office) []gateway.Message {
	var mails []gateway.Message
	for n := range 40 {
		o.now = o.now.Add(time.Minute)
		var to []string
		for i, p := range listingPeople {
			if (n>>i)&1 == 1 {
				to = append(to, p)
			}
		}
		if len(to) == 0 {
			to = []string{"other@town.example"}
		}
		o.accept(to...)
		m := o.claim("flow")
		v := o.delivery(m)
		i := o.item(v)
		o.do(func(tx gateway.Tx) error {
			return tx.Settle(m, []gateway.Delivery{v}, []quarantine.Item{i}, o.record())
		})
		mails = append(mails, m)
	}
	return mails
}

func listingPages(t *testing.T, o *office) {
	people, mails := listingPeople, listedMails(o)
	for _, c := range []struct {
		name string
		q    gateway.PageQuery
		ok   func(gateway.Message) bool
	}{
		{"nobody's", gateway.PageQuery{}, func(gateway.Message) bool { return false }},
		{"all", gateway.PageQuery{All: true}, func(gateway.Message) bool { return true }},
		{"of one", gateway.PageQuery{Addresses: []string{"a@town.example"}}, func(m gateway.Message) bool { return slices.Contains(m.Envelope.To, people[0]) }},
		{"in any case", gateway.PageQuery{Addresses: []string{"b@town.example"}}, func(m gateway.Message) bool { return slices.Contains(m.Envelope.To, people[1]) }},
		{"of two", gateway.PageQuery{Addresses: []string{"a@town.example", "c@town.example"}}, func(m gateway.Message) bool {
			return slices.Contains(m.Envelope.To, people[0]) || slices.Contains(m.Envelope.To, people[2])
		}},
		{"a state that none has", gateway.PageQuery{All: true, State: "accepted"}, func(gateway.Message) bool { return false }},
		{"one receipt", gateway.PageQuery{All: true, Receipt: mails[7].Receipt}, func(m gateway.Message) bool { return m.ID == mails[7].ID }},
		{"another's receipt", gateway.PageQuery{Addresses: []string{"nobody@town.example"}, Receipt: mails[7].Receipt}, func(gateway.Message) bool { return false }},
		{"one's own receipt", gateway.PageQuery{Addresses: []string{"a@town.example"}, Receipt: mails[7].Receipt}, func(m gateway.Message) bool { return m.ID == mails[7].ID }},
		{"after", gateway.PageQuery{All: true, After: mails[30].ReceivedAt}, func(m gateway.Message) bool { return !m.ReceivedAt.Before(mails[30].ReceivedAt) }},
		{"before", gateway.PageQuery{All: true, Before: mails[3].ReceivedAt}, func(m gateway.Message) bool { return m.ReceivedAt.Before(mails[3].ReceivedAt) }},
	} {
		for _, limit := range []int{1, 7, 200} {
			var want []string
			for _, m := range slices.Backward(mails) {
				if c.ok(m) {
					want = append(want, string(m.ID))
				}
			}
			c.q.Limit = limit
			same(t, fmt.Sprintf("%s by %d", c.name, limit), strings.Join(turnPages(t, o, c.q), " "), strings.Join(want, " "))
		}
	}
	listingOfMail(t, o, mails)
}

// turnPages reads page after page to the end.
func turnPages(t *testing.T, o *office, q gateway.PageQuery) []string {
	t.Helper()
	var got []string
	for pages := 0; ; pages++ {
		page, next, err := o.lists.MessagePage(context.Background(), q)
		if err != nil || len(page) > q.Limit || pages > 100 {
			t.Fatal(len(page), pages, err)
		}
		for _, m := range page {
			got = append(got, string(m.ID))
		}
		if q.Behind = next; next == 0 {
			return got
		}
	}
}

// listingOfMail lists what belongs to mails: items and records.
func listingOfMail(t *testing.T, o *office, mails []gateway.Message) {
	items, _, err := o.lists.ItemPage(context.Background(), gateway.PageQuery{Addresses: []string{"b@town.example"}, Limit: 100})
	n := 0
	for _, m := range mails {
		if strings.EqualFold(m.Envelope.To[0], "b@town.example") { // the item is the first recipient's
			n++
		}
	}
	if err != nil || len(items) != n {
		t.Errorf("%d items of %d, %v", len(items), n, err)
	}
	items, _, err = o.lists.ItemPage(context.Background(), gateway.PageQuery{All: true, Message: mails[5].ID})
	if err != nil || len(items) != 1 || items[0].Message != string(mails[5].ID) {
		t.Errorf("items of a mail: %v %v", items, err)
	}
	rows, _, err := o.lists.RecordPage(context.Background(), gateway.PageQuery{All: true, Message: mails[5].ID})
	if err != nil || len(rows) != 2 || rows[0].ID < rows[1].ID {
		t.Errorf("records of a mail: %d %v", len(rows), err)
	}
}

func listingAnswers(t *testing.T, o *office) {
	a := gateway.Answer{Who: "u1", Key: "k", Request: [32]byte{1}, At: o.now}
	begin := func(a gateway.Answer) (gateway.Answer, bool) {
		t.Helper()
		got, found, err := o.lists.BeginAnswer(context.Background(), a)
		if err != nil {
			t.Fatal(err)
		}
		return got, found
	}
	if _, found := begin(a); found {
		t.Error("found before it began")
	}
	if got, found := begin(a); !found || got.Status != 0 {
		t.Errorf("under way: %v %v", got, found)
	}
	other := a
	other.Who = "u2"
	if _, found := begin(other); found {
		t.Error("another's key")
	}
	done := a
	done.Status, done.Header, done.Body = 200, "application/json", []byte("{}")
	if err := o.lists.FinishAnswer(context.Background(), done); err != nil {
		t.Fatal(err)
	}
	later := a
	later.At = o.now.Add(23 * time.Hour)
	got, found := begin(later)
	same(t, "answer", got, done)
	if !found {
		t.Error("not found")
	}
	later.At = o.now.Add(25 * time.Hour)
	if _, found := begin(later); found {
		t.Error("found after a day")
	}
	later.Status = 0
	if err := o.lists.FinishAnswer(context.Background(), later); err != nil {
		t.Fatal(err)
	}
	if _, found := begin(later); found {
		t.Error("found after it was given up")
	}
	died := later
	died.At = later.At.Add(6 * time.Minute)
	if _, found := begin(died); found {
		t.Error("a request that died keeps its key")
	}
}
