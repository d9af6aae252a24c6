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
)

// OpenAccounts opens a ledger with its accounts and lists in a directory.
type OpenAccounts func(dir string) (gateway.Ledger, account.Store, gateway.Listing, error)

// Accounts runs the suite for accounts and lists.
func Accounts(t *testing.T, open OpenAccounts) {
	cases := []struct {
		name string
		run  func(*testing.T, *office)
	}{
		{"users", accountUsers},
		{"versions", accountVersions},
		{"sign-ins", accountSignIns},
		{"sessions", accountSessions},
		{"tokens", accountTokens},
		{"attempts", accountAttempts},
		{"departments and deputies", accountDeputies},
		{"proposals", accountProposals},
		{"no change without a record", accountNeedsRecord},
		{"half a change is none", accountHalf},
		{"pages", listingPages},
		{"answers", listingAnswers},
		{"reopen", accountReopen},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := &office{}
			o.desk = newDesk(t, t.TempDir(), func(dir string) (gateway.Ledger, error) {
				var l gateway.Ledger
				var err error
				l, o.store, o.lists, err = open(dir)
				return l, err
			})
			defer o.close()
			o.change(func(tx account.Tx) error {
				return tx.PutDepartment(account.Department{ID: "zeimu", Name: "税務課"}, o.record())
			})
			c.run(t, o)
		})
	}
}

// office is a desk with accounts.
type office struct {
	*desk
	store account.Store
	lists gateway.Listing
}

// change runs what must succeed.
func (o *office) change(f func(account.Tx) error) {
	o.t.Helper()
	if err := o.store.Do(context.Background(), f); err != nil {
		o.t.Fatalf("do: %v", err)
	}
}

// no runs what must fail as want says.
func (o *office) no(what string, want error, f func(account.Tx) error) {
	o.t.Helper()
	if err := o.store.Do(context.Background(), f); err == nil || want != nil && !errors.Is(err, want) {
		o.t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

// view reads.
func (o *office) view(f func(account.Reader) error) {
	o.t.Helper()
	if err := o.store.View(context.Background(), f); err != nil {
		o.t.Fatalf("view: %v", err)
	}
}

// user returns a user with every field set.
func (o *office) user(name string, roles ...account.Role) account.User {
	if len(roles) == 0 {
		roles = []account.Role{account.Staff, account.Approver}
	}
	return account.User{ID: string(o.id()), Name: name, Display: "山田 " + name, Dept: "zeimu", Addresses: []string{name + "@town.example", "z@town.example"},
		Roles: roles, State: account.Active, Password: "$argon2id$x", Long: true, MustChange: true,
		Factor:   account.Factor{Sealed: []byte("12345678901234567890"), Confirmed: true, Step: 7},
		Recovery: []account.Digest{account.DigestOf("a"), account.DigestOf("b")}, CreatedAt: o.now, ChangedAt: o.now.Add(1), LastSignIn: o.now.Add(2), Version: 1,
		Given: account.Given{By: []string{"os:uid 7", "kanri"}, At: o.now.Add(3)}}
}

func (o *office) add(u account.User) account.User {
	o.t.Helper()
	o.change(func(tx account.Tx) error { return tx.AddUser(u, o.record()) })
	return u
}

func (o *office) stored(id string) account.User {
	o.t.Helper()
	var u account.User
	o.view(func(r account.Reader) error {
		var err error
		u, err = r.User(id)
		return err
	})
	return u
}

func accountUsers(t *testing.T, o *office) {
	full := o.add(o.user("yamada"))
	bare := account.User{ID: string(o.id()), Name: "bare", Display: "b", Roles: []account.Role{account.Auditor}, State: account.Disabled, CreatedAt: o.now, ChangedAt: o.now, Version: 1}
	o.add(bare)
	same(t, "full user", o.stored(full.ID), full)
	same(t, "bare user", o.stored(bare.ID), bare)
	o.view(func(r account.Reader) error {
		u, err := r.UserNamed("yamada")
		same(t, "by name", u, full)
		if _, err := r.User("no"); !errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("unknown id: %v", err)
		}
		if _, err := r.UserNamed("no"); !errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("unknown name: %v", err)
		}
		return err
	})
	twice := o.user("yamada")
	o.no("a name twice", account.ErrExists, func(tx account.Tx) error { return tx.AddUser(twice, o.record()) })
	lost := o.user("lost")
	lost.Dept = "nowhere"
	o.no("a department that is not there", nil, func(tx account.Tx) error { return tx.AddUser(lost, o.record()) })
	none := o.user("none")
	none.Roles = nil
	o.no("no role", nil, func(tx account.Tx) error { return tx.AddUser(none, o.record()) })
	for n := range 7 {
		o.add(o.user(fmt.Sprintf("u%d", n), []account.Role{account.Staff, account.Admin}[n%2]))
	}
	for _, c := range []struct {
		name string
		q    account.UserQuery
		want string
	}{
		{"all", account.UserQuery{}, "bare u0 u1 u2 u3 u4 u5 u6 yamada"},
		{"a page", account.UserQuery{Limit: 3}, "bare u0 u1"},
		{"the next", account.UserQuery{Limit: 3, After: "u1"}, "u2 u3 u4"},
		{"a role", account.UserQuery{Role: account.Admin}, "u1 u3 u5"},
		{"a state", account.UserQuery{State: account.Disabled}, "bare"},
		{"a department", account.UserQuery{Dept: "zeimu", Role: account.Approver}, "yamada"},
		{"nobody", account.UserQuery{Dept: "soumu"}, ""},
	} {
		o.view(func(r account.Reader) error {
			list, err := r.Users(c.q)
			var names []string
			for _, u := range list {
				names = append(names, u.Name)
			}
			same(t, c.name, strings.Join(names, " "), c.want)
			return err
		})
	}
}

