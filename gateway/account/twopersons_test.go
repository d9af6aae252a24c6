package account_test

import (
	"slices"
	"testing"

	"sekisho/audit"
	"sekisho/gateway/account"
)

// office2 is an office with two administrators who can sign in.
type office2 struct {
	*world
	a, b account.Principal
}

// newOffice2 lets others join before there are two who could confirm.
func newOffice2(t *testing.T, others ...func(*world)) *office2 {
	w := newWorld(t)
	o := &office2{world: w, a: w.admin()}
	b := w.user("fuku", account.Admin)
	for _, join := range others {
		join(w)
	}
	o.b, _ = w.signIn(b, good)
	return o
}

// third is one more administrator.
func (o *office2) third() account.User {
	o.T.Helper()
	u := o.user("third", account.Staff)
	_, waits, err := o.s.Grant(o.T.Context(), o.fresh(o.a), u.ID, 0, account.Admin)
	if err != nil {
		o.T.Fatal(err)
	}
	if _, err := o.s.Confirm(o.T.Context(), o.fresh(o.b), waits.ID); err != nil {
		o.T.Fatal(err)
	}
	return o.kept(u)
}

// kept is an account as it is stored.
func (o *office2) kept(u account.User) account.User { return o.fresh(account.Principal{User: u}).User }

