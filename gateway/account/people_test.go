package account_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/gateway"
	"sekisho/gateway/account"
)

// TestFirstAdmin: there is nobody at first; the machine's user makes the first two
// administrators alone, and no further one.
func TestFirstAdmin(t *testing.T) {
	w := newWorld(t)
	all, err := w.s.Users(t.Context(), console, account.UserQuery{})
	if err != nil || len(all) != 0 {
		t.Fatalf("accounts of a new ledger: %v %v", all, err)
	}
	nobody := account.Principal{}
	_, _, err = w.s.AddUser(t.Context(), nobody, account.NewUser{Name: "x1", Display: "x", Roles: []account.Role{account.Admin}})
	refused(t, "nobody makes one", err, account.ErrSession)
	p := w.admin()
	_, err = w.s.Disable(t.Context(), console, p.User.ID, 0)
	refused(t, "the last one", err, account.ErrLastAdmin)
	_, err = w.s.Revoke(t.Context(), console, p.User.ID, 0, account.Admin)
	refused(t, "the last one", err, account.ErrLastAdmin)
	second := w.user("second", account.Admin, account.Staff)
	if !second.Has(account.Admin) || !second.MustChange || !slices.Equal(second.Given.By, []string{console.ID()}) {
		t.Fatalf("%+v", second)
	}
	b, _ := w.signIn(second, good)
	_, _, err = w.s.AddUser(t.Context(), console, account.NewUser{Name: "third", Display: "三", Roles: []account.Role{account.Admin}})
	refused(t, "a third by the machine's user", err, account.ErrTwoAdmins)
	_, waits, err := w.s.AddUser(t.Context(), w.fresh(b), account.NewUser{Name: "third", Display: "三", Roles: []account.Role{account.Admin}})
	if err != nil || waits == nil {
		t.Fatalf("a third at once: %v %v", waits, err)
	}
	if _, err := w.s.Disable(t.Context(), console, p.User.ID, 0); err != nil {
		t.Error(err)
	}
	w.Wait(account.ProposalTime)
	_, err = w.s.Confirm(t.Context(), w.fresh(p), waits.ID)
	refused(t, "too late, and by a disabled one", err, account.ErrSession)
}

// fresh is the principal as of now with a proof of this moment.
func (w *world) fresh(p account.Principal) account.Principal {
	w.T.Helper()
	u, err := w.s.User(w.T.Context(), console, p.User.ID)
	if err != nil {
		w.T.Fatal(err)
	}
	p.User, p.Session.ProvedAt, p.Session.SeenAt = u, w.Now(), w.Now()
	return p
}

func TestBadUsers(t *testing.T) {
	w := newWorld(t)
	good := account.NewUser{Name: "yamada", Display: "山田", Dept: "zeimu", Addresses: []string{"Yamada@Town.example"}, Roles: []account.Role{account.Staff}}
	with := func(f func(*account.NewUser)) account.NewUser {
		n := good
		f(&n)
		return n
	}
	for _, c := range []struct {
		name string
		n    account.NewUser
		want account.Refusal
	}{
		{"no name", with(func(n *account.NewUser) { n.Name = "" }), account.ErrName},
		{"a space", with(func(n *account.NewUser) { n.Name = "ya mada" }), account.ErrName},
		{"a name like an address", with(func(n *account.NewUser) { n.Name = "a@b" }), account.ErrName},
		{"too long", with(func(n *account.NewUser) { n.Name = strings.Repeat("x", 65) }), account.ErrName},
		{"no display", with(func(n *account.NewUser) { n.Display = " " }), account.ErrName},
		{"a turned text", with(func(n *account.NewUser) { n.Display = "a\u202eb" }), account.ErrName},
		{"a line", with(func(n *account.NewUser) { n.Display = "a\nb" }), account.ErrName},
		{"no such department", with(func(n *account.NewUser) { n.Dept = "x" }), account.ErrDepartment},
		{"no address", with(func(n *account.NewUser) { n.Addresses = []string{"yamada"} }), account.ErrMail},
		{"all of a domain", with(func(n *account.NewUser) { n.Addresses = []string{"@town.example"} }), account.ErrMail},
		{"no role", with(func(n *account.NewUser) { n.Roles = nil }), account.ErrRole},
		{"root", with(func(n *account.NewUser) { n.Roles = []account.Role{"root"} }), account.ErrRole},
		{"auditor and operator", with(func(n *account.NewUser) { n.Roles = []account.Role{account.Auditor, account.Operator} }), account.ErrRolesExclude},
		{"a poor password", with(func(n *account.NewUser) { n.Password = "yamadaみなと町yamadaみなと町" }), account.ErrOwnWords},
	} {
		_, _, err := w.s.AddUser(t.Context(), console, c.n)
		refused(t, c.name, err, c.want)
	}
	u, _, err := w.s.AddUser(t.Context(), console, with(func(n *account.NewUser) { n.Name = "ＹＡＭＡＤＡ" }))
	if err != nil || u.Name != "yamada" || !slices.Equal(u.Addresses, []string{"yamada@town.example"}) {
		t.Fatalf("%+v %v", u, err)
	}
	_, _, err = w.s.AddUser(t.Context(), console, good)
	refused(t, "twice", err, account.ErrExists)
	w.recorded("user.created success")
}