func accountVersions(t *testing.T, o *office) {
	u := o.add(o.user("yamada"))
	next := u
	next.Display, next.Dept, next.Addresses, next.Roles, next.State = "別の名", "", nil, []account.Role{account.Operator}, account.Disabled
	next.Password, next.Long, next.MustChange, next.Factor, next.Recovery, next.Version = "", false, false, account.Factor{}, nil, 2
	o.change(func(tx account.Tx) error { return tx.ChangeUser(next, o.record()) })
	same(t, "changed", o.stored(u.ID), next)
	for _, v := range []int64{1, 2, 4} {
		bad := next
		bad.Version = v
		o.no(fmt.Sprintf("version %d", v), account.ErrConflict, func(tx account.Tx) error { return tx.ChangeUser(bad, o.record()) })
	}
	gone := o.user("gone")
	gone.Version = 2
	o.no("nobody", account.ErrConflict, func(tx account.Tx) error { return tx.ChangeUser(gone, o.record()) })
	same(t, "after refusals", o.stored(u.ID), next)
}

func accountSignIns(t *testing.T, o *office) {
	u := o.add(o.user("yamada"))
	in := u
	in.LastSignIn, in.Factor.Step, in.Recovery = o.now.Add(time.Hour), 9, u.Recovery[1:]
	spoilt := in
	spoilt.Display, spoilt.Password, spoilt.Roles = "x", "y", []account.Role{account.Admin}
	o.change(func(tx account.Tx) error { return tx.SignedIn(spoilt, o.record()) })
	same(t, "signed in", o.stored(u.ID), in)
	back := in
	back.Factor.Step = 8
	o.no("a step back", nil, func(tx account.Tx) error { return tx.SignedIn(back, o.record()) })
	same(t, "after a step back", o.stored(u.ID), in)
}

func (o *office) session(u account.User, at time.Time) account.Session {
	id := string(o.id())
	return account.Session{ID: id, Sum: account.DigestOf(id), User: u.ID, Auth: "password+totp", IP: "192.0.2.1", Agent: "x", CreatedAt: at, SeenAt: at, ProvedAt: at}
}