// TestTwoPersons: what makes somebody who decides or audits, or lets one act as them,
// is done by two administrators and by no one alone.
func TestTwoPersons(t *testing.T) {
	grant := func(r account.Role) func(*office2, account.Principal, account.User) (account.Outcome, error) {
		return func(o *office2, p account.Principal, u account.User) (account.Outcome, error) {
			u, waits, err := o.s.Grant(t.Context(), p, u.ID, 0, r)
			return account.Outcome{User: u, Waits: waits}, err
		}
	}
	mailboxes := func(list ...string) func(*office2, account.Principal, account.User) (account.Outcome, error) {
		return func(o *office2, p account.Principal, u account.User) (account.Outcome, error) {
			return o.s.ChangeUser(t.Context(), p, u.ID, 0, account.Change{Addresses: &list})
		}
	}
	resetFactor := func(o *office2, p account.Principal, u account.User) (account.Outcome, error) {
		return o.s.ResetFactor(t.Context(), p, u.ID, 0)
	}
	resetPassword := func(o *office2, p account.Principal, u account.User) (account.Outcome, error) {
		return o.s.ResetPassword(t.Context(), p, u.ID, 0)
	}
	for name, c := range map[string]struct {
		roles []account.Role
		act   func(*office2, account.Principal, account.User) (account.Outcome, error)
		two   bool
		done  func(before, after account.User) bool
	}{
		"approver":            {[]account.Role{account.Staff}, grant(account.Approver), true, func(_, u account.User) bool { return u.Has(account.Approver) }},
		"admin":               {[]account.Role{account.Staff}, grant(account.Admin), true, func(_, u account.User) bool { return u.Has(account.Admin) }},
		"auditor":             {[]account.Role{account.Staff}, grant(account.Auditor), true, func(_, u account.User) bool { return u.Has(account.Auditor) }},
		"operator":            {[]account.Role{account.Staff}, grant(account.Operator), false, func(_, u account.User) bool { return u.Has(account.Operator) }},
		"password, approver":  {[]account.Role{account.Approver}, resetPassword, true, func(b, u account.User) bool { return u.Password != b.Password }},
		"password, admin":     {[]account.Role{account.Admin}, resetPassword, true, func(b, u account.User) bool { return u.Password != b.Password }},
		"password, auditor":   {[]account.Role{account.Auditor}, resetPassword, true, func(b, u account.User) bool { return u.Password != b.Password }},
		"password, operator":  {[]account.Role{account.Operator}, resetPassword, true, func(b, u account.User) bool { return u.Password != b.Password }},
		"password, staff":     {[]account.Role{account.Staff}, resetPassword, false, func(b, u account.User) bool { return u.Password != b.Password }},
		"factor, approver":    {[]account.Role{account.Approver}, resetFactor, true, func(_, u account.User) bool { return !u.Factor.Confirmed }},
		"factor, staff":       {[]account.Role{account.Staff}, resetFactor, false, func(_, u account.User) bool { return !u.Factor.Confirmed }},
		"mailbox of another":  {[]account.Role{account.Staff}, mailboxes("who@town.example", "yamada@town.example"), true, func(_, u account.User) bool { return len(u.Addresses) == 2 }},
		"mailbox of nobody":   {[]account.Role{account.Staff}, mailboxes("who@town.example", "new@town.example"), false, func(_, u account.User) bool { return len(u.Addresses) == 2 }},
		"mailbox, approver":   {[]account.Role{account.Approver}, mailboxes("who@town.example", "new@town.example"), true, func(_, u account.User) bool { return len(u.Addresses) == 2 }},
		"one mailbox less":    {[]account.Role{account.Approver}, mailboxes(), false, func(_, u account.User) bool { return len(u.Addresses) == 0 }},
		"one for another one": {[]account.Role{account.Staff}, mailboxes("new@town.example"), false, func(_, u account.User) bool { return slices.Equal(u.Addresses, []string{"new@town.example"}) }},
	} {
		t.Run(name, func(t *testing.T) {
			var u account.User
			o := newOffice2(t, func(w *world) {
				w.user("yamada", account.Staff)
				u = w.user("who", c.roles...)
			})
			p, _ := o.signIn(u, good)
			before := o.kept(u)
			// The machine's user does it alone only where one person does it.
			if c.two {
				_, err := c.act(o, console, before)
				refused(t, "the machine's user", err, account.ErrTwoAdmins)
			}
			out, err := c.act(o, o.fresh(o.a), before)
			if err != nil {
				t.Fatal(err)
			}
			if !c.two {
				if out.Waits != nil || !c.done(before, o.kept(u)) {
					t.Errorf("not done at once: %+v", out)
				}
				return
			}
			if out.Waits == nil || out.Password != "" || c.done(before, o.kept(u)) {
				t.Fatalf("done by one: %+v", out)
			}
			if again, err := c.act(o, o.fresh(o.a), before); err != nil || again.Waits == nil || again.Waits.ID != out.Waits.ID {
				t.Errorf("asked twice: %+v %v", again.Waits, err)
			}
			for who, q := range map[string]account.Principal{"the proposer": o.fresh(o.a), "the machine's user": console} {
				_, err := o.s.Confirm(t.Context(), q, out.Waits.ID)
				refused(t, who, err, account.ErrSamePerson)
			}
			if _, err := o.s.Confirm(t.Context(), o.fresh(p), out.Waits.ID); err == nil {
				t.Error("confirmed for oneself")
			}
			got, err := o.s.Confirm(t.Context(), o.fresh(o.b), out.Waits.ID)
			if err != nil || !c.done(before, o.kept(u)) {
				t.Fatalf("%+v %v", got, err)
			}
			if e := o.Events("user.changed"); e[len(e)-1].Decision.RequestID != out.Waits.ID || e[len(e)-1].Decision.Order != 2 || e[len(e)-1].Actor.ID != o.b.User.ID {
				t.Errorf("record %+v", e[len(e)-1])
			}
			if out.Waits.Act == account.ActGrant {
				return
			}
			if by := got.User.GivenBy(o.Now()); !slices.Contains(by, o.a.User.ID) || !slices.Contains(by, o.b.User.ID) {
				t.Errorf("given by %v", by)
			}
			if (got.Password != "") != (out.Waits.Act == account.ActPassword) {
				t.Errorf("password %q", got.Password)
			}
		})
	}
}