// TestMailboxes: whose mail a person sees.
func TestMailboxes(t *testing.T) {
	w := newWorld(t)
	w.user("yamada", account.Staff)
	w.user("sato", account.Staff)
	head := w.user("kacho", account.Approver)
	p, _ := w.signIn(head, good)
	list, all, err := w.s.Mailboxes(t.Context(), p, account.ReadMessages)
	slices.Sort(list)
	if err != nil || all || !slices.Equal(list, []string{"kacho@town.example", "sato@town.example", "yamada@town.example"}) {
		t.Errorf("the head: %v %v %v", list, all, err)
	}
	list, all, err = w.s.Mailboxes(t.Context(), p, account.RequestRelease)
	if err != nil || all || !slices.Equal(list, []string{"kacho@town.example"}) {
		t.Errorf("asks for: %v %v %v", list, all, err)
	}
	_, _, err = w.s.Mailboxes(t.Context(), p, account.DiscardItems)
	refused(t, "discards", err, account.ErrDenied)
	a := w.admin()
	if _, all, err := w.s.Mailboxes(t.Context(), a, account.ReadItems); err != nil || !all {
		t.Errorf("the administrator: %v %v", all, err)
	}
	if d, err := w.s.DepartmentOf(t.Context(), "Sato@town.example"); err != nil || d != "zeimu" {
		t.Errorf("whose: %q %v", d, err)
	}
	if d, err := w.s.DepartmentOf(t.Context(), "nobody@town.example"); err != nil || d != "" {
		t.Errorf("nobody's: %q %v", d, err)
	}
}

func TestDeputies(t *testing.T) {
	w := newWorld(t)
	a := w.admin()
	head, other := w.user("kacho", account.Approver), w.user("other", account.Approver)
	p, _ := w.signIn(head, good)
	d := account.Deputy{For: head.ID, By: other.ID, From: w.Now(), Until: w.Now().Add(48 * time.Hour)}
	made, err := w.s.SetDeputy(t.Context(), p, d)
	if err != nil {
		t.Fatal(err)
	}
	w.recorded("user.changed success")
	reversed := d
	reversed.For, reversed.By = other.ID, head.ID
	_, err = w.s.SetDeputy(t.Context(), p, reversed)
	refused(t, "another's deputy", err, account.ErrDenied)
	long := d
	long.Until = d.From.Add(account.MaxDeputy + 1)
	_, err = w.s.SetDeputy(t.Context(), w.fresh(a), long)
	refused(t, "for ever", err, account.ErrPeriod)
	if _, err := w.s.Disable(t.Context(), console, head.ID, 0); err != nil {
		t.Fatal(err)
	}
	got, err := w.s.Deciders(t.Context(), "zeimu")
	if err != nil || len(got) != 1 || got[0] != (account.Decider{User: other.ID}) {
		t.Errorf("deciders %+v %v", got, err) // of the department by own right
	}
	known := func(id string, want ...string) {
		t.Helper()
		u, stands, err := w.s.Known(t.Context(), id)
		var got []string
		for _, s := range stands {
			got = append(got, s.ID+" for "+s.Of.Name+", "+string(s.Of.State))
		}
		if err != nil || u.ID != id || !slices.Equal(got, want) {
			t.Errorf("stands: %q %v, want %q", got, err, want)
		}
	}
	known(other.ID, made.ID+" for "+head.Name+", disabled")
	known(head.ID)
	if _, _, err := w.s.Known(t.Context(), "nobody"); !errors.Is(err, gateway.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
	if err := w.s.EndDeputy(t.Context(), w.fresh(a), made.ID); err != nil {
		t.Fatal(err)
	}
	known(other.ID)
	var said []string
	rows, err := w.l.Pending(t.Context(), -1, 10000)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.Event.Change.Path == "deputy" {
			said = append(said, r.Event.Change.Before+" -> "+r.Event.Change.After)
		}
	}
	who := other.ID + " " + made.From.UTC().Format(time.RFC3339) + "/" + made.Until.UTC().Format(time.RFC3339)
	if want := []string{" -> " + who, who + " -> "}; !slices.Equal(said, want) {
		t.Errorf("records say %q, want %q", said, want)
	}
}

// TestPasswordIsNowhere: no secret stands in a record.
func TestPasswordIsNowhere(t *testing.T) {
	w := newWorld(t)
	u := w.user("yamada", account.Approver)
	p, key := w.signIn(u, good)
	if _, err := w.s.ChangePassword(t.Context(), p, account.PasswordChange{Old: good, New: other, Code: w.Code(key)}); err != nil {
		t.Fatal(err)
	}
	w.try("yamada", other+"まちがい", "")
	rows, err := w.l.Pending(t.Context(), -1, 10000)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		b, err := r.Event.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{good, other, "まちがい", "argon2", "はじめの合い言葉"} {
			if strings.Contains(string(b), s) {
				t.Errorf("%s", b)
			}
		}
	}
}