func accountSessions(t *testing.T, o *office) {
	u, v := o.add(o.user("yamada")), o.add(o.user("tanaka"))
	var all []account.Session
	for n := range 3 {
		all = append(all, o.session(u, o.now.Add(time.Duration(n)*time.Minute)))
	}
	other := o.session(v, o.now)
	for _, x := range append(slices.Clone(all), other) {
		o.change(func(tx account.Tx) error { return tx.AddSession(x, o.record()) })
	}
	list := func(id string) []account.Session {
		var out []account.Session
		o.view(func(r account.Reader) error {
			var err error
			out, err = r.Sessions(id)
			return err
		})
		return out
	}
	same(t, "sessions", list(u.ID), all)
	old := all[1].Sum
	all[1].Sum, all[1].Auth, all[1].ProvedAt = account.DigestOf("new"), "password", o.now.Add(time.Hour)
	o.change(func(tx account.Tx) error { return tx.RotateSession(all[1], o.record()) })
	all[2].SeenAt = o.now.Add(2 * time.Hour)
	o.change(func(tx account.Tx) error { return tx.SeeSession(all[2].ID, all[2].SeenAt) })
	same(t, "rotated and seen", list(u.ID), all)
	o.view(func(r account.Reader) error {
		x, err := r.Session(all[1].Sum)
		same(t, "by secret", x, all[1])
		if _, err := r.Session(old); !errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("the old secret: %v", err)
		}
		return err
	})
	o.change(func(tx account.Tx) error { return tx.EndSession(all[0].ID, o.record()) })
	o.change(func(tx account.Tx) error {
		n, err := tx.EndSessions(u.ID, all[2].ID, o.record())
		if n != 1 {
			t.Errorf("%d ended", n)
		}
		return err
	})
	same(t, "the one that stays", list(u.ID), all[2:])
	o.no("rotate what is over", account.ErrSession, func(tx account.Tx) error { return tx.RotateSession(all[0], o.record()) })
	same(t, "another's", list(v.ID), []account.Session{other})
	o.change(func(tx account.Tx) error { return tx.Tidy(o.now.Add(time.Minute), o.now) })
	same(t, "tidied", append(list(u.ID), list(v.ID)...), all[2:])
}

func accountTokens(t *testing.T, o *office) {
	u, v := o.add(o.user("yamada")), o.add(o.user("tanaka"))
	make := func(u account.User, at time.Time) account.Token {
		id := string(o.id())
		return account.Token{ID: id, Sum: account.DigestOf(id), User: u.ID, Name: "集計", Scopes: []account.Capability{account.ReadAudit, account.ReadUsers},
			CreatedAt: at, ExpiresAt: at.Add(time.Hour)}
	}
	a, b, c := make(u, o.now), make(u, o.now.Add(1)), make(v, o.now.Add(2))
	for _, k := range []account.Token{a, b, c} {
		o.change(func(tx account.Tx) error { return tx.AddToken(k, o.record()) })
	}
	a.UsedAt = o.now.Add(time.Minute)
	o.change(func(tx account.Tx) error { return tx.SeeToken(a.ID, a.UsedAt) })
	o.view(func(r account.Reader) error {
		k, err := r.Token(a.Sum)
		same(t, "by secret", k, a)
		own, err2 := r.Tokens(u.ID)
		same(t, "of one", own, []account.Token{a, b})
		all, err3 := r.Tokens("")
		same(t, "of all", all, []account.Token{a, b, c})
		return errors.Join(err, err2, err3)
	})
	o.change(func(tx account.Tx) error { return tx.EndToken(c.ID, o.record()) })
	o.no("end it again", gateway.ErrNotFound, func(tx account.Tx) error { return tx.EndToken(c.ID, o.record()) })
	o.change(func(tx account.Tx) error {
		n, err := tx.EndTokens(u.ID, o.record())
		if n != 2 {
			t.Errorf("%d ended", n)
		}
		return err
	})
}

func accountAttempts(t *testing.T, o *office) {
	read := func(key string) account.Attempts {
		var a account.Attempts
		o.view(func(r account.Reader) error {
			var err error
			a, err = r.Attempts(key)
			return err
		})
		return a
	}
	few := account.Attempts{N: 3, Last: o.now, Until: o.now.Add(time.Second)}
	hard := account.Attempts{N: account.HardCap, Last: o.now, Until: o.now.Add(time.Second)}
	o.change(func(tx account.Tx) error { return errors.Join(tx.PutAttempts("a", few), tx.PutAttempts("b", hard)) })
	same(t, "few", read("a"), few)
	few.N++
	o.change(func(tx account.Tx) error { return tx.PutAttempts("a", few) })
	same(t, "one more", read("a"), few)
	o.change(func(tx account.Tx) error { return tx.Tidy(o.now, o.now.Add(time.Second)) })
	same(t, "tidied", read("a"), account.Attempts{})
	same(t, "the cap stays", read("b"), hard)
	o.change(func(tx account.Tx) error { return tx.PutAttempts("b", account.Attempts{}) })
	same(t, "forgotten", read("b"), account.Attempts{})
}