// TestMadeByTwo: a new account gets what takes two persons by the second one.
func TestMadeByTwo(t *testing.T) {
	o := newOffice2(t)
	o.user("yamada", account.Staff)
	n := account.NewUser{Name: "yurei", Display: "幽霊", Dept: "zeimu", Addresses: []string{"yurei@town.example", "yamada@town.example"},
		Roles: []account.Role{account.Approver}, Password: good}
	_, _, err := o.s.AddUser(t.Context(), console, n)
	refused(t, "the machine's user", err, account.ErrTwoAdmins)
	u, waits, err := o.s.AddUser(t.Context(), o.fresh(o.a), n)
	if err != nil || waits == nil || u.Privileged() || !slices.Equal(u.Addresses, []string{"yurei@town.example"}) ||
		!slices.Equal(u.GivenBy(o.Now()), []string{o.a.User.ID}) {
		t.Fatalf("%+v %+v %v", u, waits, err)
	}
	out, err := o.s.Confirm(t.Context(), o.fresh(o.b), waits.ID)
	if err != nil || !out.User.Has(account.Approver) || len(out.User.Addresses) != 2 {
		t.Errorf("%+v %v", out, err)
	}
}

// TestOneIsNotTwo: who gave another administrator the password does not confirm with
// that account, nor the other for them, for a week; nor does anybody for who is gone.
func TestOneIsNotTwo(t *testing.T) {
	o := newOffice2(t)
	c, _ := o.signIn(o.third(), good)
	who := o.user("who", account.Staff)
	ask := func(by account.Principal) string {
		_, waits, err := o.s.Grant(t.Context(), o.fresh(by), who.ID, 0, account.Approver)
		if err != nil || waits == nil {
			t.Fatal(waits, err)
		}
		return waits.ID
	}
	reset, err := o.s.ResetPassword(t.Context(), o.fresh(o.a), c.User.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.s.Confirm(t.Context(), o.fresh(o.b), reset.Waits.ID); err != nil {
		t.Fatal(err)
	}
	own := func(p account.Principal) account.Principal { // c has a password and a factor of their own again
		p = o.fresh(p)
		p.User.MustChange = false
		return p
	}
	id := ask(o.a)
	_, err = o.s.Confirm(t.Context(), own(c), id)
	refused(t, "with the account whose password the proposer gave", err, account.ErrSamePerson)
	if err := o.s.Withdraw(t.Context(), o.fresh(o.a), id); err != nil {
		t.Fatal(err)
	}
	o.Wait(account.CredentialTime)
	id = ask(o.a)
	if _, err := o.s.Confirm(t.Context(), own(c), id); err != nil {
		t.Error("a week later:", err)
	}
}

// TestProposerMustStay: what an administrator proposed who is none any more waits for
// nobody.
func TestProposerMustStay(t *testing.T) {
	o := newOffice2(t)
	who := o.user("who", account.Staff)
	_, waits, err := o.s.Grant(t.Context(), o.fresh(o.a), who.ID, 0, account.Approver)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.s.Disable(t.Context(), console, o.a.User.ID, 0); err != nil {
		t.Fatal(err)
	}
	_, err = o.s.Confirm(t.Context(), o.fresh(o.b), waits.ID)
	refused(t, "the proposer is gone", err, account.ErrConflict)
}

// TestMachineHelps: with one administrator who can act, or none, the machine's user
// does what takes two, for nobody else can; the account remembers it.
func TestMachineHelps(t *testing.T) {
	o := newOffice2(t)
	out, err := o.s.ResetFactor(t.Context(), console, o.a.User.ID, 0) // only fuku is left to do it
	if err != nil || out.Waits != nil || !slices.Contains(out.User.GivenBy(o.Now()), console.ID()) {
		t.Errorf("%+v %v", out, err)
	}
	if e := o.Events("user.changed"); e[len(e)-1].Actor.Type != audit.ActorOS {
		t.Errorf("record %+v", e[len(e)-1])
	}
	if _, err := o.s.ResetPassword(t.Context(), console, o.b.User.ID, 0); err != nil {
		t.Error("and the other:", err)
	}
}
