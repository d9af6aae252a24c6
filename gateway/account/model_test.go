package account_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sekisho/gateway/account"
)

// book is what must be true of roles whatever people try: written without the
// service's rules, from the records that it leaves.
type book struct {
	w        *world
	people   []account.User
	asked    map[string]string // proposal: who asked
	proposed map[string]string // proposal: for whom
}

// TestRolesModel lets administrators, others and the machine's user grant,
// revoke, disable, confirm and withdraw in any order. An office that had an
// administrator keeps an active one, no auditor audits themselves, nobody gets
// a role from their own hand; those who decide or audit get theirs from two
// others, or of the machine's user while there are not two.
func TestRolesModel(t *testing.T) {
	w := newWorld(t)
	b := &book{w: w, asked: map[string]string{}, proposed: map[string]string{}, people: []account.User{w.admin().User}}
	for i := range 4 {
		u := w.user(fmt.Sprintf("user%d", i), account.Staff)
		w.signIn(u, good) // with a factor: each could be an administrator at once
		b.people = append(b.people, u)
	}
	rapid.Check(t, func(t *rapid.T) {
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			b.step(t)
			b.check(t)
		}
	})
}

// principal is a person as of now, or the machine's user; sessions are short-cut.
func (b *book) principal(t *rapid.T) account.Principal {
	n := rapid.IntRange(-1, len(b.people)-1).Draw(t, "who")
	if n < 0 {
		return console
	}
	u := b.stored(b.people[n].ID)
	now := b.w.Now()
	return account.Principal{User: u, Session: account.Session{ID: "s", User: u.ID, CreatedAt: now, SeenAt: now, ProvedAt: now}}
}

// able counts the active administrators but one.
func (b *book) able(but string) int {
	n := 0
	for _, known := range b.people {
		if u := b.stored(known.ID); u.ID != but && u.State == account.Active && u.Has(account.Admin) {
			n++
		}
	}
	return n
}

func (b *book) stored(id string) account.User {
	b.w.T.Helper()
	u, err := b.w.s.User(b.w.T.Context(), console, id)
	if err != nil {
		b.w.T.Fatal(err)
	}
	return u
}

func (b *book) step(t *rapid.T) {
	ctx, s := b.w.T.Context(), b.w.s
	p := b.principal(t)
	u := b.stored(b.people[rapid.IntRange(0, len(b.people)-1).Draw(t, "whom")].ID)
	role := rapid.SampledFrom(account.Roles()).Draw(t, "role")
	before := u
	able := b.able(u.ID)
	var err error
	switch rapid.SampledFrom([]string{"grant", "revoke", "disable", "enable", "confirm", "withdraw"}).Draw(t, "act") {
	case "grant":
		var waits *account.Proposal
		_, waits, err = s.Grant(ctx, p, u.ID, 0, role)
		if waits != nil {
			if _, known := b.asked[waits.ID]; !known {
				b.asked[waits.ID], b.proposed[waits.ID] = p.ID(), u.ID
			}
		}
		after := b.stored(u.ID)
		weighs := role == account.Approver || role == account.Admin || role == account.Auditor
		if weighs && after.Has(role) && !before.Has(role) && !(p.ID() == console.ID() && able < 2) {
			t.Fatalf("one person made %s, with %d who could confirm", role, able)
		}
		if !slices.Equal(after.Roles, before.Roles) && p.ID() == u.ID {
			t.Fatal("a role from one's own hand")
		}
	case "revoke":
		_, err = s.Revoke(ctx, p, u.ID, 0, role)
	case "disable":
		_, err = s.Disable(ctx, p, u.ID, 0)
	case "enable":
		_, err = s.Enable(ctx, p, u.ID, 0)
	default:
		b.proposal(t, p)
		return
	}
	if err == nil && p.ID() != console.ID() && !(p.User.State == account.Active && p.User.Has(account.Admin)) {
		t.Fatalf("%v with %v did it", p.ID(), p.User.Roles)
	}
	var refused account.Refusal
	if err != nil && !errors.As(err, &refused) {
		t.Fatal(err)
	}
}

// proposal confirms or withdraws one that waits.
func (b *book) proposal(t *rapid.T, p account.Principal) {
	ctx, s := b.w.T.Context(), b.w.s
	open, err := s.Proposals(ctx, console)
	if err != nil {
		t.Fatal(err)
	}
	if len(open) == 0 {
		return
	}
	w := open[rapid.IntRange(0, len(open)-1).Draw(t, "proposal")]
	if rapid.Bool().Draw(t, "withdraw") {
		if s.Withdraw(ctx, p, w.ID) == nil && p.ID() != console.ID() && !p.User.Has(account.Admin) {
			t.Fatal("a stranger withdrew it")
		}
		return
	}
	if _, err := s.Confirm(ctx, p, w.ID); err != nil {
		return
	}
	switch p.ID() {
	case b.asked[w.ID], b.proposed[w.ID], console.ID():
		t.Fatalf("%s confirmed what %s asked for %s", p.ID(), b.asked[w.ID], b.proposed[w.ID])
	}
	if !p.User.Has(account.Admin) || p.User.State != account.Active {
		t.Fatalf("%v confirmed", p.User.Roles)
	}
}

func (b *book) check(t *rapid.T) {
	admins := 0
	for _, known := range b.people {
		u := b.stored(known.ID)
		if u.State == account.Active && u.Has(account.Admin) {
			admins++
		}
		if u.Has(account.Auditor) && (u.Has(account.Admin) || u.Has(account.Operator)) || len(u.Roles) == 0 {
			t.Fatalf("%s has %v", u.Name, u.Roles)
		}
	}
	if admins == 0 {
		t.Fatal("no active administrator is left")
	}
}
